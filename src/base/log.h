/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/log -- one line per event, for the people who run the server.
 *
 * Owns   the sink (standard error), its level and format.
 * Used   at the edges only (main, cli, net, api, workers); base, store and engines return errors.
 * Never  takes free text of a user; personal data is never a value here.
 */
#ifndef KH_BASE_LOG_H
#define KH_BASE_LOG_H

#include "base/kh.h"

enum kh_level { KH_DEBUG, KH_INFO, KH_WARN, KH_ERROR };

struct kh_kv {
    const char *key;
    enum { KH_KV_INT, KH_KV_STR } kind;
    int64_t i;
    struct kh_str s;
};

#define KV_INT(k, v) ((struct kh_kv){.key = (k), .kind = KH_KV_INT, .i = (int64_t)(v)})
#define KV_STR(k, v) ((struct kh_kv){.key = (k), .kind = KH_KV_STR, .s = (v)})
#define KV_Z(k, v)   KV_STR(k, kh_cstr(v))

void kh_log_setup(enum kh_level least, bool json);
/** The request id that the lines of this thread carry; empty for none. */
void kh_log_request(struct kh_str id);
/** kh_log(KH_WARN, "store.retry", KV_Z("tx", name), KV_INT("try", n)); */
#define kh_log(level, event, ...)                                                                  \
    kh_log_kv((level), (event), (const struct kh_kv[]){__VA_ARGS__},                               \
              sizeof((const struct kh_kv[]){__VA_ARGS__}) / sizeof(struct kh_kv))
void kh_log_kv(enum kh_level level, const char *event, const struct kh_kv *kv, size_t n);
/** An error with its code, place and detail. */
void kh_log_error(const char *event, const struct kh_error *err);

#endif
