/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation tables of 39-bit address spaces: 4 KiB granule, walks start at level 1 (Arm ARM
 * D5.2.6). EL2's stage 1 and the guests' stage 2 have the same shape; only attribute bits differ.
 * Plain C: runs on the host, and before the MMU is on. Boot core only: tables are complete before
 * anything walks them, so no break-before-make (D5.10.1) is ever needed.
 */
#ifndef ARM64_PAGETABLE_H
#define ARM64_PAGETABLE_H

#include <bulkhead/types.h>

enum { TABLE_ENTRIES = 512, TABLE_POOL_PAGES = 128 };
#define TABLE_SPAN (1ULL << 39) /* bytes that one address space has */

/* A block or page as a walk finds it. */
struct leaf {
    uint64_t in, out, bytes;
    uint64_t descriptor;
};

/* The pool is all free. Before its first use only. */
void table_reset(void);
/* An empty table from the static pool, which has no way back. NULL: exhausted. */
uint64_t *table_alloc(void);
void table_use(unsigned *used, unsigned *total);
/* CRC-32, begun with `crc`, of one of the tables in use. */
uint32_t table_hash(uint32_t crc, unsigned page);
/* Machine address of a table, for TTBRs and VTTBR. */
uint64_t table_pa(const uint64_t *table);

/*
 * Map [in, in+bytes) to [out, ...) with `attributes` in every leaf, by the largest blocks that fit.
 * All page aligned. False: nothing mapped where the range is not within the address space or (2^44)
 * machine addresses, or touches something mapped; partly mapped where the pool is exhausted.
 */
bool table_map(uint64_t *root, uint64_t in, uint64_t out, uint64_t bytes, uint64_t attributes);
/* Software walk. False: not mapped. */
bool table_walk(const uint64_t *root, uint64_t in, struct leaf *out);
/* `visit` for each leaf, in order. */
void table_visit(const uint64_t *root, void (*visit)(void *context, const struct leaf *leaf),
                 void *context);
/* Take away one 4 KiB page. The caller sees to TLBs. */
void table_unmap_page(uint64_t *root, uint64_t in);

#endif
