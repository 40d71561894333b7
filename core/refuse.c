/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/log.h>
#include <stdarg.h>
#include <stdio.h>

void refuse(struct refusal *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    /* Part of it may come from a card: what is printed must leave the terminal alone. */
    for (char *c = why->text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}
