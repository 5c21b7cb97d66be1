/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "engine/file/file.h"
#include "engine/registry/registry.h"

/* Does the record, as who sees it, show this id? */
static enum kh_hit shown(struct kh_tx *tx, const struct kh_registry *reg, struct kh_arena *a,
                         const struct kh_file_use *use, struct kh_str id, const struct kh_who *who,
                         struct kh_error *err)
{
    const struct kh_type *t = kh_type_find(reg, use->type);
    struct kh_buf b = kh_buf(a, 4 << 20);
    struct kh_error no = {0};
    struct kh_record r;
    enum kh_hit hit;

    if (!t)
        return KH_MISS;
    hit = kh_record_open(tx, reg, a, t, use->record, 0, 0, who, KH_OP_READ, &r, &no);
    if (hit == KH_FAIL && kh_error_info(no.code)->status < 500)
        return KH_MISS; /* not for who asks: perhaps another record is */
    if (hit == KH_FAIL)
        *err = no;
    if (hit != KH_HIT)
        return hit;
    kh_record_render(a, reg, &r, who, &b);
    return memmem(b.p, b.n, id.p, id.n) ? KH_HIT : KH_MISS;
}

enum kh_hit kh_file_see(struct kh_tx *tx, const struct kh_files *fs, const struct kh_registry *reg,
                        struct kh_arena *a, struct kh_str id, const struct kh_who *who,
                        struct kh_file *ret, struct kh_error *err)
{
    struct kh_file_use *uses = NULL;
    struct kh_file f;
    size_t n = 0;
    enum kh_hit hit = kh_file_get(tx, fs, a, id, &f, err);

    if (hit != KH_HIT)
        return hit;
    hit = who->kind == KH_WHO_SYSTEM || (f.by != 0 && f.by == who->account) ? KH_HIT : KH_MISS;
    if (hit == KH_MISS && !kh_file_uses(tx, a, id, &uses, &n, err))
        return KH_FAIL;
    for (size_t i = 0; hit == KH_MISS && i < n; i++)
        hit = shown(tx, reg, a, &uses[i], id, who, err);
    if (hit == KH_HIT)
        *ret = f;
    return hit;
}

bool kh_files_written(void *ctx, struct kh_tx *tx, struct kh_arena *a, const struct kh_type *t,
                      int64_t id, const struct kh_json *fields, struct kh_error *err)
{
    (void)ctx;
    return kh_file_link_fields(tx, a, kh_type_schema(t), fields, kh_type_name(t), id, err);
}
