/* SPDX-License-Identifier: BSD-2-Clause */
/* The ARM clock. */
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
