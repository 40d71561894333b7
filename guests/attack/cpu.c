/* SPDX-License-Identifier: BSD-2-Clause */
/* Execution states, debug, counters, waiting, and never coming back. */
#include "attack.h"

enum {
    EL0_64 = 0x3c0, /* SPSR_EL1: D A I F masked */
    EL0_32 = 0x1d0, /* A I F masked, User */
    EL0_T32 = 0x1f0,
    SVC64 = 0xd4000001,
    SPSR_I = 1 << 7,
    SPSR_SS = 1 << 21,
    MDSCR_SS = 1 << 0,
    MDSCR_KDE = 1 << 13,
    MDSCR_MDE = 1 << 15,
};

static void el0_code(uint32_t first, uint32_t second)
{
    ((uint32_t *)el0_page[0])[0] = first;
    ((uint32_t *)el0_page[0])[1] = second;
    code_written();
}

/* ---- AArch32 ---- */

const char *cpu_aarch32(void)
{
    uint64_t esr;
    el0_code(0xe3a0002a, 0xef000000); /* mov r0, #42; svc #0 */
    esr = attempt_el0(el0_address(0), 0, 0, 0, EL0_32);
    if (class_of(esr) != EC_SVC32 || context()->result != 42)
        return "A32 code does not run at EL0";
    el0_code(0xdf00202a, 0); /* movs r0, #42; svc #0, in T32 */
    esr = attempt_el0(el0_address(0), 0, 0, 0, EL0_T32);
    if (class_of(esr) != EC_SVC32 || context()->result != 42)
        return "T32 code does not run at EL0";
    el0_code(0xe1400070, 0xef000000); /* hvc #0 */
    if (class_of(attempt_el0(el0_address(0), 0, 0, 0, EL0_32)) != EC_UNKNOWN)
        return "HVC at EL0 is not UNDEFINED";
    el0_code(0xe1600070, 0xef000000); /* smc #0 */
    if (class_of(attempt_el0(el0_address(0), 0, 0, 0, EL0_32)) != EC_UNKNOWN)
        return "SMC at EL0 is not UNDEFINED";
    return NULL;
}

/* Returns to modes that EL1 may not go to: AArch32 EL1, EL2, EL3, reserved. Arm ARM D1.11.4. */
const char *cpu_illegal_return(void)
{
    static const uint8_t modes[] = {0x13, 0x1f, 0x1b, 0x11, 0x12, 0x17, 0x1a, 0x16,
                                    0x09, 0x08, 0x0d, 0x0c, 0x01, 0x02, 0x0e, 0x0f};
    for (unsigned i = 0; i < sizeof(modes); i++)
        if (class_of(attempt(illegal_return, EL0_64 | modes[i], 0, 0, 0)) != EC_ILLEGAL) {
            print("mode %x: ESR %lx\n", modes[i], context()->esr);
            return "an illegal return was not one";
        }
    return NULL;
}

/* Random words as instructions, at EL0, in all three instruction sets. A timer ends those that
 * loop. */
const char *cpu_random(void)
{
    uint64_t came_back = 0, timed_out = 0;
    gic_enable(INTID_VTIMER, false);
    for (unsigned n = 0; n < 12000; n++) {
        static const uint16_t states[] = {EL0_64, EL0_32, EL0_T32};
        uint64_t state = states[n % 3] & ~(uint64_t)SPSR_I;
        el0_code((uint32_t)random64(), n % 3 == 0 ? SVC64 : n % 3 == 1 ? 0xef000000 : 0xdf00df00);
        SYSREG_WRITE(cntv_tval_el0, SYSREG_READ(cntfrq_el0) / 200);
        SYSREG_WRITE(cntv_ctl_el0, 1);
        SYSREG_WRITE(sp_el0, el0_address(EL0_PAGES - 1) + 4096);
        attempt_el0(el0_address(0), random64(), el0_address(1), random64(), state);
        SYSREG_WRITE(cntv_ctl_el0, 0);
        came_back++;
        for (unsigned id = gic_acknowledge(); id < 1020; id = gic_acknowledge()) {
            timed_out++;
            gic_end(id);
        }
    }
    print("%lu instructions, the timer ended %lu\n", came_back, timed_out);
    return NULL;
}

/* ---- Debug ---- */

static void set_breakpoint(uint64_t address, uint64_t control)
{
    SYSREG_WRITE(dbgbvr0_el1, address);
    SYSREG_WRITE(dbgbcr0_el1, control);
    __asm__ volatile("isb");
}

static void set_watchpoint(uint64_t address, uint64_t control)
{
    SYSREG_WRITE(dbgwvr0_el1, address);
    SYSREG_WRITE(dbgwcr0_el1, control);
    __asm__ volatile("isb");
}

static void debug_off(void)
{
    SYSREG_WRITE(mdscr_el1, 0);
    set_breakpoint(0, 0);
    set_watchpoint(0, 0);
}

/* Watch everything that EL2 has, 2 GiB at a time, and have EL2 work. Its accesses must not trap: a
 * debug exception taken there would be its end. HMC and SSC: Arm ARM D2.9.4. */
const char *cpu_debug(void)
{
    static const uint64_t bases[] = {0x4000000000, 0x5000000000, 0x50ff000000 & ~0x7fffffffull,
                                     0x6000000000, 0x7000000000, 0};
    unsigned taken = 0;
    SYSREG_WRITE(mdscr_el1, MDSCR_KDE | MDSCR_MDE);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned ssc = 0; ssc < 8; ssc++) {
            /* MASK=31, HMC, SSC, BAS=all, loads and stores, EL1 and EL0, enabled */
            uint64_t match = (uint64_t)(ssc & 3) << 14 | (ssc & 4 ? 1 << 13 : 0);
            set_watchpoint(bases[i], 31ull << 24 | match | 0xffu << 5 | 3 << 3 | 3 << 1 | 1);
            set_breakpoint(bases[i], match | 0xf << 5 | 3 << 1 | 1);
            __asm__ volatile("msr daifclr, #8");
            hvc(0x84000000, 0, 0, 0);
            if (attempt(load32, GICD + 4, 0, 0, 0))
                taken++;
            if (attempt(load32, PL011 + 0x18, 0, 0, 0))
                taken++;
            if (attempt(load32, 0x1000, 0, 0, 0) == 0)
                taken++;
            __asm__ volatile("msr daifset, #8");
        }
    }
    debug_off();
    return taken ? "EL2's accesses hit a guest's watchpoint" : NULL;
}

const char *cpu_single_step(void)
{
    enum { EL0PTEN = 1 << 9 }; /* CNTKCTL_EL1: the physical timer for EL0, which EL2 emulates */
    static const uint32_t stepped[] = {0xd503201f /* nop */, 0xd53be220 /* mrs x0, cntp_ctl_el0 */};
    SYSREG_WRITE(cntkctl_el1, EL0PTEN);
    SYSREG_WRITE(mdscr_el1, MDSCR_SS);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t esr;
        el0_code(stepped[i], 0xd503201f);
        esr = attempt_el0(el0_address(0), 0, 0, 0, EL0_64 | SPSR_SS);
        if (class_of(esr) != EC_STEP_EL0 || context()->elr != el0_address(0) + 4) {
            print("step %u: ESR %lx ELR %lx\n", i, esr, context()->elr);
            debug_off();
            return "a single step did not end behind one instruction";
        }
    }
    debug_off();
    SYSREG_WRITE(cntkctl_el1, 0);
    return NULL;
}

const char *cpu_breakpoints(void)
{
    uint64_t esr;
    const char *wrong = NULL;
    SYSREG_WRITE(mdscr_el1, MDSCR_MDE);
    el0_code(0xd503201f, SVC64);
    set_breakpoint(el0_address(0), 0xf << 5 | 2 << 1 | 1); /* EL0 */
    esr = attempt_el0(el0_address(0), 0, 0, 0, EL0_64);
    if (class_of(esr) != EC_BREAKPOINT_EL0)
        wrong = "no breakpoint exception";
    set_breakpoint(0, 0);
    el0_code(0xf9400000, SVC64); /* ldr x0, [x0] */
    set_watchpoint(el0_address(1), 0xff << 5 | 3 << 3 | 2 << 1 | 1);
    esr = attempt_el0(el0_address(0), el0_address(1), 0, 0, EL0_64);
    if (class_of(esr) != EC_WATCHPOINT_EL0)
        wrong = "no watchpoint exception";
    debug_off();
    el0_code(0xd4200000, SVC64); /* brk */
    if (class_of(attempt_el0(el0_address(0), 0, 0, 0, EL0_64)) != EC_BRK)
        wrong = "no BRK exception";
    el0_code(0xd4400000, SVC64); /* hlt */
    if (class_of(attempt_el0(el0_address(0), 0, 0, 0, EL0_64)) != EC_UNKNOWN)
        wrong = "HLT is not UNDEFINED";
    el0_code(0xd4a00002, SVC64); /* dcps2 */
    if (class_of(attempt_el0(el0_address(0), 0, 0, 0, EL0_64)) != EC_UNKNOWN)
        wrong = "DCPS2 is not UNDEFINED";
    return wrong;
}

/* There is none: nothing counts, nothing interrupts. */
const char *cpu_pmu(void)
{
    SYSREG_WRITE(pmcr_el0, 0x7f);
    SYSREG_WRITE(pmcntenset_el0, 0xffffffff);
    SYSREG_WRITE(pmccfiltr_el0, 1 << 27);
    SYSREG_WRITE(pmuserenr_el0, 0xf);
    SYSREG_WRITE(pmevtyper0_el0, 0x11 | 1 << 27);
    SYSREG_WRITE(pmintenset_el1, 0xffffffff);
    SYSREG_WRITE(pmovsset_el0, 0xffffffff);
    if (SYSREG_READ(pmccntr_el0) || SYSREG_READ(pmevcntr0_el0) || SYSREG_READ(pmcr_el0))
        return "a counter shows something";
    if (SYSREG_READ(id_aa64dfr0_el1) & 0xf00)
        return "ID_AA64DFR0_EL1 tells of a PMU";
    el0_code(0xd53b9d00, SVC64); /* mrs x0, pmccntr_el0 */
    if (class_of(attempt_el0(el0_address(0), 0, 0, 0, EL0_64)) == EC_SVC64)
        return "EL0 can read the cycle counter";
    return NULL;
}

/* ---- Waiting ---- */

const char *cpu_wait(void)
{
    uint64_t start = ticks();
    gic_enable(INTID_VTIMER, false);
    SYSREG_WRITE(cntkctl_el1, 1 << 2 | 8 << 4); /* event stream */
    for (unsigned n = 0; n < 50; n++) {
        SYSREG_WRITE(cntv_tval_el0, SYSREG_READ(cntfrq_el0) / 1000);
        SYSREG_WRITE(cntv_ctl_el0, 1);
        wait_for_interrupt();
        __asm__ volatile("wfe; yield; sev; sevl; wfe; wfi");
        for (unsigned id = gic_acknowledge(); id < 1020; id = gic_acknowledge()) {
            SYSREG_WRITE(cntv_ctl_el0, 0);
            gic_end(id);
        }
    }
    SYSREG_WRITE(cntkctl_el1, 0);
    return after(start, 30) ? "it waited too long" : NULL;
}

/* ---- For ever ---- */

static void loop(void)
{
    for (;;)
        __asm__ volatile("msr daifset, #0xf");
}

const char *cpu_loop(void)
{
    loop();
    return "?";
}

const char *cpu_loop_both(void)
{
    if (run_on_second(loop))
        loop();
    return "the second vCPU does not come";
}

static void wait_masked(void)
{
    for (;;)
        __asm__ volatile("msr daifset, #0xf; wfi");
}

const char *cpu_wfi(void)
{
    write32(GICD, 0);
    if (run_on_second(wait_masked))
        wait_masked();
    return "the second vCPU does not come";
}

/* The first exception leads to the next, by way of EL2. */
static void vectors_in_hole(void)
{
    SYSREG_WRITE(vbar_el1, 0x20000000);
    __asm__ volatile("isb; brk #1");
}

const char *cpu_vectors(void)
{
    enum { BLOCK = 1, ACCESS_FLAG = 1 << 10 };
    set_level1(0, BLOCK | ACCESS_FLAG); /* executable, were it there */
    if (run_on_second(vectors_in_hole))
        vectors_in_hole();
    return "?";
}

/* Its watchdog armed for half a second and another (SBSA, DEN 0029B A.3), and never fed. */
const char *cpu_watchdog(void)
{
    enum { WCS = 0x09060000, WOR = WCS + 8, WCS_EN = 1 };

    write32(WOR, (uint32_t)SYSREG_READ(cntfrq_el0) / 2);
    write32(WCS, WCS_EN);
    return cpu_loop_both();
}

static void garbage(void)
{
    SYSREG_WRITE(mair_el1, ~0ul);
    SYSREG_WRITE(ttbr1_el1, 0xffff000000001000);
    SYSREG_WRITE(ttbr0_el1, 0x0000ffffffffffff);
    SYSREG_WRITE(tcr_el1, 0x12345678);
    SYSREG_WRITE(vbar_el1, ~0ul);
    SYSREG_WRITE(sctlr_el1, ~0ul);
    __asm__ volatile("isb; brk #1");
}

const char *cpu_garbage(void)
{
    if (run_on_second(garbage))
        garbage();
    return "?";
}

static void exits(void)
{
    for (;;) {
        hvc(0x84000000, 0, 0, 0);
        read32(GICD + 4);
        write32(GICD + 0xf00, 2 << 24); /* SGI 0 to itself */
        attempt(load32, 0x20000000, 0, 0, 0);
    }
}

const char *cpu_exit_storm(void)
{
    if (run_on_second(exits))
        exits();
    return "the second vCPU does not come";
}
