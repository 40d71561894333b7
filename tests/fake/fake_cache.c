/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <bulkhead/log.h>
#include <stdlib.h>

/* `cached` is what EL2 sees; `clean` is what the cache held when it was last the same as DRAM: a
 * line that differs from it is dirty. */
struct area {
    uint8_t *cached, *dram, *clean;
    size_t bytes;
    uint64_t pa;
};

enum { MAX_AREAS = 16 };
static struct area areas[MAX_AREAS];
static unsigned area_count;

unsigned fake_dirty_dma, fake_icache_invalidations;
void *fake_ram_window;

/* The test program's writable data (GNU ld's symbols). */
extern uint8_t __data_start[], _end[];

/* Lines overlap the sanitizer's red zones between objects: copy without it. */
__attribute__((no_sanitize("address"), noinline)) static void copy(uint8_t *to, const uint8_t *from,
                                                                   size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = from[i];
        __asm__ volatile("" ::: "memory"); /* not a call of memcpy, which is checked */
    }
}

__attribute__((no_sanitize("address"), noinline)) static bool same(const uint8_t *a,
                                                                   const uint8_t *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static struct area *add(uint8_t *host, size_t bytes, uint64_t pa)
{
    struct area *a = &areas[area_count];
    if (area_count == MAX_AREAS)
        abort();
    *a = (struct area){host, malloc(bytes), malloc(bytes), bytes, pa};
    copy(a->dram, host, bytes);
    copy(a->clean, host, bytes);
    area_count++;
    return a;
}

static void add_image(void)
{
    uintptr_t start = (uintptr_t)__data_start & ~(uintptr_t)(FAKE_CACHE_LINE - 1);
    if (area_count == 0)
        add((uint8_t *)start, (uintptr_t)_end - start, FAKE_IMAGE_PA);
}

void fake_mem_add(void *host, size_t bytes, paddr_t pa)
{
    add_image();
    add(host, bytes, pa.v);
}

void fake_mem_reset(void)
{
    while (area_count) {
        area_count--;
        free(areas[area_count].dram);
        free(areas[area_count].clean);
    }
    fake_dirty_dma = 0;
    fake_icache_invalidations = 0;
    add_image();
}

static struct area *by_host(const void *p, size_t bytes)
{
    add_image();
    for (unsigned i = area_count; i-- > 0;) {
        uintptr_t offset = (uintptr_t)p - (uintptr_t)areas[i].cached;
        if (offset < areas[i].bytes && bytes <= areas[i].bytes - offset)
            return &areas[i];
    }
    return NULL;
}

static struct area *by_pa(uint64_t pa, size_t bytes)
{
    add_image();
    for (unsigned i = area_count; i-- > 0;)
        if (pa >= areas[i].pa && pa - areas[i].pa < areas[i].bytes &&
            bytes <= areas[i].bytes - (pa - areas[i].pa))
            return &areas[i];
    return NULL;
}

/* The lines that hold any of these bytes, as offsets in the area. */
static void lines(const struct area *a, const void *start, size_t bytes, size_t *from, size_t *to)
{
    size_t offset = (size_t)((const uint8_t *)start - a->cached);
    *from = offset & ~(size_t)(FAKE_CACHE_LINE - 1);
    *to = MIN(a->bytes, (offset + bytes + FAKE_CACHE_LINE - 1) & ~(size_t)(FAKE_CACHE_LINE - 1));
}

static void clean_range(struct area *a, size_t from, size_t to)
{
    for (size_t i = from; i < to; i += FAKE_CACHE_LINE) {
        size_t n = MIN((size_t)FAKE_CACHE_LINE, to - i);
        if (!same(a->cached + i, a->clean + i, n)) {
            copy(a->dram + i, a->cached + i, n);
            copy(a->clean + i, a->cached + i, n);
        }
    }
}

static void drop_range(struct area *a, size_t from, size_t to)
{
    copy(a->cached + from, a->dram + from, to - from);
    copy(a->clean + from, a->dram + from, to - from);
}

/* Memory that no area describes (a test's stack) has no second array: nothing to do. */
__attribute__((weak)) void cache_clean(const void *start, size_t bytes)
{
    struct area *a = by_host(start, bytes);
    size_t from, to;
    if (!a || !bytes)
        return;
    lines(a, start, bytes, &from, &to);
    clean_range(a, from, to);
}

__attribute__((weak)) void cache_invalidate(void *start, size_t bytes)
{
    struct area *a = by_host(start, bytes);
    size_t from, to;
    if (!a || !bytes)
        return;
    lines(a, start, bytes, &from, &to);
    size_t first = (size_t)((uint8_t *)start - a->cached), last = first + bytes;
    if (first != from) /* partial lines are cleaned too */
        clean_range(a, from, MIN(to, from + FAKE_CACHE_LINE));
    if (last != to)
        clean_range(a, (last & ~(size_t)(FAKE_CACHE_LINE - 1)), to);
    drop_range(a, from, to);
}

__attribute__((weak)) void cache_clean_invalidate(void *start, size_t bytes)
{
    cache_clean(start, bytes);
    cache_invalidate(start, bytes);
}

__attribute__((weak)) void cache_zero(void *start, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)start)[i] = 0;
    cache_clean_invalidate(start, bytes);
}

__attribute__((weak)) void icache_invalidate(void)
{
    fake_icache_invalidations++;
}

__attribute__((weak)) void dma_barrier(void)
{
}

__attribute__((weak)) const void *map_file(paddr_t pa, size_t bytes)
{
    struct area *a = by_pa(pa.v, bytes);
    return a ? a->cached + (pa.v - a->pa) : NULL;
}

__attribute__((weak)) paddr_t image_paddr(const void *object)
{
    struct area *a = by_host(object, 1);
    if (!a)
        panic("image_paddr of what is not static data");
    return paddr(a->pa + (uint64_t)((const uint8_t *)object - a->cached));
}

__attribute__((weak)) void *ram_window(void)
{
    return fake_ram_window;
}

bool fake_dram_read(paddr_t pa, void *out, size_t bytes)
{
    struct area *a = by_pa(pa.v, bytes);
    if (!a)
        return false;
    copy(out, a->dram + (pa.v - a->pa), bytes);
    return true;
}

bool fake_dram_write(paddr_t pa, const void *in, size_t bytes)
{
    struct area *a = by_pa(pa.v, bytes);
    size_t from, to;
    if (!a)
        return false;
    lines(a, a->cached + (pa.v - a->pa), bytes, &from, &to);
    if (!same(a->cached + from, a->clean + from, to - from))
        fake_dirty_dma++;
    copy(a->dram + (pa.v - a->pa), in, bytes);
    return true;
}

void fake_mem_dirty(void)
{
    add_image();
    for (size_t i = 0; i < areas[0].bytes; i++)
        areas[0].clean[i] = (uint8_t)~areas[0].dram[i];
}

bool fake_mem_coherent(const void *start, size_t bytes)
{
    struct area *a = by_host(start, bytes);
    return a && same(start, a->dram + ((const uint8_t *)start - a->cached), bytes);
}
