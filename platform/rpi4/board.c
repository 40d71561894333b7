/* SPDX-License-Identifier: BSD-2-Clause */
/* Raspberry Pi 4, 400 and Compute Module 4 (BCM2711). Facts and their sources: docs/boards.md. */
#include "rpi4.h"

static const char *const compatible[] = {
    "raspberrypi,4-model-b",
    "raspberrypi,400",
    "raspberrypi,4-compute-module",
    "brcm,bcm2711",
    NULL,
};

static const struct device_match matches[] = {
    {"arm,pl011", DEV_PL011},
    {"brcm,bcm2835-aux-uart", DEV_MINI_UART},
    {"arm,gic-400", DEV_GIC},
    {"arm,armv8-timer", DEV_TIMER},
    {"brcm,bcm2711-emmc2", DEV_SDHCI},
    {"brcm,bcm2835-mbox", DEV_MAILBOX},
    {"brcm,bcm2711-rng200", DEV_RNG},
    {"brcm,bcm2711-pm", DEV_WATCHDOG},
    {"brcm,bcm2711-gpio", DEV_GPIO},
    {"brcm,bcm2711-genet-v5", DEV_ETHERNET},
    {"brcm,bcm2711-pcie", DEV_PCIE},
    {"brcm,bcm2835-usb", DEV_USB},
    {NULL, DEV_GIC},
};

const struct board this_board = {
    .name = "Raspberry Pi 4",
    .compatible = compatible,
    .matches = matches,
    .console = rpi4_console,
    .card = rpi4_card,
    .quiesce = rpi4_quiesce,
    .raise_arm_clock = rpi4_raise_arm_clock,
    .entropy = rpi4_entropy,
    .feed = rpi4_feed,
    .reset = rpi4_reset,
};
