/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the board is, as its firmware's device tree tells (core/board_dt.c): read in one pass over
 * the tree, since libfdt's searches cost up to a million instructions each.
 */
#ifndef BULKHEAD_MACHINE_H
#define BULKHEAD_MACHINE_H

#include <bulkhead/types.h>

enum {
    MAX_RAM_REGIONS = 8,
    MAX_RESERVED = 24,
    MAX_WINDOWS = 8,
    MAX_DEVICES = 24,
    MAX_PATH = 96,
    MAX_SEED = 64,
};

/* Devices a board wants to hear of; a board lists compatible strings for each (board.h). */
enum device_kind {
    DEV_PL011,
    DEV_MINI_UART,
    DEV_GIC,
    DEV_SDHCI,
    DEV_MAILBOX,
    DEV_RNG,
    DEV_WATCHDOG,
    DEV_GPIO,
    DEV_TIMER,
    DEV_ETHERNET, /* the rest: bus masters that are only ever stopped */
    DEV_PCIE,
    DEV_USB,
};

struct device_match {
    const char *compatible;
    enum device_kind kind;
};

struct device {
    enum device_kind kind;
    const char *compatible; /* the matching string, from the board's table */
    bool enabled;           /* status absent, "okay" or "ok" */
    char path[MAX_PATH];
    unsigned nregs;
    struct range reg[4]; /* machine addresses, translated through every parent's `ranges` */
    unsigned nirqs;
    uint16_t intid[4];   /* GIC INTIDs (SPI n = 32+n, PPI n = 16+n) */
    uint64_t dma_offset; /* bus address = machine address + dma_offset (mod 2^64), from the parent's
                            dma-ranges */
    struct range
        dma; /* machine addresses the master can reach; size 0: none given (identity, all) */
};

struct cpu_node {
    uint64_t mpidr;        /* affinity bits, from reg */
    uint64_t release_addr; /* cpu-release-addr; 0 if absent */
    char enable_method[24];
    bool enabled;
};

struct boot_file {
    char path[MAX_NAME];
    paddr_t pa;
    uint64_t size;
    uint32_t crc; /* CRC-32 of the pristine copy, by core/loader.c */
};

struct machine {
    char model[64];
    char compatible[4][40]; /* root compatible strings */
    unsigned nram, nreserved, ncpus, ndevices, nfiles;
    struct range ram[MAX_RAM_REGIONS]; /* sorted, merged */
    struct range
        reserved[MAX_RESERVED]; /* memreserve entries and /reserved-memory (not reusable pools) */
    unsigned nwindows;
    struct range windows[MAX_WINDOWS]; /* machine addresses that buses with devices of ours decode:
                                          never RAM for a VM */
    struct cpu_node cpus[MAX_CPUS];
    struct device devices[MAX_DEVICES];
    struct boot_file files[MAX_FILES]; /* from /chosen/bulkhead */
    char stdout_path[MAX_PATH];        /* resolved through /aliases, options after ':' cut off */
    uint8_t seed[MAX_SEED];            /* /chosen rng-seed and kaslr-seed bytes */
    unsigned seed_bytes;
};

/* The board we run on (core/main.c); written by the boot core before any other core runs, then
 * read-only. */
extern struct machine machine;

/* Read a firmware's DTB. `matches` is the board's list, ends with compatible == NULL. False: why.
 * Boot core. */
bool machine_read(const void *dtb, size_t bytes, const struct device_match *matches,
                  struct machine *out, struct refusal *why);
/* First device of that kind, NULL if none (enabled or not). */
const struct device *machine_device(const struct machine *m, enum device_kind kind);
const struct boot_file *machine_file(const struct machine *m, const char *path);

#endif
