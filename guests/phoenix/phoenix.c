/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that is to be ended and started again. At its start it says whether its RAM was zero,
 * and what it found in the part that is kept; then it fills RAM with secrets. Typed letters:
 *   r  reset (PSCI SYSTEM_RESET)       o  off (SYSTEM_OFF)
 *   l  an endless loop with interrupts masked, on both of its cores
 *   d  disk requests without end       c  a jump to nowhere, with vectors nowhere
 *   b  a beat every 100 ms, with its own time
 *   w  waits in WFI, interrupts masked, nothing enabled
 */
#include "../lib/lib.h"

enum {
    UARTFR = 0x18,
    UARTFR_RXFE = 1 << 4,
    PSCI_SYSTEM_RESET = (int)0x84000009,
    KEPT = 64 << 10, /* docs/configuration.md: the end of RAM outlives a restart */
    TREE = 2 << 20,  /* the device tree is in the last 2 MiB */
    BLOCKS = 4,
};

#define PSCI_CPU_ON 0xc4000003ul
#define MAGIC       0x70686f656e697821ul
#define SECRET      0x5ec4e75ec4e75ec4ul
#define NOWHERE     0x60000000ul /* behind RAM, in a GiB that is mapped as normal memory */

extern char image_end[] __attribute__((visibility("hidden")));

static struct disk disk;
static uint64_t life; /* this one is the life-th start: said with each line */
static uint8_t buffers[BLOCKS][DISK_BYTES] __attribute__((aligned(4096)));

static uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return x0;
}

/* A core without a stack, its MMU off. */
void second_core(void) __attribute__((visibility("hidden")));
__asm__(".text; .global second_core; second_core: msr daifset, #0xf; 1: b 1b");

static void loop_for_ever(void)
{
    print("phoenix %lu: loops\n", life);
    psci(PSCI_CPU_ON, 1, (uint64_t)second_core, 0);
    __asm__ volatile("msr daifset, #0xf; 1: b 1b");
}

static void jump_to_nowhere(void)
{
    print("phoenix %lu: jumps\n", life);
    SYSREG_WRITE(vbar_el1, NOWHERE);
    __asm__ volatile("isb; br %0" ::"r"(NOWHERE + 0x1000));
}

static void use_disk(void)
{
    unsigned done = 0;
    print("phoenix %lu: uses its disk\n", life);
    for (unsigned i = 0; i < BLOCKS; i++)
        disk_start(&disk, i, DISK_READ, i * DISK_BYTES / 512, buffers[i], DISK_BYTES);
    for (;;) {
        bool ok;
        int slot = disk_finished(&disk, &ok);
        if (slot < 0)
            continue;
        if (!ok)
            print("phoenix %lu: disk error\n", life);
        if (++done % 16 == 0)
            print("phoenix %lu: %u requests\n", life, done);
        disk_start(&disk, (unsigned)slot, DISK_READ, (unsigned)slot * DISK_BYTES / 512,
                   buffers[slot], DISK_BYTES);
    }
}

static void beat(void)
{
    uint64_t hz = SYSREG_READ(cntfrq_el0), next = ticks();
    for (unsigned n = 1;; n++) {
        next += hz / 10;
        while (ticks() < next)
            ;
        print("phoenix %lu: beat %u at %lu ms\n", life, n, ticks() / (hz / 1000));
    }
}

static void obey(char c)
{
    switch (c) {
    case 'r':
        psci((uint32_t)PSCI_SYSTEM_RESET, 0, 0, 0);
        break;
    case 'o':
        psci_system_off();
        break;
    case 'l':
        loop_for_ever();
        break;
    case 'd':
        use_disk();
        break;
    case 'c':
        jump_to_nowhere();
        break;
    case 'b':
        beat();
        break;
    case 'w':
        print("phoenix %lu: waits\n", life);
        for (;;)
            wait_for_interrupt();
    default:
        break;
    }
}

/* Words of [from, to) that are not zero; all are secrets then. */
static uint64_t look_and_fill(uint64_t from, uint64_t to)
{
    uint64_t found = 0;
    for (volatile uint64_t *p = (volatile uint64_t *)from; p < (volatile uint64_t *)to; p++) {
        found += *p != 0;
        *p = SECRET;
    }
    return found;
}

void guest_main(const void *dtb)
{
    struct fdt_range ranges[64];
    unsigned count = fdt_ranges(dtb, ranges, 64);
    uint64_t end = 0, found;
    volatile uint64_t *kept;

    for (unsigned i = 0; i < count && i < 64; i++)
        if (ranges[i].memory)
            end = ranges[i].base + ranges[i].size;
    kept = (volatile uint64_t *)(end - KEPT);
    found = look_and_fill(((uint64_t)image_end + 4095) & ~4095ul, end - TREE);
    found += look_and_fill(end - TREE + (64 << 10), end - KEPT);
    kept[1] = kept[0] == MAGIC ? kept[1] + 1 : 1;
    kept[0] = MAGIC;
    disk_open(&disk, dtb, 0);
    life = kept[1];
    print("phoenix %lu: starts, %lu words not zero, %lu sectors\n", life, found, disk.sectors);
    for (;;)
        if (!(read32(PL011 + UARTFR) & UARTFR_RXFE))
            obey((char)read32(PL011));
}
