// sources: core/vm.c core/cpu.c core/mmio.c core/account.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_vcpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a VM on a board of stand-ins: set-up, start on its own cores, end alone. */
#include "unit.h"

#include <bulkhead/account.h>
#include <bulkhead/block.h>
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/loader.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/vm.h>
#include <core/vm_internal.h>
#include <fake/fake.h>

struct machine machine;
static const struct device gic = {
    .kind = DEV_GIC, .nregs = 4, .reg = {{0, 0}, {0, 0}, {0, 0}, {0xff846000, 0x2000}}};
static struct config config = {
    .nvms = 2,
    .vms = {{.name = "alpha",
             .ncpus = 2,
             .cpus = {0, 1},
             .ndisks = 1,
             .disks = {{.name = "root", .partition = "a"}}},
            {.name = "beta", .ncpus = 2, .cpus = {2, 3}}},
};
static const struct partition shares[2] = {
    {.npieces = 2, .pieces = {{MIB(16), MIB(4)}, {MIB(64), MIB(2)}}, .bytes = MIB(6)},
    {.npieces = 1, .pieces = {{MIB(32), MIB(4)}}, .bytes = MIB(4)},
};
static struct gpt gpt = {.count = 1, .partitions = {{"a", 2048, 4096}}};

static struct mapped {
    uint64_t ipa, pa, bytes;
} maps[8];
static unsigned nmaps, files_missing, load_fails, zero_steps, vgic_starts, vgic_stops, resets;
static uint64_t disk_first;

/* ---- stand-ins ---- */
const struct device *machine_device(const struct machine *m, enum device_kind kind)
{
    (void)m;
    return kind == DEV_GIC ? &gic : NULL;
}
const struct gpt_partition *gpt_find(const struct gpt *g, const char *label)
{
    return g->count && !strcmp(label, g->partitions[0].label) ? &g->partitions[0] : NULL;
}
bool config_check_files(const struct vm_config *vm, const char *const *f, unsigned n,
                        struct refusal *why)
{
    (void)f, (void)n;
    if (files_missing)
        refuse(why, "%s: a file is missing", vm->name);
    return !files_missing;
}
bool stage2_init(struct stage2 *s2, uint16_t vmid)
{
    s2->vmid = vmid;
    return true;
}
bool stage2_map(struct stage2 *s2, ipaddr_t ipa, paddr_t pa, uint64_t bytes, enum stage2_kind kind)
{
    (void)s2, (void)kind;
    maps[nmaps++] = (struct mapped){ipa.v, pa.v, bytes};
    return true;
}
bool loader_zero_step(struct vm *vm, uint64_t *progress)
{
    zero_steps++;
    *progress += MIN(MIB(2), vm->memory.bytes - *progress);
    return *progress == vm->memory.bytes;
}
bool loader_load(struct vm *vm, const struct machine *m, struct refusal *why, ipaddr_t *entry,
                 ipaddr_t *dtb)
{
    (void)m;
    *entry = ipaddr(0x40000000);
    *dtb = ipaddr(0x42000000);
    if (load_fails)
        refuse(why, "%s: kernel: truncated", vm->config->name);
    return !load_fails;
}
void vgic_reset(struct vm *vm)
{
    (void)vm;
    resets++;
}
void vgic_cpu_start(struct vcpu *vcpu)
{
    (void)vcpu;
    vgic_starts++;
}
void vgic_cpu_stop(struct vcpu *vcpu)
{
    (void)vcpu;
    vgic_stops++;
}
void vgic_run_event(struct vcpu *vcpu)
{
    (void)vcpu;
}
bool vgic_distributor_access(struct vcpu *v, void *d, struct mmio_access *a)
{
    (void)v, (void)d, (void)a;
    return true;
}
bool pl011_access(struct vcpu *v, void *d, struct mmio_access *a)
{
    (void)v, (void)d, (void)a;
    return true;
}
bool virtio_mmio_access(struct vcpu *v, void *d, struct mmio_access *a)
{
    (void)v, (void)d, (void)a;
    return true;
}
void pl011_reset(struct pl011 *uart, struct vm *vm)
{
    uart->vm = vm;
}
void virtio_blk_reset(struct virtio_blk *blk)
{
    (void)blk;
    resets++;
}
void virtio_blk_init(struct virtio_blk *blk, struct vm *vm, unsigned slot, const char *serial,
                     uint64_t first, uint64_t sectors, bool read_only)
{
    (void)blk, (void)vm, (void)slot, (void)serial, (void)sectors, (void)read_only;
    disk_first = first;
}
void virtio_run_event(struct vcpu *vcpu)
{
    (void)vcpu;
}
void console_vm_restart(struct vm *vm)
{
    (void)vm;
}
void block_run_event(void)
{
}
void console_run_event(void)
{
}

/* ---- tests ---- */
static enum fake_left how;

static int setup(void **state)
{
    (void)state;
    for (fake_cpu = 0; fake_cpu < MAX_CPUS; fake_cpu++) /* what an earlier test left posted */
        if (vcpu_this())
            FAKE_CATCH(how, cpu_events_run());
    fake_cpu_reset();
    fake_log_reset();
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine.cpus[i].enabled = true;
    memset(vms, 0, sizeof vms);
    nmaps = files_missing = load_fails = zero_steps = vgic_starts = vgic_stops = resets = 0;
    gpt.count = 1;
    vm_count = 2;
    for (unsigned i = 0; i < 2; i++)
        vm_setup(i, &config.vms[i], &shares[i], &gpt);
    return 0;
}

/* As core `cpu`: run what was posted until nothing is. */
static void run(unsigned cpu)
{
    fake_cpu = cpu;
    how = FAKE_RETURNED;
    for (unsigned i = 0; i < 100 && how == FAKE_RETURNED; i++)
        FAKE_CATCH(how, cpu_events_run());
}

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
    cpu_post(0, EVENT_VM_LOAD);
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
    gpt.count = 0;
    vm_setup(0, &config.vms[0], &shares[0], &gpt);
    vm_setup(1, &config.vms[1], &shares[1], &gpt);
    assert_int_equal(vms[0].state, VM_REFUSED);
    assert_non_null(strstr(vms[0].why.text, "alpha: disks/root: partition"));
    assert_int_equal(vms[1].state, VM_LOADING);
    memset(vms, 0, sizeof vms);
    files_missing = 1;
    vm_setup(1, &config.vms[1], &shares[1], &gpt);
    assert_int_equal(vms[1].state, VM_REFUSED);
}

static void a_core_that_is_switched_off(void **state)
{
    (void)state;
    memset(vms, 0, sizeof vms);
    machine.cpus[3].enabled = false;
    vm_setup(0, &config.vms[0], &shares[0], &gpt);
    vm_setup(1, &config.vms[1], &shares[1], &gpt);
    assert_int_equal(vms[0].state, VM_LOADING);
    assert_int_equal(vms[1].state, VM_REFUSED);
    assert_non_null(strstr(vms[1].why.text, "beta: cpus: core 3 is switched off"));
}

static void a_bad_kernel_refuses_its_vm(void **state)
{
    (void)state;
    load_fails = 1;
    cpu_post(0, EVENT_VM_LOAD);
    run(0);
    assert_int_equal(how, FAKE_RETURNED);
    assert_int_equal(vms[0].state, VM_REFUSED);
    assert_true(fake_log_has("alpha: kernel: truncated"));
}

static void ends_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        cpu_post(config.vms[i].cpus[0], EVENT_VM_LOAD);
        run(config.vms[i].cpus[0]);
    }
    vms[0].vcpus[1].power = VCPU_ON;
    fake_cpu_reset();
    fake_cpu = 0;
    FAKE_CATCH(how, vm_end(&vms[0], VM_OFF, "it turned itself off"));
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

static void one_line_for_an_end(void **state)
{
    (void)state;
    cpu_post(0, EVENT_VM_LOAD);
    run(0);
    fake_log_reset();
    fake_cpu = 0;
    FAKE_CATCH(how, vm_end(&vms[0], VM_CRASHED, "first"));
    fake_cpu = 1;
    FAKE_CATCH(how, vm_end(&vms[0], VM_OFF, "second"));
    assert_int_equal(fake_log_lines, 1);
    assert_int_equal(vms[0].state, VM_CRASHED);
}

static void a_start_of_an_ended_vm_is_nothing(void **state)
{
    (void)state;
    cpu_post(0, EVENT_VM_LOAD);
    run(0);
    vms[0].vcpus[1].power = VCPU_ON_PENDING;
    vms[0].state = VM_OFF;
    cpu_post(1, EVENT_VCPU_START);
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
        cmocka_unit_test_setup(setup_maps_own_memory_and_gicv_only, setup),
        cmocka_unit_test_setup(starts_on_its_own_core, setup),
        cmocka_unit_test_setup(refused_alone, setup),
        cmocka_unit_test_setup(a_core_that_is_switched_off, setup),
        cmocka_unit_test_setup(a_bad_kernel_refuses_its_vm, setup),
        cmocka_unit_test_setup(ends_alone, setup),
        cmocka_unit_test_setup(one_line_for_an_end, setup),
        cmocka_unit_test_setup(a_start_of_an_ended_vm_is_nothing, setup),
        cmocka_unit_test_setup(the_account_charges_who_is_worked_for, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
