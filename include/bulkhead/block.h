/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card, shared in turns (core/block.c). Each VM is a client with a queue; a turn is one command
 * of at most BLOCK_TURN_SECTORS; clients that wait take turns. The client in turn drives the
 * controller on its own core, and the controller's interrupt is routed there.
 */
#ifndef BULKHEAD_BLOCK_H
#define BULKHEAD_BLOCK_H

#include <bulkhead/types.h>

enum {
    SECTOR_SIZE = 512,
    BLOCK_TURN_SECTORS = 128,
    BLOCK_MAX_SEGMENTS = 34,
};

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };
enum block_status { BLOCK_OK, BLOCK_IO_ERROR };

/* Bytes in EL2's view, valid on the client's cores only (guest RAM window). */
struct block_segment {
    uint8_t *data;
    uint32_t bytes;
};

struct block_request {
    enum block_op op;
    uint64_t sector;  /* on the card (the partition's start is added by the client's disk) */
    uint32_t sectors; /* sum of segment bytes / 512 */
    unsigned nsegments;
    struct block_segment segments[BLOCK_MAX_SEGMENTS];
    /* Runs on a core of the client's VM, no lock held. */
    void (*done)(struct block_request *request, enum block_status status);
    void *context;
    /* core/block.c's own */
    struct block_request *next;
    uint32_t done_sectors;
    unsigned segment, segment_offset;           /* cursor */
    unsigned turn_segment, turn_segment_offset; /* where it was when the turn began */
    unsigned cpu; /* the core that submitted it, and drives its turns */
};

/* Copy the next `bytes` between the card's side and the request's segments, moving its cursor.
 * Driver only. */
void block_copy_in(struct block_request *r, const void *from,
                   uint32_t bytes);                                     /* card -> segments */
void block_copy_out(struct block_request *r, void *to, uint32_t bytes); /* segments -> card */
/* The next `bytes` where they are, if they are one piece and on a multiple of 8, as memcpy() is
 * quick with, and the cursor behind them; else NULL, and nothing has changed. Driver only. */
void *block_piece(struct block_request *r, uint32_t bytes);
/* Back to the start of the turn, for another try. Driver only. */
void block_rewind(struct block_request *r);

/* What a card controller offers. One command at a time. All run on the core in turn, without the
 * block lock. */
struct block_driver {
    void *device;
    uint64_t sectors; /* capacity */
    unsigned intid;   /* its SPI */
    /* Start moving `count` sectors at `sector` for `r` (BLOCK_FLUSH: 0 sectors); progress by
     * interrupt() and the driver's own timer; ends in exactly one block_turn_done(), possibly
     * before start() returns, and in bounded time whatever the card does. */
    void (*start)(void *device, struct block_request *r, uint64_t sector, uint32_t count);
    /* Its interrupt, on the routed core: one bounded step. */
    void (*interrupt)(void *device);
    /* The same step without interrupts, and the timer's when it is due. Boot. */
    void (*poll)(void *device);
};

struct block_stats {
    uint64_t requests, turns, bytes_read, bytes_written, errors;
};

/* Boot core, once. NULL driver: no card; every request fails. */
void block_init(const struct block_driver *driver);
/* The driver says: the command ended. Core in turn; no lock held. */
void block_turn_done(enum block_status status);
/* Queue a request, the caller's until done(), which may run before this returns. Requests of one
 * client are served in order, so a flush completes after all its earlier writes. Caller: a core of
 * VM `client` (its id); no block lock held. */
void block_submit(unsigned client, struct block_request *r);
/* Forget the client's requests that have this context: done() is not called for them. False: one of
 * them is on the card and may touch its memory, or a done() of the client's is running on another
 * core; this core gets EVENT_VM when that has ended (bounded): then ask again. After true, no
 * callback for them runs. Any core of the client's VM; nobody submits more of them meanwhile. */
bool block_cancel(unsigned client, const void *context);
/* EVENT_BLOCK on this core. */
void block_run_event(void);
/* Read or write synchronously by polling, at boot only, boot core (GPT, seed). False: error or out
 * of range. */
bool block_boot_io(enum block_op op, uint64_t sector, uint32_t sectors, void *buffer);
/* A copy of a client's figures. Any core. */
void block_stats(unsigned client, struct block_stats *out);
uint64_t block_capacity(void); /* sectors; 0: no card */

#endif
