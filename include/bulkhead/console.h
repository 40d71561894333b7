/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One serial port for everybody (core/console.c): all VMs' lines prefixed, one VM raw, or the monitor.
 * A VM's output goes into its own ring and is drained by its own cores.
 */
#ifndef BULKHEAD_CONSOLE_H
#define BULKHEAD_CONSOLE_H

#include <bulkhead/types.h>

struct vm;

/* The board's UART, polled transmit, interrupt-driven receive. */
struct uart {
    const char *name;
    void *base;      /* device window */
    unsigned intid;
    bool (*tx_ready)(const struct uart *u);
    void (*tx)(const struct uart *u, uint8_t byte); /* only after tx_ready */
    int (*rx)(const struct uart *u);                /* next byte, or -1 */
    void (*rx_interrupt)(const struct uart *u, bool on);
};

/* Boot core: before this, and with NULL, lines only go to the log ring. Prints what the log holds. */
void console_init(const struct uart *uart);
/* From now on output drains by timers and events instead of by waiting. Boot core, last step of boot. */
void console_go_live(void);

/* A guest's console device sends a byte; its own core. False: the VM's ring is full (the device keeps its
 * FIFO-full flag set until console_vm_room()). */
bool console_vm_put(struct vm *vm, uint8_t byte);
bool console_vm_room(struct vm *vm);
/* Called by vdev when the guest took input, so that more may follow; own core. */
void console_vm_input_room(struct vm *vm);
/* "[bulkhead] " line; log.c only. */
void console_hypervisor_line(const char *line);
/* Physical UART interrupt and EVENT_CONSOLE, on this core. */
void console_interrupt(void *unused);
void console_run_event(void);
/* A line of the monitor, to whoever watches it; monitor.c only. */
void console_monitor_print(const char *text);
/* Last words: waits for the UART, takes no lock. panic() only. */
void console_emergency(const char *text);

/* core/monitor.c: a character typed at the monitor. */
void monitor_input(uint8_t byte);
void monitor_enter(void);

#endif
