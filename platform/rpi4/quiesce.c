/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus masters that firmware or U-Boot may have left running. There is no SMMU: each could write
 * into a guest. EMMC2 is reset by its own driver; the legacy DMA engine's channels belong to
 * whoever the firmware gave them.
 */
#include "mailbox.h"
#include "rpi4.h"
#include <bulkhead/arch.h>
#include <bulkhead/timer.h>

static void *registers(const struct machine *m, enum device_kind kind, size_t bytes)
{
    const struct device *d = machine_device(m, kind);
    return d && d->enabled && d->nregs ? map_device(paddr(d->reg[0].base), bytes) : NULL;
}

static void change(uint8_t *reg, uint32_t clear, uint32_t set)
{
    mmio_write32(reg, (mmio_read32(reg) & ~clear) | set);
}

/* PERST# resets what is behind the bridge (a Pi 4's xHCI), then the bridge itself goes into reset:
 * no inbound access gets through (Linux pcie-brcmstb.c, brcm_pcie_turn_off). */
static void stop_pcie(uint8_t *pcie)
{
    enum { RGR1_SW_INIT_1 = 0x9210, PERST = 1 << 0, BRIDGE_INIT = 1 << 1 };
    change(pcie + RGR1_SW_INIT_1, 0, PERST);
    wait_us(100);
    change(pcie + RGR1_SW_INIT_1, 0, BRIDGE_INIT);
}

/* GENET v5: receiver off, both DMA engines off and seen to be off, transmitter off (Linux
 * bcmgenet.c, bcmgenet_dma_teardown; offsets also U-Boot bcmgenet.c). */
enum {
    GENET_UMAC_CMD = 0x808,
    GENET_UMAC_TX_FLUSH = 0xb34,
    GENET_RDMA = 0x2000 + 256 * 12 + 17 * 0x40, /* after 256 descriptors and 17 rings' registers */
    GENET_TDMA = 0x4000 + 256 * 12 + 17 * 0x40,
    GENET_DMA_CTRL = 0x04,
    GENET_DMA_STATUS = 0x08,
    CMD_TX_EN = 1 << 0,
    CMD_RX_EN = 1 << 1,
    DMA_EN = 1 << 0,
    DMA_DISABLED = 1 << 0,
};

static void stop_genet_dma(uint8_t *dma)
{
    mmio_write32(dma + GENET_DMA_CTRL, 0); /* DMA_EN and every ring's enable */
    for (unsigned ms = 0; ms < 10 && !(mmio_read32(dma + GENET_DMA_STATUS) & DMA_DISABLED); ms++)
        wait_us(1000);
}

static void stop_genet(uint8_t *genet)
{
    change(genet + GENET_UMAC_CMD, CMD_RX_EN, 0);
    stop_genet_dma(genet + GENET_TDMA);
    change(genet + GENET_UMAC_CMD, CMD_TX_EN, 0);
    stop_genet_dma(genet + GENET_RDMA);
    mmio_write32(genet + GENET_UMAC_TX_FLUSH, 1);
    wait_us(10);
    mmio_write32(genet + GENET_UMAC_TX_FLUSH, 0);
}

/* Power domain "USB HCD" of the mailbox's list: registers of an unpowered block must not be
 * touched. */
static bool usb_powered(const struct machine *m)
{
    enum { DEVICE_USB_HCD = 3, STATE_ON = 1 << 0, STATE_NO_DEVICE = 1 << 1 };
    uint32_t value[2] = {DEVICE_USB_HCD, 0};
    return mailbox_call(m, TAG_GET_POWER_STATE, value, 2) &&
           (value[1] & (STATE_ON | STATE_NO_DEVICE)) == STATE_ON;
}

/* DWC2: no DMA, no interrupt (Linux dwc2/hw.h: GAHBCFG). */
static void stop_usb(uint8_t *usb)
{
    enum { GAHBCFG = 0x008 };
    mmio_write32(usb + GAHBCFG, 0);
}

void rpi4_quiesce(const struct machine *m)
{
    uint8_t *pcie = registers(m, DEV_PCIE, 0xa000);
    uint8_t *genet = registers(m, DEV_ETHERNET, 0x10000);
    uint8_t *usb = registers(m, DEV_USB, 0x1000);
    if (pcie)
        stop_pcie(pcie);
    if (genet)
        stop_genet(genet);
    if (usb && usb_powered(m))
        stop_usb(usb);
    /* The display controller (HVS) scans out the firmware's frame buffer: let the firmware end it,
     * whose it is. */
    uint32_t none = 0;
    mailbox_call(m, TAG_RELEASE_BUFFER, &none, 0);
}
