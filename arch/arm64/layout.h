/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that assembly and C share. */
#ifndef ARM64_LAYOUT_H
#define ARM64_LAYOUT_H

/* EL2's virtual address space: 39 bits, one level-1 entry is 1 GiB. The last three are windows of
 * 64 GiB. */
#define VA_IMAGE  0x4000000000 /* this image; bulkhead.lds has it too */
#define VA_DEVICE 0x5000000000 /* + PA: device registers */
#define VA_FILE   0x6000000000 /* + PA: boot files, board DT */
#define VA_RAM    0x7000000000 /* RAM of this core's VM, as the guest sees it from its base */
#define VA_WINDOW 0x1000000000 /* size of a window */

/* Stacks of a core, from low to high: guard page, emergency stack, guard page, stack. Guards aren't
 * mapped. */
#define GUARD_BYTES     0x1000
#define EMERGENCY_BYTES 0x2000
#define STACK_BYTES     0x4000
#define CORE_STACKS     (2 * GUARD_BYTES + EMERGENCY_BYTES + STACK_BYTES)

/* struct vcpu_regs lies at the very top of the stack; C at EL2 starts right below it. */
#define FRAME_X30    240
#define FRAME_PC     248
#define FRAME_PSTATE 256
#define FRAME_BYTES  272 /* sizeof(struct vcpu_regs), rounded up to what SP needs */

/* Offsets in struct core (arch_internal.h). */
#define CORE_STACK_TOP     0
#define CORE_EMERGENCY_TOP 8
#define CORE_MPIDR         16
#define CORE_FAULTED       24
#define CORE_BYTES         128

/* Room for the tables made before the MMU is on. */
#define EARLY_BYTES 0x10000

/* MIDR_EL1 of a Cortex-A72 (DDI 0488, 4.3.1), without variant and revision. */
#define MIDR_MASK 0xff0ffff0
#define MIDR_A72  0x410fd080

/* What early_refuse() is told. */
#define REFUSE_LEVEL  0
#define REFUSE_CORE   1
#define REFUSE_TABLES 2

#endif
