/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/machine.h>
#include <bulkhead/memmap.h>
#include <bulkhead/vm.h>
#include <stdio.h>

enum {
    MAX_NOTES = 12,
    MAX_USED = MAX_NOTES + MAX_FILES + MAX_RESERVED + MAX_VMS * MAX_RAM_PIECES + 2,
    MAX_ENTRIES = 2 * MAX_USED + MAX_RAM_REGIONS, /* with the gaps between them */
    MAX_LINE = 128,
};

struct entry {
    struct range range;
    const char *what;
    const char *name;
    bool has_crc;
    uint32_t crc;
};

static struct entry notes[MAX_NOTES];
static unsigned note_count;
static struct entry entries[MAX_ENTRIES];
static unsigned entry_count;
static uint32_t hash; /* of the page tables, as far as the lines have come */

void memmap_note(const char *what, struct range range)
{
    if (note_count < MAX_NOTES)
        notes[note_count++] = (struct entry){.range = range, .what = what, .name = ""};
}

/* Keep the order of addresses. */
static void add(struct entry e)
{
    unsigned i = entry_count;
    if (e.range.size == 0 || entry_count >= MAX_ENTRIES)
        return;
    for (; i > 0 && entries[i - 1].range.base > e.range.base; i--)
        entries[i] = entries[i - 1];
    entries[i] = e;
    entry_count++;
}

static void add_used(void)
{
    /* Cores that spin in the firmware's stub are released through page 0 (armstub8.S). */
    add((struct entry){{0, MIB(1)}, "firmware, page 0", "", false, 0});
    add((struct entry){arch_image(), "hypervisor", "", false, 0});
    for (unsigned i = 0; i < note_count; i++)
        add(notes[i]);
    for (unsigned i = 0; i < machine.nreserved; i++)
        add((struct entry){machine.reserved[i], "firmware, reserved", "", false, 0});
    for (unsigned i = 0; i < machine.nfiles; i++) {
        const struct boot_file *f = &machine.files[i];
        add((struct entry){{f->pa.v, f->size}, "boot file", f->path, true, f->crc});
    }
    for (unsigned i = 0; i < vm_count; i++)
        for (unsigned j = 0; j < vms[i].memory.npieces; j++)
            add((struct entry){vms[i].memory.pieces[j], "VM", vms[i].config->name, false, 0});
}

/* What is left of one range of RAM. `used` entries are in order. */
static unsigned gaps_in(const struct range *ram, unsigned used, struct range *gaps, unsigned most)
{
    uint64_t at = ram->base, end = ram->base + ram->size;
    unsigned count = 0;
    for (unsigned i = 0; i < used && at < end; i++) {
        const struct range *r = &entries[i].range;
        if (r->base > at && count < most) {
            gaps[count++] = (struct range){at, MIN(r->base, end) - at};
            at = MIN(r->base, end);
        }
        at = MAX(at, MIN(r->base + r->size, end));
    }
    if (at < end && count < most)
        gaps[count++] = (struct range){at, end - at};
    return count;
}

static void make_map(void)
{
    static struct range gaps[MAX_USED + MAX_RAM_REGIONS];
    unsigned count = 0;
    entry_count = 0;
    add_used();
    for (unsigned i = 0; i < machine.nram; i++)
        count += gaps_in(&machine.ram[i], entry_count, gaps + count, ARRAY_SIZE(gaps) - count);
    for (unsigned i = 0; i < count; i++)
        add((struct entry){gaps[i], "free", "", false, 0});
}

/* An empty line for each page of them, which is hashed meanwhile: no stay at EL2 does more than a
 * few. Then what came out. */
static bool tables_line(unsigned index, char *line, size_t size)
{
    unsigned used, total;
    arch_table_use(&used, &total);
    if (index < used)
        hash = arch_table_hash(hash, index);
    else if (index == used)
        snprintf(line, size,
                 "page tables: %u of %u pages in use, in the hypervisor's memory; hash of all "
                 "tables %08x",
                 used, total, (unsigned)vm_tables_hash(hash));
    return index <= used;
}

bool memmap_line(unsigned index, char *line, size_t size)
{
    const struct entry *e;
    char crc[24] = "";

    if (index == 0) {
        make_map();
        hash = 0;
    }
    line[0] = '\0';
    if (index >= entry_count)
        return tables_line(index - entry_count, line, size);
    e = &entries[index];
    if (e->has_crc)
        snprintf(crc, sizeof(crc), "  CRC-32 %08x", (unsigned)e->crc);
    snprintf(line, size, "0x%09llx-0x%09llx %8llu KiB  %s%s%s%s", (unsigned long long)e->range.base,
             (unsigned long long)(e->range.base + e->range.size - 1),
             (unsigned long long)((e->range.size + 1023) >> 10), e->what, e->name[0] ? " " : "",
             e->name, crc);
    return true;
}
