/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every core's EL2 ticks; the boot core feeds the board's watchdog as long as all did. A guest
 * can't keep a core from ticking: the EL2 timer's interrupt is taken whatever it masks. Where there
 * is no watchdog the log tells of a core that hangs.
 */
#include <bulkhead/arch.h>
#include <bulkhead/board.h>
#include <bulkhead/log.h>
#include <bulkhead/timer.h>
#include <stdio.h>

enum {
    TICK_S = 4,
    LIMIT_S = 15, /* the feeder may miss two of its ticks and be in time with the third */
};

static struct timer ticks[MAX_CPUS];
static uint32_t wanted; /* cores that must tick, by bit */
static uint32_t ticked; /* those that did since the last feeding; atomic */
static unsigned feeder; /* the boot core */
static unsigned missed; /* its ticks in a row without feeding */
static bool armed;      /* there is a watchdog */

/* Should it come to a reset, the next boot can say which core it was about. */
static void note_missing(uint32_t missing)
{
    char text[64];
    int core = __builtin_ctz(missing);

    log_line("core %d: its EL2 has not ticked for %u s", core, 2 * TICK_S);
    if (!armed)
        return;
    snprintf(text, sizeof(text), "EL2 hung on core %d: the board's watchdog", core);
    board_note_end(text);
}

static void feed(void)
{
    uint32_t missing = wanted & ~__atomic_load_n(&ticked, __ATOMIC_ACQUIRE);

    if (missing) {
        if (++missed == 2) /* once is a matter of whose tick came first */
            note_missing(missing);
        return;
    }
    if (missed >= 2 && armed)
        board_note_end(NULL);
    missed = 0;
    __atomic_store_n(&ticked, 0, __ATOMIC_RELAXED);
    this_board.feed(&machine, LIMIT_S);
}

static void tick(void *unused)
{
    unsigned cpu = cpu_this();

    (void)unused;
    __atomic_fetch_or(&ticked, 1u << cpu, __ATOMIC_RELEASE);
    if (cpu == feeder)
        feed();
    timer_arm(&ticks[cpu], time_now() + TICK_S * time_hz());
}

void watchdog_init(void)
{
    feeder = cpu_this();
    wanted = ticked = missed = 0;
    armed = this_board.feed(&machine, 0);
    if (!armed)
        log_line("the board's watchdog is not used: its node is disabled or not there");
    for (unsigned i = 0; i < cpu_count(); i++)
        if (machine.cpus[i].enabled)
            wanted |= 1u << i;
}

void watchdog_run(void)
{
    timer_init(&ticks[cpu_this()], tick, NULL);
    if (cpu_this() == feeder)
        this_board.feed(&machine, LIMIT_S);
    tick(NULL);
}
