/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transport (mmio.c) offers to the devices, inside virtio/ only. */
#ifndef BULKHEAD_VIRTIO_DEVICE_H
#define BULKHEAD_VIRTIO_DEVICE_H

#include <bulkhead/virtio.h>

/* Feature bits of the transport and the queues (virtio 1.2, chapter 6). */
#define VIRTIO_F_INDIRECT_DESC ((uint64_t)1 << 28)
#define VIRTIO_F_EVENT_IDX     ((uint64_t)1 << 29)
#define VIRTIO_F_VERSION_1     ((uint64_t)1 << 32)

/* Offsets of InterruptStatus and InterruptACK (4.2.2), and the bits of both. */
enum { VIRTIO_INTERRUPT_STATUS = 0x060, VIRTIO_INTERRUPT_ACK = 0x064 };
enum { VIRTIO_INT_USED = 1, VIRTIO_INT_CONFIG = 2 };

/* May the device take from its rings? Lock held. */
bool virtio_running(const struct virtio_device *device);
/* The driver broke a rule: DEVICE_NEEDS_RESET, nothing more is taken or given until a reset
 * (2.1.2). Lock held. */
void virtio_break(struct virtio_device *device, const char *why);
/* Raise the device's interrupt for `bits`. Lock held or not. */
void virtio_interrupt(struct virtio_device *device, uint32_t bits);
/* Back to the initial state; as the driver's own reset. False: ask again (virtio_ops.reset). No
 * lock held. */
bool virtio_device_reset(struct virtio_device *device);

#endif
