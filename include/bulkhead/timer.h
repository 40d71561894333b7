/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines on one core, over its EL2 timer (core/timer.c). A timer belongs to the core that armed
 * it. */
#ifndef BULKHEAD_TIMER_H
#define BULKHEAD_TIMER_H

#include <bulkhead/types.h>

struct timer {
    uint64_t deadline;              /* ticks; valid while armed */
    void (*expired)(void *context); /* runs on the arming core, no lock held, one bounded step;
                                       may not return (vm_end) */
    void *context;
    uint8_t cpu; /* whose it is, and where among that core's; valid while armed */
    uint8_t place;
    bool armed;
};

enum { MAX_TIMERS_PER_CPU = 16 };

/* Static initialisation of one timer; any time before its first use. */
void timer_init(struct timer *t, void (*expired)(void *), void *context);
/* Arm (or move) on this core. A timer armed on another core is an error of ours and is ignored
 * there: owners keep a timer on one core at a time. Safe with any lock held. */
void timer_arm(struct timer *t, uint64_t deadline_ticks);
/* Disarm; own core only; harmless when not armed. */
void timer_cancel(struct timer *t);
/* EL2 timer interrupt on this core: run what is due. arch only. */
void timer_interrupt(void);

uint64_t ticks_from_us(uint64_t us);
/* Nothing else is done on this core meanwhile: at boot, and before the board is reset. */
void wait_us(uint64_t us);

#endif
