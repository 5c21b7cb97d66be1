/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct kh_error_info rows[] = {
#define E(name, number, status, en, vi) {KH_EC_##name, status, #name, en, vi},
#include "tables/errors.def"
#undef E
};

const struct kh_error_info *kh_error_row(size_t i)
{
    return i < KH_LEN(rows) ? &rows[i] : NULL;
}

const struct kh_error_info *kh_error_info(enum kh_ec code)
{
    for (size_t i = 0; i < KH_LEN(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    return kh_error_info(KH_EC_INTERNAL);
}

bool kh_fail_at(struct kh_error *err, enum kh_ec code, const char *file, int line, const char *fmt,
                ...)
{
    va_list ap;

    err->code = code;
    err->file = file;
    err->line = line;
    err->issues = NULL;
    va_start(ap, fmt);
    vsnprintf(err->detail, sizeof(err->detail), fmt, ap);
    va_end(ap);
    return false;
}

bool kh_error_wrap(struct kh_error *err, const char *fmt, ...)
{
    char old[sizeof(err->detail)];
    va_list ap;
    int n;

    memcpy(old, err->detail, sizeof(old));
    va_start(ap, fmt);
    n = vsnprintf(err->detail, sizeof(err->detail), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(err->detail))
        snprintf(err->detail + n, sizeof(err->detail) - (size_t)n, ": %.200s", old);
    return false;
}

void kh_issue_add(struct kh_issues *is, struct kh_arena *a, struct kh_str pointer,
                  const char *code, struct kh_str vi, struct kh_str en)
{
    struct kh_issue *it;

    if (is->n >= (is->max ? is->max : 100)) {
        is->cut = true;
        return;
    }
    is->items = kh_grow(a, is->items, is->n, is->n + 1, &is->cap, sizeof(*is->items));
    it = &is->items[is->n++];
    it->pointer = kh_str_dup(a, pointer);
    it->code = kh_cstr(code);
    it->vi = kh_str_dup(a, vi);
    it->en = kh_str_dup(a, en);
}

_Noreturn void kh_require_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "khue: requirement failed: %s at %s:%d\n", what, file, line);
    abort();
}
