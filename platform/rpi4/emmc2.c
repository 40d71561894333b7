/* SPDX-License-Identifier: BSD-2-Clause */
/* EMMC2, the controller that a Pi 4's SD slot is wired to. */
#include "rpi4.h"
#include <bulkhead/log.h>

const struct block_driver *rpi4_card(const struct machine *m, struct refusal *why)
{
    (void)m;
    refuse(why, "no SD card driver");
    return NULL;
}
