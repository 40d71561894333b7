/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the pristine copies of the boot files into a VM's RAM (core/loader.c). What is loaded comes
 * from the card and is hostile: a bad file ends in a sentence about that VM, and only that VM stays
 * down.
 */
#ifndef BULKHEAD_LOADER_H
#define BULKHEAD_LOADER_H

#include <bulkhead/machine.h>
#include <bulkhead/types.h>

struct vm;

/* Checksum every boot file's pristine copy (boot_file.crc). Boot core, once, before any VM is
 * loaded. */
void loader_hash_files(struct machine *m);

/* Zero the next part (at most 2 MiB) of the VM's RAM and clean it to the point of coherency;
 * *progress is 0 at first, in bytes. True: all of it is zero. The VM's own cores, none of its vCPUs
 * running. */
bool loader_zero_step(struct vm *vm, uint64_t *progress);

/*
 * Place kernel (or binary), initrd and device tree in the VM's zeroed RAM, clean them to the point
 * of coherency, and say where the guest starts and where its device tree is. False: `why`, "NAME:
 * PROPERTY: ...". The VM's first core, none of its vCPUs running; takes no lock.
 */
bool loader_load(struct vm *vm, const struct machine *m, struct refusal *why, ipaddr_t *entry,
                 ipaddr_t *dtb);

#endif
