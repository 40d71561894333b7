// sources: vgic/vgic.c vgic/distributor.c vgic/state.c vgic/sgi.c vgic/shared.c vgic/lr.c vgic/refill.c vgic/hardware.c tests/unit/vgic_rig.c tests/fake/fake_gich.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest at its interrupt controller: distributor accesses, its CPU interface, its timer, devices'
 * lines and cores that come and go, in any order. The fake GIC ends the run at anything that is
 * UNPREDICTABLE for EL2. */
#include "fuzz.h"

#include <unit/unit.h>
#include <unit/vgic_rig.h>

#include <fake/fake.h>

enum { MAX_OPERATIONS = 400 };

static unsigned long gich_accesses(void)
{
    unsigned long sum = 0;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        sum += fake_gich[cpu].lr_reads + fake_gich[cpu].lr_writes + fake_gich[cpu].hcr_writes;
    return sum;
}

static void distributor(struct input *in, unsigned n)
{
    static const uint16_t bases[] = {0x000, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400,
                                     0x800, 0xc00, 0xf00, 0xf10, 0xf20, 0x008, 0x01c, 0x880};
    unsigned how = (unsigned)take(in, 1), where = (unsigned)take(in, 1);
    struct mmio_access a = {
        .offset = where & 0x80 ? (where & 0x7f) << 5 | (how >> 3 & 0x1f)
                               : bases[where & 0xf] + 4u * (where >> 4 & 7),
        .size = (uint8_t)(how & 1 ? 1u << (how >> 1 & 3) : 4),
        .write = how & 8,
    };
    if (a.write)
        a.value = how & 0x10 ? take(in, 4) : 1u << (take(in, 1) & 31);
    if (a.offset + a.size > PAGE_SIZE)
        return;
    rig_on(n);
    vgic_distributor_access(&rig_vm.vcpus[n], &rig_vm.gic, &a);
}

static void cpu_interface(struct input *in, unsigned n)
{
    unsigned cpu = rig_core(n), how = (unsigned)take(in, 1);
    uint32_t id = how & 0x80 ? (uint32_t)take(in, 4) : how >> 3 & 0xf;
    switch (how & 7) {
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
        gicv_enable(cpu, how & 8, (uint8_t)take(in, 1));
        break;
    default:
        fake_gich[cpu].apr = (uint32_t)take(in, 4); /* GICC_APR is the guest's to write */
        break;
    }
}

/* From any core of the board, as other VMs' cores may. */
static void device(struct input *in, unsigned n)
{
    unsigned how = (unsigned)take(in, 1), id = 32 + (unsigned)take(in, 1) % 96;
    fake_cpu = how >> 4 & 3;
    switch (how & 3) {
    case 0:
        vgic_set_level(&rig_vm, id, how & 4);
        break;
    case 1:
        vgic_pulse(&rig_vm, id);
        break;
    case 2:
        rig_timer(n, how & 4);
        break;
    default:
        rig_on(n);
        if (rig_vm.vcpus[n].gic.running)
            vgic_set_private_level(&rig_vm.vcpus[n], INTID_PTIMER, how & 4);
        break;
    }
}

static void operation(struct input *in)
{
    unsigned what = (unsigned)take(in, 1), n = (what >> 6) % rig_vm.nvcpus;
    bool running = rig_vm.vcpus[n].gic.running;
    switch (what & 7) {
    case 0:
    case 1:
    case 2:
        if (running)
            distributor(in, n);
        break;
    case 3:
        if (running)
            cpu_interface(in, n);
        break;
    case 4:
    case 5:
        device(in, n);
        break;
    case 6:
        rig_step(n);
        break;
    default:
        if ((what & 0x38) == 0x38 && running)
            rig_vcpu_stop(n);
        else if (!running)
            rig_vcpu_start(n);
        break;
    }
}

/* What is in the list registers is this VM's, and no physical interrupt but the timer's is linked.
 * An SPI is in one core's only. */
static void check_lrs(void)
{
    uint32_t seen[VGIC_WORDS] = {0};
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        for (unsigned i = 0; i < fake_gich_lrs; i++) {
            uint32_t lr = fake_gich[cpu].lr[i];
            unsigned id = lr & 0x3ff;
            if (!(lr >> 28 & 3))
                continue;
            REQUIRE((cpu + MAX_CPUS - 1) % MAX_CPUS < rig_vm.nvcpus && id < VGIC_INTIDS);
            if (lr >> 31)
                REQUIRE(id == INTID_VTIMER && (lr >> 10 & 0x3ff) == INTID_VTIMER);
            else if (id < VGIC_SGIS)
                REQUIRE((lr >> 10 & 7) < rig_vm.nvcpus);
            if (id < VGIC_PRIVATE)
                continue;
            REQUIRE(!(seen[id / 32] >> id % 32 & 1));
            seen[id / 32] |= 1u << id % 32;
        }
}

static void check(void)
{
    unsigned all = (1u << rig_vm.nvcpus) - 1;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        REQUIRE(fake_posted[cpu] == 0 || (fake_posted[cpu] == EVENT_VGIC &&
                                          (cpu + MAX_CPUS - 1) % MAX_CPUS < rig_vm.nvcpus));
    for (unsigned id = VGIC_PRIVATE; id < VGIC_INTIDS; id++)
        REQUIRE(!(rig_vm.gic.targets[id] & ~all));
    REQUIRE(!(rig_vm.gic.running & ~all) && rig_vm.gic.lock.next == rig_vm.gic.lock.owner);
    check_lrs();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const uint8_t lrs[] = {4, 2, 16, 3};
    struct input in = {data, bytes};
    unsigned first = (unsigned)take(&in, 1);

    fake_gich_lrs = lrs[first >> 2 & 3];
    rig_start(1 + (first & 3));
    rig_write(0, R_CTLR, 1);
    for (unsigned i = 0; i < MAX_OPERATIONS && in.left; i++) {
        unsigned long before = gich_accesses();
        operation(&in);
        REQUIRE(gich_accesses() - before < 128 * (fake_gich_lrs + 4));
        check();
    }
    rig_settle();
    check();
    return 0;
}
