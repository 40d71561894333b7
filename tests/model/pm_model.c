/* SPDX-License-Identifier: BSD-2-Clause */
#include "pm_model.h"

enum { RSTC = 0x1c, WDOG = 0x24, WDOG_HZ = 65536 };

static uint32_t pm_read(void *context, uint32_t offset)
{
    const struct pm_model *pm = context;
    return offset == RSTC ? pm->rstc : offset == WDOG ? pm->wdog : 0;
}

static void pm_write(void *context, uint32_t offset, uint32_t value)
{
    struct pm_model *pm = context;
    if (value >> 24 != 0x5a) {
        pm->no_password++;
    } else if (offset == RSTC) {
        pm->rstc = value & 0xffffff;
    } else if (offset == WDOG) {
        pm->wdog = value & 0xfffff;
        pm->since = fake_time;
        pm->feeds++;
    }
}

uint64_t pm_model_expiry(const struct pm_model *pm)
{
    return (pm->rstc & 0x30) == 0x20 ? pm->since + (uint64_t)pm->wdog * FAKE_HZ / WDOG_HZ
                                     : UINT64_MAX;
}

void pm_model_init(struct pm_model *pm)
{
    *pm = (struct pm_model){.rstc = 0x102};
    fake_mmio_add(&(struct fake_mmio){PM_MODEL_BASE, 0x1000, pm_read, pm_write, pm});
}
