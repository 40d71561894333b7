/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A judge of the prefixed view: a terminal with rows that wrap, fed with all that went to the wire.
 * It fails the test when a line does not begin with a true prefix, when a prefix is overwritten,
 * when a wrapped row looks like another's line, and when anything but text and colours arrives.
 */
#ifndef TESTS_UNIT_TERMINAL_H
#define TESTS_UNIT_TERMINAL_H

#include "unit.h"
#include <stdbool.h>

enum { TERMINAL_WIDTH = 80, TERMINAL_ROWS = 16 };

struct terminal {
    const char *const *prefixes; /* that may begin a line; ends with NULL */
    unsigned long lines, bytes;
    unsigned long lines_of[8]; /* by prefix */
    int escape;                /* 0: none, 1: ESC, 2: in CSI */
    bool cr, coloured;
    unsigned row, column; /* column == TERMINAL_WIDTH: held back at the margin */
    char cells[TERMINAL_ROWS][TERMINAL_WIDTH + 1];
    char text[4096]; /* of the line, as sent */
    unsigned length;
};

static inline void terminal_line_start(struct terminal *t)
{
    memset(t->cells, 0, sizeof(t->cells));
    t->row = t->column = t->length = 0;
    memset(t->text, 0, sizeof(t->text));
}

static inline void terminal_init(struct terminal *t, const char *const *prefixes)
{
    memset(t, 0, sizeof(*t));
    t->prefixes = prefixes;
    terminal_line_start(t);
}

static inline int terminal_author(const struct terminal *t, const char *row)
{
    for (int i = 0; t->prefixes[i]; i++)
        if (strncmp(row, t->prefixes[i], strlen(t->prefixes[i])) == 0)
            return i;
    return -1;
}

static inline void terminal_line_end(struct terminal *t)
{
    int author = terminal_author(t, t->cells[0]);
    if (author < 0)
        fail_msg("line without a true prefix: \"%s\" sent as \"%s\"", t->cells[0], t->text);
    for (unsigned row = 1; row < TERMINAL_ROWS; row++) {
        int seems = terminal_author(t, t->cells[row]);
        if (seems >= 0 && seems != author)
            fail_msg("a wrapped row of \"%s\" looks like another's: \"%s\"", t->cells[0],
                     t->cells[row]);
    }
    if (t->coloured)
        fail_msg("colours outlive the line \"%s\"", t->text);
    t->lines++;
    t->lines_of[author]++;
    terminal_line_start(t);
}

static inline void terminal_glyph(struct terminal *t, char c)
{
    if (t->column == TERMINAL_WIDTH) {
        t->column = 0;
        t->row++;
        assert_true(t->row < TERMINAL_ROWS);
    }
    t->cells[t->row][t->column++] = c;
}

static inline void terminal_control(struct terminal *t, uint8_t byte)
{
    switch (byte) {
    case '\r':
        t->cr = true;
        break;
    case '\033':
        t->escape = 1;
        break;
    case '\b':
        if (t->column == TERMINAL_WIDTH)
            t->column--; /* a held-back cursor stands on the last column */
        if (t->column > 0)
            t->column--;
        break;
    default:
        fail_msg("control %#x on the wire", byte);
    }
}

static inline void terminal_put(struct terminal *t, uint8_t byte)
{
    t->bytes++;
    if (t->length + 1 < sizeof(t->text))
        t->text[t->length++] = (char)byte;
    if (t->cr) {
        if (byte != '\n')
            fail_msg("CR alone on the wire, after \"%s\"", t->text);
        t->cr = false;
        terminal_line_end(t);
    } else if (t->escape == 1) {
        if (byte != '[')
            fail_msg("ESC %#x on the wire", byte);
        t->escape = 2;
    } else if (t->escape == 2) {
        if (byte == 'm') {
            const char *end = t->text + t->length;
            t->escape = 0;
            t->coloured = memcmp(end - 4, "\033[0m", 4) != 0 && memcmp(end - 3, "\033[m", 3) != 0;
        } else if (byte < '0' || byte > ';') {
            fail_msg("a control sequence with %#x on the wire", byte);
        }
    } else if (byte < ' ' || byte == 0x7f) {
        terminal_control(t, byte);
    } else if ((byte & 0xc0) != 0x80) {
        terminal_glyph(t, byte < 0x80 ? (char)byte : '*');
    }
}

#endif
