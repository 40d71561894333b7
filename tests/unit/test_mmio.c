// sources: core/mmio.c core/guest_mem.c tests/fake/fake_cache.c tests/fake/fake_log.c tests/fake/fake_cpu.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of emulated registers, and the one door to guest memory. */
#include "unit.h"

#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <fake/fake.h>

static struct vm vm;
static struct vcpu *vcpu = &vm.vcpus[0];
static struct mmio_access seen;
static unsigned calls;

static bool handler(struct vcpu *v, void *device, struct mmio_access *access)
{
    (void)v;
    assert_ptr_equal(device, &seen);
    seen = *access;
    calls++;
    return true;
}

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    vcpu->vm = &vm;
    calls = 0;
    return 0;
}

static bool at(uint64_t ipa, uint8_t size)
{
    struct mmio_access a = {.size = size};
    return mmio_dispatch(vcpu, ipaddr(ipa), &a);
}

static void dispatch(void **state)
{
    (void)state;
    assert_true(mmio_attach(&vm.mmio, 0x9000, 0x1000, handler, &seen));
    assert_true(mmio_attach(&vm.mmio, 0x1000, 0x200, handler, &seen));
    assert_true(mmio_attach(&vm.mmio, 0x1200, 0x200, handler, &seen));
    assert_true(at(0x11fc, 4));
    assert_int_equal(seen.offset, 0x1fc);
    assert_true(at(0x1200, 4));
    assert_int_equal(seen.offset, 0);
    assert_true(at(0x9fff, 1));
    assert_int_equal(calls, 3);
    /* holes, edges, and accesses that would cross the end of a region */
    assert_false(at(0xfff, 1));
    assert_false(at(0x1400, 4));
    assert_false(at(0x11fe, 4));
    assert_false(at(0x9ffc, 8));
    assert_false(at(0xa000, 4));
    assert_false(at(UINT64_MAX, 1));
    assert_int_equal(calls, 3);
}

static void no_overlap(void **state)
{
    (void)state;
    assert_true(mmio_attach(&vm.mmio, 0x1000, 0x1000, handler, &seen));
    assert_false(mmio_attach(&vm.mmio, 0x1fff, 0x1000, handler, &seen));
    assert_false(mmio_attach(&vm.mmio, 0x800, 0x801, handler, &seen));
    assert_false(mmio_attach(&vm.mmio, 0x1400, 0x10, handler, &seen));
    assert_false(mmio_attach(&vm.mmio, 0x3000, 0, handler, &seen));
    assert_false(mmio_attach(&vm.mmio, UINT64_MAX - 3, 8, handler, &seen));
    for (unsigned i = 1; i < MAX_MMIO_REGIONS; i++)
        assert_true(mmio_attach(&vm.mmio, 0x10000 * i, 0x1000, handler, &seen));
    assert_false(mmio_attach(&vm.mmio, 0x1000000, 0x1000, handler, &seen));
}

static void the_door(void **state)
{
    static uint8_t ram[8192];
    (void)state;
    fake_ram_window = ram;
    vm.memory.bytes = sizeof ram;
    assert_ptr_equal(guest_mem(&vm, ipaddr(GUEST_RAM_BASE), sizeof ram), ram);
    assert_ptr_equal(guest_mem(&vm, ipaddr(GUEST_RAM_BASE + 8191), 1), ram + 8191);
    assert_null(guest_mem(&vm, ipaddr(GUEST_RAM_BASE + 8191), 2));
    assert_null(guest_mem(&vm, ipaddr(GUEST_RAM_BASE - 1), 1));
    assert_null(guest_mem(&vm, ipaddr(GUEST_RAM_BASE - 1), 2));
    assert_null(guest_mem(&vm, ipaddr(GUEST_RAM_BASE + 8193), 0));
    assert_null(guest_mem(&vm, ipaddr(GUEST_RAM_BASE + 1), UINT64_MAX));
    assert_null(guest_mem(&vm, ipaddr(UINT64_MAX), 2));
    assert_null(guest_mem(&vm, ipaddr(0), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dispatch, setup),
        cmocka_unit_test_setup(no_overlap, setup),
        cmocka_unit_test_setup(the_door, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
