/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EMMC2, the controller that a Pi 4's SD slot is wired to: a standard one (Linux sdhci-iproc.c,
 * "bcm2711") that wants 32-bit accesses, with block size and count, and transfer mode and command,
 * as single words: drivers/sdhci does nothing else. While the SD clock is at 400 kHz or less a
 * write must be followed by four SD clocks of rest, or it can be lost (same file); slower than 200
 * kHz it does not go. A read of several blocks wants Auto CMD12.
 */
#include "mailbox.h"
#include "rpi4.h"
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <drivers/sdhci.h>

const struct block_driver *rpi4_card(const struct machine *m, struct refusal *why)
{
    static struct sdhci emmc2;
    const struct device *d = machine_device(m, DEV_SDHCI);
    if (!d || !d->enabled || !d->nregs || !d->nirqs) {
        refuse(why, "the device tree has no enabled brcm,bcm2711-emmc2");
        return NULL;
    }
    struct sdhci_board board = {
        .base = paddr(d->reg[0].base),
        .intid = d->intid[0],
        .clock_hz = mailbox_clock_rate(m, CLOCK_EMMC2),
        .min_hz = 200000,
        .slow_write_clocks = 4,
        .dma_offset = d->dma_offset,
        .dma = d->dma,
    };
    return sdhci_open(&emmc2, &board, why) ? &emmc2.driver : NULL;
}
