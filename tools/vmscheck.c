// sources: core/config.c core/config_values.c core/config_text.c core/dtb.c core/partition.c core/board_dt.c core/board_nodes.c core/board_bus.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's own checks of a configuration, on the machine that builds the card.
 *
 *   vmscheck VMS.dtb [--ram MIB | --board BOARD.dtb] [--kept MIB] [--files A,B,...]
 *            [--partitions A,B,...] [--overrides BULKHEAD.TXT]
 *   vmscheck VMS.dtb --list-files | --list-disks
 *
 * Exit codes: 0 accepted, 1 refused (a sentence says why), 2 wrong use or unreadable file.
 */
#include <bulkhead/config.h>
#include <bulkhead/machine.h>
#include <bulkhead/partition.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACCEPTED,
    REFUSED,
    WRONG_USE,
    MAX_BYTES = 2 << 20,
    MAX_ITEMS = 64,
    DEFAULT_RAM_MIB = 948, /* a 1 GB board at the default gpu_mem: [0, 0x3b400000) */
    FIRST_PART_MIB = 948,
    DEFAULT_KEPT_MIB = 48, /* about what the default card's boot files and the hypervisor take */
};

struct options {
    const char *dtb, *board, *files, *partitions, *overrides;
    unsigned long ram_mib, kept_mib;
    bool list_files, list_disks;
};

static _Alignas(8) unsigned char blob[MAX_BYTES], board_blob[MAX_BYTES];
static struct config config;
static struct machine board;

static int usage(void)
{
    fprintf(stderr, "usage: vmscheck VMS.dtb [--ram MIB | --board BOARD.dtb] [--kept MIB]\n"
                    "                [--files A,B,...] [--partitions A,B,...]\n"
                    "                [--overrides BULKHEAD.TXT]\n"
                    "       vmscheck VMS.dtb --list-files | --list-disks\n");
    return WRONG_USE;
}

static int refused(const char *file, const struct refusal *why)
{
    fprintf(stderr, "%s: %s\n", file, why->text);
    return REFUSED;
}

/* The file's bytes in `to`; 0: it cannot be read. */
static size_t read_file(const char *path, unsigned char *to)
{
    FILE *f = fopen(path, "rb");
    size_t bytes = f ? fread(to, 1, MAX_BYTES, f) : 0;
    if (!f || ferror(f)) {
        fprintf(stderr, "vmscheck: cannot read ");
        perror(path);
        bytes = 0;
    } else if (bytes == 0 || bytes == MAX_BYTES) {
        fprintf(stderr, "vmscheck: %s: %s\n", path, bytes ? "too large" : "empty");
        bytes = 0;
    }
    if (f)
        fclose(f);
    return bytes;
}

/* "a,b,c" in place of commas NULs; how many. */
static unsigned split(const char *list, const char *items[MAX_ITEMS])
{
    static char copy[4096];
    unsigned n = 0;
    snprintf(copy, sizeof(copy), "%s", list);
    for (char *item = strtok(copy, ","); item && n < MAX_ITEMS; item = strtok(NULL, ","))
        items[n++] = item;
    return n;
}

static bool is_among(const char *s, const char *const *items, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(s, items[i]) == 0)
            return true;
    return false;
}

/* ---- What there is to check against ---- */

/* A board as its firmware describes it: RAM stops at 0x3b400000 (the VideoCore's share is above),
 * goes on at 1 GiB up to the devices at 0xfc000000, and above 4 GiB. */
static void make_board(unsigned long ram_mib)
{
    static const struct range parts[] = {
        {0, MIB(FIRST_PART_MIB)}, {GIB(1), 0xbc000000}, {GIB(4), GIB(4)}};
    uint64_t left = MIB((uint64_t)ram_mib);
    for (unsigned i = 0; i < ARRAY_SIZE(parts) && left > 0; i++) {
        uint64_t size = MIN(left, parts[i].size);
        board.ram[board.nram++] = (struct range){parts[i].base, size};
        left -= size;
    }
    board.ncpus = MAX_CPUS;
}

static bool read_board(const struct options *o, int *code)
{
    static const struct device_match none[] = {{NULL, 0}};
    struct refusal why;
    size_t bytes;

    if (!o->board) {
        make_board(o->ram_mib);
        return true;
    }
    bytes = read_file(o->board, board_blob);
    *code = WRONG_USE;
    if (bytes == 0)
        return false;
    if (!machine_read(board_blob, bytes, none, &board, &why)) {
        *code = refused(o->board, &why);
        return false;
    }
    return true;
}

/* The hypervisor, the device tree and the boot files lie from 8 MiB up; how much they take is
 * known for certain on the board only, which checks again. */
static bool check_memory(unsigned long kept_mib, struct refusal *why)
{
    const struct range kept = {MIB(8), MIB((uint64_t)kept_mib)};
    struct partition parts[MAX_VMS];
    return partition_memory(&board, &config, &kept, 1, parts, why) &&
           partition_check(&board, &config, &kept, 1, parts, why);
}

static bool check_files(const char *list, struct refusal *why)
{
    const char *files[MAX_ITEMS];
    unsigned n = split(list, files);
    for (unsigned i = 0; i < config.nvms; i++)
        if (!config_check_files(&config.vms[i], files, n, why))
            return false;
    return true;
}

static bool check_partitions(const char *list, struct refusal *why)
{
    const char *labels[MAX_ITEMS];
    unsigned n = split(list, labels);
    for (unsigned i = 0; i < config.nvms; i++)
        for (unsigned k = 0; k < config.vms[i].ndisks; k++) {
            const struct disk_config *disk = &config.vms[i].disks[k];
            if (is_among(disk->partition, labels, n))
                continue;
            snprintf(why->text, sizeof(why->text),
                     "%s: disks/%s: partition: the card has no partition named \"%s\"; it has %u "
                     "partitions",
                     config.vms[i].name, disk->name, disk->partition, n);
            return false;
        }
    return true;
}

static bool check_overrides(const char *path, struct refusal *why)
{
    static unsigned char text[MAX_BYTES];
    size_t bytes = read_file(path, text);
    return config_override((const char *)text, bytes, &config, why);
}

/* ---- Lists for the image builder ---- */

static void list_files(void)
{
    const char *seen[4 * MAX_VMS];
    unsigned n = 0;
    for (unsigned i = 0; i < config.nvms; i++) {
        const struct vm_config *vm = &config.vms[i];
        const char *const files[] = {vm->kernel, vm->initrd, vm->binary, vm->environment};
        for (unsigned k = 0; k < ARRAY_SIZE(files); k++)
            if (files[k] && !is_among(files[k], seen, n)) {
                seen[n++] = files[k];
                printf("%s\n", files[k]);
            }
    }
}

static void list_disk(const struct vm_config *vm, const struct disk_config *disk)
{
    printf("%s\t%s\t%s\t%s\t%s\n", disk->partition, disk->image ? disk->image : "",
           disk->size ? disk->size : "", vm->name, disk->read_only ? "ro" : "rw");
}

/* A partition that several VMs read is listed once: as the one that says what is in it. */
static void list_disks(void)
{
    const char *seen[MAX_VMS * MAX_DISKS];
    unsigned n = 0;
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < config.nvms; i++)
            for (unsigned k = 0; k < config.vms[i].ndisks; k++) {
                const struct disk_config *disk = &config.vms[i].disks[k];
                bool described = disk->image || disk->size;
                if (described != (pass == 0) || is_among(disk->partition, seen, n))
                    continue;
                seen[n++] = disk->partition;
                list_disk(&config.vms[i], disk);
            }
}

/* ---- Options ---- */

static bool parse_number(const char *s, unsigned long *out)
{
    char *end;
    *out = strtoul(s, &end, 10);
    return *s && !*end && *out > 0 && *out < 1000000;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){.ram_mib = DEFAULT_RAM_MIB, .kept_mib = DEFAULT_KEPT_MIB};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        const char **text = NULL;
        if (strcmp(argv[i], "--list-files") == 0)
            o->list_files = true;
        else if (strcmp(argv[i], "--list-disks") == 0)
            o->list_disks = true;
        else if (strcmp(argv[i], "--board") == 0)
            text = &o->board;
        else if (strcmp(argv[i], "--overrides") == 0)
            text = &o->overrides;
        else if (strcmp(argv[i], "--files") == 0)
            text = &o->files;
        else if (strcmp(argv[i], "--partitions") == 0)
            text = &o->partitions;
        else if (strcmp(argv[i], "--ram") == 0 && value && parse_number(value, &o->ram_mib))
            i++;
        else if (strcmp(argv[i], "--kept") == 0 && value && parse_number(value, &o->kept_mib))
            i++;
        else if (argv[i][0] != '-' && !o->dtb)
            o->dtb = argv[i];
        else
            return false;
        if (text) {
            if (!value)
                return false;
            *text = value;
            i++;
        }
    }
    return o->dtb != NULL;
}

int main(int argc, char **argv)
{
    struct options o;
    struct refusal why = {""};
    int code;
    size_t bytes;

    if (!parse_options(argc, argv, &o))
        return usage();
    bytes = read_file(o.dtb, blob);
    if (bytes == 0 || !read_board(&o, &code))
        return bytes == 0 ? WRONG_USE : code;
    if (!config_parse(blob, bytes, &config, &why) ||
        (o.overrides && !check_overrides(o.overrides, &why)) ||
        !config_check_cpus(&config, board.ncpus, &why) || !check_memory(o.kept_mib, &why) ||
        (o.files && !check_files(o.files, &why)) ||
        (o.partitions && !check_partitions(o.partitions, &why)))
        return refused(o.dtb, &why);
    if (o.list_files)
        list_files();
    if (o.list_disks)
        list_disks();
    return ACCEPTED;
}
