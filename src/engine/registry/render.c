/* SPDX-License-Identifier: Apache-2.0 */
/* The outside form of a record. What is stored is copied between the pieces of the envelope; only
 * when something must be hidden is the text taken apart. */
#include "engine/registry/registry_int.h"

#include "base/id.h"
#include "base/time.h"

static void put_time(struct kh_buf *b, const char *key, int64_t us)
{
    char text[40];

    kh_buf_z(b, key);
    if (us == KH_FOREVER) {
        kh_buf_z(b, "null");
        return;
    }
    kh_buf_c(b, '"');
    kh_buf_add(b, text, kh_time_put(text, us));
    kh_buf_c(b, '"');
}

static void put_envelope(struct kh_buf *b, const struct kh_record *r)
{
    char id[KH_ID_CHARS];

    kh_id_put(id, r->id);
    kh_buf_z(b, "{\"id\":\"");
    kh_buf_add(b, id, sizeof(id));
    kh_buf_z(b, "\",\"meta\":{\"type\":\"");
    kh_buf_str(b, r->type->name);
    kh_buf_z(b, "\",\"revision\":");
    kh_buf_int(b, r->revision);
    put_time(b, ",\"valid_from\":", r->valid_from_us);
    put_time(b, ",\"valid_to\":", r->valid_to_us);
    put_time(b, ",\"recorded_at\":", r->recorded_us);
    kh_buf_z(b, ",\"masked\":[");
}

static enum kh_level_of level_of(const struct kh_type *t, struct kh_str name)
{
    int f = kh_type_field(t, name);

    /* A field of an older schema: whatever the type as a whole is, and never public. */
    if (f < 0)
        return t->max_level > KH_SEE_INTERNAL ? t->max_level : KH_SEE_INTERNAL;
    return t->fields[f].level;
}

/* ---- masking ---- */

/* Where a string that begins at p[i] (a quote) ends; stored text is known to be JSON. */
static size_t string_end(struct kh_str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++)
        i += s.p[i] == '\\';
    return i + 1;
}

static size_t value_end(struct kh_str s, size_t i)
{
    size_t depth = 0;

    while (i < s.n) {
        char c = s.p[i];

        if (c == '"') {
            i = string_end(s, i);
            if (depth == 0)
                return i;
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']') {
            if (depth == 0)
                return i; /* the end of the record, after a number or word */
            if (--depth == 0)
                return i + 1;
        } else if (c == ',' && depth == 0) {
            return i;
        }
        i++;
    }
    return s.n;
}

struct member {
    struct kh_str key; /* between the quotes */
    struct kh_str text; /* "key":value */
};

/* The next member of an object that is written without blanks, as the store holds it. */
static bool next_member(struct kh_str s, size_t *at, struct member *ret)
{
    size_t from = *at + 1, key, end;

    if (from >= s.n || s.p[from] != '"')
        return false;
    key = string_end(s, from);
    end = value_end(s, key + 1);
    ret->key = kh_str(s.p + from + 1, key - from - 2);
    ret->text = kh_str(s.p + from, end - from);
    *at = end;
    return true;
}

/* The text is walked once for what is hidden and once for what is shown; nothing is parsed. A name with
 * an escape in it belongs to no field and is treated as one of an older schema. */
static void put_masked(const struct kh_record *r, enum kh_level_of see, struct kh_buf *out)
{
    bool first = true;
    struct member m;

    for (size_t at = 0; next_member(r->data, &at, &m);)
        if (level_of(r->type, m.key) > see) {
            kh_buf_z(out, first ? "\"" : ",\"");
            kh_buf_str(out, m.key);
            kh_buf_c(out, '"');
            first = false;
        }
    kh_buf_z(out, "]}");
    for (size_t at = 0; next_member(r->data, &at, &m);)
        if (level_of(r->type, m.key) <= see) {
            kh_buf_c(out, ',');
            kh_buf_str(out, m.text);
        }
    kh_buf_c(out, '}');
}

void kh_record_render_at(const struct kh_record *r, enum kh_level_of see, struct kh_buf *out)
{
    put_envelope(out, r);
    if (see < r->type->max_level) {
        put_masked(r, see, out);
        return;
    }
    kh_buf_z(out, "]}");
    if (r->data.n > 2) {
        kh_buf_c(out, ',');
        kh_buf_str(out, kh_str_skip(r->data, 1));
    } else {
        kh_buf_c(out, '}');
    }
}

enum kh_level_of kh_record_see(struct kh_arena *a, const struct kh_record *r,
                               const struct kh_who *who, enum kh_op op)
{
    if (who->kind == KH_WHO_SYSTEM || r->type->max_level == KH_SEE_PUBLIC)
        return KH_SEE_SENSITIVE;
    return kh_access_see(r->type, who, op, kh_record_cols(a, r));
}

void kh_record_render(struct kh_arena *a, const struct kh_registry *reg, const struct kh_record *r,
                      const struct kh_who *who, struct kh_buf *out)
{
    (void)reg;
    kh_record_render_at(r, kh_record_see(a, r, who, KH_OP_READ), out);
}

/* At most n bytes of a text, not cutting a character. */
static struct kh_str head_of(struct kh_str s, size_t n)
{
    if (s.n <= n)
        return s;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return kh_str(s.p, n);
}

struct kh_str kh_record_title(struct kh_arena *a, const struct kh_record *r)
{
    struct kh_record copy = *r;
    const struct kh_json *fields;
    struct kh_error err = {0};
    struct kh_buf b = kh_buf(a, 400);

    if (!kh_record_fields(a, &copy, &fields, &err))
        return kh_id_text(a, r->id);
    for (size_t i = 0; i < r->type->titles_n; i++) {
        const struct kh_json *v =
            kh_json_find(fields, r->type->fields[r->type->titles[i]].name);

        if (!v || (v->type != KH_JSON_STRING && v->type != KH_JSON_NUMBER) || v->s.n == 0)
            continue;
        if (b.n)
            kh_buf_z(&b, " · ");
        kh_buf_str(&b, head_of(v->s, 120));
    }
    return b.n ? kh_buf_get(&b) : kh_id_text(a, r->id);
}
