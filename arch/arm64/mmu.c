/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's address space. Before arch_finish_tables() the boot core runs on the boot tables; what it
 * maps there as devices and files, and the image, then becomes part of every core's own tables by
 * sharing the tables below level 1. A core's window on RAM is in its own level-1 table only.
 */
#include "mmu.h"

#include <bulkhead/log.h>
#include <bulkhead/partition.h>

#include "arch_internal.h"
#include "pagetable.h"
#include "sysregs.h"

#define GIB_SHIFT 30

static bool finished;

/* The level-1 table this core runs on: the boot tables', then its own. */
static uint64_t *live_root(void)
{
    return (uint64_t *)(uintptr_t)(read_sysreg(ttbr0_el2) - early.image_pa + VA_IMAGE);
}

paddr_t image_paddr(const void *object)
{
    return paddr((uint64_t)object - (uint64_t)__image_start + early.image_pa);
}

struct range arch_image(void)
{
    uint64_t bytes = (uint64_t)(__image_end - __image_start);

    return (struct range){early.image_pa, align_up(bytes, BLOCK_2M)};
}

void arch_table_use(unsigned *used, unsigned *total)
{
    table_use(used, total);
}

uint32_t arch_table_hash(uint32_t crc, unsigned page)
{
    return table_hash(crc, page);
}

/* ---- Windows of devices and files ---- */

/* Map what isn't mapped yet of the pages that hold [pa, pa+bytes), at window + pa. */
static void *map_window(uint64_t window, uint64_t pa, uint64_t bytes, uint64_t attributes)
{
    uint64_t end;

    if (pa >= VA_WINDOW || bytes == 0 || bytes > VA_WINDOW - pa)
        return NULL;
    end = align_up(pa + bytes, PAGE_SIZE);
    for (uint64_t at = align_down(pa, PAGE_SIZE); at < end;) {
        uint64_t hole = 0;
        struct leaf leaf;
        if (table_walk(live_root(), window + at, &leaf)) {
            at = leaf.in - window + leaf.bytes;
            continue;
        }
        while (at + hole < end && !table_walk(live_root(), window + at + hole, &leaf))
            hole += PAGE_SIZE;
        if (finished || !table_map(live_root(), window + at, at, hole, attributes))
            return NULL;
        at += hole;
    }
    dsb(ishst); /* new entries are seen by the walker (Arm ARM D5.10.1); invalid ones were never
                   cached */
    isb();
    return (void *)(uintptr_t)(window + pa);
}

void *map_device(paddr_t pa, size_t bytes)
{
    return map_window(VA_DEVICE, pa.v, bytes, EL2_DEVICE);
}

const void *map_file(paddr_t pa, size_t bytes)
{
    return map_window(VA_FILE, pa.v, bytes, EL2_RODATA);
}

void *ram_window(void)
{
    return (void *)(uintptr_t)VA_RAM;
}

/* In the unused end of the device window, where no board has an address. */
#define VA_FOREIGN (VA_FILE - PAGE_SIZE)

void *map_foreign_page(paddr_t pa)
{
    if (!table_map(live_root(), VA_FOREIGN, align_down(pa.v, PAGE_SIZE), PAGE_SIZE, EL2_DATA))
        return NULL;
    dsb(ishst);
    isb();
    return (void *)(uintptr_t)(VA_FOREIGN + (pa.v & (PAGE_SIZE - 1)));
}

void unmap_foreign_page(void)
{
    table_unmap_page(live_root(), VA_FOREIGN);
    tlb_invalidate_el2();
}

/* ---- Tables of each core ---- */

static void share(uint64_t *root, const uint64_t *from, uint64_t va, uint64_t bytes)
{
    for (uint64_t i = va >> GIB_SHIFT; i < (va + bytes) >> GIB_SHIFT; i++)
        root[i] = from[i];
}

static bool map_ram(uint64_t *root, const struct partition *ram)
{
    uint64_t at = VA_RAM;

    for (unsigned i = 0; i < ram->npieces; i++) {
        if (!table_map(root, at, ram->pieces[i].base, ram->pieces[i].size, EL2_DATA))
            return false;
        at += ram->pieces[i].size;
    }
    return true;
}

/* An earlier core of the same VM, whose tables of RAM are shared; `cpu` itself if there is none. */
static unsigned sharer(const struct partition *const ram[MAX_CPUS], unsigned cpu)
{
    unsigned i = 0;

    while (ram[i] != ram[cpu])
        i++;
    return i;
}

static bool build(const struct partition *const ram[MAX_CPUS], unsigned cpu,
                  uint64_t *roots[MAX_CPUS])
{
    uint64_t *root = table_alloc();
    unsigned other = sharer(ram, cpu);

    if (!root)
        return false;
    roots[cpu] = root;
    core_by_index(cpu)->root = table_pa(root);
    share(root, live_root(), VA_IMAGE, 1 << GIB_SHIFT);
    share(root, live_root(), VA_DEVICE, VA_WINDOW);
    share(root, live_root(), VA_FILE, VA_WINDOW);
    if (!ram[cpu])
        return true;
    if (other == cpu)
        return map_ram(root, ram[cpu]);
    share(root, roots[other], VA_RAM, VA_WINDOW);
    return true;
}

bool arch_finish_tables(const struct partition *const ram[MAX_CPUS], struct refusal *why)
{
    uint64_t *roots[MAX_CPUS];

    for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
        if (!build(ram, cpu, roots)) {
            refuse(why,
                   "the pool of %u page-table pages is too small for this board and configuration",
                   (unsigned)TABLE_POOL_PAGES);
            return false;
        }
    }
    finished = true;
    mmu_use_own_tables();
    return true;
}

/* Both tables say the same of the image, so the switch itself needs no care; what only the boot
 * tables had (the page that turns the MMU on) goes from the TLB. */
void mmu_use_own_tables(void)
{
    dsb(ishst);
    write_sysreg(ttbr0_el2, core_this()->root);
    isb();
    tlb_invalidate_el2();
}
