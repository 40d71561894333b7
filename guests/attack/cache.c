/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache and TLB maintenance in loops. HCR_EL2.SWIO makes the invalidating ones clean, too. */
#include "attack.h"

static uint64_t pattern[512] __attribute__((aligned(4096)));

static void write_pattern(uint64_t seed)
{
    for (unsigned i = 0; i < 512; i++)
        pattern[i] = seed * (i + 1);
}

static bool pattern_is(uint64_t seed)
{
    for (unsigned i = 0; i < 512; i++)
        if (pattern[i] != seed * (i + 1))
            return false;
    return true;
}

/* Every set and way of both levels, and operands of garbage: Arm ARM C5.3. */
const char *cache_set_way(void)
{
    write_pattern(7);
    for (unsigned level = 0; level < 2; level++) {
        SYSREG_WRITE(csselr_el1, level << 1);
        __asm__ volatile("isb");
        uint64_t id = SYSREG_READ(ccsidr_el1);
        uint64_t sets = (id >> 13 & 0x7fff) + 1, ways = (id >> 3 & 0x3ff) + 1;
        unsigned line = (id & 7) + 4;
        unsigned way_shift = ways > 1 ? (unsigned)__builtin_clz((unsigned)ways - 1) : 0;
        for (uint64_t way = 0; way < ways; way++) {
            for (uint64_t set = 0; set < sets; set++) {
                uint64_t operand = way << way_shift | set << line | level << 1;
                __asm__ volatile("dc isw, %0; dc csw, %0; dc cisw, %0" ::"r"(operand) : "memory");
            }
        }
    }
    for (unsigned n = 0; n < 1000; n++) {
        uint64_t garbage = random64();
        __asm__ volatile("dc isw, %0; dc cisw, %0" ::"r"(garbage) : "memory");
    }
    barrier();
    return pattern_is(7) ? NULL : "an invalidate by set and way lost data";
}

const char *cache_by_address(void)
{
    write_pattern(11);
    for (unsigned n = 0; n < 20000; n++) {
        uint64_t at = (uint64_t)pattern + (random64() & 0xfff);
        __asm__ volatile("dc cvac, %0; dc cvau, %0; dc civac, %0; ic ivau, %0" ::"r"(at)
                         : "memory");
        if (n % 64 == 0)
            __asm__ volatile("ic ialluis; ic iallu; dsb sy; isb" ::: "memory");
    }
    for (unsigned n = 0; n < 2000; n++) { /* addresses that are nowhere */
        uint64_t at = random64() & 0xffffffffff;
        attempt(clean_line, at, 0, 0, 0);
        attempt(invalidate_line, at < RAM_BASE ? at : 0, 0, 0, 0);
        attempt(invalidate_code, at, 0, 0, 0);
    }
    return pattern_is(11) ? NULL : "maintenance by address lost data";
}

static void tlb_loop(void)
{
    uint64_t start = ticks();
    while (!after(start, 2)) {
        uint64_t r = random64();
        __asm__ volatile("tlbi vmalle1is; tlbi vmalle1; tlbi vae1is, %0; tlbi aside1is, %0;"
                         "tlbi vaae1is, %0; dsb sy; isb" ::"r"(r)
                         : "memory");
        __asm__ volatile("ic ialluis; dsb sy; isb; at s1e1r, %0; at s1e0w, %0" ::"r"(r) : "memory");
    }
}

const char *cache_tlb(void)
{
    write_pattern(13);
    if (!run_on_second(tlb_loop))
        return "the second vCPU does not come";
    tlb_loop();
    if (!wait_for_second(20))
        return "the second vCPU was lost";
    return pattern_is(13) ? NULL : "data was lost";
}
