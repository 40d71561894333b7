// sources: core/board_dt.c core/board_nodes.c core/board_bus.c core/dtb.c core/refuse.c core/partition.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The board's device tree: any bytes end in a refusal, or in a machine whose tables are sound and
 * whose RAM can be given away. */
#include "fuzz.h"

#include <bulkhead/machine.h>
#include <bulkhead/partition.h>

static const struct device_match matches[] = {
    {"arm,pl011", DEV_PL011},
    {"arm,gic-400", DEV_GIC},
    {"brcm,bcm2711-emmc2", DEV_SDHCI},
    {"brcm,bcm2835-mbox", DEV_MAILBOX},
    {"arm,armv8-timer", DEV_TIMER},
    {"brcm,bcm2711-genet-v5", DEV_ETHERNET},
    {NULL, 0},
};

static struct machine m;

static void check_ranges(const struct range *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        REQUIRE(r[i].size > 0 && r[i].base < 1ULL << 44 && r[i].size <= (1ULL << 44) - r[i].base);
        REQUIRE(i == 0 || r[i - 1].base + r[i - 1].size < r[i].base);
    }
}

static void check_text(const char *s, size_t room)
{
    REQUIRE(memchr(s, '\0', room));
    for (; *s; s++)
        REQUIRE(*s >= ' ' && *s <= '~');
}

static void check_devices(void)
{
    REQUIRE(m.ndevices <= MAX_DEVICES);
    for (unsigned i = 0; i < m.ndevices; i++) {
        const struct device *d = &m.devices[i];
        check_text(d->path, sizeof(d->path));
        REQUIRE(d->nregs <= ARRAY_SIZE(d->reg) && d->nirqs <= ARRAY_SIZE(d->intid));
        for (unsigned k = 0; k < d->nirqs; k++)
            REQUIRE(d->intid[k] >= 16 && d->intid[k] < 1020);
        for (unsigned k = 0; k < d->nregs; k++)
            REQUIRE(d->reg[k].size && d->reg[k].size <= (1ULL << 44) - d->reg[k].base);
    }
}

static void check_files(struct range *kept)
{
    REQUIRE(m.nfiles <= MAX_FILES);
    for (unsigned i = 0; i < m.nfiles; i++) {
        const struct boot_file *f = &m.files[i];
        bool in_ram = false;
        check_text(f->path, sizeof(f->path));
        for (unsigned k = 0; k < m.nram; k++)
            in_ram |=
                f->pa.v >= m.ram[k].base && f->pa.v + f->size <= m.ram[k].base + m.ram[k].size;
        REQUIRE(in_ram && f->size);
        kept[i] = (struct range){f->pa.v, f->size};
    }
}

static void check_memory(const struct range *kept)
{
    static const struct config config = {
        .nvms = 2,
        .vms = {{.name = "alpha", .memory = MIB(64)}, {.name = "beta", .memory_percent = 30}}};
    struct partition parts[MAX_VMS];
    struct refusal why = {""};
    if (partition_memory(&m, &config, kept, m.nfiles, parts, &why))
        REQUIRE(partition_check(&m, &config, kept, m.nfiles, parts, &why));
    else
        REQUIRE(why.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    struct range kept[MAX_FILES];
    struct refusal why = {""};
    size_t size;
    uint8_t *blob = take_rest(&in, &size);

    if (machine_read(blob, size, matches, &m, &why)) {
        REQUIRE(m.nram >= 1 && m.nram <= MAX_RAM_REGIONS && m.nreserved <= MAX_RESERVED);
        REQUIRE(m.ncpus >= 1 && m.ncpus <= MAX_CPUS && m.nwindows <= MAX_WINDOWS);
        REQUIRE(m.seed_bytes <= MAX_SEED);
        check_ranges(m.ram, m.nram);
        check_ranges(m.windows, m.nwindows);
        check_text(m.model, sizeof(m.model));
        check_text(m.stdout_path, sizeof(m.stdout_path));
        check_devices();
        check_files(kept);
        check_memory(kept);
    } else {
        REQUIRE(why.text[0]);
    }
    free(blob);
    return 0;
}
