/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot tables, made with the MMU off. All code here and in pagetable.c then runs at its
 * physical address: addresses are taken PC-relative, no table of pointers is read, and every access
 * is aligned.
 */
#include "arch_internal.h"
#include "layout.h"
#include "mmu.h"
#include "pagetable.h"

__attribute__((section(".bss..early.data"))) struct early early;

/* In the image's own terms, so that it is right at either address. */
static bool map_image(uint64_t *root, const char *start, const char *end, uint64_t attributes)
{
    uint64_t offset = (uint64_t)(start - __image_start);

    return table_map(root, VA_IMAGE + offset, early.image_pa + offset, (uint64_t)(end - start),
                     attributes);
}

static bool map_stacks(uint64_t *root)
{
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        const char *emergency = core_stacks[i] + GUARD_BYTES;
        const char *stack = emergency + EMERGENCY_BYTES + GUARD_BYTES;
        if (!map_image(root, emergency, emergency + EMERGENCY_BYTES, EL2_DATA) ||
            !map_image(root, stack, stack + STACK_BYTES, EL2_DATA))
            return false;
    }
    return true;
}

uint64_t early_tables(void)
{
    uint64_t *root;
    unsigned used, total;

    early.image_pa = (uint64_t)__image_start;
    table_reset();
    root = table_alloc();
    if (!root || !map_image(root, __image_start, __text_end, EL2_TEXT) ||
        !map_image(root, __text_end, __rodata_end, EL2_RODATA) ||
        !map_image(root, __rodata_end, __stacks_start, EL2_DATA) || !map_stacks(root) ||
        !map_image(root, __stacks_end, __image_end, EL2_DATA))
        return 0;
    /* The page that turns the MMU on, at its physical address: every core passes through it. */
    if (!table_map(root, early.image_pa, early.image_pa, PAGE_SIZE, EL2_TEXT))
        return 0;
    table_use(&used, &total);
    early.root = table_pa(root);
    return used <= EARLY_BYTES / PAGE_SIZE ? early.root : 0;
}
