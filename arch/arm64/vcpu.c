/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's reset, entry and end, and exceptions injected into it. Every EL2 control bit is written
 * here; docs/el2-controls.md is their table.
 */
#include <bulkhead/log.h>
#include <bulkhead/vm.h>

#include "arch_internal.h"
#include "sysregs.h"
#include "trap.h"

/* HCR_EL2 (Arm ARM D17.2.48). */
#define HCR_GUEST                                                                                  \
    (HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | \
     HCR_RW)

/* Reset values of an A72's EL1 (Cortex-A72 TRM, DDI 0488): SCTLR's RES1 bits, everything off. */
#define SCTLR_EL1_RESET 0x30d00800ULL
#define SCTLR_M         1ULL
#define TCR_EPD0        (1ULL << 7)
#define TCR_EPD1        (1ULL << 23)

#define SPSR_EL1H_MASKED 0x3c5ULL /* D, A, I, F masked, EL1h (C5.2.19) */
#define CPTR_EL2_RES1    0x33ffULL
#define CPTR_TTA         (1ULL << 20)
#define CNTHCTL_EL1PCTEN 1ULL

#define MDCR_TPMCR (1ULL << 5)
#define MDCR_TPM   (1ULL << 6)
#define MDCR_TDOSA (1ULL << 10)
#define MDCR_TDRA  (1ULL << 11)

/* ---- Reset ---- */

/* Breakpoint or watchpoint n: off, its address forgotten. */
#define RESET_PAIR(kind, n)                      \
    do {                                         \
        write_sysreg(dbg##kind##cr##n##_el1, 0); \
        write_sysreg(dbg##kind##vr##n##_el1, 0); \
    } while (0)

/* What an earlier guest left of self-hosted debug: pairs as ID_AA64DFR0_EL1 tells, the A72 has 6
 * breakpoints and 4 watchpoints. */
static void reset_debug(void)
{
    write_sysreg(oslar_el1, 0);
    write_sysreg(mdscr_el1, 0);
    write_sysreg(mdccint_el1, 0);
    RESET_PAIR(b, 0);
    RESET_PAIR(b, 1);
    RESET_PAIR(b, 2);
    RESET_PAIR(b, 3);
    RESET_PAIR(b, 4);
    RESET_PAIR(b, 5);
    RESET_PAIR(w, 0);
    RESET_PAIR(w, 1);
    RESET_PAIR(w, 2);
    RESET_PAIR(w, 3);
}

/* Nothing of who ran here before may show. */
static void reset_el1(void)
{
    write_sysreg(cpacr_el1, 0);
    write_sysreg(ttbr0_el1, 0);
    write_sysreg(ttbr1_el1, 0);
    write_sysreg(mair_el1, 0);
    write_sysreg(amair_el1, 0);
    write_sysreg(vbar_el1, 0);
    write_sysreg(contextidr_el1, 0);
    write_sysreg(tpidr_el0, 0);
    write_sysreg(tpidrro_el0, 0);
    write_sysreg(tpidr_el1, 0);
    write_sysreg(sp_el0, 0);
    write_sysreg(sp_el1, 0);
    write_sysreg(elr_el1, 0);
    write_sysreg(spsr_el1, 0);
    write_sysreg(spsr_abt, 0);
    write_sysreg(spsr_und, 0);
    write_sysreg(spsr_irq, 0);
    write_sysreg(spsr_fiq, 0);
    write_sysreg(esr_el1, 0);
    write_sysreg(far_el1, 0);
    write_sysreg(afsr0_el1, 0);
    write_sysreg(afsr1_el1, 0);
    write_sysreg(par_el1, 0);
    write_sysreg(csselr_el1, 0);
    write_sysreg(dacr32_el2, 0);
    write_sysreg(ifsr32_el2, 0);
    write_sysreg(cntkctl_el1, 0);
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntv_cval_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
}

static void load_traps(const struct vcpu *vcpu)
{
    /* HPMN = PMCR_EL0.N: no counter is reserved for EL2; 0 would be CONSTRAINED UNPREDICTABLE
     * (D17.3.18). */
    uint64_t counters = read_sysreg(pmcr_el0) >> 11 & 0x1f;
    write_sysreg(mdcr_el2, MDCR_TDRA | MDCR_TDOSA | MDCR_TPM | MDCR_TPMCR | counters);
    write_sysreg(cptr_el2, CPTR_EL2_RES1 | CPTR_TTA);
    write_sysreg(hstr_el2, 0);
    write_sysreg(actlr_el2, 0);
    write_sysreg(cnthctl_el2, CNTHCTL_EL1PCTEN);
    write_sysreg(cntvoff_el2, vcpu->vm->cntvoff);
    write_sysreg(vpidr_el2, read_sysreg(midr_el1));
    write_sysreg(vmpidr_el2, (1ULL << 31) | vcpu->index);
}

/*
 * Cortex-A72 erratum 1319367: a speculative AT must not walk a mixture of two worlds. So EL1's
 * walks are disabled (EPD0/1 with the MMU "on") before stage 2 becomes the VM's, and its real
 * values come after.
 */
static void load_translation(const struct vcpu *vcpu)
{
    write_sysreg(tcr_el1, TCR_EPD0 | TCR_EPD1);
    isb();
    write_sysreg(sctlr_el1, SCTLR_EL1_RESET | SCTLR_M);
    isb();
    reset_el1();
    write_sysreg(vtcr_el2, stage2_vtcr());
    write_sysreg(vttbr_el2, stage2_vttbr(&vcpu->vm->stage2));
    write_sysreg(hcr_el2, HCR_GUEST);
    isb();
    tlb_invalidate_vmid();
    write_sysreg(sctlr_el1, SCTLR_EL1_RESET);
    isb();
    write_sysreg(tcr_el1, 0);
    isb();
}

noreturn void vcpu_enter(struct vcpu *vcpu, ipaddr_t entry, uint64_t context)
{
    struct vcpu_regs *regs = arch_stack_top_regs();
    *regs = (struct vcpu_regs){.pc = entry.v, .pstate = SPSR_EL1H_MASKED};
    regs->x[0] = context;
    vcpu->regs = regs;
    core_this()->vcpu = vcpu;
    load_traps(vcpu);
    reset_debug();
    load_translation(vcpu);
    ptimer_reset(vcpu);
    fp_reset();
    icache_invalidate();
    serror_drain(); /* of the life before: it was masked then */
    vcpu_eret(regs);
}

void vcpu_timers_off(struct vcpu *vcpu)
{
    ptimer_reset(vcpu);
    write_sysreg(cntv_ctl_el0, 0);
    isb();
}

noreturn void vcpu_park(void)
{
    struct vcpu *vcpu = vcpu_this();
    if (vcpu)
        vcpu_timers_off(vcpu);
    arch_idle();
}

/* ---- Report ---- */

void vcpu_state_read(struct vcpu_state *out)
{
    *out = (struct vcpu_state){
        .sp_el0 = read_sysreg(sp_el0),
        .sp_el1 = read_sysreg(sp_el1),
        .elr_el1 = read_sysreg(elr_el1),
        .spsr_el1 = read_sysreg(spsr_el1),
        .esr_el1 = read_sysreg(esr_el1),
        .far_el1 = read_sysreg(far_el1),
        .vbar_el1 = read_sysreg(vbar_el1),
        .sctlr_el1 = read_sysreg(sctlr_el1),
        .tcr_el1 = read_sysreg(tcr_el1),
        .ttbr0_el1 = read_sysreg(ttbr0_el1),
        .ttbr1_el1 = read_sysreg(ttbr1_el1),
        .tpidr_el1 = read_sysreg(tpidr_el1),
        .esr_el2 = read_sysreg(esr_el2),
        .far_el2 = read_sysreg(far_el2),
        .hpfar_el2 = read_sysreg(hpfar_el2),
    };
}

/* ---- Pause ---- */

static uint64_t frozen_cntv_ctl[MAX_CPUS]; /* each core's own */

noreturn void vcpu_freeze(struct vcpu *vcpu)
{
    frozen_cntv_ctl[vcpu->cpu] = read_sysreg(cntv_ctl_el0);
    write_sysreg(cntv_ctl_el0, 0);
    isb();
    arch_idle();
}

noreturn void vcpu_thaw(struct vcpu *vcpu)
{
    write_sysreg(cntvoff_el2, vcpu->vm->cntvoff);
    isb();
    write_sysreg(cntv_ctl_el0, frozen_cntv_ctl[vcpu->cpu]);
    vcpu_eret(arch_stack_top_regs());
}

/* ---- Injection ---- */

#define ESR_EC(ec) ((uint64_t)(ec) << ESR_EC_SHIFT)
enum { EC_UNKNOWN = 0x00, EC_IABT_EL0 = 0x20, EC_DABT_EL0 = 0x24 };
enum { DFSC_EXTERNAL = 0x10 }; /* synchronous external abort, not on a table walk */

static bool from_el1(const struct vcpu_regs *regs)
{
    return (regs->pstate & 0xc) == 0x4;
}

/* AArch64.TakeException to EL1 (Arm ARM J1.1.1): the vector is by where it came from. */
static void take_exception(struct vcpu_regs *regs, uint64_t esr)
{
    uint64_t offset;
    if (from_el1(regs))
        offset = regs->pstate & 1 ? 0x200 : 0x000;
    else
        offset = regs->pstate & SPSR_AARCH32 ? 0x600 : 0x400;
    write_sysreg(esr_el1, esr);
    write_sysreg(elr_el1, regs->pc);
    write_sysreg(spsr_el1, regs->pstate);
    regs->pc = read_sysreg(vbar_el1) + offset;
    regs->pstate = SPSR_EL1H_MASKED;
}

void vcpu_inject_undefined(struct vcpu *vcpu)
{
    /* An unknown reason (EC 0) always reports a 32-bit instruction (ESR_EL1.IL). */
    take_exception(vcpu->regs, ESR_EC(EC_UNKNOWN) | ESR_IL);
}

void vcpu_inject_data_abort(struct vcpu *vcpu, uint64_t far, bool fetch)
{
    uint64_t ec = fetch ? EC_IABT_EL0 : EC_DABT_EL0;
    uint64_t esr = DFSC_EXTERNAL | (read_sysreg(esr_el2) & (ESR_IL | (fetch ? 0 : ISS_WNR)));
    if (from_el1(vcpu->regs))
        ec |= 1; /* "without a change in Exception level" */
    write_sysreg(far_el1, far);
    take_exception(vcpu->regs, ESR_EC(ec) | esr);
}
