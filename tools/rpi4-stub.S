/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's boot stub, for the emulator (tools/qemu-rpi4): all cores enter at address 0 at EL3 and leave
 * at EL2 as on the board, whose stub is armstub8 of the Raspberry Pi firmware. DTB and KERNEL are given by
 * the assembler's command line.
 */
        .equ    GICD, 0xff841000        /* BCM2711 ARM Peripherals, 6.5.1: GIC-400 */
        .equ    GICC, 0xff842000
        .equ    GICD_CTLR, 0x000        /* GICv2 (IHI 0048B) 4.3 */
        .equ    GICD_IGROUPR, 0x080
        .equ    GIC_GROUP_WORDS, 8      /* 256 INTIDs */
        .equ    GICC_CTLR, 0x000        /* GICv2 4.4 */
        .equ    GICC_PMR, 0x004
        .equ    GICC_CTLR_VALUE, 0x1e7  /* both groups on, secure view; group 0 as FIQ, no bypass */

        .equ    CPTR_NO_TRAP, 0x33ff    /* CPTR_EL3: RES1 bits only, no trap of FP */
        .equ    ACTLR_LOWER, 0x73       /* ACTLR_EL3, Cortex-A72 TRM 4.3.64: CPUACTLR.. open to EL2 */
        .equ    CPUECTLR_SMPEN, 1 << 6  /* Cortex-A72 TRM 4.3.67 */
        .equ    SCR_VALUE, 0x5b1        /* SCR_EL3: RW, HCE, SMD, RES1, NS */
        .equ    SCTLR_EL2_RES1, 0x30c50830
        .equ    SPSR_EL2H, 0x3c9        /* EL2h, DAIF masked */

        .global _start
_start:
        b       el3

        /* Where the other cores wait for an address, one word each: cpu-release-addr of the board's DTs. */
        .org    0xd8
spin_table:
        .quad   0, 0, 0, 0

        .org    0x100
el3:
        ldr     x0, =CNTFRQ
        msr     cntfrq_el0, x0
        msr     cntvoff_el2, xzr
        mov     x0, #CPTR_NO_TRAP
        msr     cptr_el3, x0
        mov     x0, #ACTLR_LOWER
        msr     actlr_el3, x0
        mrs     x0, S3_1_C15_C2_1       /* CPUECTLR_EL1 */
        orr     x0, x0, #CPUECTLR_SMPEN
        msr     S3_1_C15_C2_1, x0
        mov     x0, #SCR_VALUE
        msr     scr_el3, x0
        bl      gic_groups
        ldr     x0, =SCTLR_EL2_RES1
        msr     sctlr_el2, x0
        mov     x0, #SPSR_EL2H
        msr     spsr_el3, x0
        adr     x0, el2
        msr     elr_el3, x0
        eret

/* Everything in group 1, for the non-secure world. Only the secondary cores turn the distributor on. */
gic_groups:
        mrs     x0, mpidr_el1
        ldr     x1, =GICD
        ldr     x2, =GICC
        tst     x0, #3
        b.eq    1f
        mov     w3, #3
        str     w3, [x1, #GICD_CTLR]
1:      mov     w3, #GICC_CTLR_VALUE
        str     w3, [x2, #GICC_CTLR]
        mov     w3, #0xff
        str     w3, [x2, #GICC_PMR]
        mov     w3, #-1
        add     x1, x1, #GICD_IGROUPR
        mov     x4, #GIC_GROUP_WORDS
2:      str     w3, [x1], #4
        subs    x4, x4, #1
        b.ne    2b
        ret

el2:
        mrs     x6, mpidr_el1
        and     x6, x6, #3
        cbz     x6, 4f
        adr     x5, spin_table
3:      wfe
        ldr     x4, [x5, x6, lsl #3]
        cbz     x4, 3b
        mov     x0, xzr
        b       5f
4:      ldr     x0, =DTB
        ldr     x4, =KERNEL
5:      mov     x1, xzr
        mov     x2, xzr
        mov     x3, xzr
        br      x4
        .ltorg
