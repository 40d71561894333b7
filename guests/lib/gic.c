/* SPDX-License-Identifier: BSD-2-Clause */
/* A GICv2 (IHI 0048B chapter 4), used without taking exceptions: interrupts stay masked in PSTATE,
 * wake a WFI and are acknowledged by asking. */
#include "lib.h"

enum {
    GICD_CTLR = 0x000,
    GICD_ISENABLER = 0x100,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICC_CTLR = 0x000,
    GICC_PMR = 0x004,
    GICC_IAR = 0x00c,
    GICC_EOIR = 0x010,
};

void gic_init(void)
{
    write32(GICD + GICD_CTLR, 1);
    write32(GICC + GICC_PMR, 0xff);
    write32(GICC + GICC_CTLR, 1);
}

void gic_enable(unsigned intid, bool edge)
{
    uint64_t config = GICD + GICD_ICFGR + intid / 16 * 4;
    uint32_t edge_bit = 2u << intid % 16 * 2;
    write32(config, edge ? read32(config) | edge_bit : read32(config) & ~edge_bit);
    *(volatile uint8_t *)(uint64_t)(GICD + GICD_IPRIORITYR + intid) = 0xa0;
    if (intid >= 32)
        *(volatile uint8_t *)(uint64_t)(GICD + GICD_ITARGETSR + intid) = 1;
    write32(GICD + GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

unsigned gic_acknowledge(void)
{
    return read32(GICC + GICC_IAR) & 0x3ff;
}

void gic_end(unsigned intid)
{
    write32(GICC + GICC_EOIR, intid);
}
