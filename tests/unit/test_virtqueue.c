// sources: virtio/queue.c core/guest_mem.c tests/unit/virtio_rig.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_rig.h"

#define ALL (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

static struct virtqueue q;
static struct virtq_chain chain;
static const char *why;

static void place(uint32_t size)
{
    rig_reset();
    memset(&q, 0, sizeof(q));
    q.size = size;
    q.desc_ipa = RIG_DESC;
    q.avail_ipa = RIG_AVAIL;
    q.used_ipa = RIG_USED;
}

static int started(void **state)
{
    (void)state;
    place(RIG_SIZE);
    assert_true(virtq_start(&q, &rig_vm, ALL));
    return 0;
}

static enum virtq_result take(void)
{
    why = NULL;
    return virtq_take(&q, &rig_vm, &chain, &why);
}

static void assert_broken(const char *text)
{
    assert_int_equal(take(), VIRTQ_BROKEN);
    assert_non_null(why);
    if (!strstr(why, text))
        fail_msg("'%s' does not say '%s'", why, text);
}

static void queue_size_is_checked(void **state)
{
    static const uint32_t bad[] = {0, 3, 63, VIRTQUEUE_MAX * 2, 0x10000, 0x80000000};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        place(bad[i]);
        assert_false(virtq_start(&q, &rig_vm, ALL));
        assert_false(q.ready);
    }
    for (uint32_t size = 1; size <= VIRTQUEUE_MAX; size *= 2) {
        place(size);
        assert_true(virtq_start(&q, &rig_vm, ALL));
    }
}

static void queue_lies_aligned_in_ram(void **state)
{
    const uint64_t end = GUEST_RAM_BASE + RIG_RAM;
    static uint64_t *const part[] = {&q.desc_ipa, &q.avail_ipa, &q.used_ipa};
    static const uint64_t alignment[] = {16, 2, 4};
    static const uint64_t bytes[] = {16 * RIG_SIZE, 6 + 2 * RIG_SIZE, 6 + 8 * RIG_SIZE};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t last = align_down(end - bytes[i], alignment[i]);
        const uint64_t bad[] = {0,           GUEST_RAM_BASE - alignment[i], last + alignment[i],
                                end,         (uint64_t)0 - alignment[i],    1ULL << 63,
                                RIG_DATA + 1};
        for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
            place(RIG_SIZE);
            *part[i] = bad[k];
            assert_false(virtq_start(&q, &rig_vm, ALL));
        }
        place(RIG_SIZE);
        *part[i] = last;
        assert_true(virtq_start(&q, &rig_vm, ALL));
        place(RIG_SIZE);
        *part[i] = GUEST_RAM_BASE;
        assert_true(virtq_start(&q, &rig_vm, ALL));
    }
}

static void chain_is_gathered(void **state)
{
    (void)state;
    assert_int_equal(take(), VIRTQ_EMPTY);
    rig_desc(RIG_DESC, 5, RIG_DATA, 16, NEXT, 0);
    rig_desc(RIG_DESC, 0, RIG_DATA + 0x100, 512, NEXT, 15);
    rig_desc(RIG_DESC, 15, RIG_DATA + 0x400, 1024, NEXT | WRITE, 2);
    rig_desc(RIG_DESC, 2, GUEST_RAM_BASE + RIG_RAM - 1, 1, WRITE, 0xffff);
    rig_offer(RIG_SIZE, 5);
    assert_int_equal(take(), VIRTQ_CHAIN);
    assert_int_equal(chain.head, 5);
    assert_int_equal(chain.nread, 2);
    assert_int_equal(chain.nwrite, 2);
    assert_int_equal(chain.read_bytes, 528);
    assert_int_equal(chain.write_bytes, 1025);
    assert_int_equal(chain.visited, 4);
    assert_ptr_equal(chain.segments[0].data, rig_at(RIG_DATA));
    assert_ptr_equal(chain.segments[2].data, rig_at(RIG_DATA + 0x400));
    assert_ptr_equal(chain.last_byte, rig_ram + RIG_RAM - 1);
    assert_false(chain.too_long);
    assert_int_equal(take(), VIRTQ_EMPTY);
}

static void indirect_chain_is_gathered(void **state)
{
    (void)state;
    /* A direct descriptor may come before the indirect one, whose WRITE flag means
     * nothing: 2.7.5.3.2. */
    rig_desc(RIG_DESC, 0, RIG_DATA, 16, NEXT, 1);
    rig_desc(RIG_DESC, 1, RIG_INDIRECT, 3 * 16, INDIRECT | WRITE, 9);
    rig_desc(RIG_INDIRECT, 0, RIG_DATA + 16, 4, NEXT, 2);
    rig_desc(RIG_INDIRECT, 2, RIG_DATA + 32, 8, WRITE, 0);
    rig_offer(RIG_SIZE, 0);
    assert_int_equal(take(), VIRTQ_CHAIN);
    assert_int_equal(chain.nread, 2);
    assert_int_equal(chain.nwrite, 1);
    assert_int_equal(chain.visited, 4);
}

static void indices_stay_inside_their_table(void **state)
{
    (void)state;
    rig_offer(RIG_SIZE, RIG_SIZE);
    assert_broken("index beyond");
    started(NULL);
    rig_desc(RIG_DESC, 1, RIG_DATA, 16, NEXT, RIG_SIZE);
    rig_offer(RIG_SIZE, 1);
    assert_broken("index beyond");
    started(NULL);
    rig_desc(RIG_DESC, 1, RIG_INDIRECT, 2 * 16, INDIRECT, 0);
    rig_desc(RIG_INDIRECT, 0, RIG_DATA, 16, NEXT, 2);
    rig_offer(RIG_SIZE, 1);
    assert_broken("index beyond");
}

static void loops_end(void **state)
{
    (void)state;
    rig_desc(RIG_DESC, 3, RIG_DATA, 16, NEXT, 3);
    rig_offer(RIG_SIZE, 3);
    assert_broken("longer than the queue");
    assert_int_equal(chain.visited, VIRTQUEUE_MAX + 1);
    started(NULL);
    rig_desc(RIG_DESC, 3, RIG_INDIRECT, 2 * 16, INDIRECT, 0);
    rig_desc(RIG_INDIRECT, 0, RIG_DATA, 16, NEXT, 1);
    rig_desc(RIG_INDIRECT, 1, RIG_DATA, 16, NEXT, 0);
    rig_offer(RIG_SIZE, 3);
    assert_broken("longer than the queue");
}

static void indirect_tables_are_checked(void **state)
{
    static const struct {
        uint64_t addr;
        uint32_t len;
        uint16_t flags;
    } bad[] = {
        {RIG_INDIRECT, 0, INDIRECT},          {RIG_INDIRECT, 24, INDIRECT},
        {RIG_INDIRECT + 4, 16, INDIRECT},     {RIG_INDIRECT, 32, INDIRECT | NEXT},
        {GUEST_RAM_BASE - 16, 32, INDIRECT},  {GUEST_RAM_BASE + RIG_RAM - 16, 32, INDIRECT},
        {RIG_INDIRECT, 0xfffffff0, INDIRECT}, {0xfffffffffffffff0, 16, INDIRECT},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        started(NULL);
        rig_desc(RIG_DESC, 0, bad[i].addr, bad[i].len, bad[i].flags, 1);
        rig_desc(RIG_DESC, 1, RIG_DATA, 16, 0, 0);
        rig_desc(RIG_INDIRECT, 0, RIG_DATA, 16, 0, 0);
        rig_desc(RIG_INDIRECT, 1, RIG_DATA, 16, 0, 0);
        rig_offer(RIG_SIZE, 0);
        assert_broken("bad indirect table");
    }
    started(NULL); /* a table in a table */
    rig_desc(RIG_DESC, 0, RIG_INDIRECT, 16, INDIRECT, 0);
    rig_desc(RIG_INDIRECT, 0, RIG_INDIRECT, 16, INDIRECT, 0);
    rig_offer(RIG_SIZE, 0);
    assert_broken("inside an indirect table");
    place(RIG_SIZE); /* not negotiated */
    assert_true(virtq_start(&q, &rig_vm, VIRTIO_F_VERSION_1));
    rig_desc(RIG_DESC, 0, RIG_INDIRECT, 16, INDIRECT, 0);
    rig_desc(RIG_INDIRECT, 0, RIG_DATA, 16, 0, 0);
    rig_offer(RIG_SIZE, 0);
    assert_broken("bad indirect table");
}

static void buffers_lie_in_ram(void **state)
{
    const uint64_t end = GUEST_RAM_BASE + RIG_RAM;
    const struct {
        uint64_t addr;
        uint32_t len;
    } bad[] = {
        {0, 16},
        {GUEST_RAM_BASE - 1, 1},
        {GUEST_RAM_BASE - 1, 2},
        {end - 1, 2},
        {end, 1},
        {RIG_DATA, 0xffffffff},
        {UINT64_MAX, 1},
        {UINT64_MAX - 15, 0xffffffff},
        {GUEST_RAM_BASE, RIG_RAM + 1},
        {1ULL << 63, 512},
        {GUEST_RAM_BASE + (1ULL << 39), 16},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        started(NULL);
        rig_desc(RIG_DESC, 0, bad[i].addr, bad[i].len, 0, 0);
        rig_offer(RIG_SIZE, 0);
        assert_broken("outside RAM");
    }
    started(NULL); /* all of it is fine */
    rig_desc(RIG_DESC, 0, GUEST_RAM_BASE, RIG_RAM, 0, 0);
    rig_offer(RIG_SIZE, 0);
    assert_int_equal(take(), VIRTQ_CHAIN);
}

static void buffers_have_bytes_and_order(void **state)
{
    (void)state;
    rig_desc(RIG_DESC, 0, RIG_DATA, 0, 0, 0);
    rig_offer(RIG_SIZE, 0);
    assert_broken("no bytes");
    started(NULL);
    rig_desc(RIG_DESC, 0, RIG_DATA, 1, WRITE | NEXT, 1);
    rig_desc(RIG_DESC, 1, RIG_DATA, 16, 0, 0);
    rig_offer(RIG_SIZE, 0);
    assert_broken("readable buffer after");
}

static void index_jumps_are_refused(void **state)
{
    (void)state;
    rig_desc(RIG_DESC, 0, RIG_DATA, 16, 0, 0);
    *rig_u16(RIG_AVAIL + 2) = RIG_SIZE;
    assert_int_equal(take(), VIRTQ_CHAIN); /* a full ring */
    *rig_u16(RIG_AVAIL + 2) = RIG_SIZE + 2;
    assert_broken("jumped");
    *rig_u16(RIG_AVAIL + 2) = 0; /* backwards */
    assert_broken("jumped");
}

static void long_chains_are_counted_not_kept(void **state)
{
    (void)state;
    place(VIRTQUEUE_MAX);
    assert_true(virtq_start(&q, &rig_vm, ALL));
    for (uint16_t i = 0; i < VIRTQUEUE_MAX; i++)
        rig_desc(RIG_DESC, i, RIG_DATA + i, 1,
                 (i >= 2 ? WRITE : 0) | (i < VIRTQUEUE_MAX - 1 ? NEXT : 0), i + 1);
    rig_offer(VIRTQUEUE_MAX, 0);
    assert_int_equal(take(), VIRTQ_CHAIN);
    assert_true(chain.too_long);
    assert_int_equal(chain.nread + chain.nwrite, VIRTQ_MAX_SEGMENTS);
    assert_int_equal(chain.write_bytes, VIRTQUEUE_MAX - 2);
    assert_ptr_equal(chain.last_byte, rig_at(RIG_DATA + VIRTQUEUE_MAX - 1));
}

static void used_ring_wraps(void **state)
{
    (void)state;
    memset(rig_at(RIG_USED), 0xee, 4096);
    for (unsigned i = 0; i < 3 * RIG_SIZE + 1; i++)
        virtq_give(&q, (uint16_t)(100 + i), 1000 + i);
    assert_int_equal(rig_used_idx(), 3 * RIG_SIZE + 1);
    assert_int_equal(rig_used_id(0), 100 + 3 * RIG_SIZE);
    assert_int_equal(rig_used_len(0), 1000 + 3 * RIG_SIZE);
    assert_int_equal(rig_used_id(RIG_SIZE - 1), 100 + 3 * RIG_SIZE - 1);
    assert_int_equal(*rig_u16(RIG_USED), 0xeeee); /* flags: with event_idx not ours to touch */
    assert_int_equal(*rig_u16(RIG_USED + 4 + 8 * RIG_SIZE), 0xeeee);
}

static void interrupts_follow_used_event(void **state)
{
    uint16_t *used_event = rig_u16(RIG_AVAIL + 4 + 2 * RIG_SIZE);
    (void)state;
    assert_false(virtq_wants_interrupt(&q)); /* nothing was given */
    virtq_give(&q, 0, 0);
    assert_true(virtq_wants_interrupt(&q)); /* used_event 0: after the first */
    assert_false(virtq_wants_interrupt(&q));
    *used_event = 3;
    virtq_give(&q, 0, 0);
    assert_false(virtq_wants_interrupt(&q));
    virtq_give(&q, 0, 0);
    virtq_give(&q, 0, 0); /* passes 3 among others */
    virtq_give(&q, 0, 0);
    assert_true(virtq_wants_interrupt(&q));
    for (unsigned i = q.used_idx; i != 0x10001; i++) { /* over the 16-bit wrap */
        *used_event = 0xffff;
        virtq_give(&q, 0, 0);
        assert_int_equal(virtq_wants_interrupt(&q), i == 0xffff);
    }
}

static void interrupts_follow_the_flag(void **state)
{
    (void)state;
    place(RIG_SIZE);
    assert_true(virtq_start(&q, &rig_vm, VIRTIO_F_VERSION_1));
    virtq_give(&q, 0, 0);
    assert_true(virtq_wants_interrupt(&q));
    *rig_u16(RIG_AVAIL) = 1;
    virtq_give(&q, 0, 0);
    assert_false(virtq_wants_interrupt(&q));
}

static void notifications_are_asked_for(void **state)
{
    uint16_t *avail_event = rig_u16(RIG_USED + 4 + 8 * RIG_SIZE);
    (void)state;
    rig_desc(RIG_DESC, 0, RIG_DATA, 16, 0, 0);
    rig_offer(RIG_SIZE, 0);
    assert_int_equal(take(), VIRTQ_CHAIN);
    virtq_ask_notify(&q, false);
    assert_int_equal(*avail_event, 0);
    virtq_ask_notify(&q, true);
    assert_int_equal(*avail_event, 1);
    place(RIG_SIZE);
    assert_true(virtq_start(&q, &rig_vm, VIRTIO_F_VERSION_1));
    virtq_ask_notify(&q, false);
    assert_int_equal(*rig_u16(RIG_USED), 1);
    virtq_ask_notify(&q, true);
    assert_int_equal(*rig_u16(RIG_USED), 0);
    /* there is no avail_event then */
    assert_int_equal(*rig_u16(RIG_USED + 4 + 8 * RIG_SIZE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_size_is_checked),
        cmocka_unit_test(queue_lies_aligned_in_ram),
        cmocka_unit_test_setup(chain_is_gathered, started),
        cmocka_unit_test_setup(indirect_chain_is_gathered, started),
        cmocka_unit_test_setup(indices_stay_inside_their_table, started),
        cmocka_unit_test_setup(loops_end, started),
        cmocka_unit_test_setup(indirect_tables_are_checked, started),
        cmocka_unit_test_setup(buffers_lie_in_ram, started),
        cmocka_unit_test_setup(buffers_have_bytes_and_order, started),
        cmocka_unit_test_setup(index_jumps_are_refused, started),
        cmocka_unit_test_setup(long_chains_are_counted_not_kept, started),
        cmocka_unit_test_setup(used_ring_wraps, started),
        cmocka_unit_test_setup(interrupts_follow_used_event, started),
        cmocka_unit_test_setup(interrupts_follow_the_flag, started),
        cmocka_unit_test_setup(notifications_are_asked_for, started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
