// sources: tests/unit/vm_rig.c core/vm.c vdev/pl031.c vdev/pl061.c vdev/sbsa_gwdt.c core/vm_state.c core/vm_names.c core/timer.c core/cpu.c core/mmio.c core/account.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_vcpu.c tests/fake/fake_log.c tests/fake/fake_crc32.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a VM on a board of stand-ins: set-up, start on its own cores, end alone. */
#include "vm_rig.h"

#include <bulkhead/account.h>
#include <bulkhead/cpu.h>
#include <bulkhead/machine.h>
#include <core/vm_internal.h>

static void setup_maps_own_memory_and_gicv_only(void **state)
{
    (void)state;
    assert_int_equal(nmaps, 5);
    assert_int_equal(maps[0].ipa, 0x40000000);
    assert_int_equal(maps[0].pa, MIB(16));
    assert_int_equal(maps[1].ipa, 0x40000000 + MIB(4));
    assert_int_equal(maps[1].pa, MIB(64));
    assert_int_equal(maps[2].ipa, 0x08010000);
    assert_int_equal(maps[2].pa, 0xff846000);
    assert_int_equal(maps[2].bytes, 0x2000);
    assert_int_equal(maps[3].pa, MIB(32));
    assert_int_equal(vms[0].stage2.vmid, 1);
    assert_int_equal(vms[1].stage2.vmid, 2);
    assert_int_equal(disk_first, 2048);
    assert_ptr_equal(vcpu_on(3), &vms[1].vcpus[1]);
}

static void starts_on_its_own_core(void **state)
{
    (void)state;
    cpu_post(0, EVENT_VM);
    run(0);
    assert_int_equal(how, FAKE_ENTERED);
    assert_ptr_equal(fake_entered, &vms[0].vcpus[0]);
    assert_int_equal(fake_entry.v, 0x40000000);
    assert_int_equal(fake_entry_context, 0x42000000);
    assert_int_equal(zero_steps, 3);
    assert_int_equal(vms[0].state, VM_RUNNING);
    assert_int_equal(vms[0].vcpus[0].power, VCPU_ON);
    assert_int_equal(vgic_starts, 1);
    assert_int_equal(resets, 2); /* its vGIC and its one disk */
    assert_int_equal(vms[1].state, VM_LOADING);
}

static void refused_alone(void **state)
{
    (void)state;
    memset(vms, 0, sizeof vms);
    rig_gpt.count = 0;
    vm_setup(0, &rig_config.vms[0], &rig_shares[0], &rig_gpt);
    vm_setup(1, &rig_config.vms[1], &rig_shares[1], &rig_gpt);
    assert_int_equal(vms[0].state, VM_REFUSED);
    assert_non_null(strstr(vms[0].why.text, "alpha: disks/root: partition"));
    assert_int_equal(vms[1].state, VM_LOADING);
    memset(vms, 0, sizeof vms);
    files_missing = 1;
    vm_setup(1, &rig_config.vms[1], &rig_shares[1], &rig_gpt);
    assert_int_equal(vms[1].state, VM_REFUSED);
}

/* It sees the file itself, which it must not write, and nothing beside it. */
static void firmware_sees_its_environment(void **state)
{
    static const struct boot_file bad[] = {
        {.path = "firmware.env", .pa = {MIB(8)}, .size = 0x3f000},
        {.path = "firmware.env", .pa = {MIB(8)}, .size = 0x41000},
        {.path = "firmware.env", .pa = {MIB(8) + 0x800}, .size = 0x40000}};
    (void)state;
    rig_config.vms[0].environment = "firmware.env";
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        memset(vms, 0, sizeof vms);
        rig_environment = bad[i];
        nmaps = 0;
        vm_setup(0, &rig_config.vms[0], &rig_shares[0], &rig_gpt);
        assert_int_equal(vms[0].state, VM_REFUSED);
        assert_string_equal(vms[0].why.text,
                            "alpha: boot: \"firmware.env\" is not 256 KiB on pages of its own");
        assert_int_equal(nmaps, 0);
    }
    memset(vms, 0, sizeof vms);
    rig_environment.pa = paddr(MIB(8));
    rig_environment.size = 0x40000;
    vm_setup(0, &rig_config.vms[0], &rig_shares[0], &rig_gpt);
    assert_int_equal(vms[0].state, VM_LOADING);
    assert_int_equal(nmaps, 4); /* RAM in two pieces, this, the GICC */
    assert_int_equal(maps[2].ipa, 0x04000000);
    assert_int_equal(maps[2].pa, MIB(8));
    assert_int_equal(maps[2].bytes, 0x40000);
    assert_int_equal(maps[2].kind, STAGE2_ROM);
    assert_int_equal(rig_cleaned, 0x40000);
}

static void a_core_that_is_switched_off(void **state)
{
    (void)state;
    memset(vms, 0, sizeof vms);
    machine.cpus[3].enabled = false;
    vm_setup(0, &rig_config.vms[0], &rig_shares[0], &rig_gpt);
    vm_setup(1, &rig_config.vms[1], &rig_shares[1], &rig_gpt);
    assert_int_equal(vms[0].state, VM_LOADING);
    assert_int_equal(vms[1].state, VM_REFUSED);
    assert_non_null(strstr(vms[1].why.text, "beta: cpus: core 3 is switched off"));
}

static void a_bad_kernel_refuses_its_vm(void **state)
{
    (void)state;
    load_fails = 1;
    cpu_post(0, EVENT_VM);
    run(0);
    assert_int_equal(how, FAKE_RETURNED);
    assert_int_equal(vms[0].state, VM_REFUSED);
    assert_true(fake_log_has("alpha: kernel: truncated"));
}

static void ends_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        cpu_post(rig_config.vms[i].cpus[0], EVENT_VM);
        run(rig_config.vms[i].cpus[0]);
    }
    vms[0].vcpus[1].power = VCPU_ON;
    fake_cpu_reset();
    fake_cpu = 0;
    FAKE_CATCH(how, vm_end(&vms[0], VM_END_OFF, "it turned itself off"));
    assert_int_equal(how, FAKE_PARKED);
    assert_true(fake_log_has("is off: it turned itself off"));
    assert_int_equal(fake_kicks[1], 1);
    assert_int_equal(fake_kicks[2] + fake_kicks[3], 0);
    run(1);
    assert_int_equal(how, FAKE_PARKED);
    assert_int_equal(vms[0].vcpus[0].power | vms[0].vcpus[1].power, VCPU_OFF);
    assert_int_equal(vgic_stops, 2);
    assert_int_equal(vms[1].state, VM_RUNNING);
    assert_int_equal(vms[1].vcpus[0].power, VCPU_ON);
}

static void stop_presses_the_power_key(void **state)
{
    struct refusal why = {""};
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        cpu_post(rig_config.vms[i].cpus[0], EVENT_VM);
    run_all();
    assert_true(vm_command(&vms[0], VM_COMMAND_STOP, &why));
    run_all();
    assert_int_equal(vms[0].gpio.in, 1 << GUEST_POWER_KEY);
    assert_int_equal(vms[1].gpio.in, 0);
}

/* Its alarm passes while the VM stands still; it is set again when it goes on. */
static void watchdog_after_a_pause(void **state)
{
    struct mmio_access wor = {.offset = 0x8, .size = 4, .write = true, .value = FAKE_HZ};
    struct mmio_access wcs = {.offset = 0x0, .size = 4, .write = true, .value = 1};
    struct refusal why = {""};
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        cpu_post(rig_config.vms[i].cpus[0], EVENT_VM);
    run_all();
    fake_cpu = 1; /* whose guest asks; the alarm is core 0's */
    sbsa_gwdt_access(&vms[0].vcpus[1], &vms[0].watchdog, &wor);
    sbsa_gwdt_access(&vms[0].vcpus[1], &vms[0].watchdog, &wcs);
    run_all();
    assert_true(vms[0].watchdog.alarm != UINT64_MAX);
    assert_true(vm_command(&vms[0], VM_COMMAND_PAUSE, &why));
    run_all();
    fake_run_until(fake_time + 10 * (uint64_t)FAKE_HZ);
    assert_int_equal(vms[0].state, VM_PAUSED);
    assert_true(vm_command(&vms[0], VM_COMMAND_RESUME, &why));
    run_all();
    assert_true(vms[0].watchdog.alarm != UINT64_MAX);
    fake_cpu = 0;
    FAKE_CATCH(how, fake_run_until(fake_time + 3 * (uint64_t)FAKE_HZ));
    assert_int_equal(vms[0].end, VM_END_WATCHDOG);
    assert_int_equal(vms[1].state, VM_RUNNING);
}

static void one_line_for_an_end(void **state)
{
    (void)state;
    cpu_post(0, EVENT_VM);
    run(0);
    fake_log_reset();
    fake_cpu = 0;
    FAKE_CATCH(how, vm_end(&vms[0], VM_END_CRASH, "first"));
    fake_cpu = 1;
    FAKE_CATCH(how, vm_end(&vms[0], VM_END_OFF, "second"));
    assert_int_equal(fake_log_lines, 1);
    run_all();
    assert_int_equal(vms[0].state, VM_CRASHED);
}

static void a_start_of_an_ended_vm_is_nothing(void **state)
{
    (void)state;
    cpu_post(0, EVENT_VM);
    run(0);
    vms[0].vcpus[1].power = VCPU_ON_PENDING;
    vms[0].state = VM_OFF;
    cpu_post(1, EVENT_VM);
    run(1);
    assert_int_equal(how, FAKE_RETURNED);
}

static void the_account_charges_who_is_worked_for(void **state)
{
    struct account before, after;
    (void)state;
    fake_cpu = 2;
    account_read(2, &before);
    account_enter();
    fake_time += 100;
    assert_int_equal(account_switch(0), 1);
    fake_time += 30;
    account_switch(1);
    fake_time += 5;
    account_leave();
    account_read(2, &after);
    assert_int_equal(after.ticks[1] - before.ticks[1], 105);
    assert_int_equal(after.ticks[0] - before.ticks[0], 30);
    assert_int_equal(after.longest, 135);
    assert_int_equal(after.stays - before.stays, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(setup_maps_own_memory_and_gicv_only, rig_setup),
        cmocka_unit_test_setup(starts_on_its_own_core, rig_setup),
        cmocka_unit_test_setup(refused_alone, rig_setup),
        cmocka_unit_test_setup(firmware_sees_its_environment, rig_setup),
        cmocka_unit_test_setup(a_core_that_is_switched_off, rig_setup),
        cmocka_unit_test_setup(a_bad_kernel_refuses_its_vm, rig_setup),
        cmocka_unit_test_setup(ends_alone, rig_setup),
        cmocka_unit_test_setup(one_line_for_an_end, rig_setup),
        cmocka_unit_test_setup(stop_presses_the_power_key, rig_setup),
        cmocka_unit_test_setup(watchdog_after_a_pause, rig_setup),
        cmocka_unit_test_setup(a_start_of_an_ended_vm_is_nothing, rig_setup),
        cmocka_unit_test_setup(the_account_charges_who_is_worked_for, rig_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
