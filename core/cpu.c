/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/arch.h>
#include <bulkhead/block.h>
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>

#include "vm_internal.h"

static uint32_t posted[MAX_CPUS];

void cpu_post(unsigned cpu, enum cpu_event event)
{
    __atomic_fetch_or(&posted[cpu], (uint32_t)event, __ATOMIC_RELEASE);
    cpu_kick(cpu);
}

void cpu_events_run(void)
{
    uint32_t events = __atomic_exchange_n(&posted[cpu_this()], 0, __ATOMIC_ACQUIRE);
    struct vcpu *vcpu = vcpu_this();

    if (events & EVENT_BLOCK)
        block_run_event();
    if (events & EVENT_CONSOLE)
        console_run_event();
    if (!vcpu)
        return;
    if (events & EVENT_VGIC)
        vgic_run_event(vcpu);
    if (events & EVENT_VIRTIO)
        virtio_run_event(vcpu);
    if (events & EVENT_WATCHDOG)
        sbsa_gwdt_run_event(&vcpu->vm->watchdog);
    if (events & EVENT_VM) /* may not return */
        vm_run_event(vcpu);
}
