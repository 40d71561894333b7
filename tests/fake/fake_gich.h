/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GIC-400's virtualization side on the host, one for each core: list registers (GICH), the guest's
 * CPU interface (GICV), and the physical private interrupts that list registers may be linked to.
 * Implements gich_* and irq_* of arch.h for the core that cpu_this() names. Anything the
 * architecture calls UNPREDICTABLE for a hypervisor (IHI 0048B chapter 5) ends the test.
 */
#ifndef TESTS_FAKE_GICH_H
#define TESTS_FAKE_GICH_H

#include <bulkhead/types.h>

enum { FAKE_MAX_LRS = 16, FAKE_PPIS = 32, FAKE_SPURIOUS = 1023 };

struct fake_ppi {
    bool unmasked, line, latch, active;
};

struct fake_gich {
    uint32_t lr[FAKE_MAX_LRS], hcr, vmcr, apr;
    struct fake_ppi ppi[FAKE_PPIS];
    unsigned long lr_reads, lr_writes, hcr_writes;
};

extern struct fake_gich fake_gich[MAX_CPUS];
extern unsigned fake_gich_lrs; /* implemented list registers; 4 */

void fake_gich_reset(void);

/* ---- The guest's side, on core `cpu` ---- */

void gicv_enable(unsigned cpu, bool eoimode, uint8_t pmr); /* GICC_CTLR, GICC_PMR */
/* The priority (0-31) of what is signalled to the PE now; 32: nothing. */
unsigned gicv_signalled(unsigned cpu);
uint32_t gicv_ack(unsigned cpu);             /* GICC_IAR */
void gicv_eoi(unsigned cpu, uint32_t value); /* GICC_EOIR */
void gicv_dir(unsigned cpu, uint32_t value); /* GICC_DIR */

/* ---- EL2's side, on core `cpu` ---- */

uint32_t fake_misr(unsigned cpu);
/* If a physical private interrupt can be taken, acknowledge it (active, priority dropped). */
bool fake_ppi_take(unsigned cpu, unsigned intid);

#endif
