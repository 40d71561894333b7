/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk over MMIO, version 2, as a driver sees it: virtio 1.2, 2.7 (split virtqueues), 4.2.2
 * (registers), 5.2. */
#ifndef GUESTS_LIB_VIRTIO_H
#define GUESTS_LIB_VIRTIO_H

#include <stdint.h>

enum {
    FIRST_SLOT = 0x0a000000,
    FIRST_INTID = 32 + 16,
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG = 0x100,
    FEATURES_OK = 8,
    NEEDS_RESET = 64,
    NEXT = 1,
    WRITE = 2,
    INDIRECT = 4,
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

#endif
