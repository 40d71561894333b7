// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c vgic/hot.c tests/unit/vgic_rig.c tests/unit/hot_rig.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast paths against the general path (hot_rig.c compares), in random lives that consist mostly of
 * what they answer: few interrupts, which meet in few list registers. */
#include "unit.h"

#include "vgic_rig.h"

#include "../../vgic/internal.h"

#include <bulkhead/hot.h>
#include <fake/fake.h>

static uint64_t rng;

static uint32_t any(uint32_t below)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng >> 33) % below;
}

enum { SPI_WORD = 1, SPI_BITS = 0x00000700 };

static uint32_t any_bits(unsigned word)
{
    return word == SPI_WORD ? SPI_BITS & (1u << (8 + any(3)) | 1u << (8 + any(3)))
                            : 1u << any(4) | (any(3) ? 0 : 1u << INTID_VTIMER);
}

static void any_write(unsigned n)
{
    static const uint16_t others[] = {R_ISPENDR, R_ICPENDR, R_ISACTIVER, R_ICACTIVER};
    unsigned word = any(2);
    uint32_t value = any_bits(word);
    switch (any(12)) {
    case 0:
        rig_write_only(n, others[any(4)] + 4 * word, value);
        break;
    case 1:
        rig_write_only(n, R_IPRIORITYR + (any(2) ? 4 * any(2) : 40), rng & 0x40404040);
        break;
    case 2:
        rig_write_only(n, R_IPRIORITYR + 24, rng & 0x40000000);
        break;
    case 3:
        rig_write_only(n, R_CTLR, any(6) != 0);
        break;
    case 4:
    case 5:
    case 6:
        rig_write_only(n, any(2) ? R_ISENABLER + 4 * word : R_ICENABLER + 4 * word, value);
        break;
    default:
        value = any(3) ? 2u << 24 : (1u << any(4)) << 16 | any(4) << 24;
        rig_write_only(n, R_SGIR, value | any(4));
        break;
    }
}

static void any_read(unsigned n)
{
    uint32_t value = 0;
    rig_access(n, any(3) ? R_ISENABLER + 4 * any(64) : any(0x1000), 4, false, &value);
}

/* The guest acknowledges, and ends what it acknowledged last. */
static uint32_t stack[MAX_CPUS][16];
static unsigned depth[MAX_CPUS];

static void any_interrupt(unsigned n)
{
    uint32_t id;
    if (any(2) && depth[n] > 0) {
        gicv_eoi(rig_core(n), stack[n][--depth[n]]);
    } else if (depth[n] < ARRAY_SIZE(stack[n])) {
        id = gicv_ack(rig_core(n));
        if (id < FAKE_SPURIOUS)
            stack[n][depth[n]++] = id;
    }
}

static unsigned long pulses;

/* A device's, on one of the VM's cores. */
static void any_pulse(unsigned n)
{
    unsigned id = 40 + (n ? any(3) : any(2)), before = rig_on(n);
    if (rig_hot_pulse(n, id))
        pulses++;
    else
        vgic_pulse(&rig_vm, id);
    rig_on(before);
}

static void live(unsigned cpus, unsigned steps)
{
    memset(depth, 0, sizeof(depth));
    rig_start(cpus);
    rig_write(0, R_CTLR, 1);
    for (unsigned n = 0; n < cpus; n++)
        rig_write(n, R_ISENABLER, 1u << INTID_VTIMER);
    rig_write(0, R_ITARGETSR + 40, 0x01020301);
    for (unsigned i = 0; i < steps; i++) {
        unsigned n = any(cpus);
        unsigned what = any(18);
        if (what < 6)
            any_write(n);
        else if (what < 8)
            any_read(n);
        else if (what < 13)
            any_interrupt(n);
        else if (what < 14)
            rig_timer(n, any(2));
        else if (what < 16)
            any_pulse(n);
        else
            rig_step(n);
    }
}

static void agree_with_the_general_path(void **state)
{
    static const uint8_t lrs[] = {4, 2, 3, 16};
    (void)state;
    rig_hot_every = 1;
    for (unsigned seed = 1; seed <= 500; seed++) {
        rng = seed * 0x9e3779b97f4a7c15u;
        fake_gich_lrs = lrs[seed % ARRAY_SIZE(lrs)];
        live(1 + seed / 4 % 4, 1500);
    }
    print_message("%lu answers, %lu to pulses\n", rig_hot_answers, pulses);
    assert_true(rig_hot_answers > 20000);
    assert_true(pulses > 300);
}

/* What benchmark and guests do most is what is answered, not handed on. */
static void the_plain_cases_are_answered(void **state)
{
    struct vcpu *v;
    (void)state;
    fake_gich_lrs = 4;
    rig_start(2);
    rig_on(0);
    v = &rig_vm.vcpus[0];
    rig_write(0, R_CTLR, 1);
    rig_write(0, R_SGIR, 2u << 24 | 1);
    rig_eoi(0, rig_ack(0));
    assert_int_equal(hot_gicd_write(v, R_SGIR, 2u << 24 | 1), 0);
    assert_int_equal(rig_ack(0), 1);
    assert_int_equal(hot_gicd_write(v, R_SGIR, 2u << 24 | 1), HOT_NO); /* it is active */
    assert_int_equal(hot_gicd_write(v, R_SGIR, 2u << 16 | 1), 0);
    assert_int_equal(rig_vm.vcpus[1].gic.sgi_inbox, 1 << 4);
    assert_int_equal(hot_gicd_write(v, R_ISENABLER, 0xffff), 0);
    assert_int_equal(hot_gicd_write(v, R_ISENABLER + 4, 1 << 20), 0);
    assert_int_equal(hot_gicd_read(v, R_ISENABLER + 4), 1 << 20);
    assert_int_equal(hot_gicd_write(v, R_ICENABLER + 4, 1 << 20), 0);
    assert_int_equal(hot_gicd_read(v, 4), (VGIC_WORDS - 1) | 1 << 5);
    lock_take(&rig_vm.gic.lock); /* another core has it: no wait */
    assert_int_equal(hot_gicd_write(v, R_ISENABLER + 4, 1 << 20), HOT_NO);
    lock_release(&rig_vm.gic.lock);
}

/* Another vCPU gives the SPI away; this one's core has not heard of it yet. */
static void a_pulse_goes_where_it_is_routed(void **state)
{
    (void)state;
    fake_gich_lrs = 4;
    rig_start(2);
    rig_on(0);
    rig_write(0, R_CTLR, 1);
    rig_write(0, R_ISENABLER + 4, 1 << 8);
    rig_write(0, R_ITARGETSR + 40, 1);
    vgic_pulse(&rig_vm, 40);
    assert_int_equal(rig_ack(0), 40);
    rig_eoi(0, 40);
    assert_true(rig_hot_pulse(0, 40));
    assert_int_equal(rig_ack(0), 40);
    rig_eoi(0, 40);
    rig_write_only(1, R_ITARGETSR + 40, 2);
    rig_on(0);
    assert_false(rig_hot_pulse(0, 40));
    vgic_pulse(&rig_vm, 40);
    rig_settle();
    assert_int_equal(rig_ack(1), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_with_the_general_path),
        cmocka_unit_test(the_plain_cases_are_answered),
        cmocka_unit_test(a_pulse_goes_where_it_is_routed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
