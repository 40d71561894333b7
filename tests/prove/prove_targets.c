// sources: vgic/state.c
// cbmc: --unwind 6 --unwindset main.0:9 -DPROVE_VGIC --max-field-sensitivity-array-size 128
// bounds: bytes and words at eight offsets of GICD_ITARGETSRn, any value, any number of vCPUs
/* SPDX-License-Identifier: BSD-2-Clause */
/* A write of targets names vCPUs of the VM only, and stays in the table. */
#include "prove.h"

#include <vgic/internal.h>

static struct vm vm;

void vgic_notify(struct vm *v, unsigned word, uint32_t bits)
{
    (void)bits;
    PROVE(v == &vm && word > 0 && word < VGIC_WORDS, "a word of SPIs");
}

void vgic_finish(struct vcpu *v)
{
    (void)v;
}

/* The offset is a number, not a symbol: with one, the solver loses its way in struct vm. */
static void write_targets(uint32_t offset, uint8_t size)
{
    struct mmio_access a = {
        .offset = 0x800 + offset, .size = size, .write = true, .value = nondet_u64()};
    gicd_write_targets(&vm.vcpus[0], &a);
    for (unsigned id = offset; id < offset + size && id < VGIC_INTIDS; id++) {
        PROVE(!(vm.gic.targets[id] >> vm.nvcpus), "targets are vCPUs of the VM");
        PROVE(id >= VGIC_PRIVATE || !vm.gic.targets[id], "private interrupts have none");
    }
}

int main(void)
{
    /* private, the first and last of each word of SPIs, none */
    static const uint16_t offsets[] = {0, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0x3ff};

    vm.nvcpus = nondet_unsigned();
    ASSUME(vm.nvcpus >= 1 && vm.nvcpus <= MAX_CPUS);
    vm.vcpus[0].vm = &vm;
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        write_targets(offsets[i], 1);
        write_targets(offsets[i] & ~3u, 4); /* distributor.c: words are aligned */
    }
    return 0;
}
