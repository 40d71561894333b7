/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/ asks of a board (platform/<board>/): about fifty lines of data, the rest in small
 * files beside it. All functions run on the boot core, during boot, with no lock held, unless they
 * say otherwise; all of them are bounded in time, whatever the hardware does.
 */
#ifndef BULKHEAD_BOARD_H
#define BULKHEAD_BOARD_H

#include <bulkhead/block.h>
#include <bulkhead/console.h>
#include <bulkhead/machine.h>
#include <bulkhead/types.h>
#include <stdnoreturn.h>

struct board {
    const char *name;
    const char *const *compatible;      /* root compatible strings it serves; ends with NULL */
    const struct device_match *matches; /* for machine_read(); ends with compatible == NULL */

    /* The UART that stdout-path names (else the header's), its pins muxed, ready to send; receive
     * interrupt off. NULL: none that we drive. Needs map_device() and nothing else, so it can be
     * the first thing asked. May be called again (same answer). */
    const struct uart *(*console)(const struct machine *m);

    /* The SD card's controller with a card made ready, or NULL and why (no card, it fell silent,
     * ...). Up to a few seconds. Needs time_now() and, for its interrupts later, irq_attach() by
     * core/block.c. */
    const struct block_driver *(*card)(const struct machine *m, struct refusal *why);

    /* Stop bus masters that firmware or boot loader may have left running (they can write all RAM).
     * Only devices whose node is enabled are touched. */
    void (*quiesce)(const struct machine *m);

    /* Ask the firmware for the ARM clock's maximum. Hz before and after. False: the firmware did
     * not answer; *before and *after are 0 then, or equal. */
    bool (*raise_arm_clock)(const struct machine *m, uint64_t *before, uint64_t *after);

    /* Bytes from the board's hardware random number generator; how many came (0: there is none). */
    size_t (*entropy)(const struct machine *m, void *out, size_t bytes);

    /* Arm or feed the board's watchdog: the board resets unless this is called again within
     * `seconds` (1 to 15); 0: disarm. The first call during boot, later ones on any core. False:
     * the board has none, or its node is disabled. */
    bool (*feed)(const struct machine *m, unsigned seconds);

    /* Restart the whole board. Any core. Returns only if there is no way to. */
    void (*reset)(const struct machine *m);
};

/*
 * The hypervisor's own end (core/board_end.c). Its last words are kept in RAM: they outlive a reset
 * of the board if RAM does, and the next boot says them.
 */

/* Say what the last run left, then note that this one ended without a word. Boot core. */
void board_say_last_words(void);
/* Note why this run ends, NULL: take that back; longer texts are cut. Any core, any lock held. */
void board_note_end(const char *text);
/* Restart the board, noting `text`. Any core; no lock needed. Returns only with `why`: no way to.
 */
void board_reset(const char *text, struct refusal *why);
/* From now on board_fail() resets. Boot core. */
void board_booted(void);
/* A fault of ours was reported on the console, the other cores are stopped: reset the board; halt
 * where it can't be, or while booting (it would only be repeated). */
noreturn void board_fail(const char *text);

/* That every core's EL2 ticks (core/watchdog.c), for the board's watchdog where there is one. Boot
 * core, before the other cores come: */
void watchdog_init(void);
/* Each core that was started, once, on that core; the boot core last: it arms. */
void watchdog_run(void);

/* The board of this build: its folder in platform/ defines it. */
extern const struct board this_board;

#endif
