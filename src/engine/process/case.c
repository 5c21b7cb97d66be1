/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/case.h"

#include "base/id.h"
#include "base/time.h"
#include "engine/process/run.h"

static const struct kh_json null_value = {.type = KH_JSON_NULL};

struct kh_case *kh_root_case(struct kh_root *root, const struct kh_type *type, int64_t id)
{
    struct kh_case *c = root->cases;

    while (c && !(c->id == id && c->type == type))
        c = c->next;
    if (c)
        return c;
    c = kh_new(root->a, struct kh_case);
    c->id = id;
    c->type = type;
    c->next = root->cases;
    root->cases = c;
    return c;
}

/* ---- what it says ---- */

/* What was just written holds now, unless its validity lies elsewhere: then the registry is asked. */
static void remember(struct kh_case *c, const struct kh_record *r)
{
    int64_t now = kh_now_us();
    bool holds = r->valid_from_us <= now && now < r->valid_to_us;

    c->written = *r;
    c->record = holds ? *r : (struct kh_record){0};
    c->fields = NULL;
}

static bool read_record(struct kh_root *root, struct kh_case *c, struct kh_error *err)
{
    if (c->unborn) {
        kh_record_of_draft(c->unborn, &c->record);
        return true;
    }
    if (c->record.id)
        return true;
    return kh_record_get(root->tx, root->pe->reg, root->a, c->type, c->id, 0, 0, &c->record, err) !=
           KH_FAIL;
}

bool kh_case_fields(struct kh_root *root, struct kh_case *c, const struct kh_json **ret,
                    struct kh_error *err)
{
    const struct kh_json *fields;
    struct kh_json *with_id;

    if (c->fields) {
        *ret = c->fields;
        return true;
    }
    if (!read_record(root, c, err))
        return false;
    if (!c->record.id) {
        *ret = c->fields = &null_value;
        return true;
    }
    if (!kh_record_fields(root->a, &c->record, &fields, err))
        return false;
    with_id = kh_json_new(root->a, KH_JSON_OBJECT);
    with_id->members = kh_new_n(root->a, (size_t)fields->n + 1, struct kh_json_member);
    memcpy(with_id->members, fields->members, fields->n * sizeof(*fields->members));
    with_id->n = fields->n + 1;
    with_id->members[fields->n] = (struct kh_json_member){
        KH_S("id"), *kh_json_new_str(root->a, kh_id_text(root->a, c->id))};
    *ret = c->fields = with_id;
    return true;
}

/* ---- changing it ---- */

bool kh_case_patch(struct kh_root *root, const struct kh_type *type, int64_t id,
                   const struct kh_json *fields, struct kh_str reason, struct kh_error *err)
{
    struct kh_case *c = kh_root_case(root, type, id);
    struct kh_write w = {.who = root->who, .reason = reason, .trusted = true};
    struct kh_record record;

    if (c->unborn) {
        c->fields = NULL;
        return kh_record_amend(root->tx, root->pe->reg, root->a, c->unborn, fields, err);
    }
    if (!kh_record_change(root->tx, root->pe->reg, root->a, type, id, fields, true, &w, &record,
                          err))
        return false;
    remember(c, &record);
    return true;
}

bool kh_case_birth(struct kh_root *root, struct kh_case *c, struct kh_error *err)
{
    struct kh_record record;

    if (!c->unborn)
        return true;
    if (!kh_record_store(root->tx, root->pe->reg, root->a, c->unborn, &record, err))
        return false;
    c->unborn = NULL;
    remember(c, &record);
    return true;
}

/* ---- its beginning ---- */

bool kh_case_start(struct kh_root *root, const struct kh_draft *draft, struct kh_record *ret,
                   struct kh_error *err)
{
    struct kh_process *pe = root->pe;
    const struct kh_program *p;
    struct kh_draft *begun;
    struct kh_record record;
    struct kh_case *c;
    struct kh_run *r;

    if (!kh_record_begin(root->tx, pe->reg, root->a, draft, &begun, err))
        return false;
    kh_record_of_draft(begun, &record);
    c = kh_root_case(root, record.type, record.id);
    c->unborn = begun;
    if (kh_type_process(record.type).n == 0 || !kh_record_amendable(record.type)) {
        if (!kh_case_birth(root, c, err))
            return false;
    }
    if (kh_type_process(record.type).n &&
        (!kh_program_newest(root->tx, pe, kh_type_process(record.type), &p, err) ||
         !kh_run_start(root, p, p->start, record.type, record.id, NULL, NULL, 0, &r, err)))
        return false;
    *ret = c->written;
    return true;
}

bool kh_case_create(struct kh_tx *tx, struct kh_process *pe, struct kh_arena *a,
                    const struct kh_draft *draft, const struct kh_who *who, struct kh_record *ret,
                    struct kh_error *err)
{
    struct kh_root root;

    kh_root_init(&root, tx, pe, a, who);
    return kh_case_start(&root, draft, ret, err) && kh_root_finish(&root, err);
}
