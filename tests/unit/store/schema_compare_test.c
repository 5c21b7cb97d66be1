/* SPDX-License-Identifier: Apache-2.0 */
/* The migrations make the same tables with the same columns on both databases. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COLUMNS_MAX = 4096 };

/* "table.column kind" of each column; kind is what a statement sees: integer, real, text or
 * blob. */
struct columns {
    struct kh_arena *a;
    struct kh_str items[COLUMNS_MAX];
    size_t n;
};

static const struct kh_sql columns_sql = {
    "columns",
    "SELECT m.name, c.name, CASE lower(c.type) WHEN 'integer' THEN 'integer' WHEN 'real' THEN 'real'"
    " WHEN 'text' THEN 'text' WHEN 'blob' THEN 'blob' ELSE 'unknown ' || c.type END"
    " FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.sql NOT LIKE 'CREATE VIRTUAL%'"
    " ORDER BY 1, 2",
    "SELECT table_name, column_name, CASE data_type WHEN 'bigint' THEN 'integer' WHEN 'integer' THEN"
    " 'integer' WHEN 'double precision' THEN 'real' WHEN 'text' THEN 'text' WHEN 'bytea' THEN 'blob'"
    " ELSE 'unknown ' || data_type END COLLATE \"C\" FROM information_schema.columns"
    " WHERE table_schema = current_schema() ORDER BY table_name COLLATE \"C\","
    " column_name COLLATE \"C\""};

static bool read_columns(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct columns *c = ctx;
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    c->n = 0;
    if (!kh_query_open(&q, tx, &columns_sql, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        struct kh_str table = kh_col_text(&q, 0);

        /* Only PostgreSQL seals later, and only SQLite keeps its index of words in tables. */
        if (kh_str_is(table, "event_inbox") || memmem(table.p, table.n, "_fts", 4))
            continue;
        assert_true(c->n < COLUMNS_MAX);
        c->items[c->n] = kh_strf(c->a, "%.*s.", KH_FMT(table));
        c->items[c->n] =
            kh_strf(c->a, "%.*s%.*s", KH_FMT(c->items[c->n]), KH_FMT(kh_col_text(&q, 1)));
        c->items[c->n] =
            kh_strf(c->a, "%.*s %.*s", KH_FMT(c->items[c->n]), KH_FMT(kh_col_text(&q, 2)));
        c->n++;
    }
    return hit == KH_MISS;
}

static void columns_of(const char *store, struct columns *c)
{
    struct store_fixture f;
    struct kh_error err = {0};

    setenv("KHUE_TEST_STORE", store, 1);
    fixture_open(&f);
    if (!kh_store_run(f.st, "columns", KH_TX_READ, read_columns, c, &err))
        fail_msg("%s", err.detail);
    fixture_drop(&f);
}

/* What one has and the other has not. */
static unsigned missing(const struct columns *from, const struct columns *in, const char *who)
{
    unsigned n = 0;

    for (size_t i = 0; i < from->n; i++) {
        bool there = false;

        for (size_t k = 0; k < in->n && !there; k++)
            there = kh_str_eq(from->items[i], in->items[k]);
        if (!there) {
            print_message("# only %s has %.*s\n", who, KH_FMT(from->items[i]));
            n++;
        }
    }
    return n;
}

static void both_databases_have_the_same_columns(void **state)
{
    kh_auto_arena a = kh_arena_new((size_t)16 << 20);
    struct columns *sqlite = kh_new(a, struct columns), *pg = kh_new(a, struct columns);

    (void)state;
    sqlite->a = pg->a = a;
    columns_of("sqlite", sqlite);
    columns_of("postgres", pg);
    assert_true(sqlite->n > 20);
    assert_int_equal(missing(sqlite, pg, "SQLite") + missing(pg, sqlite, "PostgreSQL"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_databases_have_the_same_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
