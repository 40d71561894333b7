/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's `list` and `stats`: see struct monitor_command. */
#ifndef CORE_MONITOR_STATS_H
#define CORE_MONITOR_STATS_H

#include "monitor.h"

bool list_line(struct monitor_call *call, char *line, size_t size);
bool stats_line(struct monitor_call *call, char *line, size_t size);

#endif
