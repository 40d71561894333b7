/* SPDX-License-Identifier: BSD-2-Clause */
/* From power-up to the transfer state: Physical Layer 3.01, figures 4-1 and 4-2. Boot, by polling.
 */
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <drivers/sdhci_regs.h>

static const uint32_t ocr_ready = 1u << 31, ocr_ccs = 1u << 30; /* 5.1; bits 23:15: 2.7 to 3.6 V */
static const uint32_t ocr_host = 1u << 30 | 0x00ff8000;         /* HCS: we know high capacity */

enum {
    READY_MS = 1000,       /* 4.2.3: ACMD41 within 1 s */
    CHECK_PATTERN = 0x1aa, /* 4.3.13: 2.7 to 3.6 V, pattern 0xaa */
    HIGH_SPEED_HZ = 50000000,
    DEFAULT_SPEED_HZ = 25000000,
    SWITCH_BYTES = 64, /* 4.3.10.4: CMD6's status */
    GIVE_UP_TRIES = 3,
};

/* A command that must succeed, tried again when the line was bad. */
static bool must(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags,
                 struct refusal *why)
{
    for (unsigned i = 0; i < GIVE_UP_TRIES; i++)
        if (sdhci_command(h, index, argument, flags))
            return true;
    refuse(why, "the card fails at CMD%u: %s", index, h->error);
    return false;
}

static bool application(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags)
{
    return sdhci_command(h, APP_CMD, (uint32_t)h->rca << 16, RESPONSE_R1) &&
           sdhci_command(h, index, argument, flags);
}

/* CMD8: a card of version 2 echoes; an older one stays silent. */
static bool is_version_2(struct sdhci *h)
{
    for (unsigned i = 0; i < GIVE_UP_TRIES; i++)
        if (sdhci_command(h, SEND_IF_COND, CHECK_PATTERN, RESPONSE_R7))
            return (sdhci_read(h, SDHCI_RESPONSE) & 0xfff) == CHECK_PATTERN;
    return false;
}

static bool power_up(struct sdhci *h, struct refusal *why)
{
    uint32_t ask, ocr = 0;
    uint64_t limit;

    if (!must(h, GO_IDLE_STATE, 0, RESPONSE_NONE, why))
        return false;
    ask = is_version_2(h) ? ocr_host : ocr_host & ~(1u << 30);
    limit = time_now() + ticks_from_us(READY_MS * 1000);
    while (!(ocr & ocr_ready)) {
        if (!application(h, SD_SEND_OP_COND, ask, RESPONSE_R3)) {
            refuse(why, "no SD card answers (CMD55, ACMD41: %s)", h->error);
            return false;
        }
        ocr = sdhci_read(h, SDHCI_RESPONSE);
        if (!(ocr & ocr_ready) && time_now() > limit) {
            refuse(why, "the card does not become ready (ACMD41)");
            return false;
        }
        if (!(ocr & ocr_ready))
            wait_us(10000);
    }
    h->block_addressed = ocr & ocr_ccs;
    return true;
}

/* 5.3: response words hold CSD bits 127:8, so bit n of the CSD is bit n-8 of the four words. */
static uint32_t csd_bits(const uint32_t words[4], unsigned low, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (words[(low - 8 + i) / 32] >> (low - 8 + i) % 32 & 1) << i;
    return value;
}

static bool read_csd(struct sdhci *h, struct refusal *why)
{
    uint32_t csd[4];
    for (unsigned i = 0; i < 4; i++)
        csd[i] = sdhci_read(h, SDHCI_RESPONSE + 4 * i);
    uint32_t structure = csd_bits(csd, 126, 2);
    if (structure == 1) { /* 5.3.3 */
        h->driver.sectors = ((uint64_t)csd_bits(csd, 48, 22) + 1) * 1024;
    } else if (structure == 0) { /* 5.3.2 */
        uint64_t blocks = ((uint64_t)csd_bits(csd, 62, 12) + 1) << (csd_bits(csd, 47, 3) + 2);
        h->driver.sectors = (blocks << csd_bits(csd, 80, 4)) / SECTOR_SIZE;
    } else {
        refuse(why, "a kind of card this driver does not know (CSD structure %u)", structure);
        return false;
    }
    h->write_protected = csd_bits(csd, 13, 1) || csd_bits(csd, 12, 1);
    return true;
}

static bool identify(struct sdhci *h, struct refusal *why)
{
    if (!must(h, ALL_SEND_CID, 0, RESPONSE_R2, why) ||
        !must(h, SEND_RELATIVE_ADDR, 0, RESPONSE_R6, why))
        return false;
    h->rca = (uint16_t)(sdhci_read(h, SDHCI_RESPONSE) >> 16); /* 4.9.5 */
    if (!sdhci_set_clock(h, DEFAULT_SPEED_HZ)) {
        refuse(why, "the card's clock does not become stable");
        return false;
    }
    /* CMD7's answer is R1b (4.7.4). As Linux (mmc_ops.c), without its busy: U-Boot calls R1b broken
     * in this controller (bcm2835_sdhci.c), and a card has no reason to be busy yet. */
    return must(h, SEND_CSD, (uint32_t)h->rca << 16, RESPONSE_R2, why) && read_csd(h, why) &&
           must(h, SELECT_CARD, (uint32_t)h->rca << 16, RESPONSE_R1, why);
}

static bool widen(struct sdhci *h, struct refusal *why)
{
    for (unsigned i = 0; i < GIVE_UP_TRIES; i++) {
        if (application(h, SET_BUS_WIDTH, 2, RESPONSE_R1)) {
            sdhci_write(h, SDHCI_HOST_CONTROL, HOST_POWER_3V3 | HOST_4BIT);
            return true;
        }
    }
    refuse(why, "the card fails at ACMD6: %s", h->error);
    return false;
}

/* CMD6: group 1 to High Speed (4.3.10). A card without it stays at 25 MHz. */
static bool speed_up(struct sdhci *h)
{
    static uint8_t status[SWITCH_BYTES];
    enum { RESULT_GROUP_1 = 16, HIGH_SPEED = 1 }; /* 4.3.10.4, bits 379:376 */
    if (!(h->capabilities & CAPS_HIGH_SPEED) ||
        !sdhci_command_read(h, SWITCH_FUNC, 0x80fffff1, status, sizeof(status)) ||
        (status[RESULT_GROUP_1] & 0xf) != HIGH_SPEED)
        return true;
    sdhci_write(h, SDHCI_HOST_CONTROL, HOST_POWER_3V3 | HOST_4BIT | HOST_HIGH_SPEED);
    return sdhci_set_clock(h, HIGH_SPEED_HZ);
}

bool sdhci_bring_up_card(struct sdhci *h, struct refusal *why)
{
    if (!power_up(h, why) || !identify(h, why) || !widen(h, why))
        return false;
    if (!speed_up(h)) {
        refuse(why, "the card's clock does not become stable at High Speed");
        return false;
    }
    return must(h, SET_BLOCKLEN, SECTOR_SIZE, RESPONSE_R1, why);
}
