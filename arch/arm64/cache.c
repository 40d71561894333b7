/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache maintenance by address to the point of coherency (Arm ARM D4.4), device access, and jitter.
 */
#include <bulkhead/crc32.h>

#include "arch_internal.h"
#include "sysregs.h"

static uint64_t line_bytes(void)
{
    return 4ULL << (read_sysreg(ctr_el0) >> 16 & 0xf); /* CTR_EL0.DminLine (D13.2.33) */
}

static void clean_invalidate_line(uint64_t va)
{
    __asm__ volatile("dc civac, %0" : : "r"(va) : "memory");
}

void cache_clean(const void *start, size_t bytes)
{
    uint64_t line = line_bytes(), end = (uint64_t)start + bytes;

    for (uint64_t va = align_down((uint64_t)start, line); va < end; va += line)
        __asm__ volatile("dc cvac, %0" : : "r"(va) : "memory");
    dsb(sy);
}

void cache_clean_invalidate(void *start, size_t bytes)
{
    uint64_t line = line_bytes(), end = (uint64_t)start + bytes;

    for (uint64_t va = align_down((uint64_t)start, line); va < end; va += line)
        clean_invalidate_line(va);
    dsb(sy);
}

void cache_invalidate(void *start, size_t bytes)
{
    uint64_t line = line_bytes(), va = (uint64_t)start, end = va + bytes;

    if (bytes && va % line)
        clean_invalidate_line(va);
    if (bytes && end % line)
        clean_invalidate_line(end);
    for (va = align_up(va, line), end = align_down(end, line); va < end; va += line)
        __asm__ volatile("dc ivac, %0" : : "r"(va) : "memory");
    dsb(sy);
}

/* DC ZVA is permitted and zeroes 64 bytes, a line, on an A72 (DDI 0488, DCZID_EL0 = 4). */
void cache_zero(void *start, size_t bytes)
{
    uint64_t va = (uint64_t)start, end = va + bytes;

    for (; va < end; va += 64)
        __asm__ volatile("dc zva, %0\n\tdc civac, %0\n\t"
                         ".rept 3\n\tadd %0, %0, #64\n\tdc zva, %0\n\tdc civac, %0\n\t.endr"
                         : "+r"(va)
                         :
                         : "memory");
    dsb(sy);
}

void icache_invalidate(void)
{
    __asm__ volatile("ic iallu" : : : "memory");
    dsb(nsh);
    isb();
}

uint32_t mmio_read32(const void *reg)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(reg) : "memory");
    return value;
}

void mmio_write32(void *reg, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

void dma_barrier(void)
{
    dsb(sy);
}

/* CRC32 instructions: optional in Armv8.0 (Arm ARM C6.2.79), in every A72 (DDI 0488,
 * ID_AA64ISAR0_EL1). */
uint32_t crc32(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; bytes && ((uintptr_t)p & 7); bytes--)
        __asm__(".arch_extension crc\n\tcrc32b %w0, %w0, %w1" : "+r"(crc) : "r"(*p++));
    for (; bytes >= 8; bytes -= 8, p += 8)
        __asm__(".arch_extension crc\n\tcrc32x %w0, %w0, %1"
                : "+r"(crc)
                : "r"(*(const uint64_t *)(const void *)p));
    for (; bytes; bytes--)
        __asm__(".arch_extension crc\n\tcrc32b %w0, %w0, %w1" : "+r"(crc) : "r"(*p++));
    return ~crc;
}

/* How long DRAM takes depends on refresh and on who else uses the bus; the counter is coarse, so
 * many samples are folded into one word. */
uint64_t entropy_jitter(void)
{
    static uint64_t target[8] __attribute__((aligned(64)));
    uint64_t folded = 0;

    for (unsigned i = 0; i < 64; i++) {
        clean_invalidate_line((uint64_t)target);
        dsb(sy);
        folded = folded << 7 | folded >> 57;
        folded += __atomic_load_n(target, __ATOMIC_RELAXED) + time_now();
    }
    return folded;
}
