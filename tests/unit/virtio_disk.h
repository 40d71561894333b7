/* SPDX-License-Identifier: BSD-2-Clause */
/* A block layer in small, and requests to a disk over it, for the tests of virtio/blk.c. */
#ifndef TESTS_UNIT_VIRTIO_DISK_H
#define TESTS_UNIT_VIRTIO_DISK_H

#include "virtio_regs.h"

enum {
    FIRST = 100, /* the partition on the card */
    SECTORS = 64,
    CARD = FIRST + SECTORS + 100,
    IN = 0,
    OUT = 1,
    FLUSH = 4,
    GET_ID = 8,
    OK = 0,
    IOERR = 1,
    UNSUPP = 2,
    UNTOUCHED = 0xee,
    HEADERS = RIG_DATA,           /* 16 bytes each */
    STATUSES = RIG_DATA + 0x1000, /* 1 byte each */
    BUFFERS = RIG_DATA + 0x2000,  /* to the end of RAM */
};

extern uint8_t card[CARD * SECTOR_SIZE];
extern struct virtio_blk *blk;
/* Requests wait in `waiting` until the test completes them, or complete at once. */
extern struct block_request *waiting[64];
extern unsigned nwaiting, flushes, deepest;
extern bool at_once, failing;
extern bool on_card; /* one of them is: cancelling is not over yet */

/* A fresh VM with one disk; its driver has done nothing yet. */
void disk_init(bool read_only);
/* The same, but the card keeps its bytes. */
void disk_attach(bool read_only);
void complete_next(void);
/* Request n: descriptors 3n, 3n+1 and 3n+2 (of which the middle one is left out if no bytes). */
void request(unsigned n, uint32_t type, uint64_t sector, uint32_t bytes, uint64_t buffer);
/* Where request n finds its status byte. */
uint8_t *status(unsigned n);
void kick(void);
/* Run what was posted for later, to its end. */
void run_events(void);

#endif
