/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <bulkhead/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants these first */
#include <cmocka.h>

char fake_log[16384];
unsigned fake_log_lines;

void fake_log_reset(void)
{
    fake_log[0] = '\0';
    fake_log_lines = 0;
}

bool fake_log_has(const char *text)
{
    return strstr(fake_log, text) != NULL;
}

static void append(const char *format, va_list args)
{
    size_t used = strlen(fake_log);
    if (used + 2 > sizeof(fake_log))
        return; /* full */
    vsnprintf(fake_log + used, sizeof(fake_log) - used - 1, format,
              args); /* leaves room for the newline */
    strcat(fake_log, "\n");
    fake_log_lines++;
}

__attribute__((weak)) void log_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    append(format, args);
    va_end(args);
}

__attribute__((weak)) void log_vm(struct vm *vm, const char *format, ...)
{
    va_list args;
    (void)vm;
    va_start(args, format);
    append(format, args);
    va_end(args);
}

__attribute__((weak)) void log_vm_state(struct vm *vm, const char *format, ...)
{
    va_list args;
    (void)vm;
    va_start(args, format);
    append(format, args);
    va_end(args);
}

__attribute__((weak)) void refuse(struct refusal *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
}

/* A test may expect it with expect_assert_failure(). */
__attribute__((weak)) void panic(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "panic: %s\n", text);
    mock_assert(0, "panic", __FILE__, __LINE__);
    abort();
}
