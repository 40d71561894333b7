/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM and its vCPUs, all static (core/vm.c). */
#ifndef BULKHEAD_VM_H
#define BULKHEAD_VM_H

#include <bulkhead/arch.h>
#include <bulkhead/config.h>
#include <bulkhead/loader.h>
#include <bulkhead/lock.h>
#include <bulkhead/mmio.h>
#include <bulkhead/partition.h>
#include <bulkhead/timer.h>
#include <bulkhead/vdev.h>
#include <bulkhead/vgic.h>
#include <bulkhead/virtio.h>

/* docs/architecture.md draws them; core/vm_state.c alone moves a VM from one to another. */
enum vm_state {
    VM_REFUSED, /* its configuration or a boot file cannot be; vm->why */
    VM_OFF,     /* nothing of it is anywhere; maybe a restart is due */
    VM_LOADING, /* its first core zeroes and loads, step by step */
    VM_RUNNING, /* its guest runs */
    VM_PAUSED, /* its vCPUs stand still, and so does its virtual time; requests to the card go on */
    VM_STOPPING, /* its cores come in, its requests are cancelled */
    VM_CRASHED,  /* as VM_OFF, after a crash; vm->why */
};

/* Why a VM came to its end; what follows is the configuration's (VM_END_OFF: nothing does). */
enum vm_end_kind {
    VM_END_OFF,      /* the guest turned itself off */
    VM_END_RESET,    /* the guest asked for a reset: on-reset */
    VM_END_CRASH,    /* a fault that it cannot go on from: on-crash */
    VM_END_WATCHDOG, /* it did not feed its watchdog: on-crash */
    VM_END_KILL,     /* the operator's kill: stays down */
    VM_END_RESTART,  /* the operator's restart: starts at once */
};

/* What an operator can ask for. */
enum vm_command {
    VM_COMMAND_START,
    VM_COMMAND_STOP,
    VM_COMMAND_RESTART,
    VM_COMMAND_PAUSE,
    VM_COMMAND_RESUME,
    VM_COMMAND_KILL,
};

/* The last bytes of every VM's RAM: never zeroed but for its first start, so that what a kernel
 * leaves there (ramoops) outlives a restart. */
enum { GUEST_KEPT_BYTES = 64 << 10 };

/* PSCI power states of a core (DEN 0022D 5.1). */
enum vcpu_power { VCPU_OFF, VCPU_ON_PENDING, VCPU_ON };

/* Exits are counted by ESR_EL2.EC, and interrupts behind those. */
enum { EXIT_INTERRUPT = 64, EXITS };

struct vcpu {
    struct vm *vm;
    uint8_t index;         /* the guest's CPU number: MPIDR Aff0 and GIC interface number */
    uint8_t cpu;           /* the physical core */
    enum vcpu_power power; /* under vm->lock */
    bool frozen;           /* VM_PAUSED: stands still on its core, its state kept; under vm->lock */
    ipaddr_t entry;        /* where it starts, VCPU_ON_PENDING */
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
    uint64_t cntvoff; /* CNTVOFF_EL2: the guest's counter starts at 0, and stands while paused */
    struct loader loader; /* VM_LOADING, first core only */
    unsigned starts;      /* how often it was started: part of its seeds */
    /* Under lock, but for display: core/vm_state.c's. */
    enum vm_end_kind end; /* why it ended last; the sentence is in `why` */
    bool press_power;     /* the first core shall press the power key */
    bool restart_due;     /* VM_OFF, VM_CRASHED: the timer will start it */
    uint8_t down;         /* VM_STOPPING: bit n: vCPU n has come in */
    unsigned restarts;    /* how often it was restarted by policy */
    unsigned streak;      /* restarts by policy since it last ran well: the delay's exponent */
    uint64_t started_at;  /* ticks: when it last began to run */
    uint64_t paused_at;   /* ticks: when its last vCPU froze, or was thawed */
    uint64_t restarted_at[MAX_RESTARTS]; /* ticks, a ring: when it was restarted by policy */
    struct timer timer; /* of its first core: the restart that is due, or stop's limit */
    struct mmio_map mmio;
    struct vgic gic;
    struct pl011 uart;
    struct pl061 gpio; /* the power key */
    struct sbsa_gwdt watchdog;
    struct virtio_blk disks[MAX_DISKS];
    struct refusal why;               /* VM_REFUSED, or how it ended last: the sentence */
    unsigned log_tokens, log_dropped; /* log_vm()'s budget */
    uint64_t log_refill;
};

extern struct vm vms[MAX_VMS];
extern unsigned vm_count;

/* The vCPU pinned to this core, NULL if the core is unassigned. */
struct vcpu *vcpu_this(void);
struct vcpu *vcpu_on(unsigned cpu);

/* Its state is no argument against `command`: do it. Asynchronous: what takes time is done by the
 * VM's own cores. False: `why` says what to do instead. Any core, no lock held. */
bool vm_command(struct vm *vm, enum vm_command command, struct refusal *why);

/* End this VM: its cores park, one line gives `reason`, and the configuration says what follows.
 * Harmless if it is not running. Any core; does not return when the caller is in an exit of one of
 * its vCPUs, or in an interrupt or event on one of its cores. No lock held. */
void vm_end(struct vm *vm, enum vm_end_kind kind, const char *reason);

/* A name for display. */
const char *vm_state_name(enum vm_state state);

/* CRC-32, begun with `crc`, over tables that no start or end of a VM may change: who has which
 * memory, cores and emulated devices. Any core, no lock. */
uint32_t vm_tables_hash(uint32_t crc);

/* The guest made an HVC #0 or SMC #0 (core/smccc.c); registers in vcpu->regs. May not return. No
 * lock held. arch/ only. */
void smccc_call(struct vcpu *vcpu);

#endif
