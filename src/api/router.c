/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

enum { PARAMS_MAX = 6, SEGMENTS_MAX = 16 };

/* One segment of a path. A parameter may end with literal text: "{id}.json". */
struct node {
    struct kh_str text; /* the literal, or what follows the parameter */
    bool is_param;
    struct node **kids; /* literals first, then parameters with the longest text first */
    size_t kids_n, kids_cap;
    struct kh_leaf *leaf;
};

struct kh_router {
    struct kh_arena *a;
    struct node root;
};

static bool before(const struct node *x, const struct node *y)
{
    if (x->is_param != y->is_param)
        return !x->is_param;
    return x->is_param && x->text.n > y->text.n;
}

static struct node *kid_of(struct kh_router *r, struct node *up, struct kh_str text, bool is_param)
{
    struct node *n;
    size_t i;

    for (i = 0; i < up->kids_n; i++)
        if (up->kids[i]->is_param == is_param && kh_str_eq(up->kids[i]->text, text))
            return up->kids[i];
    n = kh_new(r->a, struct node);
    n->text = text;
    n->is_param = is_param;
    up->kids =
        kh_grow(r->a, up->kids, up->kids_n, up->kids_n + 1, &up->kids_cap, sizeof(*up->kids));
    for (i = up->kids_n++; i > 0 && before(n, up->kids[i - 1]); i--)
        up->kids[i] = up->kids[i - 1];
    up->kids[i] = n;
    return n;
}

static void split_args(struct kh_router *r, struct kh_leaf *leaf, const struct kh_route *route)
{
    struct kh_str rest = kh_cstr(route->args ? route->args : ""), *names;
    size_t n = 0, max = 1;

    for (size_t i = 0; i < rest.n; i++)
        max += rest.p[i] == ',';
    names = kh_new_n(r->a, max, struct kh_str);
    while (rest.n)
        names[n++] = kh_str_trim(kh_str_cut(rest, ',', &rest));
    leaf->args[route->method] = names;
    leaf->args_n[route->method] = n;
}

static void add(struct kh_router *r, const struct kh_route *route)
{
    struct kh_str rest = kh_str_skip(kh_cstr(route->path), 1);
    struct node *n = &r->root;

    KH_REQUIRE(route->path[0] == '/' && route->method < KH_METHODS);
    do {
        struct kh_str segment = kh_str_cut(rest, '/', &rest);
        const char *end = segment.n ? memchr(segment.p, '}', segment.n) : NULL;

        if (segment.n && segment.p[0] == '{' && end)
            n = kid_of(r, n, kh_str_skip(segment, (size_t)(end + 1 - segment.p)), true);
        else
            n = kid_of(r, n, segment, false);
    } while (rest.n);
    if (!n->leaf)
        n->leaf = kh_new(r->a, struct kh_leaf);
    KH_REQUIRE(!n->leaf->routes[route->method]);
    n->leaf->routes[route->method] = route;
    split_args(r, n->leaf, route);
}

/* "GET, HEAD, POST, OPTIONS" for 405 and OPTIONS. */
static void finish(struct kh_router *r, struct node *n)
{
    static const char *const names[KH_METHODS] = {"GET",   "HEAD",   "POST",   "PUT",
                                                  "PATCH", "DELETE", "OPTIONS"};

    if (n->leaf) {
        struct kh_buf b = kh_buf(r->a, 256);

        for (enum kh_method m = 0; m < KH_METHODS; m++) {
            bool has =
                n->leaf->routes[m] || m == KH_OPTIONS || (m == KH_HEAD && n->leaf->routes[KH_GET]);

            if (has)
                kh_buf_strf(&b, "%s%s", b.n ? ", " : "", names[m]);
        }
        n->leaf->allow = kh_str_dup(r->a, kh_buf_get(&b));
    }
    for (size_t i = 0; i < n->kids_n; i++)
        finish(r, n->kids[i]);
}

struct kh_router *kh_router_new(const struct kh_route *const *tables)
{
    struct kh_arena *a = kh_arena_new((size_t)1 << 24);
    struct kh_router *r = kh_new(a, struct kh_router);

    r->a = a;
    for (; *tables; tables++)
        for (const struct kh_route *route = *tables; route->handler; route++)
            add(r, route);
    finish(r, &r->root);
    return r;
}

void kh_router_drop(struct kh_router *r)
{
    if (r)
        kh_arena_drop(r->a);
}

static bool fits(const struct node *n, struct kh_str segment)
{
    if (!n->is_param)
        return kh_str_eq(n->text, segment);
    return segment.n > n->text.n &&
           (n->text.n == 0 || memcmp(segment.p + segment.n - n->text.n, n->text.p, n->text.n) == 0);
}

static const struct kh_leaf *walk(const struct node *n, struct kh_str path, bool more,
                                  unsigned depth, struct kh_str params[PARAMS_MAX], unsigned *used)
{
    const char *slash;
    struct kh_str segment, rest;

    if (!more)
        return n->leaf;
    if (depth == SEGMENTS_MAX)
        return NULL;
    slash = path.n ? memchr(path.p, '/', path.n) : NULL;
    segment = slash ? kh_str(path.p, (size_t)(slash - path.p)) : path;
    rest = slash ? kh_str_skip(path, segment.n + 1) : kh_str(NULL, 0);
    for (size_t i = 0; i < n->kids_n; i++) {
        const struct node *k = n->kids[i];
        const struct kh_leaf *leaf;
        unsigned mark = *used;

        if (!fits(k, segment))
            continue;
        if (k->is_param && *used < PARAMS_MAX)
            params[(*used)++] = kh_str(segment.p, segment.n - k->text.n);
        leaf = walk(k, rest, slash != NULL, depth + 1, params, used);
        if (leaf)
            return leaf;
        *used = mark;
    }
    return NULL;
}

const struct kh_leaf *kh_router_find(const struct kh_router *r, struct kh_str path,
                                     struct kh_str params[6], unsigned *ret_params_n)
{
    *ret_params_n = 0;
    if (path.n == 0 || path.p[0] != '/')
        return NULL;
    return walk(&r->root, kh_str_skip(path, 1), true, 0, params, ret_params_n);
}
