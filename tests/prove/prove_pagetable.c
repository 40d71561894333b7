// cbmc: --unwind 9 --object-bits 12
// bounds: tables of two entries instead of 512, so 32 KiB in pages, blocks of 8 and of 16 KiB; one call with any arguments; any address looked up
/* SPDX-License-Identifier: BSD-2-Clause */
/* The builder of stage 2 (and of EL2's tables): whatever it is asked for, what a walk finds is what
 * was asked for, to the very byte, and what was there before stays. */
#include "prove.h"

#include <arch/arm64/pagetable.h>
#include <bulkhead/arch.h>

#define TABLE_BITS       2
#define TABLE_ENTRIES    4
#define TABLE_POOL_PAGES 7
#include "../../arch/arm64/pagetable.c"

enum { CALLS = 1 };
static const uint64_t attributes = 1ULL << 10 | 3ULL << 6;

paddr_t image_paddr(const void *object)
{
    (void)object;
    return paddr(MIB(16));
}

uint32_t crc32(uint32_t crc, const void *data, size_t bytes)
{
    (void)data;
    (void)bytes;
    return crc;
}

static bool inside(uint64_t at, uint64_t base, uint64_t bytes)
{
    return at >= base && at - base < bytes;
}

int main(void)
{
    uint64_t in[CALLS], out[CALLS], bytes[CALLS], at = nondet_u64();
    bool done[CALLS];
    uint64_t *root;
    struct leaf leaf;
    bool found;

    table_reset();
    root = table_alloc();
    for (unsigned i = 0; i < CALLS; i++) {
        in[i] = nondet_u64();
        out[i] = nondet_u64();
        bytes[i] = nondet_u64();
        done[i] = table_map(root, in[i], out[i], bytes[i], attributes);
        PROVE(!done[i] || (bytes[i] <= TABLE_SPAN && in[i] <= TABLE_SPAN - bytes[i]),
              "in the address space");
    }
    found = table_walk(root, at, &leaf);
    for (unsigned i = 0; i < CALLS; i++) {
        PROVE(!done[i] || !inside(at, in[i], bytes[i]) || found, "all of it is mapped");
        PROVE(!done[i] || !inside(at, in[i], bytes[i]) ||
                  leaf.out + (at - leaf.in) == out[i] + (at - in[i]),
              "to where it was asked for");
    }
    if (found) {
        bool asked = false;
        for (unsigned i = 0; i < CALLS; i++)
            asked |= inside(at, in[i], bytes[i]);
        PROVE(asked, "nothing else is mapped");
        PROVE((leaf.descriptor & attributes) == attributes, "with these attributes");
    }
    return 0;
}
