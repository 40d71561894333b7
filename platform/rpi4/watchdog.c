/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The power manager's watchdog, which is also what resets the board (Linux bcm2835_wdt.c: registers
 * and their bits). It counts 20 bits down at 65,536 Hz: 16 s at most.
 */
#include "rpi4.h"
#include <bulkhead/arch.h>

enum {
    PM_RSTC = 0x1c,
    PM_WDOG = 0x24,
    PM_BYTES = 0x100,
    RSTC_WRCFG = 0x30,
    RSTC_FULL_RESET = 0x20,
    WDOG_HZ_SHIFT = 16,
    WDOG_MASK = 0xfffff,
    RESET_COUNT = 10, /* 150 us */
};

static const uint32_t pm_password = 0x5a000000; /* in the top byte of every write */

/* The page has other devices too: nothing but these two registers is touched. 0: disarm. */
static bool arm(const struct machine *m, uint32_t count)
{
    const struct device *d = machine_device(m, DEV_WATCHDOG);
    uint8_t *pm = d && d->enabled && d->nregs ? map_device(paddr(d->reg[0].base), PM_BYTES) : NULL;
    uint32_t rstc;

    if (!pm)
        return false;
    rstc = mmio_read32(pm + PM_RSTC) & 0x00ffffff & ~(uint32_t)RSTC_WRCFG;
    if (count) {
        mmio_write32(pm + PM_WDOG, pm_password | (count & WDOG_MASK));
        rstc |= RSTC_FULL_RESET;
    }
    mmio_write32(pm + PM_RSTC, pm_password | rstc);
    return true;
}

bool rpi4_feed(const struct machine *m, unsigned seconds)
{
    return arm(m, seconds << WDOG_HZ_SHIFT);
}

void rpi4_reset(const struct machine *m)
{
    uint64_t limit = time_now() + time_hz() / 10;

    if (arm(m, RESET_COUNT))
        while (time_now() < limit)
            cpu_relax();
}
