/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the control sequences in a stream of bytes for a terminal (ECMA-48 5th ed., 5.3-5.6), with
 * bounded state. Pure; the bytes are a guest's, so hostile.
 */
#ifndef CORE_VIEW_ESCAPE_H
#define CORE_VIEW_ESCAPE_H

#include <bulkhead/types.h>

enum {
    ESCAPE_SEQUENCE_MAX = 40,  /* longest sequence that is handed over; longer ones are swallowed */
    ESCAPE_SWALLOW_MAX = 4096, /* an unfinished control string ends here, that the rest is seen */
};

enum escape_result {
    ESCAPE_TEXT,     /* the byte is no part of a sequence: the caller's to handle */
    ESCAPE_TAKEN,    /* swallowed */
    ESCAPE_COMPLETE, /* the last byte of the sequence that is now in bytes[0..count) */
};

struct escape {
    uint8_t state;
    uint8_t count;
    bool too_long;
    uint16_t swallowed;
    uint8_t bytes[ESCAPE_SEQUENCE_MAX];
};

/* All zero is the initial state. */
enum escape_result escape_put(struct escape *e, uint8_t byte);

/* False: in the middle of a sequence. */
bool escape_idle(const struct escape *e);

/* SGR, "select graphic rendition" (ECMA-48 8.3.117), with plain parameters. */
bool escape_is_colour(const struct escape *e);
/* SGR that only resets: ESC [ m, ESC [ 0 m. */
bool escape_is_colour_reset(const struct escape *e);
/* A sequence that draws or moves but makes the terminal answer nothing: safe to replay. */
bool escape_is_replayable(const struct escape *e);

#endif
