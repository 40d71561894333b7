/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration, vms.dtb (binding: docs/configuration.md). The same code checks it on the host
 * when the card is built (tools/vmscheck.c) and at EL2 at boot. The input is hostile: any bytes end
 * in a refusal.
 */
#ifndef BULKHEAD_CONFIG_H
#define BULKHEAD_CONFIG_H

#include <bulkhead/types.h>

struct disk_config {
    char name[MAX_NAME];       /* node name */
    char partition[MAX_LABEL]; /* GPT partition name on the card */
    bool read_only;
    /* For the image builder on the host only; EL2 ignores both. Point into the blob or NULL. */
    const char *image;
    const char *size;
};

struct vm_config {
    char name[MAX_NAME]; /* [a-z][a-z0-9-]*, unique, not "bulkhead" */
    unsigned ncpus;
    uint8_t cpus[MAX_CPUS]; /* physical cores, first is the boot vCPU's */
    uint64_t memory;        /* bytes, multiple of 2 MiB; 0: use memory_percent */
    unsigned memory_percent;
    const char
        *kernel; /* arm64 Image; exactly one of kernel and binary. These point into the blob. */
    const char *initrd;      /* or NULL */
    const char *binary;      /* flat binary or ELF; boot = "firmware": that firmware */
    const char *environment; /* boot = "firmware": its environment's file, else NULL */
    const char *bootargs;    /* or NULL */
    bool console_hidden;
    bool sets_clock;               /* its RTC sets the wall clock of all VMs */
    bool no_autostart;             /* off until an operator starts it */
    bool crash_stops, reset_stops; /* on-crash, on-reset = "stop" */
    unsigned restart_limit;        /* 1..MAX_RESTARTS by policy in restart_seconds; 0: no limit */
    unsigned restart_seconds;      /* 1..3600 */
    unsigned stop_seconds;         /* how long `stop` waits, 1..3600 */
    unsigned ndisks;
    struct disk_config disks[MAX_DISKS];
};

/* The boot files of boot = "firmware": U-Boot and its environment (docs/configuration.md). */
#define CONFIG_FIRMWARE    "firmware.bin"
#define CONFIG_ENVIRONMENT "firmware.env"

struct config {
    unsigned nvms;
    struct vm_config vms[MAX_VMS];
};

/* Parse and check all that needs no board. `dtb` stays in use (strings). False: `why` says which
 * VM, which property, what is allowed. No side effects but *out. */
bool config_parse(const void *dtb, size_t bytes, struct config *out, struct refusal *why);

/* Apply the lines of bulkhead.txt (docs/configuration.md) to a configuration that config_parse()
 * made; hostile as well. False: `why` names the line or the VM, and *c must not be used. `text` is
 * not kept. */
bool config_override(const char *text, size_t bytes, struct config *c, struct refusal *why);

/* Checks against what there is; each says which VM and what is available. */
bool config_check_cpus(const struct config *c, unsigned board_cpus, struct refusal *why);
/* One VM: are its files among `files` (names)? */
bool config_check_files(const struct vm_config *vm, const char *const *files, unsigned nfiles,
                        struct refusal *why);

#endif
