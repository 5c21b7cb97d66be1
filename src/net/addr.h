/* SPDX-License-Identifier: Apache-2.0 */
/**
 * net/addr -- internet addresses: blocks of them, and which are nobody else's business.
 *
 * Owns   nothing. Source: RFC 4632 (CIDR), RFC 6890 and its registries (special purpose).
 */
#ifndef KH_NET_ADDR_H
#define KH_NET_ADDR_H

#include "base/kh.h"

#include <sys/socket.h>

/** An address as IPv6; IPv4 is mapped (::ffff:a.b.c.d). */
struct kh_addr {
    unsigned char b[16];
};

/** A block: the first bits of base. */
struct kh_addr_block {
    struct kh_addr base;
    unsigned bits;
};

/** @return false if it is no internet address */
KH_CHECK
bool kh_addr_of(const struct sockaddr *sa, struct kh_addr *ret);
KH_CHECK
bool kh_addr_parse(struct kh_str text, struct kh_addr *ret);
/** Write as people write it. @param out at least 46 bytes @return length */
size_t kh_addr_put(const struct kh_addr *a, char *out);
/** "10.0.0.0/8" or one address. */
KH_CHECK
bool kh_addr_block_parse(struct kh_str text, struct kh_addr_block *ret);
bool kh_addr_in(const struct kh_addr *a, const struct kh_addr_block *block);
bool kh_addr_is_loopback(const struct kh_addr *a);
/** @return true unless the address is of the public internet: loopback, private, link-local, shared,
 *  multicast, documentation, or one that hides such an IPv4 address (NAT64, 6to4, Teredo) */
bool kh_addr_is_special(const struct kh_addr *a);
/** What a rate limit counts: the whole IPv4 address, or the /64 of an IPv6 one. */
struct kh_str kh_addr_key(const struct kh_addr *a);

#endif
