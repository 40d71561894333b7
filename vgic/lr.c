/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One interrupt against its list register. While an interrupt is in an LR its pending and active
 * state is the LR's, which the guest's acknowledges and EOIs change without EL2. On its own core a
 * read of the LR is the truth, and stays so until EL2 is left.
 *
 * An interrupt is never in two LRs. A hardware-linked LR is never pending and active (IHI 0048B
 * 5.3.11): its physical interrupt keeps what comes meanwhile. The EOI bit, which costs the guest an
 * exit, is set only when something would be due then: a line still high, or a latch that can't be
 * put in the LR beside the active state.
 */
#include "internal.h"

/* Other cores read the bitmap locked; a bit that goes late only sends them here once for nothing.
 */
static void set_held(struct vcpu *v, unsigned word, uint32_t mask, uint32_t held)
{
    uint32_t *bits = &v->gic.held[word];
    uint32_t old = __atomic_load_n(bits, __ATOMIC_RELAXED), new = (old & ~mask) | held;
    if (word > 0 && new != old)
        __atomic_store_n(bits, new, __ATOMIC_RELAXED);
}

static void unmap(struct vcpu *v, unsigned i)
{
    struct vgic_cpu *c = &v->gic;
    unsigned id = c->lr_id[i];
    c->lr_id[i] = VGIC_NO_LR;
    c->lr_of[id] = VGIC_NO_LR;
    c->lr_latched &= (uint16_t) ~(1u << i);
    set_held(v, id / 32, bit_of(id), 0);
    if (is_hardware(id))
        vgic_prepare(v);
}

/* Would it be forwarded to this vCPU if it were pending? */
static bool deliverable(struct vcpu *v, unsigned id)
{
    if (!(bank_of(v, id)->enabled & bit_of(id)) ||
        !(__atomic_load_n(&v->vm->gic.ctlr, __ATOMIC_RELAXED) & 1))
        return false;
    return id < VGIC_PRIVATE || vgic_route(v->vm, id) == v;
}

static bool level_high(const struct vgic_bank *b, unsigned id)
{
    return (b->line & ~b->edge) & bit_of(id);
}

/* Of SPIs, those whose lowest-numbered running target is this vCPU. */
static uint32_t routed_here(const struct vcpu *v, unsigned word, uint32_t among)
{
    const uint8_t *targets = &v->vm->gic.targets[32 * word];
    uint8_t me = (uint8_t)(1u << v->index), up_to_me = (uint8_t)(v->vm->gic.running & (2 * me - 1));
    uint32_t here = 0;
    for (; among; among &= among - 1)
        if ((targets[first_bit(among)] & up_to_me) == me)
            here |= among & -among;
    return here;
}

static uint32_t held_elsewhere(const struct vcpu *v, unsigned word)
{
    uint32_t held = 0;
    for (unsigned n = 0; n < v->vm->nvcpus; n++)
        if (n != v->index)
            held |= __atomic_load_n(&v->vm->vcpus[n].gic.held[word], __ATOMIC_RELAXED);
    return held;
}

uint32_t vgic_need_lr(struct vcpu *v, unsigned word, uint32_t among)
{
    const struct vgic_bank *b = bank_of(v, 32 * word);
    uint32_t wanting = vgic_wanting(v->vm, b) & among;
    if (word == 0 || !wanting)
        return wanting;
    wanting &= ~held_elsewhere(v, word);
    return (b->active & v->gic.held[word] & wanting) | routed_here(v, word, wanting);
}

/* Move the latch into the LR's pending bit. An SGI: only from the source that this LR is for. */
static uint32_t take_latch(struct vcpu *v, unsigned id, unsigned i, uint32_t lr)
{
    struct vgic_cpu *c = &v->gic;
    struct vgic_bank *b = bank_of(v, id);
    if (id < VGIC_SGIS) {
        uint8_t source = (uint8_t)(1u << LR_SOURCE(lr));
        if (!(c->sgi_sources[id] & source))
            return lr;
        c->sgi_sources[id] &= (uint8_t)~source;
        if (!c->sgi_sources[id])
            b->pending &= ~bit_of(id);
    } else {
        b->pending &= ~bit_of(id);
    }
    c->lr_latched |= (uint16_t)(1u << i);
    return lr | LR_PENDING;
}

/* The reverse. A pending state that came from a line only is not latched: the line is still there.
 */
static void return_latch(struct vcpu *v, unsigned id, unsigned i, uint32_t lr)
{
    struct vgic_cpu *c = &v->gic;
    if (!(c->lr_latched & 1u << i))
        return;
    c->lr_latched &= (uint16_t) ~(1u << i);
    bank_of(v, id)->pending |= bit_of(id);
    if (id < VGIC_SGIS)
        c->sgi_sources[id] |= (uint8_t)(1u << LR_SOURCE(lr));
}

/* Carry out what GICD_ICPENDR, ICACTIVER and ISACTIVER asked for while the state was in the LR. */
static uint32_t obey(struct vcpu *v, unsigned id, unsigned i, uint32_t lr)
{
    struct vgic_cpu *c = &v->gic;
    struct vgic_bank *b = bank_of(v, id);
    uint32_t bit = bit_of(id), drop = 0;
    if (c->unpend[id / 32] & bit) {
        drop |= lr & LR_PENDING;
        c->lr_latched &= (uint16_t) ~(1u << i);
    }
    if (c->unactive[id / 32] & bit)
        drop |= lr & LR_ACTIVE;
    c->unpend[id / 32] &= ~bit;
    c->unactive[id / 32] &= ~bit;
    if (drop && is_hardware(id))
        irq_set_active(id, false); /* fires again at once if its line is high */
    lr &= ~drop;
    if (b->active & bit) {
        b->active &= ~bit;
        if (!(lr & LR_ACTIVE))
            lr |= LR_PRIORITY; /* never acknowledged: as VGIC_BY_HAND */
        if (is_hardware(id) && (lr & LR_PENDING)) {
            lr &= ~LR_PENDING;
            if (!irq_is_pending(id))
                irq_set_pending(id, true);
        }
        lr |= LR_ACTIVE;
    }
    return lr;
}

/* Beside an active state only with the priority that it was acknowledged with: an LR has but one.
 */
static uint32_t match_pending(struct vcpu *v, unsigned id, unsigned i, uint32_t lr)
{
    const struct vgic_bank *b = bank_of(v, id);
    bool deliver = deliverable(v, id) && !(lr & LR_ACTIVE && lr_priority(lr) != priority_of(v, id));
    bool latched = (v->gic.lr_latched >> i & 1) || is_hardware(id);
    if ((lr & LR_PENDING) && (!deliver || !(latched || level_high(b, id)))) {
        lr &= ~LR_PENDING;
        if (is_hardware(id))
            vgic_hardware_give_back(id);
        else
            return_latch(v, id, i, lr);
    }
    if (deliver && (lr & LR_STATE) && (b->pending & bit_of(id)) && !is_hardware(id))
        lr = take_latch(v, id, i, lr);
    return lr;
}

static uint32_t dress(struct vcpu *v, unsigned id, uint32_t lr)
{
    const struct vgic_bank *b = bank_of(v, id);
    if (!(lr & LR_ACTIVE))
        lr = (lr & ~LR_PRIORITY) | lr_with_priority(priority_of(v, id));
    if (is_hardware(id))
        return lr;
    lr &= ~LR_EOI;
    return level_high(b, id) || (b->pending & bit_of(id)) ? lr | LR_EOI : lr;
}

/* What other cores take for the state of an SPI that is in an LR here. */
static void publish(struct vcpu *v, unsigned id, uint32_t lr)
{
    struct vgic_cpu *c = &v->gic;
    uint32_t *pending = &c->seen_pending[id / 32], *active = &c->seen_active[id / 32];
    if (id < VGIC_PRIVATE)
        return;
    *pending = lr & LR_PENDING ? *pending | bit_of(id) : *pending & ~bit_of(id);
    *active = lr & LR_ACTIVE ? *active | bit_of(id) : *active & ~bit_of(id);
}

static void refresh(struct vcpu *v, unsigned id, unsigned i)
{
    uint32_t old = gich_read_lr(i);
    uint32_t lr = match_pending(v, id, i, obey(v, id, i, old));
    if (lr & LR_STATE) {
        lr = dress(v, id, lr);
        if (lr != old)
            gich_write_lr(i, lr);
        publish(v, id, lr);
        if (is_hardware(id))
            vgic_prepare(v);
        return;
    }
    /* Gone. An LR with its EOI bit set is not empty, and asks for maintenance, until it is cleared.
     */
    if ((old & LR_STATE) || (!is_hardware(id) && (old & LR_EOI)))
        gich_write_lr(i, 0);
    unmap(v, i);
}

void vgic_load(struct vcpu *v, unsigned id, unsigned i)
{
    struct vgic_cpu *c = &v->gic;
    struct vgic_bank *b = bank_of(v, id);
    uint32_t lr = id;

    c->lr_id[i] = (uint8_t)id;
    c->lr_of[id] = (uint8_t)i;
    c->lr_latched &= (uint16_t) ~(1u << i);
    c->waiting[id / 32] &= ~bit_of(id);
    c->unpend[id / 32] &= ~bit_of(id); /* the bank has obeyed already */
    c->unactive[id / 32] &= ~bit_of(id);
    set_held(v, id / 32, 0, bit_of(id));
    if (is_hardware(id))
        vgic_prepare(v);
    if (is_hardware(id))
        lr |= LR_HW | (uint32_t)id << LR_SOURCE_SHIFT;
    if (b->active & bit_of(id)) {
        b->active &= ~bit_of(id);
        lr |= LR_ACTIVE | lr_with_priority(c->active_priority[id]);
        c->active_priority[id] = VGIC_BY_HAND;
        if (id < VGIC_SGIS)
            lr |= (uint32_t)c->sgi_last[id] << LR_SOURCE_SHIFT;
        lr = match_pending(v, id, i, lr);
    } else {
        lr |= LR_PENDING;
        if (id < VGIC_SGIS) {
            c->sgi_last[id] = (uint8_t)first_bit(c->sgi_sources[id]);
            lr |= (uint32_t)c->sgi_last[id] << LR_SOURCE_SHIFT;
        }
        if (is_hardware(id))
            b->pending &= ~bit_of(id);
        else if (b->pending & bit_of(id))
            lr = take_latch(v, id, i, lr);
    }
    gich_write_lr(i, dress(v, id, lr));
    publish(v, id, lr);
}

bool vgic_again(struct vcpu *v, unsigned id)
{
    struct vgic_cpu *c = &v->gic;
    const struct vgic_bank *b = bank_of(v, id);
    unsigned word = id / 32, i = c->lr_of[id];
    uint32_t other = ~b->enabled | b->pending | b->active | (b->line & ~b->edge) | c->unpend[word] |
                     c->unactive[word];

    if (!c->plain || i == VGIC_NO_LR || (other & bit_of(id)) || vgic_route(v->vm, id) != v ||
        (gich_read_lr(i) & (LR_STATE | LR_EOI)))
        return false;
    c->lr_latched |= (uint16_t)(1u << i);
    c->seen_pending[word] |= bit_of(id);
    c->seen_active[word] &= ~bit_of(id);
    gich_write_lr(i, id | LR_PENDING | lr_with_priority(priority_of(v, id)));
    return true;
}

void vgic_unload(struct vcpu *v, unsigned i)
{
    unsigned id = v->gic.lr_id[i];
    struct vgic_bank *b = bank_of(v, id);
    uint32_t lr = obey(v, id, i, gich_read_lr(i));
    if (lr & LR_PENDING) {
        if (is_hardware(id))
            b->pending |= bit_of(id);
        else
            return_latch(v, id, i, lr);
    }
    if (lr & LR_ACTIVE) {
        b->active |= bit_of(id);
        v->gic.active_priority[id] = lr_priority(lr);
    }
    unmap(v, i);
    publish(v, id, 0);
    set_held(v, id / 32, 0, lr & LR_ACTIVE ? bit_of(id) : 0);
}

unsigned vgic_free_lr(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    unsigned found = VGIC_NO_LR;
    for (unsigned i = 0; i < c->lr_count; i++)
        if (c->lr_id[i] == VGIC_NO_LR)
            return i;
    /* All were filled: see which ones the guest has emptied. Nothing follows from those. */
    uint64_t empty = gich_read_elrsr();
    for (unsigned i = c->lr_count; i-- > 0;) {
        if (empty >> i & 1) {
            unmap(v, i);
            found = i;
        }
    }
    return found;
}

/* Bring those that are in list registers up to date; answers which of `bits` are in none then. */
static uint32_t refresh_all(struct vcpu *v, unsigned word, uint32_t bits)
{
    const uint8_t *lr_of = &v->gic.lr_of[32 * word];
    uint32_t rest = bits;
    for (; bits; bits &= bits - 1) {
        unsigned n = first_bit(bits);
        if (lr_of[n] == VGIC_NO_LR)
            continue;
        refresh(v, 32 * word + n, lr_of[n]);
        if (lr_of[n] != VGIC_NO_LR)
            rest &= ~(1u << n);
    }
    return rest;
}

/* Load as many as there are free list registers; answers which are left. */
static uint32_t load_all(struct vcpu *v, unsigned word, uint32_t bits)
{
    while (bits && !v->gic.overflow) {
        unsigned i = vgic_free_lr(v);
        if (i == VGIC_NO_LR)
            break;
        vgic_load(v, 32 * word + first_bit(bits), i);
        bits &= bits - 1;
    }
    return bits;
}

void vgic_update(struct vcpu *v, unsigned word, uint32_t bits)
{
    struct vgic_cpu *c = &v->gic;
    const struct vgic_bank *b = bank_of(v, 32 * word);
    uint32_t rest = refresh_all(v, word, bits);
    uint32_t need = vgic_need_lr(v, word, rest), idle = rest & ~need, wait;

    c->unpend[word] &= ~rest; /* the bank has obeyed already */
    c->unactive[word] &= ~rest;
    c->waiting[word] &= ~rest;
    set_held(v, word, rest, b->active & need);
    wait = load_all(v, word, need);
    if (wait) {
        c->overflow = true;
        c->waiting[word] |= wait;
        vgic_prepare(v);
    }
    if (word == 0 && (idle & c->bank.pending & bit_of(INTID_VTIMER))) {
        c->bank.pending &= ~bit_of(INTID_VTIMER);
        vgic_hardware_give_back(INTID_VTIMER);
    }
    if (word > 0 && idle)
        vgic_notify(v->vm, word, idle); /* they are another vCPU's, or nobody's */
}

void vgic_lr_states(struct vcpu *v, unsigned word, uint32_t *pending, uint32_t *active)
{
    const struct vgic_cpu *c = &v->gic;
    *pending = *active = 0;
    for (unsigned i = 0; i < c->lr_count; i++) {
        unsigned id = c->lr_id[i];
        if (id == VGIC_NO_LR || id / 32 != word)
            continue;
        uint32_t lr = gich_read_lr(i);
        *pending |= lr & LR_PENDING ? bit_of(id) : 0;
        *active |= lr & LR_ACTIVE ? bit_of(id) : 0;
    }
}
