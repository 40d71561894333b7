/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VM's cores do about its state: set up at boot, loaded and started by its own cores,
 * frozen, ended alone. Which state it is in is core/vm_state.c's.
 */
#include <bulkhead/account.h>
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/crc32.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/loader.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/report.h>
#include <bulkhead/vm.h>

#include "vm_internal.h"

struct vm vms[MAX_VMS];
unsigned vm_count;

static struct vcpu *pinned[MAX_CPUS];

struct vcpu *vcpu_on(unsigned cpu)
{
    return pinned[cpu];
}

struct vcpu *vcpu_this(void)
{
    return pinned[cpu_this()];
}

/* ---- Set-up, on the boot core ---- */

/* What the firmware takes for flash memory with its environment is the boot file itself. */
static bool map_flash(struct vm *vm)
{
    const struct boot_file *file;

    if (!vm->config->environment)
        return true;
    file = machine_file(&machine, vm->config->environment);
    cache_clean_invalidate((void *)map_file(file->pa, file->size), file->size);
    return stage2_map(&vm->stage2, ipaddr(GUEST_FLASH_BASE), file->pa, file->size, STAGE2_ROM);
}

static bool map_memory(struct vm *vm)
{
    const struct device *gic = machine_device(&machine, DEV_GIC);
    uint64_t ipa = GUEST_RAM_BASE;

    if (!stage2_init(&vm->stage2, (uint16_t)(vm->id + 1)))
        return false;
    for (unsigned i = 0; i < vm->memory.npieces; i++) {
        const struct range *piece = &vm->memory.pieces[i];
        if (!stage2_map(&vm->stage2, ipaddr(ipa), paddr(piece->base), piece->size, STAGE2_RAM))
            return false;
        ipa += piece->size;
    }
    return map_flash(vm) && stage2_map(&vm->stage2, ipaddr(GUEST_GICC_BASE),
                                       paddr(gic->reg[3].base), GUEST_GICC_SIZE, STAGE2_DEVICE);
}

static void attach_devices(struct vm *vm)
{
    bool ok =
        mmio_attach(&vm->mmio, GUEST_GICD_BASE, PAGE_SIZE, vgic_distributor_access, &vm->gic) &&
        mmio_attach(&vm->mmio, GUEST_PL011_BASE, PAGE_SIZE, pl011_access, &vm->uart) &&
        mmio_attach(&vm->mmio, GUEST_PL031_BASE, PAGE_SIZE, pl031_access, NULL) &&
        mmio_attach(&vm->mmio, GUEST_PL061_BASE, PAGE_SIZE, pl061_access, &vm->gpio) &&
        mmio_attach(&vm->mmio, GUEST_GWDT_BASE, 2 * SBSA_GWDT_FRAME, sbsa_gwdt_access,
                    &vm->watchdog);
    for (unsigned i = 0; i < vm->config->ndisks; i++)
        ok = ok && mmio_attach(&vm->mmio, GUEST_VIRTIO_BASE + (uint64_t)i * GUEST_VIRTIO_STRIDE,
                               GUEST_VIRTIO_STRIDE, virtio_mmio_access, &vm->disks[i].device);
    CHECK(ok);
}

/* Each disk is a partition that must be on the card. */
static bool attach_disks(struct vm *vm, const struct gpt *gpt)
{
    for (unsigned i = 0; i < vm->config->ndisks; i++) {
        const struct disk_config *disk = &vm->config->disks[i];
        const struct gpt_partition *part = gpt_find(gpt, disk->partition);
        if (!part) {
            refuse(&vm->why,
                   "%s: disks/%s: partition: the card has no partition named \"%s\"; it has %u "
                   "partitions",
                   vm->config->name, disk->name, disk->partition, gpt->count);
            return false;
        }
        virtio_blk_init(&vm->disks[i], vm, i, part->label, part->first, part->sectors,
                        disk->read_only);
    }
    return true;
}

/* A core that the firmware marks as not to be used (DTSpec v0.4, 3.8.1: "disabled", "fail"). */
static bool check_cores(struct vm *vm)
{
    for (unsigned i = 0; i < vm->nvcpus; i++)
        if (!machine.cpus[vm->vcpus[i].cpu].enabled) {
            refuse(&vm->why,
                   "%s: cpus: core %u is switched off in the board's device tree (status)",
                   vm->config->name, vm->vcpus[i].cpu);
            return false;
        }
    return true;
}

static bool check_files(struct vm *vm)
{
    const char *names[MAX_FILES];
    for (unsigned i = 0; i < machine.nfiles; i++)
        names[i] = machine.files[i].path;
    return config_check_files(vm->config, names, machine.nfiles, &vm->why);
}

/* The guest will read its pages: nothing else may be on them. */
static bool check_flash(struct vm *vm)
{
    const struct boot_file *file;

    if (!vm->config->environment)
        return true;
    file = machine_file(&machine, vm->config->environment);
    if (file->size == GUEST_FLASH_SIZE && file->pa.v % PAGE_SIZE == 0)
        return true;
    refuse(&vm->why, "%s: boot: \"%s\" is not %u KiB on pages of its own", vm->config->name,
           file->path, GUEST_FLASH_SIZE >> 10);
    return false;
}

void vm_setup(unsigned id, const struct vm_config *config, const struct partition *memory,
              const struct gpt *gpt)
{
    struct vm *vm = &vms[id];
    vm->id = id;
    vm->config = config;
    vm->memory = *memory;
    vm->nvcpus = config->ncpus;
    for (unsigned i = 0; i < config->ncpus; i++) {
        struct vcpu *vcpu = &vm->vcpus[i];
        vcpu->vm = vm;
        vcpu->index = (uint8_t)i;
        vcpu->cpu = config->cpus[i];
        pinned[vcpu->cpu] = vcpu;
    }
    vm_state_init(vm);
    if (!check_cores(vm) || !check_files(vm) || !check_flash(vm) || !attach_disks(vm, gpt)) {
        vm->state = VM_REFUSED;
        return;
    }
    CHECK(map_memory(vm));
    attach_devices(vm);
    vm->state = config->no_autostart ? VM_OFF : VM_LOADING;
    refuse(&vm->why, "it has not been started yet");
}

/* ---- Start, on the VM's own cores ---- */

static void devices_reset(struct vm *vm)
{
    console_vm_restart(vm);
    pl011_reset(&vm->uart, vm);
    pl061_reset(&vm->gpio, vm);
    sbsa_gwdt_reset(&vm->watchdog, vm);
    for (unsigned i = 0; i < vm->config->ndisks; i++)
        virtio_blk_reset(&vm->disks[i]);
    vgic_reset(vm); /* last: no device raises a line of the old life after it */
}

static void start_vcpu(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool go;
    lock_take(&vm->lock);
    go = vm->state == VM_RUNNING && vcpu->power == VCPU_ON_PENDING;
    if (go)
        vcpu->power = VCPU_ON;
    lock_release(&vm->lock);
    if (!go)
        return;
    vgic_cpu_start(vcpu);
    vcpu_enter(vcpu, vcpu->entry, vcpu->context);
}

static void start(struct vm *vm)
{
    struct vcpu *boot = &vm->vcpus[0];
    devices_reset(vm);
    vm->cntvoff = time_now();
    boot->power = VCPU_ON_PENDING;
    boot->entry = vm->loader.entry;
    boot->context = vm->loader.dtb.v; /* booting.rst: x0 = physical address of the device tree */
    if (!vm_loaded(vm))
        return;
    log_line("%s: starting on core %u: kernel at %#llx, device tree at %#llx", vm->config->name,
             boot->cpu, (unsigned long long)boot->entry.v, (unsigned long long)boot->context);
    start_vcpu(boot);
}

static void load(struct vm *vm)
{
    timer_cancel(&vm->timer);
    switch (loader_run(vm, &machine, &vm->why)) {
    case LOADER_MORE:
        cpu_post(cpu_this(), EVENT_VM);
        break;
    case LOADER_DONE:
        start(vm);
        break;
    case LOADER_FAILED:
        vm_not_loaded(vm);
        break;
    }
}

/* ---- Pause ---- */

/* Its registers stay where they are: EL1's in the core, the general ones at EL2's stack top. */
static void freeze(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool now;
    lock_take(&vm->lock);
    now = vm->state == VM_PAUSED && vcpu->power == VCPU_ON && !vcpu->frozen;
    if (now) {
        vcpu->frozen = true;
        vm->paused_at = time_now();
    }
    lock_release(&vm->lock);
    if (!now)
        return;
    vgic_cpu_pause(vcpu);
    vcpu_freeze(vcpu);
}

static void thaw(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool now;
    lock_take(&vm->lock);
    now = vm->state == VM_RUNNING && vcpu->frozen;
    if (now)
        vcpu->frozen = false;
    lock_release(&vm->lock);
    if (!now)
        return;
    vgic_cpu_resume(vcpu);
    vcpu_thaw(vcpu);
}

/* ---- The end ---- */

/* Nothing more follows from what this core's guest asked for. Devices are reset before the core has
 * come in: what an earlier exit left to do finds nothing to submit afterwards. */
noreturn static void come_in(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool all;

    report_vcpu(vcpu);
    for (unsigned i = 0; i < vm->config->ndisks; i++)
        virtio_blk_reset(&vm->disks[i]);
    vcpu_timers_off(vcpu);
    vgic_cpu_stop(vcpu);
    lock_take(&vm->lock);
    vcpu->power = VCPU_OFF;
    vcpu->frozen = false;
    vm->down |= (uint8_t)(1u << vcpu->index);
    all = vm->down == (1u << vm->nvcpus) - 1;
    lock_release(&vm->lock);
    if (all)
        cpu_post(vm->vcpus[0].cpu, EVENT_VM);
    vcpu_park();
}

/* VM_STOPPING. The first core waits, by events, until all have come in and the card has nothing of
 * this VM's any more: only then may its RAM be zeroed. */
static void stop(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool here, all, quiet = true;

    lock_take(&vm->lock);
    here = vm->down >> vcpu->index & 1;
    all = vm->down == (1u << vm->nvcpus) - 1;
    lock_release(&vm->lock);
    if (!here)
        come_in(vcpu);
    if (!all || vcpu->index != 0)
        return;
    for (unsigned i = 0; i < vm->config->ndisks; i++)
        quiet &= virtio_blk_reset(&vm->disks[i]);
    if (quiet)
        vm_collected(vm);
}

/* ---- What EVENT_VM asks for ---- */

void vm_run_event(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool first = vcpu->index == 0;

    switch ((enum vm_state)__atomic_load_n(&vm->state, __ATOMIC_ACQUIRE)) {
    case VM_LOADING:
        if (first)
            load(vm);
        break;
    case VM_RUNNING:
        if (first) {
            vm_run_wishes(vm);
            sbsa_gwdt_run_event(&vm->watchdog); /* if it was paused */
        }
        thaw(vcpu);
        start_vcpu(vcpu);
        break;
    case VM_PAUSED:
        freeze(vcpu);
        break;
    case VM_STOPPING:
        stop(vcpu);
        break;
    case VM_REFUSED:
    case VM_OFF:
    case VM_CRASHED:
        break;
    }
}

bool vm_press_power(struct vm *vm)
{
    pl061_press_power(&vm->gpio);
    return true;
}

uint32_t vm_tables_hash(uint32_t crc)
{
    for (unsigned i = 0; i < vm_count; i++) {
        const struct vm *vm = &vms[i];
        crc = crc32(crc, &vm->memory, sizeof(vm->memory));
        crc = crc32(crc, &vm->stage2, sizeof(vm->stage2));
        crc = crc32(crc, &vm->mmio, sizeof(vm->mmio));
    }
    return crc32(crc, pinned, sizeof(pinned));
}
