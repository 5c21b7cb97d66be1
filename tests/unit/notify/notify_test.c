/* SPDX-License-Identifier: Apache-2.0 */
/* A message reaches people: at once in the portal, in time by the other channels, with proof. */
#include "base/hash.h"
#include "base/time.h"
#include "engine/identity/identity.h"
#include "engine/notify/notify.h"
#include "engine/notify/push.h"
#include "engine/notify/template.h"
#include "store_fixture.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <semaphore.h>
#include <setjmp.h>

#include <cmocka.h>

/* 2026-09-15 10:00 in the city: no quiet hour. */
#define MORNING ((int64_t)1789441200 * KH_US_S)

struct world {
    struct store_fixture f;
    struct kh_identity *id;
    struct kh_notify *nt;
    struct kh_arena *a;
    struct kh_error err;
    bool (*step)(struct world *w, struct kh_tx *tx);
    struct kh_account ac;
    struct kh_notice notice;
    struct kh_notice_row *rows;
    const struct kh_json *json;
    size_t n;
    /* the outside world */
    unsigned mails, posts;
    int answer;
    bool down;
    char last_to[64], last_text[1024], last_url[128], last_body[1024], last_id[64];
    int64_t case_id;     /* what list asks for */
    const char *refused; /* a push address that answers 500 */
    /* A mail server that takes its time: until an SMS has gone out. */
    bool slow, overtaken;
    sem_t texted, mailed;
};

static bool wait_10s(sem_t *s)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return sem_timedwait(s, &until) == 0;
}

static void keep(char *out, size_t size, struct kh_str s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;

    memcpy(out, s.p ? s.p : "", n);
    out[n] = '\0';
}

static bool mail(void *ctx, struct kh_arena *a, const struct kh_mail *m, struct kh_str *ret_proof,
                 struct kh_error *err)
{
    struct world *w = ctx;

    (void)a;
    w->mails++;
    keep(w->last_id, sizeof(w->last_id), m->id);
    if (w->down)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "the mail server is down");
    keep(w->last_to, sizeof(w->last_to), m->to);
    keep(w->last_text, sizeof(w->last_text), m->text);
    *ret_proof = KH_S("250 queued as 17");
    if (w->slow) {
        w->overtaken = wait_10s(&w->texted);
        sem_post(&w->mailed);
    }
    return true;
}

static bool post(void *ctx, struct kh_arena *a, const char *url, const char *const *headers,
                 struct kh_str body, int *ret_status, struct kh_str *ret_body, struct kh_error *err)
{
    struct world *w = ctx;

    (void)a;
    w->posts++;
    if (strncmp(headers[1], "Idempotency-Key: ", 17) == 0)
        keep(w->last_id, sizeof(w->last_id), kh_cstr(headers[1] + 17));
    if (w->down)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "no route");
    keep(w->last_url, sizeof(w->last_url), kh_cstr(url));
    keep(w->last_body, sizeof(w->last_body), body);
    *ret_status = w->refused && strcmp(url, w->refused) == 0 ? 500 : w->answer;
    *ret_body = KH_S("{\"id\":17}");
    if (w->slow)
        sem_post(&w->texted);
    return true;
}

static bool step_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct world *w = ctx;
    bool ok = w->step(w, tx);

    if (!ok)
        *err = w->err;
    return ok;
}

static bool act(struct world *w, bool (*step)(struct world *w, struct kh_tx *tx))
{
    struct kh_error err = {0};
    bool ok;

    w->step = step;
    w->err = (struct kh_error){0};
    ok = kh_store_run(w->f.st, "test", KH_TX_WRITE, step_in_tx, w, &err);
    if (!ok)
        w->err = err;
    return ok;
}

static bool begin(struct world *w, struct kh_tx *tx)
{
    static const char templates[] =
        "{\"done\":{\"vi\":{\"title\":\"Phản ánh {number} đã xong\",\"body\":\"{answer}\","
        "\"sms\":\"Xong {number}\"},\"en\":{\"title\":\"Report {number} is done\","
        "\"body\":\"{answer}\"}},\"refused\":{\"vi\":{\"title\":\"Không nhận: {reason}\",\"body\":"
        "\"{reason}\"},\"en\":{\"title\":\"Refused: {reason}\",\"body\":\"{reason}\"}}}";
    struct kh_who who = kh_who_system(KH_S("test"));
    struct kh_json *v;

    return kh_account_add(tx, w->id, w->a, &w->ac, KH_S(""), &who, &w->err) &&
           kh_json_parse(w->a, kh_cstr(templates), NULL, &v, &w->err) &&
           kh_notify_templates_put(tx, w->nt, w->a, KH_S("feedback"), v, &w->err);
}

static int setup(void **state)
{
    static const struct kh_identity_config cheap = {.argon_kib = 64, .argon_passes = 1};
    static const struct kh_notify_config config = {
        .mail = true,
        .sms_url = "https://sms.example/send",
        .sms_body = "{\"to\":\"{to}\",\"text\":\"{text}\","
                    "\"abroad\":\"{to_international}\"}",
        .public_url = "https://khue.example",
        .tries = 3,
    };
    struct world *w = test_calloc(1, sizeof(*w));
    struct kh_transport t = {.ctx = w, .mail = mail, .post = post};

    kh_clock_set(MORNING);
    fixture_open(&w->f);
    w->a = kh_arena_new(32 << 20);
    w->answer = 201;
    assert_true(kh_identity_open(w->f.st, &cheap, &w->id, &w->err));
    assert_true(kh_notify_open(w->f.st, &config, &t, &w->nt, &w->err));
    w->ac = (struct kh_account){.username = KH_S("an.nguyen"),
                                .name = KH_S("An"),
                                .email = KH_S("an@example.vn"),
                                .phone = KH_S("0912345678")};
    assert_true(act(w, begin));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    kh_notify_close(w->nt);
    kh_identity_close(w->id);
    fixture_drop(&w->f);
    kh_arena_drop(w->a);
    test_free(w);
    kh_clock_set(0);
    return 0;
}

static bool queue(struct world *w, struct kh_tx *tx)
{
    return kh_notify_queue(tx, w->nt, w->a, &w->notice, &w->err);
}

static bool list(struct world *w, struct kh_tx *tx)
{
    struct kh_notice_list which = {.account = w->ac.id, .case_id = w->case_id, .limit = 50, .vi = true};

    return kh_notice_list(tx, w->a, &which, &w->rows, &w->n, &w->err);
}

static bool prefer(struct world *w, struct kh_tx *tx)
{
    return kh_notify_preferences_put(tx, w->a, w->ac.id, w->json, &w->err);
}

static bool subscribe(struct world *w, struct kh_tx *tx)
{
    return kh_push_subscribe(tx, w->a, w->ac.id, w->json, &w->err);
}

static bool change_phone(struct world *w, struct kh_tx *tx)
{
    struct kh_who who = kh_who_system(KH_S("test"));
    struct kh_account change = {.id = w->ac.id, .phone = w->ac.phone};

    return kh_account_change(tx, w->id, w->a, &change, KH_S(""), KH_S(""), &who, &w->err);
}

static const struct kh_json *parse(struct world *w, const char *text)
{
    struct kh_json *v = NULL;

    assert_true(kh_json_parse(w->a, kh_cstr(text), NULL, &v, &w->err));
    return v;
}

static void say(struct world *w, bool urgent)
{
    w->notice = (struct kh_notice){
        .account = w->ac.id,
        .template_key = KH_S("feedback/done"),
        .data = parse(w, "{\"number\":\"PA-1\",\"answer\":\"Đã vá \\\"ổ gà\\\"\"}"),
        .link = KH_S("/cases/1"),
        .urgent = urgent,
    };
    assert_true(act(w, queue));
}

static unsigned run(struct world *w)
{
    unsigned sent = 0;

    assert_true(kh_notify_run(w->nt, 100, &sent, &w->err));
    return sent;
}

static void is_in_the_portal_at_once_in_the_readers_language(void **state)
{
    struct world *w = *state;

    say(w, false);
    assert_true(act(w, list));
    assert_int_equal(w->n, 1);
    assert_true(kh_str_is(w->rows[0].title, "Phản ánh PA-1 đã xong"));
    assert_true(kh_str_is(w->rows[0].body, "Đã vá \"ổ gà\""));
}

static void goes_out_by_mail_with_link_and_proof(void **state)
{
    struct world *w = *state;

    say(w, false);
    assert_int_equal(run(w), 1);
    assert_int_equal(w->mails, 1);
    assert_string_equal(w->last_to, "an@example.vn");
    assert_non_null(strstr(w->last_text, "https://khue.example/cases/1"));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM notice_delivery WHERE state = 'sent'"
                                        " AND proof = '250 queued as 17'"),
                     1);
    assert_int_equal(run(w), 0);
    assert_int_equal(w->mails, 1);
}

static void tells_how_each_message_went_out(void **state)
{
    struct world *w = *state;

    say(w, false);
    assert_int_equal(run(w), 1);
    w->down = true;
    w->notice.case_id = 77;
    assert_true(act(w, queue));
    assert_int_equal(run(w), 0);
    assert_true(act(w, list));
    assert_int_equal(w->n, 2);
    assert_int_equal(w->rows[0].sent_n, 1);
    assert_true(kh_str_is(w->rows[0].sent[0].state, "queued"));
    assert_int_equal(w->rows[0].sent[0].tries, 1);
    assert_int_equal(w->rows[0].sent[0].at_us, 0);
    assert_int_equal(w->rows[1].sent_n, 1);
    assert_true(kh_str_is(w->rows[1].sent[0].channel, "email"));
    assert_true(kh_str_is(w->rows[1].sent[0].state, "sent"));
    assert_true(kh_str_is(w->rows[1].sent[0].proof, "250 queued as 17"));
    assert_int_equal(w->rows[1].sent[0].at_us, kh_now_us());

    w->case_id = 77; /* of one case only, and its deliveries only */
    assert_true(act(w, list));
    assert_int_equal(w->n, 1);
    assert_int_equal(w->rows[0].case_id, 77);
    assert_true(kh_str_is(w->rows[0].sent[0].state, "queued"));
}

static void waits_for_the_end_of_quiet_hours_unless_urgent(void **state)
{
    struct world *w = *state;

    kh_clock_add(13 * KH_US_H); /* 23:00 */
    say(w, false);
    assert_int_equal(run(w), 0);
    say(w, true);
    assert_int_equal(run(w), 2); /* mail and SMS */
    kh_clock_add(8 * KH_US_H + KH_US_MIN);
    assert_int_equal(run(w), 1);
}

static void an_outage_is_tried_again_and_in_the_end_given_up(void **state)
{
    struct world *w = *state;

    w->down = true;
    say(w, false);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(w), 0);
        kh_clock_add(10 * KH_US_MIN);
    }
    assert_int_equal(w->mails, 3);
    assert_int_equal(run(w), 0);
    assert_int_equal(w->mails, 3);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM notice_delivery WHERE state = 'dead'"
                                        " AND proof LIKE 'OUTBOUND_FAILED%'"),
                     1);
}

static void sms_text_cannot_break_out_of_the_gateways_json(void **state)
{
    struct world *w = *state;

    w->json = parse(w, "{\"channels\":{\"email\":false,\"sms\":true},\"quiet\":null}");
    assert_true(act(w, prefer));
    w->notice = (struct kh_notice){
        .account = w->ac.id,
        .template_key = KH_S("feedback/done"),
        .data = parse(w, "{\"number\":\"\\\",\\\"to\\\":\\\"113\",\"answer\":\"\"}"),
    };
    assert_true(act(w, queue));
    assert_int_equal(run(w), 1);
    assert_int_equal(w->mails, 0);
    assert_true(kh_str_is(kh_json_str(parse(w, w->last_body), "to", KH_S("")), "0912345678"));
}

static void text_by_sms_only(struct world *w, const char *answer)
{
    w->json = parse(w, "{\"channels\":{\"email\":false,\"sms\":true},\"quiet\":null}");
    assert_true(act(w, prefer));
    w->notice = (struct kh_notice){
        .account = w->ac.id,
        .template_key = KH_S("feedback/refused"),
        .data = parse(w, kh_strf(w->a, "{\"reason\":\"%s\"}", answer).p),
    };
    assert_true(act(w, queue));
}

static void a_slow_mail_server_holds_up_no_sms(void **state)
{
    struct world *w = *state;

    w->slow = true;
    sem_init(&w->texted, 0, 0);
    sem_init(&w->mailed, 0, 0);
    assert_true(kh_notify_start(w->nt, &w->err));
    w->json = parse(w, "{\"channels\":{\"email\":true,\"sms\":true},\"quiet\":null}");
    assert_true(act(w, prefer));
    say(w, false);
    assert_true(wait_10s(&w->mailed));
    assert_true(w->overtaken);
}

static void sms_goes_to_a_number_in_one_form_and_without_accents(void **state)
{
    struct world *w = *state;
    struct kh_str text;

    w->ac.phone = KH_S("+84 91 234 56 78");
    assert_true(act(w, change_phone));
    text_by_sms_only(w, "“Đường” không thuộc Hà Nội – chuyển Hưng Yên");
    assert_int_equal(run(w), 1);
    assert_true(kh_str_is(kh_json_str(parse(w, w->last_body), "to", KH_S("")), "0912345678"));
    assert_true(kh_str_is(kh_json_str(parse(w, w->last_body), "abroad", KH_S("")), "+84912345678"));
    assert_true(kh_str_is(kh_json_str(parse(w, w->last_body), "text", KH_S("")),
                          "Khong nhan: \"Duong\" khong thuoc Ha Noi - chuyen Hung Yen"));
    text_by_sms_only(w, kh_strf(w->a, "%0500d", 1).p);
    assert_int_equal(run(w), 1);
    text = kh_json_str(parse(w, w->last_body), "text", KH_S(""));
    assert_int_equal(text.n, 306);
    assert_true(kh_str_eq(kh_str_skip(text, 302), KH_S("0...")));
}

static void sms_is_tried_again_unless_it_is_refused_for_good(void **state)
{
    struct world *w = *state;
    char first[64];

    w->answer = 503;
    text_by_sms_only(w, "x");
    assert_int_equal(run(w), 0);
    memcpy(first, w->last_id, sizeof(first));
    assert_int_equal(strlen(first), 13);
    w->answer = 200;
    assert_int_equal(run(w), 0);
    kh_clock_add(2 * KH_US_MIN);
    assert_int_equal(run(w), 1);
    assert_string_equal(w->last_id, first); /* the gateway can tell that it is the same one */
    w->answer = 422;
    text_by_sms_only(w, "y");
    assert_int_equal(run(w), 0);
    kh_clock_add(KH_US_H);
    assert_int_equal(run(w), 0);
    assert_int_equal(w->posts, 3);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM notice_delivery WHERE state = 'dead'"
                                        " AND tries = 1 AND proof LIKE '%said 422 {%'"),
                     1);
}

static void mail_says_how_to_be_told_otherwise_and_keeps_its_id(void **state)
{
    struct world *w = *state;
    char first[64];

    w->down = true;
    say(w, false);
    assert_int_equal(run(w), 0);
    memcpy(first, w->last_id, sizeof(first));
    assert_int_equal(strlen(first), 13);
    w->down = false;
    kh_clock_add(2 * KH_US_MIN);
    assert_int_equal(run(w), 1);
    assert_string_equal(w->last_id, first);
    assert_string_equal(
        w->last_text, "Đã vá \"ổ gà\"\n\nhttps://khue.example/cases/1\n\n-- \nThư gửi tự động, xin "
                      "đừng trả lời. Chọn cách nhận tin: https://khue.example/me/preferences\n");
}

static void refuses_preferences_and_templates_that_do_not_fit(void **state)
{
    struct world *w = *state;
    struct kh_issues is = {0};

    w->json = parse(w, "{\"channels\":{\"pigeon\":true}}");
    assert_false(act(w, prefer));
    w->json = parse(w, "{\"quiet\":{\"from\":\"25:00\",\"to\":\"07:00\"}}");
    assert_false(act(w, prefer));
    kh_notify_templates_check(w->a,
                              parse(w, "{\"x\":{\"vi\":{\"title\":\"a {b}\",\"body\":\"c\"},"
                                       "\"en\":{\"title\":\"a\",\"body\":\"c\"}},"
                                       "\"y\":{\"vi\":{\"title\":\"a\",\"body\":\"b\"}}}"),
                              &is);
    assert_int_equal(is.n, 3);
    w->notice.template_key = KH_S("feedback/none");
    w->notice.account = w->ac.id;
    assert_false(act(w, queue));
    assert_int_equal(w->err.code, KH_EC_TEMPLATE_UNKNOWN);
}

static void tells_an_instant_by_the_clock_of_the_city(void **state)
{
    struct world *w = *state;
    struct kh_str said = kh_template_fill(w->a, KH_S("Hạn {due}, {none}{}{"),
                                          parse(w, "{\"due\":\"2026-09-15T17:05:00Z\"}"));

    assert_true(kh_str_is(said, "Hạn 16/09/2026 00:05, …{}{"));
}

/* A pair from its numbers in base64url, as RFC 8291 gives them. */
static struct kh_push_pair *pair_of(struct kh_arena *a, const char *secret, const char *point)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    struct kh_str d, q, pem;
    OSSL_PARAM *params;
    EVP_PKEY *key = NULL;
    BIGNUM *number;
    BIO *out = BIO_new(BIO_s_mem());
    char *data;
    long n;

    assert_true(kh_base64_parse(a, kh_cstr(secret), &d) && kh_base64_parse(a, kh_cstr(point), &q));
    number = BN_bin2bn((const unsigned char *)d.p, (int)d.n, NULL);
    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number);
    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, q.p, q.n);
    params = OSSL_PARAM_BLD_to_param(bld);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    n = BIO_get_mem_data(out, &data);
    pem = kh_str_dup(a, kh_str(data, (size_t)n));
    BIO_free(out);
    EVP_PKEY_free(key);
    BN_free(number);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return kh_push_pair_read(pem);
}

static void encrypts_as_rfc_8291_appendix_a(void **state)
{
    struct world *w = *state;
    struct kh_push_pair *as = pair_of(
        w->a, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
    struct kh_str point, auth, salt, body = {0};

    assert_true(kh_base64_parse(
        w->a,
        KH_S(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        &point));
    assert_true(kh_base64_parse(w->a, KH_S("BTBZMqHH6r4Tts7J_aSIgg"), &auth));
    assert_true(kh_base64_parse(w->a, KH_S("DGv6ra1nlYgDCS1FRnbzlw"), &salt));
    assert_true(kh_push_encrypt(w->a, KH_S("When I grow up, I want to be a watermelon"), point,
                                auth, as, (const unsigned char *)salt.p, &body, &w->err));
    assert_true(kh_str_is(
        kh_base64url(w->a, body),
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
        "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
        "a-fN"));
    point = kh_strf(w->a, "%c%064d", 4, 7);
    assert_false(kh_push_encrypt(w->a, KH_S("x"), point, auth, as, (const unsigned char *)salt.p,
                                 &body, &w->err));
    kh_push_pair_drop(as);
}

static void a_browser_that_is_gone_is_forgotten(void **state)
{
    struct world *w = *state;

    w->json = parse(
        w,
        "{\"endpoint\":\"https://push.example/1\",\"keys\":{\"p256dh\":\"BCVxsr7N_eNgVRqvHtD0zTZsEc6"
        "-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4\",\"auth\":"
        "\"BTBZMqHH6r4Tts7J_aSIgg\"}}");
    assert_true(act(w, subscribe));
    w->answer = 410;
    say(w, false);
    assert_int_equal(run(w), 2);
    assert_string_equal(w->last_url, "https://push.example/1");
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM push_subscription"), 0);
}

static void subscribe_at(struct world *w, const char *endpoint)
{
    w->json =
        parse(w, kh_strf(w->a,
                         "{\"endpoint\":\"%s\",\"keys\":{\"p256dh\":\"BCVxsr7N_"
                         "eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkN"
                         "toIAiw4\",\"auth\":\"BTBZMqHH6r4Tts7J_aSIgg\"}}",
                         endpoint)
                     .p);
    assert_true(act(w, subscribe));
}

static void a_browser_that_has_the_message_is_not_told_again(void **state)
{
    struct world *w = *state;

    w->json = parse(w, "{\"channels\":{\"email\":false,\"sms\":false},\"quiet\":null}");
    assert_true(act(w, prefer));
    subscribe_at(w, "https://push.example/1");
    subscribe_at(w, "https://push.example/2");
    w->refused = "https://push.example/2"; /* the newest, so it is asked first */
    say(w, false);
    assert_int_equal(run(w), 1);
    assert_int_equal(w->posts, 2);
    kh_clock_add(KH_US_H);
    assert_int_equal(run(w), 0);
    assert_int_equal(w->posts, 2);
    w->answer = 500; /* neither took it */
    say(w, false);
    assert_int_equal(run(w), 0);
    w->answer = 201;
    kh_clock_add(KH_US_H);
    assert_int_equal(run(w), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM notice_delivery WHERE state = 'sent'"
                                        " AND proof LIKE '201 %'"),
                     2);
    w->refused = NULL;
    w->answer = 410;
    say(w, false);
    assert_int_equal(run(w), 1);
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM push_subscription"), 0);
}

static bool devices_are(struct world *w, struct kh_tx *tx)
{
    struct kh_push_device *list;
    size_t n;

    if (!kh_push_devices(tx, w->a, w->ac.id, &list, &n, &w->err))
        return false;
    assert_int_equal(n, 2);
    assert_true(kh_str_is(list[0].service, "push.example"));
    assert_true(kh_str_is(list[0].endpoint, "https://push.example:8443/2"));
    assert_true(kh_str_is(list[1].service, "push.example"));
    assert_true(list[1].since_us > 0 && list[1].since_us <= list[0].since_us);
    if (!kh_push_devices(tx, w->a, w->ac.id + 1, &list, &n, &w->err))
        return false;
    assert_int_equal(n, 0);
    return kh_push_unsubscribe(tx, w->ac.id + 1, KH_S("https://push.example/1"), &w->err) &&
           kh_push_unsubscribe(tx, w->ac.id, KH_S("https://push.example:8443/2"), &w->err) &&
           kh_push_unsubscribe(tx, w->ac.id, KH_S("https://push.example/none"), &w->err);
}

static void devices_are_listed_and_ended_by_their_owner(void **state)
{
    struct world *w = *state;

    for (int i = 1; i <= 2; i++) {
        w->json =
            parse(w, kh_strf(w->a,
                             "{\"endpoint\":\"https://push.example%s/%d\",\"keys\":{\"p256dh\":"
                             "\"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-"
                             "AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4\",\"auth\":"
                             "\"BTBZMqHH6r4Tts7J_aSIgg\"}}",
                             i == 2 ? ":8443" : "", i)
                         .p);
        assert_true(act(w, subscribe));
    }
    assert_true(act(w, devices_are));
    assert_int_equal(fixture_ask(&w->f, "SELECT count(*) FROM push_subscription"), 1);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(is_in_the_portal_at_once_in_the_readers_language),
        STORY(goes_out_by_mail_with_link_and_proof),
        STORY(tells_how_each_message_went_out),
        STORY(waits_for_the_end_of_quiet_hours_unless_urgent),
        STORY(an_outage_is_tried_again_and_in_the_end_given_up),
        STORY(sms_text_cannot_break_out_of_the_gateways_json),
        STORY(a_slow_mail_server_holds_up_no_sms),
        STORY(sms_goes_to_a_number_in_one_form_and_without_accents),
        STORY(sms_is_tried_again_unless_it_is_refused_for_good),
        STORY(mail_says_how_to_be_told_otherwise_and_keeps_its_id),
        STORY(refuses_preferences_and_templates_that_do_not_fit),
        STORY(tells_an_instant_by_the_clock_of_the_city),
        STORY(encrypts_as_rfc_8291_appendix_a),
        STORY(a_browser_that_is_gone_is_forgotten),
        STORY(a_browser_that_has_the_message_is_not_told_again),
        STORY(devices_are_listed_and_ended_by_their_owner),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
