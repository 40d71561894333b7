// sources: core/guest_mem.c
// bounds: none: any address, any length, any size of RAM up to 64 GiB
/* SPDX-License-Identifier: BSD-2-Clause */
/* The one door: what it opens lies in the VM's RAM, and no sum wraps. */
#include "prove.h"

#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>

static uint8_t *ram;

void *ram_window(void)
{
    return ram;
}

int main(void)
{
    static struct vm vm;
    uint64_t ipa = nondet_u64(), bytes = nondet_u64(), offset = ipa - GUEST_RAM_BASE;
    uint8_t *p;

    vm.memory.bytes = nondet_u64();
    ASSUME(vm.memory.bytes <= GIB(64));
    ram = malloc(vm.memory.bytes); /* what leaves it is an error by itself */
    ASSUME(ram);
    p = guest_mem(&vm, ipaddr(ipa), bytes);
    if (p) {
        PROVE(ipa >= GUEST_RAM_BASE, "not below RAM");
        PROVE(bytes <= vm.memory.bytes && offset <= vm.memory.bytes - bytes, "not beyond RAM");
        PROVE((uint64_t)(p - ram) == offset, "the very bytes");
    } else {
        PROVE(ipa < GUEST_RAM_BASE || bytes > vm.memory.bytes || offset > vm.memory.bytes - bytes,
              "nothing inside RAM is refused");
    }
    return 0;
}
