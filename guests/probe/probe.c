/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is there anything in the guest's address space that should not be? Reads and writes one word of
 * every page of the first 8 GiB, and of every 2 MiB up to 1 TiB, that its device tree does not
 * name: each access must end in an external abort. The last line is the verdict.
 */
#include "../lib/lib.h"

enum { MAX_RANGES = 64 };
#define PAGE     0x1000ul
#define BLOCK_2M 0x200000ul
#define GIB      0x40000000ul

static struct fdt_range known[MAX_RANGES];
static unsigned nknown;
static uint64_t accesses, aborts, wrong;

/* The end of the known range that overlaps [from, from+PAGE), 0: none. */
static uint64_t known_until(uint64_t from)
{
    for (unsigned i = 0; i < nknown; i++)
        if (from < known[i].base + known[i].size && known[i].base < from + PAGE)
            return known[i].base + known[i].size;
    return 0;
}

static void check(const char *what, uint64_t address, uint64_t esr)
{
    accesses++;
    /* ESR_EL1 (Arm ARM D17.2.37): EC 0x25, data abort without a change of level; DFSC 0x10,
     * external abort. */
    if (esr >> 26 == 0x25 && (esr & 0x3f) == 0x10 && SYSREG_READ(far_el1) == address) {
        aborts++;
        return;
    }
    if (esr)
        aborts++;
    if (wrong++ < 20)
        print("probe: %s at %lx: ESR %lx FAR %lx\n", what, address, esr, SYSREG_READ(far_el1));
}

static void probe(uint64_t from, uint64_t to, uint64_t step)
{
    for (uint64_t at = from; at < to; at += step) {
        uint64_t skip = known_until(at);
        if (skip) {
            at = (skip + step - 1) / step * step - step;
            continue;
        }
        check("read", at, try_read(at));
        check("write", at, try_write(at, 0x62756c6b68656164));
    }
}

/* With a firmware (docs/configuration.md) there is more than the tree names: its environment, to be
 * read only; and behind its RAM what outlives a restart. */
static void leave_out_firmware(void)
{
    const uint64_t environment = 0x4000000, bytes = 0x40000, kept = 0x10000;
    if (try_read(environment))
        return;
    print("probe: a firmware's environment at %lx\n", environment);
    for (uint64_t at = environment; at < environment + bytes; at += PAGE)
        check("write", at, try_write(at, 0x62756c6b68656164));
    for (unsigned i = 0; i < nknown; i++)
        if (known[i].memory)
            known[i].size += kept;
    known[nknown++] = (struct fdt_range){.base = environment, .size = bytes};
}

void guest_main(const void *dtb)
{
    nknown = fdt_ranges(dtb, known, MAX_RANGES - 1);
    if (nknown >= MAX_RANGES) {
        print("probe: too many ranges in the device tree\n");
        return;
    }
    leave_out_firmware();

    for (unsigned i = 0; i < nknown; i++)
        print("probe: leaves out %lx+%lx\n", known[i].base, known[i].size);
    for (uint64_t at = 0; at < 8 * GIB; at += GIB / 2) {
        probe(at, at + GIB / 2, PAGE);
        print("probe: every page to %lx, %lu accesses, %lu wrong\n", at + GIB / 2, accesses, wrong);
    }
    for (uint64_t at = 0; at < 1024 * GIB; at += 128 * GIB) {
        probe(at ? at : 8 * GIB, at + 128 * GIB, BLOCK_2M);
        print("probe: every 2 MiB to %lx, %lu accesses, %lu wrong\n", at + 128 * GIB, accesses,
              wrong);
    }
    print("probe: %lu accesses, %lu aborts, %lu wrong\n", accesses, aborts, wrong);
}
