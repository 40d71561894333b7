/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest-physical to machine addresses. Plain C. A VM's tables are complete before its first core
 * enters it and never change while it runs. They need no cache maintenance: hardware walks them as
 * Normal write-back, inner-shareable memory (VTCR_EL2 below), which is coherent with the core that
 * wrote them.
 */
#include "arch_internal.h"
#include "pagetable.h"

/* Stage 2 block and page attributes (Arm ARM D5.3.3, D5.5.5). */
#define S2_AF           (1ULL << 10)
#define S2_INNER_SHARED (3ULL << 8)
#define S2_READ_ONLY    (1ULL << 6)
#define S2_READ_WRITE   (3ULL << 6)
#define S2_NORMAL_WB    (15ULL << 2)
#define S2_DEVICE_NGNRE (1ULL << 2)
#define S2_MEMATTR      (15ULL << 2)
#define S2_XN           (1ULL << 54)

static const uint64_t attributes[] = {
    [STAGE2_RAM] = S2_AF | S2_INNER_SHARED | S2_READ_WRITE | S2_NORMAL_WB,
    [STAGE2_DEVICE] = S2_AF | S2_INNER_SHARED | S2_READ_WRITE | S2_DEVICE_NGNRE | S2_XN,
    [STAGE2_ROM] = S2_AF | S2_INNER_SHARED | S2_READ_ONLY | S2_NORMAL_WB | S2_XN,
};

bool stage2_init(struct stage2 *s2, uint16_t vmid)
{
    s2->vmid = vmid;
    s2->root = table_alloc();
    return s2->root != NULL;
}

bool stage2_map(struct stage2 *s2, ipaddr_t ipa, paddr_t pa, uint64_t bytes, enum stage2_kind kind)
{
    return table_map(s2->root, ipa.v, pa.v, bytes, attributes[kind]);
}

bool stage2_translate(const struct stage2 *s2, ipaddr_t ipa, paddr_t *out)
{
    struct leaf leaf;

    if (!table_walk(s2->root, ipa.v, &leaf))
        return false;
    *out = paddr(leaf.out + (ipa.v - leaf.in));
    return true;
}

struct visitor {
    void (*visit)(void *, ipaddr_t, paddr_t, uint64_t, enum stage2_kind);
    void *context;
};

static void visit_leaf(void *context, const struct leaf *leaf)
{
    const struct visitor *v = context;
    bool device = (leaf->descriptor & S2_MEMATTR) == S2_DEVICE_NGNRE;
    bool written = (leaf->descriptor & S2_READ_WRITE) == S2_READ_WRITE;

    v->visit(v->context, ipaddr(leaf->in), paddr(leaf->out), leaf->bytes,
             device    ? STAGE2_DEVICE
             : written ? STAGE2_RAM
                       : STAGE2_ROM);
}

void stage2_visit(const struct stage2 *s2,
                  void (*visit)(void *context, ipaddr_t ipa, paddr_t pa, uint64_t bytes,
                                enum stage2_kind kind),
                  void *context)
{
    struct visitor v = {visit, context};

    table_visit(s2->root, visit_leaf, &v);
}

/* VTCR_EL2 (D13.2.148): RES1, PS=44 bits, 4 KiB granule, walks inner-shareable write-back, start at
 * level 1 (SL0=1), 39-bit IPA (T0SZ=25). */
uint64_t stage2_vtcr(void)
{
    return 1ULL << 31 | 4 << 16 | 3 << 12 | 1 << 10 | 1 << 8 | 1 << 6 | 25;
}

/* VTTBR_EL2 (D13.2.149): VMID, 8 bits as VTCR_EL2.VS=0, and the root. */
uint64_t stage2_vttbr(const struct stage2 *s2)
{
    return (uint64_t)(s2->vmid & 0xff) << 48 | table_pa(s2->root);
}
