/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "view_escape.h"

enum { CAN = 0x18, SUB = 0x1a, ESC = 0x1b, BEL = 0x07, DEL = 0x7f };

enum {
    GROUND = 0,
    AFTER_ESC,
    INTERMEDIATE, /* ESC 0x20-0x2f ... */
    CONTROL,      /* ESC [ ... */
    STRING,       /* ESC ] P X ^ _ ... up to ST: OSC, DCS, SOS, PM, APC */
    STRING_ESC,   /* ESC within a string: ST if a backslash follows */
};

bool escape_idle(const struct escape *e)
{
    return e->state == GROUND;
}

static enum escape_result restart(struct escape *e)
{
    e->state = AFTER_ESC;
    e->bytes[0] = ESC;
    e->count = 1;
    e->too_long = false;
    e->swallowed = 0;
    return ESCAPE_TAKEN;
}

static enum escape_result stop(struct escape *e, enum escape_result result)
{
    e->state = GROUND;
    return result;
}

static enum escape_result collect(struct escape *e, uint8_t byte)
{
    if (e->count < ESCAPE_SEQUENCE_MAX)
        e->bytes[e->count++] = byte;
    else
        e->too_long = true;
    if (++e->swallowed >= ESCAPE_SWALLOW_MAX)
        return stop(e, ESCAPE_TAKEN);
    return ESCAPE_TAKEN;
}

static enum escape_result finish(struct escape *e, uint8_t byte)
{
    collect(e, byte);
    return stop(e, e->too_long ? ESCAPE_TAKEN : ESCAPE_COMPLETE);
}

static enum escape_result after_esc(struct escape *e, uint8_t byte)
{
    collect(e, byte);
    switch (byte) {
    case '[':
        e->state = CONTROL;
        return ESCAPE_TAKEN;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        e->state = STRING;
        return ESCAPE_TAKEN;
    default:
        break;
    }
    if (byte < 0x30) {
        e->state = INTERMEDIATE;
        return ESCAPE_TAKEN;
    }
    return stop(e, byte == DEL ? ESCAPE_TAKEN : ESCAPE_COMPLETE);
}

/* A line's end ends an unfinished string too: no program sends one on purpose, and a program that
 * died in the middle must not silence the lines after it. */
static enum escape_result in_string(struct escape *e, uint8_t byte)
{
    if (byte == '\n' || byte == '\r')
        return stop(e, ESCAPE_TEXT);
    if (byte == BEL || byte == CAN || byte == SUB || ++e->swallowed >= ESCAPE_SWALLOW_MAX)
        return stop(e, ESCAPE_TAKEN);
    if (byte == ESC)
        e->state = STRING_ESC;
    return ESCAPE_TAKEN;
}

enum escape_result escape_put(struct escape *e, uint8_t byte)
{
    if (e->state == STRING_ESC) {
        if (byte == '\\')
            return stop(e, ESCAPE_TAKEN);
        restart(e); /* the ESC began a new sequence, of which this is the second byte */
    }
    if (e->state == STRING)
        return in_string(e, byte);
    if (byte == ESC)
        return restart(e);
    if (e->state == GROUND)
        return ESCAPE_TEXT;
    if (byte == CAN || byte == SUB)
        return stop(e, ESCAPE_TAKEN);
    if (byte < 0x20 || byte >= 0x80)
        return stop(e, ESCAPE_TEXT); /* broken off */
    if (e->state == AFTER_ESC)
        return after_esc(e, byte);
    if (byte == DEL)
        return ESCAPE_TAKEN;
    if (e->state == INTERMEDIATE)
        return byte < 0x30 ? collect(e, byte) : finish(e, byte);
    return byte < 0x40 ? collect(e, byte) : finish(e, byte);
}

static bool is_control(const struct escape *e)
{
    return e->count >= 3 && e->bytes[1] == '[';
}

/* Parameters are digits, ';' and ':' only, from bytes[from] up to the final byte. */
static bool plain_parameters(const struct escape *e, unsigned from)
{
    for (unsigned i = from; i + 1 < e->count; i++)
        if (e->bytes[i] < '0' || e->bytes[i] > ';')
            return false;
    return true;
}

bool escape_is_colour(const struct escape *e)
{
    return is_control(e) && e->bytes[e->count - 1] == 'm' && plain_parameters(e, 2);
}

bool escape_is_colour_reset(const struct escape *e)
{
    return escape_is_colour(e) && (e->count == 3 || (e->count == 4 && e->bytes[2] == '0'));
}

bool escape_is_replayable(const struct escape *e)
{
    uint8_t last = e->bytes[e->count - 1];
    if (is_control(e)) {
        if (e->bytes[2] == '?') /* DEC private modes: set, reset */
            return (last == 'h' || last == 'l') && plain_parameters(e, 3);
        return strchr("@ABCDEFGHJKLMPSTXdfmr", last) && plain_parameters(e, 2);
    }
    if (e->count == 2) /* cursor saved, restored, line moves, keypad modes */
        return strchr("78DEM=>", last);
    /* line-drawing character set and back */
    return e->count == 3 && (e->bytes[1] == '(' || e->bytes[1] == ')') &&
           (last == '0' || last == 'B');
}
