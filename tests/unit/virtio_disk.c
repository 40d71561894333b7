/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_disk.h"
#include <bulkhead/cpu.h>
#include <fake/fake.h>

uint8_t card[CARD * SECTOR_SIZE];
struct virtio_blk *blk;

/* The block layer: requests wait in `waiting` until the test completes them, or complete at once.
 */
struct block_request *waiting[64];
unsigned nwaiting, flushes, deepest;
static unsigned depth;
bool at_once, failing, on_card;

static void transfer(struct block_request *r)
{
    uint8_t *at = card + r->sector * SECTOR_SIZE;
    uint64_t bytes = 0;
    if (r->op == BLOCK_FLUSH) {
        flushes++;
        return;
    }
    assert_in_range(r->sector, FIRST, FIRST + SECTORS - 1);
    assert_in_range(r->sectors, 1, FIRST + SECTORS - r->sector);
    assert_in_range(r->nsegments, 1, BLOCK_MAX_SEGMENTS);
    for (unsigned i = 0; i < r->nsegments; i++) {
        struct block_segment *s = &r->segments[i];
        /* the sanitizer watches both ends of the guest's RAM */
        if (r->op == BLOCK_READ)
            memcpy(s->data, at + bytes, s->bytes);
        else
            memcpy(at + bytes, s->data, s->bytes);
        bytes += s->bytes;
    }
    assert_int_equal(bytes, (uint64_t)r->sectors * SECTOR_SIZE);
}

static void complete(struct block_request *r)
{
    if (!failing)
        transfer(r);
    r->done(r, failing ? BLOCK_IO_ERROR : BLOCK_OK);
}

void complete_next(void)
{
    struct block_request *r = waiting[0];
    assert_true(nwaiting > 0);
    nwaiting--;
    memmove(waiting, waiting + 1, nwaiting * sizeof(waiting[0]));
    complete(r);
}

void block_submit(unsigned client, struct block_request *r)
{
    assert_int_equal(client, rig_vm.id);
    /* A request that is still in there must not come again. */
    for (unsigned i = 0; i < nwaiting; i++)
        assert_ptr_not_equal(waiting[i], r);
    if (at_once) {
        depth++;
        deepest = MAX(deepest, depth);
        complete(r);
        depth--;
        return;
    }
    assert_true(nwaiting < ARRAY_SIZE(waiting));
    waiting[nwaiting++] = r;
}

bool block_cancel(unsigned client, const void *context)
{
    unsigned kept = 0;
    assert_int_equal(client, rig_vm.id);
    for (unsigned i = 0; i < nwaiting; i++)
        if (waiting[i]->context != context)
            waiting[kept++] = waiting[i];
    nwaiting = kept;
    return !on_card;
}

void disk_attach(bool read_only)
{
    rig_reset();
    rig_vm.id = 3;
    blk = &rig_vm.disks[0];
    virtio_blk_init(blk, &rig_vm, 0, "a-name-of-more-than-twenty-bytes", FIRST, SECTORS, read_only);
    nwaiting = flushes = deepest = depth = 0;
    at_once = failing = on_card = false;
}

void disk_init(bool read_only)
{
    disk_attach(read_only);
    for (unsigned i = 0; i < sizeof(card); i++)
        card[i] = (uint8_t)(i / SECTOR_SIZE * 7 + i);
}

uint8_t *status(unsigned n)
{
    return rig_at(STATUSES + n);
}

void request(unsigned n, uint32_t type, uint64_t sector, uint32_t bytes, uint64_t buffer)
{
    uint16_t d = (uint16_t)(3 * n);
    uint32_t *header = rig_at(HEADERS + 16 * n);
    header[0] = type;
    header[1] = 0;
    memcpy(header + 2, &sector, 8);
    rig_desc(RIG_DESC, d, HEADERS + 16 * n, 16, NEXT, bytes ? d + 1 : d + 2);
    rig_desc(RIG_DESC, d + 1, buffer, bytes, NEXT | (type == OUT ? 0 : WRITE), d + 2);
    rig_desc(RIG_DESC, d + 2, STATUSES + n, 1, WRITE, 0);
    rig_offer(blk->queue.mask + 1u, d);
}

void kick(void)
{
    reg_write(R_QUEUE_NOTIFY, 0);
}

void run_events(void)
{
    while (fake_posted[0] & EVENT_VIRTIO) {
        fake_posted[0] = 0;
        virtio_run_event(rig_vcpu);
    }
}
