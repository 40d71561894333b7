/* SPDX-License-Identifier: BSD-2-Clause */
/* The VideoCore firmware's property channel. Boot core only; every call ends within 100 ms. */
#ifndef PLATFORM_RPI4_MAILBOX_H
#define PLATFORM_RPI4_MAILBOX_H

#include <bulkhead/machine.h>
#include <bulkhead/types.h>

/* Firmware wiki, "Mailbox property interface": unique clock ids; EMMC2: Linux raspberrypi-clocks.h
 */
enum mailbox_clock {
    CLOCK_UART = 2,
    CLOCK_ARM = 3,
    CLOCK_CORE = 4,
    CLOCK_EMMC2 = 12,
};

/* Tags of the same list; the clock ones take a clock id (and Hz to set) and answer with id, Hz. */
enum mailbox_tag {
    TAG_GET_POWER_STATE = 0x00020001,
    TAG_GET_CLOCK_RATE = 0x00030002,
    TAG_GET_MAX_CLOCK_RATE = 0x00030004,
    TAG_SET_CLOCK_RATE = 0x00038002,
    TAG_RELEASE_BUFFER = 0x00048001,
};

/* One tag with up to three words of value, replaced by the answer's. False: no mailbox node, no
 * answer in time, or the firmware does not know the tag; `value` is unspecified then. */
bool mailbox_call(const struct machine *m, uint32_t tag, uint32_t *value, unsigned words);
/* False as above. */
bool mailbox_clock(const struct machine *m, enum mailbox_tag tag, enum mailbox_clock clock,
                   uint32_t hz_to_set, uint32_t *hz);
/* The rate, or where the firmware says 0 the maximum; 0 if it says nothing. */
uint32_t mailbox_clock_rate(const struct machine *m, enum mailbox_clock clock);

#endif
