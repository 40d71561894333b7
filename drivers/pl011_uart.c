/* SPDX-License-Identifier: BSD-2-Clause */
/* PrimeCell UART PL011 (Arm DDI 0183G). */
#include <bulkhead/arch.h>
#include <drivers/uart.h>

/* DDI 0183G table 3-1 */
enum {
    UARTDR = 0x00,
    UARTFR = 0x18,
    UARTIBRD = 0x24,
    UARTFBRD = 0x28,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIFLS = 0x34,
    UARTIMSC = 0x38,
    UARTICR = 0x44,
    UARTDMACR = 0x48,
};

enum {
    FR_BUSY = 1 << 3, /* table 3-4 */
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    LCR_H_FEN = 1 << 4, /* table 3-7 */
    LCR_H_WLEN_8 = 3 << 5,
    CR_UARTEN = 1 << 0, /* table 3-8 */
    CR_TXE = 1 << 8,
    CR_RXE = 1 << 9,
    IMSC_RXIM = 1 << 4, /* table 3-10 */
    IMSC_RTIM = 1 << 6,
    IFLS_RX_HALF = 2 << 3, /* table 3-9 */
    ICR_ALL = 0x7ff,
};

static uint32_t get(const struct uart *u, unsigned reg)
{
    return mmio_read32((const uint8_t *)u->base + reg);
}

static void set(const struct uart *u, unsigned reg, uint32_t value)
{
    mmio_write32((uint8_t *)u->base + reg, value);
}

static bool tx_ready(const struct uart *u)
{
    return !(get(u, UARTFR) & FR_TXFF);
}

static void tx(const struct uart *u, uint8_t byte)
{
    set(u, UARTDR, byte);
}

static int rx(const struct uart *u)
{
    return get(u, UARTFR) & FR_RXFE ? -1 : (int)(get(u, UARTDR) & 0xff);
}

/* RXIM at the FIFO's mark, RTIM for fewer characters that stay there (2.4.3). */
static void rx_interrupt(const struct uart *u, bool on)
{
    set(u, UARTIMSC, on ? IMSC_RXIM | IMSC_RTIM : 0);
}

void pl011_uart_attach(struct uart *u, paddr_t base, unsigned intid)
{
    *u = (struct uart){
        .name = "PL011",
        .base = map_device(base, 0x1000),
        .intid = intid,
        .tx_ready = tx_ready,
        .tx = tx,
        .rx = rx,
        .rx_interrupt = rx_interrupt,
    };
}

bool pl011_uart_configured(const struct uart *u)
{
    return (get(u, UARTCR) & CR_UARTEN) && get(u, UARTIBRD) != 0;
}

/* Divisors and LCR_H only change while the UART is off and idle (3.3.7, 3.3.8). */
static void set_rate(const struct uart *u, uint32_t clock_hz)
{
    uint32_t divisor64 = (uint32_t)(((uint64_t)clock_hz * 4 + UART_BAUD / 2) / UART_BAUD);
    uint64_t limit = time_now() + time_hz() / 100; /* 32 characters at 115200 take 3 ms */
    while ((get(u, UARTFR) & FR_BUSY) && time_now() < limit)
        ;
    set(u, UARTCR, 0);
    set(u, UARTIBRD, divisor64 / 64);
    set(u, UARTFBRD, divisor64 % 64);
    set(u, UARTLCR_H, LCR_H_WLEN_8 | LCR_H_FEN); /* also latches the divisors */
}

void pl011_uart_start(struct uart *u, uint32_t clock_hz)
{
    set(u, UARTIMSC, 0);
    set(u, UARTDMACR, 0);
    if (clock_hz)
        set_rate(u, clock_hz);
    set(u, UARTIFLS, IFLS_RX_HALF);
    set(u, UARTICR, ICR_ALL);
    set(u, UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
}
