/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include "api/router.h"
#include "engine/registry/schema/schema.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char lamp_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"x-kh\":{"
    "\"label\":{\"vi\":\"Đèn\",\"en\":\"Lamp\"}},\"required\":[\"code\"],\"additionalProperties\":"
    "false,\"properties\":{\"code\":{\"type\":\"string\",\"x-kh\":{\"unique\":true}},\"watts\":{"
    "\"type\":\"integer\",\"x-kh\":{\"index\":true}},\"note\":{\"$ref\":\"#/$defs/text\"}},"
    "\"$defs\":{\"text\":{\"type\":\"string\"}}}";

static struct kh_json *describe(struct kh_arena *a)
{
    struct kh_json_limits limits = {.bytes = 32 << 20, .values = 5000000};
    struct kh_buf b = kh_buf(a, 32 << 20);
    struct kh_openapi_type lamp = {KH_S("lamp"), NULL};
    struct kh_error err = {0};
    struct kh_json *v = NULL;

    assert_true(kh_json_parse(a, kh_cstr(lamp_schema), NULL, &v, &err));
    lamp.schema = v;
    kh_openapi_write(a, kh_route_tables, &lamp, 1, &b);
    if (!kh_json_parse(a, kh_buf_get(&b), &limits, &v, &err))
        fail_msg("%s", err.detail);
    return v;
}

static void names_shapes_that_exist(void **state)
{
    (void)state;
    for (size_t i = 0; kh_route_tables[i]; i++)
        for (const struct kh_route *r = kh_route_tables[i]; r->handler; r++) {
            if (r->request && !kh_openapi_shape(kh_cstr(r->request)).p)
                fail_msg("%s takes %s: write it in openapi_shapes.c", r->name, r->request);
            if (r->response && !kh_openapi_shape(kh_cstr(r->response)).p)
                fail_msg("%s gives %s: write it in openapi_shapes.c", r->name, r->response);
        }
}

static void describes_every_route(void **state)
{
    static const char *const words[KH_METHODS] = {"get",   "head",   "post",   "put",
                                                  "patch", "delete", "options"};
    kh_auto_arena a = kh_arena_new(1 << 28);
    const struct kh_json *paths = kh_json_get(describe(a), "paths");

    (void)state;
    for (size_t i = 0; kh_route_tables[i]; i++)
        for (const struct kh_route *r = kh_route_tables[i]; r->handler; r++) {
            const struct kh_json *op;
            struct kh_str path = kh_cstr(r->path);

            if (r->method == KH_HEAD || r->method == KH_OPTIONS)
                continue;
            if (kh_str_starts(path, KH_S("/api/v1/records/{type}")))
                path = kh_strf(a, "/api/v1/records/lamp%s", r->path + 22);
            op = kh_json_get(kh_json_find(paths, path), words[r->method]);
            if (!op)
                fail_msg("no %s %.*s", words[r->method], KH_FMT(path));
            assert_true(kh_json_str(op, "summary", KH_S("")).n > 0);
        }
}

static void operation_ids_are_unique(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    const struct kh_json *paths = kh_json_get(describe(a), "paths");
    struct kh_json *ids = kh_json_new(a, KH_JSON_OBJECT);

    (void)state;
    for (uint32_t i = 0; i < paths->n; i++)
        for (uint32_t k = 0; k < paths->members[i].value.n; k++) {
            const struct kh_json *op = &paths->members[i].value.members[k].value;
            struct kh_str id = kh_json_str(op, "operationId", KH_S(""));

            assert_true(id.n > 0);
            if (kh_json_find(ids, id))
                fail_msg("%.*s twice", KH_FMT(id));
            kh_json_set(a, ids, id, op);
        }
    assert_true(ids->n > 20);
}

static void every_reference_leads_somewhere(struct kh_arena *a, const struct kh_json *doc,
                                            const struct kh_json *v, int *count)
{
    const struct kh_json *ref = kh_json_get(v, "$ref");

    if (kh_json_is(ref, KH_JSON_STRING)) {
        (*count)++;
        if (ref->s.p[0] != '#' || !kh_json_at(doc, kh_str_skip(ref->s, 1)))
            fail_msg("%.*s", KH_FMT(ref->s));
    }
    for (uint32_t i = 0; v->type == KH_JSON_ARRAY && i < v->n; i++)
        every_reference_leads_somewhere(a, doc, &v->items[i], count);
    for (uint32_t i = 0; v->type == KH_JSON_OBJECT && i < v->n; i++)
        every_reference_leads_somewhere(a, doc, &v->members[i].value, count);
}

static void references_lead_somewhere(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    const struct kh_json *doc = describe(a);
    int count = 0;

    (void)state;
    every_reference_leads_somewhere(a, doc, doc, &count);
    assert_true(count > 100);
}

static void path_parameters_are_declared(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    const struct kh_json *paths = kh_json_get(describe(a), "paths");
    int found = 0;

    (void)state;
    for (uint32_t i = 0; i < paths->n; i++)
        for (uint32_t k = 0; k < paths->members[i].value.n; k++) {
            const struct kh_json *list =
                kh_json_get(&paths->members[i].value.members[k].value, "parameters");
            size_t want = 0, have = 0;

            for (size_t c = 0; c < paths->members[i].key.n; c++)
                want += paths->members[i].key.p[c] == '{';
            for (uint32_t p = 0; p < list->n; p++)
                if (kh_str_is(kh_json_str(&list->items[p], "in", KH_S("")), "path")) {
                    struct kh_str name = kh_json_str(&list->items[p], "name", KH_S(""));

                    have++;
                    name = kh_strf(a, "{%.*s}", KH_FMT(name));
                    assert_non_null(
                        memmem(paths->members[i].key.p, paths->members[i].key.n, name.p, name.n));
                }
            assert_int_equal(have, want);
            found += (int)want;
        }
    assert_true(found > 5);
}

static void schemas_of_types_work_where_they_stand(void **state)
{
    static const struct {
        const char *schema, *value;
        bool valid;
    } rows[] = {
        {"lamp", "{\"code\":\"a\",\"watts\":5,\"note\":\"x\"}", true},
        {"lamp", "{\"watts\":5}", false},
        {"lamp", "{\"code\":\"a\",\"note\":5}", false},
        {"lamp", "{\"code\":\"a\",\"id\":\"x\"}", false},
        {"lamp.record",
         "{\"id\":\"x\",\"meta\":{\"type\":\"lamp\",\"revision\":1,\"valid_from\":\"2026-01-01T00:00:00Z\"}}",
         true},
        {"lamp.record", "{\"note\":5}", false},
        {"lamp.list", "{\"items\":[{\"id\":\"x\",\"code\":\"a\"}]}", true},
        {"lamp.list", "{\"items\":[{\"id\":7}]}", false},
        {"Problem", "{\"type\":\"about:blank\",\"title\":\"x\",\"status\":422,\"code\":\"X\"}",
         true},
    };
    kh_auto_arena a = kh_arena_new(1 << 28);
    struct kh_json *doc = describe(a), *v = NULL;

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        struct kh_error err = {0};
        struct kh_schema *s = NULL;

        kh_json_set(a, doc, KH_S("$ref"),
                    kh_json_new_str(a, kh_strf(a, "#/components/schemas/%s", rows[i].schema)));
        if (!kh_schema_compile(a, doc, NULL, &s, &err))
            fail_msg("%s: %s", rows[i].schema, err.detail);
        assert_true(kh_json_parse(a, kh_cstr(rows[i].value), NULL, &v, &err));
        if (kh_schema_check(s, a, v, KH_S(""), NULL) != rows[i].valid)
            fail_msg("%s: %s", rows[i].schema, rows[i].value);
        kh_schema_drop(s);
    }
}

static void every_shape_is_a_schema(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    const struct kh_json *schemas = kh_json_at(describe(a), KH_S("/components/schemas"));
    struct kh_json *all = kh_json_new(a, KH_JSON_OBJECT), *parts = kh_json_new(a, KH_JSON_OBJECT);
    struct kh_error err = {0};
    struct kh_schema *s = NULL;

    (void)state;
    assert_true(schemas->n > 30);
    /* As $defs they are all compiled, also where nothing refers to them. */
    kh_json_set(a, parts, KH_S("schemas"), schemas);
    kh_json_set(a, all, KH_S("components"), parts);
    kh_json_set(a, all, KH_S("$defs"), schemas);
    if (!kh_schema_compile(a, all, NULL, &s, &err))
        fail_msg("%s", err.detail);
    kh_schema_drop(s);
}

static void filters_follow_the_indexes_of_a_type(void **state)
{
    kh_auto_arena a = kh_arena_new(1 << 28);
    const struct kh_json *list =
        kh_json_at(describe(a), KH_S("/paths/~1api~1v1~1records~1lamp/get/parameters"));
    static const char *const names[] = {"code", "code.in", "watts", "watts.lt", "watts.gte"};
    static const char *const none[] = {"note", "code.lt", "type"};

    (void)state;
    assert_non_null(list);
    for (size_t i = 0; i < KH_LEN(names) + KH_LEN(none); i++) {
        bool want = i < KH_LEN(names), have = false;
        const char *name = want ? names[i] : none[i - KH_LEN(names)];

        for (uint32_t k = 0; k < list->n; k++)
            have |= kh_str_is(kh_json_str(&list->items[k], "name", KH_S("")), name);
        if (have != want)
            fail_msg("%s", name);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_shapes_that_exist),
        cmocka_unit_test(describes_every_route),
        cmocka_unit_test(operation_ids_are_unique),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(path_parameters_are_declared),
        cmocka_unit_test(schemas_of_types_work_where_they_stand),
        cmocka_unit_test(every_shape_is_a_schema),
        cmocka_unit_test(filters_follow_the_indexes_of_a_type),
    };

    if (argc == 2 && strcmp(argv[1], "--print") == 0) { /* for a linter */
        kh_auto_arena a = kh_arena_new(1 << 28);
        struct kh_str text = kh_json_text(a, describe(a));

        return fwrite(text.p, 1, text.n, stdout) == text.n ? 0 : 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
