/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint.h"

#include "base/hash.h"
#include "base/time.h"
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_US KH_US_H

enum { KEYS_MAX = 32, LINE_BYTES = 512 };

struct kh_anchor {
    EVP_PKEY *key;
    unsigned char mine[32];
    unsigned char known[KEYS_MAX][32]; /* public keys of the folder; mine is one */
    size_t known_n;
    int log;  /* opened for appending */
    int lock; /* shared by all processes on this folder: who is alone may say "close" */
    pthread_mutex_t write_lock;
};

/* ---- signing ---- */

/* What is signed: a fixed word, the numbers, the hash, and what it is for. */
static size_t message(const struct kh_checkpoint *c, unsigned char out[160])
{
    static const char word[] = "khue checkpoint 1\n";
    uint64_t v[2] = {(uint64_t)c->seq, (uint64_t)c->at_us};
    size_t n = sizeof(word) - 1, what = c->what.n < 32 ? c->what.n : 32;

    memcpy(out, word, n);
    for (int k = 0; k < 2; k++)
        for (int i = 7; i >= 0; i--)
            out[n++] = (unsigned char)(v[k] >> (i * 8));
    memcpy(out + n, c->chain, 32);
    n += 32;
    memcpy(out + n, c->what.p, what);
    return n + what;
}

static bool sign(const struct kh_anchor *an, struct kh_checkpoint *c, struct kh_error *err)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char m[160];
    size_t n = message(c, m), sig = sizeof(c->signature);
    bool ok;

    memcpy(c->signer, an->mine, sizeof(c->signer));
    ok = md && EVP_DigestSignInit(md, NULL, NULL, NULL, an->key) == 1 &&
         EVP_DigestSign(md, c->signature, &sig, m, n) == 1 && sig == sizeof(c->signature);
    EVP_MD_CTX_free(md);
    return ok || kh_fail(err, KH_EC_INTERNAL, "Ed25519 signing failed");
}

static bool signature_ok(const struct kh_checkpoint *c)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, c->signer, 32);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char m[160];
    size_t n = message(c, m);
    bool ok = key && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(md, c->signature, sizeof(c->signature), m, n) == 1;

    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    return ok;
}

bool kh_anchor_vouches(struct kh_store *st, const struct kh_checkpoint *c, bool *ret_known)
{
    const struct kh_anchor *an = st->anchor;

    *ret_known = false;
    for (size_t i = 0; an && i < an->known_n; i++)
        *ret_known = *ret_known || memcmp(an->known[i], c->signer, 32) == 0;
    return *ret_known && signature_ok(c);
}

/* ---- the folder ---- */

static bool io_fail(struct kh_error *err, const char *what, const char *name)
{
    return kh_fail(err, KH_EC_IO, "%s %s: %s", what, name, strerror(errno));
}

static char *path_of(struct kh_arena *a, const char *dir, const char *name)
{
    return kh_str_z(a, kh_strf(a, "%s/%s", dir, name));
}

/* Make the key: written whole under another name first, so that two processes that start together
 * end with one key. */
static bool make_key(const char *dir, struct kh_arena *a, struct kh_error *err)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    char *part = path_of(a, dir, "checkpoint.key.XXXXXX");
    int fd = mkostemp(part, O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool ok = key && f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              fflush(f) == 0 && fsync(fileno(f)) == 0;

    if (f)
        fclose(f);
    else if (fd >= 0)
        close(fd);
    EVP_PKEY_free(key);
    ok = ok && (link(part, path_of(a, dir, "checkpoint.key")) == 0 || errno == EEXIST);
    if (!ok)
        io_fail(err, "cannot write", "checkpoint.key");
    unlink(part);
    return ok && kh_backup_sync(dir, err);
}

static bool load_key(struct kh_anchor *an, const char *dir, struct kh_arena *a,
                     struct kh_error *err)
{
    char *path = path_of(a, dir, "checkpoint.key");
    size_t n = sizeof(an->mine);
    FILE *f = fopen(path, "re");

    if (!f && errno == ENOENT) {
        if (!make_key(dir, a, err))
            return false;
        f = fopen(path, "re");
    }
    if (!f)
        return io_fail(err, "cannot read", "checkpoint.key");
    an->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    if (!an->key || EVP_PKEY_get_raw_public_key(an->key, an->mine, &n) != 1 || n != 32)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "checkpoint.key is no Ed25519 key");
    return true;
}

/* The public half, named after itself, stays when the key is replaced. */
static bool put_public(const struct kh_anchor *an, const char *dir, struct kh_arena *a,
                       struct kh_error *err)
{
    struct kh_str hex = kh_hex(a, an->mine, 32);
    char *path = path_of(a, dir, kh_str_z(a, kh_strf(a, "checkpoint-%.8s.pub", hex.p)));
    FILE *f;
    bool ok;

    if (access(path, R_OK) == 0)
        return true;
    f = fopen(path, "we");
    ok = f && fprintf(f, "%.*s\n", KH_FMT(hex)) > 0 && fflush(f) == 0 && fsync(fileno(f)) == 0;
    if (f)
        fclose(f);
    return ok || io_fail(err, "cannot write", "the public key");
}

static bool is_public(const char *name)
{
    struct kh_str s = kh_cstr(name);

    return kh_str_starts(s, KH_S("checkpoint-")) && s.n > 4 &&
           kh_str_is(kh_str_skip(s, s.n - 4), ".pub");
}

static bool load_public(struct kh_anchor *an, const char *dir, struct kh_arena *a,
                        struct kh_error *err)
{
    DIR *d = opendir(dir);

    if (!d)
        return io_fail(err, "cannot list", "the anchor folder");
    for (struct dirent *e; (e = readdir(d)) && an->known_n < KEYS_MAX;) {
        char line[80];
        FILE *f;

        if (!is_public(e->d_name) || !(f = fopen(path_of(a, dir, e->d_name), "re")))
            continue;
        if (fgets(line, sizeof(line), f) &&
            kh_unhex(kh_str_trim(kh_cstr(line)), an->known[an->known_n], 32))
            an->known_n++;
        fclose(f);
    }
    closedir(d);
    return true;
}

/* ---- the file ---- */

static bool append_line(struct kh_anchor *an, const struct kh_checkpoint *c, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(4096);
    struct kh_str chain = kh_hex(a, c->chain, 32), signer = kh_hex(a, c->signer, 32),
                  sig = kh_hex(a, c->signature, 64);
    struct kh_str line =
        kh_strf(a, "khue1 %lld %lld %.*s %.*s %.*s %.*s\n", (long long)c->seq, (long long)c->at_us,
                KH_FMT(c->what), KH_FMT(chain), KH_FMT(signer), KH_FMT(sig));
    bool ok;

    pthread_mutex_lock(&an->write_lock);
    ok = write(an->log, line.p, line.n) == (ssize_t)line.n && fdatasync(an->log) == 0;
    pthread_mutex_unlock(&an->write_lock);
    return ok || io_fail(err, "cannot write", "checkpoints.log");
}

static bool parse_line(struct kh_arena *a, struct kh_str line, struct kh_checkpoint *ret)
{
    struct kh_str word = kh_str_cut(line, ' ', &line), seq, at, chain, signer;

    seq = kh_str_cut(line, ' ', &line);
    at = kh_str_cut(line, ' ', &line);
    ret->what = kh_str_dup(a, kh_str_cut(line, ' ', &line));
    chain = kh_str_cut(line, ' ', &line);
    signer = kh_str_cut(line, ' ', &line);
    return kh_str_is(word, "khue1") && kh_str_int(seq, &ret->seq) && ret->seq >= 0 &&
           kh_str_int(at, &ret->at_us) && kh_unhex(chain, ret->chain, 32) &&
           kh_unhex(signer, ret->signer, 32) && kh_unhex(line, ret->signature, 64);
}

bool kh_anchor_read(struct kh_store *st, struct kh_arena *a, struct kh_anchored **ret,
                    size_t *ret_n, struct kh_error *err)
{
    struct kh_anchored *all = NULL;
    size_t n = 0, cap = 0;
    char line[LINE_BYTES];
    FILE *f;

    *ret = NULL;
    *ret_n = 0;
    if (!st->anchor)
        return true;
    f = fopen(path_of(a, st->anchor_dir, "checkpoints.log"), "re");
    if (!f)
        return errno == ENOENT || io_fail(err, "cannot read", "checkpoints.log");
    while (fgets(line, sizeof(line), f)) {
        struct kh_str s = kh_cstr(line);
        bool known;

        if (s.n == 0 || s.p[s.n - 1] != '\n')
            break; /* torn by a crash: it never counted */
        s.n--;
        if (s.n == 0)
            continue;
        all = kh_grow(a, all, n, n + 1, &cap, sizeof(*all));
        all[n] = (struct kh_anchored){0};
        if (parse_line(a, s, &all[n].c))
            all[n].signed_ok = kh_anchor_vouches(st, &all[n].c, &known);
        else
            all[n].c.seq = -1;
        n++;
    }
    fclose(f);
    *ret = all;
    *ret_n = n;
    return true;
}

/* A line that a crash has torn must not swallow the next one. */
static bool open_log(struct kh_anchor *an, const char *dir, struct kh_arena *a,
                     struct kh_error *err)
{
    char *path = path_of(a, dir, "checkpoints.log");
    char last = '\n';
    off_t size;

    an->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    an->lock = open(path_of(a, dir, "checkpoints.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (an->log < 0 || an->lock < 0)
        return io_fail(err, "cannot open", "checkpoints.log");
    size = lseek(an->log, 0, SEEK_END);
    if (size > 0 && pread(an->log, &last, 1, size - 1) != 1)
        return io_fail(err, "cannot read", "checkpoints.log");
    if (last != '\n' && write(an->log, "\n", 1) != 1)
        return io_fail(err, "cannot write", "checkpoints.log");
    return true;
}

/* ---- checkpoints ---- */

struct sign_job {
    struct kh_checkpoint c;
    struct kh_store *st;
};

static bool sign_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct sign_job *j = ctx;
    struct kh_store *st = kh_tx_store(tx);
    struct kh_chain head;

    if (st->kind == KH_STORE_SQLITE)
        head = st->working;
    else if (!kh_event_sql_head(tx, &head, err))
        return false;
    j->c.seq = head.seq;
    j->c.at_us = kh_now_us();
    memcpy(j->c.chain, head.hash, sizeof(head.hash));
    if (head.seq == 0)
        return true; /* nothing to vouch for */
    return sign(st->anchor, &j->c, err) && kh_checkpoint_sql_add(tx, &j->c, err);
}

static bool checkpoint(struct kh_store *st, const char *what, struct kh_error *err)
{
    struct sign_job j = {.c = {.what = kh_cstr(what)}, .st = st};

    if (!st->anchor)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "no anchor folder is configured");
    if (!kh_store_run(st, "checkpoint", KH_TX_WRITE, sign_in_tx, &j, err))
        return false;
    if (j.c.seq == 0)
        return true;
    atomic_store(&st->checkpoint_seq, j.c.seq);
    return append_line(st->anchor, &j.c, err);
}

bool kh_event_checkpoint(struct kh_store *st, struct kh_error *err)
{
    return checkpoint(st, "asked", err);
}

static void tick_done(void *ctx, bool ok, const struct kh_error *why)
{
    struct sign_job *j = ctx;
    struct kh_error err = {0};

    (void)why; /* the next hour, or the close, tries again */
    if (ok && j->c.seq && append_line(j->st->anchor, &j->c, &err))
        atomic_store(&j->st->checkpoint_seq, j->c.seq);
    free(j);
}

void kh_anchor_tick(struct kh_store *st)
{
    int64_t now = kh_now_us();
    struct kh_error err = {0};
    struct sign_job *j;

    /* Never due until the anchor is there: kh_anchor_open sets it last. */
    if (now < atomic_load_explicit(&st->checkpoint_due_us, memory_order_acquire))
        return;
    atomic_store_explicit(&st->checkpoint_due_us, now + HOUR_US, memory_order_release);
    if (atomic_load(&st->checkpoint_seq) == kh_event_head(st))
        return;
    j = kh_store_alloc(sizeof(*j));
    *j = (struct sign_job){.c = {.what = KH_S("hourly")}, .st = st};
    if (!kh_store_submit(st, "checkpoint", sign_in_tx, j, tick_done, &err))
        free(j);
}

/* Only into the file: what the database looked like when it was found, or put back. */
static bool note(struct kh_store *st, const char *what, struct kh_error *err)
{
    struct kh_checkpoint c = {.at_us = kh_now_us(), .what = kh_cstr(what)};
    struct kh_chain head = st->working;

    c.seq = head.seq;
    memcpy(c.chain, head.hash, sizeof(head.hash));
    return sign(st->anchor, &c, err) && append_line(st->anchor, &c, err);
}

bool kh_anchor_open(struct kh_store *st, bool restored, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    struct kh_anchor *an;
    bool alone;

    if (!st->anchor_dir)
        return true;
    if (mkdir(st->anchor_dir, 0700) != 0 && errno != EEXIST)
        return io_fail(err, "cannot make", "the anchor folder");
    an = kh_store_alloc(sizeof(*an));
    an->log = an->lock = -1;
    pthread_mutex_init(&an->write_lock, NULL);
    if (!load_key(an, st->anchor_dir, a, err) || !put_public(an, st->anchor_dir, a, err) ||
        !load_public(an, st->anchor_dir, a, err) || !open_log(an, st->anchor_dir, a, err)) {
        kh_anchor_close(an);
        return false;
    }
    /* Who finds nobody else here has found the data as the last one left it. */
    alone = st->kind == KH_STORE_SQLITE && flock(an->lock, LOCK_EX | LOCK_NB) == 0;
    st->anchor = an;
    if (!note(st, restored ? "restore" : alone ? "open" : "join", err))
        return false;
    (void)flock(an->lock, LOCK_SH);
    atomic_store_explicit(&st->checkpoint_due_us, kh_now_us() + HOUR_US, memory_order_release);
    return true;
}

void kh_anchor_close(struct kh_anchor *an)
{
    if (!an)
        return;
    if (an->log >= 0)
        close(an->log);
    if (an->lock >= 0)
        close(an->lock);
    EVP_PKEY_free(an->key);
    pthread_mutex_destroy(&an->write_lock);
    free(an);
}

bool kh_anchor_sign_close(struct kh_store *st, struct kh_error *err)
{
    bool alone;

    if (!st->anchor)
        return true;
    /* Trying for the exclusive lock may lose the shared one for a moment; it is the end anyway. */
    alone = st->kind == KH_STORE_SQLITE && flock(st->anchor->lock, LOCK_EX | LOCK_NB) == 0;
    return checkpoint(st, alone ? "close" : "leave", err);
}

/* ---- copies ---- */

/* Signed heads that are there already are newer than any copy: they stay. */
static bool copy_proof(struct kh_arena *a, const char *from, const char *to, const char *name,
                       struct kh_error *err)
{
    const char *target = path_of(a, to, name);

    return access(target, F_OK) == 0 ||
           kh_backup_copy(path_of(a, from, name), target, NULL, NULL, err);
}

bool kh_anchor_copy(const char *from, const char *to, struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(1 << 20);
    DIR *d = opendir(from);
    bool ok = true;

    if (!d)
        return io_fail(err, "cannot list", "the anchor folder");
    for (struct dirent *e; ok && (e = readdir(d));)
        if (is_public(e->d_name) || strcmp(e->d_name, "checkpoints.log") == 0)
            ok = copy_proof(a, from, to, e->d_name, err);
    closedir(d);
    return ok && kh_backup_sync(to, err);
}
