// sources: core/watchdog.c core/board_end.c platform/rpi4/watchdog.c tests/model/pm_model.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_cache.c tests/fake/fake_mmio.c tests/fake/fake_log.c tests/fake/fake_crc32.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The board's watchdog, fed while every core ticks; a reset, and what the next boot says of it. */
#include "unit.h"
#include <bulkhead/board.h>
#include <bulkhead/console.h>
#include <bulkhead/timer.h>
#include <fake/fake.h>
#include <model/pm_model.h>
#include <platform/rpi4/rpi4.h>
#include <stdlib.h>

enum { SECOND = FAKE_HZ };

const struct board this_board = {.feed = rpi4_feed, .reset = rpi4_reset};
struct machine machine;
static struct pm_model pm;
static char emergency[1024];

const struct device *machine_device(const struct machine *m, enum device_kind kind)
{
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i].kind == kind)
            return &m->devices[i];
    return NULL;
}

void console_emergency(const char *text)
{
    strncat(emergency, text, sizeof(emergency) - strlen(emergency) - 1);
}

noreturn void cpu_halt(void)
{
    mock_assert(0, "halt", __FILE__, __LINE__);
    abort();
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_time_reset();
    fake_timer_reset();
    fake_mmio_reset();
    fake_log_reset();
    fake_mem_reset();
    pm_model_init(&pm);
    emergency[0] = '\0';
    memset(&machine, 0, sizeof(machine));
    machine.ncpus = MAX_CPUS;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine.cpus[i].enabled = true;
    machine.ndevices = 1;
    machine.devices[0] = (struct device){
        .kind = DEV_WATCHDOG, .enabled = true, .nregs = 1, .reg = {{PM_MODEL_BASE, 0x1000}}};
    return 0;
}

static void start(unsigned boot)
{
    fake_cpu = boot;
    watchdog_init();
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        fake_cpu = i;
        if (i != boot && machine.cpus[i].enabled)
            watchdog_run();
    }
    fake_cpu = boot;
    watchdog_run();
}

/* Seconds pass; false: the board was reset meanwhile. */
static bool survives(unsigned seconds)
{
    uint64_t end = fake_time + (uint64_t)seconds * SECOND;
    while (fake_time < end) {
        fake_run_until(MIN(end, fake_time + SECOND / 8));
        if (fake_time >= pm_model_expiry(&pm))
            return false;
    }
    return true;
}

static void stick(unsigned cpu)
{
    fake_alarm[cpu] = UINT64_MAX;
}

static void test_fed_while_all_tick(void **state)
{
    (void)state;
    start(0);
    assert_true(survives(3600));
    assert_in_range(pm.feeds, 3600 / 8, 3600 / 4 + 2);
    assert_int_equal(pm.no_password, 0);
}

static void test_one_stuck_core_is_enough(void **state)
{
    (void)state;
    for (unsigned stuck = 0; stuck < MAX_CPUS; stuck++) {
        setup(NULL);
        start(1);
        assert_true(survives(100));
        stick(stuck);
        assert_true(survives(6));
        assert_false(survives(14)); /* 15 s after the last feeding */
    }
}

static void test_next_boot_names_the_core(void **state)
{
    (void)state;
    start(0);
    board_say_last_words();
    assert_true(survives(100));
    stick(2);
    assert_false(survives(20));
    board_say_last_words();
    assert_true(fake_log_has("the last run ended: EL2 hung on core 2"));
}

static void test_a_late_tick_is_no_hang(void **state)
{
    uint64_t alarm;
    (void)state;
    start(0);
    alarm = fake_alarm[3];
    stick(3);
    assert_true(survives(9)); /* noted by now */
    fake_alarm[3] = alarm;
    assert_true(survives(100));
    fake_log_reset();
    board_say_last_words();
    assert_true(fake_log_has("reset without a word"));
}

static void test_a_core_that_is_switched_off_needs_no_tick(void **state)
{
    (void)state;
    machine.cpus[3].enabled = false;
    start(0);
    assert_true(survives(100));
}

static void test_node_disabled(void **state)
{
    struct refusal why = {""};
    (void)state;
    machine.devices[0].enabled = false;
    fake_time_step = 1000;
    start(0);
    assert_true(survives(100));
    assert_false(fake_log_has("not ticked"));
    stick(2);
    assert_true(survives(100));
    assert_true(fake_log_has("core 2: its EL2 has not ticked for 8 s"));
    board_reset("asked for", &why);
    assert_non_null(strstr(why.text, "no way to reset itself"));
    assert_int_equal(fake_mmio_accesses, 0);
}

static void test_what_a_boot_loader_left_armed(void **state)
{
    (void)state;
    pm.rstc = 0x122;
    pm.wdog = 0x10000;
    machine.cpus[0].enabled = true;
    watchdog_init();
    assert_true(pm_model_expiry(&pm) == UINT64_MAX);
}

static void test_reset(void **state)
{
    struct refusal why = {""};
    (void)state;
    fake_time_step = 1000;
    board_reset("asked for", &why);
    assert_int_equal(pm.rstc, 0x122);
    assert_int_equal(pm.wdog, 10);
    assert_true(fake_time > pm_model_expiry(&pm));
}

/* A reset loses what is only in the cache. */
static bool in_memory(const char *text)
{
    char line[FAKE_CACHE_LINE];
    for (uint64_t pa = FAKE_IMAGE_PA; fake_dram_read(paddr(pa), line, sizeof(line));
         pa += sizeof(line))
        if (strncmp(line, text, strlen(text)) == 0)
            return true;
    return false;
}

static void test_failure_while_booting_halts(void **state)
{
    (void)state;
    fake_time_step = 1000;
    expect_assert_failure(board_fail("bad luck"));
    assert_non_null(strstr(emergency, "not while booting"));
    assert_int_equal(pm.feeds, 0);
}

static void test_failure_resets(void **state)
{
    (void)state;
    board_booted();
    fake_time_step = 1000;
    fake_mem_dirty();
    assert_false(in_memory("bad luck"));
    expect_assert_failure(board_fail("bad luck")); /* the model does not end us */
    assert_int_equal(pm.wdog, 10);
    assert_true(in_memory("bad luck"));
    board_say_last_words();
    assert_true(fake_log_has("the last run ended: bad luck"));
}

static void test_words_are_said_once(void **state)
{
    (void)state;
    board_note_end("something");
    board_say_last_words();
    assert_true(fake_log_has("something"));
    fake_log_reset();
    board_say_last_words();
    assert_false(fake_log_has("something"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fed_while_all_tick, setup),
        cmocka_unit_test_setup(test_one_stuck_core_is_enough, setup),
        cmocka_unit_test_setup(test_next_boot_names_the_core, setup),
        cmocka_unit_test_setup(test_a_late_tick_is_no_hang, setup),
        cmocka_unit_test_setup(test_a_core_that_is_switched_off_needs_no_tick, setup),
        cmocka_unit_test_setup(test_node_disabled, setup),
        cmocka_unit_test_setup(test_what_a_boot_loader_left_armed, setup),
        cmocka_unit_test_setup(test_reset, setup),
        cmocka_unit_test_setup(test_failure_while_booting_halts, setup),
        cmocka_unit_test_setup(test_failure_resets, setup),
        cmocka_unit_test_setup(test_words_are_said_once, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
