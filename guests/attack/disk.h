/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio-blk device driven by hand, well or badly. virtio 1.2: 2.7, 4.2.2, 5.2. */
#ifndef GUESTS_ATTACK_DISK_H
#define GUESTS_ATTACK_DISK_H

#include "../lib/virtio.h"
#include "attack.h"

#pragma GCC visibility push(hidden)

enum {
    DISK = FIRST_SLOT,
    DISK_READ_ONLY = FIRST_SLOT + 0x200,
    SIZE = 64,
    FEATURE_INDIRECT = 1 << 28,
    FEATURE_EVENT = 1 << 29,
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_GET_ID = 8,
    S_PENDING = 0xee, /* nothing was written there yet */
};

struct rings {
    struct desc desc[SIZE];
    struct {
        uint16_t flags, idx, ring[SIZE], event;
    } avail;
    struct {
        uint16_t flags, idx;
        struct {
            uint32_t id, len;
        } ring[SIZE];
        uint16_t event;
    } used __attribute__((aligned(4)));
};

extern struct rings rings;
extern struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;
extern uint8_t status, data[65536];

/* Reset and negotiate; `features`: the low word. */
void disk_reset(uint64_t base, uint32_t features);
/* Place the queue and set it running. */
void disk_queue(uint64_t base, uint64_t desc, uint64_t driver, uint64_t device, uint32_t size);
/* Both, with our rings, emptied. */
void disk_up(uint64_t base, uint32_t features);
void describe(unsigned i, const void *at, uint32_t len, unsigned flags, unsigned next);
/* Make chain `head` available, and say so. */
void offer(uint64_t base, unsigned head);
/* Header, data and status as descriptors 0 to 2. */
void request(uint32_t type, uint64_t sector, uint32_t bytes);
/* Wait until a chain was used or the device asks for a reset. False: neither, in some seconds. */
bool answered(uint64_t base);
/* Does it read its first sector, after a reset? */
bool disk_works(void);
uint64_t disk_sectors(uint64_t base);
/* An offer that must break the device or be answered with an error. NULL: so it was. */
const char *refused(uint64_t base);

#pragma GCC visibility pop

#endif
