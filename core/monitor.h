/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitor's files share. */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include <bulkhead/types.h>

struct vm;
struct monitor_command;

enum { MONITOR_LINE_MAX = 256 };

/* A command on its way. */
struct monitor_call {
    const struct monitor_command *command;
    struct vm *vm;        /* that its argument names, NULL: none */
    const char *argument; /* "" or a word of the command's own */
    unsigned index;       /* of the line that is asked for */
    uint64_t cursor;      /* the command's own; 0 at first */
};

/* What a command may be followed by. */
enum monitor_argument { TAKES_NOTHING, TAKES_VM, MAY_TAKE_VM };

/* A command writes its output line by line, so that a long one never holds a core. */
struct monitor_command {
    const char *name;
    const char *help;
    enum monitor_argument takes;
    const char *word; /* may follow instead of a VM; NULL: none */
    /* Write line number call->index of the output, without "\n", into `line` ("" at first); an
     * empty one is left out. False: that was all. No lock held. NULL: attaches the VM. */
    bool (*line)(struct monitor_call *call, char *line, size_t size);
};

/* Ends with name == NULL. */
extern const struct monitor_command monitor_commands[];

#endif
