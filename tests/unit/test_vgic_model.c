// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c vgic/hot.c tests/unit/vgic_rig.c tests/unit/hot_rig.c tests/model/gicv2_model.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Long random lives of a vGIC beside a GICv2 by the book: after each step every register reads the
 * same on every CPU, and each CPU is signalled an interrupt of the same priority. */
#include "unit.h"

#include "vgic_rig.h"

#include <model/gicv2_model.h>

static struct gm gm;
static uint32_t stack[MAX_CPUS][64]; /* acknowledged by each CPU, and not ended */
static unsigned depth[MAX_CPUS];
static uint32_t dropped[MAX_CPUS][64]; /* EOImode = 1: ended, not deactivated */
static unsigned ndropped[MAX_CPUS];

static uint64_t rng;

static uint32_t any(uint32_t below)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng >> 33) % below;
}

struct flavour {
    const char *name;
    unsigned cpus, lrs, steps;
    bool eoimode, by_hand; /* by_hand: ISACTIVER is written */
    uint32_t ids[10];      /* the interrupts that have a part; few, so that they meet */
    unsigned priorities;
};

static const struct flavour *f;

static unsigned any_id(void)
{
    return f->ids[any(ARRAY_SIZE(f->ids))];
}

static void both(unsigned n, uint32_t offset, unsigned size, uint32_t value)
{
    assert_true(rig_access(n, offset, size, true, &value));
    gm_write(&gm, n, offset, size, value);
    rig_settle();
}

/* Fired at EL2 and not acknowledged: the line may go, the guest will still be told. */
static bool timer_on_its_way(unsigned n)
{
    const struct fake_gich *g = &fake_gich[rig_core(n)];
    const struct vgic_cpu *c = &rig_vm.vcpus[n].gic;
    unsigned i = c->lr_of[INTID_VTIMER];
    return (c->bank.pending >> INTID_VTIMER & 1) || (i != VGIC_NO_LR && (g->lr[i] >> 28 & 1));
}

static void set_line(unsigned n, unsigned id, bool level)
{
    unsigned before = rig_on(any(f->cpus));
    if (id == INTID_VTIMER) {
        if (!level) /* a latch set by hand while the line is high is one with it */
            gm.private[n][id].latch = timer_on_its_way(n) || fake_gich[rig_core(n)].ppi[id].latch;
        rig_timer(n, level);
    } else if (id >= 32) {
        vgic_set_level(&rig_vm, id, level);
    } else if (id >= 16) {
        rig_on(n);
        vgic_set_private_level(&rig_vm.vcpus[n], id, level);
    }
    (void)before;
    if (id >= 16)
        gm_line(&gm, n, id, level);
    rig_settle();
}

static void pulse(unsigned id)
{
    if (id < 32)
        return;
    rig_on(any(4));
    vgic_pulse(&rig_vm, id);
    gm.shared[id].latch = true;
    rig_settle();
}

/* Acknowledged and not ended: whether its EOI ends a second, hand-made activation is not said. */
static bool on_a_stack(unsigned id)
{
    for (unsigned n = 0; n < f->cpus; n++) {
        for (unsigned k = 0; k < depth[n]; k++)
            if ((stack[n][k] & 0x3ff) == id)
                return true;
        for (unsigned k = 0; k < ndropped[n]; k++)
            if ((dropped[n][k] & 0x3ff) == id)
                return true;
    }
    return false;
}

static void write_bitmap(unsigned n)
{
    static const uint16_t regs[] = {R_ISENABLER, R_ISENABLER, R_ISENABLER, R_ICENABLER,
                                    R_ISPENDR,   R_ICPENDR,   R_ISACTIVER, R_ICACTIVER};
    unsigned id = any_id();
    uint32_t reg = regs[any(ARRAY_SIZE(regs))], bits = 1u << id % 32;
    if (any(8) == 0 && reg != R_ISACTIVER && reg != R_ICACTIVER)
        for (unsigned k = 0; k < ARRAY_SIZE(f->ids); k++)
            bits |= f->ids[k] / 32 == id / 32 ? 1u << f->ids[k] % 32 : 0;
    if ((reg == R_ISACTIVER || reg == R_ICACTIVER) && !f->by_hand)
        return;
    if (reg == R_ISACTIVER && on_a_stack(id))
        return;
    /* Set by hand while it is on its way: the same single interrupt. */
    if (reg == R_ISPENDR && id < 32 && (bits >> INTID_VTIMER & 1) && timer_on_its_way(n))
        bits &= ~(1u << INTID_VTIMER);
    both(n, reg + id / 32 * 4, 4, bits);
}

static void write_other(unsigned n)
{
    unsigned id = any_id();
    switch (any(8)) {
    case 0:
        both(n, R_CTLR, 4, any(4) != 0);
        break;
    case 1:
    case 2:
        both(n, R_IPRIORITYR + id, 1, any(f->priorities) * 8);
        break;
    case 3:
        both(n, R_ITARGETSR + id, 1, any(1u << f->cpus));
        break;
    case 4:
        both(n, R_ICFGR + id / 16 * 4, 4, any(2) ? 0xaaaaaaaa : any(UINT32_MAX));
        break;
    case 5:
        both(n, R_CPENDSGIR + any(16), 1, any(256));
        break;
    case 6:
        both(n, R_SPENDSGIR + id % 16, 1, any(16));
        break;
    case 7:
        both(n, R_SGIR, 4, any(4) << 24 | any(16) << 16 | id % 16);
        break;
    }
}

static void acknowledge(unsigned n)
{
    if (depth[n] + ndropped[n] >= (f->eoimode ? f->lrs - 1 : 30))
        return;
    uint32_t iar = rig_ack(n);
    assert_true(gm_ack(&gm, n, iar));
    if ((iar & 0x3ff) < 1020)
        stack[n][depth[n]++] = iar;
}

static void end(unsigned n)
{
    if (f->eoimode && ndropped[n] && any(2)) {
        unsigned k = any(ndropped[n]);
        rig_dir(n, dropped[n][k]);
        gm_dir(&gm, n, dropped[n][k]);
        dropped[n][k] = dropped[n][--ndropped[n]];
    } else if (depth[n]) {
        uint32_t value = stack[n][--depth[n]];
        rig_eoi(n, value);
        gm_eoi(&gm, n, value);
        if (f->eoimode)
            dropped[n][ndropped[n]++] = value;
    }
}

static void step(void)
{
    unsigned n = any(f->cpus), id = any_id();
    switch (any(10)) {
    case 0:
    case 1:
        set_line(n, id, any(2));
        break;
    case 2:
        pulse(id);
        break;
    case 3:
        write_bitmap(n);
        break;
    case 4:
        write_other(n);
        break;
    case 5:
    case 6:
    case 7:
        acknowledge(n);
        break;
    default:
        end(n);
    }
}

static void compare(unsigned s)
{
    for (unsigned n = 0; n < f->cpus; n++) {
        for (uint32_t offset = 0x100; offset < 0x400; offset += offset % 0x80 == 12 ? 0x74 : 4) {
            uint32_t want = gm_read(&gm, n, offset), got = rig_read(n, offset);
            if (want != got)
                fail_msg("%s: step %u, CPU %u: GICD + %#x is %#x, should be %#x", f->name, s, n,
                         offset, got, want);
        }
        for (uint32_t offset = 0x400; s % 64 == 0 && offset < 0xf30; offset += 4)
            assert_int_equal(rig_read(n, offset),
                             (offset >= 0xd00 && offset < 0xf10) ? 0 : gm_read(&gm, n, offset));
        unsigned want = gm_signalled(&gm, n), got = gicv_signalled(rig_core(n));
        if (want != got)
            fail_msg("%s: step %u, CPU %u is signalled priority %u, should be %u", f->name, s, n,
                     got, want);
    }
}

static void live(const struct flavour *flavour, uint64_t seed)
{
    f = flavour;
    rng = seed;
    fake_gich_lrs = f->lrs;
    memset(depth, 0, sizeof(depth));
    memset(ndropped, 0, sizeof(ndropped));
    rig_start(f->cpus);
    gm_reset(&gm, f->cpus);
    for (unsigned n = 0; n < f->cpus; n++) {
        gm.eoimode[n] = f->eoimode;
        gm.pmr[n] = 0xf8;
        gicv_enable(rig_core(n), f->eoimode, 0xf8);
    }
    both(0, R_CTLR, 4, 1);
    for (unsigned k = 0; k < ARRAY_SIZE(f->ids); k++) {
        for (unsigned n = 0; n < f->cpus; n++)
            both(n, R_ISENABLER + f->ids[k] / 32 * 4, 4, 1u << f->ids[k] % 32);
        both(0, R_ITARGETSR + f->ids[k], 1, 1 + any((1u << f->cpus) - 1));
        both(0, R_IPRIORITYR + f->ids[k], 1, any(f->priorities) * 8);
    }
    for (unsigned s = 0; s < f->steps; s++) {
        step();
        compare(s);
    }
}

/* by_hand has as many LRs as interrupts: see vgic/refill.c on ICACTIVER, then EOI. */
static const struct flavour flavours[] = {
    {"plain", 2, 4, 2000, false, false, {1, 7, 27, 30, 33, 48, 49, 50, 70, 127}, 4},
    {"one CPU", 1, 4, 2000, false, false, {0, 1, 27, 30, 33, 34, 35, 36, 37, 38}, 16},
    {"four CPUs", 4, 4, 1000, false, false, {0, 3, 15, 27, 33, 34, 64, 65, 96, 97}, 6},
    {"two LRs", 2, 2, 2000, false, false, {1, 2, 3, 27, 30, 33, 34, 35, 36, 37}, 24},
    {"16 LRs", 2, 16, 1000, false, true, {1, 2, 3, 27, 30, 33, 34, 35, 36, 37}, 24},
    {"by hand", 3, 16, 2000, false, true, {1, 2, 27, 30, 33, 34, 35, 36, 37, 38}, 4},
    {"EOImode 1", 2, 4, 2000, true, false, {1, 2, 3, 27, 30, 33, 34, 35, 36, 37}, 12},
    {"timer", 1, 8, 2000, false, true, {27, 27, 27, 27, 27, 27, 27, 30, 33, 34}, 3},
};

static void same_as_the_book(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(flavours); i++)
        for (uint64_t seed = 1; seed <= 8; seed++)
            live(&flavours[i], seed * 0x9e3779b97f4a7c15u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_the_book)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
