/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measured loops: uint64_t row_X(uint64_t n, const struct places *), how long n rounds take, in
 * ticks of the virtual counter; row_X_ref is the same loop without the operation. Each begins and
 * ends with a marker for tools/benchmark/count.c: an instruction without effect, MOVZ XZR, #number.
 */
	.macro	marker number
	.inst	0xd280001f | (\number) << 5
	.endm

	/* x10: rounds left; x11, x12, x13: GICD, GICC, UART; x9: interrupts taken */
	.macro	begin name
	.global	\name
\name:
	mov	x10, x0
	ldp	x11, x12, [x1]
	ldr	x13, [x1, #16]
	mov	x9, #0
	.endm

	.macro	timed number, unmasked, setup, operation
	.if	\unmasked
	msr	daifclr, #2
	.endif
	.if	\number
	marker	1
	.endif
	isb
	mrs	x14, cntvct_el0
10:	\setup
	\operation
	subs	x10, x10, #1
	b.ne	10b
	isb
	mrs	x0, cntvct_el0
	.if	\number
	marker	\number
	.endif
	msr	daifset, #2
	sub	x0, x0, x14
	ret
	.endm

	.macro	row name, number, setup, operation, unmasked=0
	begin	row_\name
	timed	\number, \unmasked, "\setup", "\operation"
	begin	row_\name\()_ref
	timed	0, \unmasked, "\setup", ""
	.endm

	.text
	/* SMCCC (DEN 0028E), PSCI_VERSION (DEN 0022D 5.1.1) */
	row	hvc_psci_version, 16, "mov w0, #0x84000000", "hvc #0"
	row	hypercall, 17, "mov w0, #0x80000000", "hvc #0"
	row	smc_psci_version, 18, "mov w0, #0x84000000", "smc #0"
	/* GICD (IHI 0048B table 4-1) */
	row	gicd_typer_read, 19, "", "ldr w2, [x11, #0x004]"
	row	gicd_isenabler0_read, 20, "", "ldr w2, [x11, #0x100]"
	row	gicd_isenabler0_write, 21, "mov w2, #2", "str w2, [x11, #0x100]"
	row	gicd_spi_disable_enable, 22, "mov w2, #1 << 20", "str w2, [x11, #0x184]; str w2, [x11, #0x104]"
	/* GICD_SGIR: to itself, SGI 1. The handler runs before the next instruction. */
	row	sgi_self, 23, "ldr w2, =0x02000001", "str w2, [x11, #0xf00]", 1
	/* GICD_ISPENDR1: INTID 50, edge-triggered */
	row	spi_pend, 24, "mov w2, #1 << 18", "str w2, [x11, #0x204]", 1
	/* PL011 UARTFR (DDI 0183G 3.3.3) */
	row	uart_status, 25, "", "ldr w2, [x13, #0x18]"
	row	counter_reads, 26, "", "mrs x2, cntvct_el0; mrs x3, cntpct_el0"
	/* GICC: IAR with nothing pending, PMR, RPR, HPPIR */
	row	gicc_accesses, 27, "mov w3, #0xff", "ldr w2, [x12, #0xc]; str w3, [x12, #4]; ldr w2, [x12, #0x14]; ldr w2, [x12, #0x18]"
	/* Something is pending and masked: WFI ends at once. */
	row	wfi, 28, "", "wfi"

	/* The timer becomes due while the core counts down; in the reference it is off. CNTV_CVAL_EL0,
	   CNTV_CTL_EL0: Arm ARM D17.10. */
	.macro	timer_round control
	mrs	x2, cntvct_el0
	add	x2, x2, #40
	msr	cntv_cval_el0, x2
	mov	x3, #\control
	msr	cntv_ctl_el0, x3
	isb
	mov	x4, #1000
11:	subs	x4, x4, #1
	b.ne	11b
	.endm
	begin	row_timer
	timed	29, 1, "timer_round 1", ""
	begin	row_timer_ref
	timed	0, 1, "timer_round 0", ""

	/* SGI 2 to CPU 1 (row_ipi_other), which answers; each sleeps meanwhile. */
	.macro	sleep_until_interrupted
12:	wfi
	msr	daifclr, #2
	isb
	msr	daifset, #2
	cbz	x9, 12b
	mov	x9, #0
	.endm
	begin	row_ipi
	ldr	w2, =0x00020002
	timed	30, 0, "", "str w2, [x11, #0xf00]; sleep_until_interrupted"
	begin	row_ipi_ref
	timed	0, 0, "", ""

/* CPU 1: x0 = const struct secondary *: GICD, GICC, page table root. Never returns. */
	.global	secondary_start
secondary_start:
	mov	x19, x0
	ldp	x11, x12, [x19]
	ldr	x0, [x19, #16]
	bl	mmu_on
	adr	x0, vectors_sgi
	msr	vbar_el1, x0
	isb
	mov	w2, #0xffff		/* GICD_ISENABLER0, banked */
	str	w2, [x11, #0x100]
	mov	w2, #0xff
	str	w2, [x12, #4]		/* GICC_PMR */
	mov	w2, #1
	str	w2, [x12]		/* GICC_CTLR */
	str	x2, [x19, #24]		/* ready */
	dsb	sy
	mov	x9, #0
	ldr	w2, =0x00010002
13:	sleep_until_interrupted
	str	w2, [x11, #0xf00]
	b	13b

	.ltorg

/* void mark_N(void) */
	.irp	number, 1, 31, 32, 33, 34
	.global	mark_\number
mark_\number:
	marker	\number
	ret
	.endr

/* The handlers: acknowledge, end, count. That of the timer switches it off, too. */
	.macro	vector_table name, quiet
	.balign	0x800
	.global	\name
\name:
	.rept	5
	.balign	0x80
	b	.
	.endr
	.balign	0x80			/* IRQ, current EL with SP_ELx */
	ldr	w15, [x12, #0xc]
	\quiet
	str	w15, [x12, #0x10]
	add	x9, x9, #1
	eret
	.rept	10
	.balign	0x80
	b	.
	.endr
	.endm
	vector_table vectors_sgi, ""
	vector_table vectors_timer, "msr cntv_ctl_el0, xzr"
