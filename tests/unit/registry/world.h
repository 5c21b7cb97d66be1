/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/registry/world -- a store, a registry and people, for the tests of the registry.
 *
 * Each helper does one thing in a transaction of its own and keeps the error in w->err.
 */
#ifndef KH_TESTS_REGISTRY_WORLD_H
#define KH_TESTS_REGISTRY_WORLD_H

#include "base/time.h"
#include "engine/registry/registry.h"
#include "store_fixture.h"

/* cmocka.h wants these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define T0 ((int64_t)1789000000 * KH_US_S) /* 2026-09-10T00:26:40Z */

struct world {
    struct store_fixture f;
    struct kh_registry *reg;
    struct kh_arena *a;
    struct kh_error err;
    struct kh_who system, citizen, other, officer, dispatcher;
};

int world_setup(void **state);
int world_teardown(void **state);
/** Close the registry and the store and open both again. */
void world_reopen(struct world *w);

/** Parse JSON; ' stands for " so that tests can be read. Fails the test if it is not JSON. */
const struct kh_json *J(struct world *w, const char *text);
struct kh_str text_of(const struct kh_record *r);
bool has(struct kh_str text, const char *part);

bool put_type(struct world *w, const char *name, const char *schema);
const struct kh_type *type_named(struct world *w, const char *name);

/** NULL who is the system. */
bool create(struct world *w, const char *type, const struct kh_who *who, const char *fields,
            struct kh_record *ret);
/** Several at once, in one transaction, a second apart; ids as they were made. */
bool create_all(struct world *w, const char *type, const char *const *fields, size_t n,
                int64_t *ret_ids);
bool change(struct world *w, const char *type, const struct kh_who *who, int64_t id,
            const char *fields, struct kh_record *ret);
bool change_as(struct world *w, const char *type, int64_t id, const char *fields, bool merge,
               const struct kh_write *how, struct kh_record *ret);
bool correct(struct world *w, const char *type, int64_t id, const char *fields, const char *reason,
             int64_t from, struct kh_record *ret);
bool close_record(struct world *w, const char *type, const struct kh_who *who, int64_t id,
                  int64_t from, struct kh_record *ret);
enum kh_hit get(struct world *w, const char *type, int64_t id, int64_t valid, int64_t at,
                struct kh_record *ret);
enum kh_hit open_as(struct world *w, const char *type, int64_t id, const struct kh_who *who,
                    enum kh_op op, struct kh_record *ret);
bool list(struct world *w, const char *type, const struct kh_list *q, struct kh_page *ret);
struct kh_str render(struct world *w, const struct kh_record *r, const struct kh_who *who);

/** The code and pointer of the first issue of w->err. */
struct kh_str issue_code(struct world *w);
struct kh_str issue_at(struct world *w);

#endif
