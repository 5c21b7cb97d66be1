/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"
#include "engine/identity/identity.h"
#include "engine/process/process.h"
#include "engine/registry/registry.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define DAYS 30
/* The ward of the demo's officer: phường Hoàn Kiếm. */
#define WARD "H26.00070"

enum { CITIZENS = 12, PASSWORD_CHARS = 10 };

static const struct role {
    const char *role, *username, *name, *unit;
    const char *grants[3]; /* roles; the unit is the account's */
} roles[] = {
    {"citizen", "congdan", "Trần Thị Mai", "", {NULL}},
    {"officer", "canbo", "Nguyễn Văn Bình", WARD, {"officer", NULL}},
    {"counter", "motcua", "Hoàng Thị Lan", WARD, {"counter", NULL}},
    {"approver", "duyet", "Trịnh Văn Sơn", WARD, {"approver", NULL}},
    {"dispatcher", "dieuphoi", "Lê Thu Hà", "H26", {"dispatcher", "officer", NULL}},
    {"leader", "lanhdao", "Phạm Quang Minh", "H26", {"leader", NULL}},
    {"integrator", "ketnoi", "Hệ thống kết nối 1022", "H26", {"integrator", NULL}},
    {"admin", "quantri", "Quản trị viên", "", {"admin", NULL}},
};

static const char *const citizens[CITIZENS] = {
    "Vũ Minh Anh",  "Đặng Thuỳ Linh", "Bùi Đức Long", "Hoàng Gia Bảo",  "Đỗ Ngọc Diệp", "Ngô Hải Yến",
    "Dương Tuấn Kiệt", "Hồ Bảo Châu",  "Lý Quốc Hùng", "Phan Khánh Vy", "Mai Xuân Trường", "Cao Thanh Tâm",
};

/* What people write, by category; two of each so that lists do not look alike. */
static const struct story {
    const char *category, *text[2], *answer;
} stories[] = {
    {"pothole", {"Mặt đường có ổ gà sâu ngay giữa làn xe máy, trời mưa không nhìn thấy.",
                 "Đoạn đường trước cổng trường bị lún, nhiều người đã ngã xe."},
     "Đội duy tu đã vá mặt đường và dọn sạch vật liệu thừa."},
    {"street_light", {"Ba bóng đèn đường liền nhau không sáng đã bốn hôm nay, ngõ rất tối.",
                      "Đèn đường nhấp nháy liên tục từ tối qua."},
     "Đã thay bóng và kiểm tra tủ điều khiển chiếu sáng."},
    {"garbage", {"Rác dồn đống ở đầu ngõ từ hôm kia, bốc mùi rất khó chịu.",
                 "Thùng rác công cộng đầy tràn, chưa thấy xe đến thu gom."},
     "Đã thu gom và tăng thêm một chuyến xe vào buổi tối."},
    {"flooding", {"Mưa chưa lâu mà nước đã ngập quá bánh xe, miệng cống bị rác bịt kín.",
                  "Nước cống tràn lên mặt đường, người đi bộ không qua được."},
     "Đã thông cống, vớt rác ở các miệng thu nước trên tuyến."},
    {"manhole", {"Nắp cống bị vỡ một nửa, ban đêm rất nguy hiểm.",
                 "Hố ga mất nắp ngay sát vỉa hè, mới chỉ có cành cây cắm tạm."},
     "Đã lắp nắp mới và hoàn trả mặt vỉa hè."},
    {"tree", {"Cành cây lớn gãy vắt ngang dây điện sau trận gió đêm qua.",
              "Cây ven đường nghiêng hẳn ra lòng đường, sợ đổ."},
     "Đã cắt hạ cành nguy hiểm và chằng chống cây."},
    {"illegal_parking", {"Ô tô đỗ kín lối vào ngõ, xe cứu thương không vào được.",
                         "Xe tải dừng đỗ hai hàng vào giờ cao điểm, cả phố tắc."},
     "Đã nhắc nhở chủ xe và cắm biển cấm đỗ."},
    {"sidewalk", {"Hàng quán bày kín vỉa hè, người đi bộ phải xuống lòng đường.",
                  "Vỉa hè bị quây rào để vật liệu xây dựng nhiều ngày nay."},
     "Đã yêu cầu tháo dỡ, trả lại lối đi cho người đi bộ."},
    {"noise", {"Quán hát mở loa lớn đến gần nửa đêm, trẻ nhỏ không ngủ được.",
               "Công trình khoan cắt từ năm giờ sáng."},
     "Đã lập biên bản và yêu cầu cam kết không tái phạm."},
    {"traffic_light", {"Đèn tín hiệu ở ngã tư không chuyển sang xanh.",
                       "Đèn cho người đi bộ tắt hẳn từ sáng."},
     "Đã sửa bộ điều khiển, đèn hoạt động bình thường."},
    {"dumping", {"Đêm qua có xe đổ phế thải xây dựng xuống bãi đất trống.",
                 "Phế thải đổ sát mép hồ, đất đá tràn ra đường."},
     "Đã dọn phế thải và lắp camera theo dõi."},
    {"telecom_cable", {"Bó cáp viễn thông võng xuống ngang đầu người đi xe máy.",
                       "Dây cáp đứt rơi trên vỉa hè."},
     "Đã bó gọn, nâng cáp và thu hồi dây không còn dùng."},
    {"water_supply", {"Cả ngõ mất nước từ tối hôm trước, không có thông báo.",
                      "Ống nước vỡ, nước chảy tràn ra đường."},
     "Đã thay đoạn ống vỡ và cấp nước trở lại."},
    {"advertising", {"Tường nhà và cột điện bị dán kín tờ rơi cho vay.",
                     "Biển quảng cáo cũ bong tróc, sắp rơi xuống vỉa hè."},
     "Đã bóc xoá quảng cáo và nhắc các hộ liên quan."},
    {"public_asset", {"Ghế đá trong vườn hoa bị gãy chân.",
                      "Máy tập thể dục ngoài trời hỏng, có cạnh sắc."},
     "Đã thay thế thiết bị hỏng."},
};

/* Where things happen: lon, lat and spread in degrees; the first is the officer's ward. */
static const struct place {
    double lon, lat, spread;
    unsigned weight;
} places[] = {
    {105.8500, 21.0300, 0.006, 30}, {105.8350, 21.0370, 0.010, 14}, {105.8480, 21.0120, 0.014, 14},
    {105.8200, 21.0180, 0.014, 12}, {105.7950, 21.0330, 0.016, 12}, {105.8000, 20.9950, 0.016, 10},
    {105.8700, 21.0420, 0.016, 10}, {105.7780, 20.9700, 0.018, 10}, {105.8650, 20.9800, 0.016, 8},
    {105.8200, 21.0700, 0.014, 8},  {105.7450, 21.0400, 0.020, 6},  {105.5050, 21.1380, 0.020, 4},
    {105.9000, 21.0000, 0.030, 6},  {105.8500, 21.1400, 0.030, 5},  {105.6800, 21.0100, 0.040, 4},
    {105.7200, 20.8800, 0.040, 4},
};

struct todo {
    int64_t at_us;
    enum { FILE_REPORT, TRIAGE, HANDLE, RATE } what;
    const struct story *story;
    int64_t record;
    double luck; /* 0..1, decides how it goes */
};

struct demo {
    struct kh_opened *o;
    struct kh_arena *a; /* of one step */
    uint64_t seed;
    struct kh_who officer, people[CITIZENS + 1];
    struct todo *heap;
    size_t n, cap;
    const struct todo *now;
    struct kh_account *account;
    struct kh_str hash;
    const char *const *grants;
    int64_t record;
};

/* ---- chance: the same city every time ---- */

static double chance(struct demo *d)
{
    d->seed = d->seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(d->seed >> 11) / 9007199254740992.0;
}

static size_t pick(struct demo *d, size_t n)
{
    return (size_t)(chance(d) * (double)n);
}

/* ---- what is to come, soonest first ---- */

static void later(struct demo *d, struct todo t)
{
    size_t i = d->n++;

    d->heap = kh_grow(d->o->a, d->heap, i, i + 1, &d->cap, sizeof(*d->heap));
    while (i > 0 && d->heap[(i - 1) / 2].at_us > t.at_us) {
        d->heap[i] = d->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    d->heap[i] = t;
}

static struct todo soonest(struct demo *d)
{
    struct todo first = d->heap[0], last = d->heap[--d->n];
    size_t i = 0;

    for (;;) {
        size_t c = 2 * i + 1;

        if (c >= d->n)
            break;
        if (c + 1 < d->n && d->heap[c + 1].at_us < d->heap[c].at_us)
            c++;
        if (d->heap[c].at_us >= last.at_us)
            break;
        d->heap[i] = d->heap[c];
        i = c;
    }
    d->heap[i] = last;
    return first;
}

/* ---- accounts ---- */

static bool account_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct demo *d = ctx;
    struct kh_who who = kh_who_system(KH_S("demo"));
    struct kh_identity *id = d->o->city.identity;

    if (!kh_account_add(tx, id, d->a, d->account, d->hash, &who, err))
        return false;
    for (size_t i = 0; d->grants && d->grants[i]; i++) {
        struct kh_grant_row g = {
            .account = d->account->id,
            .role = kh_cstr(d->grants[i]),
            .unit = d->account->unit,
            .reason = KH_S("demo"),
        };

        if (!kh_grant_add(tx, id, d->a, &g, &who, err))
            return false;
    }
    return true;
}

static struct kh_who acting(struct demo *d, const struct kh_account *ac,
                            const struct kh_grant *grants, size_t n)
{
    return (struct kh_who){
        .kind = KH_WHO_ACCOUNT,
        .account = ac->id,
        .name = kh_str_dup(d->o->a, ac->name),
        .username = kh_str_dup(d->o->a, ac->username),
        .actor = kh_strf(d->o->a, "account:%.*s", KH_FMT(kh_id_text(d->o->a, ac->id))),
        .grants = grants,
        .grants_n = n,
        .vi = true,
    };
}

static struct kh_str password(struct kh_arena *a)
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    unsigned char r[PASSWORD_CHARS];
    char *out = kh_alloc(a, PASSWORD_CHARS + 1);

    kh_random(r, sizeof(r));
    for (size_t i = 0; i < sizeof(r); i++)
        out[i] = letters[r[i] % (sizeof(letters) - 1)];
    return kh_str(out, PASSWORD_CHARS);
}

static bool add_account(struct demo *d, struct kh_account *ac, struct kh_str hash,
                        const char *const *grants, struct kh_error *err)
{
    d->account = ac;
    d->hash = hash;
    d->grants = grants;
    return kh_store_run(d->o->city.store, "demo_account", KH_TX_WRITE, account_in_tx, d, err);
}

/* The list is for the person who runs the demo only: readable by its owner. */
static bool write_accounts(struct demo *d, struct kh_str text, struct kh_error *err)
{
    const char *path = kh_strf(d->a, "%s/demo-accounts.json", d->o->dir).p;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;

    if (fd >= 0)
        close(fd);
    return ok || kh_fail(err, KH_EC_IO, "cannot write %s", path);
}

static bool add_roles(struct demo *d, struct kh_error *err)
{
    static const struct kh_grant city_officer = {
        .role = KH_STR_INIT("officer"), .unit = KH_STR_INIT("H26"), .until_us = KH_FOREVER};
    struct kh_buf out = kh_buf(d->o->a, 8192);

    kh_buf_z(&out, "{\n");
    for (size_t i = 0; i < KH_LEN(roles); i++) {
        const struct role *r = &roles[i];
        struct kh_account ac = {.username = kh_cstr(r->username), .name = kh_cstr(r->name),
                                .unit = kh_cstr(r->unit)};
        struct kh_str secret = password(d->o->a), hash;

        if (!kh_password_hash(d->o->city.identity, d->a, secret, &hash, err) ||
            !add_account(d, &ac, hash, r->grants, err))
            return false;
        if (strcmp(r->role, "dispatcher") == 0)
            d->officer = acting(d, &ac, &city_officer, 1);
        if (strcmp(r->role, "citizen") == 0)
            d->people[CITIZENS] = acting(d, &ac, NULL, 0);
        kh_buf_strf(&out, "  \"%s\": { \"username\": \"%s\", \"password\": \"%.*s\" }%s\n", r->role,
                    r->username, KH_FMT(secret), i + 1 < KH_LEN(roles) ? "," : "");
    }
    kh_buf_z(&out, "}\n");
    return write_accounts(d, kh_buf_get(&out), err);
}

static bool add_citizens(struct demo *d, struct kh_error *err)
{
    for (size_t i = 0; i < CITIZENS; i++) {
        struct kh_account ac = {.username = kh_strf(d->a, "nguoidan%zu", i + 1),
                                .name = kh_cstr(citizens[i])};

        if (!add_account(d, &ac, KH_S(""), NULL, err))
            return false;
        d->people[i] = acting(d, &ac, NULL, 0);
    }
    return true;
}

/* ---- the work ---- */

static const struct place *some_place(struct demo *d)
{
    unsigned total = 0, at;

    for (size_t i = 0; i < KH_LEN(places); i++)
        total += places[i].weight;
    at = (unsigned)pick(d, total);
    for (size_t i = 0; i < KH_LEN(places); i++) {
        if (at < places[i].weight)
            return &places[i];
        at -= places[i].weight;
    }
    return &places[0];
}

static struct kh_json *some_report(struct demo *d, const struct story *s)
{
    const struct place *p = some_place(d);
    struct kh_json *fields = kh_json_new(d->a, KH_JSON_OBJECT);
    struct kh_json *at = kh_json_new(d->a, KH_JSON_OBJECT);

    /* The sum of two chances is denser in the middle, as a town is. */
    kh_json_set(d->a, at, KH_S("lon"),
                kh_json_new_double(d->a, p->lon + (chance(d) + chance(d) - 1) * p->spread));
    kh_json_set(d->a, at, KH_S("lat"),
                kh_json_new_double(d->a, p->lat + (chance(d) + chance(d) - 1) * p->spread * 0.7));
    kh_json_set(d->a, fields, KH_S("category"), kh_json_new_str(d->a, kh_cstr(s->category)));
    kh_json_set(d->a, fields, KH_S("description"),
                kh_json_new_str(d->a, kh_cstr(s->text[pick(d, 2)])));
    kh_json_set(d->a, fields, KH_S("location"), at);
    if (chance(d) < 0.4)
        kh_json_set(d->a, fields, KH_S("anonymous"), kh_json_new(d->a, KH_JSON_TRUE));
    return fields;
}

struct filing {
    struct demo *d;
    struct kh_draft *draft;
    const struct kh_type *type;
    const struct kh_who *who;
    int64_t id;
};

static bool file_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    struct filing *f = ctx;
    struct kh_city *city = &f->d->o->city;
    struct kh_record r;

    if (!kh_case_create(tx, city->process, f->d->a, f->draft, f->who, &r, err))
        return false;
    f->id = r.id;
    return true;
}

static bool file_report(struct demo *d, const struct todo *t, struct kh_error *err)
{
    struct kh_city *city = &d->o->city;
    struct filing f = {.d = d, .type = kh_type_find(city->registry, KH_S("report"))};
    struct kh_write w = {0};

    f.who = &d->people[chance(d) < 0.06 ? CITIZENS : pick(d, CITIZENS)];
    w.who = f.who;
    if (!kh_record_prepare(city->registry, d->a, f.type, some_report(d, t->story), &w, &f.draft,
                           err) ||
        !kh_store_run(city->store, "demo_file", KH_TX_WRITE, file_in_tx, &f, err))
        return false;
    /* Most are taken within hours, some the next day; a few lie too long. */
    later(d, (struct todo){.at_us = t->at_us + KH_US_H / 2 +
                                    (int64_t)(t->luck * t->luck * 40 * (double)KH_US_H),
                           .what = TRIAGE, .story = t->story, .record = f.id, .luck = chance(d)});
    return true;
}

struct completing {
    struct demo *d;
    const struct todo *t;
    const struct kh_json *answers;
    const struct kh_who *who;
    bool done;
};

/* Complete the open task of the case that has the key, if there is one. */
static bool complete_in_tx(struct kh_tx *tx, void *ctx, struct kh_error *err)
{
    static const char *const keys[] = {[TRIAGE] = "triage", [HANDLE] = "handle", [RATE] = "rate"};
    struct completing *c = ctx;
    struct kh_city *city = &c->d->o->city;
    struct kh_who all = kh_who_system(KH_S("demo"));
    struct kh_task_query q = {.case_id = c->t->record, .limit = 10, .who = &all,
                              .key = kh_cstr(keys[c->t->what])};
    struct kh_task *tasks, done;
    struct kh_str next;
    size_t n;

    if (!kh_task_list(tx, city->process, c->d->a, &q, &tasks, &n, &next, err))
        return false;
    c->done = n > 0;
    return n == 0 || kh_task_complete(tx, city->process, c->d->a, tasks[0].id, c->answers, c->who,
                                      &done, err);
}

static const struct kh_json *answers(struct demo *d, const char *fmt, const char *text)
{
    struct kh_error err = {0};
    struct kh_json *v = NULL;
    struct kh_buf out = kh_buf(d->a, 8192);

    /* % stands for the text as a JSON string. */
    for (; *fmt; fmt++)
        if (*fmt == '%')
            kh_json_quote(&out, kh_cstr(text));
        else
            kh_buf_c(&out, *fmt);
    KH_REQUIRE(kh_json_parse(d->a, kh_buf_get(&out), NULL, &v, &err));
    return v;
}

static bool complete(struct demo *d, const struct todo *t, const char *fmt, const char *text,
                     const struct kh_who *who, bool *ret_done, struct kh_error *err)
{
    struct completing c = {.d = d, .t = t, .who = who, .answers = answers(d, fmt, text)};

    if (!kh_store_run(d->o->city.store, "demo_complete", KH_TX_WRITE, complete_in_tx, &c, err))
        return false;
    *ret_done = c.done;
    return true;
}

static bool step(struct demo *d, const struct todo *t, struct kh_error *err)
{
    struct todo next = {.story = t->story, .record = t->record, .luck = chance(d)};
    struct kh_who all = kh_who_system(KH_S("demo"));
    bool done = false;

    switch (t->what) {
    case FILE_REPORT:
        return file_report(d, t, err);
    case TRIAGE:
        if (t->luck < 0.07)
            return complete(d, t, "{\"decision\":\"refuse\",\"reason\":%}",
                            "Nội dung đã có trong một phản ánh khác đang được xử lý.", &d->officer,
                            &done, err);
        if (!complete(d, t, "{\"decision\":\"accept\"}", "", &d->officer, &done, err))
            return false;
        next.what = HANDLE;
        next.at_us = t->at_us + 2 * KH_US_H + (int64_t)(t->luck * 5 * (double)KH_US_DAY);
        break;
    case HANDLE:
        if (!complete(d, t, "{\"decision\":\"done\",\"answer\":%}", t->story->answer, &d->officer,
                      &done, err))
            return false;
        next.what = RATE;
        next.at_us = t->at_us + (int64_t)(t->luck * 3 * (double)KH_US_DAY);
        if (t->luck > 0.7) /* nobody rates: the process closes it after a week */
            return true;
        break;
    case RATE:
        return complete(d, t, t->luck < 0.15   ? "{\"stars\":2,\"comment\":%}"
                              : t->luck < 0.45 ? "{\"stars\":4,\"comment\":%}"
                                               : "{\"stars\":5,\"comment\":%}",
                        t->luck < 0.15 ? "Xử lý còn chậm." : "Cảm ơn các anh chị.", &all, &done,
                        err);
    }
    if (done)
        later(d, next);
    return true;
}

/* Let the month pass: what is due by then happens first, timers and reminders too. */
static bool pass_month(struct demo *d, int64_t end_us, unsigned reports, struct kh_error *err)
{
    struct kh_bar bar = {.label = "a month of work"};
    int64_t begin = kh_now_us(), jobs_at = begin;
    unsigned ran;

    while (d->n && d->heap[0].at_us < end_us) {
        struct todo t = soonest(d);

        while (jobs_at < t.at_us) {
            kh_clock_set(jobs_at);
            if (!kh_process_jobs_run(d->o->city.process, 1000, &ran, err))
                return false;
            jobs_at += KH_US_H;
        }
        kh_clock_set(t.at_us);
        if (!step(d, &t, err))
            return false;
        kh_arena_reset(d->a);
        kh_bar_show(&bar, t.at_us - begin, end_us - begin);
    }
    kh_bar_show(&bar, reports, reports);
    kh_bar_end(&bar);
    kh_clock_set(0);
    return kh_process_jobs_run(d->o->city.process, 10000, &ran, err);
}

static int64_t real_now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * KH_US_S;
}

void kh_demo_clock_begin(void)
{
    kh_clock_set(real_now_us() - (DAYS + 1) * KH_US_DAY);
}

bool kh_demo_fill(struct kh_opened *o, unsigned reports, struct kh_error *err)
{
    struct demo d = {.o = o, .a = kh_arena_new(16 << 20), .seed = 20260901};
    int64_t end = real_now_us(), begin = end - DAYS * KH_US_DAY;
    bool ok = add_roles(&d, err) && add_citizens(&d, err);

    for (unsigned i = 0; ok && i < reports; i++) {
        /* More by day than by night. */
        int64_t day = (int64_t)(chance(&d) * DAYS) * KH_US_DAY;
        int64_t hour = (int64_t)((7 + 14 * (chance(&d) + chance(&d)) / 2) * (double)KH_US_H);
        int64_t at = kh_day_start(kh_day_of(begin + day)) + hour;

        later(&d, (struct todo){.at_us = at > begin ? at : begin + i, .what = FILE_REPORT,
                                .story = &stories[pick(&d, KH_LEN(stories))],
                                .luck = chance(&d)});
    }
    kh_clock_set(begin);
    ok = ok && pass_month(&d, end, reports, err);
    kh_clock_set(0);
    kh_arena_drop(d.a);
    return ok;
}
