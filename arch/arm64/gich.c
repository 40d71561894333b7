/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual interface control block (IHI 0048B 5.3). One address, banked: each core sees its own.
 */
#include "arch_internal.h"

/* Table 5-1. */
enum {
    GICH_HCR = 0x000,
    GICH_VTR = 0x004,
    GICH_VMCR = 0x008,
    GICH_MISR = 0x010,
    GICH_EISR0 = 0x020,
    GICH_ELRSR0 = 0x030,
    GICH_APR = 0x0f0,
    GICH_LR = 0x100,
};

static uint8_t *gich;
static unsigned list_registers;

void gich_init(void *base)
{
    gich = base;
    list_registers = (mmio_read32(gich + GICH_VTR) & 0x3f) + 1;
}

uint8_t *gich_lrs(void)
{
    return gich + GICH_LR;
}

unsigned gich_lr_count(void)
{
    return list_registers;
}

uint32_t gich_read_lr(unsigned i)
{
    return mmio_read32(gich + GICH_LR + 4 * i);
}

void gich_write_lr(unsigned i, uint32_t value)
{
    mmio_write32(gich + GICH_LR + 4 * i, value);
}

/* The second word exists only where there are more than 32 list registers. */
static uint64_t read_pair(unsigned reg)
{
    uint64_t low = mmio_read32(gich + reg);

    return list_registers > 32 ? low | (uint64_t)mmio_read32(gich + reg + 4) << 32 : low;
}

uint64_t gich_read_elrsr(void)
{
    return read_pair(GICH_ELRSR0);
}

uint64_t gich_read_eisr(void)
{
    return read_pair(GICH_EISR0);
}

uint32_t gich_read_hcr(void)
{
    return mmio_read32(gich + GICH_HCR);
}

void gich_write_hcr(uint32_t value)
{
    mmio_write32(gich + GICH_HCR, value);
}

uint32_t gich_read_vmcr(void)
{
    return mmio_read32(gich + GICH_VMCR);
}

void gich_write_vmcr(uint32_t value)
{
    mmio_write32(gich + GICH_VMCR, value);
}

void gich_write_apr(uint32_t value)
{
    mmio_write32(gich + GICH_APR, value);
}
