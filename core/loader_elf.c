/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF-64 executables for AArch64 (System V ABI, chapters 4 and 5; IHI 0056, 4.1). */
#include "loader_formats.h"

#include <string.h>

enum {
    HEADER = 64,
    AT_CLASS = 4,
    AT_DATA = 5,
    AT_TYPE = 16,
    AT_MACHINE = 18,
    AT_ENTRY = 24,
    AT_PHOFF = 32,
    AT_PHENTSIZE = 54,
    AT_PHNUM = 56,
    CLASS_64 = 2,
    LITTLE_ENDIAN_DATA = 1,
    TYPE_EXEC = 2,
    MACHINE_AARCH64 = 183,

    PHDR = 56,
    AT_P_TYPE = 0,
    AT_P_OFFSET = 8,
    AT_P_VADDR = 16,
    AT_P_PADDR = 24,
    AT_P_FILESZ = 32,
    AT_P_MEMSZ = 40,
    PT_LOAD = 1,
};

bool elf_is(struct file_bytes file)
{
    return file.size >= 4 && memcmp(file.data,
                                    "\x7f"
                                    "ELF",
                                    4) == 0;
}

static const uint8_t *program_header(struct file_bytes file, const struct elf_info *elf, unsigned i)
{
    return file.data + elf->table + (uint64_t)i * PHDR;
}

bool elf_segment(struct file_bytes file, const struct elf_info *elf, unsigned i,
                 struct elf_segment *out)
{
    const uint8_t *header = program_header(file, elf, i);
    if (little_endian(header + AT_P_TYPE, 4) != PT_LOAD)
        return false;
    out->address = little_endian(header + AT_P_PADDR, 8);
    out->memory_size = little_endian(header + AT_P_MEMSZ, 8);
    out->file_offset = little_endian(header + AT_P_OFFSET, 8);
    out->file_size = little_endian(header + AT_P_FILESZ, 8);
    return out->memory_size > 0;
}

static const char *check_header(struct file_bytes file, struct elf_info *out)
{
    if (file.size < HEADER)
        return "is truncated";
    if (file.data[AT_CLASS] != CLASS_64 || file.data[AT_DATA] != LITTLE_ENDIAN_DATA ||
        little_endian(file.data + AT_MACHINE, 2) != MACHINE_AARCH64 ||
        little_endian(file.data + AT_TYPE, 2) != TYPE_EXEC)
        return "is an ELF file, but not a 64-bit little-endian AArch64 executable";
    out->headers = (unsigned)little_endian(file.data + AT_PHNUM, 2);
    out->table = little_endian(file.data + AT_PHOFF, 8);
    if (out->headers > MAX_ELF_HEADERS || little_endian(file.data + AT_PHENTSIZE, 2) != PHDR)
        return "has an unusual table of program headers";
    if (!lies_within(out->table, (uint64_t)out->headers * PHDR, file.size))
        return "is truncated";
    return NULL;
}

/* The entry is a virtual address; the guest starts with its MMU off, so it becomes the physical
 * one. */
static const char *find_entry(struct file_bytes file, struct elf_info *elf)
{
    uint64_t entry = little_endian(file.data + AT_ENTRY, 8);
    for (unsigned i = 0; i < elf->headers; i++) {
        uint64_t start = little_endian(program_header(file, elf, i) + AT_P_VADDR, 8);
        struct elf_segment s;
        if (elf_segment(file, elf, i, &s) && entry >= start && entry - start < s.memory_size) {
            elf->entry = s.address + (entry - start);
            return elf->entry % 4 == 0 ? NULL : "starts at an address that is not aligned";
        }
    }
    return "starts outside of what it loads";
}

const char *elf_check(struct file_bytes file, uint64_t base, uint64_t bytes, struct elf_info *out)
{
    struct elf_segment s;
    const char *wrong = check_header(file, out);

    if (wrong)
        return wrong;
    for (unsigned i = 0; i < out->headers; i++) {
        if (!elf_segment(file, out, i, &s))
            continue;
        if (s.file_size > s.memory_size || !lies_within(s.file_offset, s.file_size, file.size))
            return "is truncated: a segment is not in the file";
        /* Below the base the difference wraps to far outside. */
        if (!lies_within(s.address - base, s.memory_size, bytes))
            return "does not fit: a segment lies outside of the VM's RAM";
    }
    return find_entry(file, out);
}
