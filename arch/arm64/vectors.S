/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions taken to EL2 (Arm ARM D1.10.2), and the ways out: to the guest, to the idle loop.
 * While a guest runs, SP_EL2 is this core's stack top; its registers are saved right there.
 */
#include "layout.h"

    .arch_extension fp

/* From a guest: save its registers and call \handler(struct vcpu_regs *). */
.macro from_guest handler
    .balign 128
    sub     sp, sp, #FRAME_BYTES
    stp     x0, x1, [sp]
    ldr     x1, =\handler
    b       guest_exit
.endm

/* The same by way of the fast paths (hot.S), which begin with x0-x3 saved. */
.macro from_guest_hot first, path
    .balign 128
    stp     x0, x1, [sp, #-FRAME_BYTES]!
    stp     x2, x3, [sp, #16]
    \first
    b       \path
.endm

/* From EL2 itself: our own bug. The stack may be what is broken, so the report gets one of its own.
   SP_EL0 is a guest's, but none will run here again. \kind: el2_fault.c's table. */
.macro from_el2 kind
    .balign 128
    msr     sp_el0, x0
    mrs     x0, tpidr_el2
    ldr     x0, [x0, #CORE_EMERGENCY_TOP]
    sub     x0, x0, #FRAME_BYTES
    str     x1, [x0, #8]
    mov     x1, #\kind
    b       el2_exception
.endm

    .section .text.vectors, "ax"
    .balign 2048
    .global vectors
vectors:
    from_el2 0  /* EL2 with SP_EL0: never used */
    from_el2 1
    from_el2 2
    from_el2 3
    from_el2 0  /* EL2 */
    from_el2 1
    from_el2 2
    from_el2 3
    from_guest_hot "mrs x1, esr_el2", hot_sync  /* AArch64 */
    from_guest_hot "", hot_irq
    from_el2 4             /* no FIQ is ever configured */
    from_guest trap_serror
    from_guest trap_sync   /* AArch32, at EL0 */
    from_guest_hot "", hot_irq
    from_el2 4
    from_guest trap_serror
    .ltorg

/* x0, x1 are saved; x1 is the handler, x0 its second argument, if any. */
    .global guest_exit
guest_exit:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x2, elr_el2
    mrs     x3, spsr_el2
    stp     x30, x2, [sp, #240]
    str     x3, [sp, #FRAME_PSTATE]
    mov     x29, xzr
    mov     x19, x1
    mov     x20, x0
    bl      account_enter
    mov     x0, sp
    mov     x1, x20
    blr     x19
    mov     x0, sp

/* void vcpu_eret(const struct vcpu_regs *) */
    .global vcpu_eret
vcpu_eret:
    mov     x19, x0
    bl      account_leave
    mov     x0, x19
    mrs     x1, tpidr_el2
    ldr     x1, [x1, #CORE_STACK_TOP]
    mov     sp, x1
    ldr     x3, [x0, #FRAME_PSTATE]
    ldp     x30, x2, [x0, #240]
    msr     elr_el2, x2
    msr     spsr_el2, x3
    ldp     x2, x3, [x0, #16]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldp     x18, x19, [x0, #144]
    ldp     x20, x21, [x0, #160]
    ldp     x22, x23, [x0, #176]
    ldp     x24, x25, [x0, #192]
    ldp     x26, x27, [x0, #208]
    ldp     x28, x29, [x0, #224]
    ldp     x0, x1, [x0]
    eret
    /* A core may speculate past ERET: not with a guest's registers in EL2's code. */
    dsb     nsh
    isb

/* void arch_idle(void) */
    .global arch_idle
arch_idle:
    mrs     x0, tpidr_el2
    ldr     x0, [x0, #CORE_STACK_TOP]
    sub     sp, x0, #FRAME_BYTES
    mov     x29, xzr
    mov     x30, xzr
    b       arch_idle_loop

/* x0: frame on the emergency stack; x1: kind; their values are in SP_EL0 and in the frame. */
el2_exception:
    stp     x2, x3, [x0, #16]
    cmp     x1, #3
    b.ne    1f
    mrs     x2, elr_el2
    adr     x3, drain_start
    sub     x2, x2, x3
    cmp     x2, #drain_end - drain_start
    b.ls    drained
1:  mrs     x2, sp_el0
    str     x2, [x0]
    mrs     x2, tpidr_el2
    ldr     x3, [x2, #CORE_FAULTED]
    cbnz    x3, halt                    /* a fault while a fault is reported */
    mov     x3, #1
    str     x3, [x2, #CORE_FAULTED]
    stp     x4, x5, [x0, #32]
    stp     x6, x7, [x0, #48]
    stp     x8, x9, [x0, #64]
    stp     x10, x11, [x0, #80]
    stp     x12, x13, [x0, #96]
    stp     x14, x15, [x0, #112]
    stp     x16, x17, [x0, #128]
    stp     x18, x19, [x0, #144]
    stp     x20, x21, [x0, #160]
    stp     x22, x23, [x0, #176]
    stp     x24, x25, [x0, #192]
    stp     x26, x27, [x0, #208]
    stp     x28, x29, [x0, #224]
    mrs     x2, elr_el2
    mrs     x3, spsr_el2
    stp     x30, x2, [x0, #240]
    str     x3, [x0, #FRAME_PSTATE]
    mov     x2, sp
    mov     sp, x0
    mov     x29, xzr
    mov     x30, xzr
    b       el2_fault                   /* (regs, kind, sp) */

/* unsigned serror_drain(void): take an SError that is pending since before us. 1: there was one. */
    .global serror_drain
serror_drain:
    mov     x0, #0
drain_start:
    msr     daifclr, #4
    isb
drain_end:
    msr     daifset, #4
    ret

/* It came in there: go on, masked. x0: frame. */
drained:
    mrs     x2, spsr_el2
    orr     x2, x2, #1 << 8             /* SPSR_EL2.A */
    msr     spsr_el2, x2
    ldp     x2, x3, [x0, #16]
    ldr     x1, [x0, #8]
    mov     x0, #1
    eret
    dsb     nsh
    isb

/* void cpu_halt(void) */
    .global cpu_halt
cpu_halt:
halt:
    msr     daifset, #0xf
1:  wfi
    b       1b

/* void fp_reset(void) */
    .global fp_reset
fp_reset:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
        24, 25, 26, 27, 28, 29, 30, 31
    fmov    d\n, xzr                    /* clears the upper half too */
    .endr
    msr     fpcr, xzr
    msr     fpsr, xzr
    ret
