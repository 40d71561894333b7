// sources: vdev/pl061.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The GPIO with the power key, register by register as DDI 0190B has them. */
#include "unit.h"
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>
#include <fake/fake.h>

enum { DIR = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c, IE = 0x410, RIS = 0x414, MIS = 0x418 };
enum { IC = 0x41c, AFSEL = 0x420, KEY = 1 << 3, ALL = 0x3fc };

static struct vm vm;
static struct vcpu vcpu;
static struct pl061 gpio;
static bool line;
static unsigned changes;

void vgic_set_level(struct vm *v, unsigned intid, bool level)
{
    assert_ptr_equal(v, &vm);
    assert_int_equal(intid, 32 + 7);
    assert_int_not_equal(level, line);
    line = level;
    changes++;
}

static bool access(uint32_t offset, unsigned size, bool write, uint64_t *value)
{
    struct mmio_access a = {
        .offset = offset, .size = (uint8_t)size, .write = write, .value = *value};
    bool ok = pl061_access(&vcpu, &gpio, &a);
    *value = a.value;
    return ok;
}

static void put(uint32_t offset, uint64_t value)
{
    assert_true(access(offset, 4, true, &value));
}

static unsigned get(uint32_t offset)
{
    uint64_t value = 0;
    assert_true(access(offset, 1, false, &value));
    return (unsigned)value & 0xff;
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_time_reset();
    fake_timer_reset();
    gpio = (struct pl061){0};
    line = false;
    changes = 0;
    pl061_reset(&gpio, &vm);
    return 0;
}

static void test_reset_values(void **state)
{
    const uint8_t ids[] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)state;
    for (uint32_t r = 0; r <= AFSEL; r += 4)
        assert_int_equal(get(r), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(0xfe0 + 4 * i), ids[i]);
}

/* 3.3.1: address bits 9:2 choose what is read and written. */
static void test_data_mask(void **state)
{
    (void)state;
    put(DIR, 0xf0);
    put(0xaa << 2, 0xff);
    assert_int_equal(get(ALL), 0xa0); /* inputs read what comes from outside */
    put(0x80 << 2, 0x00);
    assert_int_equal(get(ALL), 0x20);
    assert_int_equal(get(0x40 << 2), 0x00);
    assert_int_equal(get(0x20 << 2), 0x20);
    put(DIR, 0xff);
    assert_int_equal(get(ALL), 0x2a); /* was kept while they were inputs */
    put(0, 0xff);
    assert_int_equal(get(ALL), 0x2a);
}

/* As Linux gpio-keys asks: both edges. */
static void test_press_and_release(void **state)
{
    (void)state;
    put(IBE, KEY);
    put(IE, KEY);
    pl061_press_power(&gpio);
    assert_true(line);
    assert_int_equal(get(MIS), KEY);
    assert_int_equal(get(KEY << 2), KEY);
    put(IC, KEY);
    assert_false(line);
    fake_run_until(FAKE_HZ / 10);
    assert_int_equal(get(KEY << 2), KEY); /* long enough to be seen */
    fake_run_until(FAKE_HZ);
    assert_true(line);
    assert_int_equal(get(KEY << 2), 0);
    put(IC, 0xff);
    assert_false(line);
    pl061_press_power(&gpio); /* once more */
    assert_true(line);
}

static void test_edges_are_cleared_one_by_one(void **state)
{
    (void)state;
    put(DIR, 1);
    put(IBE, 0xff);
    put(1 << 2, 1);
    pl061_press_power(&gpio);
    assert_int_equal(get(RIS), KEY | 1);
    put(IC, 1);
    assert_int_equal(get(RIS), KEY);
}

static void test_one_edge(void **state)
{
    (void)state;
    put(IE, KEY); /* falling, as IEV is 0 */
    pl061_press_power(&gpio);
    assert_false(line);
    assert_int_equal(get(RIS), 0);
    fake_run_until(FAKE_HZ);
    assert_true(line);
    put(IC, KEY);
    put(IEV, KEY);
    pl061_press_power(&gpio);
    assert_true(line);
}

static void test_level(void **state)
{
    (void)state;
    put(IS, KEY);
    put(IEV, KEY);
    put(IE, KEY);
    pl061_press_power(&gpio);
    assert_true(line);
    put(IC, 0xff); /* does not clear a level */
    assert_true(line);
    put(IE, 0);
    assert_false(line);
    assert_int_equal(get(RIS), KEY);
    assert_int_equal(get(MIS), 0);
    put(IE, KEY);
    fake_run_until(FAKE_HZ);
    assert_false(line);
    put(IEV, 0); /* low */
    assert_true(line);
}

/* A guest that drives the key's line itself. */
static void test_key_line_as_output(void **state)
{
    (void)state;
    put(DIR, KEY);
    put(IBE, KEY);
    put(IE, KEY);
    pl061_press_power(&gpio);
    assert_int_equal(get(KEY << 2), 0);
    assert_false(line);
}

static void test_reset_lets_go(void **state)
{
    (void)state;
    put(IBE, KEY);
    put(IE, KEY);
    pl061_press_power(&gpio);
    line = false; /* as the vGIC's reset does */
    pl061_reset(&gpio, &vm);
    assert_int_equal(get(ALL), 0);
    assert_true(fake_alarm[0] == UINT64_MAX);
}

static void test_sizes(void **state)
{
    uint64_t value = 0xff;
    (void)state;
    assert_false(access(DIR, 8, true, &value));
    assert_false(access(DIR + 1, 2, true, &value));
    assert_true(access(DIR + 1, 1, true, &value)); /* bits 15:8: there are none */
    assert_int_equal(get(DIR), 0);
    value = 0x1ff;
    assert_true(access(DIR, 2, true, &value));
    assert_int_equal(get(DIR), 0xff);
    assert_true(access(DIR + 1, 1, false, &value));
    assert_int_equal(value, 0);
}

/* Whatever is written: the line is as the status says. */
static void test_anything(void **state)
{
    uint32_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        put(seed >> 20 & 0xffc, seed >> 8);
        if (seed % 64 == 0)
            pl061_press_power(&gpio);
        if (seed % 61 == 0)
            fake_run_until(fake_time + FAKE_HZ);
        assert_int_equal(line, get(MIS) != 0);
        assert_int_equal(get(MIS), get(RIS) & get(IE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset_values, setup),
        cmocka_unit_test_setup(test_data_mask, setup),
        cmocka_unit_test_setup(test_press_and_release, setup),
        cmocka_unit_test_setup(test_edges_are_cleared_one_by_one, setup),
        cmocka_unit_test_setup(test_one_edge, setup),
        cmocka_unit_test_setup(test_level, setup),
        cmocka_unit_test_setup(test_key_line_as_output, setup),
        cmocka_unit_test_setup(test_reset_lets_go, setup),
        cmocka_unit_test_setup(test_sizes, setup),
        cmocka_unit_test_setup(test_anything, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
