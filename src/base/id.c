/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include "base/time.h"

#include <stdatomic.h>

enum { NODE_BITS = 10, COUNT_BITS = 12, LOW_BITS = NODE_BITS + COUNT_BITS };

#define EPOCH_MS ((int64_t)1577836800000) /* 2020-01-01T00:00:00Z */

_Static_assert(KH_ID_NODES == 1 << NODE_BITS, "the number of a process fits");

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
static _Atomic int64_t last; /* milliseconds and counter, without the node */
static atomic_uint node_bits;

void kh_id_node(unsigned node)
{
    atomic_store(&node_bits, node % KH_ID_NODES);
}

static void raise_last(int64_t to)
{
    int64_t seen = atomic_load(&last);

    while (seen < to && !atomic_compare_exchange_weak(&last, &seen, to))
        ;
}

void kh_id_floor(int64_t id)
{
    raise_last(((id >> LOW_BITS) << COUNT_BITS) | (id & ((1 << COUNT_BITS) - 1)));
}

int64_t kh_id_new(void)
{
    int64_t now = (kh_now_us() / 1000 - EPOCH_MS) << COUNT_BITS;
    int64_t seen = atomic_load(&last), mine;

    if (now < 0)
        now = 0;
    /* A counter that runs over borrows from the next millisecond, which is harmless. */
    do
        mine = now > seen ? now : seen + 1;
    while (!atomic_compare_exchange_weak(&last, &seen, mine));
    return ((mine >> COUNT_BITS) << LOW_BITS) | ((int64_t)atomic_load(&node_bits) << COUNT_BITS) |
           (mine & ((1 << COUNT_BITS) - 1));
}

int64_t kh_id_time_us(int64_t id)
{
    return ((id >> LOW_BITS) + EPOCH_MS) * 1000;
}

void kh_id_put(char out[KH_ID_CHARS], int64_t id)
{
    uint64_t v = (uint64_t)id;

    for (int i = KH_ID_CHARS - 1; i >= 0; i--, v >>= 5)
        out[i] = digits[v & 31];
}

struct kh_str kh_id_text(struct kh_arena *a, int64_t id)
{
    char *p = kh_alloc(a, KH_ID_CHARS + 1);

    kh_id_put(p, id);
    return kh_str(p, KH_ID_CHARS);
}

bool kh_id_parse(struct kh_str s, int64_t *ret_id)
{
    uint64_t v = 0;

    if (s.n != KH_ID_CHARS)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        const char *at;

        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        at = c ? strchr(digits, c) : NULL;
        if (!at || (v >> 58) != 0)
            return false;
        v = v << 5 | (uint64_t)(at - digits);
    }
    if (v == 0 || v > INT64_MAX)
        return false;
    *ret_id = (int64_t)v;
    return true;
}
