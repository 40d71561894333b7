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

/* ESR_EL2.EC (Arm ARM D13.2.37): those EL2 can take from itself. */
static const char *class_name(unsigned ec)
{
    switch (ec) {
    case 0x00:
        return "undefined instruction";
    case 0x07:
        return "FP/SIMD instruction";
    case 0x0e:
        return "illegal execution state";
    case 0x18:
        return "trapped system register";
    case 0x21:
        return "instruction abort";
    case 0x22:
        return "unaligned PC";
    case 0x25:
        return "data abort";
    case 0x26:
        return "unaligned SP";
    case 0x2f:
        return "SError";
    case 0x3c:
        return "BRK instruction";
    default:
        return "other exception class";
    }
}

/* ISS.DFSC, IFSC (D13.2.37, table of fault status codes). */
static const char *status_name(unsigned fsc)
{
    switch (fsc & 0x3c) {
    case 0x00:
        return "address size fault";
    case 0x04:
        return "translation fault";
    case 0x08:
        return "access flag fault";
    case 0x0c:
        return "permission fault";
    case 0x10:
        return "external abort";
    case 0x20:
        return "alignment fault";
    default:
        return "other fault";
    }
}

static bool is_abort(unsigned ec)
{
    return ec == 0x21 || ec == 0x25;
}

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
    unsigned ec = esr >> ESR_EC_SHIFT & 0x3f;
    const char *what = kind == 0 ? class_name(ec) : kinds[kind];
    const char *status = kind == 0 && is_abort(ec) ? status_name(esr & ISS_FSC_MASK) : "no address";

    console_emergency("\r\n");
    print_registers(regs, sp);
    if (kind == 0 && is_abort(ec) && in_guard(far))
        status = "the stack overflowed into its guard page";
    panic("core %u: %s at EL2, pc %#llx: %s; ESR %#llx, FAR %#llx", cpu_this(), what,
          (unsigned long long)regs->pc, status, (unsigned long long)esr, (unsigned long long)far);
}
