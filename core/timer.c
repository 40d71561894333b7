/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <bulkhead/timer.h>

/* Each core touches only its own row, with interrupts masked: no lock. */
static struct timer *armed[MAX_CPUS][MAX_TIMERS_PER_CPU];

static void set_alarm(unsigned cpu)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < MAX_TIMERS_PER_CPU; i++)
        if (armed[cpu][i])
            first = MIN(first, armed[cpu][i]->deadline);
    time_alarm(first);
}

static void unlink_timer(struct timer *t)
{
    for (unsigned i = 0; i < MAX_TIMERS_PER_CPU; i++)
        if (armed[t->cpu][i] == t)
            armed[t->cpu][i] = NULL;
    t->armed = false;
}

void timer_init(struct timer *t, void (*expired)(void *), void *context)
{
    *t = (struct timer){.expired = expired, .context = context};
}

void timer_arm(struct timer *t, uint64_t deadline_ticks)
{
    unsigned cpu = cpu_this();
    if (t->armed && t->cpu != cpu)
        return;
    t->deadline = deadline_ticks;
    if (!t->armed) {
        unsigned i = 0;
        while (i < MAX_TIMERS_PER_CPU && armed[cpu][i])
            i++;
        CHECK(i <
              MAX_TIMERS_PER_CPU); /* every timer is a static object of ours: the sum is known */
        armed[cpu][i] = t;
        t->cpu = (uint8_t)cpu;
        t->armed = true;
    }
    set_alarm(cpu);
}

void timer_cancel(struct timer *t)
{
    if (!t->armed || t->cpu != cpu_this())
        return;
    unlink_timer(t);
    set_alarm(t->cpu);
}

void timer_interrupt(void)
{
    unsigned cpu = cpu_this();
    uint64_t now = time_now();
    /* One pass: a handler that arms itself anew in the past is served by the next interrupt. */
    for (unsigned i = 0; i < MAX_TIMERS_PER_CPU; i++) {
        struct timer *t = armed[cpu][i];
        if (t && t->deadline <= now) {
            timer_cancel(t); /* sets the alarm for the others: this one may not return */
            t->expired(t->context);
        }
    }
    set_alarm(cpu);
}

uint64_t ticks_from_us(uint64_t us)
{
    return us * time_hz() / 1000000;
}
