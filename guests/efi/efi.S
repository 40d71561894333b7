/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest program as an EFI application: headers (PE Format: MS-DOS stub, COFF header, optional header PE32+,
 * section table), and code that takes the machine from the firmware and enters the program as a hypervisor would:
 * MMU and caches off, x0 = the device tree at the start of RAM. IMAGE is its file, an arm64 Image.
 */
	.text
	.balign 4096
headers:
	.ascii	"MZ"
	.space	0x3a
	.long	coff - headers
coff:
	.ascii	"PE\0\0"
	.short	0xaa64			/* IMAGE_FILE_MACHINE_ARM64 */
	.short	2			/* sections */
	.long	0, 0, 0
	.short	sections - optional
	.short	0x22			/* executable, large addresses */
optional:
	.short	0x20b			/* PE32+ */
	.short	0
	.long	image_end - code	/* code */
	.long	0, 0
	.long	entry - headers
	.long	code - headers
	.quad	0			/* anywhere: it has no relocations */
	.long	4096, 512		/* alignment of sections, in memory and file */
	.long	0, 0, 0, 0
	.long	0x1000000		/* more than it all has */
	.long	code - headers
	.long	0
	.short	10, 0			/* EFI application */
	.quad	0, 0, 0, 0
	.long	0, 6			/* data directories: none has anything */
	.space	6 * 8
sections:
	.ascii	".enter\0\0"
	.long	image - code, code - headers, image - code, code - headers, 0, 0, 0, 0x60000020
	.ascii	".image\0\0"
	.incbin	IMAGE, 16, 4		/* its size in memory */
	.long	image - headers, image_end - image, image - headers, 0, 0, 0, 0xe0000020

	.balign 4096
code:
entry:
	msr	daifset, #0xf
	adr	x1, code		/* what the firmware has written, and zeroed, must not stay in caches */
	adr	x3, image
	ldr	w2, [x3, #16]
	add	x2, x2, x3
1:	dc	civac, x1
	add	x1, x1, #64
	cmp	x1, x2
	b.lo	1b
	dsb	sy
	mrs	x1, sctlr_el1
	mov	x2, #0x1005		/* I, C, M: Arm ARM D17.2.118 */
	bic	x1, x1, x2
	msr	sctlr_el1, x1
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	mov	x0, #0x40000000
	br	x3

	.balign 4096
image:
	.incbin	IMAGE
	.balign 512
image_end:
