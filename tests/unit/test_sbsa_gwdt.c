// sources: vdev/sbsa_gwdt.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's watchdog as DEN 0029B describes it, driven from any of the VM's cores. */
#include "unit.h"
#include <bulkhead/cpu.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>
#include <fake/fake.h>

enum { WCS = 0x000, WOR = 0x008, WCV = 0x010, IIDR = 0xfcc, WRR = 0x1000, SECOND = FAKE_HZ };
enum { FIRST = 2, OTHER = 3 };

static struct vm vm = {.nvcpus = 2, .vcpus = {{.cpu = FIRST}, {.cpu = OTHER}}};
static struct sbsa_gwdt dog;
static bool line;
static unsigned ends;
static char said[200];

void vgic_set_level(struct vm *v, unsigned intid, bool level)
{
    assert_ptr_equal(v, &vm);
    assert_int_equal(intid, 32 + 8);
    assert_int_not_equal(level, line);
    line = level;
}

void vm_end(struct vm *v, enum vm_end_kind kind, const char *reason)
{
    assert_ptr_equal(v, &vm);
    assert_int_equal(kind, VM_END_WATCHDOG);
    assert_int_equal(fake_cpu, FIRST);
    snprintf(said, sizeof(said), "%s", reason);
    v->state = VM_STOPPING;
    ends++;
}

static bool access(uint32_t offset, unsigned size, bool write, uint64_t *value)
{
    struct mmio_access a = {
        .offset = offset, .size = (uint8_t)size, .write = write, .value = *value};
    bool ok = sbsa_gwdt_access(&vm.vcpus[fake_cpu == OTHER], &dog, &a);
    *value = a.value;
    return ok;
}

static void put(uint32_t offset, uint64_t value)
{
    assert_true(access(offset, 4, true, &value));
}

static uint32_t get(uint32_t offset)
{
    uint64_t value = 0;
    assert_true(access(offset, 4, false, &value));
    return (uint32_t)value;
}

/* As the core that was asked. */
static void run_events(void)
{
    unsigned before = fake_cpu;
    if (!(fake_posted[FIRST] & EVENT_WATCHDOG))
        return;
    fake_posted[FIRST] = 0;
    fake_cpu = FIRST;
    sbsa_gwdt_run_event(&dog);
    fake_cpu = before;
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_time_reset();
    fake_timer_reset();
    fake_time = 1000 * (uint64_t)SECOND;
    fake_cpu = FIRST;
    dog = (struct sbsa_gwdt){0};
    vm.cntvoff = 900 * (uint64_t)SECOND;
    vm.state = VM_RUNNING;
    line = false;
    ends = 0;
    sbsa_gwdt_reset(&dog, &vm);
    return 0;
}

static void pass(unsigned seconds)
{
    fake_run_until(fake_time + (uint64_t)seconds * SECOND);
}

static void test_reset_values(void **state)
{
    (void)state;
    assert_int_equal(get(WCS), 0);
    assert_int_equal(get(WOR), 0);
    assert_int_equal(get(IIDR), 0); /* architecture version 0, as Linux asks */
    assert_int_equal(get(WRR + IIDR), 0);
    pass(10000);
    assert_int_equal(ends, 0);
}

static void test_two_periods(void **state)
{
    (void)state;
    put(WOR, 5 * SECOND);
    put(WCS, 1);
    assert_int_equal(get(WCS), 1);
    assert_int_equal(get(WCV), 105u * SECOND % (1ull << 32)); /* the VM's own time */
    assert_int_equal(get(WCV + 4), 105ull * SECOND >> 32);
    pass(4);
    assert_false(line);
    pass(2);
    assert_true(line);
    assert_int_equal(get(WCS), 3);
    assert_int_equal(ends, 0);
    pass(5);
    assert_int_equal(ends, 1);
    assert_string_equal(said, "its watchdog was not fed for 10 s");
    pass(1000);
    assert_int_equal(ends, 1);
}

static void test_feeding(void **state)
{
    const uint32_t how[] = {WRR, WOR, WCS};
    (void)state;
    put(WOR, 5 * SECOND);
    put(WCS, 1);
    for (unsigned i = 0; i < 300; i++) {
        uint32_t reg = how[i % 3];
        pass(8);
        assert_true(line);
        put(reg, reg == WOR ? 5 * SECOND : 1);
        assert_false(line);
        assert_int_equal(get(WCS), 1);
    }
    assert_int_equal(ends, 0);
    pass(11);
    assert_int_equal(ends, 1);
}

static void test_stopped(void **state)
{
    (void)state;
    put(WOR, 5 * SECOND);
    put(WCS, 1);
    pass(6);
    put(WCS, 0);
    assert_false(line);
    pass(1000);
    assert_int_equal(ends, 0);
}

/* Its timer is the first core's, whoever writes. */
static void test_from_another_core(void **state)
{
    unsigned posts;
    (void)state;
    fake_cpu = OTHER;
    put(WOR, 50u * SECOND);
    put(WCS, 1);
    assert_int_equal(fake_posted[FIRST], EVENT_WATCHDOG);
    assert_true(fake_alarm[OTHER] == UINT64_MAX);
    run_events();
    assert_true(fake_alarm[FIRST] <= fake_time + 50ull * SECOND);
    posts = fake_posts[FIRST];
    for (unsigned i = 0; i < 100; i++) {
        pass(20);
        put(WRR, 0); /* later than what the timer is set to: no need to ask */
        assert_int_equal(fake_posts[FIRST], posts);
    }
    put(WOR, 5 * SECOND); /* nearer */
    assert_int_equal(fake_posts[FIRST], posts + 1);
    run_events();
    pass(11);
    assert_int_equal(ends, 1);
    assert_true(fake_alarm[OTHER] == UINT64_MAX);
}

static void test_compare_value_is_writable(void **state)
{
    (void)state;
    put(WOR, 5 * SECOND);
    put(WCS, 1);
    put(WCV, 102u * SECOND);
    put(WCV + 4, 102ull * SECOND >> 32);
    pass(3);
    assert_true(line);
    put(WCS, 1);
    put(WCV, UINT32_MAX); /* never */
    put(WCV + 4, UINT32_MAX);
    pass(100 * 3600);
    assert_false(line);
    put(WCV + 4, 0);
    put(WCV, 0); /* long over */
    fake_run_until(fake_time + 1);
    assert_true(line);
}

/* The alarm is never so near that the core would do nothing else. */
static void test_far_away_costs_little(void **state)
{
    unsigned alarms = 0;
    (void)state;
    put(WOR, 1);
    put(WCS, 1);
    put(WCV, UINT32_MAX);
    put(WCV + 4, UINT32_MAX);
    while (fake_time < (uint64_t)200 * 3600 * SECOND && alarms <= 100 && fake_run_next())
        alarms++;
    assert_in_range(alarms, 1, 100);
}

/* The VM's virtual time stands while it is paused: core/vm_state.c moves cntvoff. */
static void test_pause(void **state)
{
    (void)state;
    put(WOR, 5 * SECOND);
    put(WCS, 1);
    pass(8);
    assert_true(line);
    vm.state = VM_PAUSED;
    pass(1000);
    assert_int_equal(ends, 0);
    vm.cntvoff += 1000ull * SECOND;
    vm.state = VM_RUNNING;
    sbsa_gwdt_run_event(&dog);
    pass(1);
    assert_int_equal(ends, 0);
    pass(2);
    assert_int_equal(ends, 1);
}

static void test_pause_between_alarms(void **state)
{
    (void)state;
    put(WOR, 50u * SECOND);
    put(WCS, 1);
    pass(40);
    vm.cntvoff += 20ull * SECOND; /* it stood for the last 20 s */
    pass(20);
    assert_false(line); /* 40 s of its own time */
    pass(11);
    assert_true(line);
}

static void test_no_period_at_all(void **state)
{
    (void)state;
    put(WOR, 0);
    put(WCS, 1);
    for (unsigned i = 0; i < 3 && !ends; i++)
        fake_run_until(fake_time + 1);
    assert_int_equal(ends, 1);
}

static void test_reset_stops_it(void **state)
{
    (void)state;
    put(WOR, 5 * SECOND);
    put(WCS, 1);
    sbsa_gwdt_reset(&dog, &vm);
    assert_true(fake_alarm[FIRST] == UINT64_MAX);
    assert_int_equal(get(WCS), 0);
}

static void test_sizes(void **state)
{
    uint64_t value = 1;
    (void)state;
    assert_false(access(WCS, 1, true, &value));
    assert_false(access(WCS, 8, true, &value));
    assert_false(access(WCS + 2, 4, true, &value));
    assert_false(access(WRR, 2, true, &value));
    assert_int_equal(get(WCS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset_values, setup),
        cmocka_unit_test_setup(test_two_periods, setup),
        cmocka_unit_test_setup(test_feeding, setup),
        cmocka_unit_test_setup(test_stopped, setup),
        cmocka_unit_test_setup(test_from_another_core, setup),
        cmocka_unit_test_setup(test_compare_value_is_writable, setup),
        cmocka_unit_test_setup(test_far_away_costs_little, setup),
        cmocka_unit_test_setup(test_pause, setup),
        cmocka_unit_test_setup(test_pause_between_alarms, setup),
        cmocka_unit_test_setup(test_no_period_at_all, setup),
        cmocka_unit_test_setup(test_reset_stops_it, setup),
        cmocka_unit_test_setup(test_sizes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
