/* SPDX-License-Identifier: BSD-2-Clause */
/* Card, controller model, driver and core/block.c, put together; interrupts and timers run as they
 * would. */
#ifndef TESTS_SDHCI_RIG_H
#define TESTS_SDHCI_RIG_H

#include <bulkhead/block.h>
#include <drivers/sdhci.h>
#include <model/sdhci_model.h>

enum { RIG_BLOCKS = 4096 };

extern uint8_t rig_storage[RIG_BLOCKS * 512];
extern struct card_model rig_card;
extern struct sdhci_model rig_model;
extern struct sdhci rig_driver;
extern struct sdhci_board rig_board;
extern struct refusal rig_why;

/* A good card with a pattern on it, powered on; nothing opened yet. */
void rig_reset(void);
/* sdhci_open() and block_init(). */
bool rig_open(void);

struct rig_request {
    struct block_request r;
    unsigned calls;
    enum block_status status;
    uint64_t when; /* ticks, at done() */
    unsigned cpu;
};
/* A request of one segment. */
void rig_request(struct rig_request *q, enum block_op op, uint64_t sector, uint32_t sectors,
                 void *data);
/* Let interrupts and timers happen until *calls changes or nothing can happen any more. False:
 * stuck, or it took more than `seconds` of the board's time. */
bool rig_run(const unsigned *calls, unsigned seconds);
/* submit as core `cpu` and run; true: completed with BLOCK_OK. */
bool rig_io(unsigned client, unsigned cpu, enum block_op op, uint64_t sector, uint32_t sectors,
            void *data);
uint8_t rig_pattern(uint64_t byte);

#endif
