/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notify/push.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

/* An EVP_PKEY under a name of our own: the struct is never defined. */
static EVP_PKEY *key_of(const struct kh_push_pair *p)
{
    union {
        const struct kh_push_pair *in;
        EVP_PKEY *out;
    } cast = {.in = p};

    return cast.out;
}

struct kh_push_pair *kh_push_pair_new(void)
{
    return (struct kh_push_pair *)EVP_EC_gen("P-256");
}

struct kh_push_pair *kh_push_pair_read(struct kh_str pem)
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;

    BIO_free(in);
    return (struct kh_push_pair *)key;
}

void kh_push_pair_drop(struct kh_push_pair *p)
{
    EVP_PKEY_free((EVP_PKEY *)p);
}

struct kh_str kh_push_pair_pem(const struct kh_push_pair *p, struct kh_arena *a)
{
    BIO *out = BIO_new(BIO_s_mem());
    struct kh_str pem = {0};
    char *data;
    long n;

    KH_REQUIRE(out && PEM_write_bio_PrivateKey(out, key_of(p), NULL, NULL, 0, NULL, NULL) == 1);
    n = BIO_get_mem_data(out, &data);
    pem = kh_str_dup(a, kh_str(data, (size_t)n));
    BIO_free(out);
    return pem;
}

struct kh_str kh_push_pair_point(const struct kh_push_pair *p, struct kh_arena *a)
{
    unsigned char point[KH_PUSH_POINT];
    size_t n = 0;

    KH_REQUIRE(EVP_PKEY_get_octet_string_param(key_of(p), OSSL_PKEY_PARAM_PUB_KEY, point,
                                               sizeof(point), &n) == 1 &&
               n == sizeof(point));
    return kh_str_dup(a, kh_str((const char *)point, n));
}

/* A public key from its point; NULL if the point is not on the curve. */
static EVP_PKEY *key_from_point(struct kh_str point)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (bld && ctx &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) &&
        (params = OSSL_PARAM_BLD_to_param(bld)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool shared_secret(const struct kh_push_pair *mine, struct kh_str point,
                          unsigned char out[32])
{
    EVP_PKEY *peer = key_from_point(point);
    EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new(key_of(mine), NULL) : NULL;
    size_t n = 32;
    bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, out, &n) == 1 && n == 32;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return ok;
}

/* One block of HKDF (RFC 5869): expand(extract(salt, ikm), info). */
static void hkdf(struct kh_arena *a, struct kh_str salt, struct kh_str ikm, struct kh_str info,
                 unsigned char out[32])
{
    unsigned char prk[32];
    struct kh_buf b = kh_buf(a, 1024);

    kh_hmac(salt, ikm, prk);
    kh_buf_str(&b, info);
    kh_buf_c(&b, 1);
    kh_hmac(kh_str((const char *)prk, sizeof(prk)), kh_buf_get(&b), out);
}

static bool seal(struct kh_str text, const unsigned char *key, const unsigned char *nonce,
                 unsigned char *out)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    static const unsigned char last = 2; /* delimiter of the last record */
    int n = 0, m = 0, end = 0;
    bool ok = c && EVP_EncryptInit_ex2(c, EVP_aes_128_gcm(), key, nonce, NULL) == 1 &&
              EVP_EncryptUpdate(c, out, &n, (const unsigned char *)text.p, (int)text.n) == 1 &&
              EVP_EncryptUpdate(c, out + n, &m, &last, 1) == 1 &&
              EVP_EncryptFinal_ex(c, out + n + m, &end) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out + n + m) == 1;

    EVP_CIPHER_CTX_free(c);
    return ok;
}

bool kh_push_encrypt(struct kh_arena *a, struct kh_str text, struct kh_str point,
                     struct kh_str auth, const struct kh_push_pair *ephemeral,
                     const unsigned char salt[16], struct kh_str *ret_body, struct kh_error *err)
{
    unsigned char secret[32], ikm[32], cek[32], nonce[32];
    struct kh_str mine = kh_push_pair_point(ephemeral, a);
    struct kh_str salted = kh_str((const char *)salt, 16);
    struct kh_str key = kh_str((const char *)ikm, sizeof(ikm));
    struct kh_buf info = kh_buf(a, 512);
    unsigned char *body;

    if (text.n > 3900 || point.n != KH_PUSH_POINT || auth.n != KH_PUSH_AUTH ||
        !shared_secret(ephemeral, point, secret))
        return kh_fail(err, KH_EC_NOTIFY_INVALID, "this is no web push subscription");
    kh_buf_add(&info, "WebPush: info", 14); /* with its NUL */
    kh_buf_str(&info, point);
    kh_buf_str(&info, mine);
    hkdf(a, auth, kh_str((const char *)secret, sizeof(secret)), kh_buf_get(&info), ikm);
    hkdf(a, salted, key, kh_str("Content-Encoding: aes128gcm", 28), cek);
    hkdf(a, salted, key, kh_str("Content-Encoding: nonce", 24), nonce);

    body = kh_alloc(a, 86 + text.n + 17);
    memcpy(body, salt, 16);
    body[18] = 4096 >> 8; /* record size, big-endian */
    body[20] = KH_PUSH_POINT;
    memcpy(body + 21, mine.p, KH_PUSH_POINT);
    if (!seal(text, cek, nonce, body + 86))
        return kh_fail(err, KH_EC_INTERNAL, "aes128gcm failed");
    *ret_body = kh_str((const char *)body, 86 + text.n + 17);
    return true;
}

/* ECDSA over SHA-256 as r || s (RFC 7518 section 3.4). */
static bool sign_es256(const struct kh_push_pair *p, struct kh_str text, unsigned char out[64])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char der[80];
    const unsigned char *at = der;
    size_t n = sizeof(der);
    ECDSA_SIG *sig = NULL;
    bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key_of(p)) == 1 &&
              EVP_DigestSign(md, der, &n, (const unsigned char *)text.p, text.n) == 1 &&
              (sig = d2i_ECDSA_SIG(NULL, &at, (long)n)) != NULL &&
              BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32;

    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(md);
    return ok;
}

bool kh_push_authorization(struct kh_arena *a, const struct kh_push_pair *server,
                           struct kh_str origin, struct kh_str subject, int64_t now_us,
                           struct kh_str *ret_value, struct kh_error *err)
{
    struct kh_buf claims = kh_buf(a, 2048);
    struct kh_jw w = kh_jw(&claims);
    unsigned char sig[64];
    struct kh_str body;

    kh_jw_obj(&w);
    kh_jw_kstr(&w, "aud", origin);
    kh_jw_kint(&w, "exp", now_us / KH_US_S + 12 * 3600);
    kh_jw_kstr(&w, "sub", subject);
    kh_jw_end(&w);
    body = kh_strf(a, "%.*s.%.*s",
                   KH_FMT(kh_base64url(a, KH_S("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"))),
                   KH_FMT(kh_base64url(a, kh_buf_get(&claims))));
    if (!sign_es256(server, body, sig))
        return kh_fail(err, KH_EC_INTERNAL, "signing for web push failed");
    *ret_value = kh_strf(a, "vapid t=%.*s.%.*s, k=%.*s", KH_FMT(body),
                         KH_FMT(kh_base64url(a, kh_str((const char *)sig, sizeof(sig)))),
                         KH_FMT(kh_base64url(a, kh_push_pair_point(server, a))));
    return true;
}
