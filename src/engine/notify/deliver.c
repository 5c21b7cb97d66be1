/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notify/notify_int.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/identity/identity.h"
#include "engine/notify/template.h"

/* A delivery under way is nobody else's for LEASE_US: longer than it can take, ten browsers with the
 * time of an outbound call each. SMS_MAX is two parts of 153 characters, as networks cut them. */
enum { LEASE_US = 900 * 1000000, LOOK_S = 5, SMS_MAX = 306 };

/* One delivery on its way: what is sent, and what came of it. */
struct parcel {
    struct kh_notify *nt;
    struct kh_arena *a;
    const struct kh_delivery_sql_row *row;
    struct kh_account to;
    struct kh_str title, body, sms;
    struct kh_push_sql_row *push;
    size_t push_n;
    struct kh_str *gone; /* push endpoints that no longer exist */
    size_t gone_n;
    bool ok;
    bool hopeless; /* the other side will not take it, however often it is asked */
    struct kh_str proof;
};

static bool pack_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct parcel *p = ctx;
    struct kh_json *texts, *data;
    struct kh_str text = KH_S("{}");
    bool vi;

    if (kh_account_get(tx, p->a, p->row->account, &p->to, err) == KH_FAIL ||
        kh_template_sql_get(tx, p->a, p->row->template_key, &text, err) == KH_FAIL ||
        !kh_push_sql_list(tx, p->a, p->row->account, &p->push, &p->push_n, err) ||
        !kh_json_parse(p->a, text, NULL, &texts, err) ||
        !kh_json_parse(p->a, p->row->data, NULL, &data, err))
        return false;
    vi = !kh_str_is(p->to.lang, "en");
    p->title = kh_template_fill(p->a, kh_template_part(texts, vi, "title"), data);
    p->body = kh_template_fill(p->a, kh_template_part(texts, vi, "body"), data);
    p->sms = kh_text_plain(p->a, kh_template_fill(p->a, kh_template_part(texts, vi, "sms"), data),
                           SMS_MAX);
    return true;
}

static struct kh_str link_of(const struct parcel *p)
{
    const char *base = p->nt->config.public_url;

    return p->row->link.n && base ? kh_strf(p->a, "%s%.*s", base, KH_FMT(p->row->link)) : KH_S("");
}

static bool send_mail(struct parcel *p, struct kh_error *err)
{
    static const char *const foot[] = {
        "This message was sent automatically; please do not answer it. To choose how you are told: ",
        "Thư gửi tự động, xin đừng trả lời. Chọn cách nhận tin: "};
    const char *base = p->nt->config.public_url;
    struct kh_str link = link_of(p);
    struct kh_mail m = {.id = kh_id_text(p->a, p->row->id), .to = p->to.email, .subject = p->title};
    struct kh_buf b = kh_buf(p->a, 128 << 10);

    if (!p->nt->transport.mail)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "no mail transport");
    kh_buf_strf(&b, "%.*s\n", KH_FMT(p->body));
    if (link.n)
        kh_buf_strf(&b, "\n%.*s\n", KH_FMT(link));
    if (base)
        kh_buf_strf(&b, "\n-- \n%s%s/me/preferences\n", foot[!kh_str_is(p->to.lang, "en")], base);
    m.text = kh_buf_get(&b);
    return p->nt->transport.mail(p->nt->transport.ctx, p->a, &m, &p->proof, err);
}

/* A number as it is dialled in the country, 0912345678, or from abroad, +84912345678; people write
 * either, with blanks. One of another country has one form only. */
static struct kh_str phone_number(struct kh_arena *a, struct kh_str typed, bool abroad)
{
    struct kh_buf b = kh_buf(a, 64);
    struct kh_str s;

    for (size_t i = 0; i < typed.n; i++)
        if (typed.p[i] != ' ')
            kh_buf_c(&b, typed.p[i]);
    s = kh_buf_get(&b);
    if (abroad && kh_str_starts(s, KH_S("0")))
        return kh_strf(a, "+84%.*s", KH_FMT(kh_str_skip(s, 1)));
    if (!abroad && kh_str_starts(s, KH_S("+84")))
        return kh_strf(a, "0%.*s", KH_FMT(kh_str_skip(s, 3)));
    return s;
}

/* Put {to} and {text} into the gateway's JSON template, escaped but without quotes. */
static struct kh_str sms_body(struct parcel *p, const char *template)
{
    struct kh_json *values = kh_json_new(p->a, KH_JSON_OBJECT);
    const struct kh_str raw[] = {phone_number(p->a, p->to.phone, false),
                                 phone_number(p->a, p->to.phone, true), p->sms};
    static const char *const names[] = {"to", "to_international", "text"};

    for (size_t i = 0; i < KH_LEN(raw); i++) {
        struct kh_buf b = kh_buf(p->a, 16 << 10);
        struct kh_str quoted;

        kh_json_quote(&b, raw[i]);
        quoted = kh_buf_get(&b);
        kh_json_set(p->a, values, kh_cstr(names[i]),
                    kh_json_new_str(p->a, kh_str(quoted.p + 1, quoted.n - 2)));
    }
    return kh_template_fill(p->a, kh_cstr(template), values);
}

static bool post(struct parcel *p, const char *url, const char *const *headers, struct kh_str body,
                 int *ret_status, struct kh_error *err)
{
    struct kh_str answer = {0};

    if (!p->nt->transport.post)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "no transport");
    if (!p->nt->transport.post(p->nt->transport.ctx, p->a, url, headers, body, ret_status, &answer,
                               err))
        return false;
    p->proof = kh_strf(p->a, "%d %.*s", *ret_status, (int)(answer.n < 180 ? answer.n : 180),
                       answer.p ? answer.p : "");
    return true;
}

static bool send_sms(struct parcel *p, struct kh_error *err)
{
    const struct kh_notify_config *c = &p->nt->config;
    const char *headers[] = {
        "Content-Type: application/json",
        kh_strf(p->a, "Idempotency-Key: %.*s", KH_FMT(kh_id_text(p->a, p->row->id))).p,
        c->sms_header, NULL};
    int status;

    if (!post(p, c->sms_url, headers, sms_body(p, c->sms_body), &status, err))
        return false;
    p->hopeless = status == 400 || status == 410 || status == 413 || status == 422;
    return status / 100 == 2 ||
           kh_fail(err, KH_EC_OUTBOUND_FAILED, "the SMS gateway said %.*s", KH_FMT(p->proof));
}

/* "https://host" of an endpoint. */
static struct kh_str origin_of(struct kh_str url)
{
    struct kh_str path = kh_str_skip(url, 8), host = kh_str_cut(path, '/', &path);

    return kh_str(url.p, 8 + host.n);
}

static bool push_one(struct parcel *p, const struct kh_push_sql_row *s, struct kh_error *err)
{
    const char *subject = p->nt->config.push_subject;
    struct kh_push_pair *ephemeral = kh_push_pair_new();
    struct kh_buf text = kh_buf(p->a, 3900);
    struct kh_jw w = kh_jw(&text);
    unsigned char salt[16];
    struct kh_str body, who;
    int status = 0;
    bool ok;

    kh_random(salt, sizeof(salt));
    kh_jw_obj(&w);
    kh_jw_kstr(&w, "title", p->title);
    kh_jw_kstr(&w, "body", kh_str(p->body.p, p->body.n < 2000 ? p->body.n : 2000));
    kh_jw_kstr(&w, "link", p->row->link);
    kh_jw_end(&w);
    ok =
        kh_push_encrypt(p->a, kh_buf_get(&text), s->p256dh, s->auth, ephemeral, salt, &body, err) &&
        kh_push_authorization(p->a, p->nt->pair, origin_of(s->endpoint),
                              kh_cstr(subject ? subject : "mailto:postmaster@localhost"),
                              kh_now_us(), &who, err);
    kh_push_pair_drop(ephemeral);
    if (ok) {
        const char *headers[] = {
            "Content-Type: application/octet-stream", "Content-Encoding: aes128gcm", "TTL: 86400",
            kh_str_z(p->a, kh_strf(p->a, "Authorization: %.*s", KH_FMT(who))), NULL};

        ok = post(p, kh_str_z(p->a, s->endpoint), headers, body, &status, err);
    }
    if (!ok)
        return false;
    if (status == 404 || status == 410) { /* the browser unsubscribed: not an error */
        p->gone[p->gone_n++] = s->endpoint;
        return true;
    }
    return status / 100 == 2 ||
           kh_fail(err, KH_EC_OUTBOUND_FAILED, "the push service said %d", status);
}

/* Every browser is tried, and the message is out when one has taken it: a second try would show it
 * again where it has been. */
static bool send_push(struct parcel *p, struct kh_error *err)
{
    struct kh_str taken = {0};
    size_t failed = 0;

    p->gone = kh_new_n(p->a, p->push_n, struct kh_str);
    for (size_t i = 0; i < p->push_n; i++) {
        struct kh_error why = {0};

        if (push_one(p, &p->push[i], &why)) {
            taken = p->proof;
            continue;
        }
        failed++;
        *err = why;
    }
    if (failed && failed + p->gone_n == p->push_n)
        return false;
    p->proof = taken;
    return true;
}

static bool send_parcel(struct parcel *p, struct kh_error *err)
{
    if (kh_str_is(p->row->channel, "email"))
        return send_mail(p, err);
    if (kh_str_is(p->row->channel, "sms"))
        return send_sms(p, err);
    return send_push(p, err);
}

/* Minutes until the next try: 1, 2, 4 ... 128. */
static int64_t pause_us(int64_t tries)
{
    return KH_US_MIN << (tries > 7 ? 7 : tries);
}

static bool note_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct parcel *p = ctx;
    int64_t now = kh_now_us();
    bool dead = !p->ok && (p->hopeless || p->row->tries + 1 >= p->nt->config.tries);

    for (size_t i = 0; i < p->gone_n; i++)
        if (!kh_push_sql_delete(tx, 0, p->gone[i], err))
            return false;
    return kh_delivery_sql_done(tx, p->row->id,
                                p->ok  ? "sent"
                                : dead ? "dead"
                                       : "queued",
                                p->ok || dead ? now : now + pause_us(p->row->tries), p->proof, err);
}

struct take {
    struct kh_arena *a;
    const char *channel;
    struct kh_delivery_sql_row row;
    bool any;
};

static bool take_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct take *t = ctx;
    int64_t now = kh_now_us();
    enum kh_hit hit = kh_delivery_sql_take(tx, t->a, t->channel, now, now + LEASE_US, &t->row, err);

    t->any = hit == KH_HIT;
    return hit != KH_FAIL;
}

/* One at a time: those behind one that is slow keep their turn, also for other processes. */
static bool deliver_one(struct kh_notify *nt, const char *channel, bool *ret_any, bool *ret_sent,
                        struct kh_error *err)
{
    kh_auto_arena a = kh_arena_new(8 << 20);
    struct take t = {.a = a, .channel = channel};
    struct parcel p = {.nt = nt, .a = a, .row = &t.row};
    struct kh_error why = {0};

    if (!kh_store_run(nt->store, "delivery_take", KH_TX_WRITE, take_in_tx, &t, err))
        return false;
    *ret_any = t.any;
    if (!t.any)
        return true;
    if (!kh_store_run(nt->store, "delivery_pack", KH_TX_READ, pack_in_tx, &p, err))
        return false;
    p.ok = send_parcel(&p, &why);
    if (!p.ok)
        p.proof = kh_strf(a, "%s: %.150s", kh_error_info(why.code)->name, why.detail);
    *ret_sent = p.ok;
    return kh_store_run(nt->store, "delivery_done", KH_TX_WRITE, note_in_tx, &p, err);
}

static const char *const channels[KH_COURIERS] = {"email", "sms", "push"};

bool kh_notify_run(struct kh_notify *nt, unsigned max, unsigned *ret_sent, struct kh_error *err)
{
    *ret_sent = 0;
    for (size_t c = 0; c < KH_COURIERS; c++) {
        bool any = true, sent = false;

        for (unsigned i = 0; any && i < max; i++, *ret_sent += sent) {
            sent = false;
            if (!deliver_one(nt, channels[c], &any, &sent, err))
                return false;
        }
    }
    return true;
}

/* ---- the couriers ---- */

static void wake(void *ctx)
{
    struct kh_courier *co = ctx;

    pthread_mutex_lock(&co->nt->lock);
    co->queued = true;
    pthread_cond_broadcast(&co->nt->wake);
    pthread_mutex_unlock(&co->nt->lock);
}

void kh_courier_call(struct kh_tx *tx, struct kh_notify *nt, const char *channel)
{
    for (size_t c = 0; c < KH_COURIERS; c++)
        if (strcmp(channels[c], channel) == 0 && nt->couriers[c].running)
            kh_tx_after_commit(tx, wake, &nt->couriers[c]);
}

/* Wait until called or until the end. Retries, quiet hours and messages of other processes come
 * without a call: look every few seconds. @return false: it is the end */
static bool courier_wait(struct kh_courier *co)
{
    struct kh_notify *nt = co->nt;
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_S;
    pthread_mutex_lock(&nt->lock);
    while (!nt->stop && !co->queued &&
           pthread_cond_timedwait(&nt->wake, &nt->lock, &until) == 0) {
    }
    stop = nt->stop;
    co->queued = false;
    pthread_mutex_unlock(&nt->lock);
    return !stop;
}

static void *courier_main(void *ctx)
{
    struct kh_courier *co = ctx;

    do {
        struct kh_error err = {0};
        bool any = true, sent;

        /* An outage of the database is not the end of this courier: it tries again. */
        while (any && !atomic_load(&co->nt->stop) &&
               deliver_one(co->nt, co->channel, &any, &sent, &err)) {
        }
    } while (courier_wait(co));
    return NULL;
}

/* Messages on a channel that is not set up wait for the day when it is. */
static bool open_for(const struct kh_notify *nt, const char *channel)
{
    if (strcmp(channel, "email") == 0)
        return nt->config.mail;
    if (strcmp(channel, "sms") == 0)
        return nt->config.sms_url != NULL;
    return true;
}

bool kh_notify_start(struct kh_notify *nt, struct kh_error *err)
{
    for (size_t c = 0; c < KH_COURIERS; c++) {
        struct kh_courier *co = &nt->couriers[c];

        *co = (struct kh_courier){.nt = nt, .channel = channels[c]};
        if (!open_for(nt, channels[c]))
            continue;
        if (pthread_create(&co->thread, NULL, courier_main, co) != 0)
            return kh_fail(err, KH_EC_INTERNAL, "no thread for deliveries");
        co->running = true;
    }
    return true;
}

void kh_couriers_stop(struct kh_notify *nt)
{
    pthread_mutex_lock(&nt->lock);
    nt->stop = true;
    pthread_cond_broadcast(&nt->wake);
    pthread_mutex_unlock(&nt->lock);
    for (size_t c = 0; c < KH_COURIERS; c++)
        if (nt->couriers[c].running)
            pthread_join(nt->couriers[c].thread, NULL);
}
