/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <bulkhead/board.h>
#include <bulkhead/cpu.h>
#include <bulkhead/lock.h>
#include <stdlib.h>
#include <string.h>

_Thread_local unsigned fake_cpu;
unsigned fake_cpu_total = MAX_CPUS;
unsigned fake_kicks[MAX_CPUS], fake_posted[MAX_CPUS], fake_posts[MAX_CPUS];
static _Thread_local unsigned long relaxed;

void fake_cpu_reset(void)
{
    fake_cpu = 0;
    fake_cpu_total = MAX_CPUS;
    fake_irq_quiet = false;
    memset(fake_kicks, 0, sizeof(fake_kicks));
    memset(fake_posted, 0, sizeof(fake_posted));
    memset(fake_posts, 0, sizeof(fake_posts));
}

__attribute__((weak)) unsigned cpu_this(void)
{
    return fake_cpu;
}

__attribute__((weak)) unsigned cpu_count(void)
{
    return fake_cpu_total;
}

/* A test of one thread that spins for a lock would spin for ever: give up loudly. */
__attribute__((weak)) void cpu_relax(void)
{
    if (++relaxed > 1UL << 26)
        abort();
}

__attribute__((weak)) void lock_wait(const struct lock *l, uint16_t ticket)
{
    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax();
}

/* An interrupt waits after each step, unless a test says otherwise. */
bool fake_irq_quiet;

__attribute__((weak)) bool irq_waits(void)
{
    return !fake_irq_quiet;
}

__attribute__((weak)) void cpu_kick(unsigned cpu)
{
    fake_kicks[cpu]++;
}

__attribute__((weak)) void cpu_post(unsigned cpu, enum cpu_event event)
{
    fake_posted[cpu] |= event;
    fake_posts[cpu]++;
}

__attribute__((weak)) noreturn void cpu_halt(void)
{
    abort();
}

__attribute__((weak)) void cpu_stop_others(void)
{
}

__attribute__((weak)) noreturn void board_fail(const char *text)
{
    (void)text;
    abort();
}

__attribute__((weak)) uint64_t entropy_jitter(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    return state = state * 6364136223846793005ULL + 1442695040888963407ULL;
}
