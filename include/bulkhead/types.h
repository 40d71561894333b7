/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of different worlds are different types: mixing them does not compile. */
#ifndef BULKHEAD_TYPES_H
#define BULKHEAD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A machine (physical) address, as the CPU's output address. */
typedef struct {
    uint64_t v;
} paddr_t;

/* A guest's physical address ("intermediate physical address", Arm ARM D5.1). */
typedef struct {
    uint64_t v;
} ipaddr_t;

/* An address as a bus master sees it (BCM2711: the bus's dma-ranges). */
typedef struct {
    uint64_t v;
} busaddr_t;

/* EL2's virtual addresses are plain C pointers. A guest's virtual address is never dereferenced. */

static inline paddr_t paddr(uint64_t v)
{
    return (paddr_t){v};
}

static inline ipaddr_t ipaddr(uint64_t v)
{
    return (ipaddr_t){v};
}

#define KIB(n)    ((uint64_t)(n) << 10)
#define MIB(n)    ((uint64_t)(n) << 20)
#define GIB(n)    ((uint64_t)(n) << 30)
#define PAGE_SIZE KIB(4)
#define BLOCK_2M  MIB(2)

/* `to` is a power of two. */
static inline uint64_t align_down(uint64_t v, uint64_t to)
{
    return v & ~(to - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/* True if [a, a+an) and [b, b+bn) share a byte. No input wraps: callers hold a+an <= 2^63. */
static inline bool ranges_overlap(uint64_t a, uint64_t an, uint64_t b, uint64_t bn)
{
    return a < b + bn && b < a + an;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

/* What this build can hold: a Pi 4 has four cores, so at most four VMs of one core. */
enum {
    MAX_CPUS = 4,
    MAX_VMS = 4,
    MAX_DISKS = 4,      /* per VM */
    MAX_FILES = 16,     /* boot files on the card's boot partition */
    MAX_RAM_PIECES = 4, /* machine ranges that one VM's RAM may be cut into */
    MAX_NAME = 32,      /* bytes with the NUL: VM names, partition labels are up to 36+NUL */
    MAX_LABEL = 37,     /* GPT: 36 UTF-16 units (UEFI 2.10, table 5-6) */
    MAX_BOOTARGS = 512, /* bytes with the NUL */
    MAX_RESTARTS = 16,  /* what a VM's restart-limit can count */
};

struct range {
    uint64_t base; /* machine or guest-physical, as the user says */
    uint64_t size; /* bytes */
};

/* Why something was refused, in a sentence for a person. Empty text: not refused. */
struct refusal {
    char text[200];
};

#endif
