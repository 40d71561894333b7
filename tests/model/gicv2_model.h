/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GICv2 by the book (IHI 0048B), one interrupt at a time, with no thought of speed and nothing in
 * common with vgic/: what a guest should see. No Security Extensions; 128 INTIDs; five priority
 * bits; SGIs always enabled; 1-of-N goes to the lowest-numbered target.
 */
#ifndef TESTS_GICV2_MODEL_H
#define TESTS_GICV2_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { GM_CPUS = 4, GM_INTIDS = 128 };

struct gm_irq {
    bool enabled, latch, line, active, edge;
    uint8_t priority, targets, sources, active_source;
    unsigned active_cpu;
};

struct gm {
    unsigned cpus;
    bool on;
    struct gm_irq private[GM_CPUS][32], shared[GM_INTIDS];
    bool eoimode[GM_CPUS];
    uint8_t pmr[GM_CPUS];
    uint32_t apr[GM_CPUS];
};

void gm_reset(struct gm *gm, unsigned cpus);
struct gm_irq *gm_irq(struct gm *gm, unsigned cpu, unsigned id);
uint32_t gm_read(struct gm *gm, unsigned cpu, uint32_t offset); /* words */
void gm_write(struct gm *gm, unsigned cpu, uint32_t offset, unsigned size, uint32_t value);
void gm_line(struct gm *gm, unsigned cpu, unsigned id, bool level);
bool gm_pending(const struct gm_irq *irq);
/* The best priority (0-31) that is signalled to a CPU; 32: none. */
unsigned gm_signalled(struct gm *gm, unsigned cpu);
/* May this value of GICC_IAR be returned now? If so it is acknowledged. */
bool gm_ack(struct gm *gm, unsigned cpu, uint32_t iar);
void gm_eoi(struct gm *gm, unsigned cpu, uint32_t value);
void gm_dir(struct gm *gm, unsigned cpu, uint32_t value);

#endif
