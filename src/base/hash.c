/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

struct kh_sha256_ctx {
    EVP_MD_CTX *md;
};

/* One context per thread, freed with it: making one costs more than hashing an event. The pointer
 * is the one thread-local of base/; the key is there for its destructor only. */
static pthread_key_t md_key;
static const EVP_MD *sha256;

static void md_free(void *p)
{
    EVP_MD_CTX_free(p);
}

static void md_setup(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    KH_REQUIRE(sha256 != NULL && pthread_key_create(&md_key, md_free) == 0);
}

static EVP_MD_CTX *thread_md(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local EVP_MD_CTX *md;

    if (!md) {
        pthread_once(&once, md_setup);
        md = EVP_MD_CTX_new();
        KH_REQUIRE(md != NULL && pthread_setspecific(md_key, md) == 0);
    }
    return md;
}

void kh_sha256(const struct kh_str *parts, size_t n, unsigned char out[KH_SHA256_BYTES])
{
    EVP_MD_CTX *md = thread_md();
    int ok;

    ok = EVP_DigestInit_ex2(md, sha256, NULL);
    for (size_t i = 0; i < n; i++)
        ok &= EVP_DigestUpdate(md, parts[i].p, parts[i].n);
    ok &= EVP_DigestFinal_ex(md, out, NULL);
    KH_REQUIRE(ok == 1);
}

void kh_hmac(struct kh_str key, struct kh_str text, unsigned char out[KH_SHA256_BYTES])
{
    KH_REQUIRE(HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)text.p, text.n, out,
                    NULL) != NULL);
}

struct kh_sha256_ctx *kh_sha256_new(void)
{
    struct kh_sha256_ctx *c = malloc(sizeof(*c));

    KH_REQUIRE(c != NULL);
    (void)thread_md(); /* fetches the algorithm, once */
    c->md = EVP_MD_CTX_new();
    KH_REQUIRE(c->md && EVP_DigestInit_ex2(c->md, sha256, NULL) == 1);
    return c;
}

void kh_sha256_add(struct kh_sha256_ctx *c, struct kh_str s)
{
    KH_REQUIRE(EVP_DigestUpdate(c->md, s.p, s.n) == 1);
}

void kh_sha256_end(struct kh_sha256_ctx *c, unsigned char *out)
{
    if (!c)
        return;
    if (out)
        KH_REQUIRE(EVP_DigestFinal_ex(c->md, out, NULL) == 1);
    EVP_MD_CTX_free(c->md);
    free(c);
}

void kh_random(void *out, size_t n)
{
    KH_REQUIRE(RAND_bytes(out, (int)n) == 1);
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93U;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93U;
    return h ^ h >> 32;
}

uint64_t kh_hash64(struct kh_str s, uint64_t seed)
{
    uint64_t h = seed ^ (s.n * 0x9e3779b97f4a7c15U), w;

    while (s.n >= 8) {
        memcpy(&w, s.p, 8);
        h = mix(h ^ w);
        s = kh_str_skip(s, 8);
    }
    w = 0;
    if (s.n)
        memcpy(&w, s.p, s.n);
    return mix(h ^ w);
}

bool kh_equal_secret(struct kh_str a, struct kh_str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

struct kh_str kh_hex(struct kh_arena *a, const void *p, size_t n)
{
    static const char d[] = "0123456789abcdef";
    const unsigned char *in = p;
    char *out = kh_alloc(a, n * 2 + 1);

    for (size_t i = 0; i < n; i++) {
        out[i * 2] = d[in[i] >> 4];
        out[i * 2 + 1] = d[in[i] & 15];
    }
    return kh_str(out, n * 2);
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool kh_unhex(struct kh_str s, unsigned char *out, size_t n)
{
    if (s.n != n * 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = nibble(s.p[i * 2]), lo = nibble(s.p[i * 2 + 1]);

        if (hi < 0 || lo < 0)
            return false;
        out[i] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

struct kh_str kh_base64url(struct kh_arena *a, struct kh_str bytes)
{
    static const char d[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = (const unsigned char *)bytes.p;
    char *out = kh_alloc(a, bytes.n * 4 / 3 + 4);
    size_t n = 0;

    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned v = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0);

        out[n++] = d[v >> 18];
        out[n++] = d[v >> 12 & 63];
        if (left > 1)
            out[n++] = d[v >> 6 & 63];
        if (left > 2)
            out[n++] = d[v & 63];
    }
    return kh_str(out, n);
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool kh_base64_parse(struct kh_arena *a, struct kh_str text, struct kh_str *ret_bytes)
{
    char *out;
    size_t n = 0;
    unsigned v = 0, bits = 0;

    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    if (text.n % 4 == 1)
        return false;
    out = kh_alloc(a, text.n * 3 / 4 + 1);
    for (size_t i = 0; i < text.n; i++) {
        int s = sextet(text.p[i]);

        if (s < 0)
            return false;
        v = v << 6 | (unsigned)s;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(v >> bits & 255);
        }
    }
    *ret_bytes = kh_str(out, n);
    return true;
}
