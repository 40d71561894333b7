/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/account.h>
#include <bulkhead/arch.h>
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
