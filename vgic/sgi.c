/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software-generated interrupts: pending once for each source CPU, by the guest's own numbers. One
 * source at a time is in the list register; with others pending its EOI bit brings the next.
 */
#include "internal.h"

enum { SGIR_LIST, SGIR_OTHERS, SGIR_SELF }; /* GICD_SGIR.TargetListFilter (IHI 0048B 4.3.15) */

static uint8_t all_vcpus(const struct vcpu *v)
{
    return (uint8_t)((1u << v->vm->nvcpus) - 1);
}

static void latch(struct vcpu *v, unsigned id, uint8_t sources)
{
    if (!sources)
        return;
    v->gic.sgi_sources[id] |= sources;
    v->gic.bank.pending |= bit_of(id);
    vgic_update_one(v, id);
}

static void send(struct vcpu *from, struct vcpu *to, unsigned id)
{
    uint64_t bit = 1ULL << (4 * id + from->index);
    /* Already there: the kick is on its way, or the target is off and looks when it starts. */
    if (!(__atomic_fetch_or(&to->gic.sgi_inbox, bit, __ATOMIC_RELEASE) & bit))
        cpu_post(to->cpu, EVENT_VGIC);
}

_Static_assert(MAX_CPUS <= 4, "vgic_cpu.sgi_inbox has four source bits for each SGI");

void vgic_sgi_receive(struct vcpu *v)
{
    uint64_t inbox = __atomic_exchange_n(&v->gic.sgi_inbox, 0, __ATOMIC_ACQUIRE);
    for (unsigned id = 0; inbox; id++, inbox >>= 4)
        latch(v, id, inbox & 0xf);
}

void vgic_sgir_write(struct vcpu *v, uint32_t value)
{
    unsigned id = value & 0xf, targets;
    switch (value >> 24 & 3) {
    case SGIR_LIST:
        targets = value >> 16 & all_vcpus(v);
        break;
    case SGIR_OTHERS:
        targets = all_vcpus(v) & ~(1u << v->index);
        break;
    case SGIR_SELF:
        targets = 1u << v->index;
        break;
    default: /* reserved */
        return;
    }
    for (unsigned n = 0; n < v->vm->nvcpus; n++) {
        if (!(targets >> n & 1))
            continue;
        if (n == v->index)
            latch(v, id, (uint8_t)(1u << n));
        else
            send(v, &v->vm->vcpus[n], id);
    }
}

/* The source whose pending state is in the list register, as a bit; 0: none. */
static uint8_t source_in_lr(struct vcpu *v, unsigned id)
{
    unsigned i = v->gic.lr_of[id];
    uint32_t lr = i == VGIC_NO_LR ? 0 : gich_read_lr(i);
    return lr & LR_PENDING ? (uint8_t)(1u << LR_SOURCE(lr)) : 0;
}

uint8_t vgic_sgi_pending(struct vcpu *v, unsigned id)
{
    return v->gic.sgi_sources[id] | source_in_lr(v, id);
}

void vgic_sgi_set(struct vcpu *v, unsigned id, uint8_t sources)
{
    latch(v, id, sources & all_vcpus(v));
}

void vgic_sgi_clear(struct vcpu *v, unsigned id, uint8_t sources)
{
    v->gic.sgi_sources[id] &= (uint8_t)~sources;
    if (!v->gic.sgi_sources[id])
        v->gic.bank.pending &= ~bit_of(id);
    if (source_in_lr(v, id) & sources)
        v->gic.unpend[0] |= bit_of(id);
    vgic_update_one(v, id);
}
