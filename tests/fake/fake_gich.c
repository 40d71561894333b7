/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_gich.h"

#include <bulkhead/arch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_gich fake_gich[MAX_CPUS];
unsigned fake_gich_lrs = 4;

/* Written out here, not taken from vgic/: IHI 0048B 5.3.11. */
static uint32_t lr_id(uint32_t lr)
{
    return lr & 0x3ff;
}
static bool lr_pending(uint32_t lr)
{
    return lr >> 28 & 1;
}
static bool lr_active(uint32_t lr)
{
    return lr >> 29 & 1;
}
static bool lr_valid(uint32_t lr)
{
    return lr >> 28 & 3;
}
static unsigned lr_priority(uint32_t lr)
{
    return lr >> 23 & 31;
}
static bool lr_hw(uint32_t lr)
{
    return lr >> 31;
}
static bool lr_ended(uint32_t lr)
{
    return !lr_valid(lr) && !lr_hw(lr) && (lr >> 19 & 1);
}

static void unpredictable(const char *what, uint32_t value)
{
    fprintf(stderr, "fake GICH: %s (%#x)\n", what, value);
    abort();
}

void fake_gich_reset(void)
{
    memset(fake_gich, 0, sizeof(fake_gich));
}

static struct fake_gich *here(void)
{
    return &fake_gich[cpu_this()];
}

/* ---- arch.h: GICH ---- */

unsigned gich_lr_count(void)
{
    return fake_gich_lrs;
}

uint32_t gich_read_lr(unsigned i)
{
    if (i >= fake_gich_lrs)
        unpredictable("no such list register", i);
    here()->lr_reads++;
    return here()->lr[i];
}

void gich_write_lr(unsigned i, uint32_t value)
{
    struct fake_gich *g = here();
    if (i >= fake_gich_lrs)
        unpredictable("no such list register", i);
    if (lr_hw(value) && lr_pending(value) && lr_active(value))
        unpredictable("hardware-linked, pending and active", value);
    if (value & 7u << 20 || (value & 1u << 30))
        unpredictable("reserved bits, or group 1", value);
    if (!lr_hw(value) && (value >> 13 & 0x3f))
        unpredictable("reserved bits of a source", value);
    if (lr_hw(value) && (value >> 10 & 0x3ff) < 16)
        unpredictable("linked to an SGI", value);
    for (unsigned k = 0; k < fake_gich_lrs; k++)
        if (k != i && lr_valid(value) && lr_valid(g->lr[k]) && lr_id(value) == lr_id(g->lr[k]))
            unpredictable("an INTID in two list registers", value);
    g->lr[i] = value;
    g->lr_writes++;
}

uint64_t gich_read_elrsr(void)
{
    uint64_t empty = 0;
    for (unsigned i = 0; i < fake_gich_lrs; i++)
        if (!lr_valid(here()->lr[i]) && !lr_ended(here()->lr[i]))
            empty |= 1ULL << i;
    return empty;
}

static uint64_t eisr(const struct fake_gich *g)
{
    uint64_t ended = 0;
    for (unsigned i = 0; i < fake_gich_lrs; i++)
        if (lr_ended(g->lr[i]))
            ended |= 1ULL << i;
    return ended;
}

uint64_t gich_read_eisr(void)
{
    return eisr(here());
}

uint32_t fake_misr(unsigned cpu)
{
    const struct fake_gich *g = &fake_gich[cpu];
    unsigned valid = 0, pending = 0;
    uint32_t misr = 0;
    if (!(g->hcr & 1))
        return 0;
    for (unsigned i = 0; i < fake_gich_lrs; i++) {
        valid += lr_valid(g->lr[i]);
        pending += lr_pending(g->lr[i]) && !lr_active(g->lr[i]);
    }
    misr |= eisr(g) ? 1 : 0;
    misr |= (g->hcr & 2) && valid <= 1 ? 2 : 0;
    misr |= (g->hcr & 4) && g->hcr >> 27 ? 4 : 0;
    misr |= (g->hcr & 8) && !pending ? 8 : 0;
    return misr;
}

uint32_t gich_read_hcr(void)
{
    return here()->hcr;
}

void gich_write_hcr(uint32_t value)
{
    here()->hcr = value;
    here()->hcr_writes++;
}

uint32_t gich_read_vmcr(void)
{
    return here()->vmcr;
}

void gich_write_vmcr(uint32_t value)
{
    here()->vmcr = value;
}

void gich_write_apr(uint32_t value)
{
    here()->apr = value;
}

/* ---- arch.h: physical private interrupts ---- */

static struct fake_ppi *ppi(unsigned intid)
{
    if (intid < 16 || intid >= FAKE_PPIS)
        unpredictable("not a private peripheral interrupt", intid);
    return &here()->ppi[intid];
}

void irq_unmask(unsigned intid)
{
    ppi(intid)->unmasked = true;
}

void irq_mask(unsigned intid)
{
    ppi(intid)->unmasked = false;
}

void irq_set_pending(unsigned intid, bool pending)
{
    ppi(intid)->latch = pending;
}

void irq_set_active(unsigned intid, bool active)
{
    ppi(intid)->active = active;
}

bool irq_is_pending(unsigned intid)
{
    return ppi(intid)->latch || ppi(intid)->line;
}

bool fake_ppi_take(unsigned cpu, unsigned intid)
{
    struct fake_ppi *p = &fake_gich[cpu].ppi[intid];
    if (!p->unmasked || p->active || !(p->line || p->latch))
        return false;
    p->latch = false;
    p->active = true;
    return true;
}

/* ---- GICV ---- */

void gicv_enable(unsigned cpu, bool eoimode, uint8_t pmr)
{
    fake_gich[cpu].vmcr = 1u | (uint32_t)eoimode << 9 | (uint32_t)(pmr >> 3) << 27;
}

/* All five bits are group priority, the least binary point a GICV has. */
static int best_lr(const struct fake_gich *g)
{
    int best = -1;
    unsigned limit = g->vmcr >> 27; /* VMPriMask: strictly higher than */
    unsigned running = g->apr ? (unsigned)__builtin_ctz(g->apr) : 32;
    if (!(g->hcr & 1) || !(g->vmcr & 1))
        return -1;
    limit = MIN(limit, running);
    for (unsigned i = 0; i < fake_gich_lrs; i++) {
        if (!lr_pending(g->lr[i]) || lr_active(g->lr[i]) || lr_priority(g->lr[i]) >= limit)
            continue;
        if (best < 0 || lr_priority(g->lr[i]) < lr_priority(g->lr[best]))
            best = (int)i;
    }
    return best;
}

unsigned gicv_signalled(unsigned cpu)
{
    int i = best_lr(&fake_gich[cpu]);
    return i < 0 ? 32 : lr_priority(fake_gich[cpu].lr[i]);
}

uint32_t gicv_ack(unsigned cpu)
{
    struct fake_gich *g = &fake_gich[cpu];
    int i = best_lr(g);
    if (i < 0)
        return FAKE_SPURIOUS;
    g->lr[i] = (g->lr[i] & ~(1u << 28)) | 1u << 29;
    g->apr |= 1u << lr_priority(g->lr[i]);
    return lr_hw(g->lr[i]) ? lr_id(g->lr[i]) : g->lr[i] & 0x1fff;
}

/* The source must match, as for GICC_EOIR. No such active interrupt: counted. */
static void deactivate(unsigned cpu, uint32_t value, bool count)
{
    struct fake_gich *g = &fake_gich[cpu];
    for (unsigned i = 0; i < fake_gich_lrs; i++) {
        uint32_t lr = g->lr[i];
        if (!lr_active(lr) || lr_id(lr) != (value & 0x3ff))
            continue;
        if (!lr_hw(lr) && (lr & 0x1c00) != (value & 0x1c00))
            continue;
        g->lr[i] = lr & ~(1u << 29);
        if (lr_hw(lr) && (lr >> 10 & 0x3ff) < FAKE_PPIS)
            g->ppi[lr >> 10 & 0x3ff].active = false;
        return;
    }
    if (count)
        g->hcr += 1u << 27; /* wraps from 31 to 0 */
}

void gicv_eoi(unsigned cpu, uint32_t value)
{
    struct fake_gich *g = &fake_gich[cpu];
    bool drop = g->apr;
    if ((value & 0x3ff) >= 1020)
        return;
    g->apr &= g->apr - 1;
    if (!(g->vmcr & 1u << 9))
        deactivate(cpu, value, drop);
}

void gicv_dir(unsigned cpu, uint32_t value)
{
    if ((value & 0x3ff) < 1020 && (fake_gich[cpu].vmcr & 1u << 9))
        deactivate(cpu, value, true);
}
