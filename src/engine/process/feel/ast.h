/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feel/ast -- the compact form of an expression: nodes whose names are already places.
 *
 * A variable is a slot of a frame. Frame 0 belongs to the whole expression; each function has its
 * own. A function copies what it uses from outside when it is made (values never change), so frames
 * need not outlive their call. Only names inside a filter stay names: whether `x` means item.x or an
 * outer x depends on the item.
 *
 * Owns   nothing; nodes live in the arena of the compilation and are read-only afterwards.
 * Used   by feel/ and dmn/ (boxed expressions become the same nodes).
 */
#ifndef KH_FEEL_AST_H
#define KH_FEEL_AST_H

#include "engine/process/feel/value.h"

struct feel_regex;
struct feel_type;

enum feel_op {
    FN_LITERAL,      /* value */
    FN_LOCAL,        /* slot */
    FN_VAR,          /* slot, name: an input, fetched at first use */
    FN_DYN,          /* dyn: a name inside a filter */
    FN_PATH,         /* a . name */
    FN_FILTER,       /* a [ b ], item in slot */
    FN_MAKE_LIST,    /* kids */
    FN_MAKE_CONTEXT, /* boxes */
    FN_MAKE_RANGE,   /* a .. b (NULL if absent), lo_in, hi_in */
    FN_ADD,
    FN_SUB,
    FN_MUL,
    FN_DIV,
    FN_POW,
    FN_NEG,
    FN_EQ,
    FN_NE,
    FN_LT,
    FN_LE,
    FN_GT,
    FN_GE,
    FN_AND,
    FN_OR,      /* kids: one run of the same operator */
    FN_BETWEEN, /* a between b and c */
    FN_IN,      /* a in tests (b), subject in slot */
    FN_IF,      /* a b c */
    FN_FOR,
    FN_SOME,
    FN_EVERY,         /* loop */
    FN_INSTANCE,      /* a instance of type */
    FN_MAKE_FUNCTION, /* fun */
    FN_CALL,          /* call */
    FN_TESTS,         /* kids: any must hold for the subject in slot; negate */
    FN_TEST_ANY,      /* "-" */
    FN_TEST_CMP,      /* subject (slot) <op> a; sub is the operator */
    FN_TEST_EXPR,     /* a; sub: it speaks of ? itself */
    FN_COERCE,        /* a made to fit type, else null */
    FN_TABLE,         /* ext: a decision table (dmn/) */
    FN_SCOPE,         /* boxes as locals, result c: a boxed context with a result */
};

struct feel_node;

/** A name inside filters: tried in the items from the innermost filter outwards, then outside. */
struct feel_dyn {
    struct kh_str name;
    const uint32_t *items; /**< slots of the items */
    size_t items_n;
    const struct feel_node *outside;
};

struct feel_box {
    struct kh_str key;
    const struct feel_node *value;
    uint32_t slot; /**< later entries see it here */
};

struct feel_iter {
    uint32_t slot;
    const struct feel_node *from, *to; /**< to NULL: a list or a range value */
};

struct feel_loop {
    const struct feel_iter *iters;
    size_t iters_n;
    uint32_t partial; /**< slot of `partial` (for) */
    const struct feel_node *body;
};

struct feel_param {
    struct kh_str name;
    const struct feel_type *type; /**< NULL: Any */
};

/** A slot of the frame outside that a function copies into its own frame. */
struct feel_capture {
    uint32_t outer, inner;
    struct kh_str input; /**< its name if outer is an input that may not have been fetched yet */
};

/** The code of a function: parameters fill slots 0... */
struct feel_code {
    const struct feel_param *params;
    size_t params_n;
    const struct feel_capture *captures;
    size_t captures_n;
    uint32_t slots;
    int self; /**< capture that is the function itself (recursion), or -1 */
    const struct feel_node *body;
    const struct feel_type *result; /**< NULL: Any */
};

struct feel_call {
    const struct feel_node *callee; /**< NULL: only the built-in */
    int builtin;                    /**< row of the built-in functions, or -1 */
    const struct feel_node *const *args;
    const struct kh_str *names; /**< NULL: positional */
    size_t n;
    const struct feel_regex *regex; /**< of a pattern that is a literal, or NULL */
};

struct feel_node {
    uint8_t op; /**< enum feel_op */
    uint8_t sub;
    uint16_t depth; /**< nesting below, bounded when compiling */
    uint32_t at;    /**< line << 12 | column */
    uint32_t slot;
    uint32_t n;
    union {
        struct kh_feel_value value;
        struct {
            const struct feel_node *a, *b, *c;
        };
        struct {
            const struct feel_node *path_of;
            struct kh_str name;
        };
        struct {
            const struct feel_node *lo, *hi;
            bool lo_in, hi_in;
        };
        struct {
            const struct feel_node *const *kids;
            bool negate;
        };
        struct {
            const struct feel_node *typed;
            const struct feel_type *type;
        };
        struct {
            const struct feel_box *boxes;
            const struct feel_node *result;
        };
        const struct feel_dyn *dyn;
        const struct feel_loop *loop;
        const struct feel_code *fun;
        const struct feel_call *call;
        const void *ext;
    };
};

/** An input of an expression. */
struct feel_var {
    struct kh_str name;
    uint32_t slot;
};

/** A function value. */
enum feel_fn_kind { FEEL_FN_CODE, FEEL_FN_BUILTIN, FEEL_FN_NATIVE };

struct feel_run;

struct feel_fn {
    enum feel_fn_kind kind;
    const struct feel_code *code;
    struct kh_feel_value *captured; /**< of code; filled in once more for recursion, then fixed */
    int builtin;
    /** NATIVE: a decision service. Arguments are already in the order of params. */
    bool (*native)(struct feel_run *r, const void *ctx, const struct kh_feel_value *args,
                   struct kh_feel_value *ret);
    const void *ctx;
    const struct feel_param *params;
    size_t params_n;
    const struct feel_type *result;
    struct kh_str name;
};

/** A compiled text. */
struct kh_feel {
    const struct feel_node *root;
    enum kh_feel_use use;
    uint32_t slots;
    uint32_t subject; /**< slot of ?, of unary tests */
    const struct feel_var *vars;
    size_t vars_n;
    const struct kh_str *reads;
};

/** Deepest nesting of one expression; deeper is a syntax error. */
enum { FEEL_DEPTH_MAX = 400 };

static inline uint32_t feel_place(unsigned line, unsigned column)
{
    return (line > 0xFFFFF ? 0xFFFFF : line) << 12 | (column > 0xFFF ? 0xFFF : column);
}

static inline unsigned feel_line(uint32_t at)
{
    return at >> 12;
}

static inline unsigned feel_column(uint32_t at)
{
    return at & 0xFFF;
}

#endif
