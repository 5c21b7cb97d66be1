/* SPDX-License-Identifier: Apache-2.0 */
#include "store/process/task_sql.h"

#include "base/time.h"

/* The formatter does not read SQL put together by macros. */
/* clang-format off */
#define NAMES(t)                                                                                   \
    t "id, " t "instance_id, " t "token, " t "process_id, " t "process, " t "key, " t              \
      "case_type, " t "case_id, " t "title, " t "role, " t "unit, " t "claimed_by, " t "owner, " t \
      "created_us, " t "due_us, " t "done_us, " t "done_by, " t "state, " t "overdue, " t          \
      "calendar, " t "held_us"
#define SELECT "SELECT " NAMES("") " FROM task "

static const struct kh_sql add = {
    .name = "task_add",
    .text = "INSERT INTO task(" NAMES("") ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
            "$12, $13, $14, $15, 0, '', $16, 0, $17, 0)",
};

static const struct kh_sql get = {.name = "task_get", .text = SELECT "WHERE id = $1"};
static const struct kh_sql get_locked = {
    .name = "task_lock",
    .text = SELECT "WHERE id = $1",
    .text_pg = SELECT "WHERE id = $1 FOR UPDATE",
};

static const struct kh_sql put = {
    .name = "task_put",
    .text = "UPDATE task SET state = $2, claimed_by = $3, done_us = $4, done_by = $5 "
            "WHERE id = $1 AND state < 2",
};

/* What every list filters, after the first six parameters: state, state, process, key, due_before,
 * and its place and length: due, id, limit. */
#define FILTERS(t)                                                                                 \
    "(" t "state = $3 OR " t "state = $4) AND ($5 = '' OR " t "process = $5) AND ($6 = '' OR " t   \
    "key = $6) AND " t "due_us <= $7 AND (" t "due_us, " t "id) > ($8, $9) "
#define ORDER(t) "ORDER BY " t "due_us, " t "id LIMIT $10"
/* $2: the unit; below it lie the codes from "unit." to "unit/" ('/' follows '.'). */
#define COVERED(u) "($2 = '' OR " u " = $2 OR (" u " > $2 || '.' AND " u " < $2 || '/'))"

static const struct kh_sql wide = {
    .name = "task_list_wide",
    .text = SELECT "WHERE state < 2 AND role = $1 AND " COVERED("unit") " AND " FILTERS("")
                ORDER(""),
};

/* The conditions of the partial indexes, spelled as the planner needs to see them. */
#define OPEN(t)   t "state < 2"
#define CLOSED(t) t "state >= 2 AND " t "role <> ''"

/* The units that have tasks, found by hopping through the index, and of each the first few. $11 is
 * the end of the range: a bound of the index, so that the last hop does not run on to its end. */
#define UNITS(WHICH)                                                                               \
    "WITH RECURSIVE u(unit) AS ("                                                                  \
    "SELECT min(unit) FROM task WHERE " WHICH("") " AND role = $1 AND unit >= $2 "                 \
    "AND unit < $11 "                                                                              \
    "UNION ALL SELECT (SELECT min(n.unit) FROM task n WHERE " WHICH("n.") " AND n.role = $1 "      \
    "AND n.unit > u.unit AND n.unit < $11) FROM u WHERE u.unit IS NOT NULL) "
/* SQLite without statistics would rather walk the whole role in the order of deadlines. */
#define OF_UNIT(WHICH, HINT)                                                                       \
    " FROM task x " HINT "WHERE " WHICH("x.") " AND x.role = $1 AND x.unit = u.unit AND "          \
        FILTERS("x.") ORDER("x.")
#define NARROW(WHICH, HINT)                                                                        \
    UNITS(WHICH) "SELECT " NAMES("t.") " FROM u JOIN task t ON t.id IN (SELECT x.id"               \
        OF_UNIT(WHICH, HINT) ") WHERE u.unit IS NOT NULL AND " COVERED("u.unit") " " ORDER("t.")
#define NARROW_PG(WHICH)                                                                           \
    UNITS(WHICH) "SELECT " NAMES("t.") " FROM u CROSS JOIN LATERAL (SELECT x.*"                    \
        OF_UNIT(WHICH, "") ") t WHERE u.unit IS NOT NULL AND " COVERED("u.unit") " " ORDER("t.")

static const struct kh_sql narrow = {
    .name = "task_list_narrow",
    .text = NARROW(OPEN, "INDEXED BY task_unit "),
    .text_pg = NARROW_PG(OPEN),
};
static const struct kh_sql narrow_closed = {
    .name = "task_list_narrow_closed",
    .text = NARROW(CLOSED, "INDEXED BY task_closed "),
    .text_pg = NARROW_PG(CLOSED),
};

#define PERSON(column)                                                                             \
    SELECT "WHERE " column " = $2 AND " column " <> 0 AND state = $3 AND ($1 = '' OR role = $1) "  \
           "AND ($4 = '' OR process = $4) AND ($5 = '' OR key = $5) AND due_us <= $6 "             \
           "AND (due_us, id) > ($7, $8) ORDER BY due_us, id LIMIT $9"
static const struct kh_sql of_claimer = {.name = "task_list_mine", .text = PERSON("claimed_by")};
static const struct kh_sql of_owner = {.name = "task_list_owner", .text = PERSON("owner")};

static const struct kh_sql of_case = {
    .name = "task_list_case",
    .text = SELECT "WHERE case_id = $2 AND case_id <> 0 AND ($1 = '' OR role = $1) "
                   "AND ($3 = '' OR process = $3) AND ($4 = '' OR key = $4) AND due_us <= $5 "
                   "AND (due_us, id) > ($6, $7) ORDER BY due_us, id LIMIT $8",
};

#define ROLES(WHICH)                                                                               \
    "WITH RECURSIVE r(role) AS (SELECT min(role) FROM task WHERE " WHICH("") " UNION ALL "         \
    "SELECT (SELECT min(n.role) FROM task n WHERE " WHICH("n.") " AND n.role > r.role) FROM r "    \
    "WHERE r.role IS NOT NULL) SELECT role FROM r WHERE role IS NOT NULL"
static const struct kh_sql roles = {.name = "task_roles", .text = ROLES(OPEN)};
static const struct kh_sql roles_closed = {.name = "task_roles_closed", .text = ROLES(CLOSED)};

#define LATE "state < 2 AND overdue = 0 AND due_us < 9223372036854775807"
/* SQLite ends its range at the first bound that it meets: it must be the one of now, or every task
 * that is due some day is looked at. */
static const struct kh_sql overdue = {
    .name = "task_overdue",
    .text = "SELECT id FROM task WHERE due_us <= $1 AND " LATE " ORDER BY due_us LIMIT $2",
};
static const struct kh_sql tell = {
    .name = "task_tell",
    .text = "UPDATE task SET overdue = 1 WHERE id = $1 AND due_us <= $2 AND " LATE " RETURNING id",
};
static const struct kh_sql next_overdue = {
    .name = "task_next_overdue",
    .text = "SELECT due_us FROM task WHERE " LATE " ORDER BY due_us LIMIT 1",
};

static const struct kh_sql hold = {
    .name = "task_hold",
    .text = "UPDATE task SET held_us = due_us, due_us = 9223372036854775807 "
            "WHERE case_id = $1 AND case_id <> 0 AND state < 2 AND held_us = 0 "
            "AND due_us < 9223372036854775807",
};
static const struct kh_sql held = {
    .name = "task_held",
    .text = SELECT "WHERE case_id = $1 AND case_id <> 0 AND state < 2 AND held_us <> 0",
};
static const struct kh_sql release = {
    .name = "task_release",
    .text = "UPDATE task SET held_us = 0, due_us = $2, "
            "overdue = CASE WHEN CAST($2 AS bigint) > CAST($3 AS bigint) THEN 0 ELSE overdue END "
            "WHERE id = $1",
};

/* clang-format on */

static void read_row(struct kh_query *q, struct kh_arena *a, struct kh_task_row *t)
{
    *t = (struct kh_task_row){
        .id = kh_col_int(q, 0),
        .instance = kh_col_int(q, 1),
        .token = kh_col_int(q, 2),
        .process_id = kh_col_int(q, 3),
        .process = kh_str_dup(a, kh_col_text(q, 4)),
        .key = kh_str_dup(a, kh_col_text(q, 5)),
        .case_type = kh_str_dup(a, kh_col_text(q, 6)),
        .case_id = kh_col_int(q, 7),
        .title = kh_str_dup(a, kh_col_text(q, 8)),
        .role = kh_str_dup(a, kh_col_text(q, 9)),
        .unit = kh_str_dup(a, kh_col_text(q, 10)),
        .claimed_by = kh_col_int(q, 11),
        .owner = kh_col_int(q, 12),
        .created_us = kh_col_int(q, 13),
        .due_us = kh_col_int(q, 14),
        .done_us = kh_col_int(q, 15),
        .done_by = kh_str_dup(a, kh_col_text(q, 16)),
        .state = kh_col_int(q, 17),
        .overdue = kh_col_int(q, 18) != 0,
        .calendar = kh_str_dup(a, kh_col_text(q, 19)),
        .held_us = kh_col_int(q, 20),
    };
}

static bool rows(struct kh_query *q, struct kh_arena *a, struct kh_task_row **ret, size_t *ret_n,
                 struct kh_error *err)
{
    struct kh_task_row *list = NULL;
    size_t n = 0, cap = 0;
    enum kh_hit hit;

    while ((hit = kh_query_next(q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        read_row(q, a, &list[n++]);
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

/* NULL has no place in these columns. */
static void text(struct kh_query *q, int n, struct kh_str s)
{
    kh_bind_text(q, n, s.p ? s : KH_S(""));
}

bool kh_task_sql_add(struct kh_tx *tx, const struct kh_task_row *t, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &add, err))
        return false;
    kh_bind_int(&q, 1, t->id);
    kh_bind_int(&q, 2, t->instance);
    kh_bind_int(&q, 3, t->token);
    kh_bind_int(&q, 4, t->process_id);
    text(&q, 5, t->process);
    text(&q, 6, t->key);
    text(&q, 7, t->case_type);
    kh_bind_int(&q, 8, t->case_id);
    text(&q, 9, t->title);
    text(&q, 10, t->role);
    text(&q, 11, t->unit);
    kh_bind_int(&q, 12, t->claimed_by);
    kh_bind_int(&q, 13, t->owner);
    kh_bind_int(&q, 14, t->created_us);
    kh_bind_int(&q, 15, t->due_us);
    kh_bind_int(&q, 16, t->state);
    text(&q, 17, t->calendar);
    return kh_query_run(&q, NULL, err);
}

enum kh_hit kh_task_sql_get(struct kh_tx *tx, struct kh_arena *a, int64_t id, bool lock,
                            struct kh_task_row *ret, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, lock ? &get_locked : &get, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        read_row(&q, a, ret);
    return hit;
}

enum kh_hit kh_task_sql_put(struct kh_tx *tx, const struct kh_task_row *t, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    int64_t changes;

    if (!kh_query_open(&q, tx, &put, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, t->id);
    kh_bind_int(&q, 2, t->state);
    kh_bind_int(&q, 3, t->claimed_by);
    kh_bind_int(&q, 4, t->done_us);
    text(&q, 5, t->done_by);
    if (!kh_query_run(&q, &changes, err))
        return KH_FAIL;
    return changes ? KH_HIT : KH_MISS;
}

/* Lists by role and unit share their ten parameters. */
static bool by_unit(struct kh_tx *tx, struct kh_arena *a, const struct kh_sql *sql,
                    const struct kh_task_find *f, struct kh_task_row **ret, size_t *ret_n,
                    struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, sql, err))
        return false;
    text(&q, 1, f->role);
    text(&q, 2, f->unit);
    kh_bind_int(&q, 3, f->state);
    kh_bind_int(&q, 4, f->or_state);
    text(&q, 5, f->process);
    text(&q, 6, f->key);
    kh_bind_int(&q, 7, f->due_before_us);
    kh_bind_int(&q, 8, f->after_due_us);
    kh_bind_int(&q, 9, f->after_id);
    kh_bind_int(&q, 10, f->limit);
    if (sql != &wide)
        text(&q, 11, f->unit.n ? kh_strf(a, "%.*s/", KH_FMT(f->unit)) : KH_S("\xf4\x8f\xbf\xbf"));
    return rows(&q, a, ret, ret_n, err);
}

bool kh_task_sql_wide(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f,
                      struct kh_task_row **ret, size_t *ret_n, struct kh_error *err)
{
    return by_unit(tx, a, &wide, f, ret, ret_n, err);
}

bool kh_task_sql_narrow(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f,
                        bool closed, struct kh_task_row **ret, size_t *ret_n, struct kh_error *err)
{
    return by_unit(tx, a, closed ? &narrow_closed : &narrow, f, ret, ret_n, err);
}

bool kh_task_sql_of(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f, bool owner,
                    int64_t account, struct kh_task_row **ret, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, owner ? &of_owner : &of_claimer, err))
        return false;
    text(&q, 1, f->role);
    kh_bind_int(&q, 2, account);
    kh_bind_int(&q, 3, f->state);
    text(&q, 4, f->process);
    text(&q, 5, f->key);
    kh_bind_int(&q, 6, f->due_before_us);
    kh_bind_int(&q, 7, f->after_due_us);
    kh_bind_int(&q, 8, f->after_id);
    kh_bind_int(&q, 9, f->limit);
    return rows(&q, a, ret, ret_n, err);
}

bool kh_task_sql_case(struct kh_tx *tx, struct kh_arena *a, const struct kh_task_find *f,
                      int64_t case_id, struct kh_task_row **ret, size_t *ret_n,
                      struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &of_case, err))
        return false;
    text(&q, 1, f->role);
    kh_bind_int(&q, 2, case_id);
    text(&q, 3, f->process);
    text(&q, 4, f->key);
    kh_bind_int(&q, 5, f->due_before_us);
    kh_bind_int(&q, 6, f->after_due_us);
    kh_bind_int(&q, 7, f->after_id);
    kh_bind_int(&q, 8, f->limit);
    return rows(&q, a, ret, ret_n, err);
}

bool kh_task_sql_roles(struct kh_tx *tx, struct kh_arena *a, bool closed, struct kh_str **ret,
                       size_t *ret_n, struct kh_error *err)
{
    struct kh_str *list = NULL;
    size_t n = 0, cap = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, closed ? &roles_closed : &roles, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        list = kh_grow(a, list, n, n + 1, &cap, sizeof(*list));
        list[n++] = kh_str_dup(a, kh_col_text(&q, 0));
    }
    if (hit == KH_FAIL)
        return false;
    *ret = list;
    *ret_n = n;
    return true;
}

bool kh_task_sql_overdue(struct kh_tx *tx, struct kh_arena *a, int64_t now_us, unsigned limit,
                         int64_t **ret_ids, size_t *ret_n, struct kh_error *err)
{
    int64_t *ids = kh_new_n(a, limit, int64_t);
    size_t n = 0;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &overdue, err))
        return false;
    kh_bind_int(&q, 1, now_us);
    kh_bind_int(&q, 2, limit);
    while ((hit = kh_query_next(&q, err)) == KH_HIT && n < limit)
        ids[n++] = kh_col_int(&q, 0);
    if (hit == KH_FAIL)
        return false;
    *ret_ids = ids;
    *ret_n = n;
    return true;
}

enum kh_hit kh_task_sql_tell(struct kh_tx *tx, int64_t id, int64_t now_us, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &tell, err))
        return KH_FAIL;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, now_us);
    return kh_query_next(&q, err);
}

bool kh_task_sql_next_overdue(struct kh_tx *tx, int64_t *ret_us, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &next_overdue, err))
        return false;
    hit = kh_query_next(&q, err);
    if (hit == KH_FAIL)
        return false;
    *ret_us = hit == KH_HIT ? kh_col_int(&q, 0) : KH_FOREVER;
    return true;
}

bool kh_task_sql_hold(struct kh_tx *tx, int64_t case_id, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &hold, err))
        return false;
    kh_bind_int(&q, 1, case_id);
    return kh_query_run(&q, NULL, err);
}

bool kh_task_sql_held(struct kh_tx *tx, struct kh_arena *a, int64_t case_id,
                      struct kh_task_row **ret, size_t *ret_n, struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &held, err))
        return false;
    kh_bind_int(&q, 1, case_id);
    return rows(&q, a, ret, ret_n, err);
}

bool kh_task_sql_release(struct kh_tx *tx, int64_t id, int64_t due_us, int64_t now_us,
                         struct kh_error *err)
{
    kh_auto(kh_query) q = {0};

    if (!kh_query_open(&q, tx, &release, err))
        return false;
    kh_bind_int(&q, 1, id);
    kh_bind_int(&q, 2, due_us);
    kh_bind_int(&q, 3, now_us);
    return kh_query_run(&q, NULL, err);
}
