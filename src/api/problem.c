/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9457: what went wrong, in the language of the caller. */
#include "api/call.h"

#include "api/city.h"
#include "api/router.h"
#include "base/log.h"

enum { PROBLEM_MAX = 1 << 20 };

static void put_issues(struct kh_jw *w, const struct kh_issues *is, bool vi)
{
    kh_jw_key(w, "issues");
    kh_jw_arr(w);
    for (size_t i = 0; i < is->n; i++) {
        const struct kh_issue *x = &is->items[i];

        kh_jw_obj(w);
        kh_jw_kstr(w, "pointer", x->pointer);
        kh_jw_kstr(w, "code", x->code);
        kh_jw_kstr(w, "message", vi ? x->vi : x->en);
        kh_jw_end(w);
    }
    kh_jw_end(w);
    if (is->cut)
        kh_jw_kbool(w, "more_issues", true);
}

/* A detail of a fault on our side may name tables and files: it is for the log only. */
static bool detail_is_for_callers(int status)
{
    return status < 500 || status == 501;
}

static void log_fault(struct kh_call *c, const struct kh_error *err)
{
    kh_log_request(c->id);
    kh_log_error(c->route ? c->route->name : "http.error", err);
    kh_log_request(kh_str(NULL, 0));
}

/* A detail is cut at a byte; what is left must still be UTF-8. */
static struct kh_str whole_text(const char *detail)
{
    struct kh_str s = kh_cstr(detail);

    for (int i = 0; i < 4 && s.n && !kh_str_utf8(s); i++)
        s.n--;
    return kh_str_utf8(s) ? s : KH_S("");
}

enum kh_next kh_reply_error(struct kh_call *c, const struct kh_error *err)
{
    const struct kh_error_info *info = kh_error_info(err->code);
    bool vi = !c->who || c->who->vi;
    struct kh_buf b = kh_buf(c->a, PROBLEM_MAX);
    struct kh_jw w = kh_jw(&b);
    struct kh_str detail = whole_text(err->detail);

    if (info->status >= 500 && info->status != 501 && info->code != KH_EC_OVERLOADED)
        log_fault(c, err);
    for (const struct kh_error_form *f = c->city->error_forms; f && f->prefix; f++)
        if (kh_str_starts(c->target, kh_cstr(f->prefix)))
            return f->reply(c, err);
    kh_jw_obj(&w);
    kh_jw_kz(&w, "type", "about:blank");
    kh_jw_kz(&w, "title", vi ? info->vi : info->en);
    kh_jw_kint(&w, "status", info->status);
    kh_jw_kz(&w, "code", info->name);
    if (detail.n && detail_is_for_callers(info->status))
        kh_jw_kstr(&w, "detail", detail);
    kh_jw_kstr(&w, "request", c->id);
    if (err->issues && err->issues->n)
        put_issues(&w, err->issues, vi);
    kh_jw_end(&w);
    if (info->status == 401)
        kh_reply_header(c, "WWW-Authenticate", KH_S("Bearer realm=\"khue\""));
    if (info->status == 503 || info->code == KH_EC_IDEMPOTENCY_PENDING)
        kh_reply_header(c, "Retry-After", KH_S("1"));
    return kh_reply_text(c, info->status, "application/problem+json", kh_buf_get(&b));
}
