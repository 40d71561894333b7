/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <bulkhead/log.h>

/* Device windows are never dereferenced on the host: an address says only which register is meant.
 */
static const uintptr_t device_va = 0x500000000000;

enum { MAX_MODELS = 16 };
static struct fake_mmio models[MAX_MODELS];
static unsigned model_count;
unsigned long fake_mmio_accesses;

void fake_mmio_add(const struct fake_mmio *model)
{
    if (model_count == MAX_MODELS)
        panic("too many device models");
    models[model_count++] = *model;
}

void fake_mmio_reset(void)
{
    model_count = 0;
    fake_mmio_accesses = 0;
}

__attribute__((weak)) void *map_device(paddr_t pa, size_t bytes)
{
    (void)bytes;
    return (void *)(device_va + pa.v);
}

static const struct fake_mmio *model_of(const void *reg, uint32_t *offset)
{
    uint64_t pa = (uintptr_t)reg - device_va;
    fake_mmio_accesses++;
    for (unsigned i = 0; i < model_count && pa % 4 == 0; i++) {
        if (pa >= models[i].base && pa - models[i].base < models[i].size) {
            *offset = (uint32_t)(pa - models[i].base);
            return &models[i];
        }
    }
    panic("access to no device: 0x%llx", (unsigned long long)pa);
}

__attribute__((weak)) uint32_t mmio_read32(const void *reg)
{
    uint32_t offset;
    const struct fake_mmio *m = model_of(reg, &offset);
    return m->read(m->context, offset);
}

__attribute__((weak)) void mmio_write32(void *reg, uint32_t value)
{
    uint32_t offset;
    const struct fake_mmio *m = model_of(reg, &offset);
    m->write(m->context, offset, value);
}
