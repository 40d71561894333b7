/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first page of the image: its header, where cores enter (EL2, MMU off, at any 2 MiB-aligned
 * physical address below 1 GiB), and the way to the link address.
 */
#include "layout.h"

    .section .text.head, "ax"

/* arm64 Image header (Linux, Documentation/arm64/booting.rst, 4). */
    b       primary_entry
    .long   0
    .quad   0                           /* text_offset: where it is loaded, it runs */
    .quad   __image_bytes /* image_size, with bss and stacks */
    .quad   0xa                         /* little-endian, 4 KiB pages, anywhere in RAM */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

/* MAIR_EL2 (Arm ARM D13.2.97): 0 = Normal write-back, 1 = Device-nGnRE. */
#define MAIR  0x04ff
/* TCR_EL2 (D13.2.131): 39 bits, walks write-back inner-shareable, 4 KiB granule, PS=44 bits. */
#define TCR   (1 << 31 | 1 << 23 | 4 << 16 | 3 << 12 | 1 << 10 | 1 << 8 | 25)
/* SCTLR_EL2 (D13.2.118): RES1 bits alone: MMU and caches off, little-endian. */
#define SCTLR_OFF 0x30c50830
/* M, C, SA, I, WXN. */
#define SCTLR_ON  (SCTLR_OFF | 1 << 0 | 1 << 2 | 1 << 3 | 1 << 12 | 1 << 19)

/* \op every cache line of [\start, \end). Clobbers \start, x9, x10. */
.macro dcache_lines op, start, end
    mrs     x9, ctr_el0
    ubfx    x9, x9, #16, #4             /* DminLine: log2 of words (D13.2.33) */
    mov     x10, #4
    lsl     x9, x10, x9
99: dc      \op, \start
    add     \start, \start, x9
    cmp     \start, \end
    b.lo    99b
    dsb     sy
.endm

/* Branch to \label unless the core is a Cortex-A72; clobbers x9, x10. */
.macro unless_known_core label
    mrs     x9, midr_el1
    ldr     x10, =MIDR_MASK
    and     x9, x9, x10
    ldr     x10, =MIDR_A72
    cmp     x9, x10
    b.ne    \label
.endm

.macro unless_el2 label
    mrs     x9, CurrentEL
    cmp     x9, #2 << 2
    b.ne    \label
.endm

primary_entry:
    msr     daifset, #0xf
    mov     x19, x0                     /* board DT */
    msr     spsel, #1
    /* The boot core's stack, at its physical address for now. */
    adrp    x20, core_stacks
    add     x20, x20, #CORE_STACKS
    mov     sp, x20
    mov     w1, #REFUSE_LEVEL
    unless_el2 refuse
    mov     w1, #REFUSE_CORE
    unless_known_core refuse

    ldr     x0, =SCTLR_OFF
    msr     sctlr_el2, x0
    isb
    /* Lines that the boot loader left dirty must not be written back over what is written from here
       on with caches off: the first tables and this stack. */
    bl      early_lines_flush
    bl      early_tables
    mov     w1, #REFUSE_TABLES
    cbz     x0, refuse
    mov     x21, x0
    /* And lines fetched meanwhile (instruction fetch fills the unified L2) must not hide it. */
    bl      early_lines_flush
    mov     x0, x21
    bl      mmu_on
    ldr     x0, =primary_virtual
    br      x0

refuse:
    mov     x0, x19
    b       early_refuse

/* Clean and invalidate, to the point of coherency, all that is written with the MMU off. */
early_lines_flush:
    dsb     sy                          /* DC is not ordered behind those writes by itself (D4.4.8) */
    adrp    x0, __early_start
    add     x1, x0, #0x1000 + EARLY_BYTES
    dcache_lines civac, x0, x1
    adrp    x0, core_stacks
    add     x1, x0, #CORE_STACKS
    dcache_lines civac, x0, x1
    ret

/* x0: PA of a level-1 table that maps this page at its physical address too. */
mmu_on:
    ldr     x1, =MAIR
    msr     mair_el2, x1
    ldr     x1, =TCR
    msr     tcr_el2, x1
    msr     ttbr0_el2, x0
    isb
    tlbi    alle2
    ic      iallu
    dsb     nsh
    isb
    ldr     x1, =SCTLR_ON
    msr     sctlr_el2, x1
    isb
    ret

primary_virtual:
    ldr     x0, =__bss_start
    ldr     x1, =__bss_end
1:  dc      zva, x0                     /* 64 bytes on a Cortex-A72 (DDI 0488, 4.3.25) */
    add     x0, x0, #64
    cmp     x0, x1
    b.lo    1b
    ldr     x0, =cores
    msr     tpidr_el2, x0
    ldr     x1, =core_stacks + CORE_STACKS
    str     x1, [x0, #CORE_STACK_TOP]
    sub     x2, x1, #STACK_BYTES + GUARD_BYTES
    str     x2, [x0, #CORE_EMERGENCY_TOP]
    sub     sp, x1, #FRAME_BYTES
    ldr     x0, =vectors
    msr     vbar_el2, x0
    isb
    mov     x0, x19
    mov     x29, xzr
    mov     x30, xzr
    b       arch_boot

/* Spin-table: every core but the first. Its caches are off, and what it reads was cleaned. */
    .global secondary_entry
secondary_entry:
    msr     daifset, #0xf
    unless_el2 sleep
    unless_known_core sleep
    msr     spsel, #1
    ldr     x0, =SCTLR_OFF
    msr     sctlr_el2, x0
    isb
    mrs     x0, mpidr_el1
    ldr     x1, =0xff00ffffff           /* affinity (D13.2.102) */
    and     x0, x0, x1
    adrp    x2, cores
    add     x2, x2, :lo12:cores
    ldr     x19, =cores
    ldr     x4, =cores + 4 * CORE_BYTES /* MAX_CPUS */
    /* Slot 0 is the boot core's. */
2:  add     x2, x2, #CORE_BYTES
    add     x19, x19, #CORE_BYTES
    cmp     x19, x4
    b.hs    sleep
    ldr     x3, [x2, #CORE_STACK_TOP]
    cbz     x3, sleep                   /* fewer cores than slots */
    ldr     x3, [x2, #CORE_MPIDR]
    cmp     x3, x0
    b.ne    2b
    adrp    x0, early
    add     x0, x0, :lo12:early
    ldr     x0, [x0, #8]                /* early.root */
    bl      mmu_on
    ldr     x0, =secondary_virtual
    br      x0

secondary_virtual:
    msr     tpidr_el2, x19
    ldr     x0, [x19, #CORE_STACK_TOP]
    sub     sp, x0, #FRAME_BYTES
    ldr     x0, =vectors
    msr     vbar_el2, x0
    isb
    mov     x29, xzr
    mov     x30, xzr
    b       arch_secondary

/* A core that can't be used: arch_start_secondaries() will miss it. */
sleep:
    wfi
    b       sleep

    .ltorg
