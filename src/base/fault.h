/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/fault -- lets a test make the n-th call of a named point fail.
 *
 * Owns   one counter and one name (an exception to "no mutable globals": STYLE section 2).
 * Used   at the points "alloc" (an arena is full), "malloc" (there is no memory: the process ends),
 *        "store.step", "store.commit", "store.write", "store.sync", "store.index", "blob.write",
 *        "net.accept", "out.http"; armed by tests and by the environment KHUE_FAULT=name:n.
 * Never  does anything unless armed: one relaxed load per call.
 */
#ifndef KH_BASE_FAULT_H
#define KH_BASE_FAULT_H

#include <stdbool.h>

/** Make the n-th call (1-based) of kh_fault(name) from now on say true, once. n = 0 disarms. */
void kh_fault_arm(const char *name, unsigned n);

/**
 * Arm from an environment variable name:n if it is set: KHUE_FAULT from the first moment of the
 * process (main), KHUE_FAULT_SERVING once a server has read its city and not before.
 */
void kh_fault_arm_env(const char *variable);

/** @return true if this call was told to fail */
bool kh_fault_hit(const char *name);

extern bool kh_fault_armed;

static inline bool kh_fault(const char *name)
{
    return __builtin_expect(kh_fault_armed, 0) && kh_fault_hit(name);
}

#endif
