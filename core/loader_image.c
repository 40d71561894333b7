/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arm64 Image format (Linux Documentation/arch/arm64/booting.rst, section 4), which a stock
 * kernel wraps in a PE/COFF header (Microsoft PE Format) so that EFI can start it too.
 */
#include "loader_formats.h"

#include <string.h>

enum {
    HEADER = 64,
    AT_TEXT_OFFSET = 8,
    AT_IMAGE_SIZE = 16,
    AT_FLAGS = 24,
    AT_MAGIC = 56,
    AT_PE = 60, /* offset of the PE header: field res5 */
    FLAG_BIG_ENDIAN = 1 << 0,
    PAGES_SHIFT = 1,
    PAGES_MASK = 3,
    PAGES_16K = 2,
    DEFAULT_TEXT_OFFSET = 0x80000, /* when image_size is 0: kernels before 3.17 */

    PE_HEADER = 24, /* signature and COFF header */
    AT_PE_SECTIONS = 6,
    AT_PE_OPTIONAL = 20,
    PE_SECTION = 40,
    MAX_PE_SECTIONS = 96, /* as the format's own loader has it (PE Format, "COFF File Header") */
    AT_RAW_SIZE = 16,
    AT_RAW_OFFSET = 20,
};

#define IMAGE_MAX GIB(64) /* sums of two cannot wrap */

static const char truncated[] = "is truncated";

/* Every section's bytes must be in the file: the one thing that shows a kernel cut short. */
static const char *check_pe(struct file_bytes file)
{
    uint64_t at = little_endian(file.data + AT_PE, 4), table;
    unsigned sections;

    if (!lies_within(at, PE_HEADER, file.size))
        return truncated;
    sections = (unsigned)little_endian(file.data + at + AT_PE_SECTIONS, 2);
    if (memcmp(file.data + at, "PE\0", 4) != 0 || sections > MAX_PE_SECTIONS)
        return "has no PE header where its first bytes say";
    table = at + PE_HEADER + little_endian(file.data + at + AT_PE_OPTIONAL, 2);
    if (!lies_within(table, (uint64_t)sections * PE_SECTION, file.size))
        return truncated;
    for (unsigned i = 0; i < sections; i++) {
        const uint8_t *section = file.data + table + (uint64_t)i * PE_SECTION;
        if (!lies_within(little_endian(section + AT_RAW_OFFSET, 4),
                         little_endian(section + AT_RAW_SIZE, 4), file.size))
            return truncated;
    }
    return NULL;
}

static const char *check_header(struct file_bytes file)
{
    uint64_t flags;

    if (file.size >= 2 && memcmp(file.data, "\x1f\x8b", 2) == 0)
        return "is compressed by gzip; put the unpacked Image on the card";
    if (file.size < HEADER)
        return "is too short for an arm64 Image";
    if (memcmp(file.data, "MZ", 2) == 0 && memcmp(file.data + 4, "zimg", 4) == 0)
        return "is a compressed EFI image (zboot); put the unpacked Image on the card";
    if (memcmp(file.data + AT_MAGIC, "ARM\x64", 4) != 0)
        return "is not an arm64 Image";
    flags = little_endian(file.data + AT_FLAGS, 8);
    if (flags & FLAG_BIG_ENDIAN)
        return "is big-endian, which is not supported";
    if ((flags >> PAGES_SHIFT & PAGES_MASK) == PAGES_16K)
        return "needs 16 KiB pages, which a Cortex-A72 does not have";
    return NULL;
}

const char *image_check(struct file_bytes file, struct image_info *out)
{
    const char *wrong = check_header(file);
    if (!wrong && memcmp(file.data, "MZ", 2) == 0)
        wrong = check_pe(file);
    if (wrong)
        return wrong;
    out->offset = little_endian(file.data + AT_TEXT_OFFSET, 8);
    out->size = little_endian(file.data + AT_IMAGE_SIZE, 8);
    if (out->size == 0)
        out->offset = DEFAULT_TEXT_OFFSET;
    out->size = MAX(out->size, file.size);
    if (out->offset > IMAGE_MAX || out->size > IMAGE_MAX)
        return "has a size in its header that cannot be";
    return NULL;
}
