// sources: core/timer.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_log.c tests/fake/fake_vcpu.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <bulkhead/timer.h>
#include <fake/fake.h>

static unsigned fired[20];
static struct timer timers[17];

static void count(void *context)
{
    ++*(unsigned *)context;
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_time_reset();
    memset(fired, 0, sizeof fired);
    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++)
        timer_init(&timers[i], count, &fired[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (fake_cpu = 0; fake_cpu < MAX_CPUS; fake_cpu++)
        for (unsigned i = 0; i < ARRAY_SIZE(timers); i++)
            timer_cancel(&timers[i]);
    return 0;
}

static void earliest_sets_the_alarm(void **state)
{
    (void)state;
    timer_arm(&timers[0], 500);
    timer_arm(&timers[1], 300);
    assert_int_equal(fake_alarm[0], 300);
    fake_run_until(400);
    assert_int_equal(fired[1], 1);
    assert_int_equal(fired[0], 0);
    assert_int_equal(fake_alarm[0], 500);
    timer_cancel(&timers[0]);
    assert_int_equal(fake_alarm[0], UINT64_MAX);
    fake_run_until(1000);
    assert_int_equal(fired[0], 0);
}

static void moved_not_doubled(void **state)
{
    (void)state;
    timer_arm(&timers[0], 500);
    timer_arm(&timers[0], 900);
    fake_run_until(600);
    assert_int_equal(fired[0], 0);
    fake_run_until(1000);
    assert_int_equal(fired[0], 1);
}

static void a_core_for_itself(void **state)
{
    (void)state;
    timer_arm(&timers[0], 500);
    fake_cpu = 1;
    timer_arm(&timers[1], 400);
    timer_arm(&timers[0], 100); /* not ours: stays */
    timer_cancel(&timers[0]);
    assert_int_equal(fake_alarm[0], 500);
    assert_int_equal(fake_alarm[1], 400);
    fake_run_until(600);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 1);
}

static void rearm(void *context)
{
    struct timer *t = context;
    fired[19]++;
    timer_arm(t, 0); /* in the past, for ever: one step an interrupt */
}

static void a_handler_in_the_past_cannot_spin(void **state)
{
    (void)state;
    timer_init(&timers[0], rearm, &timers[0]);
    timer_arm(&timers[0], 10);
    fake_time = 20;
    timer_interrupt();
    assert_int_equal(fired[19], 1);
    timer_interrupt();
    assert_int_equal(fired[19], 2);
}

static void cancel_both(void *context)
{
    struct timer *others = context;
    fired[19]++;
    timer_cancel(&others[0]);
    timer_cancel(&others[1]);
}

/* Whatever place the cancelled ones had, each of the others runs once. */
static void a_handler_that_cancels_others(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 6; at++) {
        memset(fired, 0, sizeof fired);
        for (unsigned i = 0; i < 6; i++) {
            if (i == at)
                timer_init(&timers[6], cancel_both, &timers[2]);
            if (i == at)
                timer_arm(&timers[6], fake_time + 10);
            timer_arm(&timers[i], fake_time + (i == 2 || i == 3 ? 20 : 10));
        }
        fake_time += 10;
        for (unsigned i = 0; i < 6 && fake_alarm[0] <= fake_time; i++)
            timer_interrupt();
        fake_run_until(fake_time + 100);
        assert_int_equal(fired[19], 1);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(fired[i], i != 2 && i != 3);
        timer_init(&timers[6], count, &fired[6]);
    }
}

static void leave(void *unused)
{
    (void)unused;
    longjmp(fake_catch, 1);
}

/* One that ends its VM does not return: the others are due all the same. */
static void a_handler_that_does_not_return(void **state)
{
    (void)state;
    timer_init(&timers[0], leave, NULL);
    timer_arm(&timers[1], 10);
    timer_arm(&timers[0], 10);
    timer_arm(&timers[2], 30);
    fake_time = 20;
    if (setjmp(fake_catch) == 0) {
        timer_interrupt();
        fail_msg("it returned");
    }
    assert_int_equal(fake_alarm[0], 10);
    fake_run_until(40);
    assert_int_equal(fired[1], 1);
    assert_int_equal(fired[2], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(earliest_sets_the_alarm, setup, teardown),
        cmocka_unit_test_setup_teardown(moved_not_doubled, setup, teardown),
        cmocka_unit_test_setup_teardown(a_core_for_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handler_in_the_past_cannot_spin, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handler_that_cancels_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handler_that_does_not_return, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
