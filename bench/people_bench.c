/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people_bench DIR [TIMES [KIND]]: how fast people are found in a city that `khue demo people` has filled.
 *
 * Asks as a registrar of the whole city (and of one ward) for people who are drawn from the register:
 * by number, by name in every spelling, by parts of a name, with birth date and unit, and for names
 * that nobody has. Each kind is asked TIMES [300] times, a page of 20. Beside it stands, from the same
 * file in the same run, what bare SQLite takes to read the same rows: by the index on numbers, and
 * by id those that the page shows. The processor's time is that of the asking thread: on a machine that
 * is shared it says more than the clock. KIND is a part of the name of the only kind to ask.
 */
#include "base/text.h"
#include "base/time.h"
#include "engine/registry/registry.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE = 20, TIMES = 300, TIMES_MAX = 100000 };

static struct kh_store *st;
static struct kh_registry *reg;
static sqlite3 *db;
static sqlite3_stmt *some, *by_number, *by_id;
static int64_t first_id, last_id;
static unsigned seed = 7;

static unsigned rnd(void)
{
    seed = seed * 1103515245 + 12345;
    return seed >> 8;
}

static void stop(const char *what, const struct kh_error *err)
{
    fprintf(stderr, "people_bench: %s: %s\n", what, err ? err->detail : sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        stop(sql, NULL);
    return s;
}

/* ---- somebody ---- */

struct person {
    struct kh_str number, family, middle, given, birth, unit;
};

static struct person somebody(struct kh_arena *a)
{
    double at = ((double)rnd() + (double)rnd() / 16777216) / 16777216;
    struct kh_error err = {0};
    struct kh_json *f;

    sqlite3_bind_int64(some, 1, first_id + (int64_t)(at * (double)(last_id - first_id)));
    if (sqlite3_step(some) != SQLITE_ROW ||
        !kh_json_parse(a, kh_str_dup(a, kh_cstr((const char *)sqlite3_column_text(some, 0))), NULL,
                       &f, &err))
        stop("somebody", &err);
    sqlite3_reset(some);
    return (struct person){
        kh_json_str(f, "personal_number", KH_S("")), kh_json_str(f, "family_name", KH_S("")),
        kh_json_str(f, "middle_name", KH_S("")),     kh_json_str(f, "given_name", KH_S("")),
        kh_json_str(f, "birth_date", KH_S("")),      kh_json_str(f, "unit", KH_S(""))};
}

/* ---- questions ---- */

struct ask {
    struct kh_arena *a;
    struct kh_list q;
    struct kh_filter by[2];
    struct kh_page p;
    struct kh_who who;
    struct kh_grant grant;
};

typedef void (*make_fn)(struct ask *k, const struct person *p, const struct person *other);

static void filter(struct ask *k, const char *field, struct kh_str value)
{
    k->by[k->q.filters_n++] = (struct kh_filter){kh_cstr(field), KH_F_EQ, value};
}

static struct kh_str full(struct ask *k, const struct person *p)
{
    return kh_strf(k->a, "%.*s %.*s %.*s", KH_FMT(p->family), KH_FMT(p->middle), KH_FMT(p->given));
}

static void number(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    filter(k, "personal_number", p->number);
}

static void accents(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = full(k, p);
}

static void plain(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = kh_text_fold(k->a, full(k, p));
}

static void capitals(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = kh_text_upper(k->a, full(k, p));
}

static void ends(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = kh_strf(k->a, "%.*s %.*s", KH_FMT(p->given), KH_FMT(p->family));
}

static void one_word(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = kh_text_fold(k->a, rnd() % 2 ? p->family : p->given);
}

static void one_accented(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = p->given;
}

static void most_frequent(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    k->q.q = kh_strf(k->a, "nguyen %s", kh_str_starts(p->number, KH_S("001")) ? "thi" : "van");
}

/* Family of one, middle and given name of another: some exist, many do not. */
static void mixed(struct ask *k, const struct person *p, const struct person *other)
{
    k->q.q = kh_strf(k->a, "%.*s %.*s %.*s", KH_FMT(p->family), KH_FMT(other->middle),
                     KH_FMT(other->given));
}

static void two_families(struct ask *k, const struct person *p, const struct person *other)
{
    k->q.q = kh_strf(k->a, "nguyen %.*s %.*s", KH_FMT(other->family), KH_FMT(p->given));
}

static void with_birth(struct ask *k, const struct person *p, const struct person *other)
{
    ends(k, p, other);
    filter(k, "birth_date", p->birth);
}

static void with_unit(struct ask *k, const struct person *p, const struct person *other)
{
    ends(k, p, other);
    filter(k, "unit", p->unit);
}

static void word_with_unit(struct ask *k, const struct person *p, const struct person *other)
{
    one_word(k, p, other);
    filter(k, "unit", p->unit);
}

static void birth_alone(struct ask *k, const struct person *p, const struct person *other)
{
    (void)other;
    filter(k, "birth_date", p->birth);
}

static void in_ward(struct ask *k, const struct person *p, const struct person *other)
{
    plain(k, p, other);
    k->grant.unit = p->unit;
}

static void word_in_ward(struct ask *k, const struct person *p, const struct person *other)
{
    one_word(k, p, other);
    k->grant.unit = p->unit;
}

/* Of somebody of another ward: nobody, or a namesake. */
static void elsewhere(struct ask *k, const struct person *p, const struct person *other)
{
    plain(k, p, other);
    k->grant.unit = other->unit;
}

static const struct kind {
    const char *name;
    make_fn make;
    double budget_ms;
} kinds[] = {
    {"by number", number, 1},
    {"full name, as written", accents, 20},
    {"full name, no accents", plain, 20},
    {"full name, in capitals", capitals, 20},
    {"given and family name", ends, 20},
    {"one word, no accents", one_word, 20},
    {"given name, with accents", one_accented, 20},
    {"nguyen thi; nguyen van", most_frequent, 20},
    {"name put together of two people", mixed, 20},
    {"nguyen, another family, given", two_families, 20},
    {"given, family, birth date", with_birth, 20},
    {"given, family, unit", with_unit, 20},
    {"one word, unit", word_with_unit, 20},
    {"birth date alone", birth_alone, 20},
    {"full name, registrar of a ward", in_ward, 20},
    {"one word, registrar of a ward", word_in_ward, 20},
    {"full name, of another ward", elsewhere, 20},
};

/* ---- measuring ---- */

static bool list_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct ask *k = ctx;

    return kh_record_list(tx, reg, k->a, kh_type_find(reg, KH_S("resident")), &k->q, &k->p, err);
}

static int by_size(const void *x, const void *y)
{
    int64_t p = *(const int64_t *)x, q = *(const int64_t *)y;

    return p < q ? -1 : p > q;
}

static double ms(int64_t *all, int n, int percent)
{
    qsort(all, (size_t)n, sizeof(*all), by_size);
    return (double)all[(n - 1) * percent / 100] / 1000;
}

static int64_t cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * KH_US_S + ts.tv_nsec / 1000;
}

static int64_t read_bare(sqlite3_stmt *s, const struct ask *k)
{
    int64_t begin = kh_mono_us();

    for (size_t i = 0; i < k->p.n; i++) {
        sqlite3_bind_int64(s, 1, k->p.items[i].id);
        if (sqlite3_step(s) != SQLITE_ROW || !sqlite3_column_text(s, 0))
            stop("a row", NULL);
        sqlite3_reset(s);
    }
    return kh_mono_us() - begin;
}

static int64_t number_bare(struct kh_str n)
{
    int64_t begin = kh_mono_us();

    sqlite3_bind_text(by_number, 1, n.p, (int)n.n, SQLITE_STATIC);
    if (sqlite3_step(by_number) != SQLITE_ROW || !sqlite3_column_text(by_number, 0))
        stop("a number", NULL);
    sqlite3_reset(by_number);
    return kh_mono_us() - begin;
}

static bool measure(const struct kind *kind, int times)
{
    struct ask k = {.a = kh_arena_new((size_t)1 << 28)};
    int64_t *took = calloc((size_t)times, sizeof(*took)),
            *bare = calloc((size_t)times, sizeof(*bare));
    int64_t *cpu = calloc((size_t)times, sizeof(*cpu));
    struct kh_error err = {0};
    size_t rows = 0;
    double p99;

    for (int i = 0; i < times; i++) {
        struct person p, other;
        struct kh_buf b;

        kh_arena_reset(k.a);
        p = somebody(k.a);
        other = somebody(k.a);
        k.grant = (struct kh_grant){
            .role = KH_S("registrar"), .unit = KH_S("H26"), .until_us = KH_FOREVER};
        k.who = (struct kh_who){
            .kind = KH_WHO_ACCOUNT, .account = 1, .grants = &k.grant, .grants_n = 1};
        k.q = (struct kh_list){.limit = PAGE, .who = &k.who, .filters = k.by};
        kind->make(&k, &p, &other);
        cpu[i] = cpu_us();
        took[i] = kh_mono_us();
        if (!kh_store_run(st, "bench_list", KH_TX_READ, list_in_tx, &k, &err))
            stop(kind->name, &err);
        b = kh_buf(k.a, 1 << 20);
        for (size_t r = 0; r < k.p.n; r++)
            kh_record_render_at(&k.p.items[r], KH_SEE_PERSONAL, &b);
        took[i] = kh_mono_us() - took[i];
        cpu[i] = cpu_us() - cpu[i];
        rows += k.p.n;
        bare[i] = kind->make == number ? number_bare(p.number) : read_bare(by_id, &k);
    }
    p99 = ms(took, times, 99);
    printf("  %-32s %8.3f %8.3f %8.3f %8.3f   %5.1f   %8.3f %8.3f   %s\n", kind->name,
           ms(took, times, 50), p99, ms(took, times, 100), ms(cpu, times, 99), (double)rows / times,
           ms(bare, times, 50), ms(bare, times, 99), p99 <= kind->budget_ms ? "met" : "missed");
    fflush(stdout);
    kh_arena_drop(k.a);
    free(took);
    free(bare);
    free(cpu);
    return p99 <= kind->budget_ms;
}

static void open_bare(const char *dir)
{
    char path[4096];
    sqlite3_stmt *ends_of;

    snprintf(path, sizeof(path), "%s/city.db", dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        stop(path, NULL);
    sqlite3_exec(db, "PRAGMA mmap_size=1099511627776", NULL, NULL, NULL);
    some = prepare("SELECT data FROM rec_resident WHERE id >= ?1 ORDER BY id LIMIT 1");
    by_number = prepare("SELECT data FROM rec_resident WHERE f_personal_number = ?1");
    by_id = prepare("SELECT data FROM rec_resident WHERE id = ?1");
    ends_of = prepare("SELECT min(id), (SELECT max(id) FROM rec_resident) FROM rec_resident");
    if (sqlite3_step(ends_of) != SQLITE_ROW || sqlite3_column_type(ends_of, 0) == SQLITE_NULL)
        stop("there is nobody: khue demo people --data DIR --count N", NULL);
    first_id = sqlite3_column_int64(ends_of, 0);
    last_id = sqlite3_column_int64(ends_of, 1);
    sqlite3_finalize(ends_of);
}

int main(int argc, char **argv)
{
    int times = argc > 2 ? atoi(argv[2]) : TIMES;
    struct kh_store_config config = {0};
    struct kh_error err = {0};
    bool good = true;

    if (argc < 2 || times < 1 || times > TIMES_MAX) {
        fputs("people_bench DIR [TIMES [KIND]]\n", stderr);
        return 2;
    }
    config.url = argv[1];
    config.anchor_dir = argv[1];
    if (!kh_store_open(&config, &st, &err) || !kh_registry_open(st, &reg, &err))
        stop("open", &err);
    open_bare(argv[1]);
    printf("people: pages of %d, %d questions of each kind\n", PAGE, times);
    printf("  %-32s %8s %8s %8s %8s   %5s   %8s %8s\n", "milliseconds", "median", "p99", "most",
           "cpu p99", "rows", "bare med", "bare p99");
    for (size_t i = 0; i < KH_LEN(kinds); i++)
        if (argc < 4 || strstr(kinds[i].name, argv[3]))
            good = measure(&kinds[i], times) && good;
    sqlite3_finalize(some);
    sqlite3_finalize(by_number);
    sqlite3_finalize(by_id);
    sqlite3_close(db);
    kh_registry_close(reg);
    kh_store_close(st);
    return good ? 0 : 1;
}
