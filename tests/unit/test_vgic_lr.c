// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c tests/unit/vgic_rig.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* More interrupts than list registers, and the virtual timer's physical one: none lost or doubled,
 * no exit too many. */
#include "vgic_cases.h"

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

/* A core that waits at EL2 for its VM to go on gets interrupts, but nothing of the GIC's moves. */
static void paused_stays_off(void **state)
{
    struct fake_gich *gich = &fake_gich[rig_core(0)];
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        edge(64 + k);
        enable(64 + k, 1, 0);
    }
    rig_on(0);
    gicv_enable(rig_core(0), false, 0xf8);
    vgic_cpu_pause(&rig_vm.vcpus[0]);
    for (unsigned k = 0; k < 8; k++)
        vgic_pulse(&rig_vm, 64 + k);
    rig_settle();
    assert_int_equal(gich->hcr, 0);
    rig_on(0);
    vgic_cpu_resume(&rig_vm.vcpus[0]);
    assert_true(gich->hcr & 1);
    for (unsigned k = 0; k < 8; k++) {
        unsigned id = rig_ack(0);
        assert_in_range(id, 64, 71);
        rig_eoi(0, id);
    }
    assert_int_equal(rig_ack(0), FAKE_SPURIOUS);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(more_pending_than_lrs_by_priority),
        T(paused_stays_off),
        T(nested_deeper_than_lrs),
        T(moved_out_comes_back_before_its_eoi),
        T(edge_after_icpendr_of_one_moved_out),
        T(eoimode_1_with_every_lr_active),
        T(timer_costs_no_exit_at_eoi),
        T(timer_never_ended_fires_once),
        T(timer_disabled_while_it_fires),
        T(timer_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
