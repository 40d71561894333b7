/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a failed try (3.10.1, 3.10.2): reset the CMD and DAT lines, stop the card (CMD12), ask
 * until it is back in the transfer state (CMD13), try again. Each wait is a timer's: the guest runs
 * meanwhile. A flush is CMD13 alone.
 */
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <drivers/sdhci_regs.h>

enum {
    MAX_TRIES = 3,
    MAX_SILENT_TURNS = 3, /* then the card is given up for good */
    RESET_STEP_US = 100,
    MAX_RESET_STEPS = 100,
    RESPONSE_US = 100000,
    SETTLE_STEP_US = 500,
    /* A card should program for 500 ms at most (Physical Layer 4.6.2.2); Linux's block.c knows some
     * that need seconds, and waits 10 (MMC_BLK_TIMEOUT_MS). */
    SETTLE_US = 10000000,
    LOG_SECONDS = 10,
};

static void say(struct sdhci *h)
{
    uint64_t now = time_now();
    if (now < h->next_log)
        return;
    h->next_log = now + LOG_SECONDS * time_hz();
    if (h->r->op == BLOCK_FLUSH)
        log_line("SD card: flush failed: %s", h->error);
    else
        log_line("SD card: %s of %u sectors at %llu failed: %s",
                 h->r->op == BLOCK_READ ? "read" : "write", h->count, (unsigned long long)h->sector,
                 h->error);
}

/* No more tries. */
static void fail_turn(struct sdhci *h)
{
    h->silent_turns = h->silent ? h->silent_turns + 1 : 0;
    say(h);
    if (h->silent_turns >= MAX_SILENT_TURNS) {
        h->dead = true;
        log_line("SD card: it stopped answering (%s); from now on every request fails", h->error);
    }
    sdhci_finish(h, BLOCK_IO_ERROR);
}

static void reset_lines(struct sdhci *h)
{
    uint32_t clock = sdhci_read(h, SDHCI_CLOCK) & 0x00ffffff;
    sdhci_write(h, SDHCI_SIGNAL_ENABLE, 0);
    sdhci_write(h, SDHCI_CLOCK, clock | RESET_CMD | RESET_DAT);
    h->resets = 0;
    sdhci_wait(h, SDHCI_RESET, RESET_STEP_US);
}

void sdhci_failed(struct sdhci *h, const char *error)
{
    h->error = error;
    h->settle_limit = 0;
    reset_lines(h);
}

/* One command outside a transfer; answers, or its time-out, come as interrupts. */
static void ask(struct sdhci *h, enum sdhci_state state, unsigned index, uint32_t argument,
                unsigned flags)
{
    sdhci_wait(h, state, RESPONSE_US);
    sdhci_send(h, index, argument, flags, 0);
    sdhci_write(h, SDHCI_SIGNAL_ENABLE, INT_USED);
}

static void ask_status(struct sdhci *h)
{
    if (!h->settle_limit)
        h->settle_limit = time_now() + ticks_from_us(SETTLE_US);
    ask(h, SDHCI_STATUS, SEND_STATUS, (uint32_t)h->rca << 16, RESPONSE_R1);
}

/* The lines are reset. A card is stopped once, then asked how it is until it says so. */
static void after_reset(struct sdhci *h)
{
    if (!h->settle_limit)
        ask(h, SDHCI_STOPPING, STOP_TRANSMISSION, 0, RESPONSE_R1 | COMMAND_ABORT);
    else if (h->unanswered < MAX_TRIES)
        ask_status(h);
    else
        fail_turn(h);
}

static void look_at_reset(struct sdhci *h)
{
    if (!(sdhci_read(h, SDHCI_CLOCK) & (RESET_CMD | RESET_DAT))) {
        after_reset(h);
    } else if (++h->resets < MAX_RESET_STEPS) {
        sdhci_wait(h, SDHCI_RESET, RESET_STEP_US);
    } else {
        h->error = "the controller does not come out of reset";
        h->silent = true;
        fail_turn(h);
    }
}

/* CMD13's answer. */
static void judge(struct sdhci *h, uint32_t card)
{
    h->unanswered = 0;
    bool settled = (card & STATUS_READY_FOR_DATA) &&
                   (card >> STATUS_STATE_SHIFT & STATUS_STATE_MASK) == STATE_TRAN;
    if (!settled && time_now() < h->settle_limit) {
        sdhci_wait(h, SDHCI_SETTLING, SETTLE_STEP_US);
    } else if (!settled) {
        h->error = "the card stays busy";
        h->silent = false; /* it answers */
        fail_turn(h);
    } else if (h->r->op == BLOCK_FLUSH) {
        h->silent_turns = 0;
        sdhci_finish(h, BLOCK_OK);
    } else if (h->tries < MAX_TRIES) {
        sdhci_try(h);
    } else {
        h->silent = false; /* a bad block, or a bad line: the next request may fare better */
        fail_turn(h);
    }
}

/* CMD13 failed: nobody is there, or the line is bad. */
static void no_status(struct sdhci *h, const char *error)
{
    h->error = error;
    h->silent = true;
    h->unanswered++;
    reset_lines(h);
}

void sdhci_recover_interrupt(struct sdhci *h, uint32_t status)
{
    bool bad = status & INT_ERRORS;
    if (!bad && !(status & INT_COMMAND))
        return;
    if (h->state == SDHCI_STOPPING) {
        /* A card that was not sending has nothing to stop and stays silent: CMD13 tells. */
        if (bad) {
            uint32_t clock = sdhci_read(h, SDHCI_CLOCK) & 0x00ffffff;
            sdhci_write(h, SDHCI_CLOCK, clock | RESET_CMD);
        }
        sdhci_wait(h, SDHCI_SETTLING, SETTLE_STEP_US);
    } else if (h->state == SDHCI_STATUS && bad) {
        no_status(h, sdhci_error_text(status));
    } else if (h->state == SDHCI_STATUS) {
        judge(h, sdhci_read(h, SDHCI_RESPONSE));
    }
}

void sdhci_recover_expired(struct sdhci *h)
{
    if (h->state == SDHCI_RESET)
        look_at_reset(h);
    else if (h->state == SDHCI_SETTLING)
        ask_status(h);
    else if (h->state == SDHCI_STOPPING)
        sdhci_wait(h, SDHCI_SETTLING, SETTLE_STEP_US);
    else
        no_status(h, "the controller does not answer");
}

/* Writes end when the card is no longer busy, and it has no cache unless a host turns one on: what
 * is left to do is to hear from the card that it is not programming (4.10.1: state "tran", not
 * "prg"). */
void sdhci_flush(struct sdhci *h)
{
    h->error = NULL;
    h->settle_limit = 0;
    ask_status(h);
}
