/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated device registers of a VM: one sorted table, one dispatch (core/mmio.c). */
#ifndef BULKHEAD_MMIO_H
#define BULKHEAD_MMIO_H

#include <bulkhead/types.h>

struct vm;
struct vcpu;

struct mmio_access {
    uint32_t offset; /* within the region */
    uint8_t size;    /* 1, 2, 4 or 8 bytes; never crosses the region's end */
    bool write;
    bool retry; /* answer: run the guest's instruction again (do not step its PC); see vgic/ */
    uint64_t
        value; /* written value (zero-extended), or the answer of a read (upper bytes ignored) */
};

/* False: no such register or size; the guest gets an external abort. Runs on the vCPU's core, no
 * lock held. */
typedef bool (*mmio_handler)(struct vcpu *vcpu, void *device, struct mmio_access *access);

struct mmio_region {
    uint64_t base; /* IPA */
    uint64_t size;
    mmio_handler handler;
    void *device;
};

enum { MAX_MMIO_REGIONS = 12 };

struct mmio_map {
    unsigned count;
    struct mmio_region regions[MAX_MMIO_REGIONS]; /* sorted by base, disjoint */
};

/* Add a region when a VM is set up. False: overlap or table full. */
bool mmio_attach(struct mmio_map *map, uint64_t base, uint64_t size, mmio_handler handler,
                 void *device);
/* Dispatch an access at `ipa`; fills in access->offset. False: nothing there, or refused. */
bool mmio_dispatch(struct vcpu *vcpu, ipaddr_t ipa, struct mmio_access *access);

#endif
