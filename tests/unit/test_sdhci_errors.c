// sources: core/block.c core/timer.c drivers/sdhci.c drivers/sdhci_card.c drivers/sdhci_run.c drivers/sdhci_recover.c tests/model/sdhci_rig.c tests/model/sdhci_model.c tests/model/card_model.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_cache.c tests/fake/fake_mmio.c tests/fake/fake_irq.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Cards and controllers that fail, at every point where they can: bounded, said, and nobody else's
 * matter. */
#include <model/sdhci_rig.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t data[256 * 512];

static void open_card(bool adma)
{
    rig_reset();
    if (adma) {
        rig_model.capabilities |= 1 << 19;
        rig_model.dma_offset = rig_board.dma_offset = 0xc0000000;
    }
    assert_true(rig_open());
}

static void no_misuse(void)
{
    if (rig_model.violations)
        fail_msg("%s", rig_model.violation);
}

static void check_pattern(const uint8_t *bytes, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], rig_pattern(from + i));
}

/* Opening fails within `seconds` and says why. */
static void refuses_within(unsigned seconds, const char *word)
{
    uint64_t start = fake_time;
    assert_false(rig_open());
    assert_true(fake_time - start < (uint64_t)seconds * FAKE_HZ);
    if (!strstr(rig_why.text, word))
        fail_msg("\"%s\" does not say \"%s\"", rig_why.text, word);
    no_misuse();
}

/* ---- Bringing up ---- */

static void test_no_card(void **state)
{
    (void)state;
    rig_reset();
    rig_card.dead = true;
    refuses_within(5, "no SD card answers");
}

/* The card dies at the k-th command of bringing it up: a few seconds, words, no way back needed. */
static void test_dies_at_each_command(void **state)
{
    (void)state;
    open_card(false);
    unsigned commands = (unsigned)rig_card.commands;
    assert_true(commands > 10);
    for (unsigned k = 1; k <= commands; k++) {
        rig_reset();
        rig_card.dies_at = k;
        uint64_t start = fake_time;
        bool opened = rig_open();
        assert_true(fake_time - start < 5ull * FAKE_HZ);
        no_misuse();
        /* CMD0 has no response: a card that is dead from there on is noticed at the next one.
         * CMD6's silence only means 25 MHz, but CMD16 notices. */
        assert_false(opened);
        assert_true(strstr(rig_why.text, "CMD") != NULL);
    }
}

/* The same by name: which command is said. */
static void test_names_the_command(void **state)
{
    static const struct {
        int index;
        const char *text;
    } cases[] = {{55, "CMD55"}, {41 + 64, "ACMD41"}, {2, "CMD2:"},      {3, "CMD3:"},
                 {9, "CMD9:"},  {7, "CMD7:"},        {6 + 64, "ACMD6"}, {16, "CMD16:"}};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        rig_reset();
        rig_card.silent_at = cases[i].index;
        refuses_within(5, cases[i].text);
    }
}

static void test_never_ready(void **state)
{
    (void)state;
    rig_reset();
    rig_card.slow_start = 100000;
    refuses_within(3, "ready");
}

static void test_dead_controller(void **state)
{
    (void)state;
    rig_reset();
    rig_model.reset_sticks = true;
    refuses_within(2, "reset");
    rig_reset();
    rig_model.clock_unstable = true;
    refuses_within(2, "clock");
    rig_reset();
    rig_model.mute = true;
    refuses_within(10, "controller does not answer");
    for (unsigned k = 1; k <= 16; k++) {
        rig_reset();
        rig_model.mute_at = k;
        uint64_t start = fake_time;
        rig_open();
        assert_true(fake_time - start < 20ull * FAKE_HZ);
    }
}

/* ---- Turns ---- */

static void test_bad_blocks_are_read_again(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        for (unsigned bad = 1; bad <= 2; bad++) {
            open_card(adma);
            rig_card.bad_reads = bad;
            memset(data, 0, sizeof(data));
            assert_true(rig_io(0, 1, BLOCK_READ, 200, 20, data));
            check_pattern(data, 200 * 512, 20 * 512);
            assert_int_equal(fake_log_lines, 0);
            no_misuse();
        }
    }
}

static void test_bad_blocks_are_written_again(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        open_card(adma);
        memset(data, 0x77, sizeof(data));
        rig_card.bad_writes = 2;
        assert_true(rig_io(0, 1, BLOCK_WRITE, 200, 20, data));
        assert_memory_equal(rig_storage + 200 * 512, data, 20 * 512);
        no_misuse();
    }
}

/* A sector that cannot be read: an error for that request, soon; the card serves on, its
 * neighbours' too. */
static void test_bad_sector(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        open_card(adma);
        rig_card.bad_sector = 305;
        for (unsigned i = 0; i < 10; i++) {
            uint64_t start = fake_time;
            assert_false(rig_io(0, 1, BLOCK_READ, 300, 8, data));
            assert_true(fake_time - start < FAKE_HZ);
        }
        assert_true(fake_log_has("read of 8 sectors at 300 failed: bad CRC of data"));
        assert_true(rig_io(1, 2, BLOCK_READ, 310, 8, data));
        check_pattern(data, 310 * 512, 8 * 512);
        no_misuse();
    }
}

/* A card that now and then does not say how it is, but does in the end, is not dead. */
static void test_flaky_status(void **state)
{
    (void)state;
    open_card(false);
    rig_card.bad_sector = 305;
    for (unsigned i = 0; i < 10; i++) {
        rig_card.flaky_status = 1;
        assert_false(rig_io(0, 1, BLOCK_READ, 300, 8, data));
    }
    rig_card.flaky_status = 2;
    assert_true(rig_io(0, 1, BLOCK_FLUSH, 0, 0, NULL));
    assert_true(rig_io(0, 1, BLOCK_READ, 310, 8, data));
    no_misuse();
}

/* Errors may be a guest's doing: the log is not its to fill. */
static void test_errors_do_not_flood(void **state)
{
    (void)state;
    open_card(false);
    rig_card.bad_sector = 5;
    for (unsigned i = 0; i < 200; i++)
        assert_false(rig_io(0, 1, BLOCK_READ, 5, 1, data));
    assert_true(fake_log_lines <= 1 + fake_time / (10ull * FAKE_HZ));
}

static void test_write_protected(void **state)
{
    (void)state;
    open_card(false);
    rig_card.write_protected = true;
    assert_false(rig_io(0, 1, BLOCK_WRITE, 5, 2, data));
    assert_true(fake_log_has("write-protected"));
    assert_true(rig_io(0, 1, BLOCK_READ, 5, 2, data));
    no_misuse();
}

/* The card goes at the k-th command after it was opened, whatever that is. */
static void dies_during(enum block_op op, uint32_t sectors, bool adma)
{
    for (unsigned k = 1; k <= 8; k++) {
        open_card(adma);
        rig_card.dies_at = (unsigned)rig_card.commands + k;
        unsigned failures = 0;
        uint64_t start = fake_time;
        for (unsigned i = 0; i < 12; i++)
            failures += !rig_io(0, 1, op, 10 * i, sectors, data);
        assert_true(failures >= 12 - k);
        assert_true(fake_time - start < 30ull * FAKE_HZ);
        assert_true(fake_log_has("stopped answering"));
        assert_true(fake_log_lines <= 8);
        /* From then on at once. */
        start = fake_time;
        assert_false(rig_io(0, 1, op, 10, sectors, data));
        assert_true(fake_time - start < FAKE_HZ / 1000);
        no_misuse();
    }
}

static void test_card_is_pulled(void **state)
{
    (void)state;
    for (unsigned adma = 0; adma < 2; adma++) {
        dies_during(BLOCK_READ, 1, adma);
        dies_during(BLOCK_READ, 130, adma);
        dies_during(BLOCK_WRITE, 1, adma);
        dies_during(BLOCK_WRITE, 130, adma);
    }
    dies_during(BLOCK_FLUSH, 0, false);
}

/* Blocks never come, with and without the controller's own time-out. */
static void test_data_never_comes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        open_card(i & 1);
        rig_card.data_never_comes = true;
        rig_model.data_timeouts = i & 2;
        uint64_t start = fake_time;
        assert_false(rig_io(0, 1, i & 4 ? BLOCK_WRITE : BLOCK_READ, 7, 20, data));
        assert_true(fake_time - start < 12ull * FAKE_HZ);
        rig_card.data_never_comes = false;
        assert_true(rig_io(0, 1, BLOCK_READ, 7, 20, data));
        no_misuse();
    }
}

static void test_busy_for_ever(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        open_card(i & 1);
        rig_model.data_timeouts = i & 2;
        rig_card.busy_for_ever = true;
        uint64_t start = fake_time;
        assert_false(rig_io(0, 1, BLOCK_WRITE, 7, 20, data));
        assert_true(fake_time - start < 12ull * FAKE_HZ);
        assert_true(fake_log_has("busy"));
        /* It answers: no request is refused unasked, and all is well when it is through. */
        for (unsigned n = 0; i == 0 && n < 2; n++)
            assert_false(rig_io(0, 1, BLOCK_WRITE, 7, 20, data));
        rig_card.busy_for_ever = false;
        assert_true(rig_io(0, 1, BLOCK_READ, 7, 20, data));
        no_misuse();
    }
}

/* Some cards tidy up for seconds: nobody's request fails for that. */
static void test_busy_for_seconds(void **state)
{
    struct rig_request q;
    (void)state;
    open_card(false);
    rig_card.busy_for_ever = true;
    rig_request(&q, BLOCK_WRITE, 7, 20, data);
    fake_cpu = 1;
    block_submit(0, &q.r);
    assert_false(rig_run(&q.calls, 6));
    rig_card.busy_for_ever = false;
    assert_true(rig_run(&q.calls, 5));
    assert_int_equal(q.status, BLOCK_OK);
    no_misuse();
}

/* By DMA nothing is heard between response and end: 128 blocks may take long, and are not tried
 * again. */
static void test_slow_dma_is_no_silence(void **state)
{
    (void)state;
    open_card(true);
    rig_model.dma_us = 1800000;
    unsigned long before = rig_model.commands;
    assert_true(rig_io(0, 1, BLOCK_WRITE, 7, 20, data));
    assert_int_equal(rig_model.commands, before + 1);
    no_misuse();
}

/* A flush waits until the card says it has written everything. */
static void test_flush_waits(void **state)
{
    struct rig_request q;
    (void)state;
    open_card(false);
    rig_card.slow_program = 20;
    assert_true(rig_io(0, 1, BLOCK_WRITE, 7, 20, data));
    rig_request(&q, BLOCK_FLUSH, 0, 0, NULL);
    uint64_t start = fake_time;
    fake_cpu = 1;
    block_submit(0, &q.r);
    assert_true(rig_run(&q.calls, 5));
    assert_int_equal(q.status, BLOCK_OK);
    assert_int_equal(rig_card.state, CARD_TRAN);
    assert_true(q.when - start >= 5 * FAKE_HZ / 1000);
    no_misuse();
}

static void test_controller_falls_silent(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= 4; k++) {
        open_card(false);
        rig_model.mute_at = (unsigned)rig_model.commands + k;
        uint64_t start = fake_time;
        unsigned failures = 0;
        for (unsigned i = 0; i < 8; i++)
            failures += !rig_io(0, 1, BLOCK_READ, 7, 20, data);
        assert_true(failures >= 8 - k);
        assert_true(fake_time - start < 40ull * FAKE_HZ);
        assert_true(fake_log_has("stopped answering"));
    }
    open_card(false);
    rig_model.reset_sticks = true;
    rig_card.bad_sector = 7;
    assert_false(rig_io(0, 1, BLOCK_READ, 7, 20, data));
    assert_true(fake_log_has("reset"));
}

/* While an error is being recovered from, each step is short: the guest runs in between. */
static void test_steps_are_short(void **state)
{
    struct rig_request q;
    (void)state;
    open_card(false);
    rig_card.bad_sector = 9;
    rig_model.reset_reads = 50;
    rig_request(&q, BLOCK_READ, 0, 20, data);
    fake_cpu = 1;
    fake_time_step = 0; /* a step that waits by the clock would never end */
    block_submit(0, &q.r);
    while (!q.calls) {
        unsigned long before = fake_mmio_accesses, words = rig_model.pio_words;
        if (sdhci_model_irq(&rig_model))
            fake_irq_raise(SDHCI_MODEL_INTID);
        else
            assert_true(fake_run_next());
        words = rig_model.pio_words - words; /* data of eight blocks at most */
        assert_true(words <= 8 * 128);
        assert_true(fake_mmio_accesses - before - words < 60);
    }
    assert_int_equal(q.status, BLOCK_IO_ERROR);
}

static void test_boot_io_is_bounded(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= 4; k++) {
        open_card(k & 1);
        rig_card.dies_at = (unsigned)rig_card.commands + k;
        uint64_t start = fake_time;
        unsigned failures = 0;
        for (unsigned i = 0; i < 6; i++)
            failures += !block_boot_io(BLOCK_READ, 7, 2, data);
        assert_true(failures >= 6 - k);
        assert_true(fake_time - start < 10ull * FAKE_HZ);
    }
    open_card(false);
    rig_card.bad_reads = 2;
    assert_true(block_boot_io(BLOCK_READ, 7, 2, data));
    check_pattern(data, 7 * 512, 2 * 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_card),
        cmocka_unit_test(test_dies_at_each_command),
        cmocka_unit_test(test_names_the_command),
        cmocka_unit_test(test_never_ready),
        cmocka_unit_test(test_dead_controller),
        cmocka_unit_test(test_bad_blocks_are_read_again),
        cmocka_unit_test(test_bad_blocks_are_written_again),
        cmocka_unit_test(test_bad_sector),
        cmocka_unit_test(test_flaky_status),
        cmocka_unit_test(test_errors_do_not_flood),
        cmocka_unit_test(test_write_protected),
        cmocka_unit_test(test_card_is_pulled),
        cmocka_unit_test(test_data_never_comes),
        cmocka_unit_test(test_busy_for_ever),
        cmocka_unit_test(test_busy_for_seconds),
        cmocka_unit_test(test_slow_dma_is_no_silence),
        cmocka_unit_test(test_flush_waits),
        cmocka_unit_test(test_controller_falls_silent),
        cmocka_unit_test(test_steps_are_short),
        cmocka_unit_test(test_boot_io_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
