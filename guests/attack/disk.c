/* SPDX-License-Identifier: BSD-2-Clause */
#include "disk.h"

struct rings rings __attribute__((aligned(4096)));
uint8_t status, data[65536] __attribute__((aligned(4096)));
__typeof__(header) header;

enum { LIMIT_S = 60 };

static void place(uint64_t at, uint64_t address)
{
    write32(at, (uint32_t)address);
    write32(at + 4, (uint32_t)(address >> 32));
}

void disk_reset(uint64_t base, uint32_t features)
{
    uint64_t start = ticks();
    write32(base + STATUS, 0);
    while (read32(base + STATUS) && !after(start, LIMIT_S)) /* 4.2.2: requests end first */
        ;
    write32(base + STATUS, 3);
    write32(base + DRIVER_FEATURES_SEL, 0);
    write32(base + DRIVER_FEATURES, features);
    write32(base + DRIVER_FEATURES_SEL, 1);
    write32(base + DRIVER_FEATURES, 1); /* VERSION_1 */
    write32(base + STATUS, 3 | 8);
}

void disk_queue(uint64_t base, uint64_t desc, uint64_t driver, uint64_t device, uint32_t size)
{
    write32(base + QUEUE_SEL, 0);
    write32(base + QUEUE_NUM, size);
    place(base + QUEUE_DESC, desc);
    place(base + QUEUE_DRIVER, driver);
    place(base + QUEUE_DEVICE, device);
    write32(base + QUEUE_READY, 1);
    write32(base + STATUS, 3 | 8 | 4);
}

void disk_up(uint64_t base, uint32_t features)
{
    disk_reset(base, features);
    for (unsigned i = 0; i < sizeof(rings); i++)
        ((volatile uint8_t *)&rings)[i] = 0;
    disk_queue(base, (uint64_t)rings.desc, (uint64_t)&rings.avail, (uint64_t)&rings.used, SIZE);
}

void describe(unsigned i, const void *at, uint32_t len, unsigned flags, unsigned next)
{
    rings.desc[i] = (struct desc){(uint64_t)at, len, (uint16_t)flags, (uint16_t)next};
}

void offer(uint64_t base, unsigned head)
{
    rings.avail.ring[rings.avail.idx % SIZE] = (uint16_t)head;
    __atomic_store_n(&rings.avail.idx, (uint16_t)(rings.avail.idx + 1), __ATOMIC_RELEASE);
    barrier();
    write32(base + QUEUE_NOTIFY, 0);
}

void request(uint32_t type, uint64_t sector, uint32_t bytes)
{
    header.type = type;
    header.sector = sector;
    status = S_PENDING;
    describe(0, &header, 16, NEXT, 1);
    describe(1, data, bytes, NEXT | (type == T_OUT ? 0 : WRITE), 2);
    describe(2, &status, 1, WRITE, 0);
}

bool answered(uint64_t base)
{
    uint64_t start = ticks();
    uint16_t seen = __atomic_load_n(&rings.avail.idx, __ATOMIC_RELAXED);
    while (__atomic_load_n(&rings.used.idx, __ATOMIC_ACQUIRE) != seen) {
        if (read32(base + STATUS) & NEEDS_RESET)
            return true;
        if (after(start, LIMIT_S))
            return false;
    }
    return true;
}

bool disk_works(void)
{
    disk_up(DISK, 0);
    request(T_IN, 0, 512);
    offer(DISK, 0);
    return answered(DISK) && __atomic_load_n(&status, __ATOMIC_RELAXED) == 0;
}

uint64_t disk_sectors(uint64_t base)
{
    return read32(base + CONFIG) | (uint64_t)read32(base + CONFIG + 4) << 32;
}

const char *refused(uint64_t base)
{
    if (!answered(base))
        return "no answer";
    if (read32(base + STATUS) & NEEDS_RESET)
        return NULL;
    return __atomic_load_n(&status, __ATOMIC_RELAXED) ? NULL : "it was done";
}
