/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions as results. TPIDR_EL1 holds the core's struct context; no stack is needed to come back. */
	.arch_extension fp
	.arch_extension simd

	.equ	RECOVER, 0
	.equ	SP_KEPT, 8
	.equ	SAVED, 16
	.equ	ESR, 112
	.equ	ELR, 120
	.equ	FAR, 128
	.equ	VECTOR, 136
	.equ	RESULT, 144

	.macro	vector n
	.balign	0x80
	msr	tpidrro_el0, x0
	mov	x1, #\n
	b	taken
	.endm

	.text
	.balign	0x800
attack_vectors:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\n
	.endr

taken:
	mrs	x9, tpidr_el1
	mrs	x0, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	mrs	x4, tpidrro_el0
	stp	x0, x2, [x9, #ESR]
	stp	x3, x1, [x9, #FAR]
	str	x4, [x9, #RESULT]
	ldr	x10, [x9, #RECOVER]
	cbz	x10, unexpected
	br	x10

unexpected:
	mov	x4, x0
	mov	x0, x1
	mov	x1, x4
	b	attack_unexpected

	.macro	keep_context
	mrs	x9, tpidr_el1
	stp	x19, x20, [x9, #SAVED]
	stp	x21, x22, [x9, #SAVED + 16]
	stp	x23, x24, [x9, #SAVED + 32]
	stp	x25, x26, [x9, #SAVED + 48]
	stp	x27, x28, [x9, #SAVED + 64]
	stp	x29, x30, [x9, #SAVED + 80]
	mov	x10, sp
	adr	x11, recovered
	stp	x11, x10, [x9, #RECOVER]
	.endm

/* uint64_t attempt(code, a, b, c, d) */
	.global	attempt
attempt:
	keep_context
	mov	x10, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	blr	x10
	mrs	x9, tpidr_el1
	str	x0, [x9, #RESULT]
	mov	x0, #0
recovered:				/* x0: ESR; x9: context */
	msr	spsel, #1
	ldp	x19, x20, [x9, #SAVED]
	ldp	x21, x22, [x9, #SAVED + 16]
	ldp	x23, x24, [x9, #SAVED + 32]
	ldp	x25, x26, [x9, #SAVED + 48]
	ldp	x27, x28, [x9, #SAVED + 64]
	ldp	x29, x30, [x9, #SAVED + 80]
	ldr	x10, [x9, #SP_KEPT]
	mov	sp, x10
	str	xzr, [x9, #RECOVER]
	ret

/* uint64_t attempt_el0(pc, a, b, c, pstate) */
	.global	attempt_el0
attempt_el0:
	keep_context
	msr	elr_el1, x0
	msr	spsr_el1, x4
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	eret

	.global	catch_exceptions
catch_exceptions:
	str	xzr, [x0, #RECOVER]
	msr	tpidr_el1, x0
	adr	x0, attack_vectors
	msr	vbar_el1, x0
	mov	x0, #3 << 20		/* CPACR_EL1.FPEN: some accesses are FP's */
	msr	cpacr_el1, x0
	isb
	ret

	.global	context
context:
	mrs	x0, tpidr_el1
	ret

/* The second vCPU's entry; x0: its stack's top. The first one's tables and MMU set-up are copied. */
	.global	second_entry
second_entry:
	mov	sp, x0
	ldp	x1, x2, [x0]
	ldp	x3, x4, [x0, #16]
	msr	mair_el1, x1
	msr	tcr_el1, x2
	msr	ttbr0_el1, x3
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el1, x4
	isb
	b	second_main

/* ---- Single accesses ---- */

	.macro	access name, instruction:vararg
	.global	\name
\name:
	\instruction
	ret
	.endm

	access	load8, ldrb w0, [x0]
	access	load16, ldrh w0, [x0]
	access	load32, ldr w0, [x0]
	access	load64, ldr x0, [x0]
	access	load128, ldp x0, x1, [x0]
	access	load_fp, ldr q0, [x0]
	access	load_post, ldr w1, [x0], #4
	access	load_exclusive, ldxr w0, [x0]
	access	load_pair_exclusive, ldxp x0, x1, [x0]
	access	load_signed, ldrsb x0, [x0]
	access	load_acquire, ldar w0, [x0]
	access	store8, strb w1, [x0]
	access	store16, strh w1, [x0]
	access	store32, str w1, [x0]
	access	store64, str x1, [x0]
	access	store128, stp x1, x1, [x0]
	access	store_fp, str q0, [x0]
	access	store_pre, str w1, [x0, #4]!
	access	store_exclusive, stxr w2, w1, [x0]
	access	store_release, stlr w1, [x0]
	access	zero_line, dc zva, x0
	access	clean_line, dc cvac, x0
	access	invalidate_line, dc ivac, x0
	access	clean_invalidate_line, dc civac, x0
	access	invalidate_code, ic ivau, x0
	access	prefetch_line, prfm pldl1keep, [x0]

	.global	jump_to
jump_to:
	br	x0

/* x0: SPSR_EL1 of an exception return. */
	.global	illegal_return
illegal_return:
	msr	spsr_el1, x0
	adr	x0, 1f
	msr	elr_el1, x0
	eret
1:	ret

	.macro	call name, instruction:vararg
	.global	\name
\name:
	stp	x19, x30, [sp, #-16]!
	mov	x19, x0
	ldp	x0, x1, [x19]
	ldp	x2, x3, [x19, #16]
	ldp	x4, x5, [x19, #32]
	ldp	x6, x7, [x19, #48]
	ldp	x8, x9, [x19, #64]
	ldp	x10, x11, [x19, #80]
	ldp	x12, x13, [x19, #96]
	ldp	x14, x15, [x19, #112]
	ldp	x16, x17, [x19, #128]
	\instruction
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	stp	x4, x5, [x19, #32]
	stp	x6, x7, [x19, #48]
	stp	x8, x9, [x19, #64]
	stp	x10, x11, [x19, #80]
	stp	x12, x13, [x19, #96]
	stp	x14, x15, [x19, #112]
	stp	x16, x17, [x19, #128]
	ldp	x19, x30, [sp], #16
	ret
	.endm

	call	call_hvc, hvc #0
	call	call_smc, smc #0
