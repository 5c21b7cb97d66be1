/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/fuzz -- one function per harness, run by libFuzzer (-Dfuzz=true, clang) or over a corpus.
 *
 * A harness checks properties with FUZZ_CHECK; it never decides what is right by a list.
 */
#ifndef KH_TESTS_FUZZ_H
#define KH_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(x)                                                                              \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "property does not hold: %s at %s:%d\n", #x, __FILE__, __LINE__);      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
