/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event/row_sql.h"

#include "base/hash.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 16 };

struct table {
    const char *name;
    bool by_id;
    int columns; /* behind the key */
    struct kh_sql one, all;
};

/* Columns that a change of no meaning may move (counters of figures, say) are left out. */
#define INT(c)                 "CAST(" c " AS text)"
#define ALL(key, columns, tab) "SELECT " key ", " columns " FROM " tab
#define BY_ID(tab, n, columns)                                                                     \
    {                                                                                              \
        tab, true, n, {"row_" tab, ALL(INT("id"), columns, tab) " WHERE id = $1", NULL},           \
        {                                                                                          \
            "rows_" tab, ALL(INT("id"), columns, tab), NULL                                        \
        }                                                                                          \
    }
#define BY_TEXT(tab, key, n, columns)                                                              \
    {                                                                                              \
        tab, false, n, {"row_" tab, ALL(key, columns, tab) " WHERE " key " = $1", NULL},           \
        {                                                                                          \
            "rows_" tab, ALL(key, columns, tab), NULL                                              \
        }                                                                                          \
    }

#define KEY_REST  INT("account") ", name, hint, " INT("created_us") ", " INT("expires_us")
#define KEY_LITE  "hex(secret), " KEY_REST
#define KEY_PG    "upper(encode(secret, 'hex')), " KEY_REST
#define FILE_KEY  "pack || '/' || path"
#define FILE_LITE "hex(sum), " INT("loaded_us")
#define FILE_PG   "upper(encode(sum, 'hex')), " INT("loaded_us")

static const struct table tables[KH_ROW_TABLES] = {
    [KH_ROW_ACCOUNT] = BY_ID("account", 12,
                             "username, name, folded, kind, unit, phone, email, lang, state, "
                             "password, " INT("created_us") ", " INT("changed_us")),
    [KH_ROW_GRANT] = BY_ID("account_grant", 8,
                           INT("account") ", role, unit, " INT("start_us") ", " INT(
                               "until_us") ", " INT("given_by") ", " INT("delegated") ", reason"),
    [KH_ROW_KEY] = {"api_key",
                    true,
                    6,
                    {"row_api_key", ALL(INT("id"), KEY_LITE, "api_key") " WHERE id = $1",
                     ALL(INT("id"), KEY_PG, "api_key") " WHERE id = $1"},
                    {"rows_api_key", ALL(INT("id"), KEY_LITE, "api_key"),
                     ALL(INT("id"), KEY_PG, "api_key")}},
    [KH_ROW_ROLE] = BY_TEXT("role", "role", 2, "pack, texts"),
    [KH_ROW_ACCESS] =
        BY_ID("access_log", 11,
              INT("at_us") ", " INT("owner") ", " INT(
                  "reader") ", actor, name, role, unit, type, " INT("record") ", fields, purpose"),
    [KH_ROW_PROCESS] =
        BY_ID("process", 7,
              "key, " INT("version") ", name_vi, name_en, checksum, xml, " INT("deployed_us")),
    [KH_ROW_DECISION] =
        BY_ID("decision", 8,
              "pack, key, " INT("version") ", name, namespace, checksum, xml, " INT("deployed_us")),
    [KH_ROW_CALENDAR] = BY_TEXT("calendar", "key", 2, "data, " INT("changed_us")),
    [KH_ROW_TYPE] =
        BY_TEXT("rtype", "name", 4, INT("version") ", schema, layout, " INT("changed_us")),
    [KH_ROW_TYPE_VERSION] =
        BY_TEXT("rtype_version", "name || '/' || " INT("version"), 2, "schema, " INT("changed_us")),
    [KH_ROW_PACK] = BY_TEXT("pack", "id", 4, "version, manifest, " INT("loaded_us") ", loaded_by"),
    [KH_ROW_PACK_FILE] = {"pack_file",
                          false,
                          2,
                          {"row_pack_file",
                           ALL(FILE_KEY, FILE_LITE, "pack_file") " WHERE " FILE_KEY " = $1",
                           ALL(FILE_KEY, FILE_PG, "pack_file") " WHERE " FILE_KEY " = $1"},
                          {"rows_pack_file", ALL(FILE_KEY, FILE_LITE, "pack_file"),
                           ALL(FILE_KEY, FILE_PG, "pack_file")}},
    [KH_ROW_TEMPLATE] = BY_TEXT("notice_template", "key", 2, "pack, texts"),
    [KH_ROW_INDICATOR] = BY_TEXT("indicator", "key", 2, "pack, definition"),
    [KH_ROW_PRINT] = BY_TEXT("print", "key", 3, "pack, type, definition"),
};

const char *kh_row_sql_table(enum kh_row_table table)
{
    return tables[table].name;
}

bool kh_row_sql_by_id(enum kh_row_table table)
{
    return tables[table].by_id;
}

/* The row that the statement stands on: each text behind its length. */
static void hash_row(struct kh_query *q, const struct table *t, unsigned char *ret)
{
    struct kh_str parts[2 * (COLUMNS_MAX + 1) + 1];
    uint64_t lengths[COLUMNS_MAX + 1];
    unsigned char sum[KH_SHA256_BYTES];
    size_t n = 0;

    parts[n++] = kh_str(t->name, strlen(t->name) + 1);
    for (int i = 0; i <= t->columns; i++) {
        struct kh_str text = kh_col_text(q, i);

        lengths[i] = text.p ? text.n : UINT64_MAX;
        parts[n++] = kh_str((const char *)&lengths[i], sizeof(lengths[i]));
        parts[n++] = text.p ? text : KH_S("");
    }
    kh_sha256(parts, n, sum);
    memcpy(ret, sum, KH_ROW_HASH_BYTES);
}

enum kh_hit kh_row_sql_hash(struct kh_tx *tx, enum kh_row_table table, struct kh_str key,
                            unsigned char ret[KH_ROW_HASH_BYTES], struct kh_error *err)
{
    const struct table *t = &tables[table];
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &t->one, err))
        return KH_FAIL;
    if (t->by_id)
        kh_bind_int(&q, 1, strtoll(key.p, NULL, 10));
    else
        kh_bind_text(&q, 1, key);
    hit = kh_query_next(&q, err);
    if (hit == KH_HIT)
        hash_row(&q, t, ret);
    return hit;
}

bool kh_row_sql_each(struct kh_tx *tx, enum kh_row_table table, kh_row_fn fn, void *ctx,
                     struct kh_error *err)
{
    const struct table *t = &tables[table];
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &t->all, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT) {
        unsigned char hash[KH_ROW_HASH_BYTES];

        hash_row(&q, t, hash);
        fn(ctx, kh_col_text(&q, 0), hash);
    }
    return hit == KH_MISS;
}

bool kh_row_sql_words(struct kh_tx *tx, kh_row_word_fn fn, void *ctx, struct kh_error *err)
{
    static const struct kh_sql sql = {
        "row_words",
        "SELECT seq, type, data FROM event WHERE kind = 'row.put' AND data IS NOT NULL"
        " ORDER BY seq",
        NULL};
    kh_auto(kh_query) q = {0};
    enum kh_hit hit;

    if (!kh_query_open(&q, tx, &sql, err))
        return false;
    while ((hit = kh_query_next(&q, err)) == KH_HIT)
        if (!fn(ctx, kh_col_int(&q, 0), kh_col_text(&q, 1), kh_col_text(&q, 2), err))
            return false;
    return hit == KH_MISS;
}
