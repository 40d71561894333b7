/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has which machine memory, for a person to read (core/memmap.c). */
#ifndef BULKHEAD_MEMMAP_H
#define BULKHEAD_MEMMAP_H

#include <bulkhead/types.h>

/* Something that the map does not know by itself (it knows the hypervisor's image, boot files, VMs,
 * the firmware's reservations and page 0). `what` stays in use. Boot core; beyond 12, notes are
 * lost. */
void memmap_note(const char *what, struct range range);

/* Line `index` of the map, in the order of addresses, made anew at index 0; then empty ones, while
 * tables are hashed, and one about these. False: no more. All indices in their order. One
 * caller at a time (the monitor's core), no lock. */
bool memmap_line(unsigned index, char *line, size_t size);

#endif
