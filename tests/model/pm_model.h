/* SPDX-License-Identifier: BSD-2-Clause */
/* The power manager's watchdog as Linux bcm2835_wdt.c uses it: counts down by fake_time. */
#ifndef TESTS_PM_MODEL_H
#define TESTS_PM_MODEL_H

#include <fake/fake.h>

enum { PM_MODEL_BASE = 0xfe100000 };

struct pm_model {
    uint32_t rstc, wdog;
    uint64_t since;       /* when WDOG was last written */
    unsigned feeds;       /* writes of WDOG */
    unsigned no_password; /* writes that hardware ignores */
};

void pm_model_init(struct pm_model *pm);
/* When it resets the board; UINT64_MAX: it is not armed. */
uint64_t pm_model_expiry(const struct pm_model *pm);

#endif
