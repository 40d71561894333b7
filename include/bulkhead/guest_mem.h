/* SPDX-License-Identifier: BSD-2-Clause */
/* The one door to a guest's memory (core/guest_mem.c). */
#ifndef BULKHEAD_GUEST_MEM_H
#define BULKHEAD_GUEST_MEM_H

#include <bulkhead/types.h>

struct vm;

enum { GUEST_RAM_BASE = 0x40000000 };

/*
 * The bytes [ipa, ipa+bytes) of this core's VM's RAM as EL2 sees them, or NULL if any byte lies
 * outside. Caller: one of the VM's own cores (elsewhere that RAM is not mapped). The guest may
 * change the bytes at any moment: read each once.
 */
void *guest_mem(const struct vm *vm, ipaddr_t ipa, uint64_t bytes);

#endif
