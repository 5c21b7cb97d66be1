/* SPDX-License-Identifier: Apache-2.0 */
/* The loaded types: labels, schemas, and what the caller may do with each. */
#include "api/record_int.h"
#include "api/routes.h"

enum { PAGE_MAX = 16 << 20 };

static void put_may(struct kh_jw *w, const struct kh_type *t, const struct kh_who *who)
{
    static const struct {
        const char *name;
        enum kh_op op;
    } ops[] = {{"read", KH_OP_READ},     {"list", KH_OP_LIST},     {"create", KH_OP_CREATE},
               {"update", KH_OP_UPDATE}, {"close", KH_OP_CLOSE},   {"import", KH_OP_IMPORT},
               {"export", KH_OP_EXPORT}, {"history", KH_OP_HISTORY}, {"find", KH_OP_FIND}};

    kh_jw_key(w, "may");
    kh_jw_arr(w);
    for (size_t i = 0; i < KH_LEN(ops); i++)
        if (kh_type_may(t, who, ops[i].op))
            kh_jw_z(w, ops[i].name);
    kh_jw_end(w);
}

static void put_type(struct kh_call *c, struct kh_jw *w, const struct kh_type *t, bool schema)
{
    const struct kh_json *kh = kh_json_get(kh_type_schema(t), "x-kh");
    static const char *const copied[] = {"label", "label_plural", "title", "key",  "owner", "unit",
                                         "state", "geo",          "icon",  "group", "about"};

    kh_jw_obj(w);
    kh_jw_kstr(w, "type", kh_type_name(t));
    kh_jw_kint(w, "version", kh_type_version(t));
    for (size_t i = 0; i < KH_LEN(copied); i++)
        if (kh_json_get(kh, copied[i])) {
            kh_jw_key(w, copied[i]);
            kh_jw_json(w, kh_json_get(kh, copied[i]));
        }
    if (kh_type_process(t).n)
        kh_jw_kstr(w, "process", kh_type_process(t));
    put_may(w, t, c->who);
    if (schema) {
        kh_jw_key(w, "schema");
        kh_jw_json(w, kh_type_describe(t, c->a, c->who));
    }
    kh_jw_end(w);
}

/* A type on which one may do nothing is not shown. */
static bool shown(const struct kh_type *t, const struct kh_who *who)
{
    for (int op = 0; op < KH_OPS; op++)
        if (kh_type_may(t, who, (enum kh_op)op))
            return true;
    return false;
}

static enum kh_next api_type_list(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, PAGE_MAX);
    struct kh_jw w = kh_jw(&b);
    const struct kh_type *t;

    kh_jw_obj(&w);
    kh_jw_key(&w, "items");
    kh_jw_arr(&w);
    for (size_t i = 0; (t = kh_type_at(c->city->registry, i)); i++)
        if (shown(t, c->who))
            put_type(c, &w, t, false);
    kh_jw_end(&w);
    kh_jw_end(&w);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

static enum kh_next api_type_read(struct kh_call *c)
{
    struct kh_buf b = kh_buf(c->a, PAGE_MAX);
    struct kh_jw w = kh_jw(&b);
    const struct kh_type *t;

    if (!kh_call_type(c, &t, &c->err))
        return kh_reply_error(c, &c->err);
    if (!shown(t, c->who)) {
        kh_fail(&c->err, KH_EC_TYPE_UNKNOWN, "there is no such type");
        return kh_reply_error(c, &c->err);
    }
    put_type(c, &w, t, true);
    return kh_reply_json(c, 200, kh_buf_get(&b));
}

const struct kh_route kh_routes_type[] = {
    {.method = KH_GET,
     .path = "/api/v1/types",
     .name = "type_list",
     .handler = api_type_list,
     .flags = KH_R_PUBLIC,
     .vi = "Các loại bản ghi đã nạp và việc bạn được làm với chúng",
     .en = "The loaded record types and what you may do with them"},
    {.method = KH_GET,
     .path = "/api/v1/types/{type}",
     .name = "type_read",
     .handler = api_type_read,
     .flags = KH_R_PUBLIC,
     .vi = "Lược đồ và nhãn của một loại bản ghi",
     .en = "Schema and labels of a record type"},
    {.handler = NULL},
};
