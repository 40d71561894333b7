// sources: core/psci.c core/smccc.c core/guest_mem.c tests/fake/fake_cpu.c tests/fake/fake_cache.c tests/fake/fake_vcpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls by HVC and SMC, in sequences, from any of a VM's vCPUs: no core but the VM's own hears of
 * them, and no vCPU is sent to an address outside of RAM. */
#include "fuzz.h"

#include <bulkhead/cpu.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <core/vm_internal.h>
#include <fake/fake.h>

enum { RAM = 1 << 16, CALLS = 64 };

static struct vm vm;
static struct vcpu_regs regs[MAX_CPUS];

noreturn static void leave(void)
{
    vcpu_park();
}

/* vCPU n is on core 3 - n, so that mixing the two shows. */
static unsigned core_of(unsigned n)
{
    return 3 - n;
}

static void set_up(unsigned nvcpus)
{
    static uint8_t ram[RAM];
    fake_cpu_reset();
    memset(&vm, 0, sizeof(vm));
    vm.state = VM_RUNNING;
    vm.nvcpus = nvcpus;
    vm.memory.bytes = RAM;
    for (unsigned n = 0; n < nvcpus; n++)
        vm.vcpus[n] = (struct vcpu){
            .vm = &vm, .index = (uint8_t)n, .cpu = (uint8_t)core_of(n), .regs = &regs[n]};
    vm.vcpus[0].power = VCPU_ON;
    fake_ram_window = ram;
}

static void check(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        REQUIRE(fake_posts[cpu] == 0 || 3 - cpu < vm.nvcpus);
    for (unsigned n = 0; n < vm.nvcpus; n++) {
        const struct vcpu *v = &vm.vcpus[n];
        REQUIRE(v->cpu == core_of(n) && v->vm == &vm && v->index == n);
        if (v->power == VCPU_ON_PENDING)
            REQUIRE(v->entry.v >= GUEST_RAM_BASE && v->entry.v <= GUEST_RAM_BASE + RAM - 4 &&
                    v->entry.v % 4 == 0);
    }
}

/* A started vCPU runs its event. */
static void start_pending(unsigned n)
{
    if (vm.state == VM_RUNNING && vm.vcpus[n].power == VCPU_ON_PENDING)
        vm.vcpus[n].power = VCPU_ON;
}

static void call(struct input *in)
{
    static const uint32_t functions[] = {0x84000000, 0x84000001, 0xc4000001, 0x84000002,
                                         0x84000003, 0xc4000003, 0x84000004, 0xc4000004,
                                         0x84000006, 0x84000008, 0x84000009, 0x8400000a,
                                         0x80000000, 0x80000001, 0x8600ff00, 0x8600ff01};
    unsigned how = (unsigned)take(in, 1), n = (how & 3) % vm.nvcpus;
    enum fake_left left;

    start_pending((how >> 2 & 3) % vm.nvcpus);
    if (vm.vcpus[n].power != VCPU_ON)
        return;
    regs[n].x[0] = how & 0x80 ? take(in, 4) : functions[how >> 4 & 7 ? take(in, 1) % 16 : 4];
    for (unsigned i = 1; i < 4; i++) {
        unsigned form = (unsigned)take(in, 1);
        regs[n].x[i] = form < 16   ? form
                       : form < 64 ? GUEST_RAM_BASE + take(in, 3)
                       : form < 96 ? GUEST_RAM_BASE + RAM - (form - 64)
                                   : take(in, 8);
    }
    fake_cpu = core_of(n);
    FAKE_CATCH(left, smccc_call(&vm.vcpus[n]));
    REQUIRE(left == FAKE_RETURNED || left == FAKE_PARKED);
    check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    set_up(1 + (unsigned)take(&in, 1) % MAX_CPUS);
    for (unsigned i = 0; i < CALLS && in.left && vm.state == VM_RUNNING; i++)
        call(&in);
    return 0;
}

/* ---- What is behind psci.c ---- */

void vm_end(struct vm *v, enum vm_end_kind kind, const char *reason)
{
    REQUIRE(v == &vm && reason);
    REQUIRE(kind == VM_END_OFF || kind == VM_END_RESET);
    v->state = VM_STOPPING;
    leave();
}

void vgic_cpu_stop(struct vcpu *vcpu)
{
    REQUIRE(vcpu->vm == &vm);
}
