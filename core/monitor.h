/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitor's files share. */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include <bulkhead/types.h>

enum { MONITOR_LINE_MAX = 256 };

/* A command writes its output line by line, so that a long one never holds a core. */
struct monitor_command {
    const char *name;
    const char *arguments; /* for the help; NULL: none */
    const char *help;
    /* Write line number `index` of the output for `arguments`, without "\n"; an empty one is left
     * out. False: that was all. May keep state in *cursor, 0 at first. No lock held. */
    bool (*line)(const char *arguments, unsigned index, uint64_t *cursor, char *line, size_t size);
};

/* Ends with name == NULL. */
extern const struct monitor_command monitor_commands[];

#endif
