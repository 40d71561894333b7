/* SPDX-License-Identifier: BSD-2-Clause */
/* The pieces of this_board; contracts in include/bulkhead/board.h. */
#ifndef PLATFORM_RPI4_RPI4_H
#define PLATFORM_RPI4_RPI4_H

#include <bulkhead/board.h>

const struct uart *rpi4_console(const struct machine *m);                           /* uart.c */
const struct block_driver *rpi4_card(const struct machine *m, struct refusal *why); /* emmc2.c */
void rpi4_quiesce(const struct machine *m);                                         /* quiesce.c */
bool rpi4_raise_arm_clock(const struct machine *m, uint64_t *before, uint64_t *after); /* power.c */
size_t rpi4_entropy(const struct machine *m, void *out, size_t bytes); /* rng200.c */
bool rpi4_feed(const struct machine *m, unsigned seconds);             /* watchdog.c */
void rpi4_reset(const struct machine *m);                              /* watchdog.c */

#endif
