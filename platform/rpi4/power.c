/* SPDX-License-Identifier: BSD-2-Clause */
/* The ARM clock, and restarting the board. */
#include "mailbox.h"
#include "rpi4.h"
#include <bulkhead/arch.h>

bool rpi4_raise_arm_clock(const struct machine *m, uint64_t *before, uint64_t *after)
{
    uint32_t now = 0, most = 0, got = 0;
    *before = *after = 0;
    if (!mailbox_clock(m, TAG_GET_CLOCK_RATE, CLOCK_ARM, 0, &now))
        return false;
    *before = *after = now;
    if (!mailbox_clock(m, TAG_GET_MAX_CLOCK_RATE, CLOCK_ARM, 0, &most) || most == 0)
        return false;
    if (most > now && !mailbox_clock(m, TAG_SET_CLOCK_RATE, CLOCK_ARM, most, &got))
        return false;
    if (!mailbox_clock(m, TAG_GET_CLOCK_RATE, CLOCK_ARM, 0, &got))
        return false;
    *after = got;
    return true;
}

/* Power manager (Linux bcm2835_wdt.c): a write needs the password in the top byte; the count is 20
 * bits at 16 us. */
enum { PM_RSTC = 0x1c, PM_WDOG = 0x24, RSTC_WRCFG = 0x30, RSTC_FULL_RESET = 0x20, WDOG_TICKS = 10 };
static const uint32_t pm_password = 0x5a000000;

/* Mapped at boot (by rpi4_quiesce, the first thing asked of the board after the console): later no
 * device can be. */
static uint8_t *power_manager(const struct machine *m)
{
    const struct device *d = machine_device(m, DEV_WATCHDOG);
    return d && d->enabled && d->nregs ? map_device(paddr(d->reg[0].base), 0x100) : NULL;
}

void rpi4_prepare_reset(const struct machine *m)
{
    power_manager(m);
}

void rpi4_reset(const struct machine *m)
{
    uint8_t *pm = power_manager(m);
    if (!pm)
        return;
    uint32_t rstc = mmio_read32(pm + PM_RSTC) & 0x00ffffff & ~(uint32_t)RSTC_WRCFG;
    mmio_write32(pm + PM_WDOG, pm_password | WDOG_TICKS);
    mmio_write32(pm + PM_RSTC, pm_password | rstc | RSTC_FULL_RESET);
    uint64_t limit = time_now() + time_hz() / 10;
    while (time_now() < limit)
        cpu_relax();
}
