/* SPDX-License-Identifier: BSD-2-Clause */
/* EL2's stage 1: attributes and the image's parts. */
#ifndef ARM64_MMU_H
#define ARM64_MMU_H

#include "layout.h"

/*
 * Block and page attributes (Arm ARM D5.3.3): one translation regime without EL0, so AP[1] is RES1.
 * AttrIndx 0 is Normal write-back, 1 Device-nGnRE (entry.S, MAIR). Nothing is writable and
 * executable; SCTLR_EL2.WXN sees to that too.
 */
#define S1_AF           (1ULL << 10)
#define S1_INNER_SHARED (3ULL << 8)
#define S1_READ_ONLY    (1ULL << 7)
#define S1_AP1          (1ULL << 6)
#define S1_ATTR_DEVICE  (1ULL << 2)
#define S1_XN           (1ULL << 54)
#define S1_COMMON       (S1_AF | S1_INNER_SHARED | S1_AP1)

#define EL2_TEXT   (S1_COMMON | S1_READ_ONLY)
#define EL2_RODATA (S1_COMMON | S1_READ_ONLY | S1_XN)
#define EL2_DATA   (S1_COMMON | S1_XN)
#define EL2_DEVICE (S1_COMMON | S1_ATTR_DEVICE | S1_XN)

/* bulkhead.lds */
extern const char __image_start[], __text_end[], __rodata_end[], __file_end[], __stacks_start[],
    __stacks_end[], __image_end[];
/* smp.c; slot 0 is the boot core's. */
extern char core_stacks[][CORE_STACKS];

#endif
