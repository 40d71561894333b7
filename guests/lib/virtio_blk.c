/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver for virtio-blk over MMIO, version 2 (virtio 1.2, 4.2 and 5.2). Each slot owns three
 * descriptors. */
#include "lib.h"
#include "virtio.h"

enum { QUEUE_SIZE = 32 };

static struct {
    struct desc desc[QUEUE_SIZE];
    struct {
        uint16_t flags, idx, ring[QUEUE_SIZE], event;
    } avail;
    struct {
        uint16_t flags, idx;
        struct {
            uint32_t id, len;
        } ring[QUEUE_SIZE];
        uint16_t event;
    } used __attribute__((aligned(4)));
} queue __attribute__((aligned(4096)));

static struct {
    uint32_t type, reserved;
    uint64_t sector;
} headers[DISK_DEPTH];
static uint8_t statuses[DISK_DEPTH];
static uint16_t seen;

static void set_address(struct disk *d, unsigned offset, const volatile void *p)
{
    write32(d->base + offset, (uint32_t)(uint64_t)p);
    write32(d->base + offset + 4, (uint32_t)((uint64_t)p >> 32));
}

static bool start(struct disk *d)
{
    write32(d->base + STATUS, 0);
    write32(d->base + STATUS, 3);
    write32(d->base + DRIVER_FEATURES_SEL, 0);
    write32(d->base + DRIVER_FEATURES, 0);
    write32(d->base + DRIVER_FEATURES_SEL, 1);
    write32(d->base + DRIVER_FEATURES, 1); /* VERSION_1 */
    write32(d->base + STATUS, 3 | FEATURES_OK);
    if (!(read32(d->base + STATUS) & FEATURES_OK))
        return false;
    write32(d->base + QUEUE_NUM, QUEUE_SIZE);
    set_address(d, QUEUE_DESC, queue.desc);
    set_address(d, QUEUE_DRIVER, &queue.avail);
    set_address(d, QUEUE_DEVICE, &queue.used);
    write32(d->base + QUEUE_READY, 1);
    write32(d->base + STATUS, 3 | FEATURES_OK | 4);
    d->sectors = read32(d->base + CONFIG) | (uint64_t)read32(d->base + CONFIG + 4) << 32;
    return read32(d->base + STATUS) == 15;
}

bool disk_open(struct disk *d, const void *dtb, unsigned n)
{
    struct fdt_range ranges[64];
    unsigned count = fdt_ranges(dtb, ranges, 64);
    for (uint64_t base = 0; base != UINT64_MAX;) {
        uint64_t lowest = UINT64_MAX; /* in order of address, whatever the tree's */
        for (unsigned i = 0; i < count && i < 64; i++)
            if (ranges[i].virtio_mmio && ranges[i].base > base && ranges[i].base < lowest)
                lowest = ranges[i].base;
        base = lowest;
        if (base == UINT64_MAX || read32(base + VERSION) != 2 || read32(base + DEVICE_ID) != 2)
            continue;
        if (n-- == 0) {
            d->base = base;
            d->intid = FIRST_INTID + (unsigned)(base - FIRST_SLOT) / 0x200;
            return start(d);
        }
    }
    return false;
}

void disk_start(struct disk *d, unsigned slot, int type, uint64_t sector, void *buffer,
                uint32_t bytes)
{
    uint16_t i = (uint16_t)(3 * slot);
    headers[slot].type = (uint32_t)type;
    headers[slot].sector = sector;
    queue.desc[i] = (struct desc){(uint64_t)&headers[slot], 16, NEXT, i + 1};
    queue.desc[i + 1] =
        (struct desc){(uint64_t)buffer, bytes, NEXT | (type == DISK_READ ? WRITE : 0), i + 2};
    queue.desc[i + 2] = (struct desc){(uint64_t)&statuses[slot], 1, WRITE, 0};
    queue.avail.ring[queue.avail.idx % QUEUE_SIZE] = i;
    __atomic_store_n(&queue.avail.idx, (uint16_t)(queue.avail.idx + 1), __ATOMIC_RELEASE);
    barrier();
    if (!(__atomic_load_n(&queue.used.flags, __ATOMIC_RELAXED) & 1))
        write32(d->base + QUEUE_NOTIFY, 0);
}

int disk_finished(struct disk *d, bool *ok)
{
    unsigned slot;
    (void)d;
    if (__atomic_load_n(&queue.used.idx, __ATOMIC_ACQUIRE) == seen)
        return -1;
    slot = queue.used.ring[seen++ % QUEUE_SIZE].id / 3;
    *ok = __atomic_load_n(&statuses[slot], __ATOMIC_RELAXED) == 0;
    return (int)slot;
}

void disk_acknowledge(struct disk *d)
{
    write32(d->base + INTERRUPT_ACK, read32(d->base + INTERRUPT_STATUS));
}
