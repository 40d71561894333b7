// sources: virtio/mmio.c virtio/queue.c virtio/blk.c core/guest_mem.c tests/unit/virtio_rig.c tests/unit/virtio_disk.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile virtio-blk driver: register accesses, and anything in the rings and buffers, which lie
 * in a block of their exact size. The block layer in small (tests/unit/virtio_disk.c) refuses what
 * is outside of the disk. */
#include "fuzz.h"

#include <fake/fake.h>
#include <unit/virtio_disk.h>

enum { MAX_OPERATIONS = 256, SIZE = 16 };

/* A guest address: mostly in RAM, at odd places too. */
static uint64_t address(struct input *in)
{
    unsigned form = (unsigned)take(in, 1);
    switch (form >> 5) {
    case 0:
        return GUEST_RAM_BASE + RIG_RAM - (form & 31);
    case 1:
        return take(in, 8);
    case 2:
        return RIG_INDIRECT + 16u * (form & 31);
    case 3:
        return HEADERS + 16u * (form & 31);
    case 4:
        return STATUSES + (form & 31);
    default:
        return BUFFERS + 512u * (form & 31);
    }
}

static uint32_t length(struct input *in)
{
    static const uint32_t usual[] = {0, 1, 16, 17, 512, 513, 1024, 0xffffffff, 32, 48, 4096, 15};
    unsigned form = (unsigned)take(in, 1);
    return form < 128 ? usual[form % ARRAY_SIZE(usual)] : (uint32_t)take(in, 4);
}

static void descriptor(struct input *in, uint64_t table)
{
    unsigned how = (unsigned)take(in, 1), i = how & 15;
    uint64_t where = address(in);
    uint32_t bytes = length(in);
    uint16_t flags = (uint16_t)(how >> 4 & 7), next = (uint16_t)(take(in, 1) & 0x1f);
    rig_desc(table, i, where, bytes, flags, next);
}

static void header(struct input *in)
{
    static const uint8_t types[] = {IN, OUT, FLUSH, GET_ID, IN, OUT, 11, 2};
    unsigned how = (unsigned)take(in, 1);
    uint32_t *at = rig_at(HEADERS + 16 * (how & 7));
    at[0] = types[how >> 3 & 7];
    at[2] = how & 0x80 ? (uint32_t)take(in, 4) : (uint32_t)take(in, 1) % (SECTORS + 2);
    at[3] = how & 0x40 ? (uint32_t)take(in, 4) : 0;
}

static void registers(struct input *in)
{
    static const uint8_t usual[] = {R_STATUS,    R_QUEUE_READY,   R_QUEUE_NUM,
                                    R_DESC,      R_AVAIL,         R_USED,
                                    R_QUEUE_SEL, R_INTERRUPT_ACK, R_QUEUE_NOTIFY};
    unsigned how = (unsigned)take(in, 1);
    struct mmio_access a = {.size = (uint8_t)(how & 8 ? 1u << (how & 3) : 4), .write = how & 4};
    a.offset = how & 0x80 ? (uint32_t)take(in, 2) % GUEST_VIRTIO_STRIDE
                          : usual[(how >> 4 & 7) + (how & 1)];
    if (a.write)
        a.value = how & 2 ? take(in, 4) : take(in, 1);
    if (a.offset + a.size <= GUEST_VIRTIO_STRIDE)
        reg_access(&a);
}

static void driver(struct input *in)
{
    unsigned how = (unsigned)take(in, 1);
    reg_start(reg_offered() & ~((uint64_t)(how & 3) << 28), how & 4 ? 1u << (how >> 5) : SIZE);
}

/* A chain as a driver makes it; other operations spoil it before the device looks. */
static void good_request(struct input *in)
{
    static const uint32_t types[] = {IN, OUT, IN, OUT, FLUSH, GET_ID, 11, OUT};
    unsigned how = (unsigned)take(in, 1), where = (unsigned)take(in, 1);
    unsigned size = blk->queue.mask + 1u;
    if (size < SIZE || !blk->queue.ready)
        return;
    request(how >> 3 & 3, types[how & 7], where & 63, 512 * (how >> 5 & 3),
            BUFFERS + 512 * (where >> 6));
}

static void operation(struct input *in)
{
    switch (take(in, 1) & 15) {
    case 0:
        if (take(in, 1) & 1)
            driver(in);
        else
            good_request(in);
        break;
    case 14:
        good_request(in);
        break;
    case 1:
        registers(in);
        break;
    case 2:
    case 3:
    case 4:
        descriptor(in, RIG_DESC);
        break;
    case 5:
        descriptor(in, RIG_INDIRECT);
        break;
    case 6:
        header(in);
        break;
    case 7:
    case 8:
        rig_offer(SIZE, (uint16_t)(take(in, 1) & 0x1f));
        break;
    case 9:
        *rig_u16(RIG_AVAIL + (take(in, 1) & 0x3e)) = (uint16_t)take(in, 2);
        break;
    case 10:
        virtio_run_event(rig_vcpu);
        break;
    case 11:
        at_once = take(in, 1) & 1;
        break;
    case 12:
        if (nwaiting) {
            failing = take(in, 1) & 1;
            complete_next();
        }
        break;
    case 13:
        virtio_blk_reset(blk);
        break;
    default:
        kick();
        break;
    }
}

/* Requests that wait in the block layer. */
static void check(bool read_only)
{
    for (unsigned i = 0; i < nwaiting; i++) {
        const struct block_request *r = waiting[i];
        uint64_t bytes = 0;
        REQUIRE(r->op == BLOCK_READ || r->op == BLOCK_FLUSH || !read_only);
        REQUIRE(r->nsegments <= BLOCK_MAX_SEGMENTS);
        for (unsigned k = 0; k < r->nsegments; k++) {
            uint64_t offset = (uint64_t)((uintptr_t)r->segments[k].data - (uintptr_t)rig_ram);
            REQUIRE(offset < RIG_RAM && r->segments[k].bytes <= RIG_RAM - offset);
            bytes += r->segments[k].bytes;
        }
        REQUIRE(r->op == BLOCK_FLUSH ||
                (bytes == (uint64_t)r->sectors * SECTOR_SIZE && r->sector >= FIRST &&
                 r->sectors <= SECTORS && r->sector <= FIRST + SECTORS - r->sectors));
    }
    REQUIRE(blk->device.lock.next == blk->device.lock.owner && !blk->pumping);
    for (unsigned cpu = 1; cpu < MAX_CPUS; cpu++)
        REQUIRE(fake_posts[cpu] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    bool read_only = take(&in, 1) & 1;

    disk_attach(read_only);
    reg_start(reg_offered(), SIZE);
    for (unsigned i = 0; i < MAX_OPERATIONS && in.left; i++) {
        operation(&in);
        check(read_only);
    }
    REQUIRE(fake_log_lines <= MAX_OPERATIONS + 1);
    at_once = failing = false;
    while (nwaiting)
        complete_next();
    REQUIRE(blk->busy == 0);
    return 0;
}
