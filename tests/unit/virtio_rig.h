/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM of one disk, and the driver's side of its queue, for the tests of virtio/. */
#ifndef TESTS_UNIT_VIRTIO_RIG_H
#define TESTS_UNIT_VIRTIO_RIG_H

#include "unit.h"
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <virtio/device.h>
#include <virtio/queue.h>

enum {
    RIG_RAM = 0x10000, /* exactly that many bytes: the sanitizer sees the first one too many */
    RIG_SIZE = 16,     /* queue size */
    RIG_DESC = GUEST_RAM_BASE + 0x1000,
    RIG_AVAIL = GUEST_RAM_BASE + 0x2000,
    RIG_USED = GUEST_RAM_BASE + 0x3000,
    RIG_INDIRECT = GUEST_RAM_BASE + 0x4000,
    RIG_DATA = GUEST_RAM_BASE + 0x8000,
    NEXT = 1,
    WRITE = 2,
    INDIRECT = 4,
};

extern struct vm rig_vm;
extern struct vcpu *rig_vcpu;
extern uint8_t *rig_ram;
extern unsigned rig_pulses; /* vgic_pulse() calls */
extern unsigned rig_pulsed; /* the INTID of the last */

void rig_reset(void);
/* The byte at a guest address, for tests to write and look. */
void *rig_at(uint64_t ipa);
uint16_t *rig_u16(uint64_t ipa);
void rig_desc(uint64_t table, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
              uint16_t next);
/* Put a head into the available ring of a queue of `size` entries and move its index. */
void rig_offer(unsigned size, uint16_t head);
uint16_t rig_used_idx(void);
/* Entry of the used ring. */
uint32_t rig_used_id(unsigned i);
uint32_t rig_used_len(unsigned i);

#endif
