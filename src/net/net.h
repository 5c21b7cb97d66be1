/* SPDX-License-Identifier: Apache-2.0 */
/**
 * net -- the door: bytes of HTTP/1.1 to calls and back.
 *
 * A pool of threads serves all connections with epoll (libmicrohttpd). A call that waits for a
 * commit or a worker is suspended and costs no thread. A watchdog closes whoever is slower than the
 * configured deadlines, however the bytes trickle.
 *
 * Owns   sockets, connections, and the memory of calls.
 * Used   by cli/serve.c.
 * Never  knows a noun of the city.
 */
#ifndef KH_NET_NET_H
#define KH_NET_NET_H

#include "api/city.h"
#include "base/config.h"
#include "base/kh.h"

struct kh_net;

/**
 * Open the frame of the api (kh_api_open), listen, and serve.
 *
 * @param city  tables and error_forms are set (kh_route_tables, kh_error_forms of api/router.h), its
 *              engines are open and outlive the net; the frame's fields are filled here
 * @param err   IO (500): cannot listen, TLS files not readable; CONFIG_INVALID (500)
 */
KH_CHECK
bool kh_net_start(const struct kh_config *config, struct kh_city *city, struct kh_net **ret_net,
                  struct kh_error *err);

/** Where it listens: "127.0.0.1:8080", with the real port. */
struct kh_str kh_net_address(const struct kh_net *net);

/** Take no more calls, finish those that wait, end streams, close. Accepts NULL. */
void kh_net_stop(struct kh_net *net);

#endif
