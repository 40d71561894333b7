/* SPDX-License-Identifier: BSD-2-Clause */
/* What small guest programs share: they run at EL1 on the machine that docs/architecture.md
 * describes, one core, MMU and caches on, every address mapped to itself, interrupts masked and
 * taken from the GIC by asking. */
#ifndef GUESTS_LIB_H
#define GUESTS_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GICD = 0x08000000,
    GICC = 0x08010000,
    PL011 = 0x09000000,
    INTID_VTIMER = 27,
    INTID_PL011 = 33,
    INTID_NONE = 1023,
};

#define RAM_BASE 0x40000000ul

/* Not as volatile: a compiler may choose writeback addressing, and a hypervisor is not told which
 * registers such an access is about (Arm ARM, ISS encoding for a Data Abort, ISV). */
static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

#define SYSREG_READ(name)                                  \
    ({                                                     \
        uint64_t value_;                                   \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)); \
        value_;                                            \
    })
#define SYSREG_WRITE(name, value) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)))

static inline void barrier(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("dsb sy; wfi" ::: "memory");
}

static inline uint64_t ticks(void)
{
    __asm__ volatile("isb");
    return SYSREG_READ(cntvct_el0);
}

/* The program. Returning from it switches the VM off. */
void guest_main(const void *dtb);

/* start.S */
uint64_t try_read(uint64_t address);
uint64_t try_write(uint64_t address, uint64_t value);
_Noreturn void psci_system_off(void);

/* print.c: %s %c %u %x (32 bits), %lu %lx (64 bits) */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);
/* Where its PL011 is, if not at PL011. */
void console_at(uint64_t pl011);
void put_char(char c);
bool console_full(void);

/* keys.c: INTID_PL011 tells of typed bytes, until they are taken and it is acknowledged. */
void keys_enable(void);
void keys_acknowledge(void);
int key_typed(void); /* -1: none */

/* fdt.c: the device tree, read without allocation. */
struct fdt_range {
    uint64_t base, size;
    bool memory;      /* of a memory node */
    bool virtio_mmio; /* of a virtio,mmio node */
};
/* `reg` of every child of the root, up to `max`; how many there are. */
unsigned fdt_ranges(const void *dtb, struct fdt_range *out, unsigned max);
/* /chosen bootargs, "" if none. */
const char *fdt_bootargs(const void *dtb);
/* Does `words` hold `word`, or "word=number" (then its value goes to *value)? */
bool has_word(const char *words, const char *word, uint64_t *value);

/* gic.c */
void gic_init(void);
void gic_enable(unsigned intid, bool edge);
unsigned gic_acknowledge(void); /* INTID_NONE: nothing pending */
void gic_end(unsigned intid);

/* virtio_blk.c: one disk, up to DISK_DEPTH requests of up to DISK_BYTES. */
enum { DISK_DEPTH = 8, DISK_BYTES = 65536, DISK_READ = 0, DISK_WRITE = 1 };
struct disk {
    uint64_t base;
    unsigned intid;
    uint64_t sectors;
};
/* The n-th virtio disk in the device tree. False: there is none, or it does not come up. */
bool disk_open(struct disk *d, const void *dtb, unsigned n);
/* Start a request in `slot` (0..DISK_DEPTH-1), which must be idle. */
void disk_start(struct disk *d, unsigned slot, int type, uint64_t sector, void *buffer,
                uint32_t bytes);
/* A slot that finished, -1: none. *ok: its status was good. */
int disk_finished(struct disk *d, bool *ok);
/* After its interrupt. */
void disk_acknowledge(struct disk *d);

#endif
