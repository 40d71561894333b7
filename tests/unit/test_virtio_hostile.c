// sources: virtio/mmio.c virtio/queue.c virtio/blk.c core/guest_mem.c tests/unit/virtio_rig.c tests/unit/virtio_disk.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile drivers, at random, under the sanitizers: the guest's RAM is a heap block of its exact
 * size. */
#include "virtio_disk.h"
#include <fake/fake.h>
#include <stdlib.h>

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static uint64_t random_address(void)
{
    static const uint64_t odd[] = {
        0,          GUEST_RAM_BASE - 1, GUEST_RAM_BASE + RIG_RAM,      UINT64_MAX, UINT64_MAX - 15,
        1ULL << 39, 1ULL << 63,         GUEST_RAM_BASE + RIG_RAM - 512};
    if (rnd(12) == 0)
        return odd[rnd(ARRAY_SIZE(odd))];
    /* mostly good places, the rings among them */
    return GUEST_RAM_BASE + rnd(RIG_RAM / 16) * 16 + (rnd(8) ? 0 : rnd(16));
}

static uint32_t random_length(void)
{
    static const uint32_t odd[] = {0,   1,    15,      16,         17,        511,
                                   513, 4096, 0x10000, 0x80000000, 0xffffffff};
    return rnd(4) ? 512 * (1 + rnd(4)) : odd[rnd(ARRAY_SIZE(odd))];
}

static void random_desc(uint64_t table, unsigned i, unsigned size, uint16_t flags)
{
    rig_desc(table, i, random_address(), rnd(6) ? random_length() : 16, flags,
             (uint16_t)(rnd(40) ? rnd(size) : rnd(0x10000)));
}

/* A chain that mostly looks like a request: header, buffers, status. */
static void random_request(unsigned size)
{
    uint16_t d = (uint16_t)rnd(size), head = d;
    uint32_t *header = rig_at(HEADERS + 16 * rnd(8));
    uint64_t where = GUEST_RAM_BASE + (uint64_t)((uint8_t *)header - rig_ram);
    static const uint32_t types[] = {IN, IN, OUT, OUT, FLUSH, GET_ID, 11, 77};
    header[0] = types[rnd(ARRAY_SIZE(types))];
    header[2] = rnd(SECTORS + 8);
    header[3] = rnd(16) ? 0 : rnd(UINT32_MAX);
    rig_desc(RIG_DESC, d, where, 16, NEXT, (d + 1) % size);
    for (unsigned n = rnd(4); n; n--) {
        d = (d + 1) % size;
        rig_desc(RIG_DESC, d, BUFFERS + 16 * rnd(256), 512, NEXT | (header[0] == OUT ? 0 : WRITE),
                 (d + 1) % size);
    }
    d = (d + 1) % size;
    rig_desc(RIG_DESC, d, STATUSES + rnd(16), 1, WRITE, 0);
    for (unsigned n = rnd(50) ? 0 : rnd(3); n; n--) /* spoil something */
        random_desc(rnd(2) ? RIG_DESC : RIG_INDIRECT, rnd(size), size, (uint16_t)rnd(8));
    rig_offer(size, head);
}

static void random_step(unsigned size)
{
    switch (rnd(16)) {
    case 0:
        if (rnd(20))
            break;
        random_desc(RIG_DESC, rnd(size), size, (uint16_t)rnd(8));
        rig_offer(size, (uint16_t)rnd(rnd(20) ? size : 0x10000));
        break;
    case 1:
        if (rnd(20))
            break;
        for (unsigned i = 0; i < 16; i++)
            random_desc(RIG_INDIRECT, i, 16, (uint16_t)rnd(rnd(8) ? 4 : 8));
        rig_desc(RIG_DESC, 0, RIG_INDIRECT, 16 * rnd(20), INDIRECT, 0);
        rig_offer(size, 0);
        break;
    case 2:
        if (rnd(50) == 0)
            *rig_u16(RIG_AVAIL + 2) = (uint16_t)rnd(0x10000);
        break;
    case 3:
        if (rnd(20) == 0)
            reg_write(R_QUEUE_READY, rnd(2));
        break;
    case 4:
    case 5:
        kick();
        break;
    case 6:
        virtio_run_event(rig_vcpu);
        break;
    case 7:
    case 8:
    case 9:
        if (nwaiting) {
            failing = rnd(4) == 0;
            complete_next();
        }
        break;
    default:
        random_request(size);
        break;
    }
}

static void hostile_drivers(void **state)
{
    unsigned alive = 0, submitted = 0;
    (void)state;
    disk_init(false);
    seed = getenv("SEED") ? (uint32_t)strtoul(getenv("SEED"), NULL, 0) : 1;
    for (unsigned round = 0; round < 4000; round++) {
        unsigned size = 1u << (rnd(8) ? 4 + rnd(3) : rnd(4));
        fake_log_reset();
        at_once = rnd(8) == 0;
        if (rnd(4) == 0)
            memset(rig_at(RIG_DESC), (int)rnd(256), 1024);
        reg_start(reg_offered() & ~(uint64_t)(rnd(4) << 28), size);
        for (unsigned step = 0; step < 50; step++) {
            random_step(size);
            submitted += nwaiting;
        }
        alive += !(reg_read(R_STATUS) & S_NEEDS_RESET);
        assert_true(fake_log_lines <= 2);
    }
    at_once = failing = false;
    while (nwaiting)
        complete_next();
    assert_int_equal(blk->busy, 0);
    /* The mixture is neither harmless nor hopeless. */
    assert_in_range(alive, 400, 3600);
    assert_true(submitted > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hostile_drivers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
