/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notify/template.h"

#include "base/time.h"
#include "engine/notify/notify.h"

/* The next {name} in text from *at on: false when there is none. */
static bool next_field(struct kh_str text, size_t *at, size_t *ret_start, struct kh_str *ret_name)
{
    for (size_t i = *at; i < text.n; i++) {
        size_t end = i + 1;

        if (text.p[i] != '{')
            continue;
        while (end < text.n && (text.p[end] == '_' || (text.p[end] >= 'a' && text.p[end] <= 'z')))
            end++;
        if (end == i + 1 || end >= text.n || text.p[end] != '}')
            continue;
        *ret_start = i;
        *ret_name = kh_str(text.p + i + 1, end - i - 1);
        *at = end + 1;
        return true;
    }
    return false;
}

/* An instant is told as people write it, by the clock of the city: 15/09/2026 14:05. */
static struct kh_str told(struct kh_arena *a, const struct kh_json *v)
{
    int64_t us, year, minute;
    int month, day;

    if (!v || (v->type != KH_JSON_STRING && v->type != KH_JSON_NUMBER))
        return KH_S("…");
    if (v->type != KH_JSON_STRING || !kh_time_parse(v->s, &us))
        return v->s;
    kh_civil(kh_day_of(us), &year, &month, &day);
    minute = (us - kh_day_start(kh_day_of(us))) / KH_US_MIN;
    return kh_strf(a, "%02d/%02d/%04lld %02lld:%02lld", day, month, (long long)year,
                   (long long)(minute / 60), (long long)(minute % 60));
}

struct kh_str kh_template_fill(struct kh_arena *a, struct kh_str text, const struct kh_json *data)
{
    struct kh_buf out = kh_buf(a, 64 << 10);
    size_t at = 0, done = 0, start;
    struct kh_str name;

    while (next_field(text, &at, &start, &name)) {
        kh_buf_add(&out, text.p + done, start - done);
        kh_buf_str(&out, told(a, kh_json_find(data, name)));
        done = at;
    }
    kh_buf_add(&out, text.p + done, text.n - done);
    return kh_buf_get(&out);
}

struct kh_str kh_template_part(const struct kh_json *texts, bool vi, const char *part)
{
    const struct kh_json *lang = kh_json_get(texts, vi ? "vi" : "en");
    struct kh_str s = kh_json_str(lang, part, KH_S(""));

    return s.n ? s : kh_json_str(lang, "title", KH_S(""));
}

/* Every field that `one` names is named by `other` too. */
static bool fields_within(struct kh_str one, struct kh_str other)
{
    struct kh_str name, again;
    size_t at = 0, start;

    while (next_field(one, &at, &start, &name)) {
        size_t at2 = 0, start2;
        bool found = false;

        while (!found && next_field(other, &at2, &start2, &again))
            found = kh_str_eq(name, again);
        if (!found)
            return false;
    }
    return true;
}

static void check_one(struct kh_arena *a, struct kh_str key, const struct kh_json *t,
                      struct kh_issues *is)
{
    static const char *const parts[] = {"title", "body"};

    for (size_t i = 0; i < KH_LEN(parts); i++) {
        struct kh_str at = kh_strf(a, "/%.*s", KH_FMT(key));
        struct kh_str vi = kh_json_str(kh_json_get(t, "vi"), parts[i], KH_S(""));
        struct kh_str en = kh_json_str(kh_json_get(t, "en"), parts[i], KH_S(""));

        if (!vi.n || !en.n)
            kh_issue_add(is, a, at, "language", KH_S("Thiếu title hoặc body bằng vi hoặc en"),
                         KH_S("title and body are needed in vi and en"));
        else if (!fields_within(vi, en) || !fields_within(en, vi))
            kh_issue_add(is, a, at, "fields", KH_S("Các {trường} của vi và en khác nhau"),
                         KH_S("vi and en name different {fields}"));
    }
}

void kh_notify_templates_check(struct kh_arena *a, const struct kh_json *templates,
                               struct kh_issues *issues)
{
    if (!kh_json_is(templates, KH_JSON_OBJECT)) {
        kh_issue_add(issues, a, KH_S(""), "type", KH_S("Cần một đối tượng JSON"),
                     KH_S("a JSON object is needed"));
        return;
    }
    for (uint32_t i = 0; i < templates->n; i++)
        check_one(a, templates->members[i].key, &templates->members[i].value, issues);
}
