// sources: core/psci.c core/smccc.c core/guest_mem.c tests/fake/fake_cpu.c tests/fake/fake_cache.c tests/fake/fake_vcpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI and SMCCC as a guest calls them: its own cores only, whatever the arguments. */
#include "unit.h"

#include <bulkhead/cpu.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <fake/fake.h>

#define RAM_BYTES     MIB(2)
#define NOT_SUPPORTED UINT64_MAX

static struct vm vm;
static struct vcpu_regs regs[2];
static const char *ended;
static unsigned stopped;

static enum vm_end_kind kind;

void vm_end(struct vm *v, enum vm_end_kind k, const char *reason)
{
    v->state = VM_STOPPING;
    kind = k;
    ended = reason;
    vcpu_park();
}

void vgic_cpu_stop(struct vcpu *vcpu)
{
    (void)vcpu;
    stopped++;
}

static int setup(void **state)
{
    static uint8_t ram[RAM_BYTES];
    (void)state;
    fake_cpu_reset();
    memset(&vm, 0, sizeof vm);
    vm.state = VM_RUNNING;
    vm.nvcpus = 2;
    vm.memory.bytes = RAM_BYTES;
    for (unsigned i = 0; i < 2; i++)
        vm.vcpus[i] = (struct vcpu){
            .vm = &vm, .index = (uint8_t)i, .cpu = (uint8_t)(2 + i), .regs = &regs[i]};
    vm.vcpus[0].power = VCPU_ON;
    fake_ram_window = ram;
    fake_cpu = 2;
    ended = NULL;
    stopped = 0;
    return 0;
}

static enum fake_left how;

static uint64_t call(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
    regs[0].x[0] = function;
    regs[0].x[1] = a;
    regs[0].x[2] = b;
    regs[0].x[3] = c;
    FAKE_CATCH(how, smccc_call(&vm.vcpus[0]));
    return regs[0].x[0];
}

static void versions(void **state)
{
    (void)state;
    assert_int_equal(call(0x84000000, 0, 0, 0), 0x10001);
    assert_int_equal(call(0x80000000, 0, 0, 0), 0x10002);
    assert_int_equal(call(0x84000006, 0, 0, 0), 2);
    assert_int_equal(call(0x8600ff01, 0, 0, 0), 0xeea1a6b7);
    assert_int_equal(regs[0].x[3], 0xe4712f0c);
}

static void features_are_honest(void **state)
{
    static const uint32_t yes[] = {0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003,
                                   0xc4000003, 0x84000004, 0xc4000004, 0x84000006, 0x84000008,
                                   0x84000009, 0x8400000a, 0x84000012, 0xc4000012, 0x80000000};
    static const uint32_t no[] = {0xc4000000, 0x84000005, 0x8400000e, 0xc400000e,
                                  0x84000013, 0xc2000001, 0x04000001};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
        assert_int_equal(call(0x8400000a, yes[i], 0, 0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
        assert_int_equal(call(0x8400000a, no[i], 0, 0), NOT_SUPPORTED);
    /* No workaround is offered that nobody performs. */
    assert_int_equal(call(0x80000001, 0x80008000, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x80000001, 0x80007fff, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x80000001, 0x80003fff, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x80000001, 0x80000001, 0, 0), 0);
}

static void unknown_calls(void **state)
{
    (void)state;
    for (uint32_t owner = 0; owner < 64; owner++)
        for (uint32_t n = 0; n < 0x40; n++)
            for (uint32_t form = 0; form < 4; form++) {
                uint32_t f = form << 30 | owner << 24 | n;
                bool psci = owner == 4 && form >= 2 && n < 0x20;
                bool arch = f == 0x80000000 || f == 0x80000001;
                if (!psci && !arch)
                    assert_int_equal(call(f, 1, 2, 3), NOT_SUPPORTED);
            }
    assert_int_equal(call(0xc4000008, 0, 0, 0), NOT_SUPPORTED); /* SYSTEM_OFF has no SMC64 form */
    assert_null(ended);
}

static void cpu_on(void **state)
{
    (void)state;
    assert_int_equal(call(0xc4000003, 1, GUEST_RAM_BASE + 0x1000, 0x1122334455667788), 0);
    assert_int_equal(vm.vcpus[1].power, VCPU_ON_PENDING);
    assert_int_equal(vm.vcpus[1].entry.v, GUEST_RAM_BASE + 0x1000);
    assert_int_equal(vm.vcpus[1].context, 0x1122334455667788);
    assert_int_equal(fake_posted[3], EVENT_VM);
    assert_int_equal(fake_posts[0] + fake_posts[1] + fake_posts[2], 0);
    assert_int_equal((int64_t)call(0xc4000003, 1, GUEST_RAM_BASE, 0), -5);
    vm.vcpus[1].power = VCPU_ON;
    assert_int_equal((int64_t)call(0xc4000003, 1, GUEST_RAM_BASE, 0), -4);
    assert_int_equal((int64_t)call(0xc4000003, 0, GUEST_RAM_BASE, 0), -4); /* itself */
}

static void cpu_on_is_for_own_cores_and_own_memory(void **state)
{
    static const uint64_t foreign[] = {2, 3, 0x100, 1ULL << 32, 1ULL << 31 | 1, UINT64_MAX};
    static const uint64_t outside[] = {0, GUEST_RAM_BASE - 4, GUEST_RAM_BASE + RAM_BYTES,
                                       GUEST_RAM_BASE + 2, UINT64_MAX - 3};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(foreign); i++)
        assert_int_equal((int64_t)call(0xc4000003, foreign[i], GUEST_RAM_BASE, 0), -2);
    for (unsigned i = 0; i < ARRAY_SIZE(outside); i++)
        assert_int_equal((int64_t)call(0xc4000003, 1, outside[i], 0), -9);
    for (unsigned i = 0; i < MAX_CPUS; i++)
        assert_int_equal(fake_posts[i], 0);
    /* The SMC32 form takes W registers: what is above does not count. */
    assert_int_equal(call(0x84000003, 0xdead00000001, 0xbeef00000000 | GUEST_RAM_BASE, 0), 0);
    assert_int_equal(vm.vcpus[1].entry.v, GUEST_RAM_BASE);
}

static void cpu_on_of_an_ending_vm(void **state)
{
    (void)state;
    vm.state = VM_OFF;
    assert_int_equal((int64_t)call(0xc4000003, 1, GUEST_RAM_BASE, 0), -3);
    assert_int_equal(fake_posts[3], 0);
    /* A pause is another matter: the caller has not met it yet, and must not notice. */
    vm.state = VM_PAUSED;
    assert_int_equal(call(0xc4000003, 1, GUEST_RAM_BASE, 0), 0);
    assert_int_equal(vm.vcpus[1].power, VCPU_ON_PENDING);
}

static void affinity_info(void **state)
{
    (void)state;
    assert_int_equal(call(0xc4000004, 0, 0, 0), 0);
    assert_int_equal(call(0xc4000004, 1, 0, 0), 1);
    vm.vcpus[1].power = VCPU_ON_PENDING;
    assert_int_equal(call(0xc4000004, 1, 0, 0), 2);
    assert_int_equal(call(0x84000004, 0, 1, 0), 0);
    assert_int_equal((int64_t)call(0xc4000004, 2, 0, 0), -2);
    assert_int_equal((int64_t)call(0xc4000004, 0, 4, 0), -2);
}

static void cpu_off(void **state)
{
    (void)state;
    vm.vcpus[1].power = VCPU_ON;
    call(0x84000002, 0, 0, 0);
    assert_int_equal(how, FAKE_PARKED);
    assert_int_equal(vm.vcpus[0].power, VCPU_OFF);
    assert_int_equal(stopped, 1);
    assert_null(ended);
}

static void cpu_off_of_the_last(void **state)
{
    (void)state;
    call(0x84000002, 0, 0, 0);
    assert_int_equal(how, FAKE_PARKED);
    assert_non_null(ended);
    assert_int_equal(kind, VM_END_OFF);
}

static void system_off_and_reset(void **state)
{
    (void)state;
    call(0x84000008, 0, 0, 0);
    assert_int_equal(how, FAKE_PARKED);
    assert_non_null(strstr(ended, "SYSTEM_OFF"));
    assert_int_equal(kind, VM_END_OFF);
    vm.state = VM_RUNNING;
    call(0x84000009, 0, 0, 0);
    assert_non_null(strstr(ended, "SYSTEM_RESET"));
    assert_int_equal(kind, VM_END_RESET);
    for (uint32_t smc64 = 0; smc64 < 2; smc64++) {
        ended = NULL;
        assert_int_equal((int64_t)call(0x84000012 | smc64 << 30, 1, 0, 0), -2);
        assert_int_equal((int64_t)call(0x84000012 | smc64 << 30, 0x80000000, 0, 0), -2);
        assert_null(ended);
        call(0x84000012 | smc64 << 30, 0, 0, 0);
        assert_non_null(strstr(ended, "SYSTEM_RESET2"));
    }
}

static void cpu_suspend(void **state)
{
    (void)state;
    assert_int_equal(call(0xc4000001, 0, 0, 0), 0);
    assert_int_equal((int64_t)call(0xc4000001, 1 << 16, 0, 0), -2);
    assert_int_equal((int64_t)call(0x84000001, 0x80000000, 0, 0), -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(versions, setup),
        cmocka_unit_test_setup(features_are_honest, setup),
        cmocka_unit_test_setup(unknown_calls, setup),
        cmocka_unit_test_setup(cpu_on, setup),
        cmocka_unit_test_setup(cpu_on_is_for_own_cores_and_own_memory, setup),
        cmocka_unit_test_setup(cpu_on_of_an_ending_vm, setup),
        cmocka_unit_test_setup(affinity_info, setup),
        cmocka_unit_test_setup(cpu_off, setup),
        cmocka_unit_test_setup(cpu_off_of_the_last, setup),
        cmocka_unit_test_setup(system_off_and_reset, setup),
        cmocka_unit_test_setup(cpu_suspend, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
