/* SPDX-License-Identifier: Apache-2.0 */
/* Who looked at my data. */
#include "api/record_int.h"
#include "api/routes.h"
#include "base/id.h"
#include "base/time.h"
#include "engine/registry/seen.h"

enum { LIMIT = 50, LIMIT_MAX = 500, PAGE_MAX = 8 << 20 };

struct accesses {
    struct kh_call *c;
    int64_t before;
    unsigned limit;
    struct kh_look *looks;
    struct kh_str *titles;
    size_t n;
};

static bool accesses_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct accesses *x = ctx;
    struct kh_call *c = x->c;

    if (!kh_seen_of(tx, c->a, c->who->account, x->before, (size_t)x->limit + 1, &x->looks, &x->n,
                    err))
        return false;
    x->titles = kh_new_n(c->a, x->n, struct kh_str);
    for (size_t i = 0; i < x->n; i++) {
        const struct kh_type *t = kh_type_find(c->city->registry, x->looks[i].type);
        const struct kh_who self = kh_who_system(KH_S("access"));
        struct kh_record r;
        struct kh_error why = {0};

        /* It is the reader's own record, whatever its state. */
        if (t && kh_record_past(tx, c->city->registry, c->a, t, x->looks[i].record, &self,
                                KH_OP_READ, &r, &why) == KH_HIT)
            x->titles[i] = kh_record_title(c->a, &r);
    }
    return true;
}

static enum kh_next api_access_list(struct kh_call *c)
{
    struct accesses x = {.c = c, .before = INT64_MAX};
    struct kh_str after = kh_call_arg(c, "after", (struct kh_str){0});
    struct kh_buf b = kh_buf(c->a, PAGE_MAX);
    struct kh_jw w = kh_jw(&b);

    if (after.p && !kh_id_parse(after, &x.before)) {
        kh_fail(&c->err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
        return kh_reply_error(c, &c->err);
    }
    if (!kh_call_limit(c, LIMIT, LIMIT_MAX, &x.limit, &c->err) ||
        !kh_store_run(c->city->store, "access_list", KH_TX_READ, accesses_in_tx, &x, &c->err))
        return kh_reply_error(c, &c->err);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < x.n && i < x.limit; i++) {
        const struct kh_look *k = &x.looks[i];

        kh_jw_obj(&w);
        kh_jw_kstr(&w, "at", kh_time_text(c->a, k->at_us));
        kh_jw_kstr(&w, "by", k->name);
        kh_jw_kstr(&w, "role", k->role);
        kh_jw_kstr(&w, "unit", k->unit);
        kh_jw_kstr(&w, "type", k->type);
        kh_jw_kstr(&w, "record", kh_id_text(c->a, k->record));
        kh_jw_kstr(&w, "title", x.titles[i]);
        kh_jw_kstr(&w, "purpose", k->purpose);
        kh_jw_key(&w, "fields");
        kh_jw_raw(&w, k->fields);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    if (x.n > x.limit)
        kh_jw_kstr(&w, "next", kh_id_text(c->a, x.looks[x.limit - 1].id));
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

const struct kh_route kh_routes_access[] = {
    {.method = KH_GET,
     .path = "/api/v1/me/accesses",
     .name = "access_list",
     .handler = api_access_list,
     .args = "limit,after",
     .vi = "Ai đã xem dữ liệu cá nhân của tôi, khi nào và để làm gì",
     .en = "Who looked at my personal data, when and what for"},
    {.handler = NULL},
};
