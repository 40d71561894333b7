/* SPDX-License-Identifier: BSD-2-Clause */
/* Reset of a VM's vGIC, start and stop of a vCPU's, and what its core is told to do. */
#include "internal.h"

#include <string.h>

void vgic_reset(struct vm *vm)
{
    struct vgic *g = &vm->gic;
    lock_take(&g->lock);
    __atomic_store_n(&g->ctlr, 0, __ATOMIC_RELAXED);
    g->running = 0;
    memset(g->bank, 0, sizeof(g->bank));
    memset(g->priority, 0, sizeof(g->priority));
    memset(g->targets, vm->nvcpus == 1 ? 1 : 0, sizeof(g->targets));
    for (unsigned n = 0; n < MAX_CPUS; n++) {
        struct vgic_cpu *c = &vm->vcpus[n].gic;
        memset(c, 0, sizeof(*c));
        memset(c->lr_id, VGIC_NO_LR, sizeof(c->lr_id));
        memset(c->lr_of, VGIC_NO_LR, sizeof(c->lr_of));
        memset(c->active_priority, VGIC_BY_HAND, sizeof(c->active_priority));
        c->bank.enabled = c->bank.edge = (1u << VGIC_SGIS) - 1;
    }
    lock_release(&g->lock);
}

/* The physical interrupt as after reset. */
static void hardware_idle(struct vcpu *v)
{
    irq_mask(INTID_VTIMER);
    irq_set_pending(INTID_VTIMER, false);
    irq_set_active(INTID_VTIMER, false);
    v->gic.bank.pending &= ~bit_of(INTID_VTIMER);
    v->gic.bank.active &= ~bit_of(INTID_VTIMER);
}

static void gich_clear(struct vcpu *v, uint32_t hcr)
{
    v->gic.lr_count = (uint8_t)MIN(gich_lr_count(), (unsigned)VGIC_MAX_LRS);
    for (unsigned i = 0; i < v->gic.lr_count; i++)
        gich_write_lr(i, 0);
    gich_write_apr(0);
    gich_write_vmcr(0);
    gich_write_hcr(hcr);
    v->gic.hcr = hcr;
    v->gic.paused = false;
}

/* Have every running vCPU look at everything again, on its own core. */
void vgic_review_all(struct vcpu *v)
{
    struct vm *vm = v->vm;
    for (unsigned n = 0; n < vm->nvcpus; n++) {
        struct vgic_cpu *c = &vm->vcpus[n].gic;
        c->todo_private = true;
        /* No fast path until its core has looked. */
        __atomic_store_n(&c->plain, false, __ATOMIC_RELAXED);
        __atomic_store_n(&c->timer_lr, 0, __ATOMIC_RELAXED);
        for (unsigned w = 1; w < VGIC_WORDS; w++)
            c->todo[w] = UINT32_MAX;
        if (n != v->index && c->running)
            vgic_post(&vm->vcpus[n]);
    }
}

void vgic_cpu_start(struct vcpu *vcpu)
{
    struct vgic *g = &vcpu->vm->gic;
    gich_clear(vcpu, HCR_EN);
    hardware_idle(vcpu);
    lock_take(&g->lock);
    vcpu->gic.running = true;
    g->running |= (uint8_t)(1u << vcpu->index);
    vgic_review_all(vcpu); /* SPIs may be routed to this one now */
    lock_release(&g->lock);
    vgic_run_event(vcpu);
}

/* SPIs that were this vCPU's: another target may be on. */
static void hand_over(struct vm *vm)
{
    for (unsigned w = 1; w < VGIC_WORDS; w++)
        vgic_notify(vm, w, UINT32_MAX);
}

void vgic_cpu_stop(struct vcpu *vcpu)
{
    struct vgic_cpu *c = &vcpu->gic;
    if (c->running) {
        lock_take(&vcpu->vm->gic.lock);
        vgic_settle(vcpu);
        for (unsigned i = 0; i < c->lr_count; i++)
            if (c->lr_id[i] != VGIC_NO_LR)
                vgic_unload(vcpu, i);
        memset(c->held, 0, sizeof(c->held));
        memset(c->waiting, 0, sizeof(c->waiting));
        vgic_answer(vcpu);
        c->overflow = c->running = false;
        vcpu->vm->gic.running &= (uint8_t) ~(1u << vcpu->index);
        c->asked = 0;
        hand_over(vcpu->vm);
        lock_release(&vcpu->vm->gic.lock);
    }
    gich_clear(vcpu, 0);
    hardware_idle(vcpu);
}

/* A pending virtual interrupt would end the WFI of some cores that wait at EL2 (and does so in the
 * emulator). EOICount, which a write clears, is settled first. */
void vgic_cpu_pause(struct vcpu *vcpu)
{
    vgic_maintenance(vcpu);
    gich_write_hcr(0);
    vcpu->gic.paused = true;
}

void vgic_cpu_resume(struct vcpu *vcpu)
{
    gich_write_hcr(vcpu->gic.hcr);
    vcpu->gic.paused = false;
}

static void run_todo(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    for (unsigned w = 1; w < VGIC_WORDS; w++) {
        uint32_t bits = c->todo[w];
        c->todo[w] = 0;
        if (bits)
            vgic_update(v, w, bits);
    }
    if (c->todo_private) {
        vgic_hardware_follow(v);
        vgic_update(v, 0, UINT32_MAX);
    }
    c->todo_private = false;
}

void vgic_run_event(struct vcpu *vcpu)
{
    struct vgic_cpu *c = &vcpu->gic;
    if (c->running)
        vgic_sgi_receive(vcpu);
    lock_take(&vcpu->vm->gic.lock);
    c->posted = false;
    if (c->running)
        run_todo(vcpu);
    vgic_answer(vcpu);
    lock_release(&vcpu->vm->gic.lock);
    vgic_finish(vcpu);
}

void vgic_maintenance(struct vcpu *vcpu)
{
    if (!vcpu->gic.running)
        return;
    lock_take(&vcpu->vm->gic.lock);
    vgic_settle(vcpu);
    lock_release(&vcpu->vm->gic.lock);
}

void vgic_set_private_level(struct vcpu *vcpu, unsigned intid, bool level)
{
    uint32_t *line = &vcpu->gic.bank.line;
    if (((*line & bit_of(intid)) != 0) == level)
        return;
    *line ^= bit_of(intid);
    if (!vcpu->gic.running)
        return;
    vgic_update_one(vcpu, intid);
    vgic_finish(vcpu);
}

/* Changes that this core has not run yet count as pending: a WFI may end early, never late. */
