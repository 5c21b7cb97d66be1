/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/check.h"

#include "base/hash.h"

#include <stdlib.h>

enum { FEW = 12 };

static uint64_t mix(uint64_t h)
{
    return kh_hash64(kh_str((const char *)&h, sizeof(h)), 0x2545f4914f6cdd1dU);
}

uint64_t kh_schema_hash(const struct kh_json *v, uint64_t seed)
{
    uint64_t h = seed + v->type;
    struct kh_num num;

    switch (v->type) {
    case KH_JSON_NULL:
    case KH_JSON_FALSE:
    case KH_JSON_TRUE:
        return mix(h);
    case KH_JSON_NUMBER:
        return kh_num_parse(v->s, &num) ? kh_num_hash(&num, h) : h;
    case KH_JSON_STRING:
        return kh_hash64(v->s, h);
    case KH_JSON_ARRAY:
        for (uint32_t i = 0; i < v->n; i++)
            h = mix(h ^ kh_schema_hash(&v->items[i], seed));
        return mix(h);
    case KH_JSON_OBJECT:
        /* A sum, since the order of members does not count. */
        for (uint32_t i = 0; i < v->n; i++)
            h += mix(kh_hash64(v->members[i].key, seed) ^
                     kh_schema_hash(&v->members[i].value, seed) * 3);
        return mix(h);
    }
    return h;
}

struct hashed {
    uint64_t hash;
    uint32_t i;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

bool kh_schema_twice(const struct kh_json *array, uint64_t seed, size_t *ret_first,
                     size_t *ret_second)
{
    struct hashed *h;
    size_t second = SIZE_MAX;

    if (array->n <= FEW) {
        for (uint32_t i = 1; i < array->n; i++)
            for (uint32_t k = 0; k < i; k++)
                if (kh_json_eq(&array->items[k], &array->items[i])) {
                    *ret_first = k;
                    *ret_second = i;
                    return true;
                }
        return false;
    }
    h = malloc(array->n * sizeof(*h));
    KH_REQUIRE(h != NULL);
    for (uint32_t i = 0; i < array->n; i++)
        h[i] = (struct hashed){kh_schema_hash(&array->items[i], seed), i};
    qsort(h, array->n, sizeof(*h), by_hash);
    /* Equal values stand in one run of equal hashes; other values in a run are rare, since the seed
     * is secret. The first repetition
     * in the order of the list is the one to tell. */
    for (uint32_t from = 0, to; from < array->n; from = to) {
        for (to = from + 1; to < array->n && h[to].hash == h[from].hash;)
            to++;
        for (uint32_t i = from + 1; i < to && h[i].i < second; i++)
            for (uint32_t k = from; k < i && h[i].i < second; k++)
                if (kh_json_eq(&array->items[h[k].i], &array->items[h[i].i])) {
                    *ret_first = h[k].i;
                    *ret_second = second = h[i].i;
                }
    }
    free(h);
    return second != SIZE_MAX;
}
