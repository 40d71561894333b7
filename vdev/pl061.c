/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's power key, on a line of a PrimeCell GPIO PL061 (Arm DDI 0190B). The other lines lead
 * nowhere.
 */
#include <bulkhead/vdev.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>

/* Register offsets: DDI 0190B table 3-1. */
enum {
    DATA_END = 0x400, /* DATA: address bits 9:2 choose the lines (3.3.1) */
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IEV = 0x40c,
    IE = 0x410,
    RIS = 0x414,
    MIS = 0x418,
    IC = 0x41c,
    AFSEL = 0x420,
    PERIPH_ID0 = 0xfe0,
    PRESS_MS = 500, /* a driver looks some time after the edge, and its core may be busy */
    INTID = VGIC_PRIVATE + GUEST_PL061_SPI,
};

/* Identification: 3.3.11 (part 0x061, designer 0x41, revision 0) and 3.3.12. */
static const uint8_t ids[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static uint8_t pins(const struct pl061 *g)
{
    return (uint8_t)((g->out & g->dir) | (g->in & ~g->dir));
}

/* 3.2: a line is sensed by level or by edge (IS), then by polarity (IEV). */
static uint8_t raw_status(const struct pl061 *g)
{
    return (uint8_t)((g->edges & ~g->is) | (g->is & ~(pins(g) ^ g->iev)));
}

/* After any change: edges since `before`, then the one interrupt line. Lock held. */
static void update(struct pl061 *g, uint8_t before)
{
    uint8_t now = pins(g);
    bool line;

    g->edges |= (now ^ before) & ~g->is & (g->ibe | ~(now ^ g->iev));
    line = raw_status(g) & g->ie;
    if (line != g->line) {
        g->line = line;
        vgic_set_level(g->vm, INTID, line);
    }
}

static void set_key(struct pl061 *g, bool pressed)
{
    uint8_t before;

    lock_take(&g->lock);
    before = pins(g);
    g->in = pressed ? 1 << GUEST_POWER_KEY : 0;
    update(g, before);
    lock_release(&g->lock);
}

static void released(void *context)
{
    set_key(context, false);
}

void pl061_press_power(struct pl061 *g)
{
    set_key(g, true);
    timer_arm(&g->release, time_now() + ticks_from_us(PRESS_MS * 1000));
}

void pl061_reset(struct pl061 *g, struct vm *vm)
{
    timer_cancel(&g->release);
    *g = (struct pl061){.vm = vm};
    timer_init(&g->release, released, g);
}

static uint8_t *plain_register(struct pl061 *g, uint32_t offset)
{
    switch (offset) {
    case DIR:
        return &g->dir;
    case IS:
        return &g->is;
    case IBE:
        return &g->ibe;
    case IEV:
        return &g->iev;
    case IE:
        return &g->ie;
    case AFSEL:
        return &g->afsel;
    default:
        return NULL;
    }
}

static uint8_t read_register(struct pl061 *g, uint32_t offset)
{
    const uint8_t *plain = plain_register(g, offset);

    if (offset < DATA_END)
        return pins(g) & (uint8_t)(offset >> 2);
    if (plain)
        return *plain;
    if (offset == RIS)
        return raw_status(g);
    if (offset == MIS)
        return raw_status(g) & g->ie;
    return offset >= PERIPH_ID0 ? ids[(offset - PERIPH_ID0) / 4] : 0;
}

static void write_register(struct pl061 *g, uint32_t offset, uint8_t value)
{
    uint8_t before = pins(g), mask = (uint8_t)(offset >> 2);
    uint8_t *plain = plain_register(g, offset);

    if (offset < DATA_END)
        g->out = (uint8_t)((g->out & ~mask) | (value & mask));
    else if (plain)
        *plain = value;
    else if (offset == IC)
        g->edges &= (uint8_t)~value;
    update(g, before);
}

bool pl061_access(struct vcpu *vcpu, void *device, struct mmio_access *a)
{
    struct pl061 *g = device;
    uint32_t offset = a->offset & ~3u, lane = a->offset & 3;

    (void)vcpu;
    /* Drivers use bytes and words; the registers have eight bits. */
    if (a->size > 4 || (a->offset & (a->size - 1u)))
        return false;
    lock_take(&g->lock);
    if (!a->write)
        a->value = lane ? 0 : read_register(g, offset);
    else if (lane == 0)
        write_register(g, offset, (uint8_t)a->value);
    lock_release(&g->lock);
    return true;
}
