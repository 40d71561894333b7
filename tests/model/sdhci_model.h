/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A controller as the SD Host Controller Simplified Specification 3.00 describes it, 32-bit
 * accesses only, with a card model behind it. Wrong use of it is counted in `violations`, with
 * words in `violation`.
 */
#ifndef TESTS_SDHCI_MODEL_H
#define TESTS_SDHCI_MODEL_H

#include <fake/fake.h>
#include <model/card_model.h>

enum { SDHCI_MODEL_BASE = 0xfe340000, SDHCI_MODEL_INTID = 158 };

struct sdhci_model {
    struct card_model *card;
    uint32_t capabilities; /* ADMA2: bit 19, High Speed: bit 21, base clock: bits 15:8 */
    uint64_t dma_offset;   /* bus address - machine address */
    uint64_t dma_us;       /* what a transfer by DMA takes, before its end is to be read */
    bool slow_write_rule;  /* a write within 4 SD clocks of the one before is lost at <= 400 kHz
                              (EMMC2); to the clock's register within 2 at any rate */
    unsigned reset_reads;  /* how many reads of the reset bits show them still set */
    bool reset_sticks;     /* ... for ever */
    bool clock_unstable;
    bool mute;          /* commands are swallowed: no status bit ever comes */
    unsigned mute_at;   /* ... from the n-th command on; 0: never */
    bool data_timeouts; /* a data block that never comes raises Data Timeout; else nothing at all */

    uint32_t regs[64];
    uint8_t buffer[512];
    unsigned position, buffered; /* bytes */
    uint32_t blocks_left;
    unsigned resetting;
    uint32_t cmd_inhibit, dat_inhibit;
    uint64_t last_write, dma_end;
    uint32_t last_hz, last_offset;
    unsigned long commands, lost_writes, dma_transfers, pio_words;
    unsigned violations;
    const char *violation;
};

/* Register it at SDHCI_MODEL_BASE. */
void sdhci_model_init(struct sdhci_model *m, struct card_model *card);
/* Is the interrupt line high? */
bool sdhci_model_irq(const struct sdhci_model *m);
uint32_t sdhci_model_clock_hz(const struct sdhci_model *m); /* SD clock; 0: off */

#endif
