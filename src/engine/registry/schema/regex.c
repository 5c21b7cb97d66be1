/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling what regex_read.c has translated, and matching within bounds. */
#include "engine/registry/schema/regex_int.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { HEAP_KIB = 8192 };
/* Backtracking that a text may cost: by its length, so that many texts together cannot cost more
 * than their size allows. */
enum { STEPS_FREE = 20000, STEPS_PER_BYTE = 1000, STEPS_MOST = 10000000 };

static const char *pcre2_says(struct kh_arena *a, int code)
{
    char *z = kh_alloc(a, 160);

    pcre2_get_error_message(code, (PCRE2_UCHAR *)z, 160);
    return z;
}

/* @return 0, or an error of PCRE2, or 1 if the pattern is none of ECMA-262 */
static int compile(struct kh_arena *a, struct kh_str pattern, pcre2_code **ret,
                   const char **ret_why)
{
    struct kh_str text;
    int error = 0;
    size_t at;

    *ret_why = "too long, or not text";
    if (pattern.n > KH_PATTERN_MAX || !kh_str_utf8(pattern) ||
        !kh_regex_translate(a, pattern, &text, ret_why))
        return 1;
    *ret = pcre2_compile(text.n ? (PCRE2_SPTR)text.p : (PCRE2_SPTR) "", text.n,
                         PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_ALLOW_EMPTY_CLASS,
                         &error, &at, NULL);
    if (*ret)
        return 0;
    *ret_why = pcre2_says(a, error);
    return error;
}

bool kh_regex_compile(struct kh_arena *a, struct kh_str pattern, struct kh_regex **ret,
                      const char **ret_why)
{
    pcre2_code *code = NULL;

    if (compile(a, pattern, &code, ret_why) != 0)
        return false;
    /* Without the compiler (or its memory) the interpreter does the same work. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    *ret = (struct kh_regex *)code;
    return true;
}

void kh_regex_drop(struct kh_regex *x)
{
    pcre2_code_free((pcre2_code *)x);
}

static void make_room(struct kh_regex_room *room)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);

    KH_REQUIRE(context != NULL);
    pcre2_set_heap_limit(context, HEAP_KIB);
    room->context = context;
    room->data = pcre2_match_data_create(1, NULL);
    KH_REQUIRE(room->data != NULL);
}

enum kh_hit kh_regex_match(const struct kh_regex *x, struct kh_regex_room *room, struct kh_str s)
{
    const pcre2_code *code = (const pcre2_code *)x;
    PCRE2_SPTR text = s.n ? (PCRE2_SPTR)s.p : (PCRE2_SPTR) "";
    size_t steps = STEPS_FREE + s.n * STEPS_PER_BYTE;
    int r;

    if (!room->data)
        make_room(room);
    pcre2_set_match_limit(room->context, (uint32_t)(steps < STEPS_MOST ? steps : STEPS_MOST));
    r = pcre2_match(code, text, s.n, 0, PCRE2_NO_UTF_CHECK, room->data, room->context);
    if (r == PCRE2_ERROR_JIT_STACKLIMIT)
        r = pcre2_match(code, text, s.n, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, room->data,
                        room->context);
    return r >= 0 ? KH_HIT : r == PCRE2_ERROR_NOMATCH ? KH_MISS : KH_FAIL;
}

void kh_regex_room_drop(struct kh_regex_room *room)
{
    pcre2_match_data_free(room->data);
    pcre2_match_context_free(room->context);
    *room = (struct kh_regex_room){0};
}

bool kh_regex_ok(struct kh_str pattern)
{
    kh_auto_arena a = kh_arena_new((size_t)1 << 22);
    pcre2_code *code = NULL;
    const char *why;
    int error = compile(a, pattern, &code, &why);

    pcre2_code_free(code);
    /* A lookbehind of any length is right in ECMA-262, though it cannot be matched here. */
    return error == 0 || error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH ||
           error == PCRE2_ERROR_LOOKBEHIND_TOO_LONG;
}
