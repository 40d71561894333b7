// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c vgic/hot.c tests/unit/vgic_rig.c tests/unit/hot_rig.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does anything at all with its GIC, on cores that hear of each other's changes late.
 * Nothing it does is UNPREDICTABLE for EL2 (the fake ends the test), keeps a core at EL2 (bounded
 * register accesses, no standing maintenance), or breaks the rules of the physical timer interrupt.
 * And when it cleans up, everything works again.
 */
#include "unit.h"

#include "vgic_rig.h"

#include <fake/fake.h>

static uint64_t rng;

static uint32_t any(uint32_t below)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng >> 33) % below;
}

static unsigned long gich_accesses(void)
{
    unsigned long sum = 0;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        sum += fake_gich[cpu].lr_reads + fake_gich[cpu].lr_writes + fake_gich[cpu].hcr_writes;
    return sum;
}

static void any_access(unsigned n)
{
    static const uint16_t bases[] = {0x000, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380,
                                     0x400, 0x800, 0xc00, 0xf00, 0xf10, 0xf20};
    struct mmio_access a = {
        .offset = any(8) ? bases[any(ARRAY_SIZE(bases))] + 4 * any(8) : any(0x1000),
        .size = (uint8_t)(any(4) ? 4 : 1u << any(4)),
        .write = any(3),
        .value = any(4) ? 1u << any(32) : rng,
    };
    if (a.offset > 0xfff)
        return;
    if (a.offset == 0 && any(4))
        a.value = 1;
    rig_on(n);
    vgic_distributor_access(&rig_vm.vcpus[n], &rig_vm.gic, &a);
}

static void any_cpu_interface(unsigned n)
{
    unsigned cpu = rig_core(n);
    uint32_t id = any(4) ? any(40) | any(4) << 10 : any(UINT32_MAX);
    switch (any(8)) {
    case 0:
    case 1:
    case 2:
        gicv_ack(cpu);
        break;
    case 3:
    case 4:
        gicv_eoi(cpu, id);
        break;
    case 5:
        gicv_dir(cpu, id);
        break;
    case 6:
        gicv_enable(cpu, any(2), (uint8_t)any(256));
        break;
    case 7:
        fake_gich[cpu].apr = any(4) ? 0 : any(UINT32_MAX); /* GICC_APR is the guest's to write */
        break;
    }
}

static void any_device(unsigned n)
{
    unsigned id = 32 + any(96);
    rig_on(any(4));
    switch (any(4)) {
    case 0:
        vgic_set_level(&rig_vm, id, any(2));
        break;
    case 1:
        vgic_pulse(&rig_vm, id);
        break;
    case 2:
        rig_timer(n, any(2));
        break;
    case 3:
        if (rig_vm.vcpus[n].gic.running) {
            rig_on(n);
            vgic_set_private_level(&rig_vm.vcpus[n], INTID_PTIMER, any(2));
        }
        break;
    }
}

static void any_power(unsigned n)
{
    if (any(50))
        return;
    if (rig_vm.vcpus[n].gic.running)
        rig_vcpu_stop(n);
    else
        rig_vcpu_start(n);
}

static void check_timer(unsigned n)
{
    const struct fake_ppi *p = &fake_gich[rig_core(n)].ppi[INTID_VTIMER];
    const struct vgic_cpu *c = &rig_vm.vcpus[n].gic;
    unsigned i = c->lr_of[INTID_VTIMER];
    bool in_lr = i != VGIC_NO_LR && (fake_gich[rig_core(n)].lr[i] >> 28 & 3);
    bool banked = (c->bank.pending | c->bank.active) >> INTID_VTIMER & 1;
    bool forwarded = c->running && rig_vm.gic.ctlr && (c->bank.enabled >> INTID_VTIMER & 1);
    assert_int_equal(p->active, in_lr || banked);
    assert_int_equal(p->unmasked, forwarded);
}

static void do_anything(unsigned steps)
{
    for (unsigned s = 0; s < steps; s++) {
        unsigned n = any(rig_vm.nvcpus);
        bool running = rig_vm.vcpus[n].gic.running;
        unsigned long before = gich_accesses();
        switch (any(8)) {
        case 0:
        case 1:
        case 2:
            if (running)
                any_access(n);
            break;
        case 3:
        case 4:
            if (running)
                any_cpu_interface(n);
            break;
        case 5:
            any_device(n);
            break;
        case 6:
            any_power(n);
            break;
        default:
            rig_step(n);
        }
        /* 32 interrupts of a word, each with a look at all LRs: far from a loop over a count of the
         * guest's. */
        assert_true(gich_accesses() - before < 128 * (fake_gich_lrs + 4));
        if (s % 16 == 0) {
            rig_settle();
            for (unsigned k = 0; k < rig_vm.nvcpus; k++)
                check_timer(k);
        }
    }
}

static void clean_up(void)
{
    for (unsigned n = 0; n < rig_vm.nvcpus; n++) {
        if (!rig_vm.vcpus[n].gic.running)
            rig_vcpu_start(n);
        rig_timer(n, false);
        rig_on(n);
        vgic_set_private_level(&rig_vm.vcpus[n], INTID_PTIMER, false);
        fake_gich[rig_core(n)].apr = 0;
        gicv_enable(rig_core(n), false, 0xf8);
    }
    for (unsigned id = 32; id < 128; id++)
        vgic_set_level(&rig_vm, id, false);
    rig_settle();
    rig_write(0, R_CTLR, 0);
    for (unsigned n = 0; n < rig_vm.nvcpus; n++) {
        for (unsigned w = 0; w < 4; w++) {
            rig_write(n, R_ICENABLER + 4 * w, UINT32_MAX);
            rig_write(n, R_ICPENDR + 4 * w, UINT32_MAX);
            rig_write(n, R_CPENDSGIR + 4 * w, UINT32_MAX);
            rig_write(n, R_ICACTIVER + 4 * w, UINT32_MAX);
        }
        for (unsigned id = 0; id < 32; id++)
            rig_write8(n, R_IPRIORITYR + id, 0x80);
    }
    for (unsigned n = 0; n < rig_vm.nvcpus; n++) {
        for (unsigned w = 0; w < 4; w++) {
            assert_int_equal(rig_read(n, R_ISPENDR + 4 * w), 0);
            assert_int_equal(rig_read(n, R_ISACTIVER + 4 * w), 0);
        }
        for (unsigned i = 0; i < fake_gich_lrs; i++)
            assert_int_equal(fake_gich[rig_core(n)].lr[i] >> 28 & 3, 0);
        assert_int_equal(fake_gich[rig_core(n)].hcr & 0xff, 1);
    }
    rig_write(0, R_CTLR, 1);
}

static void comes(unsigned n, uint32_t id)
{
    rig_settle();
    assert_int_equal(rig_ack(n), id);
    rig_eoi(n, id);
    assert_int_equal(rig_ack(n), FAKE_SPURIOUS);
}

static void everything_works(void)
{
    for (unsigned id = 32; id < 128; id++) {
        unsigned n = id % rig_vm.nvcpus;
        rig_write8(0, R_ITARGETSR + id, (uint8_t)(1u << n));
        rig_write8(0, R_IPRIORITYR + id, 0x80);
        rig_write(0, R_ISENABLER + id / 32 * 4, 1u << id % 32);
        rig_on(0);
        vgic_pulse(&rig_vm, id);
        comes(n, id);
    }
    for (unsigned n = 0; n < rig_vm.nvcpus; n++) {
        rig_write(0, R_SGIR, 1u << (16 + n) | 3);
        comes(n, 3);
        rig_write(n, R_ISENABLER, 1u << INTID_VTIMER | 1u << INTID_PTIMER);
        rig_timer(n, true);
        rig_settle();
        assert_int_equal(rig_ack(n), INTID_VTIMER);
        rig_timer(n, false);
        rig_eoi(n, INTID_VTIMER);
        assert_int_equal(rig_ack(n), FAKE_SPURIOUS);
        rig_on(n);
        vgic_set_private_level(&rig_vm.vcpus[n], INTID_PTIMER, true);
        assert_int_equal(rig_ack(n), INTID_PTIMER);
        rig_on(n);
        vgic_set_private_level(&rig_vm.vcpus[n], INTID_PTIMER, false);
        rig_eoi(n, INTID_PTIMER);
        assert_int_equal(rig_ack(n), FAKE_SPURIOUS);
    }
}

static void survives_anything(void **state)
{
    static const uint8_t lrs[] = {4, 2, 4, 16, 3};
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        rng = seed * 0x9e3779b97f4a7c15u;
        fake_gich_lrs = lrs[seed % ARRAY_SIZE(lrs)];
        rig_start(1 + seed % 4);
        rig_write(0, R_CTLR, 1);
        do_anything(1000);
        clean_up();
        everything_works();
    }
    print_message("%lu answers by fast paths\n", rig_hot_answers);
    assert_true(rig_hot_answers > 1000); /* they have had a part */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(survives_anything)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
