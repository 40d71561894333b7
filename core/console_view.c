/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/cpu.h>

#include "console_state.h"

struct console_view view_now(void)
{
    struct console_view now;
    lock_take(&console.lock);
    now.show = console.show;
    now.attached = console.attached;
    lock_release(&console.lock);
    return now;
}

void view_set(struct console_view view)
{
    lock_take(&console.lock);
    console.show = view.show;
    console.attached = (uint8_t)view.attached;
    console.waiting |= 1u << HYPERVISOR;
    __atomic_store_n(&console.epoch, console.epoch + 1, __ATOMIC_RELEASE);
    lock_release(&console.lock);
}

void view_tell(void)
{
    for (unsigned i = 0; i < vm_count; i++)
        cpu_post(vms[i].vcpus[0].cpu, EVENT_CONSOLE);
}
