/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark without a hypervisor: loaded in U-Boot's place (tools/rpi4-stub.S enters it at EL2), it
 * starts the guest program GUEST at EL1 with its device tree. CPU_ON (PSCI, DEN 0022D 5.6) for CPU 1 is its
 * one service. The other cores leave the stub's spin table and sleep: spinning ones would take turns.
 */
        .equ    SPIN_TABLE, 0xd8
        .equ    HCR_RW, 1 << 31         /* HCR_EL2 (Arm ARM D17.2.48): EL1 is AArch64 */
        .equ    SCTLR_EL1_RES1, 0x30d00800
        .equ    SPSR_EL1H, 0x3c5        /* EL1h, DAIF masked */

        .global _start
_start:
        adr     x1, other
        mov     x2, #SPIN_TABLE
        stp     x1, x1, [x2, #8]
        str     x1, [x2, #24]
        dsb     sy
        sev
        ldr     x0, =GUEST_DTB
        ldr     x1, =GUEST
        b       el1

other:  mrs     x0, mpidr_el1
        and     x0, x0, #3
        cmp     x0, #1
        b.ne    2f
        adr     x2, mailbox
1:      wfe                             /* until the guest's first act, before it measures anything */
        ldp     x1, x0, [x2]
        cbz     x1, 1b
        b       el1
2:      wfi
        b       2b

/* x0: the argument, x1: where to go */
el1:    mov     x2, #HCR_RW
        msr     hcr_el2, x2
        mov     x2, #3                  /* CNTHCTL_EL2: counters and timers are EL1's */
        msr     cnthctl_el2, x2
        msr     cntvoff_el2, xzr
        mov     x2, #0x33ff
        msr     cptr_el2, x2
        ldr     x2, =SCTLR_EL1_RES1
        msr     sctlr_el1, x2
        adr     x2, vectors
        msr     vbar_el2, x2
        mov     x2, #SPSR_EL1H
        msr     spsr_el2, x2
        msr     elr_el2, x1
        eret

cpu_on: adr     x0, mailbox
        str     x3, [x0, #8]
        str     x2, [x0]
        dsb     sy
        sev
        mov     x0, #0
        eret

        .balign 8
mailbox:
        .quad   0, 0
        .ltorg

        .balign 0x800
vectors:
        .org    vectors + 0x400         /* synchronous, from AArch64 EL1 */
        b       cpu_on
        .org    vectors + 0x800
