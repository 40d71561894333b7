/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who pays: every tick that a core spends at EL2 is charged to the VM whose work it did
 * (core/account.c). The rule is that a VM's work is done on its own cores only; this account is
 * what proves it.
 */
#ifndef BULKHEAD_ACCOUNT_H
#define BULKHEAD_ACCOUNT_H

#include <bulkhead/types.h>

struct vm;

enum { ACCOUNT_HYPERVISOR = MAX_VMS, ACCOUNTS = MAX_VMS + 1 };

struct account {
    uint64_t ticks[ACCOUNTS]; /* by VM id; the last is the hypervisor's own (boot, log, monitor) */
    uint64_t stays;           /* how often this core came to EL2 */
    uint64_t longest;         /* ticks of the longest stay since account_reset_longest() */
    uint64_t lock_wait;       /* and of the longest wait for a lock */
};

/* This core came to EL2, or begins work in the idle loop; charged to its own VM until switched.
 * arch/ only. */
void account_enter(void);
/* It goes back to its guest or to sleep. arch/ only. */
void account_leave(void);
/* A long work has looked for interrupts, there are none and it goes on: as if it had left and come
 * back. */
void account_step(void);
/* The next work on this core is for `payer`; who paid before. Nest by switching back. */
unsigned account_switch(unsigned payer);
/* A copy of another core's account; may be torn by one exit, for display. */
void account_read(unsigned cpu, struct account *out);
/* A VM's exits since power-on, over its vCPUs (vm.h); may be torn by one exit. Any core. */
void account_exits(const struct vm *vm, uint64_t *exits);
/* Look for each core's longest stay and wait anew. Any core; one that ends just now may be missed.
 */
void account_reset_longest(void);

#endif
