/* SPDX-License-Identifier: BSD-2-Clause */
/* A report's contents: core/report.c collects, core/report_print.c shows. */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include <bulkhead/block.h>
#include <bulkhead/report.h>
#include <bulkhead/vm.h>

#include "guest_walk.h"

/* Written by its own core; `kept` last. The first two are printed as one array of words. */
struct vcpu_report {
    struct vcpu_regs regs;
    struct vcpu_state state;
    uint64_t frames[MAX_FRAMES];
    uint8_t nframes;
    bool waiting; /* in WFI */
    bool kept;    /* atomic */
};

struct report {
    unsigned start; /* vm->starts of the life that ended; 0: there is no report */
    uint64_t at;    /* ticks since power-on */
    uint64_t lived; /* ticks since that start */
    struct refusal why;
    uint8_t culprit; /* vCPU, NOBODY_DID_IT */
    bool told;       /* on the console: all of it is here */
    struct block_stats disk;
    uint64_t exits[EXITS];
    struct vcpu_report vcpus[MAX_CPUS];
    uint32_t console_bytes;
    uint64_t console[REPORT_CONSOLE_BYTES / 8];
    uint32_t sum; /* of all before it, once it is told */
    bool old;     /* of an earlier run of the board */
};

enum { NOBODY_DID_IT = 0xff };

extern struct report reports[MAX_VMS];

/* It is complete: sum it up, for the board's next run. */
void report_seal(const struct vm *vm);

#endif
