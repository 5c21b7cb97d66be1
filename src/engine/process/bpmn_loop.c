/* SPDX-License-Identifier: Apache-2.0 */
/* How an activity is repeated: standard loops and multi-instance. */
#include "engine/process/bpmn_read.h"

enum { LOOP_MAX = 1000 }; /* what a model may ask for; KH_RUN_ROUNDS is the same */

static void read_standard(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_loop *l)
{
    const struct kh_xml *c = kh_xml_child(x, KH_BPMN_NS, "loopCondition");
    struct kh_str max = kh_xml_attr(x, "loopMaximum");
    int64_t v;

    l->how = KH_L_LOOP;
    l->before = kh_str_is(kh_xml_attr(x, "testBefore"), "true");
    if (c)
        kh_bpmn_condition(r, c, &l->condition);
    if (max.n && kh_str_int(max, &v) && v >= 1 && v <= LOOP_MAX)
        l->max = (unsigned)v;
    else if (max.n)
        complain_at(r, x, "number", "Số vòng lặp phải từ 1 đến 1000, không phải \"%s\".",
                    "The rounds of a loop are 1 to 1000, not \"%s\".", max);
    if (!c && !l->max)
        complain_at(r, x, "condition", "Vòng lặp cần loopCondition hoặc loopMaximum.",
                    "A loop needs a loopCondition or a loopMaximum.", KH_S(""));
}

/* kh:name, or the text of a standard element, or the name of a standard data item, or what Camunda
 * calls it. */
struct words {
    const char *ext, *element, *zeebe, *camunda;
};
static const struct words collection_words = {"collection", "loopDataInputRef", "inputCollection",
                                              "collection"};
static const struct words element_words = {"element", "inputDataItem", "inputElement",
                                           "elementVariable"};
static const struct words gather_words = {"outputCollection", "loopDataOutputRef",
                                          "outputCollection", NULL};
static const struct words output_words = {"outputElement", "outputDataItem", "outputElement", NULL};

static struct kh_str either(const struct kh_xml *x, const struct words *say,
                            const struct kh_xml **ret_at)
{
    struct kh_str v = kh_bpmn_ext(x, say->ext);
    const struct kh_xml *c = kh_xml_child(x, KH_BPMN_NS, say->element);
    const struct kh_xml *z = kh_bpmn_zeebe(x, "loopCharacteristics");

    *ret_at = x;
    if (!v.n && c) {
        *ret_at = c;
        v = kh_xml_attr(c, "name").n ? kh_xml_attr(c, "name") : kh_str_trim(c->text);
    }
    if (!v.n && z)
        v = kh_xml_attr(z, say->zeebe);
    if (!v.n && say->camunda)
        v = kh_bpmn_camunda(x, say->camunda);
    return v;
}

static struct kh_str variable(struct kh_bpmn_reader *r, const struct kh_xml *x,
                              const struct words *say)
{
    const struct kh_xml *at;
    struct kh_str name = either(x, say, &at);

    if (!name.n)
        return KH_S("");
    if (!kh_bpmn_name_ok(name))
        complain_at(r, at, "name", "Tên biến \"%s\" không hợp lệ hoặc đã dành riêng.",
                    "The name \"%s\" is not valid for a variable, or reserved.", name);
    return name;
}

static void read_output(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_loop *l)
{
    const struct kh_xml *at;
    struct kh_str output = either(x, &output_words, &at);

    l->gather = variable(r, x, &gather_words);
    if ((l->gather.n > 0) != (output.n > 0))
        complain_at(r, x, "required", "outputCollection và outputElement đi cùng nhau.",
                    "outputCollection and outputElement go together.", KH_S(""));
    if (output.n)
        kh_bpmn_expr(r, at, output, &l->output);
}

static void read_multiple(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_loop *l)
{
    const struct kh_xml *count = kh_xml_child(x, KH_BPMN_NS, "loopCardinality"), *at;
    const struct kh_xml *enough = kh_xml_child(x, KH_BPMN_NS, "completionCondition");
    struct kh_str collection = either(x, &collection_words, &at);
    struct kh_str behavior = kh_xml_attr(x, "behavior");

    l->how = kh_str_is(kh_xml_attr(x, "isSequential"), "true") ? KH_L_SEQUENTIAL : KH_L_PARALLEL;
    if (behavior.n && !kh_str_is(behavior, "All"))
        complain_at(r, x, "unsupported", "Thuộc tính %s (với giá trị này) chưa được hỗ trợ ở đây.",
                    "The attribute %s (with this value) is not supported here.", KH_S("behavior"));
    if (collection.n)
        kh_bpmn_expr(r, at, collection, &l->collection);
    if (count)
        kh_bpmn_condition(r, count, &l->cardinality);
    if ((count != NULL) == (collection.n > 0))
        complain_at(r, x, "required", "Cần loopCardinality hoặc kh:collection (chỉ một).",
                    "loopCardinality or kh:collection is needed (one of them).", KH_S(""));
    l->element = variable(r, x, &element_words);
    if (l->element.n && !collection.n)
        complain_at(r, x, "required", "kh:element cần kh:collection.",
                    "kh:element needs kh:collection.", KH_S(""));
    if (enough)
        kh_bpmn_condition(r, enough, &l->condition);
    read_output(r, x, l);
}

void kh_bpmn_loop(struct kh_bpmn_reader *r, const struct kh_xml *x, struct kh_node *n)
{
    static const char words[] = ",collection,element,outputCollection,outputElement,";
    struct kh_loop *l = kh_new(r->a, struct kh_loop);
    bool standard = kh_str_is(x->name, "standardLoopCharacteristics");

    kh_bpmn_attrs(r, x, standard ? ",testBefore,loopMaximum," : ",isSequential,behavior,",
                  standard ? "," : words);
    kh_bpmn_children(r, x,
                     standard ? ",loopCondition,"
                              : ",loopCardinality,completionCondition,loopDataInputRef,"
                                "inputDataItem,loopDataOutputRef,outputDataItem,",
                     standard ? "," : words);
    if (n->loop)
        complain_at(r, x, "loop", "Hoạt động %s chỉ lặp theo một cách.",
                    "The activity %s is repeated in one way only.", n->id);
    if (standard)
        read_standard(r, x, l);
    else
        read_multiple(r, x, l);
    n->loop = l;
}
