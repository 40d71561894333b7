// sources: vgic/sgi.c
// cbmc: --unwind 6 -DPROVE_VGIC --max-field-sensitivity-array-size 128
// bounds: one write of GICD_SGIR and one of GICD_SPENDSGIRn, any value, from every vCPU of VMs of one to four
/* SPDX-License-Identifier: BSD-2-Clause */
/* Software-generated interrupts reach the VM's own vCPUs and tell their cores, no other; no source
 * is named that the VM has not got. lr.c is a stand-in here. */
#include "prove.h"

#include <vgic/internal.h>

static struct vm vm;
static unsigned self;

uint32_t gich_read_lr(unsigned i)
{
    (void)i;
    return nondet_u32();
}

void vgic_update(struct vcpu *v, unsigned word, uint32_t bits)
{
    (void)bits;
    PROVE(v == &vm.vcpus[self] && word == 0, "only this core's own interrupts are touched");
}

void cpu_post(unsigned cpu, enum cpu_event event)
{
    bool own = false;
    for (unsigned n = 0; n < MAX_CPUS; n++)
        own |= n < vm.nvcpus && MAX_CPUS - 1 - n == cpu;
    PROVE(own && event == EVENT_VGIC, "tells its own cores only");
}

static void set_up(unsigned nvcpus, unsigned caller)
{
    vm.nvcpus = nvcpus;
    self = caller;
    for (unsigned n = 0; n < MAX_CPUS; n++) {
        vm.vcpus[n].vm = &vm;
        vm.vcpus[n].index = (uint8_t)n;
        vm.vcpus[n].cpu = (uint8_t)(MAX_CPUS - 1 - n);
        vm.vcpus[n].gic.sgi_inbox = 0;
        vm.vcpus[n].gic.bank.pending = 0;
        vm.vcpus[n].gic.sgi_sources[3] = 0;
    }
}

int main(void)
{
    for (unsigned nvcpus = 1; nvcpus <= MAX_CPUS; nvcpus++)
        for (unsigned caller = 0; caller < nvcpus; caller++) {
            set_up(nvcpus, caller);
            vgic_sgir_write(&vm.vcpus[caller], nondet_u32());
            for (unsigned n = nvcpus; n < MAX_CPUS; n++)
                PROVE(!vm.vcpus[n].gic.sgi_inbox && !vm.vcpus[n].gic.bank.pending,
                      "no SGI for a vCPU that the VM has not got");
            vgic_sgi_set(&vm.vcpus[caller], 3, nondet_u8());
            PROVE(!(vm.vcpus[caller].gic.sgi_sources[3] >> nvcpus), "sources are the VM's vCPUs");
        }
    return 0;
}
