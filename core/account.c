/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/account.h>
#include <bulkhead/arch.h>
#include <bulkhead/lock.h>
#include <bulkhead/vm.h>

/* Written by its own core only. */
static struct core_account {
    struct account sums;
    uint64_t entered; /* ticks: this stay's begin */
    uint64_t since;   /* ticks: the present payer's begin */
    unsigned payer;
} accounts[MAX_CPUS];

static void charge(struct core_account *a, uint64_t now)
{
    a->sums.ticks[a->payer] += now - a->since;
    a->since = now;
}

void account_enter(void)
{
    struct core_account *a = &accounts[cpu_this()];
    const struct vcpu *vcpu = vcpu_this();
    a->entered = a->since = time_now();
    a->payer = vcpu ? vcpu->vm->id : ACCOUNT_HYPERVISOR;
    a->sums.stays++;
}

void account_leave(void)
{
    struct core_account *a = &accounts[cpu_this()];
    uint64_t now = time_now();
    charge(a, now);
    a->sums.longest = MAX(a->sums.longest, now - a->entered);
}

void account_step(void)
{
    struct core_account *a = &accounts[cpu_this()];
    uint64_t now = time_now();
    a->sums.longest = MAX(a->sums.longest, now - a->entered);
    a->entered = now;
}

unsigned account_switch(unsigned payer)
{
    struct core_account *a = &accounts[cpu_this()];
    unsigned before = a->payer;
    charge(a, time_now());
    a->payer = payer;
    return before;
}

void account_read(unsigned cpu, struct account *out)
{
    *out = accounts[cpu].sums;
}

void account_exits(const struct vm *vm, uint64_t *exits)
{
    for (unsigned i = 0; i < EXITS; i++) {
        exits[i] = 0;
        for (unsigned v = 0; v < vm->nvcpus; v++)
            exits[i] += vm->vcpus[v].exits[i];
    }
}

void account_reset_longest(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        __atomic_store_n(&accounts[cpu].sums.longest, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&accounts[cpu].sums.lock_wait, 0, __ATOMIC_RELAXED);
    }
}

void lock_wait(const struct lock *l, uint16_t ticket)
{
    struct account *sums = &accounts[cpu_this()].sums;
    uint64_t since = time_now();

    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax();
    sums->lock_wait = MAX(sums->lock_wait, time_now() - since);
}
