/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM and its vCPUs, all static (core/vm.c). */
#ifndef BULKHEAD_VM_H
#define BULKHEAD_VM_H

#include <bulkhead/arch.h>
#include <bulkhead/config.h>
#include <bulkhead/lock.h>
#include <bulkhead/mmio.h>
#include <bulkhead/partition.h>
#include <bulkhead/vdev.h>
#include <bulkhead/vgic.h>
#include <bulkhead/virtio.h>

enum vm_state { VM_REFUSED, VM_LOADING, VM_RUNNING, VM_STOPPING, VM_OFF, VM_CRASHED };
/* PSCI power states of a core (DEN 0022D 5.1). */
enum vcpu_power { VCPU_OFF, VCPU_ON_PENDING, VCPU_ON };

/* Exits are counted by ESR_EL2.EC, and interrupts behind those. */
enum { EXIT_INTERRUPT = 64, EXITS };

struct vcpu {
    struct vm *vm;
    uint8_t index;         /* the guest's CPU number: MPIDR Aff0 and GIC interface number */
    uint8_t cpu;           /* the physical core */
    enum vcpu_power power; /* under vm->lock */
    ipaddr_t entry;        /* for EVENT_VCPU_START */
    uint64_t context;
    struct vcpu_regs *regs; /* of the exit being handled; arch sets it */
    uint64_t exits[EXITS];  /* since power-on; its own core writes */
    struct vgic_cpu gic;
};

struct vm {
    unsigned id; /* index; VMID is id + 1 */
    const struct vm_config *config;
    struct partition memory;
    enum vm_state state; /* under lock; read anywhere for display */
    struct lock lock;
    unsigned nvcpus;
    struct vcpu vcpus[MAX_CPUS];
    struct stage2 stage2;
    uint64_t cntvoff;       /* CNTVOFF_EL2: the guest's counter starts at 0 */
    uint64_t load_progress; /* bytes zeroed so far; VM_LOADING, first core only */
    unsigned starts;        /* how often it was started: part of its seeds */
    struct mmio_map mmio;
    struct vgic gic;
    struct pl011 uart;
    struct virtio_blk disks[MAX_DISKS];
    struct refusal why;               /* VM_REFUSED or VM_CRASHED: the sentence */
    unsigned log_tokens, log_dropped; /* log_vm()'s budget */
    uint64_t log_refill;
};

extern struct vm vms[MAX_VMS];
extern unsigned vm_count;

/* The vCPU pinned to this core, NULL if the core is unassigned. */
struct vcpu *vcpu_this(void);
struct vcpu *vcpu_on(unsigned cpu);

/* End this VM: all its cores park, one line says why. Callable from any of its vCPUs' exits; does
 * not return when the caller is one of them. No lock held. */
void vm_end(struct vm *vm, enum vm_state state, const char *reason);

/* The guest made an HVC #0 or SMC #0 (core/smccc.c); registers in vcpu->regs. May not return. No
 * lock held. arch/ only. */
void smccc_call(struct vcpu *vcpu);

#endif
