/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICD registers that hold interrupts' state. Bitmaps and byte arrays are kept as the guest reads
 * them; writes look at changed bits only. Word 0 (and bytes 0-31) is the accessing vCPU's own.
 */
#include "internal.h"

/* Bitmap registers: 32 words each; those beyond 127 are RAZ/WI. */
static unsigned word_of(const struct mmio_access *a)
{
    return (a->offset & 0x7f) / 4;
}

static struct vgic_bank *open_word(struct vcpu *v, unsigned word)
{
    if (word > 0)
        lock_take(&v->vm->gic.lock);
    return bank_of(v, 32 * word);
}

/* The interrupts in `changed` were changed in the bank: act on them. */
static void close_word(struct vcpu *v, unsigned word, uint32_t changed)
{
    if (word > 0 && changed)
        vgic_notify(v->vm, word, changed);
    else if (changed)
        vgic_update(v, 0, changed);
    if (word > 0)
        lock_release(&v->vm->gic.lock);
    vgic_finish(v);
}

/* ---- Enable ---- */

void gicd_read_enable(struct vcpu *v, struct mmio_access *a)
{
    unsigned word = word_of(a);
    a->value = word < VGIC_WORDS ? bank_of(v, 32 * word)->enabled : 0;
}

static void change_enable(struct vcpu *v, unsigned word, uint32_t bits, bool enable)
{
    struct vgic_bank *b = open_word(v, word);
    uint32_t changed = bits & (enable ? ~b->enabled : b->enabled);
    if (word == 0)
        changed &= ~(uint32_t)SGI_BITS; /* RAO/WI, as GIC-400's (DDI 0471B 3.3) */
    b->enabled ^= changed;
    if (word == 0 && (changed & bit_of(INTID_VTIMER)))
        vgic_hardware_follow(v);
    close_word(v, word, changed);
}

void gicd_set_enable(struct vcpu *v, struct mmio_access *a)
{
    if (word_of(a) < VGIC_WORDS)
        change_enable(v, word_of(a), (uint32_t)a->value, true);
}

void gicd_clear_enable(struct vcpu *v, struct mmio_access *a)
{
    if (word_of(a) < VGIC_WORDS)
        change_enable(v, word_of(a), (uint32_t)a->value, false);
}

/* ---- Pending, active: reads ---- */

static void read_private(struct vcpu *v, uint32_t *pending, uint32_t *active)
{
    const struct vgic_bank *b = &v->gic.bank;
    vgic_sgi_receive(v);
    vgic_finish(v);
    vgic_lr_states(v, 0, pending, active);
    *pending |= b->pending | (b->line & ~b->edge);
    *active |= b->active;
    if (irq_is_pending(INTID_VTIMER))
        *pending |= bit_of(INTID_VTIMER);
}

static bool read_shared(struct vcpu *v, const struct mmio_access *a, uint32_t *pending,
                        uint32_t *active)
{
    unsigned word = word_of(a);
    const struct vgic_bank *b = open_word(v, word);
    bool known = vgic_ask(v, a->offset, word);
    vgic_lr_states(v, word, pending, active);
    *pending |= b->pending | (b->line & ~b->edge);
    *active |= b->active;
    for (unsigned n = 0; n < v->vm->nvcpus; n++) {
        const struct vgic_cpu *other = &v->vm->vcpus[n].gic;
        uint32_t held = __atomic_load_n(&other->held[word], __ATOMIC_RELAXED);
        if (n == v->index)
            continue;
        *pending |= other->seen_pending[word] & held;
        *active |= other->seen_active[word] & held;
    }
    close_word(v, word, 0);
    return known;
}

static void read_state(struct vcpu *v, struct mmio_access *a, uint32_t *pending, uint32_t *active)
{
    *pending = *active = 0;
    if (word_of(a) == 0)
        read_private(v, pending, active);
    else if (word_of(a) < VGIC_WORDS)
        a->retry = !read_shared(v, a, pending, active);
}

void gicd_read_pending(struct vcpu *v, struct mmio_access *a)
{
    uint32_t pending, active;
    read_state(v, a, &pending, &active);
    a->value = pending;
}

void gicd_read_active(struct vcpu *v, struct mmio_access *a)
{
    uint32_t pending, active;
    read_state(v, a, &pending, &active);
    a->value = active;
}

/* ---- Pending, active: writes ---- */

/* Of a written word, the bits for the bank; the hardware interrupt goes its own way. */
static uint32_t bits_for_bank(struct vcpu *v, const struct mmio_access *a,
                              void (*hardware)(struct vcpu *v, unsigned id))
{
    uint32_t bits = word_of(a) < VGIC_WORDS ? (uint32_t)a->value : 0;
    if (word_of(a) == 0 && (bits & bit_of(INTID_VTIMER))) {
        hardware(v, INTID_VTIMER);
        bits &= ~bit_of(INTID_VTIMER);
    }
    return bits;
}

void gicd_set_pending(struct vcpu *v, struct mmio_access *a)
{
    uint32_t bits = bits_for_bank(v, a, vgic_hardware_set_pending);
    unsigned word = word_of(a);
    if (word >= VGIC_WORDS)
        return;
    if (word == 0)
        bits &= ~(uint32_t)SGI_BITS; /* read-only (IHI 0048B 4.3.7): GICD_SPENDSGIR */
    open_word(v, word)->pending |= bits;
    close_word(v, word, bits);
}

/* Have whoever has these in list registers clear their state there. */
static void for_holders(struct vcpu *v, unsigned word, uint32_t bits, bool active)
{
    for (unsigned n = 0; n < v->vm->nvcpus; n++) {
        struct vgic_cpu *c = &v->vm->vcpus[n].gic;
        uint32_t *orders = active ? c->unactive : c->unpend;
        if (word == 0 && n == v->index)
            orders[0] |= bits;
        if (word > 0)
            orders[word] |= bits & __atomic_load_n(&c->held[word], __ATOMIC_RELAXED);
    }
}

void gicd_clear_pending(struct vcpu *v, struct mmio_access *a)
{
    uint32_t bits = bits_for_bank(v, a, vgic_hardware_clear_pending);
    unsigned word = word_of(a);
    if (word >= VGIC_WORDS)
        return;
    if (word == 0)
        bits &= ~(uint32_t)SGI_BITS; /* GICD_CPENDSGIR */
    open_word(v, word)->pending &= ~bits;
    for_holders(v, word, bits, false);
    close_word(v, word, bits);
}

/* What was not acknowledged is the last that an EOI is taken to be for (refill.c). */
static void by_hand(struct vcpu *v, unsigned word, uint32_t bits)
{
    for (; bits; bits &= bits - 1) {
        unsigned id = 32 * word + first_bit(bits);
        for (unsigned n = 0; n < v->vm->nvcpus; n++)
            if (word > 0 || n == v->index)
                v->vm->vcpus[n].gic.active_priority[id] = VGIC_BY_HAND;
    }
}

void gicd_set_active(struct vcpu *v, struct mmio_access *a)
{
    uint32_t bits = bits_for_bank(v, a, vgic_hardware_set_active);
    unsigned word = word_of(a);
    if (word >= VGIC_WORDS)
        return;
    struct vgic_bank *b = open_word(v, word);
    by_hand(v, word, bits & ~b->active);
    b->active |= bits;
    close_word(v, word, bits);
}

void gicd_clear_active(struct vcpu *v, struct mmio_access *a)
{
    uint32_t bits = bits_for_bank(v, a, vgic_hardware_clear_active);
    unsigned word = word_of(a);
    if (word >= VGIC_WORDS)
        return;
    open_word(v, word)->active &= ~bits;
    for_holders(v, word, bits, true);
    close_word(v, word, bits);
}

/* ---- Priority, targets: bytes ---- */

static void read_bytes(struct mmio_access *a, const uint8_t *bytes)
{
    a->value = 0;
    for (unsigned n = a->size; n-- > 0;)
        a->value = a->value << 8 | bytes[n];
}

void gicd_read_priority(struct vcpu *v, struct mmio_access *a)
{
    unsigned id = a->offset & 0x3ff;
    if (id < VGIC_INTIDS)
        read_bytes(a, id < VGIC_PRIVATE ? &v->gic.priority[id] : &v->vm->gic.priority[id]);
}

/* Write a->size bytes, keeping the bits in `mask`; returns which ones changed, bit 0 the first. */
static uint32_t write_bytes(const struct mmio_access *a, uint8_t *bytes, uint8_t mask)
{
    uint32_t changed = 0;
    for (unsigned n = 0; n < a->size; n++) {
        uint8_t value = (uint8_t)(a->value >> 8 * n) & mask;
        changed |= (uint32_t)(value != bytes[n]) << n;
        bytes[n] = value;
    }
    return changed;
}

/* 32 priorities, as many as a list register has. */
void gicd_write_priority(struct vcpu *v, struct mmio_access *a)
{
    unsigned id = a->offset & 0x3ff, word = id / 32;
    uint32_t changed;
    if (id >= VGIC_INTIDS)
        return;
    open_word(v, word);
    changed = write_bytes(a, word ? &v->vm->gic.priority[id] : &v->gic.priority[id], 0xf8);
    close_word(v, word, changed << id % 32);
}

/* Private interrupts: this CPU's own bit (IHI 0048B 4.3.12), also where there is but one CPU. */
void gicd_read_targets(struct vcpu *v, struct mmio_access *a)
{
    unsigned id = a->offset & 0x3ff;
    if (id < VGIC_PRIVATE)
        a->value = 0x01010101u << v->index & (a->size == 1 ? 0xffu : UINT32_MAX);
    else if (id < VGIC_INTIDS)
        read_bytes(a, &v->vm->gic.targets[id]);
}

void gicd_write_targets(struct vcpu *v, struct mmio_access *a)
{
    unsigned id = a->offset & 0x3ff, word = id / 32;
    uint32_t changed;
    if (id < VGIC_PRIVATE || id >= VGIC_INTIDS || v->vm->nvcpus == 1)
        return; /* with one CPU every SPI is its */
    open_word(v, word);
    changed = write_bytes(a, &v->vm->gic.targets[id], (uint8_t)((1u << v->vm->nvcpus) - 1));
    close_word(v, word, changed << id % 32);
}

/* ---- Configuration: two bits each, of which bit 1 is writable and only an SPI's ---- */

void gicd_read_config(struct vcpu *v, struct mmio_access *a)
{
    unsigned id = (a->offset & 0xff) * 4;
    uint32_t edge, value = 0;
    if (id >= VGIC_INTIDS)
        return;
    edge = bank_of(v, id)->edge >> id % 32;
    for (unsigned n = 0; n < 16; n++)
        value |= (edge >> n & 1) << (2 * n + 1);
    a->value = value;
}

void gicd_write_config(struct vcpu *v, struct mmio_access *a)
{
    unsigned id = (a->offset & 0xff) * 4, word = id / 32;
    uint32_t edge = 0, mask = 0xffffu << id % 32, changed;
    struct vgic_bank *b;
    if (id < VGIC_PRIVATE || id >= VGIC_INTIDS)
        return;
    for (unsigned n = 0; n < 16; n++)
        edge |= ((uint32_t)a->value >> (2 * n + 1) & 1) << n;
    b = open_word(v, word);
    changed = (b->edge ^ edge << id % 32) & mask;
    b->edge ^= changed;
    close_word(v, word, changed);
}
