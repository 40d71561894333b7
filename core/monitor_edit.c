/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor_edit.h"

#include <string.h>

enum {
    CTRL_A = 1,
    CTRL_C = 3,
    CTRL_E = 5,
    BACKSPACE = 8,
    CTRL_U = 0x15,
    ESC = 0x1b,
    DEL = 0x7f,
};
enum { KEY_NONE, KEY_ESC, KEY_BRACKET };

static enum edit_result move(struct editor *e, unsigned to)
{
    e->cursor = (uint8_t)MIN(to, e->length);
    return EDIT_REDRAW;
}

static enum edit_result insert(struct editor *e, char c)
{
    bool at_end = e->cursor == e->length;
    char *at = e->line + e->cursor;
    if (e->length + 1u >= EDIT_LINE_MAX)
        return EDIT_FULL;
    memmove(at + 1, at, e->length - e->cursor + 1u);
    *at = c;
    e->length++;
    e->cursor++;
    return at_end ? EDIT_APPENDED : EDIT_REDRAW;
}

/* The character at the cursor. */
static enum edit_result delete (struct editor *e) {
    char *at = e->line + e->cursor; if (e->cursor == e->length) return EDIT_NOTHING;
    memmove(at, at + 1, e->length - e->cursor);
    e->length--;
    return EDIT_REDRAW;
}

static enum edit_result backspace(struct editor *e)
{
    if (e->cursor == 0)
        return EDIT_NOTHING;
    e->cursor--;
    return delete (e);
}

static enum edit_result set_line(struct editor *e, const char *text)
{
    e->length = (uint8_t)strlen(text);
    memmove(e->line, text, e->length + 1u);
    return move(e, e->length);
}

/* One line further back (or, from the latest, to an empty one). */
static enum edit_result recall(struct editor *e, unsigned back)
{
    if (back > EDIT_HISTORY || (back > 0 && e->history[back - 1][0] == '\0'))
        return EDIT_NOTHING;
    e->back = (uint8_t)back;
    return set_line(e, back > 0 ? e->history[back - 1] : "");
}

/* The last byte of ESC [ ... or ESC O ... (ECMA-48 CUU and others; VT100 application mode; VT220
 * editing keys, numbered). */
static enum edit_result key(struct editor *e, uint8_t byte)
{
    switch (byte == '~' ? e->parameter : byte) {
    case 'A':
        return recall(e, e->back + 1u);
    case 'B':
        return e->back > 0 ? recall(e, e->back - 1u) : EDIT_NOTHING;
    case 'C':
        return move(e, e->cursor + 1u);
    case 'D':
        return move(e, e->cursor > 0 ? e->cursor - 1u : 0);
    case 'H':
    case '1':
    case '7':
        return move(e, 0);
    case 'F':
    case '4':
    case '8':
        return move(e, e->length);
    case '3':
        return delete (e);
    default:
        return EDIT_NOTHING;
    }
}

/* In a key of several bytes. */
static enum edit_result go_on(struct editor *e, uint8_t byte)
{
    if (e->key == KEY_ESC && (byte == '[' || byte == 'O')) {
        e->key = KEY_BRACKET;
        e->parameter = 0;
    } else if (e->key == KEY_BRACKET && byte >= '0' && byte <= ';') {
        e->parameter = byte;
    } else {
        bool ends = e->key == KEY_BRACKET;
        e->key = KEY_NONE;
        return ends ? key(e, byte) : EDIT_NOTHING;
    }
    return EDIT_NOTHING;
}

enum edit_result editor_put(struct editor *e, uint8_t byte)
{
    bool second = e->after_cr && byte == '\n';

    e->after_cr = byte == '\r';
    if (second)
        return EDIT_NOTHING;
    if (byte == ESC) {
        e->key = KEY_ESC;
        return EDIT_NOTHING;
    }
    if (e->key != KEY_NONE && byte >= ' ')
        return go_on(e, byte);
    e->key = KEY_NONE;
    switch (byte) {
    case '\r':
    case '\n':
        return EDIT_DONE;
    case CTRL_C:
        return EDIT_CANCEL;
    case CTRL_A:
        return move(e, 0);
    case CTRL_E:
        return move(e, e->length);
    case CTRL_U:
        return set_line(e, "");
    case BACKSPACE:
    case DEL:
        return backspace(e);
    case '\t':
        return EDIT_TAB;
    default:
        return byte >= ' ' && byte <= '~' ? insert(e, (char)byte) : EDIT_NOTHING;
    }
}

void editor_next(struct editor *e)
{
    if (e->length > 0 && strcmp(e->line, e->history[0]) != 0) {
        memmove(e->history[1], e->history[0], sizeof(e->history) - sizeof(e->history[0]));
        memcpy(e->history[0], e->line, sizeof(e->line));
    }
    e->back = 0;
    e->key = KEY_NONE;
    set_line(e, "");
}

const char *editor_word(const struct editor *e)
{
    const char *space = strrchr(e->line, ' ');
    return space ? space + 1 : e->line;
}

unsigned editor_complete(struct editor *e,
                         const char *(*candidate)(const void *context, unsigned index),
                         const void *context)
{
    const char *word = editor_word(e), *first = NULL, *name;
    size_t typed = strlen(word), shared = 0;
    unsigned count = 0;

    for (unsigned i = 0; (name = candidate(context, i)) != NULL; i++) {
        size_t n = 0;
        if (strncmp(name, word, typed) != 0)
            continue;
        if (count++ == 0) {
            first = name;
            shared = strlen(name);
        }
        while (n < shared && name[n] == first[n])
            n++;
        shared = n;
    }
    e->cursor = e->length;
    for (size_t i = typed; i < shared; i++)
        insert(e, first[i]);
    if (count == 1)
        insert(e, ' ');
    return count;
}
