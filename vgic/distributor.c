/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GICD register map (IHI 0048B table 4-1): a GICv2 without Security Extensions, all interrupts
 * in group 0. Words everywhere, bytes where 4.1.4 allows them; other sizes are refused. Reserved
 * and write-only registers read as zero, writes to reserved and read-only ones are ignored.
 */
#include "internal.h"

/* What a GIC-400 answers (DDI 0471B 3.3): r0p1 by Arm. */
#define GICD_IIDR_VALUE 0x0200143bu

static void read_ctlr(struct vcpu *v, struct mmio_access *a)
{
    a->value = __atomic_load_n(&v->vm->gic.ctlr, __ATOMIC_RELAXED);
}

static void write_ctlr(struct vcpu *v, struct mmio_access *a)
{
    struct vm *vm = v->vm;
    uint32_t value = a->value & 1;
    lock_take(&vm->gic.lock);
    if (vm->gic.ctlr == value) {
        lock_release(&vm->gic.lock);
        return;
    }
    __atomic_store_n(&vm->gic.ctlr, value, __ATOMIC_RELAXED);
    vgic_review_all(v);
    lock_release(&vm->gic.lock);
    vgic_run_event(v);
}

static void read_typer(struct vcpu *v, struct mmio_access *a)
{
    a->value = vgic_typer(v->vm);
}

static void read_iidr(struct vcpu *v, struct mmio_access *a)
{
    (void)v;
    a->value = GICD_IIDR_VALUE;
}

static void write_sgir(struct vcpu *v, struct mmio_access *a)
{
    vgic_sgir_write(v, (uint32_t)a->value);
    vgic_finish(v);
}

/* GICD_CPENDSGIRn, GICD_SPENDSGIRn: a byte of sources for each SGI. */
static void read_sgi_sources(struct vcpu *v, struct mmio_access *a)
{
    vgic_sgi_receive(v);
    vgic_finish(v);
    a->value = 0;
    for (unsigned n = 0; n < a->size; n++)
        a->value |= (uint64_t)vgic_sgi_pending(v, (a->offset & 0xf) + n) << 8 * n;
}

static void set_sgi_sources(struct vcpu *v, struct mmio_access *a)
{
    for (unsigned n = 0; n < a->size; n++)
        vgic_sgi_set(v, (a->offset & 0xf) + n, (uint8_t)(a->value >> 8 * n));
    vgic_finish(v);
}

static void clear_sgi_sources(struct vcpu *v, struct mmio_access *a)
{
    vgic_sgi_receive(v);
    for (unsigned n = 0; n < a->size; n++)
        vgic_sgi_clear(v, (a->offset & 0xf) + n, (uint8_t)(a->value >> 8 * n));
    vgic_finish(v);
}

/* PIDR4-7, PIDR0-3, CIDR0-3 of a GIC-400 (DDI 0471B table 3-2). */
static void read_id(struct vcpu *v, struct mmio_access *a)
{
    static const uint8_t id[12] = {0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};
    (void)v;
    a->value = id[(a->offset - 0xfd0) / 4];
}

typedef void (*gicd_access)(struct vcpu *v, struct mmio_access *a);

struct gicd_range {
    uint16_t start, end;
    bool bytes;
    gicd_access read, write; /* NULL: RAZ, WI */
};

static const struct gicd_range ranges[] = {
    {0x000, 0x004, false, read_ctlr, write_ctlr},
    {0x004, 0x008, false, read_typer, NULL},
    {0x008, 0x00c, false, read_iidr, NULL},
    {0x100, 0x180, false, gicd_read_enable, gicd_set_enable},
    {0x180, 0x200, false, gicd_read_enable, gicd_clear_enable},
    {0x200, 0x280, false, gicd_read_pending, gicd_set_pending},
    {0x280, 0x300, false, gicd_read_pending, gicd_clear_pending},
    {0x300, 0x380, false, gicd_read_active, gicd_set_active},
    {0x380, 0x400, false, gicd_read_active, gicd_clear_active},
    {0x400, 0x800, true, gicd_read_priority, gicd_write_priority},
    {0x800, 0xc00, true, gicd_read_targets, gicd_write_targets},
    {0xc00, 0xd00, false, gicd_read_config, gicd_write_config},
    {0xf00, 0xf04, false, NULL, write_sgir},
    {0xf10, 0xf20, true, read_sgi_sources, clear_sgi_sources},
    {0xf20, 0xf30, true, read_sgi_sources, set_sgi_sources},
    {0xfd0, 0x1000, false, read_id, NULL},
};

bool vgic_distributor_access(struct vcpu *vcpu, void *device, struct mmio_access *access)
{
    const struct gicd_range *r = NULL;
    (void)device; /* the vCPU's own VM's */
    for (unsigned i = 0; i < ARRAY_SIZE(ranges) && !r; i++)
        if (access->offset >= ranges[i].start && access->offset < ranges[i].end)
            r = &ranges[i];

    bool word = access->size == 4 && access->offset % 4 == 0;
    if (!word && !(access->size == 1 && r && r->bytes))
        return false;
    access->retry = false;
    if (!access->write)
        access->value = 0;
    gicd_access act = !r ? NULL : access->write ? r->write : r->read;
    if (act)
        act(vcpu, access);
    return true;
}
