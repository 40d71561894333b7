/* SPDX-License-Identifier: BSD-2-Clause */
#include "pagetable.h"

#include <bulkhead/arch.h>
#include <bulkhead/crc32.h>

/* VMSAv8-64 descriptors (Arm ARM D5.3.1). */
#define DESC_VALID   1ULL
#define DESC_TABLE   3ULL /* levels 1, 2: next table */
#define DESC_BLOCK   1ULL /* levels 1, 2: block */
#define DESC_PAGE    3ULL /* level 3 */
#define DESC_TYPE    3ULL
#define DESC_ADDRESS 0x0000fffffffff000ULL

#define OUT_SPAN (1ULL << 44) /* Cortex-A72's physical address space */

/*
 * Neither zeroed by boot (a table is cleared when it is taken) nor in bss: the first tables are
 * taken before there is a bss.
 */
__attribute__((section(".bss..early.tables"),
               aligned(4096))) static uint64_t pool[TABLE_POOL_PAGES][TABLE_ENTRIES];
__attribute__((section(".bss..early.data"))) static unsigned pool_used;

/* A descriptor is one 64-bit store, and a table is whole before another walks into it. A loop of
 * these never becomes a call of memset(), which may not be used before the MMU is on. */
static void store(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

uint64_t table_pa(const uint64_t *table)
{
    return image_paddr(pool).v + (uint64_t)((const uint8_t *)table - (const uint8_t *)pool);
}

static uint64_t *table_at(uint64_t descriptor)
{
    return pool[0] + ((descriptor & DESC_ADDRESS) - image_paddr(pool).v) / sizeof(uint64_t);
}

void table_reset(void)
{
    pool_used = 0;
}

uint64_t *table_alloc(void)
{
    uint64_t *table;

    if (pool_used == TABLE_POOL_PAGES)
        return NULL;
    table = pool[pool_used++];
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        store(&table[i], 0);
    return table;
}

uint32_t table_hash(uint32_t crc, unsigned page)
{
    return crc32(crc, pool[page], sizeof(pool[0]));
}

void table_use(unsigned *used, unsigned *total)
{
    *used = pool_used;
    *total = TABLE_POOL_PAGES;
}

static unsigned shift_of(unsigned level)
{
    return 39 - 9 * level; /* 30, 21, 12 */
}

static unsigned index_of(uint64_t in, unsigned level)
{
    return in >> shift_of(level) & (TABLE_ENTRIES - 1);
}

static uint64_t span_of(unsigned level)
{
    return 1ULL << shift_of(level);
}

static bool is_table(uint64_t descriptor, unsigned level)
{
    return level < 3 && (descriptor & DESC_TYPE) == DESC_TABLE;
}

/* The deepest entry for `in`, and its level: a leaf, or a hole of that level's span. */
static uint64_t lookup(const uint64_t *root, uint64_t in, unsigned *level)
{
    const uint64_t *table = root;
    uint64_t entry;

    for (*level = 1;; ++*level) {
        entry = table[index_of(in, *level)];
        if (!is_table(entry, *level))
            return entry;
        table = table_at(entry);
    }
}

static bool is_free(const uint64_t *root, uint64_t in, uint64_t bytes)
{
    uint64_t end = in + bytes;

    while (in < end) {
        unsigned level;
        if (lookup(root, in, &level) & DESC_VALID)
            return false;
        in = align_down(in, span_of(level)) + span_of(level);
    }
    return true;
}

static bool is_sound(uint64_t in, uint64_t out, uint64_t bytes)
{
    return ((in | out | bytes) & (PAGE_SIZE - 1)) == 0 && in <= TABLE_SPAN &&
           bytes <= TABLE_SPAN - in && out <= OUT_SPAN && bytes <= OUT_SPAN - out;
}

/* One leaf at `level`, making the tables above it. */
static bool map_leaf(uint64_t *root, uint64_t in, uint64_t descriptor, unsigned level)
{
    uint64_t *table = root;

    for (unsigned l = 1; l < level; l++) {
        uint64_t *entry = &table[index_of(in, l)];
        if (!(*entry & DESC_VALID)) {
            uint64_t *next = table_alloc();
            if (!next)
                return false;
            store(entry, table_pa(next) | DESC_TABLE);
        }
        table = table_at(*entry);
    }
    store(&table[index_of(in, level)], descriptor);
    return true;
}

bool table_map(uint64_t *root, uint64_t in, uint64_t out, uint64_t bytes, uint64_t attributes)
{
    if (!is_sound(in, out, bytes) || !is_free(root, in, bytes))
        return false;
    while (bytes) {
        unsigned level = 1;
        while (level < 3 && (((in | out) & (span_of(level) - 1)) || bytes < span_of(level)))
            level++;
        if (!map_leaf(root, in, out | attributes | (level == 3 ? DESC_PAGE : DESC_BLOCK), level))
            return false;
        in += span_of(level);
        out += span_of(level);
        bytes -= span_of(level);
    }
    return true;
}

bool table_walk(const uint64_t *root, uint64_t in, struct leaf *out)
{
    unsigned level;
    uint64_t entry;

    if (in >= TABLE_SPAN)
        return false;
    entry = lookup(root, in, &level);
    if (!(entry & DESC_VALID))
        return false;
    *out = (struct leaf){
        .in = align_down(in, span_of(level)),
        .out = align_down(entry & DESC_ADDRESS, span_of(level)),
        .bytes = span_of(level),
        .descriptor = entry,
    };
    return true;
}

void table_visit(const uint64_t *root, void (*visit)(void *, const struct leaf *), void *context)
{
    uint64_t in = 0;

    while (in < TABLE_SPAN) {
        struct leaf leaf;
        unsigned level;
        if (table_walk(root, in, &leaf))
            visit(context, &leaf);
        (void)lookup(root, in, &level);
        in = align_down(in, span_of(level)) + span_of(level);
    }
}

void table_unmap_page(uint64_t *root, uint64_t in)
{
    unsigned level;

    if (lookup(root, in, &level) & DESC_VALID && level == 3)
        (void)map_leaf(root, in, 0, 3);
}
