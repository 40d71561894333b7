/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor_edit.h"

#include <string.h>

enum { CTRL_C = 3, BACKSPACE = 8, CTRL_U = 0x15, ESC = 0x1b, DEL = 0x7f };
enum { ARROW_NONE, ARROW_ESC, ARROW_BRACKET };

static void append(struct editor *e, char c, char *echo)
{
    size_t used = strlen(echo);
    if (e->length + 1u >= EDIT_LINE_MAX) {
        memcpy(echo + used, "\a", 2);
        return;
    }
    e->line[e->length++] = c;
    e->line[e->length] = '\0';
    echo[used] = c;
    echo[used + 1] = '\0';
}

static void erase_last(struct editor *e, char *echo)
{
    if (e->length == 0)
        return;
    e->line[--e->length] = '\0';
    strcat(echo, "\b \b");
}

/* Back to the prompt, which the caller's line began with: erase what was typed. */
static void erase_all(struct editor *e, char *echo)
{
    size_t at = 0;
    for (; e->length > 0; e->length--)
        echo[at++] = '\b';
    memcpy(echo + at, "\033[K", 4);
    e->line[0] = '\0';
}

static void recall(struct editor *e, char *echo)
{
    if (e->last[0] == '\0')
        return;
    erase_all(e, echo);
    for (const char *c = e->last; *c; c++)
        append(e, *c, echo);
}

/* Arrow keys are ESC [ A to D, or ESC O A to D (ECMA-48 CUU; VT100 application mode). True: taken.
 */
static bool arrow_key(struct editor *e, uint8_t byte, char *echo)
{
    uint8_t before = e->arrow;
    e->arrow = ARROW_NONE;
    if (before == ARROW_NONE || byte == ESC) {
        if (byte == ESC)
            e->arrow = ARROW_ESC;
        return byte == ESC;
    }
    if (before == ARROW_ESC) {
        if (byte == '[' || byte == 'O')
            e->arrow = ARROW_BRACKET;
        return e->arrow == ARROW_BRACKET;
    }
    if (byte >= '0' && byte <= ';') /* parameters of other keys */
        e->arrow = ARROW_BRACKET;
    if (byte == 'A')
        recall(e, echo);
    return true;
}

enum edit_result editor_put(struct editor *e, uint8_t byte, char *echo)
{
    bool second = e->after_cr && byte == '\n';

    echo[0] = '\0';
    e->after_cr = byte == '\r';
    if (second || arrow_key(e, byte, echo))
        return EDIT_MORE;
    switch (byte) {
    case '\r':
    case '\n':
        strcpy(echo, "\n");
        return EDIT_DONE;
    case CTRL_C:
        strcpy(echo, "^C\n");
        return EDIT_CANCEL;
    case CTRL_U:
        erase_all(e, echo);
        return EDIT_MORE;
    case BACKSPACE:
    case DEL:
        erase_last(e, echo);
        return EDIT_MORE;
    case '\t':
        return EDIT_TAB;
    default:
        if (byte >= ' ' && byte <= '~')
            append(e, (char)byte, echo);
        return EDIT_MORE;
    }
}

void editor_next(struct editor *e)
{
    if (e->length > 0)
        memcpy(e->last, e->line, sizeof(e->last));
    e->length = 0;
    e->line[0] = '\0';
    e->arrow = ARROW_NONE;
}

static size_t common(const char *a, const char *b, size_t limit)
{
    size_t n = 0;
    while (n < limit && a[n] && a[n] == b[n])
        n++;
    return n;
}

unsigned editor_complete(struct editor *e, const char *(*candidate)(unsigned index), char *echo)
{
    const char *space = strrchr(e->line, ' ');
    const char *word = space ? space + 1 : e->line;
    size_t typed = strlen(word), shared = 0;
    const char *first = NULL, *name;
    unsigned count = 0;

    echo[0] = '\0';
    for (unsigned i = 0; (name = candidate(i)) != NULL; i++) {
        if (strncmp(name, word, typed) != 0)
            continue;
        shared = count++ ? common(first, name, shared) : strlen(name);
        first = first ? first : name;
    }
    for (size_t i = typed; i < shared; i++)
        append(e, first[i], echo);
    if (count == 1)
        append(e, ' ', echo);
    return count;
}
