/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib.h"

/* Translation tables for 40-bit addresses, 4 KiB granule: level 0 has two entries of 512 GiB (Arm
 * ARM D8.2). */
static uint64_t level0[512] __attribute__((aligned(4096)));
static uint64_t level1[2][512] __attribute__((aligned(4096)));

enum {
    TABLE = 3,
    BLOCK = 1,
    ATTR_DEVICE = 0 << 2,
    ATTR_NORMAL = 1 << 2,
    INNER_SHAREABLE = 3 << 8,
    ACCESS_FLAG = 1 << 10,
};
#define NEVER_EXECUTE (3ull << 53) /* UXN, PXN */

/* Everything at its own address: RAM as normal memory (by whole GiB), the rest as device memory.
 * Runs with the MMU off. */
uint64_t *mmu_tables(const void *dtb);

uint64_t *mmu_tables(const void *dtb)
{
    struct fdt_range ranges[64];
    unsigned n = fdt_ranges(dtb, ranges, 64);

    for (uint64_t gib = 0; gib < 1024; gib++) {
        uint64_t base = gib << 30, entry = base | BLOCK | ATTR_DEVICE | ACCESS_FLAG | NEVER_EXECUTE;
        for (unsigned i = 0; i < n && i < 64; i++)
            if (ranges[i].memory && ranges[i].base < base + (1ull << 30) &&
                base < ranges[i].base + ranges[i].size)
                entry = base | BLOCK | ATTR_NORMAL | INNER_SHAREABLE | ACCESS_FLAG;
        level1[gib / 512][gib % 512] = entry;
    }
    level0[0] = (uint64_t)level1[0] | TABLE;
    level0[1] = (uint64_t)level1[1] | TABLE;
    barrier();
    return level0;
}
