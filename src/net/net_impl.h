/* SPDX-License-Identifier: Apache-2.0 */
/**
 * net/net_impl -- what the files of net/ share.
 *
 * Life of an exchange (one request and its reply): taken from the pool of its thread when the first
 * line is there, given back when the reply is sent or the connection breaks. Life of a peer (one
 * connection): from accept to close. Everything but wait, wake and deadlines happens on the
 * connection's own serving thread.
 */
#ifndef KH_NET_IMPL_H
#define KH_NET_IMPL_H

#include "api/call.h"
#include "net/addr.h"
#include "net/net.h"

#include <microhttpd.h>
#include <pthread.h>

struct kh_assets;

/* States of exchange.wait: who reaches SUSPENDED or DONE second acts. */
enum { WAIT_NONE, WAIT_SUSPENDED, WAIT_DONE };

enum phase {
    PHASE_HEAD,  /* the handler has not been called yet */
    PHASE_BODY,  /* collecting */
    PHASE_DRAIN, /* throwing away a body that is too large */
    PHASE_RUN,   /* the call is under way or waiting */
    PHASE_SENT,
};

/** One connection. */
struct peer {
    struct kh_net *net;
    struct peer *next, **at; /* list of the watchdog, under net->peers_lock */
    int fd;
    _Atomic(int64_t) deadline_us; /* 0: none */
    struct kh_addr addr;
    uint64_t rate_key;
    bool loopback;
    unsigned char text_n;
    char text[46];
};

/* States of live.state. */
enum { LIVE_RUNNING, LIVE_SLEEPING, LIVE_SIGNALED };

/** State of a live stream, on top of the exchange. */
struct live {
    struct kh_stream *s; /* NULL: none */
    _Atomic int state;
    bool asleep;                 /* counted in net->asleep; serving thread only */
    struct exchange *next, **at; /* list of net->lives, under lives_lock */
};

enum kh_encoding { KH_ENCODING_NONE, KH_ENCODING_GZIP, KH_ENCODING_ZSTD };

struct exchange {
    struct kh_call call; /* first: a call is its exchange */
    struct kh_net *net;
    struct local *home;
    struct exchange *next; /* in the pool */
    struct MHD_Connection *conn;
    struct peer *peer;
    enum phase phase;
    bool close_after; /* the connection does not go on */
    bool owed;        /* counted in net->owed */
    _Atomic int wait;
    char *body;
    size_t body_n, body_cap, body_max;
    uint64_t body_length; /* as announced; UINT64_MAX if not */
    struct live live;
    struct exchange *woken_next; /* in home->woken */
    char id[33];
};

/** What one serving thread keeps for itself. */
struct local {
    _Atomic(struct exchange *) woken; /* suspended, and to be resumed: see kh_net_wake */
    struct exchange *free;
    unsigned free_n;
    void *gzip; /* z_stream */
    void *zstd; /* ZSTD_CCtx */
    uint64_t ids;
    char id_base[9];
};

struct kh_net {
    struct kh_arena *a;
    const struct kh_config *config;
    struct kh_city *city;
    struct MHD_Daemon *daemon;
    struct kh_assets *assets;
    struct kh_str address, csp;
    bool tls, log_access;
    struct kh_addr_block *proxies;
    size_t proxies_n;
    struct kh_rate *rate;
    uint64_t seed;
    pthread_key_t local_key;
    _Atomic bool stopping, watched_out;
    _Atomic(int64_t) waiting;      /* suspended calls */
    _Atomic(int64_t) asleep;       /* suspended streams */
    _Atomic(int64_t) owed;         /* replies of calls that waited, and streams, not yet ended */
    _Atomic(int64_t) bodies_bytes; /* of bodies being held */
    _Atomic(int64_t) begun;        /* calls so far */
    pthread_mutex_t peers_lock;
    struct peer *peers;
    pthread_mutex_t lives_lock;
    struct exchange *lives;
    pthread_t watchdog;
    pthread_cond_t watchdog_wake;
};

/* http.c */
struct local *kh_net_local(struct kh_net *net);
void kh_net_owe(struct exchange *x);
void kh_net_wake(struct exchange *x);
void kh_net_woken(struct local *home);
void kh_net_local_drop(void *local);
struct MHD_Daemon *kh_net_daemon(struct kh_net *net, int fd, const char *cert, const char *key,
                                 void (*logger)(void *, const char *, va_list));
/* request.c */
void kh_exchange_head(struct exchange *x, const char *version);
enum kh_method kh_method_of(const char *m);
/* send.c */
enum MHD_Result kh_send(struct exchange *x);
void kh_send_note(struct exchange *x, int status, int64_t bytes);
void kh_local_free(struct local *l);
enum kh_encoding kh_net_encoding(struct kh_str accept);
struct kh_str kh_net_compress(struct local *l, struct kh_arena *a, struct kh_str body, bool zstd);
/* net.c */
void kh_net_access(struct exchange *x, int status, int64_t us, int64_t bytes);
/* live.c */
struct MHD_Response *kh_live_response(struct exchange *x);
void kh_live_wake(struct kh_call *c);
void kh_live_close(struct exchange *x);
void kh_live_stop(struct kh_net *net);
/* watch.c */
void kh_peer_deadline(struct peer *p, int64_t now_us, int64_t s, uint64_t bytes);
void kh_peer_notify(void *cls, struct MHD_Connection *conn, void **ctx,
                    enum MHD_ConnectionNotificationCode code);
void kh_watch_start(struct kh_net *net);
void kh_watch_stop(struct kh_net *net);

#endif
