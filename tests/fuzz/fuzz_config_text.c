// sources: core/config.c core/config_values.c core/config_text.c core/dtb.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* bulkhead.txt: any bytes end in a refusal, or in a configuration that keeps the rules. */
#include "fuzz.h"

#include <bulkhead/config.h>

static const struct config before = {
    .nvms = 2,
    .vms = {{.name = "a", .ncpus = 2, .cpus = {0, 1}, .memory = MIB(64), .kernel = "k"},
            {.name = "b", .ncpus = 1, .cpus = {2}, .memory_percent = 40, .binary = "x"}},
};

static void check(const struct config *c)
{
    unsigned cores = 0;
    REQUIRE(c->nvms == before.nvms);
    for (unsigned i = 0; i < c->nvms; i++) {
        const struct vm_config *vm = &c->vms[i];
        REQUIRE(strcmp(vm->name, before.vms[i].name) == 0);
        REQUIRE(vm->kernel == before.vms[i].kernel && vm->binary == before.vms[i].binary);
        REQUIRE(vm->ncpus >= 1 && vm->ncpus <= MAX_CPUS);
        for (unsigned k = 0; k < vm->ncpus; k++) {
            REQUIRE(vm->cpus[k] < MAX_CPUS && !(cores & 1u << vm->cpus[k]));
            cores |= 1u << vm->cpus[k];
        }
        REQUIRE((vm->memory == 0) != (vm->memory_percent == 0));
        REQUIRE(vm->memory % BLOCK_2M == 0 && vm->memory_percent <= 100);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    struct config config = before;
    struct refusal why = {""};
    size_t size;
    uint8_t *text = take_rest(&in, &size);

    if (config_override((const char *)text, size, &config, &why))
        check(&config);
    else
        REQUIRE(why.text[0] && memchr(why.text, '\0', sizeof(why.text)));
    free(text);
    return 0;
}
