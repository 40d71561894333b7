/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast paths of the distributor (hot.h): the plain cases of distributor.c, state.c, sgi.c, lr.c. */
#include <bulkhead/hot.h>

#include "internal.h"

#define INLINE static inline __attribute__((always_inline))

/* Offsets: IHI 0048B table 4-1. */
enum { TYPER = 0x004, ENABLERS = 0x100, CLEAR = 0x080, SGIR = 0xf00 };

uint64_t hot_gicd_read(const struct vcpu *v, uint32_t offset)
{
    unsigned word = (offset & ~(uint32_t)CLEAR) - ENABLERS;
    if (word == 0)
        return v->gic.bank.enabled;
    if (offset == TYPER)
        return vgic_typer(v->vm);
    if (word >= 4 * VGIC_WORDS || (word & 3))
        return HOT_NO;
    return v->vm->gic.bank[word / 4].enabled;
}

/* A change that concerns no interrupt which is pending, active or in a list register is only noted.
 */
INLINE uint64_t change_spis(struct vm *vm, unsigned word, uint32_t bits, uint32_t keep)
{
    struct vgic_bank *b = &vm->gic.bank[word];
    uint32_t busy, changed, turn = hot_lock(&vm->gic.lock);

    if (!turn)
        return HOT_NO;
    busy = b->active | b->pending | (b->line & ~b->edge);
#pragma GCC unroll 4
    for (unsigned n = 0; n < MAX_CPUS; n++) /* those that the VM has not hold nothing */
        busy |= __atomic_load_n(&vm->vcpus[n].gic.held[word], __ATOMIC_RELAXED);
    changed = bits & (b->enabled ^ keep);
    busy &= changed;
    if (!busy)
        b->enabled ^= changed;
    hot_unlock(&vm->gic.lock, turn);
    return busy ? HOT_NO : 0;
}

/* `at`: offset of ISENABLERn or ICENABLERn in its group. */
INLINE uint64_t change_enable(struct vcpu *v, unsigned at, bool clear, uint32_t value)
{
    uint32_t keep = clear ? 0 : UINT32_MAX; /* set: what is 0 changes */

    if ((at & 3) || !v->gic.plain)
        return HOT_NO;
    if (at > 0)
        return change_spis(v->vm, at / 4, value, keep);
    return value & (v->gic.bank.enabled ^ keep) & ~(uint32_t)SGI_BITS ? HOT_NO : 0;
}

/* Make an SGI pending in the list register that it was in last, if that is empty. */
INLINE bool put_sgi(struct vcpu *v, unsigned id, unsigned source)
{
    struct vgic_cpu *c = &v->gic;
    unsigned i = c->lr_of[id];

    if (!c->plain || i == VGIC_NO_LR || (hot_lr_read(i) & (LR_STATE | LR_EOI)))
        return false;
    c->sgi_last[id] = (uint8_t)source;
    c->lr_latched |= (uint16_t)(1u << i);
    hot_lr_write(i,
                 id | source << LR_SOURCE_SHIFT | LR_PENDING | lr_with_priority(c->priority[id]));
    return true;
}

/* To another vCPU: SGI_VGIC brings what is in its inbox. */
INLINE uint64_t send(const struct vcpu *v, struct vcpu *to, unsigned id)
{
    uint64_t bit = 1ULL << (4 * id + v->index);
    if (!(__atomic_fetch_or(&to->gic.sgi_inbox, bit, __ATOMIC_RELEASE) & bit))
        hot_kick(to->cpu);
    return 0;
}

INLINE uint64_t write_sgir(struct vcpu *v, uint32_t value)
{
    unsigned id = value & 0xf, filter = value >> 24 & 3, targets = value >> 16 & 0xff, n = v->index;

    if (!v->gic.plain)
        return HOT_NO;
    if (filter == 0 && targets != 1u << n) { /* a list (4.3.15) */
        n = first_bit(targets | 1u << 31);
        if (targets != 1u << n || n >= v->vm->nvcpus)
            return HOT_NO;
        return send(v, &v->vm->vcpus[n], id);
    }
    return (filter == 0 || filter == 2) && put_sgi(v, id, n) ? 0 : HOT_NO;
}

uint64_t hot_gicd_write(struct vcpu *v, uint32_t offset, uint32_t value)
{
    unsigned at = (offset & ~(uint32_t)CLEAR) - ENABLERS;
    if (offset == SGIR)
        return write_sgir(v, value);
    return at < 4 * VGIC_WORDS ? change_enable(v, at, offset & CLEAR, value) : HOT_NO;
}

/* One SGI from one vCPU; else all stays in the inbox. */
uint64_t hot_sgi_receive(struct vcpu *v)
{
    uint64_t inbox = __atomic_exchange_n(&v->gic.sgi_inbox, 0, __ATOMIC_ACQUIRE);
    unsigned at = (unsigned)__builtin_ctzll(inbox | 1ULL << 63);

    if (inbox == 1ULL << at && put_sgi(v, at / 4, at % 4))
        return 0;
    __atomic_fetch_or(&v->gic.sgi_inbox, inbox, __ATOMIC_RELEASE);
    return HOT_NO;
}
