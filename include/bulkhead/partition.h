/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets which machine memory (core/partition.c). Pure: proves and tests run it on the host. */
#ifndef BULKHEAD_PARTITION_H
#define BULKHEAD_PARTITION_H

#include <bulkhead/config.h>
#include <bulkhead/machine.h>
#include <bulkhead/types.h>

struct partition {
    unsigned npieces;
    struct range
        pieces[MAX_RAM_PIECES]; /* machine ranges, 2 MiB-aligned, in the order of guest RAM */
    uint64_t bytes;             /* their sum */
};

/*
 * Allot each VM's memory from the board's RAM less: page 0..1 MiB (firmware's spin table), `kept`
 * ranges (the hypervisor, the board DT, boot files) and the firmware's reservations. A VM's RAM is
 * cut into as few pieces as possible. out[i] belongs to config->vms[i]; a VM that does not fit
 * makes the whole call false with a sentence that says which, how much it asked and how much was
 * left.
 */
bool partition_memory(const struct machine *m, const struct config *c, const struct range *kept,
                      unsigned nkept, struct partition out[MAX_VMS], struct refusal *why);

/*
 * Does `parts` keep every promise above: pieces 2 MiB-aligned, inside RAM, disjoint from each
 * other, from `kept`, from the firmware's reservations, from device windows, from the first MiB,
 * and of the sizes asked for? For tests and for a last look at boot. False: why.
 */
bool partition_check(const struct machine *m, const struct config *c, const struct range *kept,
                     unsigned nkept, const struct partition parts[MAX_VMS], struct refusal *why);
/* Bytes that a VM asks for on this board; a share is of all RAM, rounded down to 2 MiB. */
uint64_t partition_wanted(const struct machine *m, const struct vm_config *vm);

#endif
