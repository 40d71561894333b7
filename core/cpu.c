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

/* The next bit behind `last`, round and round: none keeps another from its turn. */
static uint32_t pick(uint32_t events, uint32_t last)
{
    uint32_t behind = events & ~(last | (last - 1));
    uint32_t from = behind ? behind : events;
    return from & -from;
}

/* EVENT_VM may not return. */
static void run(uint32_t event, struct vcpu *vcpu)
{
    if (event == EVENT_BLOCK)
        block_run_event();
    else if (event == EVENT_CONSOLE)
        console_run_event();
    else if (!vcpu)
        return;
    else if (event == EVENT_VGIC)
        vgic_run_event(vcpu);
    else if (event == EVENT_VIRTIO)
        virtio_run_event(vcpu);
    else if (event == EVENT_WATCHDOG)
        sbsa_gwdt_run_event(&vcpu->vm->watchdog);
    else if (event == EVENT_VM)
        vm_run_event(vcpu);
}

void cpu_events_run(void)
{
    static uint32_t last[MAX_CPUS]; /* own core's only */
    unsigned self = cpu_this();
    uint32_t events = __atomic_exchange_n(&posted[self], 0, __ATOMIC_ACQUIRE);
    uint32_t event;

    if (!events)
        return;
    event = pick(events, last[self]);
    last[self] = event;
    if (events != event) /* each is a stay: the guest has its turn between them */
        cpu_post(self, (enum cpu_event)(events & ~event));
    run(event, vcpu_this());
}
