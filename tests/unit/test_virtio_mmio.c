// sources: virtio/hot.c virtio/mmio.c virtio/queue.c virtio/blk.c core/guest_mem.c tests/unit/virtio_rig.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport's registers, seen with a disk behind them. */
#include "virtio_regs.h"
#include <bulkhead/hot.h>
#include <fake/fake.h>

static unsigned submitted;

void block_submit(unsigned client, struct block_request *r)
{
    (void)client, (void)r;
    submitted++;
}

static int setup(void **state)
{
    (void)state;
    rig_reset();
    submitted = 0;
    virtio_blk_init(&rig_vm.disks[0], &rig_vm, 2, "alpha-root", 2048, 0x123456789a, false);
    return 0;
}

static void identification(void **state)
{
    (void)state;
    assert_int_equal(reg_read(R_MAGIC), 0x74726976);
    assert_int_equal(reg_read(R_VERSION), 2);
    assert_int_equal(reg_read(R_DEVICE_ID), 2);
    assert_int_equal(reg_read(R_QUEUE_NUM_MAX), VIRTQUEUE_MAX);
    reg_write(R_QUEUE_SEL, 1);
    assert_int_equal(reg_read(R_QUEUE_NUM_MAX), 0);
    assert_int_equal(reg_read(0xb0), 0xffffffff); /* no shared memory */
    assert_int_equal(reg_read(0xbc), 0xffffffff);
    assert_int_equal(reg_read(0xfc), 0);
}

static void control_registers_are_words(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint32_t offset = 0; offset + size <= 0x100; offset++)
            for (int write = 0; write < 2; write++) {
                struct mmio_access a = {.offset = offset, .size = (uint8_t)size, .write = write};
                assert_int_equal(reg_access(&a), size == 4 && offset % 4 == 0);
            }
}

static void configuration_space(void **state)
{
    struct mmio_access a = {.offset = R_CONFIG, .size = 8};
    (void)state;
    assert_false(reg_access(&a));
    a = (struct mmio_access){.offset = R_CONFIG + 1, .size = 2};
    assert_false(reg_access(&a));
    assert_int_equal(reg_read(R_CONFIG), 0x3456789a);
    assert_int_equal(reg_read(R_CONFIG + 4), 0x12);
    assert_int_equal(reg_read(R_CONFIG + 12), 32);  /* seg_max */
    assert_int_equal(reg_read(R_CONFIG + 20), 512); /* blk_size */
    assert_int_equal(reg_read(R_CONFIG + 0xfc), 0);
    a = (struct mmio_access){.offset = R_CONFIG + 1, .size = 1};
    assert_true(reg_access(&a));
    assert_int_equal(a.value, 0x78);
    a = (struct mmio_access){.offset = R_CONFIG + 2, .size = 2};
    assert_true(reg_access(&a));
    assert_int_equal(a.value, 0x3456);
    reg_write(R_CONFIG, 0);
    assert_int_equal(reg_read(R_CONFIG), 0x3456789a);
}

static void features_are_negotiated(void **state)
{
    uint64_t offered = reg_offered();
    (void)state;
    assert_true(offered & VIRTIO_F_VERSION_1);
    assert_true(offered & VIRTIO_F_INDIRECT_DESC);
    assert_false(offered & 1ULL << 40); /* queue reset */
    reg_write(R_DEVICE_FEATURES_SEL, 2);
    assert_int_equal(reg_read(R_DEVICE_FEATURES), 0);

    reg_negotiate(offered);
    assert_true(reg_read(R_STATUS) & S_FEATURES_OK);
    reg_negotiate(VIRTIO_F_VERSION_1);
    assert_true(reg_read(R_STATUS) & S_FEATURES_OK);
    reg_select(0); /* too late */
    assert_int_equal(rig_vm.disks[0].device.driver_features, VIRTIO_F_VERSION_1);

    reg_negotiate(offered & ~VIRTIO_F_VERSION_1);
    assert_false(reg_read(R_STATUS) & S_FEATURES_OK);
    for (unsigned bit = 0; bit < 64; bit++)
        if (!(offered & 1ULL << bit)) {
            reg_negotiate(offered | 1ULL << bit);
            assert_false(reg_read(R_STATUS) & S_FEATURES_OK);
        }
    /* without features accepted there is no going on */
    reg_write(R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_DRIVER_OK);
    assert_false(reg_read(R_STATUS) & S_DRIVER_OK);
    reg_place_queue(RIG_SIZE);
    assert_int_equal(reg_read(R_QUEUE_READY), 0);
}

static void status_only_grows_until_reset(void **state)
{
    (void)state;
    reg_start(VIRTIO_F_VERSION_1, RIG_SIZE);
    assert_int_equal(reg_read(R_STATUS), 15);
    reg_write(R_STATUS, S_ACKNOWLEDGE);
    assert_int_equal(reg_read(R_STATUS), 15);
    reg_write(R_STATUS, S_NEEDS_RESET | 15); /* not the driver's to set */
    assert_int_equal(reg_read(R_STATUS), 15);
    assert_int_equal(reg_read(R_QUEUE_READY), 1);
    reg_write(R_STATUS, 0);
    assert_int_equal(reg_read(R_STATUS), 0);
    assert_int_equal(reg_read(R_QUEUE_READY), 0);
    assert_int_equal(rig_vm.disks[0].queue.desc_ipa, 0);
}

static void bad_queue_needs_reset(void **state)
{
    (void)state;
    reg_negotiate(VIRTIO_F_VERSION_1);
    reg_write64(R_DESC, 0x1000);
    reg_write(R_QUEUE_NUM, 16);
    reg_write(R_QUEUE_READY, 1);
    assert_int_equal(reg_read(R_QUEUE_READY), 0);
    assert_true(reg_read(R_STATUS) & S_NEEDS_RESET);
    assert_int_equal(rig_pulses, 0); /* not before DRIVER_OK: 2.1.2 */
    assert_true(fake_log_has("virtio device 2 stopped"));
    reg_place_queue(16); /* only a reset helps */
    assert_int_equal(reg_read(R_QUEUE_READY), 0);
    reg_start(VIRTIO_F_VERSION_1, 16);
    assert_int_equal(reg_read(R_STATUS), 15);
    assert_int_equal(reg_read(R_QUEUE_READY), 1);
}

static void broken_ring_needs_reset(void **state)
{
    (void)state;
    reg_start(VIRTIO_F_VERSION_1, RIG_SIZE);
    *rig_u16(RIG_AVAIL + 2) = RIG_SIZE + 1;
    for (int i = 0; i < 100; i++)
        reg_write(R_QUEUE_NOTIFY, 0);
    assert_true(reg_read(R_STATUS) & S_NEEDS_RESET);
    assert_int_equal(reg_read(R_INTERRUPT_STATUS), VIRTIO_INT_CONFIG);
    assert_int_equal(rig_pulses, 1);
    assert_int_equal(rig_pulsed, 32 + 16 + 2);
    assert_int_equal(fake_log_lines, 1);
    reg_write(R_STATUS, 0);
    assert_int_equal(reg_read(R_INTERRUPT_STATUS), 0);
}

static void queue_in_use_does_not_move(void **state)
{
    struct virtqueue *q = &rig_vm.disks[0].queue;
    (void)state;
    reg_start(VIRTIO_F_VERSION_1, RIG_SIZE);
    reg_write64(R_DESC, 0);
    reg_write64(R_AVAIL, 0);
    reg_write64(R_USED, 0);
    reg_write(R_QUEUE_NUM, 64);
    reg_write(R_QUEUE_READY, 1);
    assert_ptr_equal(q->desc, rig_at(RIG_DESC));
    assert_int_equal(q->desc_ipa, RIG_DESC);
    assert_int_equal(q->mask, RIG_SIZE - 1);
    reg_write(R_QUEUE_READY, 0);
    assert_int_equal(reg_read(R_QUEUE_READY), 0);
    assert_null(q->desc);
    reg_write(R_QUEUE_NOTIFY, 0); /* nothing to look at */
    reg_place_queue(64);
    assert_int_equal(q->mask, 63);
}

static void interrupt_is_pulsed_at_its_rise(void **state)
{
    struct virtio_device *d = &rig_vm.disks[0].device;
    (void)state;
    virtio_interrupt(d, VIRTIO_INT_USED);
    virtio_interrupt(d, VIRTIO_INT_USED);
    virtio_interrupt(d, VIRTIO_INT_CONFIG);
    assert_int_equal(rig_pulses, 1);
    assert_int_equal(reg_read(R_INTERRUPT_STATUS), 3);
    reg_write(R_INTERRUPT_ACK, VIRTIO_INT_USED);
    assert_int_equal(reg_read(R_INTERRUPT_STATUS), VIRTIO_INT_CONFIG);
    reg_write(R_INTERRUPT_ACK, 0xffffffff);
    assert_int_equal(reg_read(R_INTERRUPT_STATUS), 0);
    virtio_interrupt(d, VIRTIO_INT_USED);
    assert_int_equal(rig_pulses, 2);
}

static void nothing_is_taken_before_driver_ok(void **state)
{
    (void)state;
    memset(rig_at(RIG_DESC), 0, RIG_INDIRECT - RIG_DESC);
    reg_negotiate(VIRTIO_F_VERSION_1);
    reg_place_queue(RIG_SIZE);
    *(uint32_t *)rig_at(RIG_DATA) = 4; /* flush */
    rig_desc(RIG_DESC, 0, RIG_DATA, 16, NEXT, 1);
    rig_desc(RIG_DESC, 1, RIG_DATA + 16, 1, WRITE, 0);
    rig_offer(RIG_SIZE, 0);
    reg_write(R_QUEUE_NOTIFY, 0);
    assert_int_equal(submitted, 0);
    reg_write(R_STATUS, 15);
    reg_write(R_QUEUE_NOTIFY, 1); /* no such queue */
    assert_int_equal(submitted, 0);
    reg_write(R_QUEUE_NOTIFY, 0);
    assert_int_equal(submitted, 1);
    rig_offer(RIG_SIZE, 0);
    reg_write(R_STATUS, 15 | 128); /* FAILED: the driver has given up */
    reg_write(R_QUEUE_NOTIFY, 0);
    assert_int_equal(submitted, 1);
}

/* Any register at any value in any order: no trouble beyond the device's own. */
static void random_registers(void **state)
{
    static const uint32_t values[] = {
        0, 1, 2, 3, 7, 15, 16, 64, 0x40001000, 0x40002000, 0x4000ffff, 0x80000000, 0xffffffff};
    uint32_t seed = 12345;
    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        seed = seed * 1664525 + 1013904223;
        struct mmio_access a = {
            .offset = (seed >> 8) % 0x110 & ~3u,
            .size = 4,
            .write = seed & 0x80,
            .value = seed & 0x40 ? values[(seed >> 20) % ARRAY_SIZE(values)] : seed,
        };
        assert_true(reg_access(&a));
        if (i % 64 == 0)
            fake_log_reset();
    }
}

/* Every word of the page: a fast path changes nothing, or does what the general path does. */
static void the_fast_path_agrees(void **state)
{
    static struct vm before, hot;
    struct virtio_blk *blk = &rig_vm.disks[0];
    unsigned answers = 0;
    (void)state;
    for (uint32_t i = 0; i < 2 * PAGE_SIZE; i += 4) {
        struct mmio_access a = {.offset = i % PAGE_SIZE, .size = 4, .write = i >= PAGE_SIZE};
        uint64_t answer;
        blk->device.interrupt_status = i / 4 % 4;
        a.value = i / 16 % 4;
        before = rig_vm;
        answer = a.write ? hot_virtio_write(rig_vcpu, a.offset, (uint32_t)a.value)
                         : hot_virtio_read(rig_vcpu, a.offset);
        hot = rig_vm;
        rig_vm = before;
        if (answer == HOT_NO) {
            assert_memory_equal(&hot, &before, sizeof(before));
            continue;
        }
        answers++;
        assert_true(a.offset < GUEST_VIRTIO_STRIDE); /* the only disk */
        assert_true(virtio_mmio_access(rig_vcpu, &blk->device, &a) && !a.retry);
        assert_memory_equal(&hot, &rig_vm, sizeof(hot));
        assert_true(a.write ? answer == 0 : answer == a.value);
    }
    assert_int_equal(answers, 2);
    for (unsigned status = 0; status < 4; status++)
        for (uint32_t value = 0; value < 4; value++) {
            blk->device.interrupt_status = status;
            assert_int_equal(hot_virtio_read(rig_vcpu, R_INTERRUPT_STATUS), status);
            assert_int_equal(hot_virtio_write(rig_vcpu, R_INTERRUPT_ACK, value), 0);
            assert_int_equal(reg_read(R_INTERRUPT_STATUS), status & ~value);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(identification, setup),
        cmocka_unit_test_setup(control_registers_are_words, setup),
        cmocka_unit_test_setup(configuration_space, setup),
        cmocka_unit_test_setup(features_are_negotiated, setup),
        cmocka_unit_test_setup(status_only_grows_until_reset, setup),
        cmocka_unit_test_setup(bad_queue_needs_reset, setup),
        cmocka_unit_test_setup(broken_ring_needs_reset, setup),
        cmocka_unit_test_setup(queue_in_use_does_not_move, setup),
        cmocka_unit_test_setup(interrupt_is_pulsed_at_its_rise, setup),
        cmocka_unit_test_setup(nothing_is_taken_before_driver_ok, setup),
        cmocka_unit_test_setup(random_registers, setup),
        cmocka_unit_test_setup(the_fast_path_agrees, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
