/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

enum { PEM_MAX = 1 << 20 };

static bool read_pem(struct kh_arena *a, struct kh_str path, const char **ret, struct kh_error *err)
{
    char *z = kh_str_z(a, path), *p;
    FILE *f = fopen(z, "re");
    size_t n;

    if (!f)
        return kh_fail(err, KH_EC_IO, "%s: %s", z, strerror(errno));
    p = kh_alloc(a, PEM_MAX + 1);
    n = fread(p, 1, PEM_MAX, f);
    fclose(f);
    if (n == 0 || n == PEM_MAX)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s is no PEM file", z);
    *ret = p;
    return true;
}

/* There is nobody who could type one. */
static int no_password(char *out, int size, int writing, void *ctx)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)ctx;
    return 0;
}

static bool check(const struct kh_config *cf, X509 *x, EVP_PKEY *k, struct kh_error *err)
{
    if (!x)
        return kh_fail(err, KH_EC_CONFIG_INVALID, "%s has no certificate in PEM", cf->tls_cert.p);
    if (!k)
        return kh_fail(err, KH_EC_CONFIG_INVALID,
                       "%s has no private key in PEM, or one under a password", cf->tls_key.p);
    if (X509_check_private_key(x, k) != 1)
        return kh_fail(err, KH_EC_CONFIG_INVALID,
                       "%s is not the key of the first certificate in %s", cf->tls_key.p,
                       cf->tls_cert.p);
    if (X509_cmp_time(X509_get0_notAfter(x), NULL) < 0)
        kh_log(KH_WARN, "tls.expired", KV_STR("cert", cf->tls_cert));
    return true;
}

bool kh_tls_read(struct kh_arena *a, const struct kh_config *cf, const char **ret_cert,
                 const char **ret_key, struct kh_error *err)
{
    const char *cert, *key;
    BIO *in[2];
    X509 *x;
    EVP_PKEY *k;
    bool ok;

    if (!read_pem(a, cf->tls_cert, &cert, err) || !read_pem(a, cf->tls_key, &key, err))
        return false;
    in[0] = BIO_new_mem_buf(cert, -1);
    in[1] = BIO_new_mem_buf(key, -1);
    KH_REQUIRE(in[0] && in[1]);
    x = PEM_read_bio_X509(in[0], NULL, no_password, NULL);
    k = PEM_read_bio_PrivateKey(in[1], NULL, no_password, NULL);
    ok = check(cf, x, k, err);
    X509_free(x);
    EVP_PKEY_free(k);
    BIO_free(in[0]);
    BIO_free(in[1]);
    ERR_clear_error();
    if (!ok)
        return false;
    *ret_cert = cert;
    *ret_key = key;
    return true;
}
