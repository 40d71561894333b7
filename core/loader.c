/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/loader.h>

#include "loader_formats.h"

#include <bulkhead/arch.h>
#include <bulkhead/crc32c.h>
#include <bulkhead/guest_dt.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/log.h>
#include <bulkhead/vm.h>
#include <string.h>

/* One load of one VM. */
struct load {
    struct vm *vm;
    const struct machine *machine;
    struct refusal *why;
    uint64_t end;        /* offset in RAM behind what was placed at its start */
    uint64_t room;       /* RAM before the device tree */
    struct range initrd; /* guest-physical; size 0: none */
    ipaddr_t entry;
};

void loader_hash_files(struct machine *m)
{
    crc32c_init();
    for (unsigned i = 0; i < m->nfiles; i++) {
        struct boot_file *file = &m->files[i];
        file->crc = crc32c(0, map_file(file->pa, file->size), file->size);
    }
}

bool loader_zero_step(struct vm *vm, uint64_t *progress)
{
    uint64_t left = vm->memory.bytes - *progress, bytes = MIN(left, BLOCK_2M);
    void *ram = guest_mem(vm, ipaddr(GUEST_RAM_BASE + *progress), bytes);
    CHECK(ram);
    memset(ram, 0, bytes);
    /* Zeros left in the cache would later overwrite what a guest writes around it. */
    cache_clean_invalidate(ram, bytes);
    *progress += bytes;
    return *progress == vm->memory.bytes;
}

static bool fail(struct load *l, const char *property, const char *file, const char *wrong)
{
    refuse(l->why, "%s: %s: \"%s\" %s", l->vm->config->name, property, file, wrong);
    return false;
}

static bool too_little(struct load *l, const char *property, const char *file, uint64_t needed)
{
    refuse(
        l->why, "%s: memory: \"%s\" (%s) and what goes with it need %llu MiB, the VM has %llu MiB",
        l->vm->config->name, file, property, (unsigned long long)(align_up(needed, MIB(1)) >> 20),
        (unsigned long long)(l->vm->memory.bytes >> 20));
    return false;
}

/* A file's pristine copy, which must still be what it was at boot. */
static bool open_file(struct load *l, const char *property, const char *name,
                      struct file_bytes *out)
{
    const struct boot_file *file = machine_file(l->machine, name);
    if (!file)
        return fail(l, property, name, "was not loaded from the boot partition");
    out->data = map_file(file->pa, file->size);
    out->size = file->size;
    if (crc32c(0, out->data, out->size) != file->crc)
        return fail(l, property, name, "has changed in memory since the board started");
    return true;
}

/* `offset` from the start of RAM; the caller has checked that it fits. */
static void place(struct load *l, uint64_t offset, const uint8_t *data, uint64_t bytes)
{
    void *to = guest_mem(l->vm, ipaddr(GUEST_RAM_BASE + offset), bytes);
    CHECK(to);
    memcpy(to, data, bytes);
    cache_clean_invalidate(to, bytes);
}

static bool load_kernel(struct load *l, const char *name)
{
    struct file_bytes file;
    struct image_info image;
    const char *wrong;

    if (!open_file(l, "kernel", name, &file))
        return false;
    wrong = image_check(file, &image);
    if (wrong)
        return fail(l, "kernel", name, wrong);
    if (!lies_within(image.offset, image.size, l->room))
        return too_little(l, "kernel", name, image.offset + image.size + BLOCK_2M);
    place(l, image.offset, file.data, file.size);
    l->end = image.offset + image.size;
    l->entry = ipaddr(GUEST_RAM_BASE + image.offset);
    return true;
}

/* booting.rst, section 4: in one 32 GiB window with the kernel. It goes right behind it. */
static bool load_initrd(struct load *l, const char *name)
{
    struct file_bytes file;
    uint64_t offset = align_up(l->end, BLOCK_2M);

    if (!open_file(l, "initrd", name, &file))
        return false;
    if (!lies_within(offset, file.size, l->room))
        return too_little(l, "initrd", name, offset + file.size + BLOCK_2M);
    place(l, offset, file.data, file.size);
    l->initrd = (struct range){GUEST_RAM_BASE + offset, file.size};
    return true;
}

static bool load_elf(struct load *l, const char *name, struct file_bytes file)
{
    struct elf_info elf;
    struct elf_segment s;
    const char *wrong = elf_check(file, GUEST_RAM_BASE, l->room, &elf);

    if (wrong)
        return fail(l, "binary", name, wrong);
    for (unsigned i = 0; i < elf.headers; i++)
        if (elf_segment(file, &elf, i, &s))
            place(l, s.address - GUEST_RAM_BASE, file.data + s.file_offset, s.file_size);
    l->entry = ipaddr(elf.entry);
    return true;
}

/* An ELF file goes where it says, anything else to the start of RAM, where it is entered. */
static bool load_binary(struct load *l, const char *name)
{
    struct file_bytes file;

    if (!open_file(l, "binary", name, &file))
        return false;
    if (elf_is(file))
        return load_elf(l, name, file);
    if (file.size > l->room)
        return too_little(l, "binary", name, file.size + BLOCK_2M);
    place(l, 0, file.data, file.size);
    l->entry = ipaddr(GUEST_RAM_BASE);
    return true;
}

/* In the last 2 MiB of RAM, away from whatever the guest does behind its kernel; so it lies in one
 * 2 MiB block, as booting.rst (section 2) wants it. */
static bool load_device_tree(struct load *l, ipaddr_t *dtb)
{
    uint8_t *to;
    size_t bytes;

    *dtb = ipaddr(GUEST_RAM_BASE + l->room);
    to = guest_mem(l->vm, *dtb, GUEST_DT_MAX);
    CHECK(to);
    bytes = guest_dt_write(l->vm, l->initrd, to, GUEST_DT_MAX);
    cache_clean_invalidate(to, GUEST_DT_MAX);
    return bytes > 0 || fail(l, "bootargs", "device tree", "does not fit");
}

bool loader_load(struct vm *vm, const struct machine *m, struct refusal *why, ipaddr_t *entry,
                 ipaddr_t *dtb)
{
    const struct vm_config *config = vm->config;
    struct load l = {.vm = vm, .machine = m, .why = why};
    bool ok;

    CHECK(vm->memory.bytes > BLOCK_2M);
    l.room = vm->memory.bytes - BLOCK_2M;
    if (config->kernel)
        ok =
            load_kernel(&l, config->kernel) && (!config->initrd || load_initrd(&l, config->initrd));
    else
        ok = load_binary(&l, config->binary);
    if (!ok || !load_device_tree(&l, dtb))
        return false;
    icache_invalidate_all();
    *entry = l.entry;
    return true;
}
