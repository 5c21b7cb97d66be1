/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to a record: its revisions, and the events of the case that it is. */
#include "api/record_int.h"

#include "api/hub.h"
#include "api/names.h"
#include "base/config.h"
#include "base/id.h"
#include "base/time.h"
#include "store/event.h"

enum { LIMIT = 50, LIMIT_MAX = 500, CHUNK = 200, PAGE_MAX = 32 << 20 };

/* Who did it, as far as the reader may know: what is empty is not told. */
struct doer {
    const char *kind; /* "staff", "reporter" (the person whose case it is), "system", "public" */
    struct kh_str name, unit, unit_name;
};

struct past {
    struct kh_call *c;
    const struct kh_type *t;
    int64_t id, after;
    unsigned limit;
    struct kh_record r;
    struct kh_revision *revs;
    struct kh_event *events;
    struct doer *doers; /* of each revision or event */
    size_t n, cap;
    bool more;
};

static bool begin(struct kh_call *c, struct past *p, struct kh_error *err)
{
    struct kh_str after = kh_call_arg(c, "after", (struct kh_str){0});

    p->c = c;
    if (!kh_call_type(c, &p->t, err) || !kh_call_record_id(c, &p->id, err) ||
        !kh_call_limit(c, LIMIT, LIMIT_MAX, &p->limit, err))
        return false;
    return !after.p || (kh_str_int(after, &p->after) && p->after > 0) ||
           kh_fail(err, KH_EC_CURSOR_INVALID, "after is not a cursor of this list");
}

/* ---- who did it ---- */

/* Staff stands for its unit; the person's own name is for those inside, and for everybody only if the
 * city wants it so. A citizen is never named to others. */
static bool find_doer(struct kh_names *names, struct kh_str actor, int64_t owner, bool inside,
                      struct doer *ret, struct kh_error *err)
{
    const struct kh_call *c = names->c;
    bool key = kh_str_starts(actor, KH_S("key:"));
    const struct kh_account *ac = NULL;
    int64_t id;

    *ret = (struct doer){.kind = kh_str_is(actor, "public") ? "public" : "system"};
    if (!key && !kh_str_starts(actor, KH_S("account:")))
        return true;
    ret->kind = "staff";
    if (key || !kh_id_parse(kh_str_skip(actor, 8), &id)) /* a key is a machine of the staff */
        return true;
    if (!kh_names_account(names, id, &ac, err))
        return false;
    if (id == owner)
        ret->kind = "reporter";
    if (!ac)
        return true;
    ret->unit = ac->unit;
    if (inside || id == c->who->account || (ac->unit.n && c->city->config->officer_names))
        ret->name = ac->name;
    return ac->unit.n == 0 || kh_names_unit(names, ac->unit, &ret->unit_name, err);
}

static void put_doer(struct kh_jw *w, const struct doer *d)
{
    kh_jw_key(w, "who");
    kh_jw_obj(w);
    kh_jw_kz(w, "kind", d->kind);
    if (d->name.n)
        kh_jw_kstr(w, "name", d->name);
    if (d->unit.n)
        kh_jw_kstr(w, "unit", d->unit);
    if (d->unit_name.n)
        kh_jw_kstr(w, "unit_name", d->unit_name);
    kh_jw_end(w);
}

/* ---- history ---- */

/* Who of the staff did it, and the words meant for them, stay inside. */
static bool reads_inside(const struct kh_who *who)
{
    return who->grants_n > 0 || who->kind == KH_WHO_SYSTEM;
}

static bool history_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct past *p = ctx;
    struct kh_registry *reg = p->c->city->registry;
    struct kh_names names = {.tx = tx, .c = p->c};
    bool inside = reads_inside(p->c->who);

    if (kh_record_past(tx, reg, p->c->a, p->t, p->id, p->c->who, KH_OP_HISTORY, &p->r, err) !=
            KH_HIT ||
        !kh_record_history(tx, reg, p->c->a, p->t, p->id, p->after, p->limit, &p->revs, &p->n, err))
        return false;
    p->doers = kh_new_n(p->c->a, p->n, struct doer);
    for (size_t i = 0; i < p->n; i++)
        if (!find_doer(&names, p->revs[i].actor, 0, inside, &p->doers[i], err))
            return false;
    return true;
}

static bool history_and_note_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct past *p = ctx;

    return history_in_tx(tx, ctx, err) && kh_call_seen(p->c, tx, &p->r, err);
}

static void put_time(struct kh_jw *w, struct kh_arena *a, const char *key, int64_t us)
{
    kh_jw_key(w, key);
    if (us == KH_FOREVER)
        kh_jw_null(w);
    else
        kh_jw_str(w, kh_time_text(a, us));
}

static enum kh_next reply_history(struct kh_call *c, const struct past *p)
{
    enum kh_level_of see = kh_record_see(c->a, &p->r, c->who, KH_OP_READ);
    struct kh_buf b = kh_buf(c->a, PAGE_MAX);
    struct kh_jw w = kh_jw(&b);
    bool inside = reads_inside(c->who);

    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < p->n; i++) {
        const struct kh_revision *v = &p->revs[i];

        kh_jw_obj(&w);
        kh_jw_kint(&w, "revision", v->revision);
        kh_jw_kstr(&w, "kind", v->kind);
        put_time(&w, c->a, "recorded_at", v->recorded_us);
        put_time(&w, c->a, "valid_from", v->valid_from_us);
        put_time(&w, c->a, "valid_to", v->valid_to_us);
        put_doer(&w, &p->doers[i]);
        if (inside) {
            kh_jw_kstr(&w, "by", v->actor);
            kh_jw_kstr(&w, "reason", v->reason);
        }
        kh_jw_key(&w, "changes");
        kh_record_diff(c->a, p->t, v->before, v->after, see, &w);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    if (p->n == p->limit && p->revs[p->n - 1].revision > 1)
        kh_jw_kstr(&w, "next", kh_strf(c->a, "%lld", (long long)p->revs[p->n - 1].revision));
    kh_jw_end(&w);
    if (b.full) {
        kh_fail(&c->err, KH_EC_ARENA_FULL, "ask for fewer revisions");
        return kh_reply_error(c, &c->err);
    }
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

static enum kh_next history_noted(struct kh_call *c, bool ok, const struct kh_error *err)
{
    return ok ? reply_history(c, c->ctx) : kh_reply_error(c, err);
}

enum kh_next api_record_history(struct kh_call *c)
{
    struct past *p = kh_new(c->a, struct past);

    c->ctx = p;
    if (!begin(c, p, &c->err) ||
        !kh_store_run(c->city->store, "record_history", KH_TX_READ, history_in_tx, p, &c->err))
        return kh_reply_error(c, &c->err);
    if (kh_type_masks(p->t) && kh_record_see(c->a, &p->r, c->who, KH_OP_READ) >= KH_SEE_PERSONAL)
        return kh_call_write(c, "record_history_seen", history_and_note_in_tx, p, history_noted);
    return reply_history(c, p);
}

/* ---- timeline ---- */

static const struct {
    const char *kind, *vi, *en;
} words[] = {
    {"record.create", "Đã tiếp nhận", "Received"},
    {"record.update", "Đã cập nhật", "Updated"},
    {"record.correct", "Đã đính chính", "Corrected"},
    {"record.close", "Đã kết thúc hiệu lực", "Ended"},
    {"record.effective", "Thay đổi đã có hiệu lực", "A planned change took effect"},
    {"process.start", "Bắt đầu xử lý", "Processing began"},
    {"process.end", "Kết thúc xử lý", "Processing ended"},
    {"process.move", "Quản trị viên đã chuyển bước xử lý",
     "An administrator moved it to another step"},
    {"process.migrate", "Chuyển sang phiên bản quy trình khác", "It went over to another version"},
    {"task.migrate", "Việc theo phiên bản quy trình khác", "The work follows another version"},
    {"task.create", "Chuyển việc", "Work was assigned"},
    {"task.claim", "Cán bộ đã nhận việc", "An officer took the work"},
    {"task.release", "Cán bộ đã trả lại việc", "The work was given back"},
    {"task.complete", "Xong một bước", "A step was done"},
    {"task.cancel", "Bỏ một bước", "A step was cancelled"},
    {"task.overdue", "Quá hạn", "Overdue"},
    {"clock.suspend", "Tạm dừng tính thời hạn", "The clock was suspended"},
    {"clock.resume", "Tiếp tục tính thời hạn", "The clock goes on"},
    {"notice.send", "Đã gửi thông báo", "A message was sent"},
    {"file.link", "Thêm tệp đính kèm", "A file was attached"},
};

/* The events of the case that the reader sees, one page of them. */
static bool read_events(struct kh_tx *tx, struct past *p, const struct kh_sight *sight, int64_t now,
                        struct kh_error *err)
{
    struct kh_call *c = p->c;
    int64_t after = p->after;
    size_t got = CHUNK;

    p->n = 0;
    while (got == CHUNK) {
        struct kh_event *events = NULL;

        if (!kh_event_of(tx, c->a, p->id, after, CHUNK, &events, &got, err))
            return false;
        for (size_t i = 0; i < got; i++) {
            after = events[i].seq;
            if (!kh_sight_sees(sight, &events[i], now))
                continue;
            if (p->n == p->limit) {
                p->more = true;
                return true;
            }
            p->events = kh_grow(c->a, p->events, p->n, p->n + 1, &p->cap, sizeof(*p->events));
            p->events[p->n++] = events[i];
        }
        if (kh_arena_over(c->a))
            return kh_fail(err, KH_EC_ARENA_FULL, "events of a record");
    }
    return true;
}

static bool timeline_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct past *p = ctx;
    struct kh_call *c = p->c;
    struct kh_names names = {.tx = tx, .c = c};
    struct kh_sight sight = kh_sight_of(c->who);
    int64_t now = kh_now_us();

    if (kh_record_past(tx, c->city->registry, c->a, p->t, p->id, c->who, KH_OP_READ, &p->r, err) !=
            KH_HIT ||
        !read_events(tx, p, &sight, now, err))
        return false;
    p->doers = kh_new_n(c->a, p->n, struct doer);
    for (size_t i = 0; i < p->n; i++)
        if (!find_doer(&names, p->events[i].actor, p->events[i].owner,
                       kh_sight_inside(&sight, &p->events[i], now), &p->doers[i], err))
            return false;
    return true;
}

static void put_words(struct kh_jw *w, const struct kh_event *e)
{
    const char *vi = "Có thay đổi", *en = "Something changed";

    for (size_t i = 0; i < KH_LEN(words); i++)
        if (kh_str_is(e->kind, words[i].kind)) {
            vi = words[i].vi;
            en = words[i].en;
        }
    kh_jw_key(w, "text");
    kh_jw_obj(w);
    kh_jw_kz(w, "vi", vi);
    kh_jw_kz(w, "en", en);
    kh_jw_end(w);
}

enum kh_next api_record_timeline(struct kh_call *c)
{
    struct past *p = kh_new(c->a, struct past);
    struct kh_buf b = kh_buf(c->a, PAGE_MAX);
    struct kh_jw w = kh_jw(&b);
    struct kh_sight sight;
    int64_t now = kh_now_us();

    if (!begin(c, p, &c->err) ||
        !kh_store_run(c->city->store, "record_timeline", KH_TX_READ, timeline_in_tx, p, &c->err))
        return kh_reply_error(c, &c->err);
    sight = kh_sight_of(c->who);
    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; i < p->n; i++) {
        const struct kh_event *e = &p->events[i];

        kh_jw_obj(&w);
        kh_jw_kint(&w, "seq", e->seq);
        put_time(&w, c->a, "at", e->at_us);
        kh_jw_kstr(&w, "kind", e->kind);
        kh_jw_kstr(&w, "type", e->type);
        kh_jw_kstr(&w, "subject", kh_id_text(c->a, e->subject));
        if (kh_sight_inside(&sight, e, now)) {
            kh_jw_kstr(&w, "by", e->actor);
            if (e->reason.n)
                kh_jw_kstr(&w, "reason", e->reason);
        }
        put_doer(&w, &p->doers[i]);
        put_words(&w, e);
        kh_jw_key(&w, "data");
        if (e->data.n)
            kh_jw_raw(&w, e->data);
        else
            kh_jw_null(&w);
        kh_jw_end(&w);
    }
    kh_jw_end(&w);
    if (p->more)
        kh_jw_kstr(&w, "next", kh_strf(c->a, "%lld", (long long)p->events[p->n - 1].seq));
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}
