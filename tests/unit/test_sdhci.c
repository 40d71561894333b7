// sources: core/block.c core/timer.c drivers/sdhci.c drivers/sdhci_card.c drivers/sdhci_run.c drivers/sdhci_recover.c tests/model/sdhci_rig.c tests/model/sdhci_model.c tests/model/card_model.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_cache.c tests/fake/fake_mmio.c tests/fake/fake_irq.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The card's driver against models of controller and card: bringing up, reading, writing, caches,
 * cores. */
#include <drivers/sdhci_regs.h>
#include <model/sdhci_rig.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 128 * 512 };
static uint8_t data[3 * BYTES] __attribute__((aligned(8)));

/* What a capability bit is for: the same tests, by programmed I/O and by ADMA2. */
static void use_adma(void)
{
    rig_model.capabilities |= 1 << 19;
    rig_model.dma_offset = rig_board.dma_offset = 0xc0000000;
    rig_board.dma = (struct range){0, GIB(1)};
}

static void check_pattern(const uint8_t *bytes, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], rig_pattern(from + i));
}

static void ends_clean(void)
{
    if (rig_model.violations)
        fail_msg("%s", rig_model.violation);
    assert_int_equal(rig_model.lost_writes, 0);
    assert_int_equal(fake_dirty_dma, 0);
    assert_false(fake_irqs[SDHCI_MODEL_INTID].unmasked);
    assert_int_equal(rig_model.regs[0x38 / 4], 0); /* no signal enabled between turns */
}

static void test_brings_up_a_card(void **state)
{
    (void)state;
    rig_reset();
    rig_card.slow_start = 5;
    assert_true(rig_open());
    assert_int_equal(rig_card.state, CARD_TRAN);
    assert_int_equal(rig_driver.driver.sectors, RIG_BLOCKS);
    assert_int_equal(block_capacity(), RIG_BLOCKS);
    assert_int_equal(rig_card.width, 4);
    assert_true(rig_card.high_speed);
    assert_int_equal(sdhci_model_clock_hz(&rig_model), 50000000);
    assert_int_equal(rig_model.regs[0x28 / 4] & 0xf06, 0xf06); /* 3.3 V, on, High Speed, 4 bits */
    assert_int_equal(rig_model.regs[0x3c / 4], 0);             /* never 1.8 V */
    ends_clean();
}

static void test_identifies_slowly(void **state)
{
    (void)state;
    rig_reset();
    rig_card.silent_at = 2;
    assert_false(rig_open());
    uint32_t hz = sdhci_model_clock_hz(&rig_model);
    assert_true(hz >= 200000 && hz <= 400000);
}

static void test_old_and_small_cards(void **state)
{
    (void)state;
    rig_reset();
    rig_card.standard = rig_card.version1 = rig_card.no_high_speed = true;
    assert_true(rig_open());
    assert_int_equal(block_capacity(), RIG_BLOCKS);
    assert_int_equal(sdhci_model_clock_hz(&rig_model), 25000000);
    assert_true(rig_io(0, 1, BLOCK_READ, 77, 3, data)); /* byte addresses */
    check_pattern(data, 77 * 512, 3 * 512);
    ends_clean();
}

/* Registers written too soon after one another are lost at 400 kHz on the real one. */
static void test_slow_clock_rule(void **state)
{
    (void)state;
    rig_reset();
    rig_model.slow_write_rule = true;
    rig_board.slow_write_clocks = 4;
    assert_true(rig_open());
    assert_true(rig_io(0, 1, BLOCK_READ, 0, 2, data));
    ends_clean();
}

static void read_and_write(void)
{
    static const uint32_t sizes[] = {1, 2, 7, 127, 128, 129, 256};
    assert_true(rig_open());
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        memset(data, 0, sizeof(data));
        assert_true(rig_io(0, 2, BLOCK_READ, 100 + i, sizes[i], data));
        check_pattern(data, (100 + i) * 512, sizes[i] * 512);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (unsigned j = 0; j < sizes[i] * 512; j++)
            data[j] = (uint8_t)(j * 3 + i);
        assert_true(rig_io(0, 2, BLOCK_WRITE, 1000 + i, sizes[i], data));
        assert_memory_equal(rig_storage + (1000 + i) * 512, data, sizes[i] * 512);
        check_pattern(rig_storage + 999 * 512, 999 * 512, 512);
    }
    assert_true(rig_io(0, 2, BLOCK_FLUSH, 0, 0, NULL));
    assert_int_equal(rig_card.last_index, 13);
    ends_clean();
}

static void test_programmed_io(void **state)
{
    (void)state;
    rig_reset();
    read_and_write();
    assert_int_equal(rig_model.dma_transfers, 0);
}

static void test_adma2(void **state)
{
    (void)state;
    rig_reset();
    use_adma();
    read_and_write();
    assert_true(rig_model.dma_transfers > 10);
}

/* Memory the controller does not reach: programmed I/O, as if there were no DMA. */
static void test_unreachable_bounce_buffer(void **state)
{
    (void)state;
    rig_reset();
    use_adma();
    rig_board.dma = (struct range){GIB(1), GIB(1)};
    read_and_write();
    assert_int_equal(rig_model.dma_transfers, 0);
    rig_reset();
    use_adma();
    rig_model.dma_offset = rig_board.dma_offset = GIB(4);
    rig_board.dma.size = 0;
    read_and_write();
    assert_int_equal(rig_model.dma_transfers, 0);
}

/* One direction must not leave lines behind that spoil the other; stale lines must not be handed
 * on. */
static void test_bounce_buffer_and_caches(void **state)
{
    (void)state;
    rig_reset();
    use_adma();
    assert_true(rig_open());
    for (unsigned round = 0; round < 4; round++) {
        memset(data, (int)(0x11 * (round + 1)), BYTES);
        assert_true(rig_io(0, 1, BLOCK_WRITE, 512, 128, data));
        memset(data, 0, BYTES);
        assert_true(rig_io(0, 1, BLOCK_READ, 100, 128, data));
        check_pattern(data, 100 * 512, BYTES);
        assert_true(rig_io(0, 1, BLOCK_READ, 512, 128, data));
        for (unsigned i = 0; i < BYTES; i++)
            assert_int_equal(data[i], 0x11 * (round + 1));
    }
    ends_clean();
}

/* A request in odd pieces. */
static void scattered(enum block_op op)
{
    struct rig_request q;
    rig_request(&q, op, 300, 130, NULL);
    static const uint32_t sizes[] = {1, 511, 3, 512, 33, 65, 1000};
    uint32_t left = 130 * 512, at = 0;
    for (q.r.nsegments = 0; left; q.r.nsegments++) {
        uint32_t n = q.r.nsegments < 7 ? sizes[q.r.nsegments] : MIN(left, 8191u);
        q.r.segments[q.r.nsegments] = (struct block_segment){data + at, n};
        at += n;
        left -= n;
    }
    assert_true(q.r.nsegments <= BLOCK_MAX_SEGMENTS);
    fake_cpu = 3;
    block_submit(1, &q.r);
    assert_true(q.calls || rig_run(&q.calls, 10));
    assert_int_equal(q.status, BLOCK_OK);
}

/* What EL2 itself wrote there at boot, zeroes, must not come down on what the controller brings. */
static void test_dirty_bounce_buffer(void **state)
{
    (void)state;
    rig_reset();
    use_adma();
    assert_true(rig_open());
    fake_mem_dirty();
    assert_true(rig_io(0, 1, BLOCK_READ, 100, 128, data));
    check_pattern(data, 100 * 512, BYTES);
    ends_clean();
}

static void test_segments(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        rig_reset();
        if (adma)
            use_adma();
        assert_true(rig_open());
        memset(data, 0, sizeof(data));
        scattered(BLOCK_READ);
        check_pattern(data, 300 * 512, 130 * 512);
        for (unsigned i = 0; i < 130 * 512; i++)
            data[i] = (uint8_t)~rig_pattern(i);
        scattered(BLOCK_WRITE);
        assert_memory_equal(rig_storage + 300 * 512, data, 130 * 512);
        ends_clean();
    }
}

/* Who pays: interrupt, timer and completion are on the core that asked. */
static void test_runs_on_the_asking_core(void **state)
{
    (void)state;
    rig_reset();
    assert_true(rig_open());
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        struct rig_request q;
        rig_request(&q, BLOCK_READ, 5, 200, data);
        fake_cpu = cpu;
        block_submit(cpu / 2, &q.r);
        assert_int_equal(fake_irqs[SDHCI_MODEL_INTID].cpu, cpu);
        assert_true(fake_alarm[cpu] != UINT64_MAX);
        for (unsigned other = 0; other < 4; other++)
            assert_true(other == cpu || fake_alarm[other] == UINT64_MAX);
        assert_true(rig_run(&q.calls, 10));
        assert_int_equal(q.cpu, cpu);
        assert_int_equal(fake_alarm[cpu], UINT64_MAX);
    }
    ends_clean();
}

/* A request of 64 blocks: the most bytes of it that one stay at EL2 moves. */
static uint32_t longest_stay(enum block_op op, uint8_t *where)
{
    struct rig_request q;
    uint32_t before = 0, most = 0;
    assert_true(rig_open());
    rig_request(&q, op, 0, 64, where);
    fake_cpu = 1;
    block_submit(0, &q.r);
    for (unsigned stays = 0; stays < 1000; stays++) {
        uint32_t now = q.r.segment ? 64 * 512 : q.r.segment_offset;
        most = MAX(most, now - before);
        before = now;
        if (q.calls)
            break;
        if (!sdhci_model_irq(&rig_model) || !fake_irq_raise(SDHCI_MODEL_INTID))
            fake_run_next();
    }
    assert_int_equal(q.calls, 1);
    assert_int_equal(before, 64 * 512);
    ends_clean();
    return most;
}

/* A stay at EL2 moves a few blocks, one or two where bytes go one by one. */
static void test_few_blocks_at_a_time(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        uint32_t quick = adma ? 16 * 512 : 8 * 512, slow = adma ? 2 * 512 : 512;
        rig_reset();
        if (adma)
            use_adma();
        assert_in_range(longest_stay(BLOCK_READ, data), 1, quick);
        assert_in_range(longest_stay(BLOCK_WRITE, data), 1, quick);
        assert_in_range(longest_stay(BLOCK_READ, data + 4), 1, slow);
        assert_in_range(longest_stay(BLOCK_WRITE, data + 1), 1, slow);
    }
}

/* A core that finds its timer due together with the controller's interrupt, every time: nothing is
 * wrong with the card. */
static void test_held_up_core(void **state)
{
    static const enum block_op ops[] = {BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH};
    (void)state;
    rig_reset();
    assert_true(rig_open());
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        struct rig_request q;
        rig_request(&q, ops[i], 8, ops[i] == BLOCK_FLUSH ? 0 : 3, data);
        block_submit(0, &q.r);
        for (unsigned late = 0; late < 100 && !q.calls; late++) {
            fake_time += 2ull * FAKE_HZ;
            fake_run_next();
        }
        assert_int_equal(q.calls, 1);
        assert_int_equal(q.status, BLOCK_OK);
    }
    assert_int_equal(fake_log_lines, 0);
    ends_clean();
}

/* A controller that is late and says the same useless thing again and again: the turn ends. */
static void test_chatter_is_bounded(void **state)
{
    struct rig_request q;
    unsigned steps = 0;
    (void)state;
    rig_reset();
    assert_true(rig_open());
    rig_model.mute = true;
    rig_request(&q, BLOCK_READ, 8, 3, data);
    block_submit(0, &q.r);
    for (; steps < 2000 && !q.calls; steps++) {
        rig_model.regs[SDHCI_INT_STATUS / 4] |= INT_WRITE_READY;
        fake_run_next();
    }
    assert_true(steps < 2000);
    assert_int_equal(q.calls, 1);
    assert_int_equal(q.status, BLOCK_IO_ERROR);
}

static void test_boot_io(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        rig_reset();
        if (adma)
            use_adma();
        assert_true(rig_open());
        assert_true(block_boot_io(BLOCK_READ, 10, 300, data));
        check_pattern(data, 10 * 512, 300 * 512);
        assert_false(block_boot_io(BLOCK_READ, RIG_BLOCKS - 1, 2, data));
        assert_false(block_boot_io(BLOCK_READ, UINT64_MAX, 2, data));
        ends_clean();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brings_up_a_card),
        cmocka_unit_test(test_identifies_slowly),
        cmocka_unit_test(test_old_and_small_cards),
        cmocka_unit_test(test_slow_clock_rule),
        cmocka_unit_test(test_programmed_io),
        cmocka_unit_test(test_adma2),
        cmocka_unit_test(test_unreachable_bounce_buffer),
        cmocka_unit_test(test_bounce_buffer_and_caches),
        cmocka_unit_test(test_dirty_bounce_buffer),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_runs_on_the_asking_core),
        cmocka_unit_test(test_few_blocks_at_a_time),
        cmocka_unit_test(test_held_up_core),
        cmocka_unit_test(test_chatter_is_bounded),
        cmocka_unit_test(test_boot_io),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
