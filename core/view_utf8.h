/* SPDX-License-Identifier: BSD-2-Clause */
/* Which characters beyond ASCII may be shown on a shared terminal. Pure. */
#ifndef CORE_VIEW_UTF8_H
#define CORE_VIEW_UTF8_H

#include <bulkhead/types.h>

/* False: a control, or it could hide, reorder or move text. `character` is 0x80 or more. */
bool utf8_printable(uint32_t character);
/* Bytes of the sequence that begins with `first` (RFC 3629, 3); 0: none does. */
unsigned utf8_length(uint8_t first);
/* False: an over-long encoding. */
bool utf8_shortest(uint32_t character, unsigned length);

#endif
