/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of the register page (virtio 1.2, 4.2.2), for tests that link virtio/mmio.c. */
#ifndef TESTS_UNIT_VIRTIO_REGS_H
#define TESTS_UNIT_VIRTIO_REGS_H

#include "virtio_rig.h"

enum {
    R_MAGIC = 0x00,
    R_VERSION = 0x04,
    R_DEVICE_ID = 0x08,
    R_DEVICE_FEATURES = 0x10,
    R_DEVICE_FEATURES_SEL = 0x14,
    R_DRIVER_FEATURES = 0x20,
    R_DRIVER_FEATURES_SEL = 0x24,
    R_QUEUE_SEL = 0x30,
    R_QUEUE_NUM_MAX = 0x34,
    R_QUEUE_NUM = 0x38,
    R_QUEUE_READY = 0x44,
    R_QUEUE_NOTIFY = 0x50,
    R_INTERRUPT_STATUS = 0x60,
    R_INTERRUPT_ACK = 0x64,
    R_STATUS = 0x70,
    R_DESC = 0x80,
    R_AVAIL = 0x90,
    R_USED = 0xa0,
    R_CONFIG = 0x100,
    S_ACKNOWLEDGE = 1,
    S_DRIVER = 2,
    S_DRIVER_OK = 4,
    S_FEATURES_OK = 8,
    S_NEEDS_RESET = 64,
};

static inline bool reg_access(struct mmio_access *a)
{
    return virtio_mmio_access(rig_vcpu, &rig_vm.disks[0].device, a);
}

static inline uint32_t reg_read(uint32_t offset)
{
    struct mmio_access a = {.offset = offset, .size = 4};
    assert_true(reg_access(&a));
    return (uint32_t)a.value;
}

static inline void reg_write(uint32_t offset, uint32_t value)
{
    struct mmio_access a = {.offset = offset, .size = 4, .write = true, .value = value};
    assert_true(reg_access(&a));
}

/* True: the guest is to run its store again. */
static inline bool reg_write_retry(uint32_t offset, uint32_t value)
{
    struct mmio_access a = {.offset = offset, .size = 4, .write = true, .value = value};
    assert_true(reg_access(&a));
    return a.retry;
}

static inline void reg_write64(uint32_t offset, uint64_t value)
{
    reg_write(offset, (uint32_t)value);
    reg_write(offset + 4, (uint32_t)(value >> 32));
}

static inline uint64_t reg_offered(void)
{
    uint64_t low;
    reg_write(R_DEVICE_FEATURES_SEL, 0);
    low = reg_read(R_DEVICE_FEATURES);
    reg_write(R_DEVICE_FEATURES_SEL, 1);
    return low | (uint64_t)reg_read(R_DEVICE_FEATURES) << 32;
}

static inline void reg_select(uint64_t features)
{
    reg_write(R_DRIVER_FEATURES_SEL, 0);
    reg_write(R_DRIVER_FEATURES, (uint32_t)features);
    reg_write(R_DRIVER_FEATURES_SEL, 1);
    reg_write(R_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

/* Reset to FEATURES_OK, as a driver does it (3.1.1). */
static inline void reg_negotiate(uint64_t features)
{
    reg_write(R_STATUS, 0);
    reg_write(R_STATUS, S_ACKNOWLEDGE);
    reg_write(R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
    reg_select(features);
    reg_write(R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
}

static inline void reg_place_queue(uint32_t size)
{
    reg_write(R_QUEUE_SEL, 0);
    reg_write(R_QUEUE_NUM, size);
    reg_write64(R_DESC, RIG_DESC);
    reg_write64(R_AVAIL, RIG_AVAIL);
    reg_write64(R_USED, RIG_USED);
    reg_write(R_QUEUE_READY, 1);
}

static inline void reg_start(uint64_t features, uint32_t size)
{
    memset(rig_at(RIG_DESC), 0, RIG_INDIRECT - RIG_DESC);
    reg_negotiate(features);
    reg_place_queue(size);
    reg_write(R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
}

#endif
