/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/compile.h"

#include "base/buf.h"
#include "base/hash.h"
#include "engine/process/feel/scan.h"

enum { FIRST_BUCKETS = 32 };

void feel_names_init(struct kh_arena *a, struct feel_names *set)
{
    *set = (struct feel_names){.buckets_n = FIRST_BUCKETS};
    set->buckets = kh_new_n(a, FIRST_BUCKETS, struct feel_sym *);
}

/* Tokens of a name, and their number; a name that is none by the grammar stays as it is. */
static struct kh_str canon_of(struct kh_arena *a, struct kh_str name, size_t *ret_parts)
{
    struct kh_buf b = kh_buf(a, name.n + 1);
    size_t i = feel_skip_space(name, 0), parts = 0;
    bool word = false;

    while (i < name.n) {
        size_t n = feel_part_len(name, i);

        if (n) {
            if (word)
                kh_buf_c(&b, ' ');
            kh_buf_add(&b, name.p + i, n);
            word = true;
        } else {
            n = feel_symbol_len(name, i);
            if (n == 0) {
                *ret_parts = 1;
                return name;
            }
            kh_buf_add(&b, name.p + i, n);
            word = false;
        }
        parts++;
        i = feel_skip_space(name, i + n);
    }
    *ret_parts = parts;
    return kh_buf_get(&b);
}

struct kh_str feel_name_canon(struct kh_arena *a, struct kh_str name)
{
    size_t parts;

    return canon_of(a, name, &parts);
}

struct feel_sym *feel_names_find(const struct feel_names *set, struct kh_str canon)
{
    uint64_t h;

    if (!set || set->n == 0)
        return NULL;
    h = kh_hash64(canon, 0);
    for (struct feel_sym *s = set->buckets[h & (set->buckets_n - 1)]; s; s = s->next)
        if (s->hash == h && kh_str_eq(s->canon, canon))
            return s;
    return NULL;
}

static void grow(struct kh_arena *a, struct feel_names *set)
{
    size_t n = set->buckets_n * 4;
    struct feel_sym **buckets = kh_new_n(a, n, struct feel_sym *);

    for (size_t i = 0; i < set->buckets_n; i++) {
        for (struct feel_sym *s = set->buckets[i], *next; s; s = next) {
            next = s->next;
            s->next = buckets[s->hash & (n - 1)];
            buckets[s->hash & (n - 1)] = s;
        }
    }
    set->buckets = buckets;
    set->buckets_n = n;
}

struct feel_sym *feel_names_add(struct kh_arena *a, struct feel_names *set, struct kh_str name)
{
    size_t parts;
    struct kh_str canon = canon_of(a, name, &parts);
    struct feel_sym *s = feel_names_find(set, canon);

    if (s)
        return s;
    if (set->n >= set->buckets_n)
        grow(a, set);
    s = kh_new(a, struct feel_sym);
    s->canon = canon;
    s->name = name;
    s->hash = kh_hash64(canon, 0);
    s->next = set->buckets[s->hash & (set->buckets_n - 1)];
    set->buckets[s->hash & (set->buckets_n - 1)] = s;
    set->n++;
    if (parts > set->parts_max)
        set->parts_max = parts;
    return s;
}
