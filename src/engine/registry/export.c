/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/export.h"

#include "engine/registry/registry_int.h"
#include "engine/registry/seen.h"

enum { PAGE = 500, PAGE_BYTES = 256 << 20 };

struct kh_export {
    struct kh_arena *own, *a;
    struct kh_store *st;
    struct kh_registry *reg;
    const struct kh_type *t;
    struct kh_list q;
    enum kh_table_format format;
    struct kh_page page;
    char after[4200];
    int64_t n;
    bool begun, ended;
};

struct kh_export *kh_export_open(struct kh_store *st, struct kh_registry *reg,
                                 const struct kh_type *t, const struct kh_list *q,
                                 enum kh_table_format format)
{
    struct kh_arena *own = kh_arena_new(1 << 20);
    struct kh_export *x = kh_new(own, struct kh_export);

    x->own = own;
    x->a = kh_arena_new(PAGE_BYTES);
    x->st = st;
    x->reg = reg;
    x->t = t;
    x->q = *q;
    x->q.for_export = true;
    x->q.limit = PAGE;
    /* Oldest first, so that a file imported anew has what is pointed to before what points. */
    if (!q->valid_us && !q->at_us && !q->bbox && !q->q.n)
        x->q.sort = KH_S("id");
    x->format = format;
    return x;
}

void kh_export_close(struct kh_export *x)
{
    if (!x)
        return;
    kh_arena_drop(x->a);
    kh_arena_drop(x->own);
}

int64_t kh_export_count(const struct kh_export *x)
{
    return x->n;
}

static bool page_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct kh_export *x = ctx;

    return kh_record_list(tx, x->reg, x->a, x->t, &x->q, &x->page, err);
}

static bool note(struct kh_export *x, const struct kh_record *r, struct kh_error *err)
{
    struct kh_look look;

    return kh_record_look(x->a, r, x->q.who, KH_OP_EXPORT, &look) < KH_SEE_PERSONAL ||
           kh_seen_later(x->reg, &look, err);
}

bool kh_export_page(struct kh_export *x, struct kh_str *ret_text, bool *ret_end,
                    struct kh_error *err)
{
    struct kh_buf b;

    kh_arena_reset(x->a);
    *ret_end = x->ended;
    *ret_text = (struct kh_str){0};
    if (x->ended)
        return true;
    x->page = (struct kh_page){0};
    if (!kh_store_run(x->st, "export", KH_TX_READ, page_in_tx, x, err))
        return false;
    b = kh_buf(x->a, PAGE_BYTES);
    if (!x->begun)
        kh_table_begin(&b, x->t, x->format);
    for (size_t i = 0; i < x->page.n; i++) {
        const struct kh_record *r = &x->page.items[i];

        if (!note(x, r, err))
            return false;
        kh_table_row(&b, x->a, r, kh_record_see(x->a, r, x->q.who, KH_OP_EXPORT), x->format,
                     x->n == 0);
        x->n++;
    }
    x->begun = true;
    x->ended = x->page.next.n == 0;
    if (x->ended)
        kh_table_end(&b, x->format, KH_S(""));
    KH_REQUIRE(x->page.next.n < sizeof(x->after));
    if (x->page.next.n)
        memcpy(x->after, x->page.next.p, x->page.next.n);
    x->q.after = kh_str(x->after, x->page.next.n);
    if (b.full)
        return kh_fail(err, KH_EC_ARENA_FULL, "a page of the export");
    *ret_text = kh_buf_get(&b);
    return true;
}
