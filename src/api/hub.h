/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api/hub -- the event log as it happens, to thousands of readers.
 *
 * One thread follows the log and keeps the newest events, already written as text, in a ring. A
 * reader is a place in the ring and what it may see; its serving thread reads from there when the
 * client can take more. So nobody waits for anybody: a reader that falls out of the ring is told to
 * load its screen again ("resync") and goes on at the head.
 *
 * Owns   the ring and the list of readers.
 * Used   by api/event.c.
 * Never  shows an event to somebody who may not see it: the test is made before a byte is copied.
 */
#ifndef KH_API_HUB_H
#define KH_API_HUB_H

#include "api/call.h"
#include "store/event.h"

struct kh_hub;

/** How far back kh_hub_ago() knows, in seconds. */
enum { KH_HUB_RECENT_S = 64 };

/** What somebody may see of the log, and wants to; compiled once per reader. */
struct kh_sight {
    bool all;                      /**< administrators and the server itself */
    int64_t account;               /**< sees what is about itself; 0 for the public */
    const struct kh_grant *grants; /**< units whose internal events are seen */
    size_t grants_n;
    struct kh_str type; /**< only of this type, or "" */
    struct kh_str kind; /**< only of this kind, or "" */
    int64_t about;      /**< only of this case, or 0 */
};

/** Compile; texts are borrowed from who and must live as long as the sight. */
struct kh_sight kh_sight_of(const struct kh_who *who);
/** @return true if the event may be seen at now_us, and is wanted */
bool kh_sight_sees(const struct kh_sight *s, const struct kh_event *e, int64_t now_us);
/** @return true if the reader also sees who did it */
bool kh_sight_inside(const struct kh_sight *s, const struct kh_event *e, int64_t now_us);
/** Write the outside form: {seq, at, kind, type, subject, about, unit, by?, data}. */
void kh_event_render(struct kh_buf *b, const struct kh_event *e, bool inside);

/** Follow the log of a store (NULL: a hub that never has news). @param err STORE (503) */
KH_CHECK
bool kh_hub_open(struct kh_store *st, size_t ring, struct kh_hub **ret_hub, struct kh_error *err);
/** Another pace than a heartbeat in 15 s and a life of 15 min; for tests. */
void kh_hub_pace(struct kh_hub *h, int64_t heartbeat_us, int64_t life_us);
/** No reader may be left. Accepts NULL. */
void kh_hub_close(struct kh_hub *h);

/** The seq that was newest at least so many seconds ago (at most KH_HUB_RECENT_S - 2): a screen that
 *  began to read its data then and follows the log from here has missed nothing. */
int64_t kh_hub_ago(struct kh_hub *h, int64_t seconds);

/** Make a stream of server-sent events. @param after last seq the client has; < 0: from now on */
struct kh_stream *kh_hub_stream(struct kh_hub *h, struct kh_call *c, const struct kh_sight *sight,
                                int64_t after);

#endif
