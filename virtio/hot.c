/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast path of the virtio devices (hot.h): the two registers of every interrupt's handler. */
#include "device.h"

#include <bulkhead/hot.h>
#include <bulkhead/vm.h>

_Static_assert(MAX_DISKS *GUEST_VIRTIO_STRIDE <= PAGE_SIZE, "all are on one page of the guest's");

/* The device whose register `reg` is at `offset`, NULL if it is another one. */
static inline struct virtio_device *device_at(const struct vcpu *v, uint32_t offset, uint32_t reg)
{
    unsigned n = offset / GUEST_VIRTIO_STRIDE;
    struct virtio_device *d;
    if (offset % GUEST_VIRTIO_STRIDE != reg || n >= MAX_DISKS)
        return NULL;
    d = &v->vm->disks[n].device;
    return d->vm ? d : NULL;
}

uint64_t hot_virtio_read(const struct vcpu *v, uint32_t offset)
{
    const struct virtio_device *d = device_at(v, offset, VIRTIO_INTERRUPT_STATUS);
    return d ? __atomic_load_n(&d->interrupt_status, __ATOMIC_SEQ_CST) : HOT_NO;
}

uint64_t hot_virtio_write(const struct vcpu *v, uint32_t offset, uint32_t value)
{
    struct virtio_device *d = device_at(v, offset, VIRTIO_INTERRUPT_ACK);
    if (!d)
        return HOT_NO;
    __atomic_fetch_and(&d->interrupt_status, ~value, __ATOMIC_SEQ_CST);
    return 0;
}
