// sources: core/loader_elf.c core/loader_image.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that a VM is to start: what passes the checks can be placed without a step outside of the
 * file or of the VM's RAM. */
#include "fuzz.h"

#include <bulkhead/guest_mem.h>
#include <core/loader_formats.h>

enum { ROOM = 1 << 16 };

/* Exactly ROOM bytes, so that the sanitizer sees one too many. */
static uint8_t *ram;

static void place(uint64_t offset, struct file_bytes file, uint64_t from, uint64_t bytes)
{
    REQUIRE(offset <= ROOM && bytes <= ROOM - offset);
    REQUIRE(from <= file.size && bytes <= file.size - from);
    memcpy(ram + offset, file.data + from, bytes);
}

static void load_elf(struct file_bytes file)
{
    struct elf_info elf;
    struct elf_segment s;
    bool entered = false;

    if (elf_check(file, GUEST_RAM_BASE, ROOM, &elf))
        return;
    REQUIRE(elf.headers <= MAX_ELF_HEADERS);
    for (unsigned i = 0; i < elf.headers; i++) {
        if (!elf_segment(file, &elf, i, &s))
            continue;
        place(s.address - GUEST_RAM_BASE, file, s.file_offset, s.file_size);
        REQUIRE(s.memory_size <= ROOM - (s.address - GUEST_RAM_BASE));
        entered |= elf.entry >= s.address && elf.entry - s.address < s.memory_size;
    }
    REQUIRE(entered && elf.entry % 4 == 0);
}

static void load_image(struct file_bytes file)
{
    struct image_info image;

    if (image_check(file, &image))
        return;
    REQUIRE(image.size >= file.size && image.offset + image.size >= image.offset);
    if (lies_within(image.offset, image.size, ROOM))
        place(image.offset, file, 0, file.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    struct file_bytes file;
    size_t size;
    uint8_t *block = take_rest(&in, &size);

    if (!ram)
        ram = malloc(ROOM);
    file = (struct file_bytes){block, size};
    if (elf_is(file))
        load_elf(file);
    load_image(file);
    free(block);
    return 0;
}
