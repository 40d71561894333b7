/* SPDX-License-Identifier: BSD-2-Clause */
/* An exception that EL2 took from itself: a bug of ours. Say all there is to know, then stop. */
#include <bulkhead/console.h>
#include <bulkhead/log.h>
#include <stdio.h>

#include "arch_internal.h"
#include "layout.h"
#include "mmu.h"
#include "sysregs.h"

noreturn void el2_fault(const struct vcpu_regs *regs, unsigned kind, uint64_t sp);

static const char *const kinds[] = {"synchronous exception", "IRQ", "FIQ", "SError",
                                    "FIQ from a guest"};

static bool in_guard(uint64_t va)
{
    uint64_t offset = va - (uint64_t)core_stacks;

    if (va < (uint64_t)core_stacks || offset >= (uint64_t)CORE_STACKS * MAX_CPUS)
        return false;
    offset %= CORE_STACKS;
    return offset < GUARD_BYTES || offset - GUARD_BYTES - EMERGENCY_BYTES < GUARD_BYTES;
}

static void print_registers(const struct vcpu_regs *regs, uint64_t sp)
{
    char line[96];

    for (unsigned i = 0; i < 30; i += 3) {
        snprintf(line, sizeof line, "x%-2u %016llx  x%-2u %016llx  x%-2u %016llx\r\n", i,
                 (unsigned long long)regs->x[i], i + 1, (unsigned long long)regs->x[i + 1], i + 2,
                 (unsigned long long)regs->x[i + 2]);
        console_emergency(line);
    }
    snprintf(line, sizeof line, "x30 %016llx  sp  %016llx  pstate %llx\r\n",
             (unsigned long long)regs->x[30], (unsigned long long)sp,
             (unsigned long long)regs->pstate);
    console_emergency(line);
}

/* From vectors.S, on the emergency stack, once a core. */
noreturn void el2_fault(const struct vcpu_regs *regs, unsigned kind, uint64_t sp)
{
    uint64_t esr = read_sysreg(esr_el2), far = read_sysreg(far_el2);
    bool abort = kind == 0 && esr_is_abort(esr);
    const char *what = kind == 0 ? esr_class_name(esr) : kinds[kind];
    const char *status = abort ? esr_fault_name(esr) : "no address";

    cpu_stop_others();
    console_emergency("\r\n");
    print_registers(regs, sp);
    if (abort && in_guard(far))
        status = "the stack overflowed into its guard page";
    panic("core %u: %s at EL2, pc %#llx: %s; ESR %#llx, FAR %#llx", cpu_this(), what,
          (unsigned long long)regs->pc, status, (unsigned long long)esr, (unsigned long long)far);
}
