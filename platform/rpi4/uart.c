/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: the UART that stdout-path names. On the header's GPIO 14 and 15 that is the mini
 * UART on a stock card, or UART0. */
#include "mailbox.h"
#include "rpi4.h"
#include <bulkhead/arch.h>
#include <drivers/uart.h>
#include <string.h>

/* "BCM2711 ARM Peripherals", 5.2 (GPFSEL1: 3 bits a pin, from GPIO 10) and 5.3 (alternative
 * functions) */
enum {
    GPFSEL1 = 0x04,
    GPFSEL1_PIN14 = 12,
    GPFSEL1_PIN15 = 15,
    GPFSEL_MASK = 7,
    ALT0_UART0 = 4,
    ALT5_MINI_UART = 2,
};

/* UART0 is the PL011 whose pins can be the header's 14 and 15; 2 to 5 have pins of their own, muxed
 * by whoever made one the console. */
static bool is_uart0(const struct device *d)
{
    return (d->reg[0].base & 0xfff) == 0;
}

static void mux_header(const struct machine *m, uint32_t function)
{
    const struct device *d = machine_device(m, DEV_GPIO);
    if (!d || !d->enabled || !d->nregs)
        return;
    uint8_t *gpfsel1 = (uint8_t *)map_device(paddr(d->reg[0].base), 0x100) + GPFSEL1;
    uint32_t old = mmio_read32(gpfsel1);
    uint32_t new = old & ~(uint32_t)(GPFSEL_MASK << GPFSEL1_PIN14 | GPFSEL_MASK << GPFSEL1_PIN15);
    new |= function << GPFSEL1_PIN14 | function << GPFSEL1_PIN15;
    if (new != old)
        mmio_write32(gpfsel1, new);
}

static bool is_uart(const struct device *d)
{
    return (d->kind == DEV_PL011 || d->kind == DEV_MINI_UART) && d->enabled && d->nregs && d->nirqs;
}

/* Named by stdout-path; else the first of the kind a stock card has on its header. */
static const struct device *choose(const struct machine *m)
{
    for (unsigned i = 0; i < m->ndevices; i++)
        if (is_uart(&m->devices[i]) && strcmp(m->devices[i].path, m->stdout_path) == 0)
            return &m->devices[i];
    const struct device *d = machine_device(m, DEV_MINI_UART);
    if (!d || !is_uart(d))
        d = machine_device(m, DEV_PL011);
    return d && is_uart(d) ? d : NULL;
}

/* 48 MHz is what the firmware gives UART0 unless config.txt says otherwise (init_uart_clock). */
static uint32_t clock_or(const struct machine *m, enum mailbox_clock clock, uint32_t otherwise)
{
    uint32_t hz = mailbox_clock_rate(m, clock);
    return hz ? hz : otherwise;
}

static void open_pl011(struct uart *u, const struct machine *m, const struct device *d)
{
    pl011_uart_attach(u, paddr(d->reg[0].base), d->intid[0]);
    if (is_uart0(d))
        mux_header(m, ALT0_UART0);
    pl011_uart_start(u, pl011_uart_configured(u) ? 0 : clock_or(m, CLOCK_UART, 48000000));
}

/* 500 MHz is a Pi 4's core clock; with enable_uart=1 the firmware keeps it fixed. */
static void open_mini_uart(struct uart *u, const struct machine *m, const struct device *d)
{
    mini_uart_attach(u, paddr(d->reg[0].base), d->intid[0]);
    mux_header(m, ALT5_MINI_UART);
    mini_uart_start(u, mini_uart_configured(u) ? 0 : clock_or(m, CLOCK_CORE, 500000000));
}

const struct uart *rpi4_console(const struct machine *m)
{
    static struct uart uart;
    const struct device *d = choose(m);
    if (uart.base || !d)
        return uart.base ? &uart : NULL;
    if (d->kind == DEV_PL011)
        open_pl011(&uart, m, d);
    else
        open_mini_uart(&uart, m, d);
    return uart.base ? &uart : NULL;
}
