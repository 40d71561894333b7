// sources: core/mmio.c
// cbmc: --unwind 4
// bounds: two regions, any places and sizes, any access
/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated registers: regions are disjoint, a handler is called for its own region only, and no
 * access reaches beyond that region's end. */
#include "prove.h"

#include <bulkhead/vm.h>

enum { REGIONS = 2 };

static struct vm vm;
static uint64_t base[REGIONS], size[REGIONS], ipa;
static bool attached[REGIONS];
static unsigned calls;

static bool handler(struct vcpu *vcpu, void *device, struct mmio_access *access)
{
    unsigned i = (unsigned)((bool *)device - attached);
    PROVE(vcpu == &vm.vcpus[0], "its own vCPU");
    PROVE(i < REGIONS && attached[i], "a region that was attached");
    PROVE(access->offset == ipa - base[i] && access->offset < size[i], "inside of the region");
    PROVE(access->size <= size[i] - access->offset, "to its end at most");
    calls++;
    return nondet_bool();
}

int main(void)
{
    struct mmio_access access = {.size = (uint8_t)(1u << (nondet_u8() & 3))};
    bool inside = false;

    for (unsigned i = 0; i < REGIONS; i++) {
        base[i] = nondet_u64();
        size[i] = nondet_u64();
        ASSUME(size[i] <= UINT32_MAX); /* mmio_access.offset has 32 bits */
        attached[i] = mmio_attach(&vm.mmio, base[i], size[i], handler, &attached[i]);
        for (unsigned k = 0; k < i; k++)
            PROVE(!attached[i] || !attached[k] || base[i] >= base[k] + size[k] ||
                      base[k] >= base[i] + size[i],
                  "regions are disjoint");
    }
    vm.vcpus[0].vm = &vm;
    ipa = nondet_u64();
    for (unsigned i = 0; i < REGIONS; i++)
        inside |= attached[i] && ipa >= base[i] && ipa - base[i] < size[i] &&
                  access.size <= size[i] - (ipa - base[i]);
    mmio_dispatch(&vm.vcpus[0], ipaddr(ipa), &access);
    PROVE(calls == inside, "one handler if the access lies in a region, else none");
    return 0;
}
