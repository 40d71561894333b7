/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses across the board's buses (Devicetree Specification v0.4, 2.3.8 and 2.3.9). */
#include "board_dt.h"

/* An entry of `ranges` or `dma-ranges`: [child, child+size) on the bus is [parent, ...) above it.
 */
struct mapping {
    uint64_t child, parent, size;
};

/* The i-th entry of a bus's property. False: no more, or cells beyond what an address can hold. */
static bool mapping_at(const struct level *bus, const struct level *above, struct dtb_value value,
                       unsigned i, struct mapping *out)
{
    unsigned child = bus->address_cells, parent = above->address_cells, size = bus->size_cells;
    uint32_t entry = 4 * (child + parent + size);
    const uint8_t *data;

    if (child > 2 || parent > 2 || size > 2 || entry == 0 || i >= value.bytes / entry)
        return false;
    data = value.data + i * entry;
    *out = (struct mapping){
        .child = dtb_cells(data, child),
        .parent = dtb_cells(data + (size_t)4 * child, parent),
        .size = dtb_cells(data + (size_t)4 * (child + parent), size),
    };
    return true;
}

/* The entry that holds all of [base, base+size). */
static bool mapping_find(const struct level *bus, const struct level *above, struct dtb_value value,
                         uint64_t base, uint64_t size, struct mapping *out)
{
    for (unsigned i = 0; mapping_at(bus, above, value, i, out); i++) {
        uint64_t offset = base - out->child;
        if (base >= out->child && offset < out->size && size <= out->size - offset)
            return true;
    }
    return false;
}

bool board_translate(const struct walk *w, unsigned above, struct range *r, struct range *window)
{
    *window = (struct range){0, 0};
    for (unsigned i = above; i > 0; i--) {
        const struct level *bus = &w->levels[i];
        struct dtb_value ranges = bus->property[P_RANGES];
        struct mapping m;
        if (!ranges.data)
            return false; /* what is below is not addressable from above */
        if (ranges.bytes == 0)
            continue; /* the same addresses */
        if (!mapping_find(bus, bus - 1, ranges, r->base, r->size, &m))
            return false;
        r->base = m.parent + (r->base - m.child);
        *window = (struct range){m.parent, m.size};
    }
    return true;
}

void board_dma(const struct walk *w, unsigned above, struct device *device)
{
    uint64_t bus_address = 0;
    struct range reach = {0, 0};
    struct mapping m;

    for (unsigned i = above; i > 0; i--) {
        const struct level *bus = &w->levels[i];
        struct dtb_value ranges = bus->property[P_DMA_RANGES];
        if (ranges.bytes == 0)
            continue;
        if (reach.size == 0) {
            /* The first window serves: BCM2711's buses have one each. */
            if (!mapping_at(bus, bus - 1, ranges, 0, &m))
                return;
            bus_address = m.child;
            reach = (struct range){m.parent, m.size};
        } else {
            if (!mapping_find(bus, bus - 1, ranges, reach.base, 1, &m))
                return;
            reach.size = MIN(reach.size, m.size - (reach.base - m.child));
            reach.base = m.parent + (reach.base - m.child);
        }
    }
    device->dma = reach;
    device->dma_offset = bus_address - reach.base;
}
