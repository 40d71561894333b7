/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More interrupts than list registers. Those without one wait in vgic_cpu.waiting; the LRs hold the
 * most urgent. While any waits, GICH asks for maintenance when at most one LR is in use (UIE), when
 * none is pending (NPIE) and when the guest EOIs an active interrupt that was moved out (LRENPIE).
 *
 * No maintenance interrupt is left standing: with one waiting all LRs are in use after a refill, so
 * UIE is quiet; NPIE is asked for only if an LR is pending; EOICount and EISR are cleared here.
 *
 * Active interrupts are moved out only to let a pending one in when no LR is pending, the least
 * urgent first: its EOI comes last. With GICC_CTLR.EOImode = 1 the guest deactivates in any order
 * and EOICount does not say which, so none is moved; their EOI bits tell of the next free LR.
 * A guest that EOIs what it has deactivated by GICD_ICACTIVER while another is moved out ends the
 * other: EOICount can't tell.
 */
#include "internal.h"

static bool anything_waits(struct vcpu *v, bool pending_only)
{
    uint32_t any = 0;
    for (unsigned w = 0; w < VGIC_WORDS; w++)
        any |= v->gic.waiting[w] & ~(pending_only ? bank_of(v, 32 * w)->active : 0);
    return any;
}

static void prune(struct vcpu *v)
{
    for (unsigned w = 0; w < VGIC_WORDS; w++)
        v->gic.waiting[w] = vgic_need_lr(v, w, v->gic.waiting[w]);
}

/* The most urgent waiting interrupt, active or pending as asked; VGIC_INTIDS: none. */
static unsigned most_urgent(struct vcpu *v, bool active)
{
    unsigned best = VGIC_INTIDS, best_priority = 0x100;
    for (unsigned w = 0; w < VGIC_WORDS; w++) {
        const uint8_t *priorities = active ? v->gic.active_priority
                                    : w    ? v->vm->gic.priority
                                           : v->gic.priority;
        uint32_t is_active = bank_of(v, 32 * w)->active;
        uint32_t bits = v->gic.waiting[w] & (active ? is_active : ~is_active);
        for (; bits; bits &= bits - 1) {
            unsigned id = 32 * w + first_bit(bits);
            if (priorities[id] < best_priority) {
                best = id;
                best_priority = priorities[id];
            }
        }
    }
    return best;
}

static bool any_lr_pending(const struct vgic_cpu *c)
{
    for (unsigned i = 0; i < c->lr_count; i++)
        if ((gich_read_lr(i) & LR_STATE) == LR_PENDING)
            return true;
    return false;
}

/* EOImode = 1 and all LRs active: have the next deactivation tell. */
static void watch_all(struct vcpu *v)
{
    for (unsigned i = 0; i < v->gic.lr_count; i++) {
        uint32_t lr = gich_read_lr(i);
        if ((lr & LR_STATE) && !(lr & (LR_HW | LR_EOI)))
            gich_write_lr(i, lr | LR_EOI);
    }
}

/* Empty an LR for a pending interrupt, if one in it is less urgent; all LRs are in use. */
static unsigned make_room(struct vcpu *v, unsigned id)
{
    struct vgic_cpu *c = &v->gic;
    bool any_pending = any_lr_pending(c);
    unsigned victim = VGIC_NO_LR, worst = any_pending ? priority_of(v, id) : 0;

    if (!any_pending && (gich_read_vmcr() & VMCR_EOIMODE)) {
        watch_all(v);
        return VGIC_NO_LR;
    }
    for (unsigned i = 0; i < c->lr_count; i++) {
        uint32_t lr = gich_read_lr(i);
        unsigned priority = lr_priority(lr);
        bool pending_only = (lr & LR_STATE) == LR_PENDING;
        if (pending_only != any_pending || priority < worst || (any_pending && priority == worst))
            continue;
        victim = i;
        worst = priority;
    }
    if (victim != VGIC_NO_LR) {
        unsigned evicted = c->lr_id[victim];
        vgic_unload(v, victim);
        c->waiting[evicted / 32] |= bit_of(evicted);
    }
    return victim;
}

static void refill(struct vcpu *v)
{
    prune(v);
    /* Each round puts in the most urgent one; after two rounds for each LR nothing can move. */
    for (unsigned n = 0; n < 2u * v->gic.lr_count; n++) {
        unsigned id = most_urgent(v, false), i;
        bool pending = id != VGIC_INTIDS;
        if (!pending)
            id = most_urgent(v, true);
        if (id == VGIC_INTIDS)
            return;
        i = vgic_free_lr(v);
        if (i == VGIC_NO_LR && pending)
            i = make_room(v, id);
        if (i == VGIC_NO_LR)
            return;
        vgic_load(v, id, i);
    }
}

/* The guest ended `count` active interrupts that are in no LR: by the rule of EOImode = 0, those
 * with the highest priority. */
static void settle_eoi_count(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    uint32_t count = c->hcr & HCR_LRENPIE ? gich_read_hcr() >> HCR_EOI_COUNT_SHIFT : 0;
    if (!count)
        return;
    gich_write_hcr(c->hcr);
    for (; count; count--) {
        unsigned id = most_urgent(v, true);
        if (id == VGIC_INTIDS)
            return;
        bank_of(v, id)->active &= ~bit_of(id);
        if (is_hardware(id))
            irq_set_active(id, false);
        vgic_update_one(v, id);
    }
}

static void ask_for_maintenance(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    uint32_t hcr = HCR_EN;
    c->overflow = anything_waits(v, false);
    vgic_prepare(v);
    if (c->overflow) {
        hcr |= HCR_UIE | HCR_LRENPIE;
        if (anything_waits(v, true) && any_lr_pending(c))
            hcr |= HCR_NPIE;
    }
    if (hcr != c->hcr && !c->paused)
        gich_write_hcr(hcr);
    c->hcr = hcr;
}

void vgic_settle(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    uint64_t ended;
    settle_eoi_count(v);
    ended = gich_read_eisr();
    for (unsigned i = 0; i < c->lr_count; i++) {
        if (!(ended >> i & 1))
            continue;
        if (c->lr_id[i] != VGIC_NO_LR)
            vgic_update_one(v, c->lr_id[i]);
        else
            gich_write_lr(i, 0);
    }
    refill(v);
    ask_for_maintenance(v);
}

void vgic_finish(struct vcpu *v)
{
    if (!v->gic.overflow)
        return;
    lock_take(&v->vm->gic.lock);
    vgic_settle(v);
    lock_release(&v->vm->gic.lock);
}
