/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <bulkhead/account.h>
#include <bulkhead/console.h>
#include <bulkhead/crc32.h>
#include <bulkhead/log.h>
#include <bulkhead/version.h>
#include <string.h>

/* Not zeroed at boot: what RAM holds is believed if its sum fits. */
__attribute__((section(".bss..kept"), aligned(64))) struct report reports[MAX_VMS];

/* Another build's, or another VM's, does not fit. */
static uint32_t sum_of(const struct vm *vm)
{
    const char *name = vm->config->name;
    uint32_t sum = crc32(0, BULKHEAD_VERSION, sizeof(BULKHEAD_VERSION));
    sum = crc32(sum, name, strlen(name));
    return crc32(sum, &reports[vm->id], offsetof(struct report, sum));
}

void report_init(const struct vm *vm)
{
    struct report *r = &reports[vm->id];
    bool whole = r->sum == sum_of(vm);
    if (!whole)
        memset(r, 0, sizeof(*r));
    r->old = whole;
}

void report_seal(const struct vm *vm)
{
    struct report *r = &reports[vm->id];
    r->told = true;
    r->sum = sum_of(vm);
    cache_clean(r, sizeof(*r)); /* a reset of the board loses what is in caches */
}

void report_begin(struct vm *vm, const struct vcpu *culprit, const char *why)
{
    struct report *r = &reports[vm->id];

    r->start = 0; /* whoever prints it now knows that it changes */
    for (unsigned i = 0; i < MAX_CPUS; i++)
        __atomic_store_n(&r->vcpus[i].kept, false, __ATOMIC_RELAXED);
    r->at = time_now();
    r->lived = r->at - vm->cntvoff;
    r->culprit = culprit ? culprit->index : NOBODY_DID_IT;
    r->told = r->old = false;
    refuse(&r->why, "%s", why);
    block_stats(vm->id, &r->disk);
    account_exits(vm, r->exits);
    r->console_bytes = console_vm_tail(vm, r->console, REPORT_CONSOLE_BYTES);
    __atomic_store_n(&r->start, vm->starts, __ATOMIC_RELEASE);
}

static struct report *begun(const struct vm *vm)
{
    struct report *r = &reports[vm->id];
    bool now = vm->starts && __atomic_load_n(&r->start, __ATOMIC_ACQUIRE) == vm->starts;
    return now && !r->told ? r : NULL;
}

/* Behind a WFI: its encoding (Arm ARM C6.2.353). */
static bool waits(const struct vcpu *vcpu, const struct vcpu_state *s)
{
    enum { WFI = 0xd503207f };
    uint64_t at = vcpu->regs->pc - 4, word;
    return guest_read_va(vcpu->vm, s, align_down(at, 8), &word) &&
           (uint32_t)(word >> (at & 4) * 8) == WFI;
}

void report_vcpu(struct vcpu *vcpu)
{
    struct report *r = begun(vcpu->vm);
    struct vcpu_report *v;

    if (!r || vcpu->power != VCPU_ON || !vcpu->regs)
        return;
    v = &r->vcpus[vcpu->index];
    if (v->kept)
        return;
    v->regs = *vcpu->regs;
    vcpu_state_read(&v->state);
    v->nframes = (uint8_t)guest_backtrace(vcpu->vm, &v->state, &v->regs, v->frames);
    v->waiting = vcpu->index != r->culprit && waits(vcpu, &v->state);
    __atomic_store_n(&v->kept, true, __ATOMIC_RELEASE);
}
