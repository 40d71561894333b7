// sources: tests/unit/vm_rig.c core/vm.c vdev/pl031.c vdev/pl061.c vdev/sbsa_gwdt.c core/vm_state.c core/vm_names.c core/timer.c core/cpu.c core/mmio.c core/account.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_vcpu.c tests/fake/fake_log.c tests/fake/fake_crc32.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Which ends of a VM leave a report, and when its parts are collected. */
#include "vm_rig.h"

#include <bulkhead/cpu.h>

static void start_both(void)
{
    cpu_post(0, EVENT_VM);
    run(0);
    vms[0].vcpus[1].power = VCPU_ON_PENDING;
    cpu_post(1, EVENT_VM);
    run(1);
    assert_int_equal(vms[0].state, VM_RUNNING);
    assert_int_equal(vms[0].vcpus[1].power, VCPU_ON);
    memset(&rig_report, 0, sizeof(rig_report));
}

static void end_on(unsigned cpu, enum vm_end_kind kind)
{
    fake_cpu = cpu;
    FAKE_CATCH(how, vm_end(&vms[0], kind, "so it is"));
    run_all();
}

static void a_crash_is_reported(void **state)
{
    (void)state;
    start_both();
    end_on(1, VM_END_CRASH);
    assert_int_equal(rig_report.begun, 1);
    assert_ptr_equal(rig_report.vm, &vms[0]);
    assert_ptr_equal(rig_report.culprit, &vms[0].vcpus[1]);
    assert_int_equal(rig_report.vcpus, 3);
    assert_int_equal(rig_report.on, 3);
    assert_true(rig_report.complete);
}

static void a_hang_has_no_culprit(void **state)
{
    (void)state;
    start_both();
    end_on(1, VM_END_WATCHDOG);
    assert_int_equal(rig_report.begun, 1);
    assert_null(rig_report.culprit);
    assert_int_equal(rig_report.on, 3);
}

static void an_orderly_end_is_none(void **state)
{
    static const enum vm_end_kind kinds[] = {VM_END_OFF, VM_END_RESET};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        rig_setup(NULL);
        start_both();
        end_on(0, kinds[i]);
        assert_int_equal(rig_report.begun, 0);
    }
    rig_setup(NULL);
    start_both();
    assert_true(vm_command(&vms[0], VM_COMMAND_RESTART, &(struct refusal){""}));
    run_all();
    assert_int_equal(rig_report.begun, 0);
}

static void a_kill_is_reported_if_it_ran(void **state)
{
    (void)state;
    start_both();
    fake_cpu = 3;
    assert_true(vm_command(&vms[0], VM_COMMAND_KILL, &(struct refusal){""}));
    run_all();
    assert_int_equal(rig_report.begun, 1);
    assert_null(rig_report.culprit);
    assert_int_equal(rig_report.on, 3);
    assert_int_equal(vms[0].state, VM_OFF);

    assert_true(vm_command(&vms[0], VM_COMMAND_START, &(struct refusal){""}));
    assert_int_equal(vms[0].state, VM_LOADING);
    assert_true(vm_command(&vms[0], VM_COMMAND_KILL, &(struct refusal){""}));
    rig_report.vcpus = 0;
    run_all();
    assert_int_equal(rig_report.begun, 1);
}

static void a_paused_one_too(void **state)
{
    (void)state;
    start_both();
    assert_true(vm_command(&vms[0], VM_COMMAND_PAUSE, &(struct refusal){""}));
    run_all();
    assert_int_equal(vms[0].state, VM_PAUSED);
    assert_true(vm_command(&vms[0], VM_COMMAND_KILL, &(struct refusal){""}));
    run_all();
    assert_int_equal(rig_report.begun, 1);
    assert_int_equal(rig_report.on, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_crash_is_reported, rig_setup),
        cmocka_unit_test_setup(a_hang_has_no_culprit, rig_setup),
        cmocka_unit_test_setup(an_orderly_end_is_none, rig_setup),
        cmocka_unit_test_setup(a_kill_is_reported_if_it_ran, rig_setup),
        cmocka_unit_test_setup(a_paused_one_too, rig_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
