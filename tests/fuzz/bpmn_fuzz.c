/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/bpmn.h"
#include "fuzz.h"

/* A model is refused with a place and a sentence in both languages, or its program hangs together. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kh_auto_arena a = kh_arena_new(64 << 20);
    struct kh_issues issues = {0};
    struct kh_error err = {0};
    struct kh_bpmn b = {0};

    if (!kh_bpmn_compile(a, kh_str((const char *)data, size), NULL, NULL, &issues, &b, &err)) {
        FUZZ_CHECK(err.code == KH_EC_PROCESS_INVALID || err.code == KH_EC_ARENA_FULL);
        for (size_t i = 0; i < issues.n; i++)
            FUZZ_CHECK(kh_str_starts(issues.items[i].pointer, KH_S("line:")) &&
                       issues.items[i].vi.n && issues.items[i].en.n);
        return 0;
    }
    FUZZ_CHECK(issues.n == 0 && b.n > 0);
    for (unsigned k = 0; k < b.n; k++) {
        const struct kh_program *p = b.programs[k];

        for (unsigned i = 0; i < p->nodes_n; i++) {
            const struct kh_node *n = &p->nodes[i];

            FUZZ_CHECK(kh_program_node(p, n->id) == (int)i);
            FUZZ_CHECK(n->parent < (int)p->nodes_n && n->host < (int)p->nodes_n);
            FUZZ_CHECK(n->out_first + n->out_n <= p->flows_n);
            FUZZ_CHECK(n->boundary_first + n->boundary_n <= p->boundary_n);
            FUZZ_CHECK(n->kind != KH_N_END || n->out_n == 0);
            FUZZ_CHECK(n->out_n || n->kind == KH_N_END || n->undoes || n->by_event ||
                       n->event == KH_EV_LINK || n->event == KH_EV_COMPENSATE);
            FUZZ_CHECK(n->kind != KH_N_SUB || p->nodes[n->start].parent == (int)i);
            for (unsigned f = 0; f < n->out_n; f++)
                FUZZ_CHECK(p->flows[p->out[n->out_first + f]].from == (int)i);
        }
        for (unsigned f = 0; f < p->flows_n; f++)
            FUZZ_CHECK(p->flows[f].slot < p->nodes[p->flows[f].to].in_n);
    }
    kh_bpmn_drop(&b);
    return 0;
}
