/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <bulkhead/timer.h>

uint64_t fake_time, fake_time_step;
uint64_t fake_alarm[MAX_CPUS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

#pragma weak timer_interrupt

void fake_time_reset(void)
{
    fake_time = 0;
    fake_time_step = 0;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        fake_alarm[i] = UINT64_MAX;
}

__attribute__((weak)) uint64_t time_now(void)
{
    return fake_time += fake_time_step;
}

__attribute__((weak)) uint64_t time_hz(void)
{
    return FAKE_HZ;
}

__attribute__((weak)) void time_alarm(uint64_t deadline)
{
    fake_alarm[cpu_this()] = deadline;
}

static unsigned earliest(void)
{
    unsigned best = 0;
    for (unsigned i = 1; i < MAX_CPUS; i++)
        if (fake_alarm[i] < fake_alarm[best])
            best = i;
    return best;
}

bool fake_run_next(void)
{
    unsigned cpu = earliest(), before = fake_cpu;
    if (fake_alarm[cpu] == UINT64_MAX)
        return false;
    fake_time = MAX(fake_time, fake_alarm[cpu]);
    fake_alarm[cpu] = UINT64_MAX;
    fake_cpu = cpu;
    if (timer_interrupt)
        timer_interrupt();
    fake_cpu = before;
    return true;
}

void fake_run_until(uint64_t ticks)
{
    while (fake_alarm[earliest()] <= ticks)
        fake_run_next();
    fake_time = MAX(fake_time, ticks);
}
