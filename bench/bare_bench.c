/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_bench FILE SIZE: what bare SQLite does with the rows that one created report writes.
 *
 *   fdatasync  median of one sync of 64 KiB on this disk
 *   bare       creates per second: the same number of rows, columns, bytes and indexes as a report
 *              with its process makes (record, its search entry and version, instance, task, two
 *              timers, four events), 64 creates in a transaction and one sync for each, after SIZE
 *              of them are there
 */
#include "base/time.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64, SYNCS = 40, CHUNK = 65536, RUN_S = 5 };

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
    "PRAGMA temp_store=MEMORY;"
    "CREATE TABLE rec(id INTEGER PRIMARY KEY, rev INT, f INT, t INT, r INT, salt BLOB, data TEXT,"
    " search TEXT, number TEXT, category TEXT, unit TEXT, status TEXT, class TEXT, commune TEXT,"
    " due TEXT, public INT, owner INT, lon REAL, lat REAL, cell INT) STRICT;"
    "CREATE UNIQUE INDEX rec_number ON rec(number); CREATE INDEX rec_category ON rec(category, id);"
    "CREATE INDEX rec_unit ON rec(unit, status, id); CREATE INDEX rec_status ON rec(status, id);"
    "CREATE INDEX rec_class ON rec(class, id); CREATE INDEX rec_commune ON rec(commune, id);"
    "CREATE INDEX rec_due ON rec(due, id); CREATE INDEX rec_owner ON rec(owner, id);"
    "CREATE INDEX rec_cell ON rec(cell, id); CREATE INDEX rec_public ON rec(public, id);"
    "CREATE VIRTUAL TABLE fts USING fts5(x, content='', tokenize=ascii);"
    "CREATE TABLE version(id INT, rev INT, f INT, t INT, r INT, salt BLOB, data TEXT,"
    " PRIMARY KEY(id, rev)) WITHOUT ROWID;"
    "CREATE TABLE inst(id INTEGER PRIMARY KEY, p INT, k TEXT, c INT, s INT, at INT, state TEXT);"
    "CREATE INDEX inst_case ON inst(c);"
    "CREATE TABLE task(id INTEGER PRIMARY KEY, i INT, k TEXT, c INT, title TEXT, role TEXT, unit TEXT,"
    " s INT, due INT, at INT);"
    "CREATE INDEX task_due ON task(s, unit, due); CREATE INDEX task_case ON task(c);"
    "CREATE TABLE job(id INTEGER PRIMARY KEY, i INT, k TEXT, due INT); CREATE INDEX job_due ON job(due);"
    "CREATE INDEX job_i ON job(i);"
    "CREATE TABLE event(seq INTEGER PRIMARY KEY, at INT, kind TEXT, type TEXT, subject INT, about INT,"
    " unit TEXT, actor TEXT, salt BLOB, a BLOB, b BLOB, h BLOB, data TEXT) STRICT;"
    "CREATE INDEX event_subject ON event(subject, seq); CREATE INDEX event_about ON event(about, seq);";

static const char *const statements[] = {
    "INSERT INTO rec VALUES(?1,1,1,9,1,zeroblob(16),?2,?3,'PA-'||?1,'pothole','H26.'||(?1%126),'new',"
    "'normal','00070',?1,1,?1%1000,105.8,21.0,abs(random())>>2)",
    "INSERT INTO fts(rowid,x) VALUES(?1,?3)",
    "INSERT INTO version VALUES(?1,1,1,2,1,zeroblob(16),?2)",
    "INSERT INTO inst VALUES(?1,1,'report',?1,0,1,?3)",
    "INSERT INTO task VALUES(?1,?1,'triage',?1,?3,'officer','H26.'||(?1%126),0,?1,1)",
    "INSERT INTO job VALUES(?1*2,?1,'remind',?1)",
    "INSERT INTO job VALUES(?1*2+1,?1,'overdue',?1)",
    "INSERT INTO event VALUES(?1*4,1,'record.create','report',?1,?1,'H26','public',zeroblob(16),"
    "zeroblob(32),zeroblob(32),zeroblob(32),?3)",
    "INSERT INTO event VALUES(?1*4+1,1,'process.start','report',?1,?1,'H26','public',zeroblob(16),"
    "zeroblob(32),zeroblob(32),zeroblob(32),?3)",
    "INSERT INTO event VALUES(?1*4+2,1,'record.update','report',?1,?1,'H26','public',zeroblob(16),"
    "zeroblob(32),zeroblob(32),zeroblob(32),?3)",
    "INSERT INTO event VALUES(?1*4+3,1,'task.create','task',?1,?1,'H26','public',zeroblob(16),"
    "zeroblob(32),zeroblob(32),zeroblob(32),?3)",
};
enum { STATEMENTS = sizeof(statements) / sizeof(statements[0]) };

static sqlite3 *db;

static void must(int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "bare_bench: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void sync_line(const char *path)
{
    static char block[CHUNK];
    int64_t took[SYNCS];
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

    for (int i = 0; i < SYNCS; i++) {
        int64_t start = kh_mono_us();

        if (pwrite(fd, block, sizeof(block), (off_t)i * CHUNK) < 0 || fdatasync(fd) != 0)
            exit(1);
        took[i] = kh_mono_us() - start;
    }
    close(fd);
    unlink(path);
    qsort(took, SYNCS, sizeof(took[0]), by_size);
    printf("fdatasync  %9.3f ms median of 64 KiB\n", (double)took[SYNCS / 2] / 1000);
}

static void create(sqlite3_stmt **stmt, int64_t id)
{
    static char data[560], text[96];

    memset(data, 'x', sizeof(data) - 1);
    snprintf(text, sizeof(text), "mat duong hong gan so nha %lld de nghi kiem tra ngay hom nay",
             (long long)id);
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_bind_int64(stmt[i], 1, id);
        sqlite3_bind_text(stmt[i], 2, data, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt[i], 3, text, -1, SQLITE_STATIC);
        must(sqlite3_step(stmt[i]));
        sqlite3_reset(stmt[i]);
    }
}

static void batch(sqlite3_stmt **stmt, int64_t *id, int n)
{
    must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    for (int i = 0; i < n; i++)
        create(stmt, ++*id);
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
    sqlite3_stmt *stmt[STATEMENTS];
    int64_t size = argc > 2 ? strtoll(argv[2], NULL, 10) : 0, id = 0, start, begin, took;

    if (argc < 2)
        return 2;
    sync_line(argv[1]);
    must(sqlite3_open(argv[1], &db));
    must(sqlite3_exec(db, schema, NULL, NULL, NULL));
    for (size_t i = 0; i < STATEMENTS; i++)
        must(sqlite3_prepare_v2(db, statements[i], -1, &stmt[i], NULL));
    while (id < size)
        batch(stmt, &id, 5000);
    must(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous=FULL", NULL, NULL,
                      NULL));
    begin = id;
    start = kh_mono_us();
    while (kh_mono_us() - start < RUN_S * KH_US_S)
        batch(stmt, &id, BATCH);
    took = kh_mono_us() - start;
    printf("bare       %9.0f /s   %d rows each, %d in a transaction, at %lld\n",
           (double)(id - begin) * 1e6 / (double)took, STATEMENTS, BATCH, (long long)begin);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(stmt[i]);
    sqlite3_close(db);
    return 0;
}
