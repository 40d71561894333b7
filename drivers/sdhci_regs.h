/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the SD Host Controller Simplified Specification 3.00, chapter 2, as 32-bit words,
 * and what sdhci*.c share. Sections in brackets. */
#ifndef DRIVERS_SDHCI_REGS_H
#define DRIVERS_SDHCI_REGS_H

#include <drivers/sdhci.h>

enum {
    SDHCI_BLOCK = 0x04,         /* [2.2.2, 2.2.3] block size, block count << 16 */
    SDHCI_ARGUMENT = 0x08,      /* [2.2.4] */
    SDHCI_COMMAND_MODE = 0x0c,  /* [2.2.5, 2.2.6] transfer mode, command << 16 */
    SDHCI_RESPONSE = 0x10,      /* [2.2.7] four words */
    SDHCI_BUFFER = 0x20,        /* [2.2.8] */
    SDHCI_PRESENT = 0x24,       /* [2.2.9] */
    SDHCI_HOST_CONTROL = 0x28,  /* [2.2.10, 2.2.11] host control, power << 8 */
    SDHCI_CLOCK = 0x2c,         /* [2.2.14 to 2.2.16] clock, time-out << 16, software reset << 24 */
    SDHCI_INT_STATUS = 0x30,    /* [2.2.17, 2.2.18] normal, error << 16 */
    SDHCI_INT_ENABLE = 0x34,    /* [2.2.19, 2.2.20] */
    SDHCI_SIGNAL_ENABLE = 0x38, /* [2.2.21, 2.2.22] */
    SDHCI_CONTROL2 = 0x3c,      /* [2.2.23, 2.2.24] auto CMD errors, host control 2 << 16 */
    SDHCI_CAPABILITIES = 0x40,  /* [2.2.25] */
    SDHCI_ADMA_ADDRESS = 0x58,  /* [2.2.29] */
    SDHCI_VERSION = 0xfc,       /* [2.2.33] specification version in bits 23:16 */
};

enum {
    MODE_DMA = 1 << 0, /* 2.2.5 */
    MODE_COUNT = 1 << 1,
    MODE_AUTO_CMD12 = 1 << 2,
    MODE_READ = 1 << 4,
    MODE_MULTI = 1 << 5,

    PRESENT_CMD_INHIBIT = 1 << 0, /* 2.2.9 */
    PRESENT_DAT_INHIBIT = 1 << 1,
    PRESENT_DAT0 = 1 << 20,

    HOST_4BIT = 1 << 1, /* 2.2.10 */
    HOST_HIGH_SPEED = 1 << 2,
    HOST_ADMA2_32 = 2 << 3,
    HOST_POWER_3V3 = 0xf << 8, /* 2.2.11: 3.3 V, on */

    CLOCK_INTERNAL = 1 << 0, /* 2.2.14 */
    CLOCK_STABLE = 1 << 1,
    CLOCK_SD = 1 << 2,
    TIMEOUT_LONGEST = 0xe << 16, /* 2.2.15 */
    RESET_ALL = 1 << 24,         /* 2.2.16 */
    RESET_CMD = 1 << 25,
    RESET_DAT = 1 << 26,

    INT_COMMAND = 1 << 0, /* 2.2.17 */
    INT_TRANSFER = 1 << 1,
    INT_WRITE_READY = 1 << 4,
    INT_READ_READY = 1 << 5,
    INT_CMD_TIMEOUT = 1 << 16, /* 2.2.18 */
    INT_DATA_TIMEOUT = 1 << 20,
    INT_DATA_CRC = 1 << 21,
    INT_AUTO_CMD = 1 << 24,
    INT_ADMA = 1 << 25,
    INT_ERRORS = 0x037f << 16, /* all but the current limit's, vendor's and tuning's */
    INT_USED = INT_COMMAND | INT_TRANSFER | INT_WRITE_READY | INT_READ_READY | INT_ERRORS,

    CAPS_BASE_MHZ_SHIFT = 8, /* 2.2.25 */
    CAPS_BASE_MHZ_MASK = 0xff,
    CAPS_ADMA2 = 1 << 19,
    CAPS_HIGH_SPEED = 1 << 21,
};

/* Command register (2.2.6): response's kind, what of it is checked, data. Kinds of responses: table
 * 2-8. */
enum {
    RESPONSE_NONE = 0,
    RESPONSE_R1 = 2 | 1 << 3 | 1 << 4,
    RESPONSE_R2 = 1 | 1 << 3,
    RESPONSE_R3 = 2,
    RESPONSE_R6 = RESPONSE_R1,
    RESPONSE_R7 = RESPONSE_R1,
    COMMAND_DATA = 1 << 5,
    COMMAND_ABORT = 3 << 6,
};

/* Physical Layer 3.01, 4.7.4 and 4.3.14 */
enum {
    GO_IDLE_STATE = 0,
    ALL_SEND_CID = 2,
    SEND_RELATIVE_ADDR = 3,
    SWITCH_FUNC = 6,
    SET_BUS_WIDTH = 6, /* application command */
    SELECT_CARD = 7,
    SEND_IF_COND = 8,
    SEND_CSD = 9,
    STOP_TRANSMISSION = 12,
    SEND_STATUS = 13,
    SET_BLOCKLEN = 16,
    READ_SINGLE_BLOCK = 17,
    READ_MULTIPLE_BLOCK = 18,
    WRITE_BLOCK = 24,
    WRITE_MULTIPLE_BLOCK = 25,
    SD_SEND_OP_COND = 41, /* application command */
    APP_CMD = 55,
};

/* Card status (4.10.1): the error bits of an R1. */
static const uint32_t status_errors = 1u << 31 | 1u << 30 | 1u << 29 | 1u << 26 | 1u << 24 |
                                      1u << 23 | 1u << 22 | 1u << 21 | 1u << 20 | 1u << 19;
static const uint32_t status_wp_violation = 1u << 26;
enum {
    STATUS_READY_FOR_DATA = 1 << 8,
    STATUS_STATE_SHIFT = 9,
    STATUS_STATE_MASK = 0xf,
    STATE_TRAN = 4,
};

/* sdhci.c */
uint32_t sdhci_read(const struct sdhci *h, unsigned reg);
void sdhci_write(struct sdhci *h, unsigned reg, uint32_t value);
bool sdhci_set_clock(struct sdhci *h, uint32_t hz); /* at most that; boot */
/* Start a command; block register and argument come with it. Any time the inhibit bits are clear.
 */
void sdhci_send(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags, unsigned mode);
/* Boot: one command, polled. False: h->error says why, and the CMD and DAT lines were reset. */
bool sdhci_command(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags);
/* The same with one block of data from the card, up to 512 bytes. */
bool sdhci_command_read(struct sdhci *h, unsigned index, uint32_t argument, void *data,
                        unsigned bytes);
const char *sdhci_error_text(uint32_t int_status);

/* sdhci_card.c */
bool sdhci_bring_up_card(struct sdhci *h, struct refusal *why);

/* sdhci_run.c */
void sdhci_run_init(struct sdhci *h);
void sdhci_try(struct sdhci *h); /* (again) from the turn's start */
void sdhci_finish(struct sdhci *h, enum block_status status);
void sdhci_wait(struct sdhci *h, enum sdhci_state state,
                uint64_t us); /* next step by then at the latest */

/* sdhci_recover.c */
void sdhci_failed(struct sdhci *h, const char *error);              /* the try failed */
void sdhci_recover_interrupt(struct sdhci *h, uint32_t int_status); /* in a state of recovery */
void sdhci_recover_expired(struct sdhci *h);
void sdhci_flush(struct sdhci *h);

#endif
