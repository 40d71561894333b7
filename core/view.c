/* SPDX-License-Identifier: BSD-2-Clause */
#include "view.h"

#include <string.h>

#include "view_utf8.h"

enum {
    TAB_WIDTH = 8,
    LINE_BYTES_MAX = 1024, /* of one line: an endless line of colours ends too */
    /* A terminal at its right margin holds its cursor back: from there on we would not know where
     * a backspace leads. It is 80 columns wide or more. */
    BACKSPACE_COLUMNS = 72,
};

static void emit(struct view *v, struct view_out *out, const void *bytes, unsigned count)
{
    if (out->count + count > VIEW_OUT_MAX)
        return;
    memcpy(out->bytes + out->count, bytes, count);
    out->count += count;
    v->line_bytes = (uint16_t)(v->line_bytes + count);
}

static void line_closed(struct view *v)
{
    v->open = false;
    v->coloured = false;
    v->line_bytes = 0;
    v->column_most = 0;
    v->column_least = 0;
    v->bracket = false;
    v->moved_back = false;
}

static void open_line(struct view *v, struct view_out *out)
{
    if (v->open)
        return;
    emit(v, out, v->prefix, v->prefix_length);
    v->open = true;
    v->cut = false;
    v->backspaces = true;
    v->column_most = v->prefix_length;
    v->column_least = 0; /* of the guest's own text */
}

static void end_line(struct view *v, struct view_out *out)
{
    if (!v->open && v->cut) { /* ended already */
        v->cut = false;
        return;
    }
    open_line(v, out);
    if (v->coloured)
        emit(v, out, VIEW_LINE_END, sizeof(VIEW_LINE_END) - 1);
    else
        emit(v, out, "\r\n", 2);
    line_closed(v);
}

/* A CR that no LF followed: the text after it gets a line of its own, or it would overwrite. */
static void settle(struct view *v, struct view_out *out)
{
    if (v->cr && v->open)
        end_line(v, out);
    v->cr = false;
    if (v->line_bytes >= LINE_BYTES_MAX)
        end_line(v, out);
    open_line(v, out);
}

/* A ']' is next: would the text spell the prefix of somebody else? */
static bool spells_prefix(const struct view *v)
{
    if (v->moved_back) /* what is on the screen is more than we follow */
        return true;
    if (!v->bracket)
        return false;
    if (v->foreign)
        return true;
    for (const char *const *name = v->others; *name; name++)
        if (strlen(*name) == v->word_count && memcmp(*name, v->word, v->word_count) == 0)
            return true;
    return false;
}

/* Follow the text after a '['. */
static void spell(struct view *v, char c, bool ascii)
{
    if (ascii && c == '[') {
        v->bracket = true;
        v->foreign = false;
        v->word_count = 0;
    } else if (c == ' ' || v->word_count >= MAX_NAME) {
        v->bracket = false;
    } else if (!ascii) {
        v->foreign = true;
    } else {
        v->word[v->word_count++] = c;
    }
}

static void glyph(struct view *v, struct view_out *out, const void *bytes, unsigned count)
{
    bool ascii = count == 1;
    unsigned widest = ascii ? 1 : 2;
    const uint8_t *first = bytes;

    settle(v, out);
    if (v->column_most + widest > v->columns) {
        end_line(v, out);
        open_line(v, out);
    }
    if (ascii && *first == ']') {
        if (spells_prefix(v))
            first = (const uint8_t *)")";
        v->bracket = false;
        v->backspaces = false; /* what stands before it must stay */
    } else if (v->bracket || *first == '[') {
        spell(v, (char)*first, ascii);
    }
    emit(v, out, first, count);
    v->column_most = (uint16_t)(v->column_most + widest);
    v->column_least = (uint16_t)(v->column_least + (ascii ? 1 : 0));
    if (v->column_most > BACKSPACE_COLUMNS)
        v->backspaces = false;
}

static void tab(struct view *v, struct view_out *out)
{
    unsigned spaces;
    settle(v, out);
    spaces = TAB_WIDTH - (unsigned)(v->column_most - v->prefix_length) % TAB_WIDTH;
    for (unsigned i = 0; i < spaces && v->column_most < v->columns; i++)
        glyph(v, out, " ", 1);
}

static void backspace(struct view *v, struct view_out *out)
{
    if (!v->open || v->cr || !v->backspaces || v->column_least == 0)
        return;
    emit(v, out, "\b", 1);
    v->moved_back = true;
    v->column_most--;
    v->column_least--;
}

static void begin_character(struct view *v, uint8_t byte, struct view_out *out)
{
    unsigned length = utf8_length(byte);
    if (length == 0) {
        glyph(v, out, "?", 1);
        return;
    }
    v->utf8[0] = byte;
    v->utf8_count = 1;
    v->utf8_length = (uint8_t)length;
    v->character = byte & (0xffu >> (length + 1));
}

/* False: the byte does not continue the character, which is shown as '?'. */
static bool continue_character(struct view *v, uint8_t byte, struct view_out *out)
{
    unsigned length = v->utf8_length;
    if ((byte & 0xc0) != 0x80) {
        v->utf8_length = 0;
        glyph(v, out, "?", 1);
        return false;
    }
    v->utf8[v->utf8_count++] = byte;
    v->character = v->character << 6 | (byte & 0x3f);
    if (v->utf8_count < length)
        return true;
    v->utf8_length = 0;
    if (utf8_shortest(v->character, length) && utf8_printable(v->character))
        glyph(v, out, v->utf8, length);
    else
        glyph(v, out, "?", 1);
    return true;
}

static void text(struct view *v, uint8_t byte, struct view_out *out)
{
    if (byte >= 0x80) {
        begin_character(v, byte, out);
        return;
    }
    if (byte >= ' ' && byte <= '~') {
        glyph(v, out, &byte, 1);
        return;
    }
    switch (byte) {
    case '\n':
    case '\v':
    case '\f':
        v->cr = false;
        end_line(v, out);
        break;
    case '\r':
        v->cr = true;
        break;
    case '\t':
        tab(v, out);
        break;
    case '\b':
        backspace(v, out);
        break;
    default: /* bell, character set shifts, ... */
        break;
    }
}

static void colour(struct view *v, struct view_out *out)
{
    settle(v, out);
    emit(v, out, v->escape.bytes, v->escape.count);
    v->coloured = !escape_is_colour_reset(&v->escape);
}

void view_put(struct view *v, uint8_t byte, struct view_out *out)
{
    if (v->utf8_length != 0 && continue_character(v, byte, out))
        return;
    switch (escape_put(&v->escape, byte)) {
    case ESCAPE_TEXT:
        text(v, byte, out);
        break;
    case ESCAPE_COMPLETE:
        if (escape_is_colour(&v->escape))
            colour(v, out);
        break;
    case ESCAPE_TAKEN:
        break;
    }
}

void view_cut(struct view *v)
{
    if (!v->open)
        return;
    line_closed(v);
    v->cut = true;
    v->cr = false;
}

void view_restart(struct view *v)
{
    line_closed(v);
    v->cut = false;
    v->cr = false;
    v->utf8_length = 0;
    v->escape = (struct escape){0};
}

void view_init(struct view *v, const char *name, const char *const *others)
{
    size_t length = MIN(strlen(name), (size_t)MAX_NAME - 1);
    memset(v, 0, sizeof(*v));
    v->prefix[0] = '[';
    memcpy(v->prefix + 1, name, length);
    memcpy(v->prefix + 1 + length, "] ", 2);
    v->prefix_length = (uint8_t)(length + 3);
    v->columns = VIEW_COLUMNS;
    v->others = others;
}
