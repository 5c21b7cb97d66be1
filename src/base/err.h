/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/err -- the one way to fail.
 *
 * Owns   struct kh_error; the codes are rows of tables/errors.def.
 * Used   by every function that can fail; api/ turns an error into RFC 9457 problem+json.
 * Never  holds personal data in a detail.
 */
#ifndef KH_BASE_ERR_H
#define KH_BASE_ERR_H

#include "base/kh.h"

/** Every error of the product; rows and order in tables/errors.def. */
enum kh_ec {
    KH_EC_OK = 0,
#define E(name, number, status, en, vi) KH_EC_##name = (number),
#include "tables/errors.def"
#undef E
};

/** Result of a look-up. */
enum kh_hit { KH_FAIL = -1, KH_MISS = 0, KH_HIT = 1 };

/** One thing wrong with an input: where, what, and what to do, in both languages. */
struct kh_issue {
    struct kh_str pointer; /**< RFC 6901 pointer into the input, "" for the whole */
    struct kh_str code;    /**< stable machine word, e.g. "required", "maxLength", "parameter" */
    struct kh_str vi, en;  /**< one sentence each */
};

/** Issues found so far; lives in the arena of the request. */
struct kh_issues {
    struct kh_issue *items;
    size_t n, cap;
    size_t max;   /**< stop collecting after so many; 0 means 100 */
    bool cut;     /**< more were found than collected */
};

/** Why something failed. Start as {0}; written only on failure. */
struct kh_error {
    enum kh_ec code;
    int line;
    const char *file;               /**< static */
    const struct kh_issues *issues; /**< NULL, or details in the arena of the request */
    char detail[256];               /**< for the log and the reply; no personal data */
};

/** A row of the table. */
struct kh_error_info {
    enum kh_ec code;
    int status;       /**< HTTP */
    const char *name; /**< "RECORD_UNKNOWN" */
    const char *en, *vi;
};

/** @return the row of a code; never NULL (an unknown code is INTERNAL) */
const struct kh_error_info *kh_error_info(enum kh_ec code);

/** @return row i of the table, NULL after the last: for docs and generated code */
const struct kh_error_info *kh_error_row(size_t i);

/** Record a failure and return false: return kh_fail(err, KH_EC_X, "id=%s", id); */
#define kh_fail(err, code, ...) kh_fail_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)
bool kh_fail_at(struct kh_error *err, enum kh_ec code, const char *file, int line, const char *fmt,
                ...) KH_PRINTF(5, 6);

/** Same for look-ups: return kh_miss_fail(err, ...) gives KH_FAIL. */
#define kh_fail_hit(err, code, ...)                                                                \
    (kh_fail_at((err), (code), __FILE__, __LINE__, __VA_ARGS__) ? KH_HIT : KH_FAIL)

/** Put words before the detail of an error on its way up. @return false */
bool kh_error_wrap(struct kh_error *err, const char *fmt, ...) KH_PRINTF(2, 3);

/** Add an issue; pointer, vi and en are copied into the arena. */
void kh_issue_add(struct kh_issues *is, struct kh_arena *a, struct kh_str pointer,
                  const char *code, struct kh_str vi, struct kh_str en);

/** For programmer errors only; always compiled in; user input never reaches it. */
#define KH_REQUIRE(x)                                                                              \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0))                                                             \
            kh_require_failed(#x, __FILE__, __LINE__);                                             \
    } while (0)
_Noreturn void kh_require_failed(const char *what, const char *file, int line);

#endif
