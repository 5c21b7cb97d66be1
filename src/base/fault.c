/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kh_fault_armed;
static char armed_name[32];
static atomic_uint left;

void kh_fault_arm(const char *name, unsigned n)
{
    kh_fault_armed = false;
    snprintf(armed_name, sizeof(armed_name), "%s", name ? name : "");
    atomic_store(&left, n);
    kh_fault_armed = n != 0;
}

void kh_fault_arm_env(const char *variable)
{
    const char *e = getenv(variable);
    const char *colon = e ? strchr(e, ':') : NULL;
    char name[32];

    if (!colon)
        return;
    snprintf(name, sizeof(name), "%.*s", (int)(colon - e), e);
    kh_fault_arm(name, (unsigned)strtoul(colon + 1, NULL, 10));
}

bool kh_fault_hit(const char *name)
{
    if (strcmp(name, armed_name) != 0)
        return false;
    /* Only the call that takes the counter from 1 to 0 fails. */
    for (unsigned n = atomic_load(&left); n != 0;)
        if (atomic_compare_exchange_weak(&left, &n, n - 1))
            return n == 1;
    return false;
}
