/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/loader.h>

#include "loader_formats.h"

#include <bulkhead/account.h>
#include <bulkhead/arch.h>
#include <bulkhead/crc32.h>
#include <bulkhead/guest_dt.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/log.h>
#include <bulkhead/vm.h>
#include <string.h>

/* What a step works with; vm->loader is what lasts. */
struct load {
    struct vm *vm;
    struct loader *l;
    const struct machine *machine;
    struct refusal *why;
    uint64_t room; /* RAM before the device tree */
};

void loader_hash_files(struct machine *m)
{
    for (unsigned i = 0; i < m->nfiles; i++) {
        struct boot_file *file = &m->files[i];
        file->crc = crc32(0, map_file(file->pa, file->size), file->size);
    }
}

/* The next `most` bytes or less of `all`. */
static uint64_t next_part(const struct loader *l, uint64_t all, uint64_t most)
{
    return MIN(all - l->at, most);
}

static void next_stage(struct loader *l, enum loader_stage stage)
{
    l->stage = stage;
    l->at = 0;
    l->crc = 0;
}

/* A stay is over. False: an interrupt waits, perhaps for the VM's end. Else the next one begins. */
static bool next_stay(void)
{
    if (irq_waits())
        return false;
    account_step();
    return true;
}

/* Zeros left in the cache would later overwrite what a guest writes around it. So would what is
 * left there of the kept part. */
static void zero(struct load *s)
{
    struct loader *l = s->l;
    uint64_t all = s->vm->memory.bytes;
    uint64_t kept = s->vm->starts ? all - GUEST_KEPT_BYTES : all;
    bool before = l->at < kept;
    uint64_t end = before ? kept : all;
    uint8_t *ram = guest_mem(s->vm, ipaddr(GUEST_RAM_BASE + l->at), end - l->at);

    CHECK(ram);
    do {
        uint64_t bytes = MIN(end - l->at, (uint64_t)LOADER_ZERO_STEP);
        if (before)
            cache_zero(ram, bytes);
        else
            cache_clean_invalidate(ram, bytes);
        ram += bytes;
        l->at += bytes;
    } while (l->at < end && next_stay());
    if (l->at == all) {
        s->vm->starts++;
        next_stage(l, LOADER_FIRST);
    }
}

static bool fail(struct load *s, const char *property, const char *file, const char *wrong)
{
    refuse(s->why, "%s: %s: \"%s\" %s", s->vm->config->name, property, file, wrong);
    return false;
}

static bool too_little(struct load *s, const char *property, const char *file, uint64_t needed)
{
    refuse(
        s->why, "%s: memory: \"%s\" (%s) and what goes with it need %llu MiB, the VM has %llu MiB",
        s->vm->config->name, file, property, (unsigned long long)(align_up(needed, MIB(1)) >> 20),
        (unsigned long long)(s->vm->memory.bytes >> 20));
    return false;
}

/* A file's pristine copy. */
static bool open_file(struct load *s, const char *property, const char *name,
                      const struct boot_file **file, struct file_bytes *out)
{
    *file = machine_file(s->machine, name);
    if (!*file)
        return fail(s, property, name, "was not loaded from the boot partition");
    out->data = map_file((*file)->pa, (*file)->size);
    out->size = (*file)->size;
    return true;
}

/* `offset` from the start of RAM; the caller has checked that it fits. */
static void place(struct load *s, uint64_t offset, const uint8_t *data, uint64_t bytes)
{
    void *to = guest_mem(s->vm, ipaddr(GUEST_RAM_BASE + offset), bytes);
    CHECK(to);
    memcpy(to, data, bytes);
    cache_clean_invalidate(to, bytes);
}

/* ---- Where things go; before the first byte of a file is read for good ---- */

static bool plan_kernel(struct load *s, const char *name, struct file_bytes file)
{
    struct image_info image;
    const char *wrong = image_check(file, &image);

    if (wrong)
        return fail(s, "kernel", name, wrong);
    if (!lies_within(image.offset, image.size, s->room))
        return too_little(s, "kernel", name, image.offset + image.size + BLOCK_2M);
    s->l->offset = image.offset;
    s->l->end = image.offset + image.size;
    s->l->entry = ipaddr(GUEST_RAM_BASE + image.offset);
    return true;
}

/* An ELF file goes where it says, anything else to the start of RAM, where it is entered. Firmware
 * leaves room for the device tree there. */
static bool plan_binary(struct load *s, const char *name, struct file_bytes file)
{
    struct elf_info elf;
    const char *wrong;

    if (!elf_is(file)) {
        s->l->offset = s->vm->config->environment ? BLOCK_2M : 0;
        if (!lies_within(s->l->offset, file.size, s->room))
            return too_little(s, "binary", name, file.size + s->l->offset + BLOCK_2M);
        s->l->entry = ipaddr(GUEST_RAM_BASE + s->l->offset);
        return true;
    }
    wrong = elf_check(file, GUEST_RAM_BASE, s->room, &elf);
    if (wrong)
        return fail(s, "binary", name, wrong);
    s->l->entry = ipaddr(elf.entry);
    return true;
}

/* booting.rst, section 4: in one 32 GiB window with the kernel. It goes right behind it. */
static bool plan_initrd(struct load *s, const char *name, struct file_bytes file)
{
    uint64_t offset = align_up(s->l->end, BLOCK_2M);

    if (!lies_within(offset, file.size, s->room))
        return too_little(s, "initrd", name, offset + file.size + BLOCK_2M);
    s->l->offset = offset;
    s->l->initrd = (struct range){GUEST_RAM_BASE + offset, file.size};
    return true;
}

/* ---- Stages ---- */

/* A file from its beginning to its end, a part at a time: checked, which must find what it was at
 * boot, and placed unless it is an ELF file. */
static bool take_file(struct load *s, const char *property, const char *name,
                      bool (*plan)(struct load *, const char *, struct file_bytes),
                      enum loader_stage next)
{
    struct loader *l = s->l;
    const struct boot_file *known;
    struct file_bytes file;
    uint64_t bytes;

    if (!open_file(s, property, name, &known, &file) || (l->at == 0 && !plan(s, name, file)))
        return false;
    bytes = next_part(l, file.size, LOADER_STEP);
    if (!s->vm->config->binary || !elf_is(file))
        place(s, l->offset + l->at, file.data + l->at, bytes);
    l->crc = crc32(l->crc, file.data + l->at, bytes);
    l->at += bytes;
    if (l->at < file.size)
        return true;
    if (l->crc != known->crc)
        return fail(s, property, name, "has changed in memory since the board started");
    next_stage(l, next);
    return true;
}

static bool take_segments(struct load *s)
{
    const char *name = s->vm->config->binary;
    struct loader *l = s->l;
    const struct boot_file *known;
    struct file_bytes file;
    struct elf_info elf;
    struct elf_segment segment;
    uint64_t bytes;

    if (!open_file(s, "binary", name, &known, &file))
        return false;
    if (!elf_is(file) || elf_check(file, GUEST_RAM_BASE, s->room, &elf) ||
        l->segment == elf.headers) {
        next_stage(l, LOADER_TREE);
        return true;
    }
    if (elf_segment(file, &elf, l->segment, &segment) && l->at < segment.file_size) {
        bytes = next_part(l, segment.file_size, LOADER_STEP);
        place(s, segment.address - GUEST_RAM_BASE + l->at, file.data + segment.file_offset + l->at,
              bytes);
        l->at += bytes;
    } else {
        l->segment++;
        l->at = 0;
    }
    return true;
}

/* In the last 2 MiB of RAM, away from whatever the guest does behind its kernel; so it lies in one
 * 2 MiB block, as booting.rst (section 2) wants it.
 * Firmware looks for it at the start of RAM (U-Boot, board_fdt_blob_setup() of qemu-arm). */
static enum loader_result make_device_tree(struct load *s)
{
    uint8_t *to;
    size_t bytes;

    s->l->dtb = ipaddr(GUEST_RAM_BASE + (s->vm->config->environment ? 0 : s->room));
    to = guest_mem(s->vm, s->l->dtb, GUEST_DT_MAX);
    CHECK(to);
    bytes = guest_dt_write(s->vm, s->l->initrd, to, GUEST_DT_MAX);
    cache_clean_invalidate(to, GUEST_DT_MAX);
    icache_invalidate();
    if (bytes > 0)
        return LOADER_DONE;
    fail(s, "bootargs", "device tree", "does not fit");
    return LOADER_FAILED;
}

static enum loader_result step(struct vm *vm, const struct machine *m, struct refusal *why)
{
    const struct vm_config *config = vm->config;
    struct load s = {.vm = vm, .l = &vm->loader, .machine = m, .why = why};
    bool ok = true;

    CHECK(vm->memory.bytes > BLOCK_2M);
    s.room = vm->memory.bytes - BLOCK_2M;
    switch (vm->loader.stage) {
    case LOADER_ZERO:
        zero(&s);
        break;
    case LOADER_FIRST:
        if (config->kernel)
            ok = take_file(&s, "kernel", config->kernel, plan_kernel,
                           config->initrd ? LOADER_INITRD : LOADER_TREE);
        else
            ok = take_file(&s, "binary", config->binary, plan_binary, LOADER_SEGMENTS);
        break;
    case LOADER_SEGMENTS:
        ok = take_segments(&s);
        break;
    case LOADER_INITRD:
        ok = take_file(&s, "initrd", config->initrd, plan_initrd, LOADER_TREE);
        break;
    case LOADER_TREE:
        return make_device_tree(&s);
    }
    return ok ? LOADER_MORE : LOADER_FAILED;
}

enum loader_result loader_run(struct vm *vm, const struct machine *m, struct refusal *why)
{
    enum loader_result result;
    do
        result = step(vm, m, why);
    while (result == LOADER_MORE && next_stay());
    return result;
}
