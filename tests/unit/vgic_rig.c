/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "vgic_rig.h"

#include <fake/fake.h>

struct vm rig_vm;
unsigned rig_posts;

/* hot_rig.c, where it is linked */
__attribute__((weak)) bool rig_hot_access(unsigned n, struct mmio_access *a);
__attribute__((weak)) bool rig_hot_receive(unsigned n);
__attribute__((weak)) bool rig_hot_timer(unsigned n);

struct vcpu *vcpu_on(unsigned cpu)
{
    unsigned n = (cpu + MAX_CPUS - 1) % MAX_CPUS;
    return n < rig_vm.nvcpus ? &rig_vm.vcpus[n] : NULL;
}

struct vcpu *vcpu_this(void)
{
    return vcpu_on(cpu_this());
}

void cpu_post(unsigned cpu, enum cpu_event event)
{
    fake_posted[cpu] |= event;
    rig_posts++;
}

unsigned rig_on(unsigned n)
{
    unsigned before = fake_cpu;
    fake_cpu = rig_core(n);
    return before;
}

void rig_vcpu_start(unsigned n)
{
    unsigned before = rig_on(n);
    vgic_cpu_start(&rig_vm.vcpus[n]);
    gicv_enable(rig_core(n), false, 0xf8);
    fake_cpu = before;
}

void rig_vcpu_stop(unsigned n)
{
    unsigned before = rig_on(n);
    vgic_cpu_stop(&rig_vm.vcpus[n]);
    fake_cpu = before;
}

void rig_start(unsigned nvcpus)
{
    memset(&rig_vm, 0, sizeof(rig_vm));
    fake_cpu_reset();
    fake_time_reset();
    fake_gich_reset();
    rig_posts = 0;
    rig_vm.nvcpus = nvcpus;
    for (unsigned n = 0; n < nvcpus; n++) {
        rig_vm.vcpus[n].vm = &rig_vm;
        rig_vm.vcpus[n].index = (uint8_t)n;
        rig_vm.vcpus[n].cpu = (uint8_t)rig_core(n);
    }
    vgic_reset(&rig_vm);
    for (unsigned n = 0; n < nvcpus; n++)
        rig_vcpu_start(n);
    rig_settle();
}

bool rig_step(unsigned n)
{
    unsigned cpu = rig_core(n), before = rig_on(n);
    struct vcpu *v = &rig_vm.vcpus[n];
    bool did = true;
    if (fake_posted[cpu] & EVENT_VGIC) {
        fake_posted[cpu] &= ~(unsigned)EVENT_VGIC;
        if (!rig_hot_receive || !rig_hot_receive(n))
            vgic_run_event(v);
    } else if (fake_misr(cpu)) {
        vgic_maintenance(v);
        assert_int_equal(fake_misr(cpu), 0); /* no storm */
    } else if (fake_ppi_take(cpu, INTID_VTIMER)) {
        if (!rig_hot_timer || !rig_hot_timer(n))
            vgic_vtimer_fired(v);
    } else {
        did = false;
    }
    fake_cpu = before;
    return did;
}

void rig_settle(void)
{
    bool busy = true;
    for (unsigned steps = 0; busy; steps++) {
        assert_true(steps < 64);
        busy = false;
        for (unsigned n = 0; n < rig_vm.nvcpus; n++)
            busy |= rig_step(n);
    }
}

static bool access_once(unsigned n, struct mmio_access *a)
{
    unsigned before = rig_on(n);
    bool ok = (rig_hot_access && rig_hot_access(n, a)) ||
              vgic_distributor_access(&rig_vm.vcpus[n], &rig_vm.gic, a);
    fake_cpu = before;
    return ok;
}

bool rig_access(unsigned n, uint32_t offset, unsigned size, bool write, uint32_t *value)
{
    struct mmio_access a = {
        .offset = offset, .size = (uint8_t)size, .write = write, .value = *value};
    bool ok = access_once(n, &a);
    for (unsigned tries = 0; ok && a.retry; tries++) {
        assert_true(tries < 8);
        for (unsigned other = 0; other < rig_vm.nvcpus; other++)
            if (other != n)
                rig_step(other);
        ok = access_once(n, &a);
    }
    if (ok && !write)
        *value = (uint32_t)a.value;
    return ok;
}

uint32_t rig_read(unsigned n, uint32_t offset)
{
    uint32_t value = 0;
    assert_true(rig_access(n, offset, 4, false, &value));
    return value;
}

uint8_t rig_read8(unsigned n, uint32_t offset)
{
    uint32_t value = 0;
    assert_true(rig_access(n, offset, 1, false, &value));
    assert_true(value < 256);
    return (uint8_t)value;
}

void rig_write_only(unsigned n, uint32_t offset, uint32_t value)
{
    assert_true(rig_access(n, offset, 4, true, &value));
}

void rig_write(unsigned n, uint32_t offset, uint32_t value)
{
    rig_write_only(n, offset, value);
    rig_settle();
}

void rig_write8(unsigned n, uint32_t offset, uint8_t value)
{
    uint32_t v = value;
    assert_true(rig_access(n, offset, 1, true, &v));
    rig_settle();
}

bool rig_read_retries(unsigned n, uint32_t offset, uint32_t *value)
{
    struct mmio_access a = {.offset = offset, .size = 4};
    assert_true(access_once(n, &a));
    *value = (uint32_t)a.value;
    return a.retry;
}

uint32_t rig_ack(unsigned n)
{
    uint32_t id = gicv_ack(rig_core(n));
    rig_settle();
    return id;
}

void rig_eoi(unsigned n, uint32_t value)
{
    gicv_eoi(rig_core(n), value);
    rig_settle();
}

void rig_dir(unsigned n, uint32_t value)
{
    gicv_dir(rig_core(n), value);
    rig_settle();
}

void rig_timer(unsigned n, bool level)
{
    fake_gich[rig_core(n)].ppi[INTID_VTIMER].line = level;
}
