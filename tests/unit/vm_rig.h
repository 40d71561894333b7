/* SPDX-License-Identifier: BSD-2-Clause */
/* Two VMs, alpha on cores 0 and 1 with a disk, beta on 2 and 3, and stand-ins for all that
 * core/vm.c asks of others. */
#ifndef TESTS_UNIT_VM_RIG_H
#define TESTS_UNIT_VM_RIG_H

#include "unit.h"

#include <bulkhead/config.h>
#include <bulkhead/gpt.h>
#include <bulkhead/machine.h>
#include <bulkhead/vm.h>
#include <fake/fake.h>

extern struct config rig_config;
extern const struct partition rig_shares[2];
extern struct gpt rig_gpt;

extern struct mapped {
    uint64_t ipa, pa, bytes;
    enum stage2_kind kind;
} maps[8];
extern unsigned nmaps, files_missing, load_fails, zero_steps, vgic_starts, vgic_stops, resets,
    reports;
extern uint64_t disk_first, rig_cleaned;
extern struct boot_file rig_environment; /* the only file that core/vm.c asks for */
extern bool on_card;                     /* a request of a VM that ends is */
extern enum fake_left how;               /* how the last run() left a core */

/* What was asked of core/report.c. */
extern struct rig_report {
    unsigned begun, summaries;
    const struct vm *vm;
    const struct vcpu *culprit;
    unsigned vcpus, on; /* masks of cores: that were asked; whose vCPU was on then */
    bool complete;      /* the summary came after all vCPUs */
} rig_report;

int rig_setup(void **state);
/* As core `cpu`: run what was posted, once. */
void run_once(unsigned cpu);
/* As core `cpu`: run what was posted until nothing is, or the core is left. */
void run(unsigned cpu);
/* All cores, until nothing is posted anywhere. */
void run_all(void);

#endif
