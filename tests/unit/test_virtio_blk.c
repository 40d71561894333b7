// sources: virtio/mmio.c virtio/queue.c virtio/blk.c core/guest_mem.c tests/unit/virtio_rig.c tests/unit/virtio_disk.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device against a block layer in small. */
#include "virtio_disk.h"
#include <bulkhead/cpu.h>
#include <fake/fake.h>

static int setup(void **state)
{
    (void)state;
    disk_init(false);
    reg_start(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC, RIG_SIZE);
    memset(rig_at(STATUSES), UNTOUCHED, 256);
    return 0;
}

static void reads_and_writes(void **state)
{
    (void)state;
    request(0, IN, 5, 1024, BUFFERS);
    kick();
    assert_int_equal(nwaiting, 1);
    assert_int_equal(rig_used_idx(), 0);
    assert_int_equal(*status(0), UNTOUCHED);
    complete_next();
    assert_int_equal(rig_used_idx(), 1);
    assert_int_equal(rig_used_id(0), 0);
    assert_int_equal(rig_used_len(0), 1025);
    assert_int_equal(*status(0), OK);
    assert_memory_equal(rig_at(BUFFERS), card + (FIRST + 5) * SECTOR_SIZE, 1024);
    assert_int_equal(reg_read(R_INTERRUPT_STATUS), VIRTIO_INT_USED);
    assert_int_equal(rig_pulses, 1);

    memset(rig_at(BUFFERS), 0x5a, 512);
    request(1, OUT, SECTORS - 1, 512, BUFFERS);
    kick();
    complete_next();
    assert_int_equal(*status(1), OK);
    assert_int_equal(rig_used_id(1), 3);
    assert_int_equal(rig_used_len(1), 1);
    assert_memory_equal(card + (FIRST + SECTORS - 1) * SECTOR_SIZE, rig_at(BUFFERS), 512);

    request(2, FLUSH, 0, 0, 0);
    kick();
    complete_next();
    assert_int_equal(*status(2), OK);
    assert_int_equal(flushes, 1);
}

static void any_framing_will_do(void **state)
{
    (void)state;
    /* Header in two pieces, the second with the first data bytes behind it; data cut at odd
     * places: 2.7.4.1. */
    uint32_t *header = rig_at(HEADERS);
    header[0] = OUT;
    header[2] = 7;
    memset(rig_at(HEADERS + 16), 0x11, 100);
    memset(rig_at(BUFFERS), 0x22, 412);
    rig_desc(RIG_DESC, 0, HEADERS, 9, NEXT, 1);
    rig_desc(RIG_DESC, 1, HEADERS + 9, 7 + 100, NEXT, 2);
    rig_desc(RIG_DESC, 2, BUFFERS, 412, NEXT, 3);
    rig_desc(RIG_DESC, 3, STATUSES, 1, WRITE, 0);
    rig_offer(RIG_SIZE, 0);
    kick();
    complete_next();
    assert_int_equal(*status(0), OK);
    assert_memory_equal(card + (FIRST + 7) * SECTOR_SIZE, rig_at(HEADERS + 16), 100);
    assert_memory_equal(card + (FIRST + 7) * SECTOR_SIZE + 100, rig_at(BUFFERS), 412);

    /* The status byte right behind the data of a read, in one descriptor. */
    header[0] = IN;
    rig_desc(RIG_DESC, 4, HEADERS, 16, NEXT, 5);
    rig_desc(RIG_DESC, 5, BUFFERS + 1024, 513, WRITE, 0);
    rig_offer(RIG_SIZE, 4);
    *(uint8_t *)rig_at(BUFFERS + 1024 + 512) = UNTOUCHED;
    kick();
    complete_next();
    assert_memory_equal(rig_at(BUFFERS + 1024), card + (FIRST + 7) * SECTOR_SIZE, 512);
    assert_int_equal(*(uint8_t *)rig_at(BUFFERS + 1024 + 512), OK);
}

static void identity_is_the_label(void **state)
{
    (void)state;
    memset(rig_at(BUFFERS), UNTOUCHED, 64);
    request(0, GET_ID, 0, 20, BUFFERS);
    request(1, GET_ID, 0, 5, BUFFERS + 32);
    kick();
    assert_int_equal(*status(0), OK);
    assert_memory_equal(rig_at(BUFFERS), "a-name-of-more-than-", 20);
    assert_int_equal(*(uint8_t *)rig_at(BUFFERS + 20), UNTOUCHED);
    assert_int_equal(rig_used_len(0), 21);
    assert_int_equal(*status(1), OK);
    assert_memory_equal(rig_at(BUFFERS + 32), "a-nam\xee", 6);
}

static void unknown_types_are_unsupported(void **state)
{
    static const uint32_t types[] = {2, 3, 5, 7, 9, 11, 13, 0x80000000, 0xffffffff};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        setup(NULL);
        request(0, types[i], 0, 512, BUFFERS);
        kick();
        assert_int_equal(*status(0), UNSUPP);
        assert_int_equal(rig_used_idx(), 1);
        assert_int_equal(nwaiting, 0);
    }
}

static void requests_stay_in_the_partition(void **state)
{
    const struct {
        uint64_t sector;
        uint32_t bytes;
    } bad[] = {
        {SECTORS, 512},
        {SECTORS - 1, 1024},
        {SECTORS + 1, 512},
        {UINT64_MAX, 512},
        {UINT64_MAX - FIRST + 1, 512},
        {0 - (uint64_t)FIRST, 512},
        {UINT64_MAX / 512, 512},
        {1ULL << 63, 512},
        {0, 511},
        {0, 513},
        {0, 0},
    };
    (void)state;
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
        setup(NULL);
        request(0, i & 1 ? OUT : IN, bad[i / 2].sector, bad[i / 2].bytes, BUFFERS);
        kick();
        assert_int_equal(nwaiting, 0);
        assert_int_equal(*status(0), IOERR);
        assert_int_equal(rig_used_idx(), 1);
    }
}

static void read_only_disk_is_not_written(void **state)
{
    (void)state;
    disk_init(true);
    assert_true(reg_offered() & 1 << 5);
    reg_start(VIRTIO_F_VERSION_1, RIG_SIZE); /* RO not acknowledged: writes fail all the same */
    request(0, OUT, 0, 512, BUFFERS);
    kick();
    assert_int_equal(nwaiting, 0);
    assert_int_equal(*status(0), IOERR);
    request(1, IN, 0, 512, BUFFERS);
    kick();
    complete_next();
    assert_int_equal(*status(1), OK);
}

static void card_errors_are_passed_on(void **state)
{
    (void)state;
    failing = true;
    request(0, IN, 0, 512, BUFFERS);
    request(1, FLUSH, 0, 0, 0);
    kick();
    complete_next();
    complete_next();
    assert_int_equal(*status(0), IOERR);
    assert_int_equal(rig_used_len(0), 0);
    assert_int_equal(*status(1), IOERR);
    assert_int_equal(rig_used_len(1), 1);
}

static void requests_without_header_or_status_break(void **state)
{
    (void)state;
    rig_desc(RIG_DESC, 0, HEADERS, 15, NEXT, 1);
    rig_desc(RIG_DESC, 1, STATUSES, 1, WRITE, 0);
    rig_offer(RIG_SIZE, 0);
    kick();
    assert_true(reg_read(R_STATUS) & S_NEEDS_RESET);
    setup(NULL);
    rig_desc(RIG_DESC, 0, HEADERS, 16, 0, 1);
    rig_offer(RIG_SIZE, 0);
    kick();
    assert_true(reg_read(R_STATUS) & S_NEEDS_RESET);
    assert_int_equal(rig_used_idx(), 0);
}

static void slots_bound_what_is_in_flight(void **state)
{
    unsigned n = 21; /* of 64 descriptors */
    (void)state;
    reg_start(VIRTIO_F_VERSION_1, 64);
    for (unsigned i = 0; i < n; i++)
        request(i, IN, i, 512, BUFFERS + 512 * i);
    kick();
    run_events();
    assert_int_equal(nwaiting, VIRTIO_BLK_SLOTS);
    assert_int_equal(*rig_u16(RIG_USED),
                     1); /* no notifications wanted: completions take up the rest */
    complete_next();
    assert_int_equal(nwaiting, VIRTIO_BLK_SLOTS);
    assert_int_equal(rig_used_idx(), 1);
    while (nwaiting)
        complete_next();
    assert_int_equal(rig_used_idx(), n);
    assert_int_equal(*rig_u16(RIG_USED), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(*status(i), OK);
    assert_memory_equal(rig_at(BUFFERS), card + FIRST * SECTOR_SIZE, n * 512);
}

static void one_exit_takes_up_a_bounded_part(void **state)
{
    unsigned exits = 1, before = 0;
    (void)state;
    reg_start(VIRTIO_F_VERSION_1, 64);
    request(0, 99, 0, 0, 0); /* answered at once */
    for (unsigned i = 1; i < 64; i++)
        rig_offer(64, 0);
    kick();
    while (fake_posted[0] & EVENT_VIRTIO) {
        assert_in_range(rig_used_idx() - before, 1, 8);
        before = rig_used_idx();
        fake_posted[0] = 0;
        virtio_run_event(rig_vcpu);
        exits++;
    }
    assert_int_equal(rig_used_idx(), 64);
    assert_in_range(exits, 8, 16);
    virtio_run_event(rig_vcpu); /* nothing more */
    assert_int_equal(rig_used_idx(), 64);
}

static void completion_at_once_does_not_nest(void **state)
{
    (void)state;
    at_once = true;
    reg_start(VIRTIO_F_VERSION_1, 64);
    for (unsigned i = 0; i < 21; i++)
        request(i, OUT, i, 512, BUFFERS);
    kick();
    run_events();
    assert_int_equal(rig_used_idx(), 21);
    assert_int_equal(deepest, 1);
}

/* While a request is on the card a reset, or the end of the queue, is not over: the guest's store
 * runs again. What ends meanwhile tells nobody and writes nothing. */
static void stale_completion(uint32_t offset)
{
    struct block_request *stale;
    setup(NULL);
    for (unsigned i = 0; i < 3; i++)
        request(i, FLUSH, 0, 0, 0);
    kick();
    assert_int_equal(nwaiting, 3);
    stale = waiting[0];
    on_card = true;
    assert_true(reg_write_retry(offset, 0));
    assert_int_equal(nwaiting, 0); /* what only waited is gone at once */
    assert_true(reg_write_retry(offset, 0));
    memset(rig_at(STATUSES), UNTOUCHED, 256);
    stale->done(stale, BLOCK_OK);
    assert_int_equal(rig_used_idx(), 0);
    assert_int_equal(*status(0), UNTOUCHED);
    assert_int_equal(rig_pulses, 0);
    on_card = false;
    assert_false(reg_write_retry(offset, 0));
    reg_start(VIRTIO_F_VERSION_1, RIG_SIZE);
    request(1, FLUSH, 0, 0, 0);
    kick();
    complete_next();
    assert_int_equal(rig_used_idx(), 1);
    assert_int_equal(rig_used_id(0), 3);
}

static void stale_completions_are_dropped(void **state)
{
    (void)state;
    stale_completion(R_STATUS);
    stale_completion(R_QUEUE_READY);
}

static void a_reset_frees_every_slot(void **state)
{
    (void)state;
    reg_start(VIRTIO_F_VERSION_1, 64);
    for (unsigned i = 0; i < 21; i++)
        request(i, FLUSH, 0, 0, 0);
    kick();
    run_events();
    assert_int_equal(nwaiting, VIRTIO_BLK_SLOTS);
    reg_start(VIRTIO_F_VERSION_1, 64);
    for (unsigned i = 0; i < 21; i++)
        request(i, FLUSH, 0, 0, 0);
    kick();
    run_events();
    assert_int_equal(nwaiting, VIRTIO_BLK_SLOTS);
    while (nwaiting)
        complete_next();
    assert_int_equal(rig_used_idx(), 21);
}

/* A reset of the whole machine is no different. */
static void the_machines_reset_cancels(void **state)
{
    (void)state;
    request(0, FLUSH, 0, 0, 0);
    kick();
    on_card = true;
    assert_false(virtio_blk_reset(blk));
    assert_int_equal(nwaiting, 0);
    on_card = false;
    assert_true(virtio_blk_reset(blk));
    assert_int_equal(blk->busy, 0);
    assert_int_equal(reg_read(R_STATUS), 0);
}

static void broken_device_gives_nothing_more(void **state)
{
    (void)state;
    request(0, FLUSH, 0, 0, 0);
    kick();
    rig_offer(RIG_SIZE, 0xffff);
    kick();
    assert_true(reg_read(R_STATUS) & S_NEEDS_RESET);
    complete_next();
    assert_int_equal(rig_used_idx(), 0);
    assert_int_equal(*status(0), UNTOUCHED);
    reg_start(VIRTIO_F_VERSION_1, RIG_SIZE); /* and lives again */
    request(0, FLUSH, 0, 0, 0);
    kick();
    complete_next();
    assert_int_equal(rig_used_idx(), 1);
}

static void longest_legal_request_fits(void **state)
{
    (void)state;
    reg_start(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC, RIG_SIZE);
    *(uint32_t *)rig_at(HEADERS) = IN;
    for (unsigned extra = 0; extra < 4; extra++) { /* seg_max 32 and a few more, then too many */
        unsigned n = 32 + extra;
        rig_desc(RIG_DESC, 0, RIG_INDIRECT, (n + 2) * 16, INDIRECT, 0);
        rig_desc(RIG_INDIRECT, 0, HEADERS, 16, NEXT, 1);
        for (uint16_t i = 1; i <= n; i++)
            rig_desc(RIG_INDIRECT, i, BUFFERS + 512 * (i % 16), 512, WRITE | NEXT, i + 1);
        rig_desc(RIG_INDIRECT, n + 1, STATUSES + extra, 1, WRITE, 0);
        rig_offer(RIG_SIZE, 0);
        kick();
        if (nwaiting)
            complete_next();
        assert_int_equal(*status(extra), n <= BLOCK_MAX_SEGMENTS ? OK : IOERR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_and_writes, setup),
        cmocka_unit_test_setup(any_framing_will_do, setup),
        cmocka_unit_test_setup(identity_is_the_label, setup),
        cmocka_unit_test_setup(unknown_types_are_unsupported, setup),
        cmocka_unit_test_setup(requests_stay_in_the_partition, setup),
        cmocka_unit_test_setup(read_only_disk_is_not_written, setup),
        cmocka_unit_test_setup(card_errors_are_passed_on, setup),
        cmocka_unit_test_setup(requests_without_header_or_status_break, setup),
        cmocka_unit_test_setup(slots_bound_what_is_in_flight, setup),
        cmocka_unit_test_setup(one_exit_takes_up_a_bounded_part, setup),
        cmocka_unit_test_setup(completion_at_once_does_not_nest, setup),
        cmocka_unit_test_setup(stale_completions_are_dropped, setup),
        cmocka_unit_test_setup(a_reset_frees_every_slot, setup),
        cmocka_unit_test_setup(the_machines_reset_cancels, setup),
        cmocka_unit_test_setup(broken_device_gives_nothing_more, setup),
        cmocka_unit_test_setup(longest_legal_request_fits, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
