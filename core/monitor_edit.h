/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's line editor: pure. What it changes the caller draws. */
#ifndef CORE_MONITOR_EDIT_H
#define CORE_MONITOR_EDIT_H

#include <bulkhead/types.h>

enum {
    EDIT_LINE_MAX = 80, /* bytes with the NUL */
    EDIT_HISTORY = 4,   /* lines for the up arrow */
};

enum edit_result {
    EDIT_NOTHING,  /* go on typing */
    EDIT_APPENDED, /* the byte is the line's last: print it */
    EDIT_REDRAW,   /* draw line[] again, the terminal's cursor at `cursor` */
    EDIT_FULL,     /* ring the bell */
    EDIT_DONE,     /* Enter: line[] is a command */
    EDIT_CANCEL,   /* Ctrl-C: forget the line */
    EDIT_TAB,      /* complete line[] */
};

struct editor {
    char line[EDIT_LINE_MAX];                  /* always with its NUL */
    char history[EDIT_HISTORY][EDIT_LINE_MAX]; /* the latest first; "": none */
    uint8_t length, cursor;
    uint8_t back; /* line[] came from history[back - 1]; 0: it was typed */
    uint8_t key;  /* how much of an arrow key's ESC [ A has come */
    uint8_t parameter;
    bool after_cr; /* an LF that follows belongs to it */
};

/* One typed byte. */
enum edit_result editor_put(struct editor *e, uint8_t byte);
/* A fresh line; what was typed goes to the history if it is not empty. */
void editor_next(struct editor *e);

/*
 * Complete the last word of `line` among candidate(context, 0), (context, 1), ... up to NULL. What
 * can be added is appended, with a space when the word is unique. Returns how many candidates fit.
 */
unsigned editor_complete(struct editor *e,
                         const char *(*candidate)(const void *context, unsigned index),
                         const void *context);
/* The last word of line[]; "" after a space. */
const char *editor_word(const struct editor *e);

#endif
