/* SPDX-License-Identifier: BSD-2-Clause */
#include "gicv2_model.h"

#include <string.h>

void gm_reset(struct gm *gm, unsigned cpus)
{
    memset(gm, 0, sizeof(*gm));
    gm->cpus = cpus;
    for (unsigned cpu = 0; cpu < GM_CPUS; cpu++)
        for (unsigned id = 0; id < 16; id++)
            gm->private[cpu][id].enabled = gm->private[cpu][id].edge = true;
    for (unsigned id = 0; id < GM_INTIDS; id++)
        gm->shared[id].targets = cpus == 1;
}

struct gm_irq *gm_irq(struct gm *gm, unsigned cpu, unsigned id)
{
    return id < 32 ? &gm->private[cpu][id] : &gm->shared[id];
}

bool gm_pending(const struct gm_irq *irq)
{
    return irq->latch || irq->sources || (irq->line && !irq->edge);
}

static uint32_t read_bit(struct gm *gm, unsigned cpu, unsigned reg, unsigned id)
{
    const struct gm_irq *irq = gm_irq(gm, cpu, id);
    switch (reg) {
    case 0x100:
    case 0x180:
        return irq->enabled;
    case 0x200:
    case 0x280:
        return gm_pending(irq);
    case 0x300:
    case 0x380:
        return irq->active;
    }
    return 0;
}

uint32_t gm_read(struct gm *gm, unsigned cpu, uint32_t offset)
{
    uint32_t value = 0;
    if (offset == 0)
        return gm->on;
    if (offset >= 0x100 && offset < 0x400) {
        for (unsigned n = 0; n < 32; n++) {
            unsigned id = (offset & 0x7f) * 8 + n;
            if (id < GM_INTIDS)
                value |= read_bit(gm, cpu, offset & 0xf80, id) << n;
        }
    } else if (offset >= 0x400 && offset < 0xc00) {
        for (unsigned n = 0; n < 4; n++) {
            unsigned id = (offset & 0x3ff) + n;
            if (id >= GM_INTIDS)
                continue;
            uint32_t byte = gm_irq(gm, cpu, id)->priority;
            if (offset >= 0x800)
                byte = id < 32 ? 1u << cpu : gm->shared[id].targets;
            value |= byte << 8 * n;
        }
    } else if (offset >= 0xc00 && offset < 0xd00) {
        for (unsigned n = 0; n < 16; n++) {
            unsigned id = (offset & 0xff) * 4 + n;
            if (id < GM_INTIDS && gm_irq(gm, cpu, id)->edge)
                value |= 2u << 2 * n;
        }
    } else if (offset >= 0xf10 && offset < 0xf30) {
        for (unsigned n = 0; n < 4; n++)
            value |= (uint32_t)gm->private[cpu][(offset & 0xf) + n].sources << 8 * n;
    }
    return value;
}

static void write_bit(struct gm *gm, unsigned cpu, unsigned reg, unsigned id)
{
    struct gm_irq *irq = gm_irq(gm, cpu, id);
    switch (reg) {
    case 0x100:
        irq->enabled = true;
        break;
    case 0x180:
        irq->enabled = id < 16;
        break;
    case 0x200:
        irq->latch |= id >= 16;
        break;
    case 0x280:
        irq->latch &= id < 16;
        break;
    case 0x300:
        if (!irq->active)
            irq->active_cpu = GM_CPUS; /* acknowledged by none */
        irq->active = true;
        break;
    case 0x380:
        irq->active = false;
        break;
    }
}

static void write_byte(struct gm *gm, unsigned cpu, uint32_t offset, uint8_t value)
{
    unsigned id = offset & 0x3ff, all = (1u << gm->cpus) - 1;
    if (offset >= 0xf20)
        gm->private[cpu][offset & 0xf].sources |= value & all;
    else if (offset >= 0xf10)
        gm->private[cpu][offset & 0xf].sources &= (uint8_t)~value;
    else if (id < GM_INTIDS && offset < 0x800)
        gm_irq(gm, cpu, id)->priority = value & 0xf8;
    else if (id >= 32 && id < GM_INTIDS && gm->cpus > 1)
        gm->shared[id].targets = value & all;
}

static void send_sgi(struct gm *gm, unsigned cpu, uint32_t value)
{
    unsigned filter = value >> 24 & 3, list = value >> 16 & 0xff;
    for (unsigned to = 0; to < gm->cpus; to++)
        if ((filter == 0 && (list >> to & 1)) || (filter == 1 && to != cpu) ||
            (filter == 2 && to == cpu))
            gm->private[to][value & 15].sources |= (uint8_t)(1u << cpu);
}

void gm_write(struct gm *gm, unsigned cpu, uint32_t offset, unsigned size, uint32_t value)
{
    if (offset == 0)
        gm->on = value & 1;
    else if (offset == 0xf00)
        send_sgi(gm, cpu, value);
    else if (offset >= 0x100 && offset < 0x400) {
        for (unsigned n = 0; n < 32; n++)
            if ((value >> n & 1) && (offset & 0x7f) * 8 + n < GM_INTIDS)
                write_bit(gm, cpu, offset & 0xf80, (offset & 0x7f) * 8 + n);
    } else if (offset >= 0xc00 && offset < 0xd00) {
        for (unsigned n = 0; n < 16; n++) {
            unsigned id = (offset & 0xff) * 4 + n;
            if (id >= 32 && id < GM_INTIDS)
                gm->shared[id].edge = value >> (2 * n + 1) & 1;
        }
    } else if ((offset >= 0x400 && offset < 0xc00) || (offset >= 0xf10 && offset < 0xf30)) {
        for (unsigned n = 0; n < size; n++)
            write_byte(gm, cpu, offset + n, (uint8_t)(value >> 8 * n));
    }
}

void gm_line(struct gm *gm, unsigned cpu, unsigned id, bool level)
{
    struct gm_irq *irq = gm_irq(gm, cpu, id);
    if (level && !irq->line && irq->edge)
        irq->latch = true;
    irq->line = level;
}

static bool forwarded(struct gm *gm, unsigned cpu, unsigned id)
{
    const struct gm_irq *irq = gm_irq(gm, cpu, id);
    if (!gm->on || !irq->enabled || irq->active || !gm_pending(irq))
        return false;
    return id < 32 || (irq->targets && (unsigned)__builtin_ctz(irq->targets) == cpu);
}

unsigned gm_signalled(struct gm *gm, unsigned cpu)
{
    unsigned best = 32;
    unsigned limit = gm->apr[cpu] ? (unsigned)__builtin_ctz(gm->apr[cpu]) : 32;
    if (gm->pmr[cpu] / 8u < limit)
        limit = gm->pmr[cpu] / 8u;
    for (unsigned id = 0; id < GM_INTIDS; id++) {
        unsigned priority = gm_irq(gm, cpu, id)->priority / 8u;
        if (forwarded(gm, cpu, id) && priority < best)
            best = priority;
    }
    return best < limit ? best : 32;
}

bool gm_ack(struct gm *gm, unsigned cpu, uint32_t iar)
{
    unsigned best = gm_signalled(gm, cpu), id = iar & 0x3ff, source = iar >> 10 & 7;
    if (id == 1023)
        return best == 32;
    if (id >= GM_INTIDS || !forwarded(gm, cpu, id))
        return false;
    struct gm_irq *irq = gm_irq(gm, cpu, id);
    if (best == 32 || irq->priority / 8u != best)
        return false;
    if (id < 16 ? !(irq->sources >> source & 1) : source != 0)
        return false;
    irq->sources &= (uint8_t) ~(1u << source);
    irq->latch = false;
    irq->active = true;
    irq->active_cpu = cpu;
    irq->active_source = (uint8_t)source;
    gm->apr[cpu] |= 1u << best;
    return true;
}

void gm_dir(struct gm *gm, unsigned cpu, uint32_t value)
{
    struct gm_irq *irq = gm_irq(gm, cpu, value & 0x3ff);
    if (irq->active && irq->active_cpu == cpu)
        irq->active = false;
}

void gm_eoi(struct gm *gm, unsigned cpu, uint32_t value)
{
    gm->apr[cpu] &= gm->apr[cpu] - 1;
    if (!gm->eoimode[cpu])
        gm_dir(gm, cpu, value);
}
