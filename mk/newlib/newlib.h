/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How newlib is built for EL2; elsewhere its `configure` writes this file. Small re-entrancy
 * structure, C locale only, integer formats with all C99 length modifiers, no stdio streams.
 */
#ifndef BULKHEAD_NEWLIB_H
#define BULKHEAD_NEWLIB_H

#define _WANT_IO_C99_FORMATS             1
#define _WANT_IO_LONG_LONG               1
#define _WANT_REENT_SMALL                1
#define _REENT_SMALL                     1
#define _MB_LEN_MAX                      1
#define _HAVE_LONG_DOUBLE                1
#define _HAVE_CC_INHIBIT_LOOP_TO_LIBCALL 1
#define _LITE_EXIT                       1

#endif
