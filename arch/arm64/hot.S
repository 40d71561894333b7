/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast paths: the exits that guests make most, answered before the general path. They save x0-x3 only and
 * take the plain cases; everything else goes on to guest_exit (vectors.S) with nothing changed. What they
 * answer is what the general path would (hot.h): calls here, registers in hot.c of vgic/, vdev/ and virtio/, the
 * virtual timer's interrupt from a value that vgic/hardware.c keeps ready.
 * SP_EL2 is at the guest's frame: x0-x3 are in it; x30 is, once something is called.
 */
#include <bulkhead/calls.h>

#include "hot_layout.h"
#include "layout.h"

#define GICC_IAR  0x000c                /* IHI 0048B table 4-2 */
#define GICC_EOIR 0x0010
#define GICC_DIR  0x1000
#define LR_STATE  (3 << 28)             /* 5.3.11: pending, active */

/* A data abort (EC 0x24) by a 32-bit instruction (IL) with syndrome (ISV): a word (SAS=2, not SSE); no
   external abort, cache maintenance or table walk (EA, CM, S1PTW); a translation fault (DFSC=0b0001xx). */
#define ABORT_MASK 0xffe003bc
#define ABORT_WORD 0x93800004
#define ISS_WNR_BIT 6
#define SPSR_SS_BIT 21                  /* the guest steps itself: its next step is due */

.macro count_exit vcpu, class
    ldr     x1, [\vcpu, #VCPU_EXITS + 8 * \class]
    add     x1, x1, #1
    str     x1, [\vcpu, #VCPU_EXITS + 8 * \class]
.endm

/* A core may speculate past ERET: not with a guest's registers in EL2's code. */
.macro leave
    eret
    dsb     nsh
    isb
.endm

.macro step_over
    mrs     x1, elr_el2
    add     x1, x1, #4
    msr     elr_el2, x1
.endm

    .section .text.hot, "ax"

/* ---- Synchronous exceptions; x1: ESR_EL2 ---- */

    .balign 64
    .global hot_sync
hot_sync:
    mov     w2, #ESR_HVC64
    cmp     w1, w2
    b.ne    not_hvc
    mov     w2, #CALL_SMCCC_VERSION
    cmp     w0, w2
    b.eq    smccc_version
    mov     w2, #CALL_PSCI_VERSION
    cmp     w0, w2
    b.ne    general
    mov     w0, #ANSWER_PSCI_1_1
called:
    mrs     x2, tpidr_el2
    ldr     x2, [x2, #CORE_VCPU]
    count_exit x2, ASM_HVC64
    ldp     x2, x3, [sp, #16]
    ldp     xzr, x1, [sp], #FRAME_BYTES
    leave
smccc_version:
    mov     w0, #ANSWER_SMCCC_1_2 & 0xffff
    movk    w0, #ANSWER_SMCCC_1_2 >> 16, lsl #16
    b       called

not_hvc:
    ldr     w2, =ABORT_MASK
    ldr     w3, =ABORT_WORD
    and     w2, w2, w1
    cmp     w2, w3
    b.ne    not_register
    mrs     x2, spsr_el2
    tbnz    w2, #SPSR_SS_BIT, general
    str     x30, [sp, #FRAME_X30]
    mrs     x3, tpidr_el2
    ldr     x3, [x3, #CORE_VCPU]
    tbnz    w1, #ISS_WNR_BIT, write
    mrs     x2, hpfar_el2
    mrs     x1, far_el2
    and     w1, w1, #0xfff
    mov     x0, x3
    cmp     x2, #HPFAR_GICD, lsl #12
    b.ne    1f
    bl      hot_gicd_read
/* x0: the answer, for the register that ISS.SRT names; x3: vCPU, kept by what was called */
answer:
    tbnz    x0, #63, general_called     /* HOT_NO */
    mrs     x1, esr_el2
    ubfx    w1, w1, #16, #5
    adr     x2, put_table
    add     x2, x2, x1, lsl #3
    br      x2
1:  cmp     x2, #HPFAR_UART, lsl #12
    b.ne    2f
    bl      hot_uart_read
    b       answer
2:  cmp     x2, #HPFAR_VIRTIO, lsl #12
    b.ne    general_called
    bl      hot_virtio_read
    b       answer

put_table:
    .irp    n, 0, 1, 2, 3
    str     x0, [sp, #8 * \n]
    b       done
    .endr
    .irp    n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
        27, 28, 29
    mov     x\n, x0
    b       done
    .endr
    str     x0, [sp, #FRAME_X30]
    b       done
    /* 31 is XZR: falls through */
done:
    step_over
    count_exit x3, ASM_DABT
    ldr     x30, [sp, #FRAME_X30]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #FRAME_BYTES
    leave

write:
    ubfx    w2, w1, #16, #5
    adr     x0, get_table
    add     x0, x0, x2, lsl #3
    br      x0
get_table:
    .irp    n, 0, 1, 2, 3
    ldr     x2, [sp, #8 * \n]
    b       2f
    .endr
    .irp    n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
        27, 28, 29, 30
    mov     x2, x\n
    b       2f
    .endr
    mov     x2, xzr
2:  mrs     x0, hpfar_el2
    mrs     x1, far_el2
    and     w1, w1, #0xfff
    cmp     x0, #HPFAR_GICD, lsl #12
    b.ne    3f
    mov     x0, x3
    bl      hot_gicd_write
    cbz     x0, done
    b       general_called
3:  cmp     x0, #HPFAR_VIRTIO, lsl #12
    b.ne    general_called
    mov     x0, x3
    bl      hot_virtio_write
    cbz     x0, done

general_called:
    ldr     x30, [sp, #FRAME_X30]
general:
    ldp     x2, x3, [sp, #16]
    ldr     x1, =trap_sync
    b       guest_exit

not_register:
    mov     w2, #ESR_SMC64
    cmp     w1, w2
    b.ne    general
    mov     w2, #CALL_PSCI_VERSION
    cmp     w0, w2
    b.ne    general
    step_over                           /* ELR is the SMC's own: HCR_EL2.TSC */
    mov     w0, #ANSWER_PSCI_1_1
    mrs     x2, tpidr_el2
    ldr     x2, [x2, #CORE_VCPU]
    count_exit x2, ASM_SMC64
    ldp     x2, x3, [sp, #16]
    ldp     xzr, x1, [sp], #FRAME_BYTES
    leave

/* ---- Interrupts ---- */

    .balign 64
    .global hot_irq
hot_irq:
    mrs     x3, tpidr_el2
    ldp     x1, x2, [x3, #CORE_GICC]    /* and GICH_LR0 */
    ldr     w0, [x1, #GICC_IAR]
    cmp     w0, #ASM_VTIMER
    b.ne    not_timer
    ldr     x3, [x3, #CORE_VCPU]
    ldr     w0, [x3, #VCPU_TIMER_AT]
    add     x2, x2, x0
    ldr     w0, [x3, #VCPU_TIMER_LR]
    cbz     w0, general_timer
    ldr     w3, [x2]
    tst     w3, #LR_STATE
    b.ne    general_timer
    str     w0, [x2]
    mov     w0, #ASM_VTIMER           /* stays active: the guest's end of interrupt ends it */
    str     w0, [x1, #GICC_EOIR]
    mrs     x2, tpidr_el2
    ldr     x2, [x2, #CORE_VCPU]
    count_exit x2, ASM_INTERRUPT
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #FRAME_BYTES
    leave

not_timer:
    and     w2, w0, #0x3ff
    cmp     w2, #ASM_SGI_VGIC
    b.ne    general_irq
    str     x30, [sp, #FRAME_X30]
    ldr     x2, [x3, #CORE_VCPU]
    mov     w3, w0                      /* kept by what is called */
    mov     x0, x2
    dmb     ishld                       /* the acknowledge came before the inbox is read */
    bl      hot_sgi_receive
    ldr     x30, [sp, #FRAME_X30]
    cbnz    x0, 1f
    mrs     x2, tpidr_el2
    ldp     x1, x0, [x2, #CORE_GICC]
    str     w3, [x1, #GICC_EOIR]
    add     x1, x1, #GICC_DIR
    str     w3, [x1]
    ldr     x2, [x2, #CORE_VCPU]
    count_exit x2, ASM_INTERRUPT
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #FRAME_BYTES
    leave
1:  mov     w0, w3
    b       general_irq

general_timer:
    mov     w0, #ASM_VTIMER
/* w0: what GICC_IAR said, for trap_irq() */
general_irq:
    ldp     x2, x3, [sp, #16]
    ldr     x1, =trap_irq
    b       guest_exit
    .ltorg
