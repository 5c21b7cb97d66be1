/* SPDX-License-Identifier: Apache-2.0 */
/* Papers of a record as PDF. Who gets one has seen what is on it, and that is written down. */
#include "api/record_int.h"
#include "api/routes.h"
#include "base/id.h"
#include "engine/print/print.h"
#include "engine/registry/seen.h"

struct paper {
    struct kh_call *c;
    const struct kh_type *t;
    int64_t id;
    struct kh_record r;
    enum kh_level_of see;
    struct kh_print_view view;
    struct kh_print *list;
    size_t n;
};

static bool collect_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct paper *p = ctx;
    struct kh_call *c = p->c;
    size_t all, n = 0;

    if (kh_record_open(tx, c->city->registry, c->a, p->t, p->id, 0, 0, c->who, KH_OP_READ, &p->r,
                       err) != KH_HIT)
        return false;
    p->see = kh_record_see(c->a, &p->r, c->who, KH_OP_READ);
    if (!kh_print_view(tx, c->city->registry, c->a, &p->r, p->see, &p->view, err) ||
        !kh_print_list(tx, c->a, &p->view, &p->list, &all, err))
        return false;
    for (size_t i = 0; i < all; i++)
        if (p->list[i].see <= p->see)
            p->list[n++] = p->list[i];
    p->n = n;
    return true;
}

static bool collect(struct kh_call *c, struct paper *p, struct kh_error *err)
{
    *p = (struct paper){.c = c};
    return kh_call_type(c, &p->t, err) && kh_call_record_id(c, &p->id, err) &&
           kh_store_run(c->city->store, "print_list", KH_TX_READ, collect_in_tx, p, err);
}

static enum kh_next api_print_list(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, 1 << 20);
    struct kh_jw w = kh_jw(&b);
    struct paper p;

    if (!collect(c, &p, &c->err))
        return kh_reply_error(c, &c->err);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < p.n; i++) {
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "key", p.list[i].key);
        kh_jw_key(&w, "title");
        kh_jw_obj(&w);
        kh_jw_kstr(&w, "vi", p.list[i].title_vi);
        kh_jw_kstr(&w, "en", p.list[i].title_en);
        kh_jw_end(&w);
        kh_jw_kstr(&w, "url", kh_strf(c->a, "%.*s/%.*s", KH_FMT(c->target), KH_FMT(p.list[i].key)));
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

static bool seen_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    return kh_seen_now(tx, ctx, err);
}

/* As with reading the record: of personal data within a second, of sensitive data first. */
static bool note_look(struct paper *p, struct kh_error *err)
{
    struct kh_call *c = p->c;
    struct kh_look look;

    switch (kh_record_look_at(c->a, &p->r, c->who, KH_OP_READ, p->see, &look)) {
    case KH_SEE_PUBLIC:
    case KH_SEE_INTERNAL:
        break;
    case KH_SEE_PERSONAL:
        return kh_seen_later(c->city->registry, &look, err);
    case KH_SEE_SENSITIVE:
        return kh_store_run(c->city->store, "print_seen", KH_TX_WRITE, seen_in_tx, &look, err);
    }
    return true;
}

static void print_draw_work(struct kh_call *c)
{
    struct kh_str key = kh_strf(c->a, "%.*s/%.*s", KH_FMT(c->params[2]), KH_FMT(c->params[3])), pdf;
    const struct kh_print *print = NULL;
    /* Fonts and pages are more than a call may hold: their memory is their own. */
    kh_auto_arena tmp = kh_arena_new(64 << 20);
    struct paper p;

    if (!collect(c, &p, &c->err)) {
        kh_reply_error(c, &c->err);
        return;
    }
    for (size_t i = 0; i < p.n; i++)
        if (kh_str_eq(p.list[i].key, key))
            print = &p.list[i];
    if (!print)
        (void)kh_fail(&c->err, KH_EC_PRINT_UNKNOWN, "no paper %.*s for this record", KH_FMT(key));
    if (!print || !kh_print_draw(tmp, print, &p.view, &pdf, &c->err) || !note_look(&p, &c->err)) {
        kh_reply_error(c, &c->err);
        return;
    }
    kh_reply_header(c, "Content-Disposition",
                    kh_strf(c->a, "inline; filename=\"%.*s-%.*s.pdf\"", KH_FMT(c->params[3]),
                            KH_FMT(kh_id_text(c->a, p.id))));
    kh_reply_header(c, "Cache-Control", KH_S("private, no-store"));
    kh_reply_text(c, 200, "application/pdf", kh_str_dup(c->a, pdf));
}

static enum kh_next api_print_draw(struct kh_call *c)
{
    return kh_call_offload(c, print_draw_work);
}

const struct kh_route kh_routes_print[] = {
    {.method = KH_GET,
     .path = "/api/v1/records/{type}/{id}/prints",
     .name = "print_list",
     .handler = api_print_list,
     .flags = KH_R_PUBLIC,
     .vi = "Các giấy tờ in được của một bản ghi",
     .en = "The papers that exist for a record",
     .response = "PrintList"},
    {.method = KH_GET,
     .path = "/api/v1/records/{type}/{id}/prints/{pack}/{name}",
     .name = "print_draw",
     .handler = api_print_draw,
     .flags = KH_R_PUBLIC,
     .vi = "Một giấy tờ dưới dạng PDF",
     .en = "A paper as PDF"},
    {.handler = NULL},
};
