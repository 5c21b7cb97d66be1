/* SPDX-License-Identifier: Apache-2.0 */
/* Page marks: where the last page ended, with a check that it belongs to this question. A forged one
 * can do no more than begin elsewhere: rights are asked anew on every page. */
#include "engine/registry/list_int.h"

#include "base/hash.h"

static void add_mark(struct kh_sha256_ctx *c, struct kh_str s)
{
    int64_t n = (int64_t)s.n;

    kh_sha256_add(c, kh_str((const char *)&n, sizeof(n)));
    kh_sha256_add(c, s);
}

/* Everything that the order and the rows of the list depend on, except who asks. */
static void make_mark(struct kh_ask *k)
{
    const struct kh_list *q = k->q;
    struct kh_sha256_ctx *c = kh_sha256_new();
    unsigned char sum[KH_SHA256_BYTES];
    double near[3] = {q->near_lon, q->near_lat, q->near_m};
    int64_t when[2] = {q->valid_us, q->at_us};

    add_mark(c, k->t->name);
    for (size_t i = 0; i < q->filters_n; i++) {
        char op = (char)q->filters[i].op;

        add_mark(c, q->filters[i].field);
        add_mark(c, kh_str(&op, 1));
        add_mark(c, q->filters[i].value);
    }
    add_mark(c, KH_S("|"));
    add_mark(c, q->q);
    add_mark(c, q->within);
    add_mark(c, q->sort);
    if (q->bbox)
        add_mark(c, kh_str((const char *)q->bbox, sizeof(*q->bbox)));
    if (q->has_near)
        add_mark(c, kh_str((const char *)near, sizeof(near)));
    add_mark(c, kh_str((const char *)when, sizeof(when)));
    kh_sha256_end(c, sum);
    memcpy(k->mark, sum, sizeof(k->mark));
}

struct kh_str kh_cursor_text(const struct kh_ask *k, const struct kh_cursor *c)
{
    struct kh_buf b = kh_buf(k->a, 4096);

    kh_buf_add(&b, k->mark, sizeof(k->mark));
    kh_buf_strf(&b, "%c%d %lld %lld ", c->mode, c->phase, (long long)c->id, (long long)c->window);
    switch (c->value.kind) {
    case KH_RV_NULL:
        kh_buf_c(&b, '-');
        break;
    case KH_RV_INT:
        kh_buf_strf(&b, "i%lld", (long long)c->value.i);
        break;
    case KH_RV_REAL:
        kh_buf_strf(&b, "r%.17g", c->value.r);
        break;
    case KH_RV_TEXT:
        kh_buf_c(&b, 't');
        kh_buf_str(&b, c->value.s);
        break;
    }
    return kh_base64url(k->a, kh_buf_get(&b));
}

static bool read_value(struct kh_str s, struct kh_rval *ret)
{
    char kind = s.n ? s.p[0] : 0;
    struct kh_str rest = kh_str_skip(s, 1);

    *ret = (struct kh_rval){0};
    if (kind == '-')
        return rest.n == 0;
    if (kind == 'i') {
        ret->kind = KH_RV_INT;
        return kh_str_int(rest, &ret->i);
    }
    if (kind == 'r') {
        ret->kind = KH_RV_REAL;
        return kh_str_double(rest, &ret->r);
    }
    ret->kind = KH_RV_TEXT;
    ret->s = rest;
    return kind == 't' && kh_str_utf8(rest);
}

bool kh_cursor_read(struct kh_ask *k, struct kh_error *err)
{
    struct kh_str s, head, id, window;
    int64_t phase = 0;

    make_mark(k);
    k->has_after = k->q->after.n > 0;
    if (!k->has_after && k->q->below_id && k->sort < 0) {
        k->has_after = true;
        k->after = (struct kh_cursor){.mode = 'w', .id = k->q->below_id};
        return true;
    }
    if (!k->has_after)
        return true;
    if (k->q->after.n > 4096 || !kh_base64_parse(k->a, k->q->after, &s) || s.n < 12)
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    if (memcmp(s.p, k->mark, sizeof(k->mark)) != 0)
        return kh_fail(err, KH_EC_CURSOR_INVALID,
                       "this cursor belongs to a list with other filters or another order");
    s = kh_str_skip(s, sizeof(k->mark));
    head = kh_str_cut(s, ' ', &s);
    id = kh_str_cut(s, ' ', &s);
    window = kh_str_cut(s, ' ', &s);
    k->after.mode = head.p[0];
    if (!kh_str_int(kh_str_skip(head, 1), &phase) || phase < 0 || phase >= KH_RANKS ||
        !kh_str_int(id, &k->after.id) || !kh_str_int(window, &k->after.window) ||
        !read_value(s, &k->after.value))
        return kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
    k->after.phase = (int)phase;
    return true;
}
