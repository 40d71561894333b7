/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated distributor and the hardware's virtual CPU interface. IHI 0048B chapter 4. */
#include "attack.h"

enum {
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    SGIR = 0xf00,
    CPENDSGIR = 0xf10,
    SPENDSGIR = 0xf20,
    CTLR = 0x00,
    PMR = 0x04,
    BPR = 0x08,
    IAR = 0x0c,
    EOIR = 0x10,
    APR = 0xd0,
    DIR = 0x1000,
    EOIMODE = 1 << 9,
    INTERRUPTS = 128,
};

/* As after reset, whatever came before. */
static void settle(void)
{
    for (unsigned w = 0; w < INTERRUPTS / 32; w++) {
        write32(GICD + ICENABLER + 4 * w, ~0u);
        write32(GICD + ICPENDR + 4 * w, ~0u);
        write32(GICD + ICACTIVER + 4 * w, ~0u);
    }
    for (unsigned i = 0; i < 16; i += 4)
        write32(GICD + CPENDSGIR + i, ~0u);
    for (unsigned i = 0; i < INTERRUPTS; i += 4) {
        write32(GICD + IPRIORITYR + i, 0xa0a0a0a0);
        write32(GICD + ITARGETSR + i, 0x01010101);
    }
    write32(GICC + APR, 0);
    write32(GICC + BPR, 0);
    gic_init();
    for (unsigned n = 0, id; n < 2 * INTERRUPTS && (id = gic_acknowledge()) < 1020; n++)
        gic_end(id);
}

/* Does an interrupt still come? */
static bool still_works(void)
{
    uint64_t start = ticks();
    settle();
    gic_enable(INTID_VTIMER, false);
    SYSREG_WRITE(cntv_tval_el0, 1000);
    SYSREG_WRITE(cntv_ctl_el0, 1);
    while (!after(start, 5)) {
        unsigned id = gic_acknowledge();
        if (id < 1020) {
            SYSREG_WRITE(cntv_ctl_el0, 0);
            gic_end(id);
        }
        if (id == INTID_VTIMER)
            return true;
    }
    return false;
}

static const char *verdict(void)
{
    return still_works() ? NULL : "afterwards the timer's interrupt does not come";
}

static const void *access(unsigned n)
{
    switch (n & 7) {
    case 0:
        return load8;
    case 1:
        return load16;
    case 2:
        return load32;
    case 3:
        return load64;
    case 4:
        return store8;
    case 5:
        return store16;
    case 6:
        return store32;
    default:
        return store64;
    }
}

/* Each offset with each size, in order and then at random. */
const char *gic_distributor_fuzz(void)
{
    static const uint32_t values[] = {0, ~0u, 0x55555555};
    for (unsigned v = 0; v < 3; v++)
        for (unsigned offset = 0; offset < 0x1000; offset++)
            for (unsigned a = 0; a < 8; a++)
                attempt(access(a), GICD + offset, values[v], 0, 0);
    for (unsigned n = 0; n < 40000; n++) {
        uint64_t r = random64();
        attempt(access((unsigned)(r >> 40)), GICD + (r & 0xfff), r >> 16, 0, 0);
        if (n % 16 == 0)
            attempt(load32, GICC + IAR, 0, 0, 0);
    }
    return verdict();
}

/* The interface is hardware: whatever is written there concerns this core's list registers only. */
const char *gic_interface_fuzz(void)
{
    for (unsigned w = 0; w < 4; w++)
        write32(GICD + ISENABLER + 4 * w, ~0u);
    for (unsigned n = 0; n < 40000; n++) {
        uint64_t r = random64();
        attempt(access((unsigned)(r >> 40 & 4) | 2), GICC + (r & 0x1ffc), r >> 16, 0, 0);
        if (n % 8 == 0)
            write32(GICD + ISPENDR + 4 * (1 + (r >> 50) % 3), (uint32_t)(r >> 8));
        if (n % 32 == 0)
            write32(GICD + SGIR, (uint32_t)(r >> 20) & 0x0303000f);
    }
    return verdict();
}

static void storm(void)
{
    uint64_t start = ticks();
    for (unsigned n = 0; !after(start, 3); n++) {
        write32(GICD + SGIR, 1u << 24 | (n & 15)); /* to the other */
        write32(GICD + SGIR, 2u << 24 | (n & 15)); /* to itself */
        write32(GICD + SGIR, 0xffu << 16 | (n & 15));
        unsigned id = read32(GICC + IAR);
        if ((id & 0x3ff) < 1020)
            write32(GICC + EOIR, id);
    }
}

const char *gic_sgi_storm(void)
{
    settle();
    if (!run_on_second(storm))
        return "the second vCPU does not come";
    storm();
    if (!wait_for_second(20))
        return "the second vCPU was lost";
    return verdict();
}

/* The UART's level stays up: each end of interrupt brings it again. */
const char *gic_level_storm(void)
{
    enum { UARTIMSC = 0x038, UART_TX = 1 << 5 };
    uint64_t start = ticks(), came = 0;
    settle();
    gic_enable(INTID_PL011, false);
    write32(PL011 + UARTIMSC, UART_TX);
    put_char('.');
    put_char('\n');
    while (came < 20000 && !after(start, 10)) {
        unsigned id = gic_acknowledge();
        if (id == INTID_PL011)
            came++;
        if (id < 1020)
            gic_end(id);
    }
    write32(PL011 + UARTIMSC, 0);
    print("%lu times\n", came);
    return came > 100 ? verdict() : "the level did not come again";
}

const char *gic_eoi(void)
{
    settle();
    gic_enable(INTID_VTIMER, false);
    for (unsigned n = 0; n < 4096; n++) {
        write32(GICC + CTLR, 1 | (n & 1 ? EOIMODE : 0));
        write32(GICC + EOIR, n & 0x1fff);
        write32(GICC + DIR, n & 0x1fff);
        write32(GICC + EOIR, INTID_VTIMER);
        write32(GICC + DIR, INTID_VTIMER);
    }
    return verdict();
}

/* Everything pending at once, many times what list registers there are; all active, then ended. */
static unsigned take_all(bool split)
{
    unsigned count = 0;
    for (unsigned i = 0; i < INTERRUPTS; i += 4)
        write32(GICD + IPRIORITYR + i, (uint32_t)random64() & 0x78787878);
    for (unsigned i = 0; i < 32; i += 4)
        write32(GICD + ICFGR + i + 8, 0xaaaaaaaa);
    for (unsigned w = 1; w < 4; w++) {
        write32(GICD + ISENABLER + 4 * w, ~0u);
        write32(GICD + ISPENDR + 4 * w, ~0u);
    }
    for (unsigned i = 0; i < 16; i += 4)
        write32(GICD + SPENDSGIR + i, 0x01010101);
    write32(GICC + CTLR, split ? 1 | EOIMODE : 1);
    for (unsigned id; (id = read32(GICC + IAR)) % 1024 < 1020 && count < 4 * INTERRUPTS; count++) {
        write32(GICC + EOIR, id);
        if (split && count % 2)
            write32(GICC + DIR, id);
    }
    return count;
}

const char *gic_overflow(void)
{
    unsigned whole, split;
    settle();
    whole = take_all(false);
    settle();
    split = take_all(true);
    settle();
    print("%u and %u of %u interrupts\n", whole, split, INTERRUPTS - 16);
    if (whole != INTERRUPTS - 16)
        return "not each pending interrupt came once";
    return verdict();
}

/* Both cores change and read the state of SPIs in each other's list registers. */
static void shared_state(void)
{
    uint64_t start = ticks();
    while (!after(start, 4)) {
        uint64_t r = random64();
        unsigned word = 4 * (1 + r % 3);
        static const uint16_t registers[] = {ISENABLER, ICENABLER, ISPENDR,   ICPENDR,
                                             ISACTIVER, ICACTIVER, ISENABLER, ISPENDR};
        write32(GICD + registers[r >> 8 & 7] + word, (uint32_t)(r >> 16));
        write32(GICD + ITARGETSR + 32 + (r >> 48 & 0x5c), 0x03020103);
        read32(GICD + ISPENDR + word);
        read32(GICD + ISACTIVER + word);
        unsigned id = read32(GICC + IAR);
        if (id % 1024 < 1020 && (r & 1))
            write32(GICC + EOIR, id);
    }
    write32(GICC + APR, 0);
}

const char *gic_two_cores(void)
{
    settle();
    if (!run_on_second(shared_state))
        return "the second vCPU does not come";
    shared_state();
    if (!wait_for_second(20))
        return "the second vCPU was lost";
    return verdict();
}

/* ---- The timers' interrupts ---- */

static unsigned count_timer(unsigned intid, unsigned seconds, unsigned limit)
{
    uint64_t start = ticks();
    unsigned came = 0;
    while (came < limit && !after(start, seconds)) {
        unsigned id = gic_acknowledge();
        came += id == intid;
        if (id < 1020)
            gic_end(id);
    }
    return came;
}

/* Due for ever, in all its variants. */
const char *timer_always(void)
{
    unsigned came;
    settle();
    gic_enable(INTID_VTIMER, false);
    SYSREG_WRITE(cntv_cval_el0, 0);
    SYSREG_WRITE(cntv_ctl_el0, 1);
    came = count_timer(INTID_VTIMER, 10, 20000);
    print("%u times\n", came);
    for (unsigned n = 0; n < 2000; n++) { /* never acknowledged, on and off */
        write32(GICD + (n & 1 ? ISENABLER : ICENABLER), 1u << INTID_VTIMER);
        write32(GICD, n >> 1 & 1);
        SYSREG_WRITE(cntv_tval_el0, n & 4 ? ~0ul : 0);
    }
    SYSREG_WRITE(cntv_ctl_el0, 0);
    return came > 100 ? verdict() : "it did not come again";
}

/* What Linux never does: its state in the distributor changed by hand, at random. */
const char *timer_by_hand(void)
{
    static const uint16_t registers[] = {ISENABLER, ICENABLER, ISPENDR,   ICPENDR,
                                         ISACTIVER, ICACTIVER, ISENABLER, ISENABLER};
    settle();
    for (unsigned n = 0; n < 30000; n++) {
        uint64_t r = random64();
        write32(GICD + registers[r & 7], 1u << INTID_VTIMER);
        if (r & 0x100)
            SYSREG_WRITE(cntv_tval_el0, r >> 16 & 0xfff);
        if (r & 0x200)
            SYSREG_WRITE(cntv_ctl_el0, r >> 12 & 3);
        if (r & 0x400)
            read32(GICC + IAR);
        if (r & 0x800)
            write32(GICC + EOIR, INTID_VTIMER);
    }
    SYSREG_WRITE(cntv_ctl_el0, 0);
    return verdict();
}

const char *timer_physical(void)
{
    enum { INTID_PTIMER = 30 };
    unsigned came;
    settle();
    gic_enable(INTID_PTIMER, false);
    SYSREG_WRITE(cntp_cval_el0, 0);
    SYSREG_WRITE(cntp_ctl_el0, 1);
    came = count_timer(INTID_PTIMER, 10, 5000);
    for (unsigned n = 0; n < 5000; n++) {
        uint64_t r = random64();
        SYSREG_WRITE(cntp_tval_el0, r & 1 ? r : r >> 54);
        SYSREG_WRITE(cntp_ctl_el0, r >> 32 & 3);
        SYSREG_WRITE(cntp_cval_el0, r & 2 ? r : ~0ul);
        SYSREG_READ(cntp_tval_el0);
        SYSREG_READ(cntp_ctl_el0);
    }
    SYSREG_WRITE(cntp_ctl_el0, 0);
    print("%u times\n", came);
    return came > 100 ? verdict() : "it did not come again";
}
