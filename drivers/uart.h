/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serial ports: polled transmit, interrupt-driven receive. Boot core. For each kind:
 *   attach      map the registers and fill in *u; `base` as the device tree has it
 *   configured  has firmware or a boot loader set a rate?
 *   start       transmitter and receiver on, 8 bits, FIFOs on, no interrupt. `clock_hz` 0: the rate
 * that was set stays, and nothing that is on its way out is lost; else 115200 baud from that clock.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <bulkhead/console.h>
#include <bulkhead/types.h>

enum { UART_BAUD = 115200 };

/* PrimeCell PL011. */
void pl011_uart_attach(struct uart *u, paddr_t base, unsigned intid);
bool pl011_uart_configured(const struct uart *u);
void pl011_uart_start(struct uart *u, uint32_t clock_hz);

/* Mini UART of the BCM2835 family's auxiliary block. */
void mini_uart_attach(struct uart *u, paddr_t base, unsigned intid);
bool mini_uart_configured(const struct uart *u);
void mini_uart_start(struct uart *u, uint32_t clock_hz);

#endif
