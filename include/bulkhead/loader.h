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

/* So that one stay at EL2 is below 20,000 instructions: what is copied is also read for its
 * checksum (about 8 instructions for 8 bytes in all), what is zeroed goes by cache lines (14 for
 * four of 64). */
enum { LOADER_STEP = 8 << 10, LOADER_ZERO_STEP = 256 << 10 };

/* Checksum every boot file's pristine copy (boot_file.crc). Boot core, once, before any VM is
 * loaded. */
void loader_hash_files(struct machine *m);

enum loader_stage {
    LOADER_ZERO,     /* all RAM, but for what is kept over a restart */
    LOADER_FIRST,    /* kernel or binary: copied and checked in one pass */
    LOADER_SEGMENTS, /* a checked ELF file's, one after the other */
    LOADER_INITRD,
    LOADER_TREE, /* the device tree */
};

/* One load of one VM. All zero: at its beginning. core/loader.c's, but for the result. */
struct loader {
    enum loader_stage stage;
    uint64_t at;         /* bytes of this stage (of this segment) that are done */
    uint64_t offset;     /* from the start of RAM: where the file goes */
    uint64_t end;        /* offset behind what was placed at the start of RAM */
    uint32_t crc;        /* of what was read of the file */
    unsigned segment;    /* program header */
    struct range initrd; /* guest-physical; size 0: none */
    ipaddr_t entry, dtb; /* LOADER_DONE: where the guest starts, where its device tree is */
};

enum loader_result { LOADER_MORE, LOADER_DONE, LOADER_FAILED };

/*
 * The next steps of vm->loader, until an interrupt waits for this core: zero RAM; place kernel (or
 * binary), initrd and device tree in it; all of it clean to the point of coherency. One step, which
 * counts as a stay, is at most LOADER_STEP bytes to copy, LOADER_ZERO_STEP to zero, or the device
 * tree. LOADER_FAILED: `why`, "NAME: PROPERTY: ...". The VM's first core, none of its vCPUs
 * running; takes no lock.
 */
enum loader_result loader_run(struct vm *vm, const struct machine *m, struct refusal *why);

#endif
