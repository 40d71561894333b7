/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VDEV_PL011_REGS_H
#define VDEV_PL011_REGS_H

/* Register offsets: DDI 0183G table 3-1. */
enum {
    DR = 0x000,
    RSR = 0x004, /* written as ECR */
    FR = 0x018,
    ILPR = 0x020,
    IBRD = 0x024,
    FBRD = 0x028,
    LCR_H = 0x02c,
    CR = 0x030,
    IFLS = 0x034,
    IMSC = 0x038,
    RIS = 0x03c,
    MIS = 0x040,
    ICR = 0x044,
    DMACR = 0x048,
    PERIPH_ID0 = 0xfe0,
};

/* FR: 3.3.3. CTS, DSR, DCD read as "terminal is there". */
enum {
    FR_CTS = 1 << 0,
    FR_DSR = 1 << 1,
    FR_DCD = 1 << 2,
    FR_BUSY = 1 << 3,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    FR_RXFF = 1 << 6,
    FR_TXFE = 1 << 7,
    FR_MODEM = FR_CTS | FR_DSR | FR_DCD,
};

#endif
