/* SPDX-License-Identifier: BSD-2-Clause */
/* Two VMs, alpha on cores 0 and 1, beta on 2 and 3, and a UART: the console as a test drives it. */
#ifndef TESTS_UNIT_CONSOLE_RIG_H
#define TESTS_UNIT_CONSOLE_RIG_H

#include "fake/fake.h"
#include "unit.h"
#include <bulkhead/console.h>
#include <bulkhead/log.h>
#include <bulkhead/vm.h>

enum { ALPHA, BETA, RIG_INTID = 125 };

extern char rig_wire[1 << 20]; /* all that the UART sent */
extern size_t rig_wire_bytes;
extern unsigned rig_fifo;                 /* the UART's FIFO; 0: never full, as QEMU's */
extern unsigned long rig_tx_on[MAX_CPUS]; /* bytes sent by each core */
extern unsigned long rig_polls;           /* tx_ready() calls that said no */
extern char rig_typed[MAX_VMS][1024];     /* what VMs' UARTs received */
extern unsigned rig_rx_room[MAX_VMS];     /* they take this many bytes more */
extern unsigned rig_tx_room_calls[MAX_VMS];

/* What was asked of vm_command(), and whether it refuses; board_reset() calls, which return. */
extern unsigned rig_commands, rig_resets;
extern struct vm *rig_command_vm;
extern enum vm_command rig_command;
extern bool rig_command_refused;

/* Fresh console, live, nothing said yet. `hidden`: mask of VMs that are hidden. */
void rig_start(unsigned hidden);
/* A VM's core writes. The number of bytes taken. */
size_t rig_write(unsigned cpu, const char *text);
/* Run posted events and timers until `us` from now have passed. */
void rig_run_us(uint64_t us);
/* Run until nothing is left to do (a second at most). */
void rig_settle(void);
/* Type. Ctrl-] is \x1d. */
void rig_type(const char *keys);
/* Forget what was sent so far. */
void rig_clear(void);
bool rig_has(const char *text);

#endif
