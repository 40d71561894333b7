/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seeds for guests (core/entropy.c): what the board can gather at boot, extracted by HKDF-SHA256
 * (RFC 5869), expanded for each VM and each of its starts.
 */
#ifndef BULKHEAD_ENTROPY_H
#define BULKHEAD_ENTROPY_H

#include <bulkhead/machine.h>
#include <bulkhead/types.h>

/* Gather: the firmware's seeds in `m`, `bytes` of the board's generator (0: it has none), the
 * card's seed.bin, the counter's jitter. Says in one line what there was. Boot core, once. */
void entropy_init(const struct machine *m, const void *random, size_t bytes);

/* Bytes for one start of a VM: others for each VM and each start, and never the same as another's
 * at this boot. At most 1024. Any core. */
void entropy_guest_seed(const char *vm_name, unsigned start, void *out, size_t bytes);

#endif
