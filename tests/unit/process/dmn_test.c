/* SPDX-License-Identifier: Apache-2.0 */
/* Decision models: what they give, and what they are refused for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "engine/process/dmn/dmn.h"

#define DEFS(version, name, inner)                                                                 \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<definitions xmlns=\"" version "\" namespace=\"urn:" name "\" name=\"" name "\">\n" inner     \
    "\n</definitions>"
#define V15          "https://www.omg.org/spec/DMN/20230324/MODEL/"
#define MODEL(inner) DEFS(V15, "test", inner)

#define INPUT(name, type)                                                                          \
    "<inputData id=\"i_" name "\" name=\"" name "\"><variable name=\"" name "\" typeRef=\"" type   \
    "\"/></inputData>"
#define NEEDS_INPUT(name)                                                                          \
    "<informationRequirement><requiredInput href=\"#i_" name "\"/></informationRequirement>"
#define NEEDS_DECISION(name)                                                                       \
    "<informationRequirement><requiredDecision href=\"#d_" name "\"/></informationRequirement>"
#define NEEDS_BKM(name)                                                                            \
    "<knowledgeRequirement><requiredKnowledge href=\"#b_" name "\"/></knowledgeRequirement>"
#define DECISION(name, inner)                                                                      \
    "<decision id=\"d_" name "\" name=\"" name "\"><variable name=\"" name "\"/>" inner            \
    "</decision>"
#define LITERAL(text)      "<literalExpression><text>" text "</text></literalExpression>"
#define ENTRY(name, inner) "<contextEntry><variable name=\"" name "\"/>" inner "</contextEntry>"
#define IN(text)           "<inputEntry><text>" text "</text></inputEntry>"
#define OUT(text)          "<outputEntry><text>" text "</text></outputEntry>"

static const struct kh_dmn *compile(struct kh_arena *a, const char *xml)
{
    struct kh_dmn_source src = {.xml = kh_cstr(xml)};
    struct kh_issues issues = {0};
    const struct kh_dmn *m = NULL;
    struct kh_error err = {0};

    if (!kh_dmn_compile(a, &src, &issues, &m, &err))
        fail_msg("%s", err.detail);
    return m;
}

static const struct kh_json *parse(struct kh_arena *a, const char *text)
{
    struct kh_json *v;
    struct kh_error err = {0};

    if (!kh_json_parse(a, kh_cstr(text), NULL, &v, &err))
        fail_msg("%s", err.detail);
    return v;
}

/* The result as JSON text; the number of messages is left in *messages. */
static const char *run(struct kh_arena *a, const char *xml, const char *name, const char *inputs,
                       size_t *messages)
{
    const struct kh_dmn *m = compile(a, xml);
    struct kh_dmn_call call = {.name = kh_cstr(name), .inputs = parse(a, inputs), .tagged = true};
    struct kh_issues issues = {0};
    const struct kh_json *result;
    struct kh_error err = {0};

    if (!kh_dmn_eval(m, a, &call, &result, &issues, &err))
        return kh_strf(a, "%s %s", kh_error_info(err.code)->name, err.detail).p;
    if (messages)
        *messages = issues.n;
    return kh_str_z(a, kh_json_text(a, result));
}

#define GIVES(xml, name, inputs, want)                                                             \
    do {                                                                                           \
        kh_auto_arena a_ = kh_arena_new(64 << 20);                                                 \
        assert_string_equal(run(a_, xml, name, inputs, NULL), want);                               \
    } while (0)

/* ---- requirements ---- */

static void decides_by_what_it_needs(void **state)
{
    static const char xml[] = MODEL(
        INPUT("Monthly Salary", "number") DECISION(
            "Yearly Salary", NEEDS_INPUT("Monthly Salary") LITERAL("12 * Monthly Salary"))
            DECISION("Rich", NEEDS_DECISION("Yearly Salary") LITERAL("Yearly Salary &gt; 100000")));

    (void)state;
    GIVES(xml, "Yearly Salary", "{\"Monthly Salary\":10000}", "120000");
    GIVES(xml, "Rich", "{\"Monthly Salary\":10000}", "true");
    GIVES(xml, "d_Rich", "{\"Monthly Salary\":10}", "false");
    GIVES(xml, "", "{\"Monthly Salary\":10}", "false");
    GIVES(xml, "Rich", "{}", "null");
    GIVES(xml, "Poor", "{}", "DECISION_UNKNOWN Poor");
}

static void sees_only_what_it_needs(void **state)
{
    static const char xml[] = MODEL(INPUT("a", "number") INPUT("b", "number") DECISION(
        "sum", NEEDS_INPUT("a") LITERAL("if b = null then a else a + b")));

    (void)state;
    GIVES(xml, "sum", "{\"a\":1,\"b\":2}", "1");
}

static void reads_every_version_and_prefix(void **state)
{
    static const char *const versions[] = {
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20191111/MODEL/",
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(versions); i++) {
        kh_auto_arena a = kh_arena_new(64 << 20);
        struct kh_str xml =
            kh_strf(a,
                    "<dmn:definitions xmlns:dmn=\"%s\" xmlns:feel=\"http://feel\" namespace=\"n\" "
                    "name=\"t\"><dmn:inputData id=\"i\" name=\"x\"><dmn:variable name=\"x\" "
                    "typeRef=\"feel:number\"/></dmn:inputData><dmn:decision id=\"d\" name=\"d\">"
                    "<dmn:variable name=\"d\"/><dmn:informationRequirement><dmn:requiredInput "
                    "href=\"#i\"/></dmn:informationRequirement><dmn:literalExpression><dmn:text>x "
                    "* 2</dmn:text></dmn:literalExpression></dmn:decision></dmn:definitions>",
                    versions[i]);

        assert_string_equal(run(a, kh_str_z(a, xml), "d", "{\"x\":21}", NULL), "42");
        assert_string_equal(run(a, kh_str_z(a, xml), "d", "{\"x\":\"21\"}", NULL), "null");
    }
}

static void carries_temporal_values_both_ways(void **state)
{
    static const char xml[] = MODEL(INPUT("day", "date") DECISION(
        "next", NEEDS_INPUT("day") LITERAL("day + duration(\"P1D\")")));

    (void)state;
    GIVES(xml, "next", "{\"day\":{\"@feel\":\"date\",\"value\":\"2026-12-31\"}}",
          "{\"@feel\":\"date\",\"value\":\"2027-01-01\"}");
    GIVES(xml, "next", "{\"day\":\"2026-12-31\"}", "{\"@feel\":\"date\",\"value\":\"2027-01-01\"}");
}

/* ---- boxed expressions ---- */

static void evaluates_boxed_expressions(void **state)
{
    (void)state;
    GIVES(MODEL(DECISION("c", "<context>" ENTRY("a", LITERAL("1"))
                                  ENTRY("b", LITERAL("a + 1")) "</context>")),
          "c", "{}", "{\"a\":1,\"b\":2}");
    GIVES(MODEL(DECISION("c", "<context>" ENTRY("a", LITERAL("1")) "<contextEntry>" LITERAL(
                                  "a + 5") "</contextEntry></context>")),
          "c", "{}", "6");
    GIVES(MODEL(DECISION("l", "<list>" LITERAL("1") LITERAL("\"x\"") "</list>")), "l", "{}",
          "[1,\"x\"]");
    GIVES(MODEL(DECISION("r", "<relation><column name=\"a\"/><column name=\"b\"/><row>" LITERAL("1")
                                  LITERAL("2") "</row><row>" LITERAL("3")
                                      LITERAL("4") "</row></relation>")),
          "r", "{}", "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]");
    GIVES(MODEL(DECISION("i", "<conditional><if>" LITERAL("1 &gt; 2") "</if><then>" LITERAL(
                                  "1") "</then><else>" LITERAL("2") "</else></conditional>")),
          "i", "{}", "2");
    GIVES(MODEL(DECISION("f", "<filter><in>" LITERAL("[1,2,3]") "</in><match>" LITERAL(
                                  "item &gt; 1") "</match></filter>")),
          "f", "{}", "[2,3]");
    GIVES(MODEL(DECISION(
              "f", "<for iteratorVariable=\"x\"><in>" LITERAL("[1,2,3]") "</in><return>" LITERAL(
                       "x * count(partial)") "</return></for>")),
          "f", "{}", "[0,2,6]");
    GIVES(MODEL(DECISION("s",
                         "<some iteratorVariable=\"x\"><in>" LITERAL(
                             "[1,2]") "</in><satisfies>" LITERAL("x = 2") "</satisfies></some>")),
          "s", "{}", "true");
    GIVES(MODEL(DECISION("s",
                         "<every iteratorVariable=\"x\"><in>" LITERAL(
                             "[1,2]") "</in><satisfies>" LITERAL("x = 2") "</satisfies></every>")),
          "s", "{}", "false");
    GIVES(MODEL(DECISION("n", "")), "n", "{}", "null");
}

static void calls_knowledge_models(void **state)
{
    static const char xml[] = MODEL(
        "<businessKnowledgeModel id=\"b_fee\" name=\"fee\"><variable name=\"fee\" "
        "typeRef=\"number\"/><encapsulatedLogic><formalParameter name=\"base amount\" "
        "typeRef=\"number\"/><formalParameter name=\"rate\"/>" LITERAL(
            "base amount * rate") "</encapsulatedLogic></businessKnowledgeModel>" INPUT("x",
                                                                                        "number")
            DECISION("by text", NEEDS_INPUT("x") NEEDS_BKM("fee") LITERAL("fee(x, 0.1)")) DECISION(
                "by name",
                NEEDS_INPUT("x") NEEDS_BKM("fee") LITERAL("fee(rate: 0.1, base amount: x)"))
                DECISION(
                    "by box",
                    NEEDS_INPUT("x")
                        NEEDS_BKM("fee") "<invocation>" LITERAL("fee") "<binding><parameter name=\"rate\"/>" LITERAL(
                            "0.5") "</binding><binding><parameter name=\"base amount\"/>" LITERAL("x") "</binding></invocation>"));

    (void)state;
    GIVES(xml, "by text", "{\"x\":100}", "10.0");
    GIVES(xml, "by name", "{\"x\":100}", "10.0");
    GIVES(xml, "by box", "{\"x\":100}", "50.0");
    GIVES(xml, "fee", "{\"base amount\":10,\"rate\":2}", "20");
    GIVES(xml, "fee", "{\"base amount\":\"x\",\"rate\":2}", "null");
}

static void lets_a_knowledge_model_call_itself(void **state)
{
    static const char xml[] = MODEL(
        "<businessKnowledgeModel id=\"b_f\" name=\"fact\"><encapsulatedLogic><formalParameter "
        "name=\"n\"/>" LITERAL(
            "if n &lt; 2 then 1 else n * fact(n - 1)") "</encapsulatedLogic>"
                                                       "</businessKnowledgeModel>" DECISION(
                                                           "d",
                                                           NEEDS_BKM("f") LITERAL("fact(10)")));

    (void)state;
    GIVES(xml, "d", "{}", "3628800");
}

static void runs_services_in_a_scope_of_their_own(void **state)
{
    static const char xml[] = MODEL(
        INPUT("a", "number") INPUT("b", "number") DECISION("inner",
                                                           NEEDS_INPUT("a") LITERAL("a * 10"))
            DECISION("sum", NEEDS_INPUT("b") NEEDS_DECISION("inner") LITERAL("inner + b")) DECISION(
                "twice",
                NEEDS_DECISION("sum") LITERAL(
                    "sum * 2")) "<decisionService id=\"b_s\" "
                                "name=\"svc\"><variable name=\"svc\"/><outputDecision href=\"#d_sum\"/>"
                                "<encapsulatedDecision href=\"#d_inner\"/><inputData href=\"#i_a\"/><inputData "
                                "href=\"#i_b\"/></decisionService><decisionService id=\"b_t\" name=\"pair\">"
                                "<outputDecision href=\"#d_sum\"/><outputDecision href=\"#d_twice\"/><inputDecision "
                                "href=\"#d_inner\"/><inputData href=\"#i_b\"/></decisionService>" DECISION(
                                    "call", NEEDS_BKM("s") LITERAL("svc(1, 2)"))
                                    DECISION("named", NEEDS_BKM("s") LITERAL("svc(b: 3, a: 1)")));

    (void)state;
    GIVES(xml, "call", "{}", "12");
    GIVES(xml, "named", "{}", "13");
    GIVES(xml, "svc", "{\"a\":1,\"b\":2}", "12");
    GIVES(xml, "pair", "{\"b\":2,\"inner\":5}", "{\"sum\":7,\"twice\":14}");
}

static void imports_other_models(void **state)
{
    static const char other[] =
        DEFS(V15, "other",
             INPUT("person name", "string")
                 DECISION("greeting", NEEDS_INPUT("person name") LITERAL("\"Hi \" + person name")));
    static const char xml[] =
        MODEL("<import namespace=\"urn:other\" name=\"o\" importType=\"" V15 "\"/>" DECISION(
            "loud", "<informationRequirement><requiredDecision href=\"urn:other#d_greeting\"/>"
                    "</informationRequirement>" LITERAL("o.greeting + \"!\"")));
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_str import = kh_cstr(other);
    struct kh_dmn_source src = {.xml = kh_cstr(xml), .imports = &import, .imports_n = 1};
    struct kh_dmn_call call = {.name = KH_S("loud")};
    struct kh_issues issues = {0};
    const struct kh_dmn *m;
    const struct kh_json *result;
    struct kh_error err = {0};

    (void)state;
    assert_true(kh_dmn_compile(a, &src, &issues, &m, &err));
    call.inputs = parse(a, "{\"o\":{\"person name\":\"An\"}}");
    assert_true(kh_dmn_eval(m, a, &call, &result, NULL, &err));
    assert_string_equal(kh_str_z(a, kh_json_text(a, result)), "\"Hi An!\"");
    src.imports_n = 0;
    assert_false(kh_dmn_compile(a, &src, &issues, &m, &err));
    assert_int_equal(err.code, KH_EC_DECISION_INVALID);
}

/* ---- types ---- */

static void checks_types_of_items(void **state)
{
    static const char xml[] =
        MODEL("<itemDefinition name=\"tKind\"><typeRef>string</typeRef><allowedValues><text>\"a\", "
              "\"b\"</text></allowedValues></itemDefinition><itemDefinition name=\"tPerson\">"
              "<itemComponent name=\"age\"><typeRef>number</typeRef></itemComponent><itemComponent "
              "name=\"kind\"><typeRef>tKind</typeRef></itemComponent></itemDefinition>"
              "<itemDefinition name=\"tPeople\" isCollection=\"true\"><typeRef>tPerson</typeRef>"
              "</itemDefinition>" INPUT("p", "tPerson") INPUT("ps", "tPeople")
                  DECISION("age", NEEDS_INPUT("p") LITERAL("p.age"))
                      DECISION("n", NEEDS_INPUT("ps") LITERAL("count(ps)"))
                          DECISION("is", NEEDS_INPUT("p") LITERAL("p instance of tPerson")));

    (void)state;
    GIVES(xml, "age", "{\"p\":{\"age\":5,\"kind\":\"a\"}}", "5");
    GIVES(xml, "age", "{\"p\":{\"age\":5,\"kind\":\"c\"}}", "null");
    GIVES(xml, "age", "{\"p\":{\"age\":\"5\",\"kind\":\"a\"}}", "null");
    GIVES(xml, "age", "{\"p\":{\"age\":5}}", "5"); /* left out in JSON: null */
    GIVES(xml, "is", "{\"p\":{\"kind\":\"a\"}}", "true");
    GIVES(xml, "age", "{\"p\":[{\"age\":5,\"kind\":\"a\"}]}", "5");
    GIVES(xml, "n", "{\"ps\":[{\"age\":5,\"kind\":\"a\"},{\"age\":6,\"kind\":\"b\"}]}", "2");
    GIVES(xml, "n", "{\"ps\":{\"age\":5,\"kind\":\"a\"}}", "1");
    GIVES(xml, "n", "{\"ps\":[{\"age\":5,\"kind\":\"x\"}]}", "null");
    GIVES(xml, "is", "{\"p\":{\"age\":5,\"kind\":\"a\"}}", "true");
}

static void makes_a_result_fit_its_type(void **state)
{
    static const char *const xml =
        MODEL("<decision id=\"d\" name=\"d\"><variable name=\"d\" typeRef=\"number\"/>" LITERAL(
            "\"123\"") "</decision><decision id=\"e\" name=\"e\"><variable name=\"e\" "
                       "typeRef=\"number\"/>" LITERAL("[7]") "</decision><decision id=\"f\" "
                                                             "name=\"f\"><variable name=\"f\" "
                                                             "typeRef=\"date and time\"/>" LITERAL(
                                                                 "@\"2026-01-01\"") "</decision>");
    kh_auto_arena a = kh_arena_new(64 << 20);
    size_t messages = 0;

    (void)state;
    assert_string_equal(run(a, xml, "d", "{}", &messages), "null");
    assert_int_equal(messages, 1);
    assert_string_equal(run(a, xml, "e", "{}", &messages), "7");
    assert_int_equal(messages, 0);
    assert_string_equal(run(a, xml, "f", "{}", NULL),
                        "{\"@feel\":\"date and time\",\"value\":\"2026-01-01T00:00:00Z\"}");
}

/* ---- decision tables ---- */

#define TABLE(policy, inputs, outputs, rules)                                                      \
    MODEL(INPUT("age", "number") INPUT("kind", "string") DECISION(                                 \
        "t", NEEDS_INPUT("age") NEEDS_INPUT("kind") "<decisionTable " policy                       \
                                                    ">" inputs outputs rules "</decisionTable>"))
#define BY(expr)    "<input><inputExpression><text>" expr "</text></inputExpression></input>"
#define TO(name)    "<output name=\"" name "\"/>"
#define RULE(cells) "<rule>" cells "</rule>"

static void finds_the_one_rule(void **state)
{
    static const char *const xml =
        TABLE("hitPolicy=\"UNIQUE\"", BY("age") BY("kind"), TO("r"),
              RULE(IN("&lt; 18") IN("-") OUT("\"child\""))
                  RULE(IN("[18..60)") IN("\"a\", \"b\"") OUT("\"adult \" + kind"))
                      RULE(IN("&gt;= 60") IN("not(\"x\")") OUT("\"old\"")));

    (void)state;
    GIVES(xml, "t", "{\"age\":5,\"kind\":\"q\"}", "\"child\"");
    GIVES(xml, "t", "{\"age\":18,\"kind\":\"b\"}", "\"adult b\"");
    GIVES(xml, "t", "{\"age\":30,\"kind\":\"c\"}", "null");
    GIVES(xml, "t", "{\"age\":60,\"kind\":\"c\"}", "\"old\"");
    GIVES(xml, "t", "{\"age\":60,\"kind\":\"x\"}", "null");
    GIVES(xml, "t", "{}", "null");
}

static const char *policy(struct kh_arena *a, const char *attrs, const char *outputs, int age)
{
    struct kh_str xml = kh_strf(
        a,
        "<definitions xmlns=\"" V15
        "\" namespace=\"n\" name=\"t\">" INPUT("age", "number") DECISION(
            "t", NEEDS_INPUT("age") "<decisionTable %s>" BY("age") "%s" RULE(IN("&gt; 10") OUT("2"))
                     RULE(IN("&gt; 20") OUT("3")) RULE(IN("&gt; 30") OUT("1"))
                         RULE(IN("&gt; 40") OUT("1")) "</decisionTable>") "</definitions>",
        attrs, outputs);

    return run(a, kh_str_z(a, xml), "t", kh_str_z(a, kh_strf(a, "{\"age\":%d}", age)), NULL);
}

static void obeys_every_hit_policy(void **state)
{
    static const char ordered[] = "<output><outputValues><text>3, 1, 2</text></outputValues>"
                                  "</output>";
    static const struct {
        const char *attrs, *outputs;
        int age;
        const char *want;
    } rows[] = {
        {"", TO("r"), 15, "2"},
        {"", TO("r"), 25, "null"},
        {"", TO("r"), 5, "null"},
        {"hitPolicy=\"FIRST\"", TO("r"), 50, "2"},
        {"hitPolicy=\"ANY\"", TO("r"), 15, "2"},
        {"hitPolicy=\"ANY\"", TO("r"), 25, "null"},
        {"hitPolicy=\"PRIORITY\"", ordered, 50, "3"},
        {"hitPolicy=\"PRIORITY\"", ordered, 15, "2"},
        {"hitPolicy=\"OUTPUT ORDER\"", ordered, 50, "[3,1,1,2]"},
        {"hitPolicy=\"RULE ORDER\"", TO("r"), 50, "[2,3,1,1]"},
        {"hitPolicy=\"COLLECT\"", TO("r"), 35, "[2,3,1]"},
        {"hitPolicy=\"COLLECT\" aggregation=\"SUM\"", TO("r"), 50, "7"},
        {"hitPolicy=\"COLLECT\" aggregation=\"COUNT\"", TO("r"), 50, "4"},
        {"hitPolicy=\"COLLECT\" aggregation=\"COUNT\"", TO("r"), 5, "null"},
        {"hitPolicy=\"COLLECT\" aggregation=\"MIN\"", TO("r"), 50, "1"},
        {"hitPolicy=\"COLLECT\" aggregation=\"MAX\"", TO("r"), 50, "3"},
        {"hitPolicy=\"COLLECT\" aggregation=\"MAX\"", TO("r"), 5, "null"},
        {"", "<output><defaultOutputEntry><text>9</text></defaultOutputEntry></output>", 5, "9"},
        {"", "<output><outputValues><text>3, 1</text></outputValues></output>", 15, "null"},
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(rows); i++) {
        kh_auto_arena a = kh_arena_new(64 << 20);
        const char *got = policy(a, rows[i].attrs, rows[i].outputs, rows[i].age);

        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s at %d: want %s, got %s", rows[i].attrs, rows[i].age, rows[i].want, got);
    }
}

static void gives_several_outputs_by_name(void **state)
{
    static const char *const xml = TABLE("", BY("age"), TO("class") TO("days"),
                                         RULE(IN("&gt; 10") OUT("\"x\"") OUT("age / 2")));

    (void)state;
    GIVES(xml, "t", "{\"age\":20}", "{\"class\":\"x\",\"days\":10}");
}

static void refuses_inputs_that_are_not_allowed(void **state)
{
    static const char *const xml = TABLE(
        "",
        "<input><inputExpression><text>kind</text></inputExpression><inputValues><text>\"a\", "
        "\"b\"</text></inputValues></input>",
        TO("r"), RULE(IN("-") OUT("1")));

    (void)state;
    GIVES(xml, "t", "{\"kind\":\"a\"}", "1");
    GIVES(xml, "t", "{\"kind\":\"z\"}", "null");
}

static void tests_cells_with_the_input_itself(void **state)
{
    static const char *const xml =
        TABLE("hitPolicy=\"FIRST\"", BY("kind"), TO("r"),
              RULE(IN("starts with(?, \"a\") and string length(?) &gt; 2") OUT("1"))
                  RULE(IN("lower case(\"B\")") OUT("2")) RULE(IN("[\"c\", \"d\"]") OUT("3"))
                      RULE(IN("null") OUT("4")) RULE(IN("age &gt; 5") OUT("5")));

    (void)state;
    GIVES(xml, "t", "{\"kind\":\"abc\"}", "1");
    GIVES(xml, "t", "{\"kind\":\"b\"}", "2");
    GIVES(xml, "t", "{\"kind\":\"d\"}", "3");
    GIVES(xml, "t", "{\"kind\":null}", "4");
    GIVES(xml, "t", "{\"kind\":\"q\",\"age\":6}", "5");
    GIVES(xml, "t", "{\"kind\":\"q\",\"age\":1}", "null");
}

/* ---- what is refused ---- */

static void expect_bad(const char *xml, bool strict, const char *where, size_t n)
{
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_dmn_source src = {.xml = kh_cstr(xml), .strict = strict};
    struct kh_issues issues = {0};
    const struct kh_dmn *m;
    struct kh_error err = {0};

    assert_false(kh_dmn_compile(a, &src, &issues, &m, &err));
    assert_int_equal(err.code, KH_EC_DECISION_INVALID);
    assert_int_equal(issues.n, n);
    if (where && !kh_str_starts(issues.items[0].pointer, kh_cstr(where)))
        fail_msg("%.*s", KH_FMT(issues.items[0].pointer));
}

static void names_every_problem_with_its_place(void **state)
{
    (void)state;
    expect_bad(MODEL(DECISION("a", LITERAL("1 +")) "\n" DECISION("b", LITERAL("(2"))), false,
               "d_a:3:", 2);
    expect_bad(TABLE("hitPolicy=\"BEST\"", BY("age"), TO("r"), ""), false, "d_t:", 1);
    expect_bad(TABLE("", BY("age"), TO("r"), RULE(IN("1") IN("2") OUT("3"))), false, "d_t:", 1);
    expect_bad(TABLE("", BY("age"), TO("r"), RULE(IN("1 1") OUT("3 3"))), false, "d_t:", 2);
    expect_bad(MODEL(DECISION("a", NEEDS_DECISION("b") LITERAL("b"))
                         DECISION("b", NEEDS_DECISION("a") LITERAL("a"))),
               false, "d_", 1);
    expect_bad(MODEL("<itemDefinition id=\"t1\" name=\"t1\"><typeRef>t2</typeRef></itemDefinition>"
                     "<itemDefinition id=\"t2\" name=\"t2\"><typeRef>t1</typeRef>"
                     "</itemDefinition>"),
               false, "t1:", 1);
    expect_bad("<definitions xmlns=\"urn:x\"/>", false, "line:1:", 1);
    expect_bad("<definitions", false, "line:", 1);
}

static void is_strict_when_asked(void **state)
{
    static const char *const soft[] = {
        MODEL(DECISION("a", LITERAL("unknown + 1"))),
        MODEL(DECISION("a", NEEDS_INPUT("nothing") LITERAL("1"))),
        MODEL(INPUT("x", "tNothing")),
        MODEL("<businessKnowledgeModel id=\"b\" name=\"b\"><encapsulatedLogic kind=\"Java\">"
              "<context/></encapsulatedLogic></businessKnowledgeModel>"),
        MODEL("<mystery id=\"m\"/>"),
    };

    (void)state;
    for (size_t i = 0; i < KH_LEN(soft); i++) {
        kh_auto_arena a = kh_arena_new(64 << 20);

        assert_non_null(compile(a, soft[i]));
        expect_bad(soft[i], true, NULL, 1);
    }
}

static void refuses_hostile_xml(void **state)
{
    static const char laughs[] =
        "<!DOCTYPE d [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><definitions xmlns=\"" V15
        "\"><decision name=\"&b;\"/></definitions>";
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_buf deep = kh_buf(a, 1 << 20);

    (void)state;
    expect_bad(laughs, false, "line:", 1);
    kh_buf_z(&deep, "<definitions xmlns=\"" V15 "\"><decision id=\"d\" name=\"d\">");
    for (int i = 0; i < 1000; i++)
        kh_buf_z(&deep, "<list>");
    expect_bad(kh_str_z(a, kh_buf_get(&deep)), false, NULL, 1);
}

static void stops_what_does_not_end(void **state)
{
    static const char xml[] = MODEL(
        "<businessKnowledgeModel id=\"b_f\" name=\"f\"><encapsulatedLogic><formalParameter "
        "name=\"n\"/>" LITERAL("f(n + 1)") "</encapsulatedLogic></businessKnowledgeModel>" DECISION(
            "deep", NEEDS_BKM("f") LITERAL("f(1)")) DECISION("long", LITERAL("for i in "
                                                                             "1..1000000000 return "
                                                                             "i")));
    kh_auto_arena a = kh_arena_new(1 << 30);

    (void)state;
    assert_non_null(strstr(run(a, xml, "deep", "{}", NULL), "FEEL_LIMIT"));
    assert_non_null(strstr(run(a, xml, "long", "{}", NULL), "FEEL_LIMIT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_by_what_it_needs),
        cmocka_unit_test(sees_only_what_it_needs),
        cmocka_unit_test(reads_every_version_and_prefix),
        cmocka_unit_test(carries_temporal_values_both_ways),
        cmocka_unit_test(evaluates_boxed_expressions),
        cmocka_unit_test(calls_knowledge_models),
        cmocka_unit_test(lets_a_knowledge_model_call_itself),
        cmocka_unit_test(runs_services_in_a_scope_of_their_own),
        cmocka_unit_test(imports_other_models),
        cmocka_unit_test(checks_types_of_items),
        cmocka_unit_test(makes_a_result_fit_its_type),
        cmocka_unit_test(finds_the_one_rule),
        cmocka_unit_test(obeys_every_hit_policy),
        cmocka_unit_test(gives_several_outputs_by_name),
        cmocka_unit_test(refuses_inputs_that_are_not_allowed),
        cmocka_unit_test(tests_cells_with_the_input_itself),
        cmocka_unit_test(names_every_problem_with_its_place),
        cmocka_unit_test(is_strict_when_asked),
        cmocka_unit_test(refuses_hostile_xml),
        cmocka_unit_test(stops_what_does_not_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
