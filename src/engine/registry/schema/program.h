/* SPDX-License-Identifier: Apache-2.0 */
/**
 * registry/schema/program -- what a schema is compiled to, shared by the files of this folder.
 *
 * A schema becomes a graph of nodes, one per subschema that can be reached. The rules of a node
 * stand in groups by the type that they speak about, so that a value meets only its own.
 *
 * Owns   struct kh_schema and everything in its arena.
 * Used   inside registry/schema only.
 */
#ifndef KH_REGISTRY_SCHEMA_PROGRAM_H
#define KH_REGISTRY_SCHEMA_PROGRAM_H

#include "base/json_num.h"
#include "engine/registry/schema/format.h"
#include "engine/registry/schema/regex.h"
#include "engine/registry/schema/schema.h"

/** Vocabularies of a dialect. */
enum {
    VOCAB_APPLICATOR = 1,
    VOCAB_UNEVALUATED = 2,
    VOCAB_VALIDATION = 4,
    VOCAB_FORMAT = 8,
    VOCAB_ALL = 15,
};

/** Bits of kh_json_type, and one for numbers without fraction. */
enum {
    TYPE_INTEGER = 1 << 7,
    TYPES_ALL = (1 << (KH_JSON_OBJECT + 1)) - 1,
};

struct node;

/** A schema resource: a (sub)schema with a URI of its own. */
struct resource {
    struct kh_str uri; /**< absolute if the document has a base, no fragment */
    const struct kh_json *root;
    struct kh_str where; /**< pointer of the root in its document */
    unsigned vocab;
    bool foreign;             /**< of another document than the one compiled */
    struct anchor *anchors;   /**< all of them */
    struct dynamic *dynamics; /**< compiled $dynamicAnchors */
    bool entered;             /**< a node of it has been made */
    struct resource *next;
};

struct anchor {
    struct kh_str name;
    const struct kh_json *at;
    struct kh_str where;
    bool dynamic;
    struct anchor *next;
};

struct dynamic {
    struct kh_str name;
    const struct node *node;
    struct dynamic *next;
};

/** A pattern and the nodes or nothing behind it. */
struct pattern {
    struct kh_regex *regex;
    struct kh_str text;
    const struct node *node;
};

struct number_rules {
    bool has_max, has_min, has_over, has_under, has_multiple;
    struct kh_num max, min, over, under, multiple; /* over: exclusiveMinimum */
    struct kh_str max_text, min_text, over_text, under_text, multiple_text;
};

struct string_rules {
    uint64_t min, max; /**< code points; max UINT64_MAX for none */
    const struct pattern *pattern;
    const struct kh_format *format;
};

struct array_rules {
    uint64_t min, max;
    bool unique;
    const struct node **prefix;
    uint32_t prefix_n;
    const struct node *rest; /**< items */
    const struct node *contains;
    uint64_t contains_min, contains_max;
};

/** A declared or required name. */
struct property {
    struct kh_str name;
    uint64_t hash;
    const struct node *node; /**< NULL if it is only required */
    int32_t required;        /**< its bit, or -1 */
};

struct dependency {
    struct kh_str name;
    const struct node *node;       /**< dependentSchemas, or NULL */
    const struct kh_str *required; /**< dependentRequired */
    uint32_t required_n;
};

struct object_rules {
    uint64_t min, max;
    struct property *table; /**< open addressing, mask + 1 places, name.p NULL where empty */
    uint32_t mask;
    uint32_t required_n;
    const struct kh_str *required;
    const struct pattern *patterns;
    uint32_t patterns_n;
    const struct node *additional;
    const struct node *names;
    const struct dependency *dependencies;
    uint32_t dependencies_n;
};

/** Values of a long enum by hash. */
struct choices {
    const struct kh_json *list; /**< the array as it stands */
    const struct kh_json **table;
    uint32_t mask; /**< 0: short, look through the list */
};

/** $dynamicRef */
struct dynamic_ref {
    const struct node *fixed; /**< where it leads if nothing in the dynamic scope has the name */
    struct kh_str name;       /**< p NULL: it is as $ref */
};

struct list {
    const struct node **at;
    uint32_t n;
};

/** In-place applicators, constants. */
struct logic {
    const struct node *ref;
    struct dynamic_ref dynamic;
    struct list all, any, one;
    const struct node *no, *cond, *then, *otherwise;
    const struct kh_json *same; /**< const */
    struct choices choices;     /**< enum */
};

enum verdict { VERDICT_TEST, VERDICT_ALWAYS, VERDICT_NEVER };

struct node {
    enum verdict verdict;
    unsigned types; /**< allowed ones; TYPES_ALL for no rule */
    const struct number_rules *number;
    const struct string_rules *string;
    const struct array_rules *array;
    const struct object_rules *object;
    const struct logic *logic;
    const struct node *rest_items; /**< unevaluatedItems */
    const struct node *rest_members;
    struct resource *resource;
    /* for the compiler */
    const struct kh_json *source;
    struct kh_str where;
    struct node *next, *later; /**< all of them; the queue */
    enum { MARK_NEW, MARK_OPEN, MARK_DONE } mark;
};

struct kh_schema {
    struct kh_arena *a;
    const struct node *root;
    bool dynamic; /**< has a $dynamicRef that needs the scope */
    struct kh_regex **regexes;
    size_t regexes_n, regexes_cap;
    uint64_t seed;
};

/** Hash of a value that is equal for what kh_json_eq calls equal. */
uint64_t kh_schema_hash(const struct kh_json *v, uint64_t seed);

/* A name's place: cheap, since a table is fixed and its probes are bounded by its size. */
static inline uint64_t name_hash(struct kh_str s)
{
    uint64_t head = 0, tail = 0;

    if (s.n >= 8) {
        memcpy(&head, s.p, 8);
        memcpy(&tail, s.p + s.n - 8, 8);
    } else if (s.n) {
        memcpy(&head, s.p, s.n);
    }
    head = (head ^ s.n * 0x9e3779b97f4a7c15U) * 0xff51afd7ed558ccdU;
    head = (head ^ head >> 29 ^ tail) * 0xc4ceb9fe1a85ec53U;
    return head ^ head >> 32;
}

/** Embedded meta-schema by URI; p NULL if it is none. */
struct kh_str kh_schema_meta(struct kh_str uri);

/* ---- compiler: documents.c, compile.c, rules.c and cycles.c ---- */

struct compiler {
    struct kh_schema *s;
    struct kh_arena *a; /**< of s */
    struct kh_arena *scratch;
    const struct kh_schema_options *o;
    struct kh_issues issues;
    struct resource *resources;
    struct node *queue, *queue_last; /**< made, not yet filled */
    struct node *all, *all_last;     /**< from the root on */
    struct node *always, *never;
    struct place *places; /**< node by its place in a tree */
    size_t places_n, places_cap;
    unsigned documents, resources_n;
    size_t nodes;
    bool failed;
};

struct place {
    const struct kh_json *key;
    struct node *node;
};

/** Record that the schema is unusable at where; returns false. */
bool kh_schema_bad(struct compiler *c, const struct resource *r, struct kh_str where,
                   const char *vi, const char *en, struct kh_str arg);

/** Add one resource. NULL (and an issue) if its dialect is unknown. */
struct resource *kh_schema_add(struct compiler *c, const struct kh_json *root, struct kh_str uri,
                               bool foreign, struct kh_str where);

/** Add a whole document that was found under uri; its own $id may give it another name. */
struct resource *kh_schema_document(struct compiler *c, const struct kh_json *v, struct kh_str uri,
                                    bool foreign);

/** Register what stands below v, which is not the place of a schema by itself. */
void kh_schema_walk(struct compiler *c, const struct kh_json *v, struct resource *r,
                    struct kh_str where);

/** Where a $ref leads. */
struct target {
    const struct kh_json *at;
    struct resource *resource;
    struct kh_str where;
    const struct anchor *anchor; /**< if it was named by one */
};
bool kh_schema_find(struct compiler *c, const struct resource *base, struct kh_str ref,
                    struct kh_str where, struct target *ret);

/** What stands under a keyword: nothing to be looked at, a schema, a list or a map of them. */
enum place_kind { PLACE_OTHER, PLACE_SCHEMA, PLACE_LIST, PLACE_MAP };
enum place_kind kh_schema_place(struct kh_str keyword);

/** Resource whose root is v; NULL if v is none. */
struct resource *kh_schema_rooted(const struct compiler *c, const struct kh_json *v);

/** "/allOf" + "/0": pointer of a member or element */
struct kh_str kh_schema_below(struct kh_arena *a, struct kh_str where, struct kh_str key);
struct kh_str kh_schema_below_n(struct kh_arena *a, struct kh_str where, size_t i);

/** The node of the schema v, which is made when it is first asked for and filled later. */
const struct node *kh_schema_node(struct compiler *c, const struct kh_json *v, struct resource *r,
                                  struct kh_str where);
/** Compile the keywords of a node. */
void kh_schema_fill(struct compiler *c, struct node *n);
/** Refuse a schema that comes back to itself at the same value: it would never end. */
void kh_schema_cycles(struct compiler *c);

#endif
