/* SPDX-License-Identifier: Apache-2.0 */
/* The packs that a city runs. */
#include "api/city.h"
#include "api/routes.h"

#include "base/time.h"
#include "engine/pack/pack.h"

struct listing {
    struct kh_call *c;
    struct kh_pack_info *items;
    size_t n;
};

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct listing *l = ctx;

    return kh_pack_list(tx, l->c->a, &l->items, &l->n, err);
}

/* The manifest as it is, and when it was loaded. */
static void pack_put(struct kh_jw *w, struct kh_arena *a, const struct kh_pack_info *p)
{
    struct kh_error ignored = {0};
    struct kh_json *m = NULL;

    kh_jw_obj(w);
    if (kh_json_parse(a, p->manifest, NULL, &m, &ignored) && m->type == KH_JSON_OBJECT)
        for (uint32_t i = 0; i < m->n; i++) {
            kh_jw_keys(w, m->members[i].key);
            kh_jw_json(w, &m->members[i].value);
        }
    else
        kh_jw_kstr(w, "id", p->id);
    kh_jw_kstr(w, "loaded_at", kh_time_text(a, p->loaded_us));
    kh_jw_kint(w, "files", p->files);
    kh_jw_end(w);
}

static enum kh_next api_pack_list(struct kh_call *c)
{
    struct listing l = {.c = c};
    struct kh_buf b = kh_buf(c->a, 8 << 20);
    struct kh_jw w = kh_jw(&b);
    struct kh_error err = {0};

    if (!kh_store_run(c->city->store, "pack_list", KH_TX_READ, list_in_tx, &l, &err))
        return kh_reply_error(c, &err);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < l.n; i++)
        pack_put(&w, c->a, &l.items[i]);
    kh_jw_end(&w);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

const struct kh_route kh_routes_pack[] = {
    {KH_GET, "/api/v1/packs", "pack_list", api_pack_list, 0, 0, "", "admin",
     "Các gói của thành phố", "The packs of the city", NULL, "PackList"},
    {0},
};
