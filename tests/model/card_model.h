/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SD memory card as the Physical Layer Simplified Specification 3.01 describes it: states
 * (figure 4-1, 4-2, table 4-28), responses (4.9), card status (4.10.1), CSD (5.3), and ways to
 * fail.
 */
#ifndef TESTS_CARD_MODEL_H
#define TESTS_CARD_MODEL_H

#include <bulkhead/types.h>

enum card_state {
    CARD_IDLE,
    CARD_READY,
    CARD_IDENT,
    CARD_STBY,
    CARD_TRAN,
    CARD_DATA,
    CARD_RCV,
    CARD_PRG
};
enum card_answer { CARD_SILENT, CARD_R1, CARD_R2, CARD_R3 };

struct card_model {
    /* What kind of card */
    uint8_t *blocks;
    uint32_t nblocks;    /* of 512 bytes */
    bool standard;       /* SDSC: CSD version 1, byte addresses */
    bool version1;       /* does not know CMD8 */
    bool no_high_speed;  /* CMD6 says so */
    unsigned slow_start; /* ACMD41 that answer "busy" first */

    /* How it fails */
    unsigned dies_at; /* the n-th command (from 1) and all after it get no answer; 0: never */
    int silent_at; /* this command is never answered, nor any after it; +64 for an ACMD; -1: none */
    unsigned bad_reads;    /* that many data blocks come with a bad CRC */
    unsigned bad_writes;   /* that many are taken with a bad CRC status */
    uint32_t bad_sector;   /* reading it is always a CRC error; UINT32_MAX: none */
    bool data_never_comes; /* commands are answered, blocks never come */
    bool busy_for_ever;    /* after a written block DAT0 stays low, and the state "prg" */
    unsigned slow_program; /* CMD13 that say "prg" after a write */
    unsigned flaky_status; /* that many CMD13 get no answer */
    bool write_protected;  /* WP_VIOLATION at writes */

    /* What happened */
    enum card_state state;
    bool app, multi, selected;
    uint32_t rca, cursor;
    unsigned width; /* bits */
    bool high_speed;
    bool dead;
    uint32_t pending_status; /* error bits for the next R1 */
    unsigned programming;
    unsigned long commands, reads, writes; /* blocks for the latter two */
    unsigned last_index;
    uint32_t response[4];
};

void card_power_on(struct card_model *c);
enum card_answer card_command(struct card_model *c, unsigned index, uint32_t argument);
/* The next block of a running CMD17/18 or 24/25. False: bad CRC. */
bool card_read_block(struct card_model *c, uint8_t *out);
bool card_write_block(struct card_model *c, const uint8_t *in);
/* The transfer ended (single block, or after CMD12). */
void card_end(struct card_model *c);
bool card_is_busy(const struct card_model *c);

#endif
