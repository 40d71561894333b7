/* SPDX-License-Identifier: BSD-2-Clause */
/* The VideoCore firmware's property channel as its wiki describes it: sees DRAM, not the ARM's
 * cache. */
#ifndef TESTS_MAILBOX_MODEL_H
#define TESTS_MAILBOX_MODEL_H

#include <fake/fake.h>

enum { MAILBOX_MODEL_BASE = 0xfe00b880, MAILBOX_MODEL_CLOCKS = 16 };

struct mailbox_model {
    uint32_t rate[MAILBOX_MODEL_CLOCKS], most[MAILBOX_MODEL_CLOCKS]; /* Hz by clock id */
    uint32_t usb_state; /* of GET_POWER_STATE for device 3 */
    bool silent;        /* never answers */
    bool late;          /* answers after the next message came, and that one after it */
    bool stays_full;    /* takes no message */
    bool knows_nothing; /* answers without filling in a tag */
    unsigned stale;     /* words of an earlier owner still in the FIFO */
    unsigned calls, releases;
    uint32_t queue[8], held;
    unsigned queued;
};

void mailbox_model_init(struct mailbox_model *m);

#endif
