/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One VM's output as prefixed lines that are safe on a terminal shared with others. Pure; the bytes
 * are a guest's, so hostile. What comes out:
 *  - every line begins with our prefix; nothing that the guest sends moves the cursor into it;
 *  - printable ASCII, and UTF-8 text without controls, direction or invisible characters;
 *  - colours (SGR), reset before the line ends; no other control sequence;
 *  - lines of at most `columns` columns, however the guest's were. A narrower terminal wraps them,
 * and a guest may arrange that a wrapped row begins as another's line does: so where its text
 * spells the prefix of another, the closing bracket becomes a parenthesis.
 */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include <bulkhead/types.h>

#include "view_escape.h"

enum {
    VIEW_PREFIX_MAX = MAX_NAME + 3, /* "[name] " */
    VIEW_OUT_MAX = 128,             /* most bytes that one byte of a guest turns into */
    VIEW_COLUMNS = 200,             /* where over-long lines are broken */
};

struct view_out {
    unsigned count;
    uint8_t bytes[VIEW_OUT_MAX];
};

struct view {
    char prefix[VIEW_PREFIX_MAX];
    uint8_t prefix_length;
    bool open;       /* a line of ours is unfinished */
    bool cut;        /* our unfinished line was ended by somebody else */
    bool cr;         /* a CR came: the line ends unless an LF follows, which would end it too */
    bool coloured;   /* SGR in effect */
    bool backspaces; /* the cursor is surely where we think it is */
    uint16_t columns;
    uint16_t column_most, column_least; /* bounds: characters are 0 to 2 columns wide */
    uint16_t line_bytes;
    const char *const *others; /* names whose prefix is not to be spelt; ends with NULL */
    bool bracket;              /* a '[' came, and word[] after it */
    bool foreign;              /* with characters that may look like others */
    bool moved_back;           /* a backspace was passed on in this line */
    uint8_t word_count;
    char word[MAX_NAME];
    struct escape escape;
    uint32_t character; /* of an unfinished UTF-8 sequence */
    uint8_t utf8[4], utf8_count, utf8_length;
};

/* `name` has at most MAX_NAME - 1 printable characters; `others` stays in use. */
void view_init(struct view *v, const char *name, const char *const *others);
/* One byte of the guest; the bytes for the terminal are appended to *out, which has room for them
 * if it was empty. */
void view_put(struct view *v, uint8_t byte, struct view_out *out);
/* Somebody else ended our unfinished line (VIEW_LINE_END): what follows gets a fresh one. */
void view_cut(struct view *v);
/* Forget what was unfinished: an escape sequence, a character, a line. */
void view_restart(struct view *v);

/* Ends anybody's line: colours off, next line. */
#define VIEW_LINE_END   "\033[0m\r\n"
/* Keys as they are: xterm's modifyOtherKeys and the keyboard protocol of kitty and others off. */
#define VIEW_PLAIN_KEYS "\033[>4m\033[=0u"
/* Undoes what a full-screen program may have left: an unfinished sequence, UTF-8 and ANSI mode
 * switched off (VT52, other character sets), locked keyboard, no local echo, newline mode, the
 * other screen, colours and their palette, scroll region, margins, origin and insert modes, hidden
 * cursor, no wrapping, reverse video, keypad and cursor keys, reports of mouse, focus, paste and
 * keys, character sets, cursor's shape; then to the screen's last line, as some of these move the
 * cursor (xterm's control sequences, "ctlseqs"). */
#define VIEW_TERMINAL_RESET                                                                   \
    "\030\033<\033%G\033[2;20l\033[12h"                                                       \
    "\033[?1049l\033[0m\033]104\a\033]110\a\033]111\a\033[?69l\033[r\033[?6l\033[4l\033[?25h" \
    "\033[?7h\033[?5l\033[?1l\033>"                                                           \
    "\033[?9;1000;1002;1003;1004;1005;1006;1015;2004l" VIEW_PLAIN_KEYS                        \
    "\033(B\033)B\017\033[0 q\033[999;1H\r\n"

#endif
