/* SPDX-License-Identifier: BSD-2-Clause */
/* Work that one core asks of another: one bit per kind, posted with a kick (core/cpu.c). */
#ifndef BULKHEAD_CPU_H
#define BULKHEAD_CPU_H

#include <bulkhead/types.h>

enum cpu_event {
    EVENT_VM = 1 << 0,       /* your VM's state, or your vCPU's, asks for your part (core/vm.c) */
    EVENT_BLOCK = 1 << 1,    /* your VM has the card's turn (core/block.c) */
    EVENT_VGIC = 1 << 2,     /* your vCPU's interrupt state changed (vgic/) */
    EVENT_CONSOLE = 1 << 3,  /* your VM may print again, or has input (core/console.c) */
    EVENT_VIRTIO = 1 << 4,   /* a device of your VM has more to take up (virtio/) */
    EVENT_WATCHDOG = 1 << 5, /* your VM's watchdog shall run out earlier (vdev/) */
};

/* Any core, any lock held. Idempotent until the target has run the event. */
void cpu_post(unsigned cpu, enum cpu_event event);
/* Run one event that was posted to this core; when more are, it kicks itself. Called by arch on the
 * kick SGI; no lock held. May not return (EVENT_VM). */
void cpu_events_run(void);

#endif
