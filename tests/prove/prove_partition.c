// sources: core/partition.c
// cbmc: --unwind 3
// bounds: two VMs of up to two pieces each, of any place and size; one range of each list, of any place and size below 2^44
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No VM is set up but from shares that partition_check() has let pass (core/main.c). For any shares
 * at all, whoever made them: what it lets pass is RAM, is nobody else's, and lies in no two pieces.
 */
#include "prove.h"

#include <bulkhead/log.h>
#include <bulkhead/partition.h>

/* prove_partition_lists.c has others. */
#ifndef VMS
enum { VMS = 2, PIECES = 2, RAM = 1, RESERVED = 1, WINDOWS = 1, KEPT = 1 };
#endif

static struct machine m;
static struct config config;
static struct partition parts[MAX_VMS];
static struct range kept[KEPT];

void refuse(struct refusal *why, const char *format, ...)
{
    (void)why;
    (void)format;
}

/* Of any place and size below 2^44, as core/board_nodes.c sees to; none if it is empty. */
static void any_range(struct range *r)
{
    r->base = nondet_u64();
    r->size = nondet_u64();
    ASSUME(r->base <= 1ULL << 44 && r->size <= (1ULL << 44) - r->base);
}

static bool apart(struct range a, struct range b)
{
    return b.size == 0 || a.base >= b.base + b.size || b.base >= a.base + a.size;
}

static bool apart_all(struct range r, const struct range *list, unsigned count)
{
    bool all = true;
    for (unsigned i = 0; i < count; i++)
        all &= apart(r, list[i]);
    return all;
}

static void look_at(unsigned vm, unsigned piece)
{
    struct range r = parts[vm].pieces[piece];
    bool ram = false;

    PROVE(r.size && r.base % BLOCK_2M == 0 && r.size % BLOCK_2M == 0, "whole blocks");
    PROVE(r.base >= MIB(1), "not the firmware's page 0");
    for (unsigned i = 0; i < RAM; i++)
        ram |= r.base >= m.ram[i].base && r.base + r.size <= m.ram[i].base + m.ram[i].size;
    PROVE(ram && r.base + r.size > r.base, "inside one region of RAM");
    PROVE(apart_all(r, m.reserved, RESERVED), "nothing reserved");
    PROVE(apart_all(r, m.windows, WINDOWS), "no device's window");
    PROVE(apart_all(r, kept, KEPT), "not the hypervisor's, no boot file");
    for (unsigned i = 0; i < VMS; i++)
        for (unsigned k = 0; k < PIECES; k++)
            PROVE((i == vm && k == piece) || i >= config.nvms || k >= parts[i].npieces ||
                      apart(r, parts[i].pieces[k]),
                  "in no other piece of any VM");
}

int main(void)
{
    struct refusal why;

    m.nram = RAM;
    m.nreserved = RESERVED;
    m.nwindows = WINDOWS;
    for (unsigned i = 0; i < RAM; i++)
        any_range(&m.ram[i]);
    for (unsigned i = 0; i < RESERVED; i++)
        any_range(&m.reserved[i]);
    for (unsigned i = 0; i < WINDOWS; i++)
        any_range(&m.windows[i]);
    for (unsigned i = 0; i < KEPT; i++)
        any_range(&kept[i]);
    config.nvms = VMS;
    for (unsigned i = 0; i < VMS; i++) {
        config.vms[i].memory =
            nondet_u64(); /* and no share in percent: any size that is asked for */
        ASSUME(config.vms[i].memory > 0);
        parts[i].bytes = nondet_u64();
        parts[i].npieces = nondet_unsigned();
        ASSUME(parts[i].npieces <= PIECES || parts[i].npieces > MAX_RAM_PIECES);
        for (unsigned k = 0; k < PIECES; k++)
            parts[i].pieces[k] = (struct range){nondet_u64(), nondet_u64()};
    }
    if (!partition_check(&m, &config, kept, KEPT, parts, &why))
        return 0;
    for (unsigned i = 0; i < VMS; i++)
        for (unsigned k = 0; k < PIECES; k++)
            if (k < parts[i].npieces)
                look_at(i, k);
    return 0;
}
