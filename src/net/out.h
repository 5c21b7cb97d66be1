/* SPDX-License-Identifier: Apache-2.0 */
/**
 * net/out -- calls to other systems: HTTP and e-mail.
 *
 * Only hosts that the operator has named are called, over http and https, without redirects. The
 * address that the connection really goes to is checked, not the name (a name may answer anything):
 * private and local networks only where the operator has named host and port.
 *
 * Owns   a few kept connections (libcurl).
 * Used   by process jobs and notify, through struct kh_transport or kh_out_send; both block.
 * Never  follows a redirect; never logs.
 */
#ifndef KH_NET_OUT_H
#define KH_NET_OUT_H

#include "base/config.h"
#include "base/kh.h"
#include "engine/notify/notify.h"

struct kh_out;

/** @param config outlives it; @param err CONFIG_INVALID (500) */
KH_CHECK
bool kh_out_open(const struct kh_config *config, struct kh_out **ret_out, struct kh_error *err);
/** No call may be under way. Accepts NULL. */
void kh_out_close(struct kh_out *o);

struct kh_out_request {
    const char *method; /**< NULL: GET, or POST with a body */
    const char *url;
    const char *const *headers; /**< "Name: value", NULL-terminated, or NULL */
    struct kh_str body;
    int64_t timeout_s; /**< 0: out_timeout_s */
};
struct kh_out_reply {
    int status;
    struct kh_str type, body; /**< in the arena */
};

/**
 * Call another system and wait for its answer, whatever its status.
 *
 * @param err OUTBOUND_REFUSED (403): not on the list, or an address that is nobody's business;
 *            OUTBOUND_FAILED (502): no answer, too slow, too long
 */
KH_CHECK
bool kh_out_send(struct kh_out *o, struct kh_arena *a, const struct kh_out_request *rq,
                 struct kh_out_reply *ret, struct kh_error *err);

/**
 * Hand an e-mail to the mail server.
 *
 * @param ret_proof last line of the server's answer, with the queue id
 * @param err NOT_SUPPORTED (501): no mail server configured; OUTBOUND_FAILED (502);
 *            PARAMETER_INVALID (400): to is no address
 */
KH_CHECK
bool kh_out_mail(struct kh_out *o, struct kh_arena *a, const struct kh_mail *mail,
                 struct kh_str *ret_proof, struct kh_error *err);

/** The transport for notify. */
struct kh_transport kh_out_transport(struct kh_out *o);

/** The text of an e-mail as it goes over the wire; for kh_out_mail and its test. */
struct kh_str kh_mail_text(struct kh_arena *a, struct kh_str from, struct kh_str to,
                           struct kh_str subject, struct kh_str text, struct kh_str id,
                           int64_t now_us);
/** The bare address of "Name <a@b>" or "a@b". @return false if there is none, or it has anything that
 *  would break out of a line */
KH_CHECK
bool kh_mail_address(struct kh_str s, struct kh_str *ret);

#endif
