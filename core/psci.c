/* SPDX-License-Identifier: BSD-2-Clause */
/* Power State Coordination Interface 1.1 (DEN 0022D) as a guest sees it: its own vCPUs and nothing
 * else. */
#include <bulkhead/calls.h>
#include <bulkhead/cpu.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>

#include "smccc.h"
#include "vm_internal.h"

/* Function numbers without the SMC64 bit (0022D 5.1). */
enum psci_function {
    PSCI_VERSION = 0,
    PSCI_CPU_SUSPEND = 1,
    PSCI_CPU_OFF = 2,
    PSCI_CPU_ON = 3,
    PSCI_AFFINITY_INFO = 4,
    PSCI_MIGRATE_INFO_TYPE = 6,
    PSCI_SYSTEM_OFF = 8,
    PSCI_SYSTEM_RESET = 9,
    PSCI_FEATURES = 10,
    PSCI_SYSTEM_RESET2 = 18,
};

/* 0022D 5.2.2, table 6. */
enum psci_result {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    DENIED = -3,
    ALREADY_ON = -4,
    ON_PENDING = -5,
    INVALID_ADDRESS = -9,
};

enum {
    SMC64 = 1 << 30,
    VERSION_1_1 = ANSWER_PSCI_1_1,
    MIGRATE_NOT_REQUIRED = 2,        /* 5.9: no trusted OS */
    POWER_STATE_POWERDOWN = 1 << 16, /* 5.4.2.1, original format, StateType */
    POWER_STATE_RESERVED = 0xfcfe0000,
    SMCCC_VERSION = CALL_SMCCC_VERSION,
};

/* A guest's MPIDR values are its CPU numbers in Aff0 (arch: VMPIDR_EL2); any other bit names
 * nobody. */
static struct vcpu *target(struct vm *vm, uint64_t mpidr)
{
    return mpidr < vm->nvcpus ? &vm->vcpus[mpidr] : NULL;
}

static int64_t cpu_on(struct vm *vm, uint64_t mpidr, uint64_t entry, uint64_t context)
{
    struct vcpu *t = target(vm, mpidr);
    int64_t result = SUCCESS;
    if (!t)
        return INVALID_PARAMETERS;
    if ((entry & 3) || !guest_mem(vm, ipaddr(entry), 4))
        return INVALID_ADDRESS;

    lock_take(&vm->lock);
    /* Paused: the caller has not met that yet. */
    if (vm->state != VM_RUNNING && vm->state != VM_PAUSED) {
        result = DENIED;
    } else if (t->power == VCPU_ON) {
        result = ALREADY_ON;
    } else if (t->power == VCPU_ON_PENDING) {
        result = ON_PENDING;
    } else {
        t->power = VCPU_ON_PENDING;
        t->entry = ipaddr(entry);
        t->context = context;
    }
    lock_release(&vm->lock);
    if (result == SUCCESS)
        cpu_post(t->cpu, EVENT_VM);
    return result;
}

/* 5.7.1: 0 ON, 1 OFF, 2 ON_PENDING. Levels above 0 name the one cluster that all vCPUs are in. */
static int64_t affinity_info(struct vm *vm, uint64_t mpidr, uint64_t level)
{
    static const uint8_t answer[] = {[VCPU_ON] = 0, [VCPU_OFF] = 1, [VCPU_ON_PENDING] = 2};
    struct vcpu *t = target(vm, mpidr);
    if (level > 3 || (level == 0 && !t))
        return INVALID_PARAMETERS;
    if (level > 0)
        return mpidr < 256 ? 0 : INVALID_PARAMETERS; /* the caller itself is on */
    return answer[__atomic_load_n(&t->power, __ATOMIC_RELAXED)];
}

static void cpu_off(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    bool last = true;

    lock_take(&vm->lock);
    vcpu->power = VCPU_OFF;
    for (unsigned i = 0; i < vm->nvcpus; i++)
        last &= vm->vcpus[i].power == VCPU_OFF;
    lock_release(&vm->lock);
    if (last)
        vm_end(vm, VM_END_OFF, "its last CPU was turned off (PSCI CPU_OFF)");
    vgic_cpu_stop(vcpu);
    vcpu_park();
}

static int64_t cpu_suspend(uint64_t power_state)
{
    if (power_state & (POWER_STATE_RESERVED | POWER_STATE_POWERDOWN))
        return INVALID_PARAMETERS;
    /* 5.4: a standby state may end at once; the guest's own WFI is what waits, without an exit. */
    return SUCCESS;
}

/* 5.1 (table), SYSTEM_RESET2: of the architectural types there is 0, a warm reset; bit 31 marks a
 * vendor's, of which there is none. */
static int64_t system_reset2(struct vm *vm, uint32_t type)
{
    if (type != 0)
        return INVALID_PARAMETERS;
    vm_end(vm, VM_END_RESET, "it asked for a reset (PSCI SYSTEM_RESET2)");
    return SUCCESS;
}

static int64_t features(uint32_t function)
{
    switch (function) {
    case SMCCC_VERSION:
        return SUCCESS;
    default:
        break;
    }
    if ((function & ~(uint32_t)(SMC64 | 0x1f)) != 0x84000000)
        return NOT_SUPPORTED;
    switch ((enum psci_function)(function & 0x1f)) {
    case PSCI_CPU_SUSPEND: /* 5.15.2: original StateID format, no OS-initiated mode */
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_SYSTEM_RESET2:
        return SUCCESS;
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
        return function & SMC64 ? NOT_SUPPORTED : SUCCESS;
    }
    return NOT_SUPPORTED;
}

void psci_call(struct vcpu *vcpu, uint32_t function)
{
    uint64_t *x = vcpu->regs->x;
    uint64_t mask =
        function & SMC64 ? UINT64_MAX : UINT32_MAX; /* 0028E 3.1: SMC32 arguments are W registers */
    int64_t result = NOT_SUPPORTED;

    if (features(function) != SUCCESS) {
        x[0] = SMCCC_NOT_SUPPORTED;
        return;
    }
    switch ((enum psci_function)(function & 0x1f)) {
    case PSCI_VERSION:
        result = VERSION_1_1;
        break;
    case PSCI_CPU_SUSPEND:
        result = cpu_suspend(x[1] & UINT32_MAX);
        break;
    case PSCI_CPU_OFF:
        cpu_off(vcpu);
        break;
    case PSCI_CPU_ON:
        result = cpu_on(vcpu->vm, x[1] & mask, x[2] & mask, x[3] & mask);
        break;
    case PSCI_AFFINITY_INFO:
        result = affinity_info(vcpu->vm, x[1] & mask, x[2] & UINT32_MAX);
        break;
    case PSCI_MIGRATE_INFO_TYPE:
        result = MIGRATE_NOT_REQUIRED;
        break;
    case PSCI_SYSTEM_OFF:
        vm_end(vcpu->vm, VM_END_OFF, "it turned itself off (PSCI SYSTEM_OFF)");
        break;
    case PSCI_SYSTEM_RESET:
        vm_end(vcpu->vm, VM_END_RESET, "it asked for a reset (PSCI SYSTEM_RESET)");
        break;
    case PSCI_SYSTEM_RESET2:
        result = system_reset2(vcpu->vm, (uint32_t)x[1]);
        break;
    case PSCI_FEATURES:
        result = features((uint32_t)x[1]);
        break;
    }
    x[0] = (uint64_t)result;
}
