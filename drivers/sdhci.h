/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A standard SD host controller (SD Host Controller Simplified Specification 3.00) with one SD
 * memory card (Physical Layer Simplified Specification 3.01), as a block_driver. 3.3 V, 4 bits,
 * High Speed.
 *
 *   sdhci.c          registers, clock, reset, one polled command
 *   sdhci_card.c     bringing up a card, at boot, by polling
 *   sdhci_run.c      turns: an interrupt-driven state machine
 *   sdhci_recover.c  what follows an error, in timer steps
 */
#ifndef DRIVERS_SDHCI_H
#define DRIVERS_SDHCI_H

#include <bulkhead/block.h>
#include <bulkhead/timer.h>
#include <bulkhead/types.h>

/* What a board knows about its controller. All registers are accessed as 32-bit words, so a
 * controller that allows nothing else needs no quirk for it. */
struct sdhci_board {
    paddr_t base;
    unsigned intid;
    uint32_t clock_hz;          /* base clock; 0: the capabilities register tells */
    uint32_t min_hz;            /* slowest SD clock the controller can make */
    uint32_t slow_write_clocks; /* wait so many SD clocks after a register write while at 400 kHz or
                                   less */
    uint64_t dma_offset;        /* bus address = machine address + this */
    struct range dma; /* machine addresses the controller reaches; size 0: all below 4 GiB */
};

enum sdhci_state {
    SDHCI_IDLE,
    SDHCI_COMMAND,  /* waits for the response */
    SDHCI_DATA,     /* waits for blocks, or for the end of the transfer */
    SDHCI_COPY,     /* the bounce buffer's bytes go from or to the guest, some at a time */
    SDHCI_STATUS,   /* flush: CMD13's response */
    SDHCI_RESET,    /* recovery: CMD and DAT lines are being reset */
    SDHCI_STOPPING, /* recovery: CMD12's response */
    SDHCI_SETTLING, /* recovery, flush: time passes until the next CMD13 */
};

struct sdhci {
    uint8_t *regs;
    struct sdhci_board board;
    uint32_t clock_hz;     /* base clock */
    uint32_t capabilities; /* 2.2.26, low half */
    uint32_t sd_hz;        /* SD clock now */
    bool adma;            /* data goes by ADMA2 through the bounce buffer, else by programmed I/O */
    bool block_addressed; /* SDHC, SDXC */
    bool write_protected;
    uint16_t rca; /* the card's address */
    struct block_driver driver;

    /* The turn */
    enum sdhci_state state;
    struct timer timer;
    uint64_t deadline; /* no progress until then: a time-out */
    bool late;         /* it has passed once, and the controller had something to say */
    uint64_t limit;    /* of the whole try */
    struct block_request *r;
    uint64_t sector;
    uint32_t count, moved; /* blocks; moved: by a core of ours */
    unsigned tries;
    const char *error;   /* why the last try failed; NULL: it did not */
    bool silent;         /* ... and the card does not even say how it is */
    unsigned unanswered; /* CMD13 in a row */
    uint64_t settle_limit;
    unsigned resets; /* polls of the reset bit */

    unsigned silent_turns; /* in a row */
    bool dead;
    uint64_t
        next_log; /* ticks: errors can be a guest's doing, they are not said more often than this */
};

/* Boot: reset the controller and make a card ready; h->driver is filled in. False: why. At most a
 * few seconds. */
bool sdhci_open(struct sdhci *h, const struct sdhci_board *board, struct refusal *why);

#endif
