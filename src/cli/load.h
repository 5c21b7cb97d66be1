/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/load -- many clients in one thread: each keeps one connection and asks the next thing when the
 * last is answered.
 *
 * Owns   its sockets. Speaks just enough HTTP/1.1 for our own server: keep-alive, Content-Length.
 * Used   by cli/bench.c.
 * Never  asks any address but the one it is given.
 */
#ifndef KH_CLI_LOAD_H
#define KH_CLI_LOAD_H

#include "base/buf.h"

struct kh_load;

/** One client. A script reads what came and says what to ask next. */
struct kh_client {
    int id;
    int step;              /**< for the script: where it is; 0 at the start */
    int status;            /**< of the last answer, 0 before the first */
    struct kh_str body;    /**< of the last answer; valid during the call */
    int64_t started_us;    /**< when the present round began (set by kh_load_round) */
    uint64_t seed;
    char note[64], note2[64]; /**< for the script: ids that it carries on */
    void *ctx;             /**< of the load */
};

/** Say what to ask next: kh_ask. Returning false ends this client. */
typedef bool (*kh_script_fn)(struct kh_load *l, struct kh_client *c, struct kh_buf *request);

/** Write a request. auth and body may be empty; kind names the figure that its time goes to. */
void kh_ask(struct kh_load *l, struct kh_client *c, struct kh_buf *request, unsigned kind,
            const char *method, struct kh_str path, struct kh_str auth, struct kh_str body);

/** A whole round (a lifecycle) is done: count it and its time. */
void kh_load_round(struct kh_load *l, struct kh_client *c);

enum { KH_LOAD_KINDS = 8 };

struct kh_load_config {
    const char *host, *port;
    unsigned clients;
    int64_t run_us;
    kh_script_fn script;
    void *ctx;
};

struct kh_load_result {
    int64_t calls, rounds, errors, took_us;
    int first_error;                       /**< HTTP status of the first answer >= 400, 0 if none */
    char first_detail[160];                /**< the beginning of its body */
    int64_t p50_us, p99_us;                /**< of one call, all kinds together */
    int64_t kind_n[KH_LOAD_KINDS], kind_p50[KH_LOAD_KINDS], kind_p99[KH_LOAD_KINDS];
    int64_t round_p50_us, round_p99_us;
};

/** @param err OUTBOUND_FAILED (502): nobody listens */
KH_CHECK
bool kh_load_run(const struct kh_load_config *config, struct kh_load_result *ret,
                 struct kh_error *err);

/** Open n connections, hold them, and say how many are still open after hold_us. */
KH_CHECK
bool kh_load_idle(const char *host, const char *port, unsigned n, int64_t hold_us,
                  unsigned *ret_open, struct kh_error *err);

#endif
