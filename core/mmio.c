/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/mmio.h>
#include <bulkhead/vm.h>

bool mmio_attach(struct mmio_map *map, uint64_t base, uint64_t size, mmio_handler handler,
                 void *device)
{
    unsigned at = 0;
    if (map->count == MAX_MMIO_REGIONS || size == 0 || base + size < base)
        return false;
    while (at < map->count && map->regions[at].base < base)
        at++;
    if (at > 0 && map->regions[at - 1].base + map->regions[at - 1].size > base)
        return false;
    if (at < map->count && base + size > map->regions[at].base)
        return false;
    for (unsigned i = map->count++; i > at; i--)
        map->regions[i] = map->regions[i - 1];
    map->regions[at] = (struct mmio_region){base, size, handler, device};
    return true;
}

bool mmio_dispatch(struct vcpu *vcpu, ipaddr_t ipa, struct mmio_access *access)
{
    const struct mmio_map *map = &vcpu->vm->mmio;
    for (unsigned i = 0; i < map->count; i++) {
        const struct mmio_region *r = &map->regions[i];
        if (ipa.v < r->base)
            break;
        uint64_t offset = ipa.v - r->base;
        if (offset < r->size) {
            if (access->size > r->size - offset)
                return false;
            access->offset = (uint32_t)offset;
            return r->handler(vcpu, r->device, access);
        }
    }
    return false;
}
