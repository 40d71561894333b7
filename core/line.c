/* SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void line_add(char *line, size_t size, const char *format, ...)
{
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, size - used, format, args);
    va_end(args);
}
