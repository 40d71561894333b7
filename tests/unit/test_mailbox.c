// sources: platform/rpi4/mailbox.c platform/rpi4/power.c platform/rpi4/quiesce.c platform/rpi4/rng200.c tests/model/mailbox_model.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_cache.c tests/fake/fake_mmio.c tests/fake/fake_log.c tests/fake/fake_timer.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's mailbox and what uses it; the other small devices of the board. */
#include <fake/fake.h>
#include <model/mailbox_model.h>
#include <platform/rpi4/mailbox.h>
#include <platform/rpi4/rpi4.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct mailbox_model mailbox;
static struct machine board;

const struct device *machine_device(const struct machine *m, enum device_kind kind)
{
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i].kind == kind)
            return &m->devices[i];
    return NULL;
}

static struct device *add(enum device_kind kind, uint64_t base)
{
    struct device *d = &board.devices[board.ndevices++];
    *d = (struct device){.kind = kind, .enabled = true, .nregs = 1, .reg = {{base, 0x1000}}};
    return d;
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_time_reset();
    fake_time_step = 5;
    fake_mmio_reset();
    fake_log_reset();
    board.ndevices = 0;
    add(DEV_MAILBOX, MAILBOX_MODEL_BASE);
    mailbox_model_init(&mailbox);
    fake_mem_reset();
    mailbox.rate[CLOCK_ARM] = 600000000;
    mailbox.most[CLOCK_ARM] = 1800000000;
    mailbox.most[CLOCK_EMMC2] = 100000000;
    return 0;
}

static void test_rates(void **state)
{
    uint32_t hz = 0;
    (void)state;
    /* Twice: the second message must not meet the first one's answer in the cache. */
    for (unsigned i = 0; i < 2; i++) {
        assert_true(mailbox_clock(&board, TAG_GET_CLOCK_RATE, CLOCK_ARM, 0, &hz));
        assert_int_equal(hz, 600000000);
        assert_true(mailbox_clock(&board, TAG_GET_MAX_CLOCK_RATE, CLOCK_ARM, 0, &hz));
        assert_int_equal(hz, 1800000000);
    }
    assert_int_equal(mailbox_clock_rate(&board, CLOCK_EMMC2), 100000000); /* 0 now: its maximum */
    assert_int_equal(fake_dirty_dma, 0);
}

static void test_arm_clock(void **state)
{
    uint64_t before, after;
    (void)state;
    assert_true(rpi4_raise_arm_clock(&board, &before, &after));
    assert_int_equal(before, 600000000);
    assert_int_equal(after, 1800000000);
    mailbox.silent = true;
    assert_false(rpi4_raise_arm_clock(&board, &before, &after));
    assert_int_equal(before, 0);
}

static void test_somebody_elses_words(void **state)
{
    uint32_t hz = 0;
    (void)state;
    mailbox.stale = 5;
    assert_true(mailbox_clock(&board, TAG_GET_CLOCK_RATE, CLOCK_ARM, 0, &hz));
    assert_int_equal(hz, 600000000);
}

static void fails_soon(void)
{
    uint32_t hz = 0;
    uint64_t start = fake_time;
    assert_false(mailbox_clock(&board, TAG_GET_CLOCK_RATE, CLOCK_ARM, 0, &hz));
    assert_true(fake_time - start < 2 * FAKE_HZ);
}

static void test_late_answer_is_not_the_next_ones(void **state)
{
    (void)state;
    mailbox.late = true;
    fails_soon();
    mailbox.late = false;
    assert_int_equal(mailbox_clock_rate(&board, CLOCK_ARM), 600000000);
}

static void test_no_answer(void **state)
{
    (void)state;
    mailbox.silent = true;
    fails_soon();
    mailbox.silent = false;
    mailbox.stays_full = true;
    fails_soon();
    mailbox.stays_full = false;
    mailbox.knows_nothing = true;
    fails_soon();
    mailbox.knows_nothing = false;
    mailbox.stale = UINT32_MAX; /* a FIFO that never empties */
    fails_soon();
}

static void test_disabled_node(void **state)
{
    (void)state;
    board.devices[0].enabled = false;
    fails_soon();
    board.ndevices = 0;
    fails_soon();
    assert_int_equal(mailbox.calls, 0);
}

/* ---- Registers that just remember ---- */

static uint32_t memory[0x4000];

static uint32_t remember_read(void *context, uint32_t offset)
{
    return ((uint32_t *)context)[offset / 4];
}

static void remember_write(void *context, uint32_t offset, uint32_t value)
{
    ((uint32_t *)context)[offset / 4] = value;
}

static void add_memory(uint64_t base)
{
    memset(memory, 0, sizeof(memory));
    fake_mmio_add(&(struct fake_mmio){base, sizeof(memory), remember_read, remember_write, memory});
}

/* Bus masters of disabled nodes are not touched: nothing is modelled there, an access would panic.
 */
static void test_quiesce_honours_status(void **state)
{
    (void)state;
    add(DEV_PCIE, 0xfd500000)->enabled = false;
    add(DEV_ETHERNET, 0xfd580000)->enabled = false;
    add(DEV_USB, 0xfe980000)->enabled = false;
    rpi4_quiesce(&board);
    assert_int_equal(mailbox.releases, 1);
}

static void test_quiesce_network(void **state)
{
    (void)state;
    add(DEV_ETHERNET, 0xfd580000);
    add_memory(0xfd580000);
    memory[0x808 / 4] = 0x43; /* UMAC_CMD: both on, and something else */
    memory[0x3044 / 4] = memory[0x5044 / 4] = 0x20001;
    uint64_t start = fake_time;
    rpi4_quiesce(&board);
    assert_int_equal(memory[0x808 / 4], 0x40);
    assert_int_equal(memory[0x3044 / 4], 0);       /* RDMA_CTRL */
    assert_int_equal(memory[0x5044 / 4], 0);       /* TDMA_CTRL */
    assert_true(fake_time - start < FAKE_HZ / 10); /* DMA_STATUS never said "disabled" */
}

static void test_quiesce_pcie(void **state)
{
    (void)state;
    add(DEV_PCIE, 0xfd500000);
    add_memory(0xfd500000);
    rpi4_quiesce(&board);
    assert_int_equal(memory[0x9210 / 4], 3);
}

static void test_quiesce_usb(void **state)
{
    (void)state;
    add(DEV_USB, 0xfe980000);
    mailbox.usb_state = 0; /* unpowered: hands off (an access would panic) */
    rpi4_quiesce(&board);
    mailbox.usb_state = 1;
    add_memory(0xfe980000);
    memory[2] = 0x27;
    rpi4_quiesce(&board);
    assert_int_equal(memory[2], 0);
}

static void test_entropy(void **state)
{
    uint8_t noise[13] = {0};
    (void)state;
    assert_int_equal(rpi4_entropy(&board, noise, sizeof(noise)), 0); /* there is none */
    add(DEV_RNG, 0xfe104000);
    add_memory(0xfe104000);
    memory[0x20 / 4] = 0xabcdef01;
    uint64_t start = fake_time;
    assert_int_equal(rpi4_entropy(&board, noise, sizeof(noise)), 0); /* empty for ever: bounded */
    assert_true(fake_time - start < FAKE_HZ / 10);
    assert_int_equal(memory[0] & 0x1fff, 1); /* switched on */
    memory[0x24 / 4] = 4;
    assert_int_equal(rpi4_entropy(&board, noise, sizeof(noise)), sizeof(noise));
    assert_int_equal(noise[12], 0x01);
    memory[0x18 / 4] = 1 << 5; /* its own test failed */
    assert_int_equal(rpi4_entropy(&board, noise, sizeof(noise)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rates, setup),
        cmocka_unit_test_setup(test_arm_clock, setup),
        cmocka_unit_test_setup(test_somebody_elses_words, setup),
        cmocka_unit_test_setup(test_no_answer, setup),
        cmocka_unit_test_setup(test_late_answer_is_not_the_next_ones, setup),
        cmocka_unit_test_setup(test_disabled_node, setup),
        cmocka_unit_test_setup(test_quiesce_honours_status, setup),
        cmocka_unit_test_setup(test_quiesce_network, setup),
        cmocka_unit_test_setup(test_quiesce_pcie, setup),
        cmocka_unit_test_setup(test_quiesce_usb, setup),
        cmocka_unit_test_setup(test_entropy, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
