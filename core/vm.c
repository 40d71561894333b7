/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a VM: set up at boot, loaded and started by its own cores, ended alone. */
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/loader.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/vm.h>

#include "vm_internal.h"

enum {
    GUEST_GICD_BASE = 0x08000000,
    GUEST_GICC_BASE = 0x08010000,
    GICV_SIZE = 0x2000, /* GIC-400 (DDI 0471B 3.5): GICV_DIR is at 0x1000, in the second page */
};

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
    return stage2_map(&vm->stage2, ipaddr(GUEST_GICC_BASE), paddr(gic->reg[3].base), GICV_SIZE,
                      STAGE2_DEVICE);
}

static void attach_devices(struct vm *vm)
{
    bool ok =
        mmio_attach(&vm->mmio, GUEST_GICD_BASE, PAGE_SIZE, vgic_distributor_access, &vm->gic) &&
        mmio_attach(&vm->mmio, GUEST_PL011_BASE, PAGE_SIZE, pl011_access, &vm->uart);
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
    if (!check_cores(vm) || !check_files(vm) || !attach_disks(vm, gpt)) {
        vm->state = VM_REFUSED;
        return;
    }
    CHECK(map_memory(vm));
    attach_devices(vm);
    vm->state = VM_LOADING;
}

/* ---- Start, on the VM's own cores ---- */

static void devices_reset(struct vm *vm)
{
    vgic_reset(vm);
    console_vm_restart(vm);
    pl011_reset(&vm->uart, vm);
    for (unsigned i = 0; i < vm->config->ndisks; i++)
        virtio_blk_reset(&vm->disks[i]);
}

static void start(struct vm *vm, ipaddr_t entry, ipaddr_t dtb)
{
    struct vcpu *boot = &vm->vcpus[0];
    devices_reset(vm);
    vm->cntvoff = time_now();
    lock_take(&vm->lock);
    vm->state = VM_RUNNING;
    boot->power = VCPU_ON_PENDING;
    boot->entry = entry;
    boot->context = dtb.v; /* booting.rst: x0 = physical address of the device tree */
    lock_release(&vm->lock);
    log_line("%s: starting on core %u: kernel at %#llx, device tree at %#llx", vm->config->name,
             boot->cpu, (unsigned long long)entry.v, (unsigned long long)dtb.v);
    vcpu_start(boot);
}

void vm_load_step(struct vm *vm)
{
    ipaddr_t entry, dtb;
    if (vm->state != VM_LOADING)
        return;
    if (!loader_zero_step(vm, &vm->load_progress)) {
        cpu_post(cpu_this(), EVENT_VM_LOAD);
        return;
    }
    vm->starts++;
    if (!loader_load(vm, &machine, &vm->why, &entry, &dtb)) {
        vm->state = VM_REFUSED;
        log_line("%s", vm->why.text);
        return;
    }
    start(vm, entry, dtb);
}

void vcpu_start(struct vcpu *vcpu)
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

/* ---- The end ---- */

noreturn void vcpu_stop(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    lock_take(&vm->lock);
    vcpu->power = VCPU_OFF;
    lock_release(&vm->lock);
    vgic_cpu_stop(vcpu);
    vcpu_park();
}

void vm_end(struct vm *vm, enum vm_state state, const char *reason)
{
    struct vcpu *self = vcpu_this();
    bool first;

    lock_take(&vm->lock);
    first = vm->state == VM_RUNNING;
    if (first)
        vm->state = state;
    lock_release(&vm->lock);

    if (first) {
        refuse(&vm->why, "%s", reason);
        log_vm_state(vm, "%s: %s", state == VM_CRASHED ? "crashed" : "is off", reason);
        for (unsigned i = 0; i < vm->nvcpus; i++)
            if (&vm->vcpus[i] != self)
                cpu_post(vm->vcpus[i].cpu, EVENT_VCPU_STOP);
    }
    if (self && self->vm == vm)
        vcpu_stop(self);
}
