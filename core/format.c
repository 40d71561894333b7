/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snprintf and vsnprintf (C11 7.21.6) as far as the hypervisor's own texts use them; newlib's would
 * be eight times as large. Conversions: d u x c s %, with l and ll; flags: - 0 #; a width; a
 * precision for s; either may be *. Any other is a bug of ours and printed as it stands.
 * On the host, where the C library's are in use, they are called format_*, for their test.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef BULKHEAD_HOST
#include "format.h"
#define vsnprintf format_vsnprintf
#define snprintf  format_snprintf
#endif

struct sink {
    char *at, *end; /* the last byte is kept for the NUL */
    size_t length;
};

static void put(struct sink *s, char c)
{
    if (s->at < s->end)
        *s->at++ = c;
    s->length++;
}

struct conversion {
    bool left, zero, prefix;
    int width, precision; /* -1: none */
};

/* `text` of `n` bytes in its field; zeros go behind a sign or prefix of `lead` bytes. */
static void field(struct sink *s, const struct conversion *c, const char *text, int n, int lead)
{
    int fill = c->width - n;
    bool zeros = c->zero && !c->left;
    for (int i = 0; zeros && i < lead; i++)
        put(s, *text++);
    for (; !c->left && fill > 0; fill--)
        put(s, zeros ? '0' : ' ');
    for (int i = zeros ? lead : 0; i < n; i++)
        put(s, *text++);
    for (; fill > 0; fill--)
        put(s, ' ');
}

static void number(struct sink *s, const struct conversion *c, uint64_t value, unsigned base,
                   bool negative)
{
    char digits[24], *end = digits + sizeof(digits), *at = end;
    int lead = negative;
    uint64_t rest = value;
    do {
        *--at = "0123456789abcdef"[rest % base];
        rest /= base;
    } while (rest);
    if (c->prefix && value) {
        *--at = 'x';
        *--at = '0';
        lead = 2;
    }
    if (negative)
        *--at = '-';
    field(s, c, at, (int)(end - at), lead);
}

static int decimal(const char **f, va_list *args)
{
    int n = 0;
    if (**f == '*') {
        ++*f;
        return va_arg(*args, int);
    }
    for (; **f >= '0' && **f <= '9'; ++*f)
        n = 10 * n + (**f - '0');
    return n;
}

static const char *flags(const char *f, struct conversion *c)
{
    for (;; f++) {
        if (*f == '-')
            c->left = true;
        else if (*f == '0')
            c->zero = true;
        else if (*f == '#')
            c->prefix = true;
        else
            return f;
    }
}

static void string(struct sink *s, const struct conversion *c, const char *text)
{
    int n = 0;
    while ((c->precision < 0 || n < c->precision) && text[n])
        n++;
    field(s, c, text, n, 0);
}

/* One conversion, from behind its '%'; answers where it ends. */
static const char *convert(struct sink *s, const char *f, va_list *args)
{
    struct conversion c = {.precision = -1};
    unsigned longs = 0;
    f = flags(f, &c);
    c.width = decimal(&f, args);
    if (*f == '.') {
        f++;
        c.precision = decimal(&f, args);
    }
    for (; *f == 'l'; f++)
        longs++;
    if (*f == 's') {
        string(s, &c, va_arg(*args, const char *));
    } else if (*f == 'c') {
        char one = (char)va_arg(*args, int);
        field(s, &c, &one, 1, 0);
    } else if (*f == 'd') {
        int64_t v = longs ? va_arg(*args, int64_t) : va_arg(*args, int);
        number(s, &c, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
    } else if (*f == 'u' || *f == 'x') {
        uint64_t v = longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
        number(s, &c, v, *f == 'u' ? 10 : 16, false);
    } else {
        put(s, *f); /* %% */
    }
    return *f ? f + 1 : f;
}

int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list args)
{
    struct sink s = {text, size ? text + size - 1 : text, 0};
    va_list rest;
    va_copy(rest, args);
    while (*format) {
        if (*format == '%')
            format = convert(&s, format + 1, &rest);
        else
            put(&s, *format++);
    }
    va_end(rest);
    if (size)
        *s.at = '\0';
    return (int)s.length;
}

int snprintf(char *restrict text, size_t size, const char *restrict format, ...)
{
    va_list args;
    int n;
    va_start(args, format);
    n = vsnprintf(text, size, format, args);
    va_end(args);
    return n;
}
