/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzzers share: an input taken apart, and what must hold whatever the input. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <bulkhead/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Not assert(): always on, and an abort is what libFuzzer reports with its input. */
#define REQUIRE(what)                                                          \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                           \
        }                                                                      \
    } while (0)

struct input {
    const uint8_t *at;
    size_t left;
};

/* The next bytes as a little-endian number; zeros behind the end. */
static inline uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes && in->left; i++, in->at++, in->left--)
        v |= (uint64_t)*in->at << 8 * i;
    return v;
}

/* The rest of the input in a block of its very size, so that the sanitizer sees a step beyond.
 * free() it. */
static inline uint8_t *take_rest(struct input *in, size_t *bytes)
{
    uint8_t *block = malloc(in->left ? in->left : 1);
    *bytes = in->left;
    if (!block)
        abort();
    if (in->left)
        memcpy(block, in->at, in->left);
    return block;
}

#endif
