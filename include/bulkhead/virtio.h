/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio 1.2 over MMIO (OASIS virtio-v1.2, 4.2) and virtio-blk (5.2). Transport in one file, each
 * device another. */
#ifndef BULKHEAD_VIRTIO_H
#define BULKHEAD_VIRTIO_H

#include <bulkhead/lock.h>
#include <bulkhead/mmio.h>
#include <bulkhead/types.h>

struct vm;

enum {
    GUEST_VIRTIO_BASE = 0x0a000000,
    GUEST_VIRTIO_STRIDE = 0x200,
    GUEST_VIRTIO_SPI = 16, /* slot n: SPI 16+n, edge */
};

#include <bulkhead/virtio_state.h> /* struct virtio_device, struct virtqueue, struct virtio_blk: virtio/'s own fields */

/* Reset, detach from rings, cancel what is in flight. False: a request is still on the card and may
 * touch the VM's memory; this core gets EVENT_VM when it is not: then ask again. Own VM's core. */
bool virtio_blk_reset(struct virtio_blk *blk);
/* Boot: describe the disk. `first`, `sectors` on the card. */
void virtio_blk_init(struct virtio_blk *blk, struct vm *vm, unsigned slot, const char *serial,
                     uint64_t first, uint64_t sectors, bool read_only);
/* EVENT_VIRTIO on this core: go on with requests that an earlier exit had no time for. */
void virtio_run_event(struct vcpu *vcpu);
/* mmio_handler; device = struct virtio_device. */
bool virtio_mmio_access(struct vcpu *vcpu, void *device, struct mmio_access *access);

#endif
