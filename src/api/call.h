/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/call -- one request from its first byte to its reply, as handlers see it.
 *
 * net/ makes the call, api_dispatch() finds the route, says who asks, and runs the handler. A
 * handler does: parse -> authorize -> one engine call -> reply. It answers in one of four ways:
 *   at once            fill the reply, return KH_REPLIED (reads run on the serving thread);
 *   after a commit     return kh_call_write(c, name, fn, ctx, then): fn runs in the committer's
 *                      transaction, then(c, ok, err) makes the reply on a serving thread;
 *   after long work    return kh_call_offload(c, fn): fn runs on a worker thread and may block;
 *   as a live stream   return kh_call_stream(c, ...): SSE.
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

enum kh_method { KH_GET, KH_HEAD, KH_POST, KH_PUT, KH_PATCH, KH_DELETE, KH_OPTIONS, KH_METHODS };
enum kh_next { KH_REPLIED, KH_WAITING };

typedef enum kh_next (*kh_handler_fn)(struct kh_call *c);

struct kh_pair {
    struct kh_str name, value;
};

/** A part of a multipart/form-data or urlencoded body. */
struct kh_part {
    struct kh_str name, filename, type, value;
};

struct kh_reply {
    int status;
    struct kh_str type;          /**< Content-Type */
    struct kh_str body;          /**< in the arena, or static if body_static */
    bool body_static;
    int fd;                      /**< >= 0: send this file; net closes it */
    int64_t fd_bytes;
    struct kh_pair *headers;     /**< further headers */
    size_t headers_n, headers_cap;
};

/** What net/ does for a call. */
struct kh_call_ops {
    /** Wake a suspended call on its serving thread; it then runs c->then. Any thread. */
    void (*resume)(struct kh_call *c);
    struct kh_str (*header)(const struct kh_call *c, const char *name); /**< p NULL if absent */
    /** Start a live stream: bytes are pushed with push from any thread until gone says true. */
    bool (*stream_open)(struct kh_call *c, struct kh_str content_type);
    bool (*stream_push)(struct kh_call *c, struct kh_str bytes); /**< false: the peer is gone */
};

struct kh_call {
    struct kh_arena *a;
    struct kh_city *city;
    const struct kh_call_ops *ops;
    void *net;                  /**< net's own state */
    enum kh_method method;
    struct kh_str target;       /**< raw path as sent, without the query */
    struct kh_str query;        /**< raw query, without "?" */
    struct kh_str peer;         /**< client address as text */
    struct kh_str id;           /**< request id (traceparent or made here) */
    bool tls;
    struct kh_str body;
    const struct kh_route *route;
    struct kh_str params[6];    /**< decoded {x} of the route, in order */
    struct kh_pair *args;       /**< decoded query parameters */
    size_t args_n;
    const struct kh_who *who;   /**< never NULL once dispatched */
    struct kh_str session;      /**< token that was presented, or "" */
    const struct kh_json *json; /**< body, if the route takes JSON */
    struct kh_reply reply;
    int64_t start_us;           /**< monotonic */
    /* set while waiting */
    enum kh_next (*then)(struct kh_call *c, bool ok, const struct kh_error *err);
    void *ctx;
    kh_tx_fn tx_fn;
    bool ok;
    struct kh_error err;
};

enum kh_route_flags {
    KH_R_PUBLIC = 1,      /**< may be called without signing in (the engine still decides) */
    KH_R_JSON = 2,        /**< takes a JSON body, parsed before the handler */
    KH_R_ANY_BODY = 4,    /**< takes raw bytes */
    KH_R_NO_CSRF = 8,     /**< no CSRF check (open APIs without cookies, session open) */
    KH_R_OPEN_ARGS = 16,  /**< unknown query parameters are the handler's business (filters) */
    KH_R_CORS = 32,       /**< any origin may read it (open standards) */
    KH_R_OPTIONAL_BODY = 64,
};

/** A row of the route table; the API description is generated from it. */
struct kh_route {
    enum kh_method method;
    const char *path;          /**< "/api/v1/records/{type}/{id}" */
    const char *name;          /**< "record_read": one name through route, handler, engine, SQL */
    kh_handler_fn handler;     /**< api_record_read */
    unsigned flags;
    size_t body_max;           /**< bytes; 0 means 1 MiB */
    const char *args;          /**< known query parameters, "limit,after,valid" */
    const char *role;          /**< role needed somewhere, or NULL: the engine decides */
    const char *vi, *en;       /**< one sentence for people and OpenAPI */
    const char *request, *response; /**< names of schemas in api/openapi, or NULL */
};

/** Find the route, authenticate, check the body, run the handler. Called by net/ and by tests. */
enum kh_next kh_call_dispatch(struct kh_call *c);

/* ---- for handlers ---- */
/** Query parameter, or fallback. */
struct kh_str kh_call_arg(const struct kh_call *c, const char *name, struct kh_str fallback);
/** limit=, checked: 1..max, fallback if absent. @param err PARAMETER_INVALID (400) */
KH_CHECK
bool kh_call_limit(const struct kh_call *c, unsigned fallback, unsigned max, unsigned *ret,
                   struct kh_error *err);
struct kh_str kh_call_header(const struct kh_call *c, const char *name);
/** Decoded parts of a form body (urlencoded or multipart). @param err REQUEST_MALFORMED (400) */
KH_CHECK
bool kh_call_form(struct kh_call *c, struct kh_part **ret_parts, size_t *ret_n,
                  struct kh_error *err);

enum kh_next kh_reply_json(struct kh_call *c, int status, struct kh_str body);
enum kh_next kh_reply_text(struct kh_call *c, int status, const char *type, struct kh_str body);
enum kh_next kh_reply_empty(struct kh_call *c, int status);
/** RFC 9457 problem+json in the caller's language, with the issues. Logs 5xx once. */
enum kh_next kh_reply_error(struct kh_call *c, const struct kh_error *err);
void kh_reply_header(struct kh_call *c, const char *name, struct kh_str value);
/** ETag W/"id-rev"; answers 304 itself if If-None-Match names it: then true. */
bool kh_reply_etag(struct kh_call *c, struct kh_str etag);

enum kh_next kh_call_write(struct kh_call *c, const char *name, kh_tx_fn fn, void *ctx,
                           enum kh_next (*then)(struct kh_call *c, bool ok,
                                                const struct kh_error *err));
/** fn fills the reply on a worker thread (it may block), the reply is sent when it returns. */
enum kh_next kh_call_offload(struct kh_call *c, void (*fn)(struct kh_call *c));

#endif
