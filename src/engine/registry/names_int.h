/* SPDX-License-Identifier: Apache-2.0 */
/**
 * names_int -- what people are found by: the terms of rows and those of questions are made alike.
 *
 *   names.c        the terms, and those of a row      names_list.c   a question, and its page
 *
 * Used   by the files above only.
 */
#ifndef KH_REGISTRY_NAMES_INT_H
#define KH_REGISTRY_NAMES_INT_H

#include "engine/registry/list_int.h"

/** No letter, so no folded word has it; the search index takes it for one. */
#define KH_NAME_MARK "\xC2\xB7"

enum { KH_NAME_WORDS = 8 /**< different words of one name that count */ };

/** Different words, in the order of bytes: without their accents, and with them. */
struct kh_name_words {
    struct kh_str folded[KH_NAME_WORDS], exact[KH_NAME_WORDS];
    size_t folded_n, exact_n;
    bool accented[KH_NAME_WORDS]; /**< the exact word is not what it is folded to */
};

/** Words of which terms are made. */
struct kh_word_list {
    const struct kh_str *words;
    const bool *accented; /**< NULL: folded words */
    size_t n;
};

void kh_name_words_read(struct kh_arena *a, struct kh_str text, struct kh_name_words *ret);
/** The name of a record as it is written: its parts, one blank between them. */
struct kh_str kh_name_of(const struct kh_type *t, struct kh_arena *a, const struct kh_json *fields);

/** n words, one to three, as a term: at says which, ascending. */
void kh_name_put_words(struct kh_buf *b, const struct kh_word_list *l, const size_t *at, size_t n);
/** "·birt·19850302" */
void kh_name_put_value(struct kh_buf *b, const struct kh_field *f, const struct kh_rval *v);
/** "·h2600070·hoa" */
void kh_name_put_in_unit(struct kh_buf *b, struct kh_str unit, struct kh_str word);

#endif
