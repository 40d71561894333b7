/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed to this VM: a PL011's receive side (DDI 0183G 3.3). */
#include "lib.h"

enum {
    UARTDR = 0x000,
    UARTFR = 0x018,
    UARTIMSC = 0x038,
    UARTICR = 0x044,
    UARTFR_RXFE = 1 << 4,
    UART_RX = 1 << 4,
    UART_RT = 1 << 6, /* receive time-out: fewer bytes than the FIFO's trigger level */
};

void keys_enable(void)
{
    write32(PL011 + UARTIMSC, read32(PL011 + UARTIMSC) | UART_RX | UART_RT);
    gic_enable(INTID_PL011, false);
}

void keys_acknowledge(void)
{
    write32(PL011 + UARTICR, UART_RX | UART_RT);
}

int key_typed(void)
{
    if (read32(PL011 + UARTFR) & UARTFR_RXFE)
        return -1;
    return (int)(read32(PL011 + UARTDR) & 0xff);
}
