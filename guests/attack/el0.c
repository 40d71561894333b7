/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages for EL0, below 4 GiB for AArch32's sake. */
#include "attack.h"

enum {
    TABLE = 3,
    PAGE = 3,
    ATTR_NORMAL = 1 << 2,
    EL0_ALLOWED = 1 << 6, /* AP[1] */
    INNER_SHAREABLE = 3 << 8,
    ACCESS_FLAG = 1 << 10,
    GIB = 2, /* AArch32 reaches it too, and no RAM of ours is there */
};
#define NEVER_AT_EL1  (1ull << 53)
#define TABLE_ADDRESS 0x0000fffffffff000ull

uint8_t el0_page[EL0_PAGES][4096] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));

uint64_t el0_address(unsigned page)
{
    return ((uint64_t)GIB << 30) + 4096ul * page;
}

static void flush_tlb(void)
{
    __asm__ volatile("dsb ishst; tlbi vmalle1is; dsb ish; isb" ::: "memory");
}

uint64_t set_level1(unsigned index, uint64_t descriptor)
{
    const uint64_t *root = (const uint64_t *)(SYSREG_READ(ttbr0_el1) & TABLE_ADDRESS);
    uint64_t *entry = (uint64_t *)(root[index / 512] & TABLE_ADDRESS) + index % 512;
    uint64_t old = *entry;
    *entry = 0;
    flush_tlb();
    *entry = descriptor;
    flush_tlb();
    return old;
}

void el0_map(void)
{
    for (unsigned i = 0; i < EL0_PAGES; i++)
        level3[i] = (uint64_t)el0_page[i] | PAGE | ATTR_NORMAL | EL0_ALLOWED | INNER_SHAREABLE |
                    ACCESS_FLAG | NEVER_AT_EL1;
    level2[0] = (uint64_t)level3 | TABLE;
    barrier();
    set_level1(GIB, (uint64_t)level2 | TABLE);
    SYSREG_WRITE(sp_el0, el0_address(EL0_PAGES - 1) + 4096);
}

/* Arm ARM B2.4.4. By line it would be finer; pages here are written whole. */
void code_written(void)
{
    for (unsigned i = 0; i < EL0_PAGES; i++)
        for (unsigned at = 0; at < 4096; at += 64)
            __asm__ volatile("dc cvau, %0" ::"r"(&el0_page[i][at]) : "memory");
    __asm__ volatile("dsb ish; ic ialluis; dsb ish; isb" ::: "memory");
}
