// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c tests/unit/vgic_rig.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The distributor's registers, and the situations in which an interrupt could be lost, doubled,
 * stuck, or paid for with an exit too many. */
#include "unit.h"

#include "vgic_rig.h"

#include <fake/fake.h>

enum { SPI = 48, TIMER_BIT = 1u << 27 };

static int setup(void **state)
{
    (void)state;
    fake_gich_lrs = 4;
    rig_start(2);
    rig_write(0, R_CTLR, 1);
    return 0;
}

static struct fake_gich *gich(unsigned n)
{
    return &fake_gich[rig_core(n)];
}

static unsigned maintenances(unsigned n)
{
    unsigned count = 0;
    while (fake_misr(rig_core(n)) && rig_step(n))
        count++;
    return count;
}

static void enable(unsigned id, uint8_t targets, uint8_t priority)
{
    if (id >= 32)
        rig_write8(0, R_ITARGETSR + id, targets);
    for (unsigned n = 0; n < rig_vm.nvcpus; n++) {
        rig_write8(n, R_IPRIORITYR + id, priority);
        rig_write(n, R_ISENABLER + id / 32 * 4, 1u << id % 32);
    }
}

static void edge(unsigned id)
{
    rig_write(0, R_ICFGR + id / 16 * 4, rig_read(0, R_ICFGR + id / 16 * 4) | 2u << id % 16 * 2);
}

/* ---- Registers ---- */

static void identifies_itself(void **state)
{
    static const uint8_t id[12] = {4, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 5, 0xb1};
    (void)state;
    assert_int_equal(rig_read(0, 4), 3 | 1 << 5); /* 128 INTIDs, two CPUs, no Security Extensions */
    assert_int_equal(rig_read(0, 8), 0x0200143b);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(rig_read(0, 0xfd0 + 4 * i), id[i]);
}

static void sizes_as_the_specification_allows(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 0x1000; offset++) {
        bool bytes = (offset >= 0x400 && offset < 0xc00) || (offset >= 0xf10 && offset < 0xf30);
        for (unsigned size = 1; size <= 8; size *= 2) {
            for (unsigned write = 0; write < 2; write++) {
                uint32_t value = 0;
                bool allowed = size == 4 ? offset % 4 == 0 : size == 1 && bytes;
                assert_int_equal(rig_access(0, offset, size, write, &value), allowed);
            }
        }
    }
}

static void reserved_reads_as_zero(void **state)
{
    static const uint16_t offsets[] = {0x00c, 0x040, 0x080, 0x0fc, 0x110, 0x190,
                                       0x210, 0x310, 0x480, 0x7fc, 0x880, 0xbfc,
                                       0xc20, 0xd00, 0xe00, 0xf00, 0xf30, 0xfcc};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        if (offsets[i] != 0xf00)
            rig_write(0, offsets[i], UINT32_MAX);
        assert_int_equal(rig_read(0, offsets[i]), 0);
    }
    rig_write(0, 4, 0);
    assert_int_equal(rig_read(0, 4), 3 | 1 << 5);
}

static void writable_bits_of_each_register(void **state)
{
    (void)state;
    rig_write(0, R_CTLR, UINT32_MAX);
    assert_int_equal(rig_read(0, R_CTLR), 1);
    rig_write(0, R_ICENABLER, UINT32_MAX);
    assert_int_equal(rig_read(0, R_ISENABLER), 0xffff); /* SGIs can't be disabled */
    rig_write(0, R_ISENABLER + 4, 0x10000);
    assert_int_equal(rig_read(1, R_ICENABLER + 4), 0x10000);
    rig_write(0, R_IPRIORITYR + 48, 0xffffffff);
    assert_int_equal(rig_read(0, R_IPRIORITYR + 48), 0xf8f8f8f8); /* 32 priorities */
    assert_int_equal(rig_read8(0, R_IPRIORITYR + 49), 0xf8);
    rig_write(0, R_ITARGETSR + 48, 0xffffffff);
    assert_int_equal(rig_read(0, R_ITARGETSR + 48), 0x03030303); /* two CPUs */
    rig_write(1, R_ITARGETSR + 8, 0);
    assert_int_equal(rig_read(1, R_ITARGETSR + 8), 0x02020202);
    assert_int_equal(rig_read8(0, R_ITARGETSR + 31), 1);
    rig_write(0, R_ICFGR, 0);
    rig_write(0, R_ICFGR + 4, UINT32_MAX);
    rig_write(0, R_ICFGR + 8, UINT32_MAX);
    assert_int_equal(rig_read(0, R_ICFGR), 0xaaaaaaaa);
    assert_int_equal(rig_read(0, R_ICFGR + 4), 0);
    assert_int_equal(rig_read(0, R_ICFGR + 8), 0xaaaaaaaa);
    rig_write(0, R_ISPENDR, 0xffff);
    assert_int_equal(rig_read(0, R_ISPENDR), 0); /* SGIs: by GICD_SPENDSGIR only */
}

static void private_registers_are_banked(void **state)
{
    (void)state;
    rig_write(1, R_ISENABLER, 1u << 20);
    rig_write8(1, R_IPRIORITYR + 20, 0x40);
    assert_int_equal(rig_read(0, R_ISENABLER), 0xffff);
    assert_int_equal(rig_read8(0, R_IPRIORITYR + 20), 0);
    assert_int_equal(rig_read8(1, R_IPRIORITYR + 20), 0x40);
}

static void one_cpu_gets_every_spi(void **state)
{
    (void)state;
    rig_start(1);
    rig_write(0, R_CTLR, 1);
    rig_write(0, R_ISENABLER + 4, 1u << 16);
    rig_write(0, R_ITARGETSR + SPI, 0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    assert_int_equal(rig_ack(0), SPI);
}

/* ---- Edge, level ---- */

static void edge_costs_no_exit_at_eoi(void **state)
{
    (void)state;
    edge(SPI);
    enable(SPI, 1, 0x80);
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    assert_int_equal(gicv_ack(rig_core(0)), SPI);
    vgic_pulse(&rig_vm, SPI); /* while active: once more */
    vgic_pulse(&rig_vm, SPI);
    gicv_eoi(rig_core(0), SPI);
    assert_int_equal(gicv_ack(rig_core(0)), SPI);
    gicv_eoi(rig_core(0), SPI);
    assert_int_equal(gicv_ack(rig_core(0)), FAKE_SPURIOUS);
    assert_int_equal(maintenances(0), 0);
}

static void level_is_resampled_at_eoi(void **state)
{
    (void)state;
    enable(SPI, 1, 0x80);
    rig_on(0);
    vgic_set_level(&rig_vm, SPI, true);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(gicv_ack(rig_core(0)), SPI);
        gicv_eoi(rig_core(0), SPI);
        assert_int_equal(maintenances(0), 1);
    }
    assert_int_equal(gicv_ack(rig_core(0)), SPI);
    vgic_set_level(&rig_vm, SPI, false); /* served before its EOI: no exit */
    gicv_eoi(rig_core(0), SPI);
    assert_int_equal(maintenances(0), 0);
    assert_int_equal(gicv_ack(rig_core(0)), FAKE_SPURIOUS);
}

static void level_that_falls_is_withdrawn(void **state)
{
    (void)state;
    enable(SPI, 2, 0x80);
    rig_on(0);
    vgic_set_level(&rig_vm, SPI, true);
    rig_settle();
    assert_int_equal(gicv_signalled(rig_core(1)), 0x80 >> 3);
    vgic_set_level(&rig_vm, SPI, false);
    rig_settle();
    assert_int_equal(rig_ack(1), FAKE_SPURIOUS);
}

static void private_level_of_the_physical_timer(void **state)
{
    (void)state;
    enable(INTID_PTIMER, 0, 0x80);
    rig_on(1);
    vgic_set_private_level(&rig_vm.vcpus[1], INTID_PTIMER, true);
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    assert_int_equal(rig_ack(1), INTID_PTIMER);
    rig_eoi(1, INTID_PTIMER);
    assert_int_equal(rig_ack(1), INTID_PTIMER);
}

/* ---- SGIs ---- */

static void sgi_sources_one_at_a_time(void **state)
{
    (void)state;
    rig_start(4);
    rig_write(0, R_CTLR, 1);
    for (unsigned n = 0; n < 4; n++)
        rig_write(n, R_SGIR, 1u << (16 + 2) | 5); /* to CPU 2 */
    assert_int_equal(rig_read(2, R_SPENDSGIR + 4), 0x0f00);
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(rig_ack(2), n << 10 | 5);
        assert_int_equal(rig_ack(2), FAKE_SPURIOUS);
        rig_eoi(2, n << 10 | 5);
    }
    assert_int_equal(rig_ack(2), FAKE_SPURIOUS);
    assert_int_equal(rig_read(2, R_SPENDSGIR + 4), 0);
}

static void sgi_filters(void **state)
{
    (void)state;
    rig_start(3);
    rig_write(0, R_CTLR, 1);
    rig_write(1, R_SGIR, 1u << 24 | 3);            /* all but itself */
    rig_write(1, R_SGIR, 2u << 24 | 0xff0000 | 4); /* itself */
    rig_write(1, R_SGIR, 3u << 24 | 0xff0000 | 6); /* reserved */
    rig_write(1, R_SGIR, 0xf80000 | 7);            /* CPUs that don't exist */
    assert_int_equal(rig_read(0, R_ISPENDR), 1u << 3);
    assert_int_equal(rig_read(1, R_ISPENDR), 1u << 4);
    assert_int_equal(rig_read(2, R_ISPENDR), 1u << 3);
    assert_int_equal(fake_posted[rig_core(3)], 0);
}

static void sgi_from_one_source_costs_no_exit_at_eoi(void **state)
{
    (void)state;
    rig_write(0, R_SGIR, 2u << 24 | 1);
    assert_int_equal(gicv_ack(rig_core(0)), 1);
    rig_write(0, R_SGIR, 2u << 24 | 1); /* again, while active */
    gicv_eoi(rig_core(0), 1);
    assert_int_equal(gicv_ack(rig_core(0)), 1);
    gicv_eoi(rig_core(0), 1);
    assert_int_equal(maintenances(0), 0);
    assert_int_equal(gich(0)->lr_writes - gich(1)->lr_writes, 2);
}

static void sgi_storm_kicks_once(void **state)
{
    (void)state;
    rig_posts = 0;
    for (unsigned i = 0; i < 100; i++)
        rig_write_only(0, R_SGIR, 1u << 17 | 9);
    assert_int_equal(rig_posts, 1);
    rig_settle();
    assert_int_equal(rig_ack(1), 9);
}

/* ---- Changes while in a list register ---- */

static void disabled_in_another_cores_lr(void **state)
{
    (void)state;
    edge(SPI);
    enable(SPI, 2, 0x80);
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    rig_write(0, R_ICENABLER + 4, 1u << 16);
    assert_int_equal(rig_ack(1), FAKE_SPURIOUS);
    assert_int_equal(rig_read(0, R_ISPENDR + 4), 1u << 16); /* kept */
    rig_write(0, R_ISENABLER + 4, 1u << 16);
    assert_int_equal(rig_ack(1), SPI);
}

static void moves_to_its_new_target(void **state)
{
    (void)state;
    edge(SPI);
    enable(SPI, 2, 0x80);
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    rig_write8(0, R_ITARGETSR + SPI, 1);
    assert_int_equal(rig_ack(1), FAKE_SPURIOUS);
    assert_int_equal(rig_ack(0), SPI);
    /* Active on CPU 0, pending for CPU 1: after the EOI there. */
    rig_write8(1, R_ITARGETSR + SPI, 2);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    assert_int_equal(rig_ack(1), FAKE_SPURIOUS);
    rig_eoi(0, SPI);
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    assert_int_equal(rig_ack(1), SPI);
}

static void edge_after_icpendr_is_not_lost(void **state)
{
    (void)state;
    edge(SPI);
    enable(SPI, 2, 0x80);
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    rig_write_only(0, R_ICPENDR + 4, 1u << 16); /* CPU 1's core has not heard of it */
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    assert_int_equal(rig_ack(1), SPI);
    rig_eoi(1, SPI);
    assert_int_equal(rig_ack(1), FAKE_SPURIOUS);
}

static void active_state_is_read_after_the_question(void **state)
{
    uint32_t value;
    (void)state;
    edge(SPI);
    enable(SPI, 2, 0x80);
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    assert_int_equal(gicv_ack(rig_core(1)), SPI); /* EL2 has not seen this */
    assert_true(rig_read_retries(0, R_ISACTIVER + 4, &value));
    assert_true(rig_read_retries(0, R_ISACTIVER + 4, &value));
    assert_true(rig_step(1));
    assert_false(rig_read_retries(0, R_ISACTIVER + 4, &value));
    assert_int_equal(value, 1u << 16);
    /* Asked anew each time, and one that comes back late is asked again. */
    gicv_eoi(rig_core(1), SPI);
    assert_true(rig_read_retries(0, R_ISACTIVER + 4, &value));
    rig_step(1);
    fake_time += FAKE_HZ;
    edge(SPI);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    assert_int_equal(gicv_ack(rig_core(1)), SPI);
    assert_true(rig_read_retries(0, R_ISACTIVER + 4, &value));
    rig_step(1);
    assert_false(rig_read_retries(0, R_ISACTIVER + 4, &value));
    assert_int_equal(value, 1u << 16);
}

static void a_stopped_core_keeps_nobody_waiting(void **state)
{
    uint32_t value;
    (void)state;
    edge(SPI);
    enable(SPI, 3, 0x80);
    rig_write8(0, R_ITARGETSR + SPI, 2);
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    rig_write8(0, R_ITARGETSR + SPI, 3);
    assert_int_equal(rig_ack(0), SPI);
    rig_eoi(0, SPI);
    rig_write8(0, R_ITARGETSR + SPI, 2);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    assert_true(rig_read_retries(0, R_ISPENDR + 4, &value));
    rig_vcpu_stop(1);
    assert_false(rig_read_retries(0, R_ISPENDR + 4, &value));
    assert_int_equal(value, 1u << 16);
}

/* ---- Overflow ---- */

static void more_pending_than_lrs_by_priority(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 32; k++) {
        edge(64 + k);
        enable(64 + k, 1, (uint8_t)((31 - k) << 3));
    }
    rig_on(0);
    gicv_enable(rig_core(0), false, 0);
    for (unsigned k = 0; k < 32; k++)
        vgic_pulse(&rig_vm, 64 + (k * 7) % 32);
    rig_settle();
    gicv_enable(rig_core(0), false, 0xf8);
    for (unsigned k = 31; k > 0; k--) { /* priority 31 is masked by PMR 0xf8 */
        assert_int_equal(rig_ack(0), 64 + k);
        rig_eoi(0, 64 + k);
    }
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    assert_int_equal(rig_read(0, R_ISPENDR + 8), 1);
}

/* Each preempts the one before: more active than LRs. */
static void nested_deeper_than_lrs(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 20; k++) {
        edge(64 + k);
        enable(64 + k, 1, (uint8_t)((30 - k) << 3));
    }
    enable(INTID_VTIMER, 0, 25 << 3);
    rig_on(0);
    for (unsigned k = 0; k < 20; k++) {
        vgic_pulse(&rig_vm, 64 + k);
        rig_settle();
        assert_int_equal(rig_ack(0), 64 + k);
        if (k == 4) { /* 26 runs: the timer, 25, preempts, and is moved out while active */
            rig_timer(0, true);
            rig_settle();
            assert_int_equal(rig_ack(0), INTID_VTIMER);
            k++; /* 25 is taken */
        }
    }
    assert_int_equal(rig_read(0, R_ISACTIVER + 8), 0xfffff & ~(1u << 5));
    assert_int_equal(rig_read(0, R_ISACTIVER), TIMER_BIT);
    for (unsigned k = 20; k-- > 0;) {
        rig_eoi(0, k == 5 ? (uint32_t)INTID_VTIMER : 64 + k);
        if (k == 5) {
            assert_int_equal(rig_ack(0), INTID_VTIMER); /* still due */
            rig_timer(0, false);
            rig_eoi(0, INTID_VTIMER);
        }
    }
    assert_int_equal(rig_read(0, R_ISACTIVER + 8), 0);
    assert_int_equal(rig_read(0, R_ISACTIVER), 0);
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
}

/* `count` SPIs, 64 and up, each preempting the one before. */
static void nest(unsigned n, unsigned count)
{
    for (unsigned k = 0; k < count; k++) {
        edge(64 + k);
        enable(64 + k, (uint8_t)(1u << n), (uint8_t)((30 - k) << 3));
    }
    for (unsigned k = 0; k < count; k++) {
        rig_on(n);
        vgic_pulse(&rig_vm, 64 + k);
        rig_settle();
        assert_int_equal(rig_ack(n), 64 + k);
    }
}

static void moved_out_comes_back_before_its_eoi(void **state)
{
    (void)state;
    nest(0, 6);
    assert_int_not_equal(gich(0)->hcr, 1);
    for (unsigned k = 6; k-- > 2;)
        rig_eoi(0, 64 + k);
    assert_int_equal(gich(0)->hcr, 1); /* nothing waits: both are in list registers again */
    rig_eoi(0, 65);
    rig_eoi(0, 64);
    assert_int_equal(rig_read(0, R_ISACTIVER + 8), 0);
}

/* ICPENDR, then an edge, for one that is moved out on another core, which hears of both only after
 * it has reloaded it. */
static void edge_after_icpendr_of_one_moved_out(void **state)
{
    (void)state;
    nest(1, 6);
    rig_write_only(0, R_ICPENDR + 8, 1);
    rig_on(0);
    vgic_pulse(&rig_vm, 64);
    for (unsigned k = 6; k-- > 1;)
        gicv_eoi(rig_core(1), 64 + k);
    rig_on(1);
    vgic_maintenance(&rig_vm.vcpus[1]);
    rig_settle();
    rig_eoi(1, 64);
    assert_int_equal(rig_ack(1), 64);
}

static void eoimode_1_with_every_lr_active(void **state)
{
    (void)state;
    gicv_enable(rig_core(0), true, 0xf8);
    for (unsigned k = 0; k < 6; k++) {
        edge(64 + k);
        enable(64 + k, 1, 0x80);
        rig_on(0);
        vgic_pulse(&rig_vm, 64 + k);
    }
    rig_settle();
    uint32_t got[6];
    for (unsigned k = 0; k < 4; k++) {
        got[k] = rig_ack(0);
        rig_eoi(0, got[k]);
    }
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS); /* the limit: as many as there are LRs */
    rig_dir(0, got[2]);
    got[4] = rig_ack(0);
    assert_in_range(got[4], 64, 69);
    rig_eoi(0, got[4]);
    rig_dir(0, got[0]);
    assert_in_range(rig_ack(0), 64, 69);
}

/* ---- The virtual timer ---- */

static void timer_start(void)
{
    enable(INTID_VTIMER, 0, 0x80);
    rig_timer(0, true);
    rig_settle();
}

static void timer_costs_no_exit_at_eoi(void **state)
{
    (void)state;
    timer_start();
    assert_int_equal(gicv_ack(rig_core(0)), INTID_VTIMER);
    rig_timer(0, false);
    gicv_eoi(rig_core(0), INTID_VTIMER);
    assert_false(rig_step(0));
    assert_false(gich(0)->ppi[INTID_VTIMER].active);
    rig_timer(0, true);
    assert_true(rig_step(0)); /* and fires again */
    assert_int_equal(gicv_ack(rig_core(0)), INTID_VTIMER);
}

static void timer_never_ended_fires_once(void **state)
{
    (void)state;
    timer_start();
    assert_int_equal(rig_ack(0), INTID_VTIMER);
    for (unsigned i = 0; i < 10; i++)
        assert_false(rig_step(0));
    assert_int_equal(rig_read(0, R_ISPENDR), TIMER_BIT); /* its line is still high */
    assert_int_equal(rig_read(0, R_ISACTIVER), TIMER_BIT);
}

static void timer_disabled_while_it_fires(void **state)
{
    (void)state;
    timer_start();
    rig_write(0, R_ICENABLER, TIMER_BIT);
    assert_false(rig_step(0));
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    assert_int_equal(rig_read(0, R_ISPENDR), TIMER_BIT);
    rig_write(0, R_ISENABLER, TIMER_BIT);
    assert_int_equal(rig_ack(0), INTID_VTIMER);
    /* The same by GICD_CTLR, from the other CPU, and while active. */
    rig_write(1, R_CTLR, 0);
    rig_eoi(0, INTID_VTIMER);
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    rig_write(1, R_CTLR, 1);
    assert_int_equal(rig_ack(0), INTID_VTIMER);
}

static void timer_by_hand(void **state)
{
    (void)state;
    enable(INTID_VTIMER, 0, 0x80);
    rig_write(0, R_ISPENDR, TIMER_BIT); /* set pending, twice: one interrupt */
    rig_write(0, R_ISPENDR, TIMER_BIT);
    assert_int_equal(rig_ack(0), INTID_VTIMER);
    assert_int_equal(rig_read(0, R_ISPENDR), 0);
    rig_write(0, R_ICACTIVER, TIMER_BIT); /* deactivated before its EOI */
    assert_false(gich(0)->ppi[INTID_VTIMER].active);
    rig_eoi(0, INTID_VTIMER);
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    rig_write(0, R_ISACTIVER, TIMER_BIT); /* set active: silent until deactivated */
    rig_timer(0, true);
    rig_settle();
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    rig_write(0, R_ICACTIVER, TIMER_BIT);
    assert_int_equal(rig_ack(0), INTID_VTIMER);
    rig_timer(0, false);
    rig_eoi(0, INTID_VTIMER);
    rig_write(0, R_ISPENDR, TIMER_BIT);
    rig_write(0, R_ICPENDR, TIMER_BIT);
    assert_int_equal(rig_read(0, R_ISPENDR), 0);
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
    rig_write(0, R_ISPENDR, TIMER_BIT); /* pending, then active by hand: stays pending */
    rig_write(0, R_ISACTIVER, TIMER_BIT);
    assert_int_equal(rig_read(0, R_ISPENDR), TIMER_BIT);
    rig_write(0, R_ICACTIVER, TIMER_BIT);
    assert_int_equal(rig_ack(0), INTID_VTIMER);
}

/* ---- Start, stop, reset ---- */

static void stop_leaves_nothing_behind(void **state)
{
    (void)state;
    edge(SPI);
    enable(SPI, 3, 0x80);
    timer_start();
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_settle();
    rig_write(0, R_SGIR, 2u << 24 | 8);
    assert_int_equal(rig_ack(0), 8);
    rig_vcpu_stop(0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(gich(0)->lr[i], 0);
    assert_int_equal(gich(0)->hcr | gich(0)->vmcr | gich(0)->apr, 0);
    assert_false(gich(0)->ppi[INTID_VTIMER].unmasked);
    assert_false(gich(0)->ppi[INTID_VTIMER].active);
    rig_settle();
    assert_int_equal(rig_ack(1), SPI); /* its other target has it */
    rig_vcpu_stop(0);                  /* twice is harmless */
    rig_vcpu_start(0);
    rig_settle();
    assert_int_equal(rig_ack(0), INTID_VTIMER); /* its enable is kept */
    assert_int_equal(rig_read(0, R_ISACTIVER), TIMER_BIT | 1u << 8);
}

static void reset_forgets_everything(void **state)
{
    (void)state;
    enable(SPI, 3, 0x80);
    vgic_set_level(&rig_vm, SPI, true);
    rig_write(0, R_SGIR, 0xff0003);
    rig_vcpu_stop(0);
    rig_vcpu_stop(1);
    vgic_reset(&rig_vm);
    rig_vcpu_start(0);
    rig_vcpu_start(1);
    for (uint32_t offset = 0; offset < 0xf00; offset += 4) {
        uint32_t value = rig_read(1, offset);
        bool constant = offset == 4 || offset == 8 || offset == R_ICFGR || offset == R_ISENABLER ||
                        offset == R_ICENABLER ||
                        (offset >= R_ITARGETSR && offset < R_ITARGETSR + 32);
        assert_true(constant || value == 0);
    }
    assert_int_equal(rig_ack(1), FAKE_SPURIOUS);
}

static void sgi_to_a_core_that_is_off_waits(void **state)
{
    (void)state;
    rig_vcpu_stop(1);
    rig_write(0, R_SGIR, 1u << 17 | 2);
    rig_vcpu_start(1);
    rig_settle();
    assert_int_equal(rig_ack(1), 2);
}

static void a_pending_interrupt_ends_wfi(void **state)
{
    (void)state;
    edge(SPI);
    enable(SPI, 2, 0x80);
    rig_on(1);
    assert_false(vgic_has_pending(&rig_vm.vcpus[1]));
    rig_on(0);
    vgic_pulse(&rig_vm, SPI);
    rig_on(1);
    assert_true(vgic_has_pending(&rig_vm.vcpus[1]));
    rig_settle();
    rig_on(1);
    assert_true(vgic_has_pending(&rig_vm.vcpus[1]));
    rig_ack(1);
    rig_on(1);
    assert_false(vgic_has_pending(&rig_vm.vcpus[1]));
}

static void nothing_changed_writes_nothing(void **state)
{
    (void)state;
    enable(SPI, 1, 0x80);
    rig_on(0);
    vgic_set_level(&rig_vm, SPI, true);
    rig_settle();
    unsigned long writes = gich(0)->lr_writes + gich(0)->hcr_writes;
    vgic_set_level(&rig_vm, SPI, true);
    rig_write(0, R_ISENABLER + 4, 1u << 16);
    rig_write8(0, R_IPRIORITYR + SPI, 0x80);
    rig_write(0, R_CTLR, 1);
    assert_int_equal(gich(0)->lr_writes + gich(0)->hcr_writes, writes);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(identifies_itself),
        T(sizes_as_the_specification_allows),
        T(reserved_reads_as_zero),
        T(writable_bits_of_each_register),
        T(private_registers_are_banked),
        T(one_cpu_gets_every_spi),
        T(edge_costs_no_exit_at_eoi),
        T(level_is_resampled_at_eoi),
        T(level_that_falls_is_withdrawn),
        T(private_level_of_the_physical_timer),
        T(sgi_sources_one_at_a_time),
        T(sgi_filters),
        T(sgi_from_one_source_costs_no_exit_at_eoi),
        T(sgi_storm_kicks_once),
        T(disabled_in_another_cores_lr),
        T(moves_to_its_new_target),
        T(edge_after_icpendr_is_not_lost),
        T(active_state_is_read_after_the_question),
        T(a_stopped_core_keeps_nobody_waiting),
        T(more_pending_than_lrs_by_priority),
        T(nested_deeper_than_lrs),
        T(moved_out_comes_back_before_its_eoi),
        T(edge_after_icpendr_of_one_moved_out),
        T(eoimode_1_with_every_lr_active),
        T(timer_costs_no_exit_at_eoi),
        T(timer_never_ended_fires_once),
        T(timer_disabled_while_it_fires),
        T(timer_by_hand),
        T(stop_leaves_nothing_behind),
        T(reset_forgets_everything),
        T(sgi_to_a_core_that_is_off_waits),
        T(a_pending_interrupt_ends_wfi),
        T(nothing_changed_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
