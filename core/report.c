/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <bulkhead/account.h>
#include <bulkhead/console.h>
#include <bulkhead/log.h>

struct report reports[MAX_VMS];

void report_begin(struct vm *vm, const struct vcpu *culprit, const char *why)
{
    struct report *r = &reports[vm->id];

    r->start = 0; /* whoever prints it now knows that it changes */
    for (unsigned i = 0; i < MAX_CPUS; i++)
        __atomic_store_n(&r->vcpus[i].kept, false, __ATOMIC_RELAXED);
    r->at = time_now();
    r->lived = r->at - vm->cntvoff;
    r->culprit = culprit;
    r->told = false;
    refuse(&r->why, "%s", why);
    block_stats(vm->id, &r->disk);
    account_exits(vm, r->exits);
    r->console_bytes = console_vm_tail(vm, r->console, REPORT_CONSOLE_BYTES);
    __atomic_store_n(&r->start, vm->starts, __ATOMIC_RELEASE);
}

static struct report *begun(const struct vm *vm)
{
    struct report *r = &reports[vm->id];
    return vm->starts && __atomic_load_n(&r->start, __ATOMIC_ACQUIRE) == vm->starts ? r : NULL;
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
    v->waiting = vcpu != r->culprit && waits(vcpu, &v->state);
    __atomic_store_n(&v->kept, true, __ATOMIC_RELEASE);
}
