/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual timer's interrupt exists physically too. Rules that hold outside these functions:
 *   - physically unmasked if and only if the guest's distributor would forward it;
 *   - physically active if and only if it is in a list register, waits for one (bank.pending), or
 *     is active in the bank.
 * So it can't fire again at EL2 before the guest (or these functions) deactivated it, and while it
 * is not forwarded it stays pending in the physical distributor, where its line and its latch are.
 * The guest's view: pending = physically pending, or fired and not acknowledged; active =
 * acknowledged.
 *
 * What hardware can't tell: a timer that is reprogrammed between its firing and the guest's
 * acknowledge is still delivered, once; a pending bit set by hand while it is due is one with it.
 */
#include "internal.h"

static bool acknowledged(struct vcpu *v, unsigned id)
{
    uint32_t pending, active;
    vgic_lr_states(v, 0, &pending, &active);
    return (v->gic.bank.active | active) & bit_of(id);
}

static bool fired(struct vcpu *v, unsigned id)
{
    uint32_t pending, active;
    vgic_lr_states(v, 0, &pending, &active);
    return (v->gic.bank.pending | pending) & bit_of(id);
}

static bool forwarded(const struct vcpu *v)
{
    return (v->gic.bank.enabled & bit_of(INTID_VTIMER)) &&
           (__atomic_load_n(&v->vm->gic.ctlr, __ATOMIC_RELAXED) & 1);
}

/* Once it was in an LR that LR stays its own, empty or not, until it is needed: then a firing timer
 * is one write. */
void vgic_prepare(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    unsigned i = c->lr_of[INTID_VTIMER];
    c->plain = !c->overflow && (__atomic_load_n(&v->vm->gic.ctlr, __ATOMIC_RELAXED) & 1);
    c->timer_at = 4 * i;
    c->timer_lr = c->plain && i != VGIC_NO_LR && forwarded(v)
                      ? INTID_VTIMER | LR_HW | INTID_VTIMER << LR_SOURCE_SHIFT | LR_PENDING |
                            lr_with_priority(c->priority[INTID_VTIMER])
                      : 0;
}

void vgic_hardware_follow(struct vcpu *v)
{
    vgic_prepare(v);
    if (forwarded(v))
        irq_unmask(INTID_VTIMER);
    else
        irq_mask(INTID_VTIMER);
}

/* If its line went low meanwhile this makes one interrupt too many, rather than one too few. */
void vgic_hardware_give_back(unsigned id)
{
    irq_set_active(id, false);
    if (!irq_is_pending(id))
        irq_set_pending(id, true);
}

void vgic_hardware_set_pending(struct vcpu *v, unsigned id)
{
    if (!fired(v, id))
        irq_set_pending(id, true);
}

void vgic_hardware_clear_pending(struct vcpu *v, unsigned id)
{
    irq_set_pending(id, false);
    if (v->gic.bank.pending & bit_of(id)) {
        v->gic.bank.pending &= ~bit_of(id);
        irq_set_active(id, false);
    }
    v->gic.unpend[0] |= bit_of(id);
    vgic_update_one(v, id);
}

void vgic_hardware_set_active(struct vcpu *v, unsigned id)
{
    if (acknowledged(v, id))
        return;
    if (v->gic.bank.pending & bit_of(id)) {
        v->gic.bank.pending &= ~bit_of(id);
        if (!irq_is_pending(id))
            irq_set_pending(id, true);
    }
    irq_set_active(id, true);
    v->gic.bank.active |= bit_of(id);
    vgic_update_one(v, id);
}

void vgic_hardware_clear_active(struct vcpu *v, unsigned id)
{
    if (v->gic.bank.active & bit_of(id)) {
        v->gic.bank.active &= ~bit_of(id);
        irq_set_active(id, false);
    }
    v->gic.unactive[0] |= bit_of(id);
    vgic_update_one(v, id);
}

void vgic_vtimer_fired(struct vcpu *vcpu)
{
    if (!vcpu->gic.running) {
        irq_mask(INTID_VTIMER);
        irq_set_active(INTID_VTIMER, false);
        return;
    }
    vcpu->gic.bank.pending |= bit_of(INTID_VTIMER);
    vgic_update_one(vcpu, INTID_VTIMER);
    vgic_finish(vcpu);
}
