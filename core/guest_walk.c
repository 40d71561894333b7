/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest_walk.h"

#include <bulkhead/guest_mem.h>

/* SCTLR_EL1, TCR_EL1 (Arm ARM D13.2.118, D13.2.131). */
#define SCTLR_M      1ULL
#define SCTLR_EE     (1ULL << 25)
#define TCR_EPD      (1ULL << 7)
#define TCR_T1_SHIFT 16 /* the same fields for TTBR1, but for TG1's coding */
#define OUTPUT_BITS  0x0000fffffffff000ULL
#define AARCH32      (1ULL << 4) /* in PSTATE */

enum { LAST_LEVEL = 3, MIN_TSZ = 16, MAX_TSZ = 39 };

/* TG0 and TG1: bits of a page's offset; 0: reserved. */
static unsigned granule_bits(uint64_t tg, bool high)
{
    static const uint8_t tg0[] = {12, 16, 14, 0}, tg1[] = {0, 14, 12, 16};
    return high ? tg1[tg & 3] : tg0[tg & 3];
}

/* Follow tables from `table`, whose first level resolves va's bits down from `bits`. */
static bool follow(const struct vm *vm, uint64_t table, uint64_t va, unsigned bits,
                   unsigned granule, ipaddr_t *out)
{
    unsigned stride = granule - 3;
    unsigned level = LAST_LEVEL + 1 - (bits - granule + stride - 1) / stride;

    for (va &= (1ULL << bits) - 1; level <= LAST_LEVEL; level++) {
        unsigned shift = granule + (LAST_LEVEL - level) * stride;
        uint64_t inside = (1ULL << shift) - 1, entry;
        const uint64_t *at =
            guest_mem(vm, ipaddr(table + 8 * (va >> shift & ((1ULL << stride) - 1))), 8);

        if (!at)
            return false;
        entry = __atomic_load_n(at, __ATOMIC_RELAXED);
        if (!(entry & 1)) /* D5.3.1: bit 0 valid, bit 1 table or, at the last level, page */
            return false;
        if (level == LAST_LEVEL || !(entry & 2)) {
            bool fits = level == LAST_LEVEL ? entry & 2 : level >= (granule == 12 ? 1 : 2);
            *out = ipaddr((entry & OUTPUT_BITS & ~inside) | (va & inside));
            return fits;
        }
        table = entry & OUTPUT_BITS & ~((1ULL << granule) - 1);
    }
    return false;
}

bool guest_walk(const struct vm *vm, const struct vcpu_state *s, uint64_t va, ipaddr_t *out)
{
    bool high = va >> 55 & 1;
    uint64_t tcr = high ? s->tcr_el1 >> TCR_T1_SHIFT : s->tcr_el1;
    uint64_t ttbr = high ? s->ttbr1_el1 : s->ttbr0_el1;
    unsigned tsz = tcr & 0x3f, granule = granule_bits(tcr >> 14, high);
    uint64_t canonical = (uint64_t)((int64_t)(va << 8) >> 8); /* without a tag in the top byte */

    if (!(s->sctlr_el1 & SCTLR_M)) {
        *out = ipaddr(va);
        return true;
    }
    if (s->sctlr_el1 & SCTLR_EE || tcr & TCR_EPD || tsz < MIN_TSZ || tsz > MAX_TSZ || !granule)
        return false;
    if ((high ? ~canonical : canonical) >> (64 - tsz))
        return false;
    return follow(vm, ttbr & 0x0000fffffffffff8ULL, va, 64 - tsz, granule, out);
}

bool guest_read_va(const struct vm *vm, const struct vcpu_state *s, uint64_t va, uint64_t *out)
{
    ipaddr_t ipa;
    const uint64_t *at;

    if (va % 8 != 0 || !guest_walk(vm, s, va, &ipa))
        return false;
    at = guest_mem(vm, ipa, 8);
    if (at)
        *out = __atomic_load_n(at, __ATOMIC_RELAXED);
    return at;
}

unsigned guest_backtrace(const struct vm *vm, const struct vcpu_state *s,
                         const struct vcpu_regs *regs, uint64_t frames[MAX_FRAMES])
{
    uint64_t fp = regs->x[29];
    unsigned count = 0;

    if (regs->pstate & AARCH32)
        return 0;
    while (count < MAX_FRAMES && fp && guest_read_va(vm, s, fp + 8, &frames[count]) &&
           guest_read_va(vm, s, fp, &fp))
        count++;
    return count;
}
