/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One serial port for everybody (core/console.c): all VMs' lines prefixed, one VM raw, or the
 * monitor. A VM's output goes into its own ring and is drained by its own cores.
 */
#ifndef BULKHEAD_CONSOLE_H
#define BULKHEAD_CONSOLE_H

#include <bulkhead/types.h>

struct vm;

/* The board's UART, polled transmit, interrupt-driven receive. */
struct uart {
    const char *name;
    void *base; /* device window */
    unsigned intid;
    bool (*tx_ready)(const struct uart *u);
    void (*tx)(const struct uart *u, uint8_t byte); /* only after tx_ready */
    int (*rx)(const struct uart *u);                /* next byte, or -1 */
    void (*rx_interrupt)(const struct uart *u, bool on);
};

/* Boot core: before this, and with NULL, lines only go to the log ring. Prints what the log holds.
 */
void console_init(const struct uart *uart);
/* From now on output drains by timers and events instead of by waiting. Boot core, last step of
 * boot. */
void console_go_live(void);

/* A guest's console device sends a byte; its own core. False: the VM's ring is full and the byte is
 * lost; pl011_transmit_room() is called, from an event or a timer on one of the VM's cores, once
 * half the room is there. Sends at most 32 bytes to the UART, never waits. The VM's uart lock may
 * be held.
 */
bool console_vm_put(struct vm *vm, uint8_t byte);
/* Called by vdev when the guest took input, so that more may follow: calls pl011_receive(). Own
 * core, no lock. */
void console_vm_input_room(struct vm *vm);
/* The VM starts (again): untaken input is forgotten, its output begins on a new line. Any core. */
void console_vm_restart(struct vm *vm);
/* A copy of the last bytes that the VM wrote, `bytes` at most, in whole words; how many there are.
 * Any core. */
uint32_t console_vm_tail(const struct vm *vm, uint64_t *out, uint32_t bytes);
/* "[bulkhead] " line, in the view of all VMs and in the monitor; log.c only. */
void console_hypervisor_line(const char *line);
/* The same, and also to whoever is attached to `vm`; log.c only. */
void console_vm_notice(const struct vm *vm, const char *line);
/* Physical UART interrupt and EVENT_CONSOLE, on this core, no lock held. Bounded: at most 32 bytes
 * each way. */
void console_interrupt(void *unused);
void console_run_event(void);
/* Last words: waits for the UART (20 ms for a byte at most), takes no lock. panic() only. */
void console_emergency(const char *text);

/* core/monitor.c: the hypervisor's own prompt. The first two are called by the console's input,
 * under its lock. */
void monitor_enter(void);
void monitor_input(uint8_t byte);
/* Something was printed over the prompt: draw it again, soon. Any core. */
void monitor_disturbed(void);
/* On any core, no lock held: go on with what this core prints for the monitor, a few lines at a
 * time. Returns when to call again, in ticks; UINT64_MAX: no need. */
uint64_t monitor_step(void);

#endif
