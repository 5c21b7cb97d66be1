/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas that would never come to an end. */
#include "engine/registry/schema/program.h"

/* Nodes that apply to the same value as n, the i-th; NULL after the last. */
static const struct node *in_place(const struct node *n, size_t i)
{
    const struct logic *l = n->logic;

    if (l) {
        const struct node *few[] = {l->ref,  l->dynamic.name.p ? NULL : l->dynamic.fixed,
                                    l->no,   l->cond,
                                    l->then, l->otherwise};
        const struct list *lists[] = {&l->all, &l->any, &l->one};

        for (size_t k = 0; k < KH_LEN(few); k++)
            if (few[k] && i-- == 0)
                return few[k];
        for (size_t k = 0; k < KH_LEN(lists); k++) {
            if (i < lists[k]->n)
                return lists[k]->at[i];
            i -= lists[k]->n;
        }
    }
    for (uint32_t k = 0; n->object && k < n->object->dependencies_n; k++)
        if (n->object->dependencies[k].node && i-- == 0)
            return n->object->dependencies[k].node;
    return NULL;
}

struct step {
    struct node *n;
    size_t i;
};

/* A schema that comes back to itself at the same value would never end. */
void kh_schema_cycles(struct compiler *c)
{
    struct step *stack = kh_new_n(c->scratch, c->nodes + 1, struct step);

    for (struct node *start = c->all; start; start = start->next) {
        size_t n = 0;

        if (start->mark != MARK_NEW)
            continue;
        start->mark = MARK_OPEN;
        stack[n++] = (struct step){start, 0};
        while (n) {
            struct step *top = &stack[n - 1];
            /* Nodes belong to the compiler until it returns. */
            struct node *to = (struct node *)(uintptr_t)in_place(top->n, top->i++);

            if (!to) {
                top->n->mark = MARK_DONE;
                n--;
            } else if (to->mark == MARK_OPEN) {
                kh_schema_bad(c, top->n->resource, top->n->where,
                              "Lược đồ tự tham chiếu vòng tròn trên cùng một giá trị",
                              "The schema refers back to itself at the same value", KH_S(""));
                return;
            } else if (to->mark == MARK_NEW && to->source) {
                to->mark = MARK_OPEN;
                stack[n++] = (struct step){to, 0};
            }
        }
    }
}
