/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's line editor: pure; what it echoes is for the caller to print. */
#ifndef CORE_MONITOR_EDIT_H
#define CORE_MONITOR_EDIT_H

#include <bulkhead/types.h>

enum {
    EDIT_LINE_MAX = 80, /* bytes with the NUL */
    EDIT_ECHO_MAX = 3 * EDIT_LINE_MAX,
};

enum edit_result {
    EDIT_MORE,   /* go on typing */
    EDIT_DONE,   /* Enter: line[] is a command */
    EDIT_CANCEL, /* Ctrl-C: forget the line */
    EDIT_TAB,    /* complete line[] */
};

struct editor {
    char line[EDIT_LINE_MAX]; /* always with its NUL */
    char last[EDIT_LINE_MAX]; /* the command before, for the up arrow */
    uint8_t length;
    uint8_t arrow; /* how much of an arrow key's ESC [ A has come */
    bool after_cr; /* an LF that follows belongs to it */
};

/* One typed byte; echo[EDIT_ECHO_MAX] gets a string for the terminal. */
enum edit_result editor_put(struct editor *e, uint8_t byte, char *echo);
/* A fresh line; what was typed becomes `last` if it is not empty. */
void editor_next(struct editor *e);

/*
 * Complete the last word of `line` among candidate(0), candidate(1), ... up to NULL. What can be
 * added is appended, with a space when the word is unique. Returns how many candidates fit.
 */
unsigned editor_complete(struct editor *e, const char *(*candidate)(unsigned index), char *echo);

#endif
