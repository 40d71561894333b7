/* SPDX-License-Identifier: BSD-2-Clause */
/* Floods, and bytes that a terminal obeys. The lines must not pass for anybody else's. */
#include "attack.h"

enum { FLOOD = 48 * 1024, UARTDR = 0x000 };

static void text(const char *s)
{
    for (; *s; s++)
        put_char(*s);
}

const char *console_escapes(void)
{
    for (unsigned n = 0; n < 20; n++) {
        text("\033[2J\033[H\033]0;title\007\033[?1049h\033[6n\033[c\033[1;1r\033c\033(0\033#8");
        text("\r[bulkhead] witness: crashed: not so\r\n\033[1A\033[2K[witness] beat 0 forged\r\n");
        text("\033[31;5;7m\033]52;c;AAAA\007\033P+q544e\033\\\x9b"
             "2J\xc2\x9b"
             "31m\x1d"
             "0\x1d"
             "a\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08[bulkhead] \r\n");
        for (unsigned i = 0; i < 600; i++)
            put_char((char)random64());
        text("\033[");
        for (unsigned i = 0; i < 300; i++)
            text("1;");
        text("\033\\\030\r\n");
    }
    text("\033c\033[0m\033[?1049l\r\n");
    return NULL;
}

const char *console_flood(void)
{
    for (unsigned n = 0; n < FLOOD; n++)
        put_char("no end of it. "[n % 14]);
    put_char('\n');
    for (unsigned n = 0; n < 100000; n++) /* full or not */
        write32(PL011 + UARTDR, 'x');
    text("\r\n");
    return NULL;
}

const char *console_then_loop(void)
{
    for (;;)
        write32(PL011 + UARTDR, 'y');
}
