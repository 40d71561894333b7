/* SPDX-License-Identifier: BSD-2-Clause */
/* What a VM leaves behind when it crashes, hangs or is killed: one report for each VM, kept until
 * its next one (core/report.c; docs/reports.md). */
#ifndef BULKHEAD_REPORT_H
#define BULKHEAD_REPORT_H

#include <bulkhead/types.h>

struct vm;
struct vcpu;
struct block_stats;

enum { REPORT_CONSOLE_BYTES = 4096 };

/* The VM's report of the board's last run, if its RAM outlived a reset; else none. Boot core, once,
 * when its configuration is known. */
void report_init(const struct vm *vm);
/* The VM ends against its will: keep why, when, its counters and the end of its console. The vCPU
 * whose exit is being handled is `culprit`, NULL if none did anything. Once for each end, before
 * its vCPUs are told to stop; any core; no lock inner to the VM's held. */
void report_begin(struct vm *vm, const struct vcpu *culprit, const char *why);
/* A vCPU stops: keep where it was. Nothing happens if no report was begun for this start of the
 * VM, or the vCPU is off. Its own core, before its state goes; no lock held. Bounded: about 10,000
 * instructions. */
void report_vcpu(struct vcpu *vcpu);
/* All vCPUs have stopped: some lines on the console, once, if a report was begun. One of
 * the VM's cores, no lock held. */
void report_summary(struct vm *vm);

/* Line `index` of the VM's report for the monitor; an empty one is left out. *cursor is 0 at
 * first. False: no more. One caller at a time; it may see a report that is being written. */
bool report_line(const struct vm *vm, unsigned index, uint64_t *cursor, char *line, size_t size);

/* Counters in words, added to `text`: exits by reason (struct vcpu), the card. */
void report_exits(const uint64_t *exits, char *text, size_t size);
void report_disk(const struct block_stats *disk, char *text, size_t size);

#endif
