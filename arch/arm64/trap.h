/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of arch/arm64 that handle a guest's exceptions. All run on the vCPU's own core,
 * no lock held. */
#ifndef ARM64_TRAP_H
#define ARM64_TRAP_H

#include <bulkhead/arch.h>

struct vcpu;

/* ESR_EL2.EC (Arm ARM D17.2.37): the classes that trap_sync() knows. */
enum {
    EC_CP15_32 = 0x03,
    EC_CP15_64 = 0x04,
    EC_CP14_32 = 0x05,
    EC_CP14_LDC = 0x06,
    EC_CP14_64 = 0x0c,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_IABT_LOWER = 0x20,
    EC_DABT_LOWER = 0x24,
    EC_SERROR = 0x2f,
    EC_CLASSES = 64,
};

/* From vectors.S: the guest's registers are at the top of this core's EL2 stack. */
void trap_sync(struct vcpu_regs *regs);
void trap_serror(struct vcpu_regs *regs);

/* Step over the trapped instruction; `esr` tells its length. */
void trap_advance(struct vcpu_regs *regs, uint64_t esr);

/* sysreg.c: emulate the MSR, MRS or SYS that ESR_EL2 describes. False: it is UNDEFINED for the
 * guest. */
bool sysreg_access(struct vcpu *vcpu, uint64_t esr);

/* ptimer.c: the guest's EL1 physical timer, emulated. */
enum ptimer_register { PTIMER_TVAL, PTIMER_CTL, PTIMER_CVAL };
uint64_t ptimer_read(struct vcpu *vcpu, enum ptimer_register r);
void ptimer_write(struct vcpu *vcpu, enum ptimer_register r, uint64_t value);
/* Stopped and forgotten, at a vCPU's start. */
void ptimer_reset(struct vcpu *vcpu);

#endif
