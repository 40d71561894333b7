// sources: vdev/pl031.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The wall clock that VMs share, register by register as DDI 0224B has them. */
#include "unit.h"
#include <bulkhead/vm.h>
#include <fake/fake.h>

enum { DR = 0x000, MR = 0x004, LR = 0x008, CR = 0x00c, IMSC = 0x010, ICR = 0x01c };
enum { BUILT = 1795450370 };

static const struct vm_config configs[2] = {{.name = "guest"},
                                            {.name = "keeper", .sets_clock = true}};
static struct vm guests[2] = {{.config = &configs[0]}, {.config = &configs[1]}};
static struct vcpu vcpus[2] = {{.vm = &guests[0]}, {.vm = &guests[1]}};
enum { GUEST, KEEPER };

static bool access(unsigned vm, uint32_t offset, unsigned size, bool write, uint64_t *value)
{
    struct mmio_access a = {
        .offset = offset, .size = (uint8_t)size, .write = write, .value = *value};
    bool ok = pl031_access(&vcpus[vm], NULL, &a);
    *value = a.value;
    return ok;
}

static void put(unsigned vm, uint32_t offset, uint64_t value)
{
    assert_true(access(vm, offset, 4, true, &value));
}

static uint32_t get(unsigned vm, uint32_t offset)
{
    uint64_t value = 0;
    assert_true(access(vm, offset, 4, false, &value));
    return (uint32_t)value;
}

static void pass(unsigned seconds)
{
    fake_time += seconds * time_hz();
}

static int setup(void **state)
{
    (void)state;
    fake_time_reset();
    pass(100); /* it may have been up for long */
    pl031_set(BUILT);
    return 0;
}

static void test_it_runs_from_the_build(void **state)
{
    (void)state;
    assert_int_equal(get(GUEST, DR), BUILT);
    pass(7);
    assert_int_equal(get(GUEST, DR), BUILT + 7);
    assert_int_equal(get(KEEPER, LR), BUILT + 7);
    fake_time += time_hz() - 1;
    assert_int_equal(get(KEEPER, DR), BUILT + 7);
}

static void test_only_the_granted_vm_sets_it_for_all(void **state)
{
    (void)state;
    put(GUEST, LR, 5);
    assert_int_equal(get(GUEST, DR), BUILT);
    put(KEEPER, LR, UINT64_C(0xffffffff));
    assert_int_equal(get(GUEST, DR), 0xffffffff);
    pass(2);
    assert_int_equal(get(GUEST, DR), 1);
    put(KEEPER, LR, 1);
    assert_int_equal(get(GUEST, DR), 1);
}

static void test_other_registers(void **state)
{
    const uint8_t ids[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)state;
    for (uint32_t r = CR; r <= ICR; r += 4)
        put(KEEPER, r, 0xffffffff);
    put(KEEPER, DR, 1);
    put(KEEPER, MR, BUILT);
    assert_int_equal(get(GUEST, DR), BUILT);
    assert_int_equal(get(GUEST, CR), 1);
    for (uint32_t r = IMSC; r <= ICR; r += 4)
        assert_int_equal(get(GUEST, r), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(GUEST, 0xfe0 + 4 * i), ids[i]);
}

static void test_words_only(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint32_t offset = 0; offset + size <= 0x1000; offset++) {
            uint64_t value = 0;
            assert_int_equal(access(KEEPER, offset, size, false, &value),
                             size == 4 && offset % 4 == 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_runs_from_the_build, setup),
        cmocka_unit_test_setup(test_only_the_granted_vm_sets_it_for_all, setup),
        cmocka_unit_test_setup(test_other_registers, setup),
        cmocka_unit_test_setup(test_words_only, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
