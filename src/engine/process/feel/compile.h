/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/compile -- from text to nodes: names and scopes, scanning, parsing.
 *
 * One compiler makes one frame 0: the text of an expression, or all the boxed expressions of one
 * decision. Names are matched the longest first against what is in scope (DMN 1.5 10.3.1.5); a run
 * of words that nothing in scope begins with is one unknown name, since two names never stand side
 * by side otherwise.
 *
 * Owns   nothing; everything lives in the arena given.
 * Used   by feel/ and dmn/.
 * Never  recurses deeper than FEEL_DEPTH_MAX lets it.
 */
#ifndef KH_FEEL_COMPILE_H
#define KH_FEEL_COMPILE_H

#include "engine/process/feel/ast.h"
#include "engine/process/feel/type.h"

struct feel_sym;

/** A set of names by their tokens: "a+b" and "a + b" are the same. */
struct feel_names {
    struct feel_sym **buckets;
    size_t buckets_n, n;
    size_t parts_max; /**< tokens of the longest */
};

struct feel_frame {
    struct feel_frame *up;
    uint32_t slots;
    struct feel_capture *captures;
    size_t captures_n, captures_cap;
};

struct feel_binding {
    struct feel_frame *frame;
    uint32_t slot;
    unsigned level;
    struct feel_binding *before;
};

struct feel_filter {
    struct feel_frame *frame;
    uint32_t slot;
    unsigned level;
};

enum feel_tok_kind {
    FTOK_END,
    FTOK_NUMBER,
    FTOK_STRING,
    FTOK_AT,
    FTOK_NAME,
    FTOK_IF,
    FTOK_THEN,
    FTOK_ELSE,
    FTOK_FOR,
    FTOK_IN,
    FTOK_RETURN,
    FTOK_SOME,
    FTOK_EVERY,
    FTOK_SATISFIES,
    FTOK_OR,
    FTOK_AND,
    FTOK_BETWEEN,
    FTOK_INSTANCE,
    FTOK_FUN,
    FTOK_NULLWORD,
    FTOK_TRUE,
    FTOK_FALSE,
    FTOK_LPAR,
    FTOK_RPAR,
    FTOK_LBRACK,
    FTOK_RBRACK,
    FTOK_LBRACE,
    FTOK_RBRACE,
    FTOK_COMMA,
    FTOK_COLON,
    FTOK_DOT,
    FTOK_DOTS,
    FTOK_ARROW,
    FTOK_PLUS,
    FTOK_MINUS,
    FTOK_STAR,
    FTOK_POW,
    FTOK_SLASH,
    FTOK_EQ,
    FTOK_NE,
    FTOK_LT,
    FTOK_LE,
    FTOK_GT,
    FTOK_GE,
    FTOK_BAD,
};

/** Where reading stands. */
struct feel_at {
    size_t pos;
    unsigned line;
    size_t line_start;
};

struct feel_tok {
    enum feel_tok_kind kind;
    struct feel_at from, to;
    struct kh_str name;         /**< NAME: as it was declared, or as written with single spaces */
    struct feel_sym *sym;       /**< NAME: what is in scope, or NULL */
    int builtin;                /**< NAME: the built-in function of this name, or -1 */
    struct kh_feel_value value; /**< NUMBER, STRING, AT */
};

struct feel_compiler {
    struct kh_arena *a;
    struct kh_error *err;
    bool failed;
    struct feel_names names;
    const struct feel_names *members; /**< names of entries of contexts; may be NULL */
    const struct feel_type *(*type_of)(void *ctx, struct kh_str name); /**< item definitions */
    void *type_ctx;

    struct feel_frame root, *frame;
    unsigned level;
    struct feel_sym **bound; /**< stack of what scopes have bound */
    size_t bound_n, bound_cap;
    struct feel_filter *filters;
    size_t filters_n, filters_cap;
    struct feel_var *vars;
    size_t vars_n, vars_cap;
    unsigned subject_uses; /**< how often ? has been named */
    uint32_t self;         /**< slot + 1 that the function read next will be kept in, or 0 */

    struct kh_str text;
    struct feel_at at;
    struct feel_tok tok;
    bool peeked;
    bool fresh; /**< an expression begins here: it may begin with < or = */
    unsigned depth;
};

/* ---- names (names.c) ---- */

void feel_names_init(struct kh_arena *a, struct feel_names *set);
struct feel_sym *feel_names_add(struct kh_arena *a, struct feel_names *set, struct kh_str name);
/** By canonical text. */
struct feel_sym *feel_names_find(const struct feel_names *set, struct kh_str canon);
/** Canonical text of a name: tokens, one space between two words. */
struct kh_str feel_name_canon(struct kh_arena *a, struct kh_str name);

struct feel_sym {
    struct kh_str canon, name;
    uint64_t hash;
    struct feel_sym *next;
    struct feel_binding *top; /**< innermost binding, or NULL: an input */
    size_t input;             /**< its number among the inputs, from 1; 0 if it is none */
    int known;                /**< 1 declared, 2 only bound, 0 neither */
};

/* ---- scopes and nodes (compile.c) ---- */

void feel_compiler_init(struct feel_compiler *c, struct kh_arena *a, struct kh_error *err);
/** Declare an input. */
void feel_declare(struct feel_compiler *c, struct kh_str name);

/** Everything bound after a mark is forgotten by feel_scope_close(mark). */
size_t feel_scope_open(struct feel_compiler *c);
void feel_scope_close(struct feel_compiler *c, size_t mark);
uint32_t feel_slot_new(struct feel_compiler *c);
/** Bind a name to a slot of the current frame. */
void feel_bind(struct feel_compiler *c, struct kh_str name, uint32_t slot);
/** Enter a filter: item is bound to the slot. */
void feel_filter_open(struct feel_compiler *c, uint32_t slot);
void feel_filter_close(struct feel_compiler *c);
/** Enter the body of a function. */
void feel_frame_open(struct feel_compiler *c, struct feel_frame *frame);
void feel_frame_close(struct feel_compiler *c);

/** Where scopes stand, to go on after a text that could not be read. */
struct feel_mark {
    size_t bound_n, filters_n;
    unsigned level;
    struct feel_frame *frame;
};
struct feel_mark feel_mark(const struct feel_compiler *c);
void feel_recover(struct feel_compiler *c, const struct feel_mark *mark);

/** @return NULL and a failed compiler if nested too deeply */
struct feel_node *feel_node(struct feel_compiler *c, enum feel_op op, uint32_t at);
/** Remember that n contains kid. */
bool feel_node_holds(struct feel_compiler *c, struct feel_node *n, const struct feel_node *kid);
/** What a name means here. */
const struct feel_node *feel_resolve(struct feel_compiler *c, struct kh_str name, uint32_t at);
/** A finished expression. */
struct kh_feel *feel_finish(struct feel_compiler *c, const struct feel_node *root,
                            enum kh_feel_use use, uint32_t subject);

/** Note the first failure. @return NULL */
void *feel_bad(struct feel_compiler *c, const struct feel_at *at, const char *fmt, ...)
    KH_PRINTF(3, 4);

/* ---- scanning (scan.c) ---- */

/** Start reading a text; line is its first line (1 for a text of its own). */
void feel_scan_text(struct feel_compiler *c, struct kh_str text, unsigned line);
const struct feel_tok *feel_peek(struct feel_compiler *c);
struct feel_tok feel_take(struct feel_compiler *c);
/** Take the token if it is of this kind. */
bool feel_eat(struct feel_compiler *c, enum feel_tok_kind kind);
bool feel_expect(struct feel_compiler *c, enum feel_tok_kind kind, const char *what);
/** Go back to a place. */
void feel_rewind(struct feel_compiler *c, struct feel_at at);
/** Next token is a name after a dot: entries of contexts count, functions do not. */
bool feel_take_member(struct feel_compiler *c, struct kh_str *ret_name, uint32_t *ret_at);
/** A name as written up to one of the stop characters or the word `in`, which stay unread.
 *  @return false if there is none; then nothing was read */
bool feel_take_raw_name(struct feel_compiler *c, const char *stops, bool stop_in,
                        struct kh_str *ret_name);
/** A word, a dot or another symbol of a qualified name of a type. */
bool feel_take_type_word(struct feel_compiler *c, struct kh_str *ret_word);
/** Take this word if it is next. */
bool feel_take_word(struct feel_compiler *c, const char *word);
static inline uint32_t feel_at_of(const struct feel_at *at)
{
    return feel_place(at->line, (unsigned)(at->pos - at->line_start) + 1);
}

/* ---- folding (fold.c) ---- */

/** The same node, or a literal if its value is known already; call is that of an FN_CALL, which may
 *  also gain a compiled pattern. NULL gives NULL. */
const struct feel_node *feel_fold(struct feel_compiler *c, const struct feel_node *n,
                                  struct feel_call *call);

/* ---- parsing (parse.c, parse_more.c) ---- */

/** Parse a whole text as an expression, or as unary tests on the value in slot subject. */
const struct feel_node *feel_parse(struct feel_compiler *c, struct kh_str text, unsigned line);
const struct feel_node *feel_parse_tests(struct feel_compiler *c, struct kh_str text, unsigned line,
                                         uint32_t subject);
const struct feel_node *feel_parse_expr(struct feel_compiler *c);
/** One level of recursion more; the caller takes it back from c->depth. @return false if too deep */
bool feel_deeper(struct feel_compiler *c);
/** An operand of a comparison: no and, or, =, in. */
const struct feel_node *feel_parse_sum(struct feel_compiler *c);
/** One test on the value in slot subject: a whole expression, or (after `in`) an operand. */
struct feel_node *feel_parse_one_test(struct feel_compiler *c, uint32_t subject, bool whole);
/** `a, b, ...` of tests up to the end of the run; ret_dots: `..` follows the only one. */
const struct feel_node *feel_parse_test_run(struct feel_compiler *c, uint32_t subject,
                                            bool *ret_dots);
/** The text of range(): [1..5], (1..5], and with one end only (..5], [5..). */
const struct feel_node *feel_parse_range_literal(struct feel_compiler *c, struct kh_str text);
const struct feel_type *feel_parse_type(struct feel_compiler *c);
const struct feel_node *feel_parse_for(struct feel_compiler *c);
const struct feel_node *feel_parse_function(struct feel_compiler *c);
const struct feel_node *feel_parse_context(struct feel_compiler *c);
const struct feel_node *feel_parse_call(struct feel_compiler *c, const struct feel_node *callee,
                                        int builtin, uint32_t at);
const struct feel_node *feel_parse_range_rest(struct feel_compiler *c, const struct feel_node *lo,
                                              bool lo_in, uint32_t at);

#endif
