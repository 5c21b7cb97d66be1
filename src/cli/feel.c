/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feel.h"

#include "base/json.h"
#include "engine/process/feel/value.h"

#include <stdlib.h>
#include <unistd.h>

enum { SESSION_ARENA = 1 << 30, LINE_ARENA = 256 << 20, FILE_MAX = 64 << 20, TEXT_MAX = 1 << 20 };

static const char help[] =
    "Usage: khue feel EXPRESSION [--input JSON|@FILE] [--json]\n"
    "       khue feel                       (a prompt; one expression per line)\n"
    "\n"
    "Evaluates an expression of FEEL (DMN 1.5), the language of rules, conditions and decisions.\n"
    "\n"
    "  --input JSON    an object; its members are the names that the expression may use\n"
    "  --input @FILE   the same from a file\n"
    "  --json          print the result as JSON instead of FEEL\n"
    "\n"
    "Examples:\n"
    "  khue feel '1 + 2 * 3'\n"
    "  khue feel 'date(\"2026-09-15\") + duration(\"P7D\")'\n"
    "  khue feel 'sum(items.price) > 100' --input '{\"items\":[{\"price\":60},{\"price\":50}]}'\n";

static const char prompt_help[] = "  EXPRESSION          evaluate, e.g.  [1, 2, 3][item > 1]\n"
                                  "  let NAME = EXPR     keep a value for the lines that follow\n"
                                  "  :names              what has been kept\n"
                                  "  :quit               leave (or Ctrl-D)\n";

/* What a session keeps. */
struct session {
    struct kh_arena *a;
    struct feel_entry *entries;
    size_t n, cap;
    FILE *out;
    bool json;
};

static void print_issue(FILE *out, const struct kh_issue *is)
{
    fprintf(out, "  null because (%.*s) %.*s\n", KH_FMT(is->pointer), KH_FMT(is->en));
}

static bool print_value(struct session *s, struct kh_arena *a, const struct kh_feel_value *v)
{
    struct feel_budget budget = {.steps = 1000000};
    struct kh_str text;

    if (s->json) {
        text = kh_json_text(a, kh_feel_to_json(a, v, true));
        fprintf(s->out, "%.*s\n", KH_FMT(text));
        return true;
    }
    /* Inside a list a string stands in quotes: so the list, without its brackets. */
    if (!feel_text(a, feel_list(v, 1), TEXT_MAX, &budget, &text)) {
        fputs("  (too large to print)\n", s->out);
        return false;
    }
    fprintf(s->out, "%.*s\n", (int)(text.n - 2), text.p + 1);
    return true;
}

static bool evaluate(struct session *s, struct kh_arena *a, struct kh_str text,
                     const struct kh_feel_value **ret)
{
    struct kh_feel_value input = feel_context(s->entries, s->n);
    struct kh_issues messages = {.max = 10};
    struct kh_feel_env env = {.a = a, .input = &input, .messages = &messages};
    struct kh_str *names = kh_new_n(a, s->n, struct kh_str);
    const struct kh_feel *f;
    struct kh_error err = {0};

    for (size_t i = 0; i < s->n; i++)
        names[i] = s->entries[i].key;
    if (!kh_feel_compile(a, text, KH_FEEL_EXPRESSION, names, s->n, &f, &err) ||
        !kh_feel_eval(f, &env, ret, &err)) {
        fprintf(s->out, "  %s: %s\n", kh_error_info(err.code)->en, err.detail);
        return false;
    }
    for (size_t i = 0; i < messages.n && (*ret)->kind == KH_FEEL_NULL; i++)
        print_issue(s->out, &messages.items[i]);
    return true;
}

static void keep(struct session *s, struct kh_str name, struct kh_feel_value v)
{
    v.set = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (kh_str_eq(s->entries[i].key, name)) {
            s->entries[i].value = v;
            return;
        }
    }
    s->entries = kh_grow(s->a, s->entries, s->n, s->n + 1, &s->cap, sizeof(*s->entries));
    s->entries[s->n++] = (struct feel_entry){kh_str_dup(s->a, name), v};
}

static bool let(struct session *s, struct kh_str rest)
{
    struct kh_str expr, name = kh_str_trim(kh_str_cut(rest, '=', &expr));
    const struct kh_feel_value *v;

    if (name.n == 0 || expr.n == 0) {
        fputs("  let NAME = EXPRESSION\n", s->out);
        return false;
    }
    /* The value stays, so it is made in the arena of the session. */
    if (!evaluate(s, s->a, expr, &v))
        return false;
    keep(s, name, *v);
    return print_value(s, s->a, v);
}

/* One line of the prompt. @return false to leave */
static bool line(struct session *s, struct kh_str text)
{
    kh_auto_arena a = kh_arena_new(LINE_ARENA);
    const struct kh_feel_value *v;

    text = kh_str_trim(text);
    if (text.n == 0)
        return true;
    if (kh_str_is(text, ":quit") || kh_str_is(text, ":q"))
        return false;
    if (kh_str_is(text, ":help") || kh_str_is(text, "?")) {
        fputs(prompt_help, s->out);
    } else if (kh_str_is(text, ":names")) {
        for (size_t i = 0; i < s->n; i++)
            fprintf(s->out, "  %.*s\n", KH_FMT(s->entries[i].key));
    } else if (kh_str_starts(text, KH_S("let "))) {
        (void)let(s, kh_str_skip(text, 4));
    } else if (evaluate(s, a, text, &v)) {
        (void)print_value(s, a, v);
    }
    return true;
}

int cli_feel_prompt(FILE *in, FILE *out, bool interactive)
{
    kh_auto_arena a = kh_arena_new(SESSION_ARENA);
    struct session s = {.a = a, .out = out};
    char *text = NULL;
    size_t size = 0;
    ssize_t n;

    if (interactive)
        fputs("FEEL of DMN 1.5. :help explains.\n", out);
    for (;;) {
        if (interactive) {
            fputs("feel> ", out);
            fflush(out);
        }
        n = getline(&text, &size, in);
        if (n < 0 || !line(&s, kh_str(text, (size_t)n)))
            break;
    }
    if (interactive && n < 0)
        fputc('\n', out);
    free(text);
    return ferror(in) ? 1 : 0;
}

/* ---- one expression ---- */

static bool read_file(struct kh_arena *a, const char *path, struct kh_str *ret)
{
    FILE *f = fopen(path, "rbe");
    struct kh_buf b = kh_buf(a, FILE_MAX);
    char part[16384];
    size_t n;
    bool ok;

    if (!f)
        return false;
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        kh_buf_add(&b, part, n);
    ok = !ferror(f) && !b.full;
    fclose(f);
    *ret = kh_buf_get(&b);
    return ok;
}

static bool read_input(struct session *s, const char *arg)
{
    static const struct kh_json_limits limits = {
        .bytes = FILE_MAX, .depth = 128, .values = 5000000};
    struct kh_str text = kh_cstr(arg);
    struct kh_error err = {0};
    struct kh_json *v;

    if (arg[0] == '@' && !read_file(s->a, arg + 1, &text)) {
        fprintf(stderr, "khue feel: cannot read %s\n", arg + 1);
        return false;
    }
    if (!kh_json_parse(s->a, text, &limits, &v, &err) || v->type != KH_JSON_OBJECT) {
        fprintf(stderr, "khue feel: --input is no JSON object: %s\n", err.detail);
        return false;
    }
    for (uint32_t i = 0; i < v->n; i++)
        keep(s, v->members[i].key, feel_json(&v->members[i].value));
    return true;
}

int cli_feel(int argc, char **argv)
{
    kh_auto_arena a = kh_arena_new(SESSION_ARENA);
    struct session s = {.a = a, .out = stdout};
    const struct kh_feel_value *v;
    const char *expr = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            s.json = true;
        } else if (strcmp(argv[i], "--input") == 0 && i + 1 < argc) {
            if (!read_input(&s, argv[++i]))
                return 2;
        } else if (!expr && (argv[i][0] != '-' || argv[i][1] != '-')) {
            expr = argv[i];
        } else {
            fprintf(stderr, "khue feel: unknown argument %s\n\n", argv[i]);
            fputs(help, stderr);
            return 2;
        }
    }
    if (!expr)
        return cli_feel_prompt(stdin, stdout, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
    return evaluate(&s, a, kh_cstr(expr), &v) && print_value(&s, a, v) ? 0 : 1;
}
