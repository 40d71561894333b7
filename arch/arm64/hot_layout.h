/* SPDX-License-Identifier: BSD-2-Clause */
/* What hot.S knows of C's structures and numbers; trap.c checks that it is so. */
#ifndef ARM64_HOT_LAYOUT_H
#define ARM64_HOT_LAYOUT_H

/* Offsets in struct core (arch_internal.h). */
#define CORE_VCPU 56
#define CORE_GICC 64 /* and GICH_LR0 behind it */

/* Offsets in struct vcpu (vm.h). */
#define VCPU_EXITS    48
#define VCPU_TIMER_LR 568
#define VCPU_TIMER_AT 572

/* Places in vcpu.exits; ESR_EL2 for a call with immediate 0. */
#define ASM_HVC64     0x16
#define ASM_SMC64     0x17
#define ASM_DABT      0x24
#define ASM_INTERRUPT 64
#define ESR_HVC64     0x5a000000
#define ESR_SMC64     0x5e000000

#define ASM_VTIMER   27 /* INTID_VTIMER */
#define ASM_SGI_VGIC 1  /* SGI_VGIC */

/* Guest addresses 0x08000000, 0x09000000 and 0x0a000000 as HPFAR_EL2 shows them (FIPA: bits 47:12
 * in bits 43:4, Arm ARM D17.2.63), shifted by 12. */
#define HPFAR_GICD   0x80
#define HPFAR_UART   0x90
#define HPFAR_VIRTIO 0xa0

#endif
