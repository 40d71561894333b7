/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A struct vm with only what the proved files touch, found before include/bulkhead/vm.h by their
 * include path. The types in it are the hypervisor's own; without the 100 KiB of disks and consoles
 * around them the solver's formulas are of a size that it can handle.
 */
#ifndef BULKHEAD_VM_H
#define BULKHEAD_VM_H

#include <bulkhead/arch.h>
#include <bulkhead/lock.h>
#include <bulkhead/mmio.h>
#include <bulkhead/partition.h>
#include <bulkhead/vgic.h>

struct vcpu {
    struct vm *vm;
    uint8_t index;
    uint8_t cpu;
#ifdef PROVE_VGIC
    struct vgic_cpu gic;
#endif
};

struct vm {
    struct partition memory;
    unsigned nvcpus;
    struct vcpu vcpus[MAX_CPUS];
#ifdef PROVE_VGIC
    struct vgic gic;
#else
    struct mmio_map mmio;
#endif
};

struct vcpu *vcpu_this(void);

#endif
