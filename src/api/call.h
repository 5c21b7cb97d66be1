/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/call -- one request from its first byte to its reply, as handlers see it.
 *
 * net/ makes the call, kh_call_begin() finds the route when the header is there, and
 * kh_call_dispatch() says who asks, checks, and runs the handler when the body is. A handler does:
 * parse -> authorize -> one engine call -> reply. It answers in one of four ways:
 *   at once            fill the reply, return KH_REPLIED (reads run on the serving thread);
 *   after a commit     return kh_call_write(c, name, fn, ctx, then): fn runs in the committer's
 *                      transaction, then(c, ok, err) makes the reply on a serving thread;
 *   after long work    return kh_call_offload(c, fn): fn runs on a worker thread and may block;
 *                      with one write at its end, kh_call_offload_write and kh_call_write_here;
 *   as a live stream   return kh_reply_stream(c, type, stream): SSE, exports.
 *
 * Owns   nothing; everything of a call lives in its arena, dropped by net/ after the reply is sent.
 * Never  touches a socket.
 */
#ifndef KH_API_CALL_H
#define KH_API_CALL_H

#include "base/json.h"
#include "base/kh.h"
#include "engine/identity/who.h"
#include "store/store.h"

struct kh_city; /* api/city.h: the engines */
struct kh_call;
struct kh_leaf;        /* api/router.h */
struct kh_idempotency; /* api/idempotency.h */

enum kh_method { KH_GET, KH_HEAD, KH_POST, KH_PUT, KH_PATCH, KH_DELETE, KH_OPTIONS, KH_METHODS };
enum kh_next { KH_REPLIED, KH_WAITING };

typedef enum kh_next (*kh_handler_fn)(struct kh_call *c);
/** Make the reply to a write from what its transaction left in c->ctx; err if it failed. With an
 *  Idempotency-Key it runs in that transaction, so it asks the store nothing. @return KH_REPLIED */
typedef enum kh_next (*kh_then_fn)(struct kh_call *c, bool ok, const struct kh_error *err);

struct kh_pair {
    struct kh_str name, value;
};

/** A part of a multipart/form-data or urlencoded body. */
struct kh_part {
    struct kh_str name, filename, type, value;
};

/**
 * A reply that comes piece by piece: made by a handler, read by the serving thread whenever the
 * client can take more, so a slow client costs nothing but its own place.
 */
struct kh_stream {
    /** Write at most room bytes (room > 0). @return bytes; KH_STREAM_IDLE: nothing now, wake me by
     *  ops->stream_wake; KH_STREAM_END: that was all. It may be called though nothing is new. */
    size_t (*read)(struct kh_stream *s, char *out, size_t room);
    /** The stream is over (end, peer gone, server stops); last call, on any thread. */
    void (*close)(struct kh_stream *s);
    struct kh_call *call; /**< for stream_wake; set by who makes the stream */
};
#define KH_STREAM_IDLE ((size_t)0)
#define KH_STREAM_END  SIZE_MAX

struct kh_reply {
    int status;
    struct kh_str type; /**< Content-Type; ends with NUL */
    struct kh_str body; /**< in the arena, or static */
    bool has_fd;        /**< send the file fd; net closes it */
    int fd;
    int64_t fd_bytes;
    struct kh_stream *stream; /**< or this */
    bool plain;               /**< already compressed, or secret beside reflected input */
    struct kh_pair *headers;  /**< further headers; names and values end with NUL */
    size_t headers_n, headers_cap;
};

/** Header fields that most calls look at; p is NULL if absent. */
struct kh_head {
    struct kh_str accept, accept_encoding, accept_language, api_key, authorization,
        content_encoding, content_type, cookie, csrf, host, idempotency_key, if_match,
        if_none_match, last_event_id, origin, purpose, range, sec_fetch_site, traceparent;
};

/** What net/ does for a call. */
struct kh_call_ops {
    /** Wake a waiting call on its serving thread, which runs kh_call_continue. Any thread. */
    void (*resume)(struct kh_call *c);
    struct kh_str (*header)(const struct kh_call *c, const char *name); /**< p NULL if absent */
    /** The stream has something to read. Any thread; never called after close. */
    void (*stream_wake)(struct kh_call *c);
};

struct kh_call {
    struct kh_arena *a;
    struct kh_city *city;
    const struct kh_call_ops *ops;
    enum kh_method method; /**< KH_METHODS if it is none of them */
    struct kh_str target;  /**< raw path as sent, without the query */
    struct kh_str query;   /**< raw query, without "?" */
    struct kh_str peer;    /**< client address as text */
    bool local;            /**< the client is on this machine: rate limits do not apply */
    struct kh_str id;      /**< request id (traceparent or made here) */
    bool tls;
    struct kh_head head;
    struct kh_str body;
    const struct kh_route *route; /**< set by kh_call_begin; NULL if there is none */
    const struct kh_leaf *leaf;
    struct kh_str params[6]; /**< {x} of the route, in order; decoded by kh_call_dispatch */
    unsigned params_n;
    struct kh_pair *args; /**< decoded query parameters */
    size_t args_n;
    const struct kh_who *who;   /**< never NULL once dispatched */
    struct kh_str session;      /**< token that was presented, or "" */
    bool by_cookie;             /**< the token came as a cookie */
    const struct kh_json *json; /**< body, if the route takes JSON */
    struct kh_reply reply;
    int64_t start_us; /**< monotonic */
    /* set while waiting */
    kh_then_fn then;
    void (*work)(struct kh_call *c);
    bool work_writes;       /**< work ends with kh_call_write_here */
    struct kh_reply before; /**< as it was before then() */
    void *ctx;
    kh_tx_fn tx_fn;
    bool ok;
    struct kh_error err;
    struct kh_idempotency *idempotency; /**< NULL unless the client sent a key */
};

enum kh_route_flags {
    KH_R_PUBLIC = 1,     /**< may be called without signing in (the engine still decides) */
    KH_R_JSON = 2,       /**< takes a JSON body, parsed before the handler */
    KH_R_ANY_BODY = 4,   /**< takes raw bytes */
    KH_R_NO_CSRF = 8,    /**< no CSRF check (open APIs without cookies, session open) */
    KH_R_OPEN_ARGS = 16, /**< unknown query parameters are the handler's business (filters) */
    KH_R_CORS = 32,      /**< any origin may call it (open standards); cookies do not count there */
    KH_R_OPTIONAL_BODY = 64,
    KH_R_SECRET = 128, /**< a secret is in the request or the reply: Idempotency-Key is not heeded */
};

/** A row of the route table; the API description is generated from it. */
struct kh_route {
    enum kh_method method;
    const char *path;      /**< "/api/v1/records/{type}/{id}"; a segment may end "{id}.json" */
    const char *name;      /**< "record_read": one name through route, handler, engine, SQL */
    kh_handler_fn handler; /**< api_record_read; NULL ends a table */
    unsigned flags;
    size_t body_max;                /**< bytes; 0 means 1 MiB */
    const char *args;               /**< known query parameters, "limit,after,valid" */
    const char *role;               /**< role needed somewhere, or NULL: the engine decides */
    const char *vi, *en;            /**< one sentence for people and OpenAPI */
    const char *request, *response; /**< names of schemas in api/openapi, or NULL */
};

/** Find the route of c->target and c->method, and who asks; called when the header is there. What is
 *  wrong is kept for kh_call_dispatch. @return most bytes that the body may have */
size_t kh_call_begin(struct kh_call *c);
/** Check parameters and body, run the handler. Called by net/ and by tests after kh_call_begin and
 *  once the body is there. */
enum kh_next kh_call_dispatch(struct kh_call *c);
/** Go on after ops->resume. */
enum kh_next kh_call_continue(struct kh_call *c);

/* ---- for handlers ---- */
/** Query parameter, or fallback. */
struct kh_str kh_call_arg(const struct kh_call *c, const char *name, struct kh_str fallback);
/** limit=, checked: 1..max, fallback if absent. @param err PARAMETER_INVALID (400) */
KH_CHECK
bool kh_call_limit(const struct kh_call *c, unsigned fallback, unsigned max, unsigned *ret,
                   struct kh_error *err);
/** Any header; those in c->head are quicker there. */
struct kh_str kh_call_header(const struct kh_call *c, const char *name);
/** @return true if Accept names type ("text/html") outright (no wildcard), with q > 0 */
bool kh_call_accepts(const struct kh_call *c, const char *type);
/** Take a token or key that came in another place (a field of a form): sets c->who.
 *  @return KH_MISS if nobody has it */
KH_CHECK
enum kh_hit kh_call_identify(struct kh_call *c, struct kh_str token, struct kh_error *err);
/** Where people reach this server: public_url, or what the request says. No slash at the end. */
struct kh_str kh_call_base(const struct kh_call *c);
/** Decoded parts of a form body (urlencoded or multipart). @param err REQUEST_MALFORMED (400) */
KH_CHECK
bool kh_call_form(struct kh_call *c, struct kh_part **ret_parts, size_t *ret_n,
                  struct kh_error *err);
/** Value of a cookie; p NULL if absent. */
struct kh_str kh_call_cookie(const struct kh_call *c, const char *name);

enum kh_next kh_reply_json(struct kh_call *c, int status, struct kh_str body);
/** type is static. */
enum kh_next kh_reply_text(struct kh_call *c, int status, const char *type, struct kh_str body);
enum kh_next kh_reply_empty(struct kh_call *c, int status);
/** Send the rest of an open file; it is closed by net. type is copied. */
enum kh_next kh_reply_file(struct kh_call *c, int status, struct kh_str type, int fd,
                           int64_t bytes);
/** type is static. */
enum kh_next kh_reply_stream(struct kh_call *c, const char *type, struct kh_stream *s);
/** RFC 9457 problem+json in the caller's language, with the issues, or the form of the standard
 *  that the path belongs to (kh_error_forms). Logs 5xx once. */
enum kh_next kh_reply_error(struct kh_call *c, const struct kh_error *err);
/** name is static, value is copied; control characters in it are dropped. */
void kh_reply_header(struct kh_call *c, const char *name, struct kh_str value);
/** ETag W/"id-rev"; answers 304 itself if If-None-Match names it: then true. */
bool kh_reply_etag(struct kh_call *c, struct kh_str etag);
/** @return true if etag is one of a list as in If-None-Match, by weak comparison (RFC 9110 8.8.3.2) */
bool kh_etag_listed(struct kh_str list, struct kh_str etag);

/** Run fn in the committer's transaction, then make the reply. @return what the handler returns */
enum kh_next kh_call_write(struct kh_call *c, const char *name, kh_tx_fn fn, void *ctx,
                           kh_then_fn then);
/** fn fills the reply on a worker thread (it may block), the reply is sent when it returns. */
enum kh_next kh_call_offload(struct kh_call *c, void (*fn)(struct kh_call *c));
/** The same for work whose only effect is a write at its end: fn fills the reply of an error, or
 *  ends with kh_call_write_here(). */
enum kh_next kh_call_offload_write(struct kh_call *c, void (*fn)(struct kh_call *c));
/** kh_call_write() on a worker thread; waits for the commit. */
void kh_call_write_here(struct kh_call *c, const char *name, kh_tx_fn fn, void *ctx,
                        kh_then_fn then);

#endif
