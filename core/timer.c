/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <bulkhead/timer.h>

/* Those that are armed, in no order. Each core touches only its own row, with interrupts masked: no
 * lock. */
static struct row {
    struct timer *armed[MAX_TIMERS_PER_CPU];
    unsigned count;
} rows[MAX_CPUS];

static void set_alarm(const struct row *row)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < row->count; i++)
        first = MIN(first, row->armed[i]->deadline);
    time_alarm(first);
}

void timer_init(struct timer *t, void (*expired)(void *), void *context)
{
    *t = (struct timer){.expired = expired, .context = context};
}

void timer_arm(struct timer *t, uint64_t deadline_ticks)
{
    unsigned cpu = cpu_this();
    struct row *row = &rows[cpu];
    if (t->armed && t->cpu != cpu)
        return;
    t->deadline = deadline_ticks;
    if (!t->armed) {
        /* Every timer is a static object of ours: the sum is known. */
        CHECK(row->count < MAX_TIMERS_PER_CPU);
        t->place = (uint8_t)row->count;
        row->armed[row->count++] = t;
        t->cpu = (uint8_t)cpu;
        t->armed = true;
    }
    set_alarm(row);
}

void timer_cancel(struct timer *t)
{
    struct row *row = &rows[cpu_this()];
    struct timer *last;
    if (!t->armed || t->cpu != cpu_this())
        return;
    last = row->armed[--row->count];
    row->armed[t->place] = last;
    last->place = t->place;
    t->armed = false;
    set_alarm(row);
}

void timer_interrupt(void)
{
    struct row *row = &rows[cpu_this()];
    uint64_t now = time_now();
    /* One pass, from the last: what a handler arms comes behind, and one that arms itself anew in
     * the past is served by the next interrupt. A cancelled one's place is taken by one from
     * behind, so none is missed. */
    for (unsigned i = MAX_TIMERS_PER_CPU; i-- > 0;) {
        struct timer *t = row->armed[i];
        if (i < row->count && t->deadline <= now) {
            timer_cancel(t); /* sets the alarm for the others: this one may not return */
            t->expired(t->context);
        }
    }
    set_alarm(row);
}

uint64_t ticks_from_us(uint64_t us)
{
    return us * time_hz() / 1000000;
}

void wait_us(uint64_t us)
{
    uint64_t until = time_now() + ticks_from_us(us);
    while (time_now() < until)
        cpu_relax();
}
