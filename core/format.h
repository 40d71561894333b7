/* SPDX-License-Identifier: BSD-2-Clause */
/* What core/format.c is called on the host. */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

__attribute__((format(printf, 3, 0))) int
format_vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list args);
__attribute__((format(printf, 3, 4))) int format_snprintf(char *restrict text, size_t size,
                                                          const char *restrict format, ...);

#endif
