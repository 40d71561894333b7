/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CORE_LINE_H
#define CORE_LINE_H

#include <stddef.h>

/* Add to the string in line[size], as far as it fits. */
__attribute__((format(printf, 3, 4))) void line_add(char *line, size_t size, const char *format,
                                                    ...);

#endif
