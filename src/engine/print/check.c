/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with a definition of a paper. */
#include "engine/print/print_int.h"
#include "engine/process/feel/feel.h"

enum { BLOCKS_MAX = 500, COLUMNS_MAX = 12, TEXT_BYTES = 4000 };

struct checker {
    struct kh_arena *a;
    struct kh_issues *issues;
    int blocks;
};

static void complain(struct checker *c, struct kh_str at, const char *code, const char *vi,
                     const char *en)
{
    kh_issue_add(c->issues, c->a, at, code, kh_cstr(vi), kh_cstr(en));
}

static struct kh_str below(struct checker *c, struct kh_str at, const char *name)
{
    return kh_strf(c->a, "%.*s/%s", KH_FMT(at), name);
}

static struct kh_str item(struct checker *c, struct kh_str at, uint32_t i)
{
    return kh_strf(c->a, "%.*s/%u", KH_FMT(at), i);
}

/* Only these members, all of a type: 's' text, 'n' number, 'b' boolean, 'f' FEEL, 'x' looked at
 * elsewhere; words as "text:s size:n". */
static void members(struct checker *c, const struct kh_json *v, struct kh_str at, const char *words)
{
    for (uint32_t i = 0; i < v->n; i++) {
        const struct kh_json_member *m = &v->members[i];
        struct kh_str word = kh_strf(c->a, "%.*s:", KH_FMT(m->key));
        const char *found = strstr(words, word.p);
        struct kh_str here = kh_strf(c->a, "%.*s/%.*s", KH_FMT(at), KH_FMT(m->key));
        const struct kh_feel *feel;
        struct kh_error err = {0};

        if (!found || (found > words && found[-1] != ' ')) {
            complain(c, here, "unknown", "Không có thuộc tính này.", "There is no such member.");
            continue;
        }
        switch (found[word.n]) {
        case 's':
            if (m->value.type != KH_JSON_STRING || m->value.s.n > TEXT_BYTES)
                complain(c, here, "type", "Cần một chuỗi không quá 4000 byte.",
                         "A text of at most 4000 bytes is needed.");
            break;
        case 'n':
            if (m->value.type != KH_JSON_NUMBER || kh_json_num(v, kh_str_z(c->a, m->key), -1) < 0 ||
                kh_json_num(v, kh_str_z(c->a, m->key), -1) > 2000)
                complain(c, here, "type", "Cần một số từ 0 đến 2000.",
                         "A number from 0 to 2000 is needed.");
            break;
        case 'b':
            if (m->value.type != KH_JSON_TRUE && m->value.type != KH_JSON_FALSE)
                complain(c, here, "type", "Cần true hoặc false.", "true or false is needed.");
            break;
        case 'f':
            if (m->value.type != KH_JSON_STRING ||
                !kh_feel_compile(c->a, m->value.s, KH_FEEL_EXPRESSION, NULL, 0, &feel, &err))
                kh_issue_add(c->issues, c->a, here, "feel",
                             kh_strf(c->a, "Biểu thức FEEL sai: %s", err.detail),
                             kh_strf(c->a, "The FEEL expression is wrong: %s", err.detail));
            break;
        default:
            break;
        }
    }
}

static void check_text(struct checker *c, struct kh_str text, struct kh_str at)
{
    struct kh_str before, path, format;

    while (kh_fill_place(&text, &before, &path, &format)) {
        if (!path.n)
            complain(c, at, "place", "Chỗ trống {} không nêu tên.", "A place {} names nothing.");
        if (!kh_fill_format_known(format))
            complain(c, at, "format",
                     "Định dạng là date, date_long, when, money, words hoặc upper.",
                     "A format is date, date_long, when, money, words or upper.");
    }
}

static void check_align(struct checker *c, const struct kh_json *b, struct kh_str at)
{
    static const char *const known[] = {"left", "center", "right", "justify"};
    struct kh_str s = kh_json_str(b, "align", KH_S("left"));

    for (size_t i = 0; i < KH_LEN(known); i++)
        if (kh_str_is(s, known[i]))
            return;
    complain(c, below(c, at, "align"), "enum", "align là left, center, right hoặc justify.",
             "align is left, center, right or justify.");
}

static void check_body(struct checker *c, const struct kh_json *body, struct kh_str at, int depth);

/* @return the list, if it is one of 1 to COLUMNS_MAX objects */
static const struct kh_json *columns_of(struct checker *c, const struct kh_json *v, struct kh_str at)
{
    const struct kh_json *list = kh_json_get(v, "columns");
    bool good = kh_json_is(list, KH_JSON_ARRAY) && list->n > 0 && list->n <= COLUMNS_MAX;

    for (uint32_t i = 0; good && i < list->n; i++)
        good = list->items[i].type == KH_JSON_OBJECT &&
               kh_json_num(&list->items[i], "width", 1) > 0;
    if (!good)
        complain(c, below(c, at, "columns"), "columns", "Cần từ 1 đến 12 cột, rộng hơn 0.",
                 "1 to 12 columns, wider than 0, are needed.");
    return good ? list : NULL;
}

static void check_columns(struct checker *c, const struct kh_json *b, struct kh_str at, int depth)
{
    const struct kh_json *list = columns_of(c, b, at);

    members(c, b, at, "columns:x if:f");
    for (uint32_t i = 0; list && i < list->n; i++) {
        struct kh_str here = item(c, below(c, at, "columns"), i);

        members(c, &list->items[i], here, "width:n body:x");
        check_body(c, kh_json_get(&list->items[i], "body"), below(c, here, "body"), depth + 1);
    }
}

static void check_table(struct checker *c, const struct kh_json *b, struct kh_str at)
{
    const struct kh_json *t = kh_json_get(b, "table"), *list;
    struct kh_str there = below(c, at, "table");

    members(c, b, at, "table:x if:f");
    if (!kh_json_is(t, KH_JSON_OBJECT) || !kh_json_get(t, "each")) {
        complain(c, there, "table", "Bảng cần each và columns.", "A table needs each and columns.");
        return;
    }
    members(c, t, there, "each:f as:s columns:x");
    list = columns_of(c, t, there);
    for (uint32_t i = 0; list && i < list->n; i++) {
        struct kh_str here = item(c, below(c, there, "columns"), i);

        members(c, &list->items[i], here, "width:n head:s text:s align:s size:n");
        check_align(c, &list->items[i], here);
        check_text(c, kh_json_str(&list->items[i], "text", KH_S("")), below(c, here, "text"));
    }
}

static void check_block(struct checker *c, const struct kh_json *b, struct kh_str at, int depth)
{
    if (b->type != KH_JSON_OBJECT) {
        complain(c, at, "type", "Một khối là một đối tượng.", "A block is an object.");
        return;
    }
    check_align(c, b, at);
    if (kh_json_get(b, "text")) {
        members(c, b, at, "text:s align:s size:n bold:b italic:b if:f");
        check_text(c, kh_json_str(b, "text", KH_S("")), below(c, at, "text"));
    } else if (kh_json_get(b, "columns")) {
        check_columns(c, b, at, depth);
    } else if (kh_json_get(b, "each")) {
        members(c, b, at, "each:f as:s body:x if:f");
        check_body(c, kh_json_get(b, "body"), below(c, at, "body"), depth + 1);
    } else if (kh_json_get(b, "table")) {
        check_table(c, b, at);
    } else if (kh_json_get(b, "qr")) {
        members(c, b, at, "qr:s size:n align:s if:f");
        check_text(c, kh_json_str(b, "qr", KH_S("")), below(c, at, "qr"));
    } else if (kh_json_get(b, "line") || kh_json_get(b, "space")) {
        members(c, b, at, "line:n space:n if:f");
    } else {
        complain(c, at, "block",
                 "Một khối có text, columns, each, table, qr, line hoặc space.",
                 "A block has text, columns, each, table, qr, line or space.");
    }
}

static void check_body(struct checker *c, const struct kh_json *body, struct kh_str at, int depth)
{
    if (!kh_json_is(body, KH_JSON_ARRAY)) {
        complain(c, at, "body", "body là một mảng các khối.", "body is an array of blocks.");
        return;
    }
    if (depth > KH_PRINT_DEPTH || (c->blocks += (int)body->n) > BLOCKS_MAX) {
        complain(c, at, "limit", "Tối đa 500 khối, lồng nhau 8 tầng.",
                 "At most 500 blocks, nested 8 deep.");
        return;
    }
    for (uint32_t i = 0; i < body->n; i++)
        check_block(c, &body->items[i], item(c, at, i), depth);
}

void kh_print_check(struct kh_arena *a, const struct kh_json *definition, struct kh_issues *issues)
{
    struct checker c = {.a = a, .issues = issues};
    const struct kh_json *values = kh_json_get(definition, "values");
    struct kh_str size = kh_json_str(definition, "size", KH_S("A4"));
    struct kh_str see = kh_json_str(definition, "see", KH_S("personal"));

    if (!kh_json_is(definition, KH_JSON_OBJECT)) {
        complain(&c, KH_S(""), "type", "Mẫu in là một đối tượng.", "A paper is an object.");
        return;
    }
    members(&c, definition, KH_S(""), "type:s title:x size:s see:s when:f values:x body:x");
    if (!kh_json_is(kh_json_get(definition, "title"), KH_JSON_OBJECT))
        complain(&c, KH_S("/title"), "title", "Cần tên bằng vi và en.",
                 "A title in vi and en is needed.");
    if (!kh_str_is(size, "A4") && !kh_str_is(size, "A5"))
        complain(&c, KH_S("/size"), "enum", "Khổ giấy là A4 hoặc A5.", "A size is A4 or A5.");
    if (!kh_str_is(see, "public") && !kh_str_is(see, "internal") && !kh_str_is(see, "personal") &&
        !kh_str_is(see, "sensitive"))
        complain(&c, KH_S("/see"), "enum", "see là public, internal, personal hoặc sensitive.",
                 "see is public, internal, personal or sensitive.");
    if (kh_json_is(values, KH_JSON_OBJECT)) {
        struct kh_buf words = kh_buf(a, 64 << 10);

        for (uint32_t i = 0; i < values->n; i++)
            kh_buf_strf(&words, "%.*s:f ", KH_FMT(values->members[i].key));
        members(&c, values, KH_S("/values"), kh_str_z(a, kh_buf_get(&words)));
    } else if (values) {
        complain(&c, KH_S("/values"), "type", "values là một đối tượng các biểu thức.",
                 "values is an object of expressions.");
    }
    check_body(&c, kh_json_get(definition, "body"), KH_S("/body"), 0);
}
