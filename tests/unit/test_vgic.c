// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c vgic/hot.c tests/unit/vgic_rig.c tests/unit/hot_rig.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The distributor's registers, and the situations in which an interrupt could be lost, doubled or
 * stuck. */
#include "vgic_cases.h"

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

/* Only CPUs of the VM are sources of an SGI, whatever is written. */
static void sgi_sources_are_the_vms_own(void **state)
{
    (void)state;
    rig_write(0, R_SPENDSGIR, 0xffffffff);
    assert_int_equal(rig_read(0, R_SPENDSGIR), 0x03030303);
    rig_write(0, R_CPENDSGIR, 0xffffffff);
    assert_int_equal(rig_read(0, R_SPENDSGIR), 0);
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
        T(sgi_sources_are_the_vms_own),
        T(sgi_filters),
        T(sgi_from_one_source_costs_no_exit_at_eoi),
        T(sgi_storm_kicks_once),
        T(disabled_in_another_cores_lr),
        T(moves_to_its_new_target),
        T(edge_after_icpendr_is_not_lost),
        T(active_state_is_read_after_the_question),
        T(a_stopped_core_keeps_nobody_waiting),
        T(stop_leaves_nothing_behind),
        T(reset_forgets_everything),
        T(sgi_to_a_core_that_is_off_waits),
        T(nothing_changed_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
