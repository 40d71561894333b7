/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that can be started (core/loader_image.c, core/loader_elf.c). Their bytes are hostile. */
#ifndef BULKHEAD_CORE_LOADER_FORMATS_H
#define BULKHEAD_CORE_LOADER_FORMATS_H

#include <bulkhead/types.h>

/* A file's pristine copy. */
struct file_bytes {
    const uint8_t *data;
    uint64_t size;
};

/* An arm64 Image. */
struct image_info {
    uint64_t offset; /* from a 2 MiB boundary, where it wants to be placed */
    uint64_t size;   /* what it takes in memory, its bss included; not less than the file */
};

/* NULL: it is one, and whole; else what is wrong with it. */
const char *image_check(struct file_bytes file, struct image_info *out);

/* A part of an ELF file to be placed. */
struct elf_segment {
    uint64_t address;     /* guest-physical */
    uint64_t memory_size; /* beyond file_size: zeros */
    uint64_t file_offset, file_size;
};

enum { MAX_ELF_HEADERS = 64 };

struct elf_info {
    unsigned headers; /* program headers */
    uint64_t table;   /* their offset in the file */
    uint64_t entry;   /* guest-physical */
};

bool elf_is(struct file_bytes file);
/* NULL: every segment lies in the file and in [base, base+bytes) of guest-physical space, and the
 * entry in one of them; else what is wrong. */
const char *elf_check(struct file_bytes file, uint64_t base, uint64_t bytes, struct elf_info *out);
/* The i-th program header of a checked file. False: nothing to load. */
bool elf_segment(struct file_bytes file, const struct elf_info *elf, unsigned i,
                 struct elf_segment *out);

/* Little-endian fields at any alignment; the caller has checked that they lie in the file. */
static inline uint64_t little_endian(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

/* [offset, offset+bytes) within `size`? No input wraps. */
static inline bool lies_within(uint64_t offset, uint64_t bytes, uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

#endif
