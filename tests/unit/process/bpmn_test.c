/* SPDX-License-Identifier: Apache-2.0 */
/* What a process model must be: accepted from any modeller, refused where it would be ignored. */
#include "base/buf.h"
#include "engine/process/bpmn.h"
#include "engine/process/process.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" "                          \
    "xmlns:kh=\"https://khue.vn/bpmn\" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\">\n"
#define TAIL "</definitions>"
/* Lines of a body begin at 3. */
#define PROCESS(body) HEAD "<process id=\"p\">\n" body "</process>" TAIL

#define START "<startEvent id=\"s\"/>"
#define END   "<endEvent id=\"e\"/>"
#define FLOW(id, from, to)                                                                         \
    "<sequenceFlow id=\"" id "\" sourceRef=\"" from "\" targetRef=\"" to "\"/>"
#define TASK "<userTask id=\"t\" kh:role=\"officer\"/>"

static bool compile(struct kh_arena *a, const char *text, struct kh_issues *issues,
                    struct kh_bpmn *bpmn)
{
    struct kh_error err = {0};
    bool good = kh_bpmn_compile(a, kh_cstr(text), NULL, NULL, issues, bpmn, &err);

    if (!good)
        assert_int_equal(err.code, KH_EC_PROCESS_INVALID);
    return good;
}

static void assert_good(const char *text)
{
    kh_auto_arena a = kh_arena_new(16 << 20);
    struct kh_issues issues = {0};
    struct kh_bpmn bpmn = {0};

    if (!compile(a, text, &issues, &bpmn))
        fail_msg("%.*s %.*s", KH_FMT(issues.items[0].pointer), KH_FMT(issues.items[0].en));
    kh_bpmn_drop(&bpmn);
}

/* Models with one fault each: where and what. */
static const struct {
    const char *text, *pointer, *code;
} bad[] = {
    {"<process/>", "line:1:1", "root"},
    {"<definitions xmlns=\"urn:other\"/>", "line:1:1", "root"},
    {HEAD TAIL, "line:1:1", "required"},
    {HEAD "<import/><process id=\"p\">" START FLOW("f", "s", "e") END "</process>" TAIL, "line:2:1",
     "unsupported"},
    {HEAD "<process>" START FLOW("f", "s", "e") END "</process>" TAIL, "line:2:1", "id"},
    /* elements and attributes that the engine does not do */
    {PROCESS(START FLOW("f", "s", "x") "\n  <complexGateway id=\"x\"/>" FLOW("g", "x", "e") END),
     "line:4:3", "unsupported"},
    {PROCESS(START FLOW("f", "s", "x") "\n<transaction id=\"x\"/>" FLOW("g", "x", "e") END),
     "line:4:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "x") "\n<adHocSubProcess id=\"x\"/>" FLOW("g", "x", "e") END),
     "line:4:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "e") "\n<endEvent id=\"e\"><cancelEventDefinition/></endEvent>"),
     "line:4:18", "unsupported"},
    {PROCESS("<startEvent id=\"s\">\n<conditionalEventDefinition><condition>a</condition>"
             "</conditionalEventDefinition></startEvent>" FLOW("f", "s", "e") END),
     "line:4:1", "unsupported"},
    {PROCESS(
         START FLOW("f", "s", "t") END
         "\n<intermediateThrowEvent id=\"t\"><timerEventDefinition/></intermediateThrowEvent>" FLOW(
             "g", "t", "e")),
     "line:4:32", "unsupported"},
    {PROCESS(
         "<startEvent id=\"s\">\n<timerEventDefinition/><messageEventDefinition/></startEvent>" FLOW(
             "f", "s", "e") END),
     "line:4:24", "unsupported"},
    {PROCESS("\n<startEvent id=\"s\" isInterrupting=\"false\"/>" FLOW("f", "s", "e") END),
     "line:4:1", "unsupported"},
    /* tasks that need to know what they are for */
    {PROCESS(START FLOW("f", "s", "x") "\n<sendTask id=\"x\"/>" FLOW("g", "x", "e") END),
     "line:4:1", "message"},
    {PROCESS(START FLOW("f", "s", "x") "\n<receiveTask id=\"x\" messageRef=\"none\"/>" FLOW(
         "g", "x", "e") END),
     "line:4:1", "message"},
    {PROCESS(START FLOW("f", "s", "x") "\n<receiveTask id=\"x\" kh:message=\"m\" "
                                       "instantiate=\"true\"/>" FLOW("g", "x", "e") END),
     "line:4:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "x") "\n<sendTask id=\"x\" kh:message=\"m\" "
                                       "kh:function=\"record.patch\"/>" FLOW("g", "x", "e") END),
     "line:4:1", "required"},
    /* what is thrown and caught */
    {PROCESS(START FLOW("f", "s", "e") "\n<endEvent id=\"e\"><errorEventDefinition/></endEvent>"),
     "line:4:18", "error"},
    {PROCESS(START FLOW(
         "f", "s",
         "e") "\n<endEvent id=\"e\"><escalationEventDefinition escalationRef=\"x\"/></endEvent>"),
     "line:4:18", "escalation"},
    {PROCESS(START FLOW(
         "f", "s", "e") "\n<endEvent id=\"e\"><signalEventDefinition signalRef=\"x\"/></endEvent>"),
     "line:4:18", "signal"},
    {PROCESS("<startEvent id=\"s\">\n<timerEventDefinition/></startEvent>" FLOW("f", "s", "e") END),
     "line:3:1", "timer"},
    {PROCESS(START FLOW("f", "s",
                        "t") "\n<intermediateThrowEvent id=\"t\"><linkEventDefinition name=\"x\"/>"
                             "</intermediateThrowEvent>" END),
     "line:4:1", "link"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END TASK
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\"><errorEventDefinition/>"
             "</boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "boundary"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "<serviceTask id=\"t\" kh:function=\"record.patch\"/>"
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\" cancelActivity=\"false\">"
             "<errorEventDefinition/></boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END TASK
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\"><escalationEventDefinition/>"
             "</boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "boundary"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "<intermediateCatchEvent id=\"t\">\n<conditionalEventDefinition/>"
             "</intermediateCatchEvent>"),
     "line:4:1", "condition"},
    {PROCESS(
         START FLOW("f", "s", "t") FLOW("g", "t", "e") END
         "<intermediateThrowEvent id=\"t\"><extensionElements>\n<kh:input name=\"x\">1</kh:input>"
         "</extensionElements></intermediateThrowEvent>"),
     "line:3:139", "extension"},
    /* event sub-processes */
    {PROCESS(START FLOW("f", "s", "e") END
             "\n<subProcess id=\"u\" triggeredByEvent=\"true\"><startEvent id=\"s2\"/>"
             "<endEvent id=\"e2\"/>" FLOW("g", "s2", "e2") "</subProcess>"),
     "line:4:44", "unsupported"},
    {PROCESS(START FLOW("f", "s", "u") FLOW("h", "u", "e") END
             "\n<subProcess id=\"u\" triggeredByEvent=\"true\"><startEvent id=\"s2\">"
             "<errorEventDefinition/></startEvent>"
             "<endEvent id=\"e2\"/>" FLOW("g", "s2", "e2") "</subProcess>"),
     "line:4:1", "flow"},
    /* gateways of events */
    {PROCESS(
         START FLOW("f", "s", "x") "<eventBasedGateway id=\"x\"/>" FLOW("g", "x", "e") "\n" END),
     "line:4:1", "gateway"},
    {PROCESS(START FLOW("f", "s", "x") "\n<eventBasedGateway id=\"x\" instantiate=\"true\"/>" FLOW(
         "g", "x", "e") END),
     "line:4:1", "unsupported"},
    /* what is repeated */
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\">\n"
             "<multiInstanceLoopCharacteristics/></userTask>"),
     "line:5:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\">\n"
             "<multiInstanceLoopCharacteristics kh:collection=\"a\" kh:outputCollection=\"b\"/>"
             "</userTask>"),
     "line:5:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\">\n"
             "<multiInstanceLoopCharacteristics kh:collection=\"a\" behavior=\"One\"/></userTask>"),
     "line:5:1", "unsupported"},
    {PROCESS(
         START FLOW("f", "s", "t") FLOW("g", "t", "e") END
         "\n<userTask id=\"t\" kh:role=\"r\">\n"
         "<multiInstanceLoopCharacteristics kh:collection=\"a\" kh:element=\"case\"/></userTask>"),
     "line:5:1", "name"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\">\n<standardLoopCharacteristics/></userTask>"),
     "line:5:1", "condition"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\">\n"
             "<standardLoopCharacteristics loopMaximum=\"1001\"/></userTask>"),
     "line:5:1", "number"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "<userTask id=\"t\" kh:role=\"r\" kh:due=\"P1D\"><standardLoopCharacteristics "
             "loopMaximum=\"2\"/></userTask>\n<boundaryEvent id=\"b\" attachedToRef=\"t\" "
             "kh:afterDue=\"P1D\"><timerEventDefinition/></boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "timer"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\">\n"
             "<multiInstanceLoopCharacteristics kh:collection=\"a\" noneBehaviorEventRef=\"x\"/>"
             "</userTask>"),
     "line:5:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "<userTask id=\"t\" kh:role=\"r\">"
             "<multiInstanceLoopCharacteristics kh:collection=\"a\">\n<complexBehaviorDefinition/>"
             "</multiInstanceLoopCharacteristics></userTask>"),
     "line:4:1", "unsupported"},
    {PROCESS(
         START FLOW("f", "s", "e") "<endEvent id=\"e\">\n<terminateEventDefinition>"
                                   "<x:y xmlns:x=\"urn:x\"/><script/></terminateEventDefinition>"
                                   "</endEvent>"),
     "line:4:49", "unsupported"},
    /* compensation */
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\" isForCompensation=\"true\"/>"),
     "line:4:1", "compensation"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END TASK
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\"><compensateEventDefinition/>"
             "</boundaryEvent>"),
     "line:4:1", "compensation"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "c") TASK
             "\n<endEvent id=\"c\"><compensateEventDefinition activityRef=\"t\"/></endEvent>"),
     "line:4:1", "compensation"},
    {PROCESS(START FLOW("f", "s",
                        "c") "<endEvent id=\"c\">\n"
                             "<compensateEventDefinition waitForCompletion=\"false\"/></endEvent>"),
     "line:4:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\" kh:prio=\"1\"/>"),
     "line:4:1", "extension"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\"><extensionElements>\n<kh:input name=\"x\">1"
             "</kh:input></extensionElements></userTask>"),
     "line:5:1", "extension"},
    {PROCESS(START FLOW("f", "s", "e") END "\n<kh:form/>"), "line:4:1", "extension"},
    /* flows */
    {PROCESS(START FLOW("f", "s", "nowhere") END), "line:3:21", "flow"},
    {PROCESS(START FLOW("f", "s", "e") END "\n" TASK FLOW("g", "t", "e")), "line:4:1", "flow"},
    {PROCESS(START FLOW("f", "s", "t") END FLOW("g", "s", "e") "\n" TASK), "line:4:1", "flow"},
    {PROCESS(START FLOW("f", "s", "e") FLOW("g", "e", "s") END), "line:3:1", "flow"},
    {PROCESS(END), "line:2:1", "start"},
    {PROCESS(START FLOW("f", "s", "e") END "<startEvent id=\"s2\"/>" FLOW("g", "s2", "e")),
     "line:2:1", "start"},
    {PROCESS(START FLOW("f", "s", "e") END
             "\n<parallelGateway id=\"a\"/><parallelGateway id=\"b\"/>" FLOW("g", "a", "b")
                 FLOW("h", "b", "a")),
     "line:4:1", "unreachable"},
    {PROCESS(START FLOW("f", "s", "e") END "\n<endEvent id=\"e\"/>"), "line:4:1", "id"},
    {PROCESS(START FLOW("f", "s", "u") END "<subProcess id=\"u\">" START
                                           "</subProcess>" FLOW("g", "u", "e")),
     "line:3:108", "id"},
    {PROCESS(START FLOW("f", "s", "u") END
             "<subProcess id=\"u\"><startEvent id=\"s2\"/>"
             "<endEvent id=\"e2\"/>" FLOW("g", "s2", "e2") "</subProcess>" FLOW(
                 "h", "u", "e") "\n" FLOW("i", "s", "e2")),
     "line:4:1", "flow"},
    /* gateways */
    {PROCESS(START FLOW("f", "s", "x") "\n<exclusiveGateway id=\"x\"/>" FLOW(
         "g", "x",
         "e") "<endEvent id=\"e2\"/><sequenceFlow id=\"h\" sourceRef=\"x\" targetRef=\"e2\">"
              "<conditionExpression>a</conditionExpression></sequenceFlow>" END),
     "line:4:27", "condition"},
    {PROCESS(START FLOW("f", "s", "x") "\n<exclusiveGateway id=\"x\" default=\"f\"/>" FLOW(
         "g", "x", "e") END),
     "line:4:1", "default"},
    {PROCESS(START "\n<sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"e\">"
                   "<conditionExpression>true</conditionExpression></sequenceFlow>" END),
     "line:4:1", "condition"},
    /* expressions and literals */
    {PROCESS(START FLOW("f", "s", "x") "<exclusiveGateway id=\"x\" default=\"g\"/>" FLOW(
         "g", "x", "e") "<sequenceFlow id=\"h\" sourceRef=\"x\" targetRef=\"e\">\n"
                        "<conditionExpression>a = = b</conditionExpression></sequenceFlow>" END),
     "line:4:1", "feel"},
    {PROCESS(START FLOW("f", "s", "x") "<exclusiveGateway id=\"x\" default=\"g\"/>" FLOW(
         "g", "x",
         "e") "<sequenceFlow id=\"h\" sourceRef=\"x\" targetRef=\"e\">\n"
              "<conditionExpression language=\"groovy\">a</conditionExpression></sequenceFlow>" END),
     "line:4:1", "language"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END "\n<userTask id=\"t\"/>"),
     "line:4:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\" kh:due=\"P1H\"/>"),
     "line:4:1", "timer"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\" kh:calendar=\"default\"/>"),
     "line:4:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\" kh:form=\"{&quot;type&quot;:7}\"/>"),
     "line:4:1", "form"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<userTask id=\"t\" kh:role=\"r\" kh:form=\"{]\"/>"),
     "line:4:1", "form"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<serviceTask id=\"t\" kh:function=\"no.such\"/>"),
     "line:4:1", "function"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END "\n<serviceTask id=\"t\"/>"),
     "line:4:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<serviceTask id=\"t\"><extensionElements>\n<kh:http url=\"ftp://x\"/>"
             "</extensionElements></serviceTask>"),
     "line:5:1", "http"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<serviceTask id=\"t\" kh:function=\"record.patch\"><extensionElements>\n"
             "<kh:output name=\"case\">1</kh:output></extensionElements></serviceTask>"),
     "line:5:1", "name"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<scriptTask id=\"t\" scriptFormat=\"javascript\"><script>1</script></scriptTask>"),
     "line:4:1", "language"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END "\n<scriptTask id=\"t\"/>"),
     "line:4:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END "\n<businessRuleTask id=\"t\"/>"),
     "line:4:1", "required"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END "\n<callActivity id=\"t\"/>"),
     "line:4:1", "required"},
    /* events */
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<intermediateCatchEvent id=\"t\"/>"),
     "line:4:1", "unsupported"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "\n<intermediateCatchEvent id=\"t\"><timerEventDefinition/></intermediateCatchEvent>"),
     "line:4:1", "timer"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "<intermediateCatchEvent id=\"t\">\n<messageEventDefinition messageRef=\"m\"/>"
             "</intermediateCatchEvent>"),
     "line:4:1", "message"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END TASK
             "\n<boundaryEvent id=\"b\" attachedToRef=\"none\"><timerEventDefinition><timeDuration>"
             "PT1H</timeDuration></timerEventDefinition></boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "boundary"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
             "<serviceTask id=\"t\" kh:function=\"record.patch\"/>"
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\"><timerEventDefinition><timeDuration>"
             "PT1H</timeDuration></timerEventDefinition></boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "boundary"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END TASK
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\" kh:beforeDue=\"PT1H\">"
             "<timerEventDefinition/></boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "timer"},
    {PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END TASK
             "\n<boundaryEvent id=\"b\" attachedToRef=\"t\"><timerEventDefinition><timeCycle>"
             "R3/PT1H</timeCycle></timerEventDefinition></boundaryEvent>" FLOW("h", "b", "e")),
     "line:4:1", "timer"},
};

static void says_where_and_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        kh_auto_arena a = kh_arena_new(16 << 20);
        struct kh_issues issues = {0};
        struct kh_bpmn bpmn = {0};

        if (compile(a, bad[i].text, &issues, &bpmn))
            fail_msg("accepted: %s", bad[i].text);
        if (!kh_str_is(issues.items[0].pointer, bad[i].pointer) ||
            !kh_str_is(issues.items[0].code, bad[i].code))
            fail_msg("%s\nis said to be %.*s at %.*s: %.*s", bad[i].text,
                     KH_FMT(issues.items[0].code), KH_FMT(issues.items[0].pointer),
                     KH_FMT(issues.items[0].en));
        for (size_t k = 0; k < issues.n; k++) {
            assert_true(issues.items[k].vi.n && issues.items[k].en.n);
            assert_false(kh_str_eq(issues.items[k].vi, issues.items[k].en));
        }
    }
}

static void reports_all_faults_at_once(void **state)
{
    kh_auto_arena a = kh_arena_new(16 << 20);
    struct kh_issues issues = {0};
    struct kh_bpmn bpmn = {0};

    (void)state;
    assert_false(compile(a,
                         PROCESS(START FLOW("f", "s", "t") FLOW("g", "t", "e") END
                                 "<userTask id=\"t\" kh:unit=\"((\" kh:due=\"P1X\"/>"
                                 "<complexGateway id=\"i\"/>"),
                         &issues, &bpmn));
    assert_true(issues.n >= 4);
}

static void takes_any_prefix_and_tolerates_other_vendors(void **state)
{
    (void)state;
    assert_good(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<b:definitions xmlns:b=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" "
        "xmlns:q=\"https://khue.vn/bpmn\" xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" "
        "xmlns:bpmndi=\"http://www.omg.org/spec/BPMN/20100524/DI\" exporter=\"x\">"
        "<b:collaboration id=\"c\"><b:participant id=\"pa\" processRef=\"p\"/></b:collaboration>"
        "<b:process id=\"p\" isExecutable=\"false\" zeebe:x=\"1\">"
        "<b:documentation>d</b:documentation>"
        "<b:laneSet><b:lane id=\"l\"><b:flowNodeRef>s</b:flowNodeRef></b:lane></b:laneSet>"
        "<b:startEvent id=\"s\"><b:outgoing>f</b:outgoing></b:startEvent>"
        "<b:userTask id=\"t\" zeebe:assignee=\"a\"><b:extensionElements><zeebe:formDefinition/>"
        "<q:role>officer</q:role></b:extensionElements><b:incoming>f</b:incoming></b:userTask>"
        "<b:endEvent id=\"e\"/><b:textAnnotation id=\"n\"><b:text>t</b:text></b:textAnnotation>"
        "<b:sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"t\"/>"
        "<b:sequenceFlow id=\"g\" sourceRef=\"t\" targetRef=\"e\"/>"
        "</b:process><bpmndi:BPMNDiagram><bpmndi:BPMNPlane/></bpmndi:BPMNDiagram></b:definitions>");
}

static void compiles_into_a_program(void **state)
{
    kh_auto_arena a = kh_arena_new(16 << 20);
    struct kh_issues issues = {0};
    struct kh_bpmn bpmn = {0};
    const struct kh_program *p;
    const struct kh_node *t;

    (void)state;
    assert_true(compile(
        a,
        PROCESS(
            START FLOW("f", "s", "t") FLOW("g", "t", "e") END
            "<userTask id=\"t\" name=\"Làm\" kh:nameEn=\"Do\" kh:role=\"officer\" "
            "kh:unit=\"= case.unit\" kh:due=\"P3D\" kh:calendar=\"default\"/>"
            "<boundaryEvent id=\"b\" attachedToRef=\"t\" cancelActivity=\"false\" "
            "kh:beforeDue=\"PT4H\"><timerEventDefinition/></boundaryEvent>" FLOW("h", "b", "e")),
        &issues, &bpmn));
    p = bpmn.programs[0];
    assert_int_equal(bpmn.n, 1);
    assert_int_equal(p->nodes_n, 4);
    assert_int_equal(p->start, kh_program_node(p, KH_S("s")));
    t = &p->nodes[kh_program_node(p, KH_S("t"))];
    assert_int_equal(t->kind, KH_N_USER);
    assert_true(kh_str_is(t->name_vi, "Làm") && kh_str_is(t->name_en, "Do"));
    assert_int_equal(t->unit.reads, KH_READS_CASE);
    assert_int_equal(t->timing.how, KH_T_SPAN);
    assert_int_equal(t->timing.span.days, 3);
    assert_int_equal(t->boundary_n, 1);
    assert_int_equal(t->out_n, 1);
    assert_false(p->nodes[p->boundary[t->boundary_first]].interrupting);
    kh_bpmn_drop(&bpmn);
}

static void refuses_too_many_nodes_and_too_deep_ones(void **state)
{
    kh_auto_arena a = kh_arena_new(256 << 20);
    struct kh_buf b = kh_buf(a, 4 << 20);
    struct kh_issues issues = {0};
    struct kh_bpmn bpmn = {0};

    (void)state;
    kh_buf_z(&b, HEAD "<process id=\"p\">" START);
    for (int i = 0; i < 2500; i++)
        kh_buf_strf(&b, "<parallelGateway id=\"g%d\"/>", i);
    kh_buf_z(&b, "</process>" TAIL);
    kh_buf_c(&b, '\0');
    assert_false(compile(a, b.p, &issues, &bpmn));
    assert_true(kh_str_is(issues.items[0].code, "limit"));
    b.n = 0;
    issues = (struct kh_issues){0};
    kh_buf_z(&b, HEAD "<process id=\"p\">");
    for (int i = 0; i < 12; i++)
        kh_buf_strf(&b, "<subProcess id=\"u%d\">", i);
    for (int i = 0; i < 12; i++)
        kh_buf_z(&b, "</subProcess>");
    kh_buf_z(&b, "</process>" TAIL);
    kh_buf_c(&b, '\0');
    assert_false(compile(a, b.p, &issues, &bpmn));
    assert_true(kh_str_is(issues.items[0].code, "limit"));
}

/* Cut and spoiled everywhere: an error or a program, never a crash. */
static void survives_spoiled_models(void **state)
{
    static const char text[] = PROCESS(
        START FLOW("f", "s", "t") FLOW("g", "t", "x") END
        "<userTask id=\"t\" kh:role=\"r\" kh:due=\"P1D\" kh:form=\"{}\"/>"
        "<exclusiveGateway id=\"x\" default=\"h\"/>" FLOW(
            "h", "x",
            "e") "<endEvent id=\"e2\"/>"
                 "<sequenceFlow id=\"i\" sourceRef=\"x\" targetRef=\"e2\"><conditionExpression>a > 1"
                 "</conditionExpression></sequenceFlow><boundaryEvent id=\"b\" attachedToRef=\"t\">"
                 "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
                 "</boundaryEvent>" FLOW("j", "b", "e"));
    uint64_t seed = 1;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        kh_auto_arena a = kh_arena_new(16 << 20);
        char *copy = kh_str_z(a, kh_cstr(text));
        struct kh_issues issues = {0};
        struct kh_bpmn bpmn = {0};

        for (int k = 0; k < 3; k++) {
            static const char marks[] = "<>/\"=& aAstexgb{}()0";

            seed = seed * 6364136223846793005u + 1442695040888963407u;
            copy[300 + (seed >> 33) % (sizeof(text) - 320)] =
                marks[(seed >> 20) % (sizeof(marks) - 1)];
        }
        if (compile(a, copy, &issues, &bpmn))
            kh_bpmn_drop(&bpmn);
        else
            assert_true(issues.n > 0);
    }
}

static struct kh_str read_file(struct kh_arena *a, const char *name)
{
    struct kh_str path = kh_strf(a, "%s/%s", getenv("KHUE_SOURCE"), name);
    FILE *f = fopen(kh_str_z(a, path), "rb");
    char *text = kh_alloc(a, 1 << 20);
    size_t n;

    if (!f)
        fail_msg("%.*s is not there", KH_FMT(path));
    n = fread(text, 1, (1 << 20) - 1, f);
    text[n] = '\0';
    fclose(f);
    return kh_str(text, n);
}

/* The same with all that modellers write: elements, references and words of others are spoiled. */
static void survives_spoiled_files(void **state)
{
    static const char *const files[] = {"bpmn-io",  "camunda-7", "camunda-8",
                                        "signavio", "bizagi",    "trisotech"};
    uint64_t seed = 7;

    (void)state;
    for (size_t f = 0; f < KH_LEN(files); f++) {
        kh_auto_arena keep = kh_arena_new(16 << 20);
        struct kh_str text = read_file(
            keep, kh_str_z(keep, kh_strf(keep, "tests/unit/process/models/%s.bpmn", files[f])));

        for (int round = 0; round < 300; round++) {
            kh_auto_arena a = kh_arena_new(16 << 20);
            char *copy = kh_str_z(a, text);
            struct kh_issues issues = {0};
            struct kh_bpmn bpmn = {0};

            /* One letter of a name or reference becomes another: the XML stays well-formed mostly. */
            for (int k = 0; k < 4; k++) {
                size_t at;

                seed = seed * 6364136223846793005u + 1442695040888963407u;
                at = 900 + (seed >> 33) % (text.n - 900);
                if (copy[at] >= 'a' && copy[at] <= 'z')
                    copy[at] = (char)('a' + (seed >> 20) % 26);
            }
            if (compile(a, copy, &issues, &bpmn))
                kh_bpmn_drop(&bpmn);
            else
                assert_true(issues.n > 0);
        }
    }
}

static void accepts_the_processes_of_the_packs(void **state)
{
    static const char *const files[] = {"packs/feedback/processes/report.bpmn"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(files); i++) {
        kh_auto_arena a = kh_arena_new(16 << 20);

        assert_good(read_file(a, files[i]).p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_where_and_what_is_wrong),
        cmocka_unit_test(reports_all_faults_at_once),
        cmocka_unit_test(takes_any_prefix_and_tolerates_other_vendors),
        cmocka_unit_test(compiles_into_a_program),
        cmocka_unit_test(refuses_too_many_nodes_and_too_deep_ones),
        cmocka_unit_test(survives_spoiled_models),
        cmocka_unit_test(survives_spoiled_files),
        cmocka_unit_test(accepts_the_processes_of_the_packs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
