/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct kh_addr *a)
{
    return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

bool kh_addr_of(const struct sockaddr *sa, struct kh_addr *ret)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

        memcpy(ret->b, mapped, sizeof(mapped));
        memcpy(ret->b + 12, &in->sin_addr, 4);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)sa;

        memcpy(ret->b, &in->sin6_addr, 16);
        return true;
    }
    return false;
}

bool kh_addr_parse(struct kh_str text, struct kh_addr *ret)
{
    char z[INET6_ADDRSTRLEN];

    if (text.n == 0 || text.n >= sizeof(z))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    if (inet_pton(AF_INET, z, ret->b + 12) == 1) {
        memcpy(ret->b, mapped, sizeof(mapped));
        return true;
    }
    return inet_pton(AF_INET6, z, ret->b) == 1;
}

size_t kh_addr_put(const struct kh_addr *a, char *out)
{
    const char *z = is_v4(a) ? inet_ntop(AF_INET, a->b + 12, out, INET6_ADDRSTRLEN)
                             : inet_ntop(AF_INET6, a->b, out, INET6_ADDRSTRLEN);

    return z ? strlen(z) : 0;
}

bool kh_addr_block_parse(struct kh_str text, struct kh_addr_block *ret)
{
    struct kh_str length, address = kh_str_cut(text, '/', &length);
    int64_t bits = -1;
    struct kh_addr_block b = {.bits = 128};
    unsigned max;

    if (!kh_addr_parse(address, &b.base))
        return false;
    max = is_v4(&b.base) ? 32 : 128;
    if (address.n != text.n) {
        if (!kh_str_int(length, &bits) || bits < 0 || bits > max)
            return false;
        b.bits = (unsigned)bits + (128 - max);
    }
    *ret = b;
    return true;
}

bool kh_addr_in(const struct kh_addr *a, const struct kh_addr_block *block)
{
    unsigned whole = block->bits / 8, rest = block->bits % 8;

    if (memcmp(a->b, block->base.b, whole) != 0)
        return false;
    return rest == 0 || ((a->b[whole] ^ block->base.b[whole]) >> (8 - rest)) == 0;
}

bool kh_addr_is_loopback(const struct kh_addr *a)
{
    static const struct kh_addr one = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

    return (is_v4(a) && a->b[12] == 127) || memcmp(a, &one, sizeof(one)) == 0;
}

struct special {
    unsigned char b[8];
    unsigned bits;
};

static bool special_v4(const unsigned char b[4])
{
    static const struct special blocks[] = {
        {{0}, 8},             /* this network */
        {{10}, 8},            /* private */
        {{100, 64}, 10},      /* shared, RFC 6598 */
        {{127}, 8},           /* loopback */
        {{169, 254}, 16},     /* link-local, cloud metadata */
        {{172, 16}, 12},      /* private */
        {{192, 0, 0}, 24},    /* protocol assignments */
        {{192, 0, 2}, 24},    /* documentation */
        {{192, 88, 99}, 24},  /* 6to4 relays */
        {{192, 168}, 16},     /* private */
        {{198, 18}, 15},      /* benchmarks */
        {{198, 51, 100}, 24}, /* documentation */
        {{203, 0, 113}, 24},  /* documentation */
        {{224}, 3},           /* multicast, reserved, broadcast */
    };

    for (size_t i = 0; i < KH_LEN(blocks); i++) {
        struct kh_addr_block block = {.bits = 96 + blocks[i].bits};
        struct kh_addr a;

        memcpy(block.base.b, mapped, sizeof(mapped));
        memcpy(block.base.b + 12, blocks[i].b, 4);
        memcpy(a.b, mapped, sizeof(mapped));
        memcpy(a.b + 12, b, 4);
        if (kh_addr_in(&a, &block))
            return true;
    }
    return false;
}

bool kh_addr_is_special(const struct kh_addr *a)
{
    static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const struct kh_addr_block global = {{{0x20}}, 3};        /* 2000::/3 */
    static const struct kh_addr_block protocols = {{{0x20, 1}}, 23}; /* 2001::/23, with Teredo */
    static const struct kh_addr_block documents = {{{0x20, 1, 0x0d, 0xb8}}, 32};
    static const struct kh_addr_block more_documents = {{{0x3f, 0xff}}, 20}; /* 3fff::/20 */

    if (is_v4(a))
        return special_v4(a->b + 12);
    if (memcmp(a->b, nat64, sizeof(nat64)) == 0)
        return special_v4(a->b + 12);
    if (a->b[0] == 0x20 && a->b[1] == 0x02) /* 6to4 */
        return special_v4(a->b + 2);
    return !kh_addr_in(a, &global) || kh_addr_in(a, &protocols) || kh_addr_in(a, &documents) ||
           kh_addr_in(a, &more_documents);
}

struct kh_str kh_addr_key(const struct kh_addr *a)
{
    return is_v4(a) ? kh_str((const char *)a->b, 16) : kh_str((const char *)a->b, 8);
}
