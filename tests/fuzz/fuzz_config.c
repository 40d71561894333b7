// sources: core/config.c core/config_values.c core/dtb.c core/refuse.c core/partition.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* vms.dtb: any bytes end in a refusal, or in a configuration whose VMs share nothing. */
#include "fuzz.h"

#include <bulkhead/config.h>
#include <bulkhead/partition.h>

static const struct range kept[] = {{0x00800000, 0x00180000}, {0x04000000, 0x01f3a5c8}};

static void check_name(const char *name, size_t room)
{
    REQUIRE(memchr(name, '\0', room) && name[0]);
}

static void check_disks(const struct vm_config *vm)
{
    REQUIRE(vm->ndisks <= MAX_DISKS);
    for (unsigned i = 0; i < vm->ndisks; i++) {
        check_name(vm->disks[i].name, MAX_NAME);
        check_name(vm->disks[i].partition, MAX_LABEL);
        REQUIRE(strcmp(vm->disks[i].partition, "bulkhead-boot") != 0);
    }
}

/* No core twice, no file of the hypervisor's own, no partition shared but for reading. */
static void check_apart(const struct config *c)
{
    unsigned cores = 0;
    for (unsigned i = 0; i < c->nvms; i++) {
        const struct vm_config *vm = &c->vms[i];
        const char *const files[] = {vm->kernel, vm->initrd, vm->binary};
        check_name(vm->name, MAX_NAME);
        REQUIRE(vm->ncpus >= 1 && vm->ncpus <= MAX_CPUS);
        for (unsigned k = 0; k < vm->ncpus; k++) {
            REQUIRE(vm->cpus[k] < MAX_CPUS && !(cores & 1u << vm->cpus[k]));
            cores |= 1u << vm->cpus[k];
        }
        for (unsigned k = 0; k < ARRAY_SIZE(files); k++)
            REQUIRE(!files[k] ||
                    (strcmp(files[k], "seed.bin") != 0 && strlen(files[k]) < MAX_NAME));
        REQUIRE(!vm->bootargs || strlen(vm->bootargs) < MAX_BOOTARGS);
        check_disks(vm);
        for (unsigned k = 0; k < i; k++)
            for (unsigned a = 0; a < vm->ndisks; a++)
                for (unsigned b = 0; b < c->vms[k].ndisks; b++)
                    REQUIRE(strcmp(vm->disks[a].partition, c->vms[k].disks[b].partition) != 0 ||
                            (vm->disks[a].read_only && c->vms[k].disks[b].read_only));
    }
}

static void check_memory(const struct config *c)
{
    static const struct machine board = {.nram = 1, .ram = {{0, GIB(2)}}, .ncpus = MAX_CPUS};
    struct partition parts[MAX_VMS];
    struct refusal why = {""};
    if (partition_memory(&board, c, kept, ARRAY_SIZE(kept), parts, &why))
        REQUIRE(partition_check(&board, c, kept, ARRAY_SIZE(kept), parts, &why));
    else
        REQUIRE(why.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    struct config config;
    struct refusal why;
    size_t size;
    uint8_t *blob = take_rest(&in, &size);

    if (config_parse(blob, size, &config, &why)) {
        static const char *const files[] = {"vmlinuz", "initrd.img"};
        REQUIRE(config.nvms >= 1 && config.nvms <= MAX_VMS);
        check_apart(&config);
        config_check_cpus(&config, 2, &why);
        for (unsigned i = 0; i < config.nvms; i++)
            config_check_files(&config.vms[i], files, ARRAY_SIZE(files), &why);
        check_memory(&config);
    } else {
        REQUIRE(why.text[0] && memchr(why.text, '\0', sizeof(why.text)));
    }
    free(blob);
    return 0;
}
