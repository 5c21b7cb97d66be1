/* SPDX-License-Identifier: Apache-2.0 */
/**
 * net/tls -- the certificate and key that the server is given, looked at before it starts.
 *
 * Used   by net.c.
 */
#ifndef KH_NET_TLS_H
#define KH_NET_TLS_H

#include "base/config.h"

/**
 * Read tls_cert and tls_key, and check that they are what they should be and belong together. A
 * certificate that has ended is logged: an operator may have no other at hand.
 *
 * @param ret_cert, ret_key  PEM texts
 * @param err CONFIG_INVALID (500): which of the two is wrong, and how; IO (500): not readable
 */
KH_CHECK
bool kh_tls_read(struct kh_arena *a, const struct kh_config *cf, const char **ret_cert,
                 const char **ret_key, struct kh_error *err);

#endif
