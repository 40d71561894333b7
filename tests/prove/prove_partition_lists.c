// sources: core/partition.c
// cbmc: --unwind 3
// bounds: one piece; two ranges of RAM, reserved and kept, one window
/* SPDX-License-Identifier: BSD-2-Clause */
/* The same as prove_partition.c for longer lists: each piece is looked at by itself. */
enum { VMS = 1, PIECES = 1, RAM = 2, RESERVED = 2, WINDOWS = 1, KEPT = 2 };
#define VMS VMS
#include "prove_partition.c"
