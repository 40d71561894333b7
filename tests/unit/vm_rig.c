/* SPDX-License-Identifier: BSD-2-Clause */
#include "vm_rig.h"

#include <bulkhead/account.h>
#include <bulkhead/block.h>
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/loader.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/report.h>
#include <bulkhead/vm.h>
#include <core/vm_internal.h>
#include <fake/fake.h>

struct machine machine;
static const struct device gic = {
    .kind = DEV_GIC, .nregs = 4, .reg = {{0, 0}, {0, 0}, {0, 0}, {0xff846000, 0x2000}}};
struct config rig_config = {
    .nvms = 2,
    .vms = {{.name = "alpha",
             .ncpus = 2,
             .cpus = {0, 1},
             .ndisks = 1,
             .disks = {{.name = "root", .partition = "a"}}},
            {.name = "beta", .ncpus = 2, .cpus = {2, 3}}},
};
const struct partition rig_shares[2] = {
    {.npieces = 2, .pieces = {{MIB(16), MIB(4)}, {MIB(64), MIB(2)}}, .bytes = MIB(6)},
    {.npieces = 1, .pieces = {{MIB(32), MIB(4)}}, .bytes = MIB(4)},
};
struct gpt rig_gpt = {.count = 1, .partitions = {{"a", 2048, 4096}}};

struct mapped maps[8];
unsigned nmaps, files_missing, load_fails, zero_steps, vgic_starts, vgic_stops, resets, reports;
uint64_t disk_first, rig_cleaned;
bool on_card;
enum fake_left how;

/* ---- stand-ins ---- */
const struct device *machine_device(const struct machine *m, enum device_kind kind)
{
    (void)m;
    return kind == DEV_GIC ? &gic : NULL;
}
struct boot_file rig_environment;
const struct boot_file *machine_file(const struct machine *m, const char *path)
{
    (void)m;
    assert_string_equal(path, "firmware.env");
    return &rig_environment;
}
static uint8_t file_bytes[1];
const void *map_file(paddr_t pa, size_t bytes)
{
    assert_int_equal(pa.v, rig_environment.pa.v);
    assert_int_equal(bytes, rig_environment.size);
    return file_bytes;
}
void cache_clean_invalidate(void *start, size_t bytes)
{
    assert_ptr_equal(start, file_bytes);
    rig_cleaned += bytes;
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
    (void)s2;
    maps[nmaps++] = (struct mapped){ipa.v, pa.v, bytes, kind};
    return true;
}
enum loader_result loader_run(struct vm *vm, const struct machine *m, struct refusal *why)
{
    (void)m;
    if (vm->loader.stage == LOADER_ZERO) {
        zero_steps++;
        vm->loader.at += MIN(MIB(2), vm->memory.bytes - vm->loader.at);
        if (vm->loader.at == vm->memory.bytes)
            vm->loader.stage = LOADER_FIRST;
        return LOADER_MORE;
    }
    vm->starts++;
    vm->loader.entry = ipaddr(0x40000000);
    vm->loader.dtb = ipaddr(0x42000000);
    if (load_fails)
        refuse(why, "%s: kernel: truncated", vm->config->name);
    return load_fails ? LOADER_FAILED : LOADER_DONE;
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
static unsigned timers_off; /* a bit for each core */
void vcpu_timers_off(struct vcpu *vcpu)
{
    timers_off |= 1u << vcpu->cpu;
}
void vgic_cpu_stop(struct vcpu *vcpu)
{
    assert_true(timers_off >> vcpu->cpu & 1); /* or what is given back here comes again at once */
    timers_off &= ~(1u << vcpu->cpu);
    vgic_stops++;
}
void vgic_cpu_pause(struct vcpu *vcpu)
{
    (void)vcpu;
}
void vgic_cpu_resume(struct vcpu *vcpu)
{
    (void)vcpu;
}
void vgic_run_event(struct vcpu *vcpu)
{
    (void)vcpu;
}
void vgic_set_level(struct vm *vm, unsigned intid, bool level)
{
    (void)vm, (void)intid, (void)level;
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
bool virtio_blk_reset(struct virtio_blk *blk)
{
    (void)blk;
    resets++;
    return !on_card;
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

struct rig_report rig_report;
static bool ended;

void report_begin(struct vm *vm, const struct vcpu *culprit, const char *why)
{
    reports++;
    rig_report.begun++;
    rig_report.vm = vm;
    rig_report.culprit = culprit;
    assert_non_null(why);
}
void report_vcpu(struct vcpu *vcpu)
{
    assert_ptr_equal(vcpu, vcpu_this());
    if (ended) /* the next end */
        rig_report.vcpus = rig_report.on = 0;
    ended = false;
    assert_true(!(rig_report.vcpus >> vcpu->cpu & 1));
    rig_report.vcpus |= 1u << vcpu->cpu;
    if (vcpu->power == VCPU_ON) /* its state is still there */
        rig_report.on |= 1u << vcpu->cpu;
}
void report_summary(struct vm *vm)
{
    rig_report.summaries++;
    ended = true;
    rig_report.complete =
        (rig_report.vcpus >> vm->vcpus[0].cpu & 1) && (rig_report.vcpus >> vm->vcpus[1].cpu & 1);
}

/* ---- cores ---- */

/* Was anything posted to this core since the last look? */
static bool kicked(unsigned cpu)
{
    static unsigned seen[MAX_CPUS];
    bool now = fake_kicks[cpu] != seen[cpu];
    seen[cpu] = fake_kicks[cpu];
    return now;
}

void run_once(unsigned cpu)
{
    fake_cpu = cpu;
    FAKE_CATCH(how, cpu_events_run());
}

void run(unsigned cpu)
{
    run_once(cpu);
    for (unsigned i = 0; i < 100 && how == FAKE_RETURNED; i++)
        run_once(cpu);
}

void run_all(void)
{
    bool any = true;
    for (unsigned i = 0; any; i++) {
        assert_in_range(i, 0, 1000);
        any = false;
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
            if (kicked(cpu)) {
                run_once(cpu);
                any = true;
            }
    }
}

static void disarm(struct timer *t)
{
    fake_cpu = t->cpu;
    timer_cancel(t);
}

int rig_setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MAX_VMS; i++) {
        vms[i].state = VM_REFUSED;
        disarm(&vms[i].timer);
        disarm(&vms[i].gpio.release);
        disarm(&vms[i].watchdog.timer);
    }
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        run_once(cpu); /* what an earlier test left posted */
    run_all();
    fake_cpu_reset();
    fake_time_reset();
    fake_log_reset();
    memset(vms, 0, sizeof(vms));
    rig_cleaned = 0;
    nmaps = files_missing = load_fails = zero_steps = vgic_starts = vgic_stops = resets = reports =
        0;
    on_card = false;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine.cpus[i].enabled = true;
    rig_report = (struct rig_report){0};
    ended = false;
    rig_gpt.count = 1;
    vm_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct vm_config *c = &rig_config.vms[i];
        c->no_autostart = c->crash_stops = c->reset_stops = false;
        c->environment = NULL;
        c->restart_limit = 5;
        c->restart_seconds = c->stop_seconds = 60;
        vm_setup(i, c, &rig_shares[i], &rig_gpt);
    }
    return 0;
}
