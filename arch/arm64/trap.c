/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Synchronous exceptions from a guest: one handler for each exception class (Arm ARM DDI 0487,
 * ESR_EL2.EC). Whatever the guest did, the answer is the architecture's, given to that guest.
 */
#include <bulkhead/arch.h>
#include <bulkhead/mmio.h>
#include <bulkhead/vm.h>

#include "arch_internal.h"
#include "hot_layout.h"
#include "sysregs.h"
#include "trap.h"

/* What hot.S knows. */
_Static_assert(offsetof(struct core, vcpu) == CORE_VCPU, "hot_layout.h");
_Static_assert(offsetof(struct core, gicc) == CORE_GICC, "hot_layout.h");
_Static_assert(offsetof(struct core, lrs) == CORE_GICC + 8, "hot_layout.h");
_Static_assert(offsetof(struct vcpu, exits) == VCPU_EXITS, "hot_layout.h");
_Static_assert(offsetof(struct vcpu, gic.timer_lr) == VCPU_TIMER_LR, "hot_layout.h");
_Static_assert(offsetof(struct vcpu, gic.timer_at) == VCPU_TIMER_AT, "hot_layout.h");
_Static_assert(EC_HVC64 == ASM_HVC64 && EC_SMC64 == ASM_SMC64, "hot_layout.h");
_Static_assert(EC_DABT_LOWER == ASM_DABT && EXIT_INTERRUPT == ASM_INTERRUPT, "hot_layout.h");
_Static_assert(INTID_VTIMER == ASM_VTIMER && SGI_VGIC == ASM_SGI_VGIC, "hot_layout.h");
_Static_assert(GUEST_GICD_BASE >> 8 == HPFAR_GICD << 12, "hot_layout.h");
_Static_assert(GUEST_PL011_BASE >> 8 == HPFAR_UART << 12, "hot_layout.h");
_Static_assert(GUEST_VIRTIO_BASE >> 8 == HPFAR_VIRTIO << 12, "hot_layout.h");

/* ---- Going on after an emulated instruction ---- */

/* AArch32: ITSTATE is SPSR bits 15:10 and 26:25 (Arm ARM C5.2.19); it moves on with each
 * instruction (F1.4). */
static uint64_t advance_it(uint64_t pstate)
{
    uint32_t it = (uint32_t)((pstate >> 8 & 0xfc) | (pstate >> 25 & 3));
    if (!it)
        return pstate;
    it = (it & 7) ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    return (pstate & ~0x0600fc00ULL) | (uint64_t)(it & 0xfc) << 8 | (uint64_t)(it & 3) << 25;
}

void trap_advance(struct vcpu_regs *regs, uint64_t esr)
{
    regs->pc += esr & ESR_IL ? 4 : 2;
    if (regs->pstate & SPSR_AARCH32)
        regs->pstate = advance_it(regs->pstate);
    regs->pstate &= ~SPSR_SS;
}

/* ---- Calls ---- */

static void trap_hvc(struct vcpu *vcpu, uint64_t esr)
{
    if (esr & 0xffff) /* DEN 0028E 2.9: only immediate 0 is for calls */
        vcpu->regs->x[0] = UINT64_MAX;
    else
        smccc_call(vcpu);
}

static void trap_smc(struct vcpu *vcpu, uint64_t esr)
{
    /* HCR_EL2.TSC: ELR points at the SMC itself; first, as a call may not return. */
    trap_advance(vcpu->regs, esr);
    trap_hvc(vcpu, esr);
}

/* ---- Aborts: MMIO, or nothing there ---- */

/* Fault status codes, ISS.DFSC (Arm ARM, ISS encoding for a Data Abort). */
static bool is_translation_fault(uint64_t esr)
{
    return (esr & 0x3c) == 0x04;
}

static uint64_t sign_extend(uint64_t value, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;
    return (uint64_t)((int64_t)(value << shift) >> shift);
}

static uint64_t zero_extend(uint64_t value, unsigned bytes)
{
    return bytes == 8 ? value : value & ((1ULL << 8 * bytes) - 1);
}

static void emulate(struct vcpu *vcpu, uint64_t esr, ipaddr_t ipa)
{
    struct vcpu_regs *regs = vcpu->regs;
    unsigned rt = esr >> ISS_SRT_SHIFT & 31;
    struct mmio_access access = {
        .size = (uint8_t)(1 << (esr >> ISS_SAS_SHIFT & 3)),
        .write = esr & ISS_WNR,
    };
    if (access.write && rt != 31)
        access.value = zero_extend(regs->x[rt], access.size);
    if (!mmio_dispatch(vcpu, ipa, &access)) {
        vcpu_inject_data_abort(vcpu, read_sysreg(far_el2), false);
        return;
    }
    if (access.retry)
        return;
    if (!access.write && rt != 31) {
        uint64_t v = esr & ISS_SSE ? sign_extend(access.value, access.size)
                                   : zero_extend(access.value, access.size);
        regs->x[rt] = esr & ISS_SF ? v : (uint32_t)v;
    }
    trap_advance(regs, esr);
}

static void trap_data_abort(struct vcpu *vcpu, uint64_t esr)
{
    uint64_t far = read_sysreg(far_el2);
    /* HPFAR_EL2.FIPA is bits 47:12 of the IPA at bit 4. Valid here: translation faults only. */
    ipaddr_t ipa = ipaddr((read_sysreg(hpfar_el2) & ~0xfULL) << 8 | (far & 0xfff));

    if (is_translation_fault(esr) && !(esr & ISS_S1PTW)) {
        if (esr & ISS_CM) { /* DC by VA on a hole: there is no data to keep, nothing to do */
            trap_advance(vcpu->regs, esr);
            return;
        }
        if (esr & ISS_ISV) {
            emulate(vcpu, esr, ipa);
            return;
        }
    }
    /* No syndrome, a table walk into a hole, a write to nowhere: an external abort, as on a bus. */
    vcpu_inject_data_abort(vcpu, far, false);
}

/* At the start of a vector for synchronous exceptions (Arm ARM D1.10.2), of EL1: it is not there,
 * so the exception would be taken for ever, each time by way of EL2. */
static bool at_missing_vector(const struct vcpu_regs *regs)
{
    return (regs->pstate & 0xc) == 0x4 && (regs->pc & ~0x600ULL) == read_sysreg(vbar_el1);
}

static void trap_instruction_abort(struct vcpu *vcpu, uint64_t esr)
{
    (void)esr;
    if (at_missing_vector(vcpu->regs))
        vm_end(vcpu->vm, VM_END_CRASH,
               "it took an exception, and its exception vectors are not in its memory");
    vcpu_inject_data_abort(vcpu, read_sysreg(far_el2), true);
}

/* ---- AArch32 at EL0: coprocessor accesses that EL2 traps ---- */

/* A core may trap an instruction whose condition fails (ISS.CV, COND): that one is a NOP. */
static bool condition_holds(const struct vcpu_regs *regs, uint64_t esr)
{
    unsigned cond = esr & ISS_CV ? esr >> ISS_COND_SHIFT & 0xf : 14;
    bool n = regs->pstate >> 31 & 1, z = regs->pstate >> 30 & 1;
    bool c = regs->pstate >> 29 & 1, v = regs->pstate >> 28 & 1;
    const bool base[8] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
    bool holds = base[cond >> 1];
    return (cond & 1) && cond != 15 ? !holds : holds;
}

static void trap_coprocessor(struct vcpu *vcpu, uint64_t esr)
{
    if (condition_holds(vcpu->regs, esr))
        vcpu_inject_undefined(vcpu);
    else
        trap_advance(vcpu->regs, esr);
}

static void trap_sysreg(struct vcpu *vcpu, uint64_t esr)
{
    if (sysreg_access(vcpu, esr))
        trap_advance(vcpu->regs, esr);
    else
        vcpu_inject_undefined(vcpu);
}

/* Every class not named is UNDEFINED for a guest: none is enabled by EL2's controls
 * (docs/el2-controls.md). */
static void (*const handlers[EC_CLASSES])(struct vcpu *, uint64_t) = {
    [EC_CP15_32] = trap_coprocessor,
    [EC_CP15_64] = trap_coprocessor,
    [EC_CP14_32] = trap_coprocessor,
    [EC_CP14_LDC] = trap_coprocessor,
    [EC_CP14_64] = trap_coprocessor,
    [EC_HVC64] = trap_hvc,
    [EC_SMC64] = trap_smc,
    [EC_SYSREG] = trap_sysreg,
    [EC_IABT_LOWER] = trap_instruction_abort,
    [EC_DABT_LOWER] = trap_data_abort,
};

void trap_sync(struct vcpu_regs *regs)
{
    uint64_t esr = read_sysreg(esr_el2);
    struct vcpu *vcpu = vcpu_this();
    unsigned class = esr >> ESR_EC_SHIFT & (EC_CLASSES - 1);
    void (*handler)(struct vcpu *, uint64_t) = handlers[class];

    vcpu->regs = regs;
    vcpu->exits[class]++;
    if (handler)
        handler(vcpu, esr);
    else
        vcpu_inject_undefined(vcpu);
}

void trap_serror(struct vcpu_regs *regs)
{
    struct vcpu *vcpu = vcpu_this();
    vcpu->regs = regs;
    vcpu->exits[EC_SERROR]++;
    /* Arm ARM D1.13: asynchronous, so the core's state can't be trusted to go on. Only this VM ran
     * here. */
    vm_end(vcpu->vm, VM_END_CRASH,
           "an SError interrupt (asynchronous external abort) was taken on its core");
}
