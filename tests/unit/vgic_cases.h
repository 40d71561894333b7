/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of vgic/ on its rig begin with. */
#ifndef TESTS_VGIC_CASES_H
#define TESTS_VGIC_CASES_H

#include "unit.h"

#include "vgic_rig.h"

#include <fake/fake.h>

enum { SPI = 48, TIMER_BIT = 1u << 27 };

static inline int setup(void **state)
{
    (void)state;
    fake_gich_lrs = 4;
    rig_start(2);
    rig_write(0, R_CTLR, 1);
    return 0;
}

static inline struct fake_gich *gich(unsigned n)
{
    return &fake_gich[rig_core(n)];
}

static inline unsigned maintenances(unsigned n)
{
    unsigned count = 0;
    while (fake_misr(rig_core(n)) && rig_step(n))
        count++;
    return count;
}

static inline void enable(unsigned id, uint8_t targets, uint8_t priority)
{
    if (id >= 32)
        rig_write8(0, R_ITARGETSR + id, targets);
    for (unsigned n = 0; n < rig_vm.nvcpus; n++) {
        rig_write8(n, R_IPRIORITYR + id, priority);
        rig_write(n, R_ISENABLER + id / 32 * 4, 1u << id % 32);
    }
}

static inline void edge(unsigned id)
{
    rig_write(0, R_ICFGR + id / 16 * 4, rig_read(0, R_ICFGR + id / 16 * 4) | 2u << id % 16 * 2);
}

static inline void timer_start(void)
{
    enable(INTID_VTIMER, 0, 0x80);
    rig_timer(0, true);
    rig_settle();
}

#define T(f) cmocka_unit_test_setup(f, setup)

#endif
