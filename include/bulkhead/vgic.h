/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GICv2 for each VM: distributor emulated (IHI 0048B chapter 4), CPU interface by GICV, list
 * registers filled by vgic/. INTIDs 0-15 SGI, 16-31 PPI, 32-127 SPI.
 */
#ifndef BULKHEAD_VGIC_H
#define BULKHEAD_VGIC_H

#include <bulkhead/lock.h>
#include <bulkhead/mmio.h>
#include <bulkhead/types.h>

struct vm;
struct vcpu;

enum {
    VGIC_INTIDS = 128,
    VGIC_PRIVATE = 32,
    VGIC_MAX_LRS = 16,
    GUEST_GICD_BASE = 0x08000000, /* one 4 KiB page */
    GUEST_GICC_BASE = 0x08010000,
    GUEST_GICC_SIZE =
        0x2000,        /* GIC-400 (DDI 0471B 3.5): GICV_DIR is at 0x1000, in the second page */
    INTID_VTIMER = 27, /* CNTV, Arm BSA PPI assignment */
    INTID_PTIMER = 30, /* CNTP at EL1 */
};

#include <bulkhead/vgic_state.h> /* struct vgic (a VM's), struct vgic_cpu (a vCPU's): vgic/'s own fields */

/* Power-on state; at set-up and at every restart of the VM. All of the VM's cores are parked. */
void vgic_reset(struct vm *vm);
/* A vCPU starts (own core): clean list registers, GICH on, hardware-linked interrupts idle. */
void vgic_cpu_start(struct vcpu *vcpu);
/* A vCPU stops (own core): GICH off, LRs, APR, VMCR zeroed, its hardware-linked interrupts masked,
 * un-pended and deactivated. */
void vgic_cpu_stop(struct vcpu *vcpu);

/* The vCPU stands still (own core): no virtual interrupt is signalled; and goes on. */
void vgic_cpu_pause(struct vcpu *vcpu);
void vgic_cpu_resume(struct vcpu *vcpu);

/* GICD registers (mmio_handler; device = struct vm's vgic). */
bool vgic_distributor_access(struct vcpu *vcpu, void *device, struct mmio_access *access);

/* Devices. Any core of that VM (or, for SPIs, any core); takes vgic->lock. */
void vgic_set_level(struct vm *vm, unsigned intid, bool level); /* level-sensitive SPI's line */
void vgic_pulse(struct vm *vm, unsigned intid);                 /* edge-triggered SPI */
/* A private level-sensitive line of one vCPU (emulated physical timer); own core. */
void vgic_set_private_level(struct vcpu *vcpu, unsigned intid, bool level);

/* Own core, from physical interrupts: the virtual timer's PPI fired (physically active now, EOI'd,
 * not DIR'd); the maintenance PPI; EVENT_VGIC. */
void vgic_vtimer_fired(struct vcpu *vcpu);
void vgic_maintenance(struct vcpu *vcpu);
void vgic_run_event(struct vcpu *vcpu);

#endif
