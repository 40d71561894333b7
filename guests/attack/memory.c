/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads, stores and fetches where there is nothing, of every kind an instruction can make. */
#include "attack.h"

/* Nothing of these is in the device tree. Some are where the board has its own devices. */
static uint64_t hole(unsigned i)
{
    static const uint64_t holes[] = {
        0x00000000,   0x00001000,   0x08001000,   0x0800f000,   0x10000000,   0x20000000,
        0x3ffff000,   0xfe00b000,   0xfe100000,   0xfe201000,   0xfe340000,   0xff841000,
        0xff842000,   0xff844000,   0xff846000,   0xfd580000,   0x600000000,  0x4000000000,
        0x5000000000, 0x7000000000, 0x7fffffe000, 0x8000000000, 0xc000000000,
    };
    return i < sizeof(holes) / sizeof(holes[0]) ? holes[i] : 1;
}

static uint64_t ram_end(void)
{
    struct fdt_range ranges[64];
    unsigned n = fdt_ranges(device_tree, ranges, 64);
    for (unsigned i = 0; i < n && i < 64; i++)
        if (ranges[i].memory)
            return ranges[i].base + ranges[i].size;
    return 0;
}

/* The access must end in an external abort of this class. */
static bool aborts(const void *access, uint64_t address, unsigned class)
{
    uint64_t esr = attempt(access, address, 0x6675636b, 0, 0);
    if (class_of(esr) == class && is_external(esr))
        return true;
    print("at %lx: ESR %lx FAR %lx\n", address, esr, context()->far);
    return false;
}

static bool data_aborts(const void *access, uint64_t address)
{
    return aborts(access, address, EC_DABT);
}

const char *memory_holes(void)
{
    bool ok = true;
    for (unsigned i = 0; hole(i) != 1; i++) {
        ok &= data_aborts(load8, hole(i)) & data_aborts(load16, hole(i)) &
              data_aborts(load32, hole(i)) & data_aborts(load64, hole(i));
        ok &= data_aborts(store8, hole(i)) & data_aborts(store16, hole(i)) &
              data_aborts(store32, hole(i)) & data_aborts(store64, hole(i));
        ok &= data_aborts(load_signed, hole(i)) & data_aborts(load_acquire, hole(i)) &
              data_aborts(store_release, hole(i));
    }
    return ok ? NULL : "an access to a hole did not end in an external abort";
}

/* Holes are device memory here, where alignment counts; what matters is to come back. */
const char *memory_unaligned(void)
{
    for (unsigned i = 0; hole(i) != 1; i++) {
        for (unsigned by = 1; by < 16; by++) {
            attempt(load16, hole(i) + by, 0, 0, 0);
            attempt(load32, hole(i) + by, 0, 0, 0);
            attempt(load64, hole(i) + by, 0, 0, 0);
            attempt(load128, hole(i) + by, 0, 0, 0);
            attempt(load_fp, hole(i) + by, 0, 0, 0);
            attempt(store32, hole(i) + by, ~0ul, 0, 0);
            attempt(store128, hole(i) + by, ~0ul, 0, 0);
            attempt(load64, hole(i) + 0x1000 - by, 0, 0, 0);
            attempt(store64, hole(i) + 0x1000 - by, ~0ul, 0, 0);
        }
    }
    return NULL;
}

const char *memory_exclusive(void)
{
    bool ok = true;
    for (unsigned i = 0; hole(i) != 1; i++) {
        ok &= data_aborts(load_exclusive, hole(i));
        ok &= data_aborts(load_pair_exclusive, hole(i));
        attempt(store_exclusive, hole(i), 0, 0, 0); /* may fail before it accesses anything */
    }
    /* On emulated registers there is no syndrome for these. */
    ok &= data_aborts(load_exclusive, GICD) & data_aborts(load_exclusive, PL011);
    return ok ? NULL : "an exclusive access to a hole did not end in an external abort";
}

/* No syndrome (ISV = 0): pairs, FP registers, writeback; DC ZVA; maintenance by address. */
const char *memory_writeback(void)
{
    bool ok = true;
    for (unsigned i = 0; hole(i) != 1; i++) {
        ok &= data_aborts(load_post, hole(i)) & data_aborts(store_pre, hole(i)) &
              data_aborts(load128, hole(i)) & data_aborts(store128, hole(i)) &
              data_aborts(load_fp, hole(i)) & data_aborts(store_fp, hole(i));
        if (attempt(zero_line, hole(i), 0, 0, 0) == 0)
            ok = false;
        /* There is nothing to clean: no abort, or one, but no loop. */
        attempt(clean_line, hole(i), 0, 0, 0);
        attempt(invalidate_line, hole(i), 0, 0, 0);
        attempt(clean_invalidate_line, hole(i), 0, 0, 0);
        attempt(invalidate_code, hole(i), 0, 0, 0);
        attempt(prefetch_line, hole(i), 0, 0, 0);
    }
    ok &= data_aborts(load_post, GICD + 4) & data_aborts(store_pre, PL011 - 4 + 0x24);
    ok &= data_aborts(load128, GICD) & data_aborts(load_fp, PL011) & data_aborts(load64, GICD);
    for (unsigned i = 0; i < 4; i++)
        attempt(zero_line, (uint64_t[]){GICD, GICC, PL011, 0x0a000000}[i], 0, 0, 0);
    return ok ? NULL : "an access without syndrome did not end in an external abort";
}

/* The MMU's own permission (holes are never executable in our tables) is taken away for this. */
const char *memory_fetch(void)
{
    enum { BLOCK = 1, ACCESS_FLAG = 1 << 10, NORMAL = 1 << 2 };
    bool ok = true;
    for (unsigned i = 0; hole(i) != 1; i++) {
        unsigned gib = (unsigned)(hole(i) >> 30);
        uint64_t old = set_level1(gib, (uint64_t)gib << 30 | BLOCK | ACCESS_FLAG | NORMAL);
        ok &= aborts(jump_to, hole(i), EC_IABT);
        ok &= aborts(jump_to, hole(i) + 0xffc, EC_IABT);
        set_level1(gib, old);
    }
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t devices[] = {GICD, GICC, PL011, 0x0a000000};
        uint64_t old = set_level1(0, BLOCK | ACCESS_FLAG | NORMAL);
        uint64_t esr = attempt(jump_to, devices[i], 0, 0, 0);
        set_level1(0, old);
        ok &= class_of(esr) == EC_IABT;
    }
    return ok ? NULL : "a fetch from a hole did not end in an abort";
}

/* Our own tables lead the walk into holes and registers. */
const char *memory_walk(void)
{
    enum { TABLE = 3, GIB = 1000 };
    static const uint32_t devices[] = {GICD, GICC, 0x08011000, PL011, 0x0a000000};
    uint64_t address = (uint64_t)GIB << 30, old;
    bool ok = true;
    for (unsigned i = 0; hole(i) != 1; i++) {
        old = set_level1(GIB, hole(i) | TABLE);
        ok &= data_aborts(load32, address) & data_aborts(store32, address + 0x12345678);
        ok &= aborts(jump_to, address, EC_IABT);
        set_level1(GIB, old);
    }
    for (unsigned i = 0; i < 5; i++) {
        old = set_level1(GIB, devices[i] | TABLE);
        for (unsigned n = 0; n < 8; n++)
            attempt(load32, address + n * 0x200000, 0, 0, 0);
        set_level1(GIB, old);
    }
    gic_init(); /* the walk may have read its acknowledge register */
    return ok ? NULL : "a table walk into a hole did not end in an external abort";
}

/* The same from EL0, through a page table entry that lets it. */
const char *memory_el0(void)
{
    enum { BLOCK = 1, EL0_ALLOWED = 1 << 6, ACCESS_FLAG = 1 << 10 };
    static const uint32_t code[] = {0xb9400000 /* ldr w0, [x0] */, 0xb9000001 /* str w1, [x0] */,
                                    0xd61f0000 /* br x0 */};
    bool ok = true;
    for (unsigned i = 0; hole(i) != 1; i++) {
        unsigned gib = (unsigned)(hole(i) >> 30);
        uint64_t old = set_level1(gib, (uint64_t)gib << 30 | BLOCK | EL0_ALLOWED | ACCESS_FLAG);
        for (unsigned n = 0; n < 3; n++) {
            uint64_t esr;
            *(uint32_t *)el0_page[0] = code[n];
            code_written();
            esr = attempt_el0(el0_address(0), hole(i), 0, 0, 0x3c0);
            ok &= is_external(esr) && class_of(esr) == (n == 2 ? EC_IABT_EL0 : EC_DABT_EL0);
        }
        set_level1(gib, old);
    }
    return ok ? NULL : "EL0 did not get an external abort";
}

const char *memory_ram_end(void)
{
    uint64_t end = ram_end(), esr;
    if (!end || attempt(load64, end - 8, 0, 0, 0))
        return "the last word of RAM is not there";
    if (!data_aborts(load64, end) || !data_aborts(store8, end) || !data_aborts(load8, RAM_BASE - 1))
        return "RAM does not end where it should";
    for (unsigned by = 1; by < 16; by++) { /* across the end: memory there is mapped as normal */
        attempt(store128, end - by, ~0ul, 0, 0);
        esr = attempt(load128, end - by, 0, 0, 0);
        if (!esr)
            return "an access across the end of RAM went well";
    }
    return NULL;
}

/* Every offset of the emulated registers, any size, any value; the console gets none of it. */
const char *memory_device_fuzz(void)
{
    static const uint32_t bases[] = {GICD,       0x0a000000, 0x09010000,
                                     0x09030000, 0x09040000, 0x09050000};
    uint64_t aborted = 0, n;
    for (n = 0; n < 60000; n++) {
        uint64_t r = random64(), address = bases[r % 6] + (r >> 8 & 0xfff);
        const void *access[8];
        access[0] = load8;
        access[1] = load16;
        access[2] = load32;
        access[3] = load64;
        access[4] = store8;
        access[5] = store16;
        access[6] = store32;
        access[7] = store64;
        if (address >= 0x09040000 && address < 0x09060000 && (r >> 32 & 4))
            continue; /* a watchdog may be there: that is another case */
        if (attempt(access[r >> 32 & 7], address, random64(), 0, 0))
            aborted++;
    }
    print("%lu accesses, %lu aborts\n", n, aborted);
    gic_init();
    return NULL;
}
