/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry of a guest program: EL1, MMU off, x0 = device tree (Linux Documentation/arm64/booting.rst). */

	.section .head, "ax"
	.global image_header
image_header:
	b	start
	.long	0
	.quad	0			/* text_offset */
	.quad	image_end - image_header	/* with what is not in the file */
	.quad	0xa			/* flags: little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	mov	x19, x0
	adr	x0, vectors
	msr	vbar_el1, x0
	msr	tpidr_el1, xzr		/* no fault is expected (see try_read) */
	adrp	x0, stack_top
	add	x0, x0, :lo12:stack_top
	mov	sp, x0
	adrp	x0, bss_start
	adrp	x1, bss_end		/* both are page-aligned */
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	mov	x0, x19
	bl	mmu_tables		/* C, with the MMU off: returns the root table */
	dsb	sy			/* what was written past the caches must not be hidden by lines in them */
	adrp	x1, bss_start
	adrp	x2, bss_end
2:	dc	ivac, x1
	add	x1, x1, #64
	cmp	x1, x2
	b.lo	2b
	dsb	sy
	bl	mmu_on
	mov	x0, x19
	bl	guest_main
	b	psci_system_off

/* x0: level-0 table. Arm ARM D17.2: MAIR_EL1, TCR_EL1, TTBR0_EL1, SCTLR_EL1. */
	.global	mmu_on
mmu_on:
	ldr	x1, =0xff04		/* attribute 0: Device-nGnRE, 1: Normal write-back */
	msr	mair_el1, x1
	ldr	x1, =0x200803518	/* 40-bit addresses both ways, 4 KiB, inner shareable, write-back; EPD1 */
	msr	tcr_el1, x1
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x1, =0x30d01805		/* M, C, I and the bits that are 1 anyway */
	msr	sctlr_el1, x1
	isb
	ret
	.ltorg

/* ---- Exceptions ---- */

	.macro	vector what
	.balign 0x80
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\what
	b	unexpected
	.endm

	.text
	.balign 0x800
vectors:
	vector	0
	vector	1
	vector	2
	vector	3
	.balign 0x80			/* current EL, SP_ELx: synchronous */
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el1
	cbz	x0, 1f
	msr	elr_el1, x0		/* go on where try_*() says, with ESR in x0 */
	add	sp, sp, #16
	mrs	x0, esr_el1
	eret
1:	mov	x0, #4
	b	unexpected
	vector	5
	vector	6
	vector	7
	vector	8
	vector	9
	vector	10
	vector	11
	vector	12
	vector	13
	vector	14
	vector	15

unexpected:
	mrs	x1, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	bl	exception_report
	b	psci_system_off

/* uint64_t try_read(address), try_write(address, value): one access; 0 if it went well, else ESR_EL1. */
	.macro	try name, instruction:vararg
	.global	\name
\name:
	adr	x9, 1f
	msr	tpidr_el1, x9
	\instruction
	mov	x0, #0
1:	msr	tpidr_el1, xzr
	ret
	.endm

	try	try_read, ldr x10, [x0]
	try	try_write, str x1, [x0]

	.global	psci_system_off
psci_system_off:
	ldr	x0, =0x84000008		/* SYSTEM_OFF: DEN 0022D 5.10 */
	hvc	#0
1:	wfi
	b	1b
	.ltorg

	.section .stack, "aw", %nobits
	.balign 16
	.space	0x4000
stack_top:
