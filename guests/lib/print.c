/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib.h"
#include <stdarg.h>

enum { UARTDR = 0x000, UARTFR = 0x018, UARTFR_TXFF = 1 << 5 }; /* DDI 0183G 3.3 */

static uint64_t console = PL011;

void console_at(uint64_t pl011)
{
    console = pl011;
}

bool console_full(void)
{
    return read32(console + UARTFR) & UARTFR_TXFF;
}

void put_char(char c)
{
    while (console_full())
        ;
    write32(console + UARTDR, (uint8_t)c);
}

static void put_text(const char *s)
{
    for (; *s; s++) {
        if (*s == '\n')
            put_char('\r');
        put_char(*s);
    }
}

static void put_number(uint64_t n, unsigned base)
{
    char digits[21];
    unsigned i = sizeof(digits) - 1;
    digits[i] = 0;
    do
        digits[--i] = "0123456789abcdef"[n % base];
    while (n /= base);
    put_text(digits + i);
}

void print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (; *format; format++) {
        char c[2] = {*format, 0};
        bool wide = false;
        if (*format != '%') {
            put_text(c);
            continue;
        }
        if (*++format == 'l') {
            wide = true;
            format++;
        }
        if (*format == 's')
            put_text(va_arg(args, const char *));
        else if (*format == 'c')
            put_char((char)va_arg(args, int));
        else
            put_number(wide ? va_arg(args, uint64_t) : va_arg(args, unsigned),
                       *format == 'x' ? 16 : 10);
    }
    va_end(args);
}

/* From start.S: an exception that nobody expected. */
void exception_report(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far);

void exception_report(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far)
{
    print("\nunexpected exception: vector %lu ESR %lx ELR %lx FAR %lx\n", vector, esr, elr, far);
}
