/* SPDX-License-Identifier: BSD-2-Clause */
/* timer.h in small: for tests of a module that arms timers. */
#include "fake.h"
#include <bulkhead/log.h>
#include <bulkhead/timer.h>
#include <string.h>

static struct timer *armed[MAX_CPUS][MAX_TIMERS_PER_CPU];

void fake_timer_reset(void)
{
    memset(armed, 0, sizeof(armed));
}

static void set_alarm(unsigned cpu)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < MAX_TIMERS_PER_CPU; i++)
        if (armed[cpu][i])
            first = MIN(first, armed[cpu][i]->deadline);
    time_alarm(first);
}

__attribute__((weak)) void timer_init(struct timer *t, void (*expired)(void *), void *context)
{
    *t = (struct timer){.expired = expired, .context = context};
}

__attribute__((weak)) void timer_cancel(struct timer *t)
{
    unsigned cpu = cpu_this();
    if (!t->armed)
        return;
    CHECK(t->cpu == cpu);
    for (unsigned i = 0; i < MAX_TIMERS_PER_CPU; i++)
        if (armed[cpu][i] == t)
            armed[cpu][i] = NULL;
    t->armed = false;
    set_alarm(cpu);
}

__attribute__((weak)) void timer_arm(struct timer *t, uint64_t deadline)
{
    unsigned cpu = cpu_this();
    unsigned i = 0;
    timer_cancel(t);
    while (i < MAX_TIMERS_PER_CPU && armed[cpu][i])
        i++;
    CHECK(i < MAX_TIMERS_PER_CPU);
    armed[cpu][i] = t;
    t->cpu = (uint8_t)cpu;
    t->deadline = deadline;
    t->armed = true;
    set_alarm(cpu);
}

__attribute__((weak)) void timer_interrupt(void)
{
    unsigned cpu = cpu_this();
    for (unsigned i = 0; i < MAX_TIMERS_PER_CPU; i++) {
        struct timer *t = armed[cpu][i];
        if (t && t->deadline <= time_now()) {
            armed[cpu][i] = NULL;
            t->armed = false;
            t->expired(t->context);
        }
    }
    set_alarm(cpu);
}

__attribute__((weak)) uint64_t ticks_from_us(uint64_t us)
{
    return us * FAKE_TICKS_PER_US;
}

__attribute__((weak)) void wait_us(uint64_t us)
{
    uint64_t until = time_now() + us * FAKE_TICKS_PER_US;
    while (time_now() < until)
        cpu_relax();
}
