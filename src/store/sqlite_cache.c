/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin layer over SQLite's own page cache, which forgets nothing of it but one needless search.
 *
 * At the end of every transaction SQLite asks its cache to drop the pages beyond the end of the
 * database. The cache remembers the greatest number that it has seen and searches only if that is
 * beyond the end. But when SQLite splits a page it gives one of the new ones, for a moment, the
 * number 2^30 / page size (balance_nonroot in btree.c), which is beyond the end of any smaller
 * database; and so after every split the next commit looks at every page that is cached (8 % of
 * the committer's time with 30 MiB of them). This layer keeps the greatest number without that
 * moment.
 */
#include "store/sqlite_impl.h"

#include <stdlib.h>

static struct sqlite3_pcache_methods2 own; /* set once, before SQLite begins */

struct cache {
    sqlite3_pcache *own;
    unsigned top;  /* no page has a greater number, but for: */
    unsigned away; /* the number that one page has for a moment; 0: none */
};

static struct cache *cache_of(sqlite3_pcache *p)
{
    return (struct cache *)(void *)p;
}

static sqlite3_pcache *c_create(int page, int extra, int purgeable)
{
    struct cache *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->own = own.xCreate(page, extra, purgeable);
    if (!c->own) {
        free(c);
        return NULL;
    }
    return (sqlite3_pcache *)(void *)c;
}

static void c_destroy(sqlite3_pcache *p)
{
    own.xDestroy(cache_of(p)->own);
    free(p);
}

static void c_size(sqlite3_pcache *p, int pages)
{
    own.xCachesize(cache_of(p)->own, pages);
}

static int c_count(sqlite3_pcache *p)
{
    return own.xPagecount(cache_of(p)->own);
}

static sqlite3_pcache_page *c_fetch(sqlite3_pcache *p, unsigned key, int create)
{
    struct cache *c = cache_of(p);

    if (create && key > c->top)
        c->top = key;
    return own.xFetch(c->own, key, create);
}

static void c_unpin(sqlite3_pcache *p, sqlite3_pcache_page *page, int discard)
{
    own.xUnpin(cache_of(p)->own, page, discard);
}

static void c_rekey(sqlite3_pcache *p, sqlite3_pcache_page *page, unsigned from, unsigned to)
{
    struct cache *c = cache_of(p);

    own.xRekey(c->own, page, from, to);
    if (from == c->away)
        c->away = 0;
    if (to <= c->top)
        return;
    if (!c->away)
        c->away = to;
    else
        c->top = to > c->away ? to : c->away;
}

static void c_truncate(sqlite3_pcache *p, unsigned limit)
{
    struct cache *c = cache_of(p);

    if (limit > c->top && limit > c->away)
        return;
    own.xTruncate(c->own, limit);
    if (c->top >= limit)
        c->top = limit ? limit - 1 : 0;
    if (c->away >= limit)
        c->away = 0;
}

static void c_shrink(sqlite3_pcache *p)
{
    own.xShrink(cache_of(p)->own);
}

bool kh_sqlite_cache(void)
{
    static const struct sqlite3_pcache_methods2 methods = {
        .iVersion = 1,
        .xCreate = c_create,
        .xCachesize = c_size,
        .xPagecount = c_count,
        .xFetch = c_fetch,
        .xUnpin = c_unpin,
        .xRekey = c_rekey,
        .xTruncate = c_truncate,
        .xDestroy = c_destroy,
        .xShrink = c_shrink,
    };
    struct sqlite3_pcache_methods2 ours = methods;

    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &own) != SQLITE_OK || own.iVersion < 1)
        return false;
    ours.pArg = own.pArg;
    ours.xInit = own.xInit;
    ours.xShutdown = own.xShutdown;
    return sqlite3_config(SQLITE_CONFIG_PCACHE2, &ours) == SQLITE_OK;
}
