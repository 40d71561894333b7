/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPIs: their state is shared by the VM's cores, but only one core has it in a list register and
 * only that core can read or write it. Another core that changes the interrupt notes the change in
 * the bank and in the owner's bitmaps and posts EVENT_VGIC. A guest that reads pending or active
 * state that is in another core's LR gets an answer from after its question, without a wait at EL2:
 * the owner is asked, and the guest's load is run again until it has answered.
 */
#include "internal.h"

struct vcpu *vgic_route(struct vm *vm, unsigned id)
{
    unsigned targets = vm->gic.targets[id] & vm->gic.running;
    return targets ? &vm->vcpus[first_bit(targets)] : NULL;
}

void vgic_post(struct vcpu *v)
{
    if (!v->gic.posted)
        cpu_post(v->cpu, EVENT_VGIC);
    v->gic.posted = true;
}

/* Whoever has an SPI in a list register acts on it, else the vCPU it is routed to. */
void vgic_notify(struct vm *vm, unsigned word, uint32_t bits)
{
    uint32_t part[MAX_CPUS] = {0};
    for (unsigned n = 0; n < vm->nvcpus; n++) {
        part[n] = bits & __atomic_load_n(&vm->vcpus[n].gic.held[word], __ATOMIC_RELAXED);
        bits &= ~part[n];
    }
    bits &= vgic_wanting(vm, &vm->gic.bank[word]);
    for (; bits; bits &= bits - 1) {
        struct vcpu *to = vgic_route(vm, 32 * word + first_bit(bits));
        if (to)
            part[to->index] |= bits & -bits;
    }
    for (unsigned n = 0; n < vm->nvcpus; n++) {
        struct vcpu *v = &vm->vcpus[n];
        if (!part[n])
            continue;
        if (v->cpu == cpu_this()) {
            vgic_update(v, word, part[n]);
        } else {
            v->gic.todo[word] |= part[n];
            vgic_post(v);
        }
    }
}

/* The vCPU of this VM that runs on this core, NULL if another VM's or none does. */
static struct vcpu *vcpu_here(struct vm *vm)
{
    struct vcpu *v = vcpu_this();
    return v && v->vm == vm ? v : NULL;
}

static void changed(struct vm *vm, unsigned intid, struct vcpu *here)
{
    vgic_notify(vm, intid / 32, bit_of(intid));
    lock_release(&vm->gic.lock);
    if (here)
        vgic_finish(here);
}

void vgic_set_level(struct vm *vm, unsigned intid, bool level)
{
    struct vgic_bank *b = &vm->gic.bank[intid / 32];
    lock_take(&vm->gic.lock);
    if (((b->line & bit_of(intid)) != 0) == level) {
        lock_release(&vm->gic.lock);
        return;
    }
    b->line ^= bit_of(intid);
    if (level)
        b->pending |= b->edge & bit_of(intid);
    changed(vm, intid, vcpu_here(vm));
}

/* The guest may have set the SPI up as level-sensitive: latched all the same, or it would be lost.
 */
void vgic_pulse(struct vm *vm, unsigned intid)
{
    struct vcpu *here = vcpu_here(vm);
    lock_take(&vm->gic.lock);
    if (here && vgic_again(here, intid)) {
        lock_release(&vm->gic.lock);
        return;
    }
    vm->gic.bank[intid / 32].pending |= bit_of(intid);
    changed(vm, intid, here);
}

/* ---- State in another core's list registers ---- */

/* An answer that the guest came back for later than this is asked for again. */
enum { FRESH_US = 1000 };

bool vgic_ask(struct vcpu *v, unsigned offset, unsigned word)
{
    struct vgic_cpu *c = &v->gic;
    if (c->asked == offset) {
        if (c->awaited)
            return false;
        c->asked = 0;
        if (time_now() - c->answered < time_hz() / 1000000 * FRESH_US)
            return true;
    }
    c->asked = 0;
    c->awaited = 0;
    for (unsigned n = 0; n < v->vm->nvcpus; n++) {
        struct vcpu *other = &v->vm->vcpus[n];
        if (other == v || !__atomic_load_n(&other->gic.held[word], __ATOMIC_RELAXED))
            continue;
        other->gic.askers |= (uint8_t)(1u << v->index);
        c->awaited |= (uint8_t)(1u << n);
        vgic_post(other);
    }
    if (c->awaited)
        c->asked = (uint16_t)offset;
    return !c->awaited;
}

void vgic_answer(struct vcpu *v)
{
    struct vgic_cpu *c = &v->gic;
    if (!c->askers)
        return;
    for (unsigned i = 0; i < c->lr_count; i++)
        if (c->lr_id[i] >= VGIC_PRIVATE && c->lr_id[i] != VGIC_NO_LR)
            vgic_update_one(v, c->lr_id[i]);
    for (unsigned n = 0; n < v->vm->nvcpus; n++) {
        if (c->askers >> n & 1) {
            v->vm->vcpus[n].gic.awaited &= (uint8_t) ~(1u << v->index);
            v->vm->vcpus[n].gic.answered = time_now();
        }
    }
    c->askers = 0;
}
