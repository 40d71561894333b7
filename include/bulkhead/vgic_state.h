/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vgic/ keeps for a VM and for each vCPU; nobody else touches a field. Included by vgic.h
 * only.
 *
 * Bitmaps have one bit per INTID, in the layout of GICD_ISENABLERn; priorities and targets are
 * bytes in the layout of GICD_IPRIORITYRn and GICD_ITARGETSRn. Each interrupt's pending and active
 * state is in one place at a time: in a vgic_bank, or in a list register (LR) of the one vCPU that
 * holds it.
 */
#ifndef BULKHEAD_VGIC_STATE_H
#define BULKHEAD_VGIC_STATE_H

#include <bulkhead/lock.h>
#include <bulkhead/types.h>

enum {
    VGIC_WORDS = VGIC_INTIDS / 32,
    VGIC_SGIS = 16,
    VGIC_NO_LR = 0xff,
    VGIC_BY_HAND = 0xf8, /* vgic_cpu.active_priority of what nobody acknowledged */
};

/* 32 interrupts. */
struct vgic_bank {
    uint32_t enabled;
    uint32_t pending; /* latched (an edge, GICD_ISPENDR, an SGI with a source) and not in an LR */
    uint32_t active;  /* active and not in an LR */
    uint32_t line;    /* the input, as the device drives it */
    uint32_t edge;    /* GICD_ICFGRn: edge-triggered, not level-sensitive */
};

/* A vCPU's private interrupts and its LRs. Its own core only, without a lock, but for the last
 * part. */
struct vgic_cpu {
    /* What to write to the LR of the virtual timer when it fires, if that is all there is to do
     * (else 0), and the LR's offset; kept by hardware.c, used by the architecture's fast path. */
    uint32_t timer_lr, timer_at;
    bool plain;            /* the distributor is on, no interrupt waits for an LR; kept with them */
    struct vgic_bank bank; /* INTIDs 0-31 */
    uint8_t priority[VGIC_PRIVATE];
    uint8_t sgi_sources[VGIC_SGIS]; /* bit n: pending from the guest's CPU n, not in an LR */
    uint8_t sgi_last[VGIC_SGIS];    /* source that was last in an LR: an active SGI's */
    uint8_t lr_count;               /* of this core's GICH; 0 while stopped */
    uint8_t
        lr_id[VGIC_MAX_LRS]; /* INTID in each LR, or VGIC_NO_LR; stale once hardware emptied it */
    uint8_t lr_of[VGIC_INTIDS]; /* LR of each INTID, or VGIC_NO_LR */
    uint16_t lr_latched;        /* LRs whose pending state came from a latch, not a line */
    uint32_t hcr;               /* GICH_HCR as last written, or to be written when it goes on */
    bool paused;                /* GICH_HCR is 0 */
    uint8_t active_priority[VGIC_INTIDS]; /* evicted while active: acknowledged at this priority */
    bool overflow;                        /* LRs are short: new ones wait, vgic_finish() chooses */
    uint32_t waiting[VGIC_WORDS];         /* INTIDs that need an LR here and found none */

    uint64_t sgi_inbox; /* atomic; bit 4 * SGI + source: sent by another core */

    /* Under vgic->lock; other cores of the VM read and write these. Word 0 of the bitmaps is the
     * own core's. */
    bool running;
    bool posted;               /* EVENT_VGIC was posted and has not run yet */
    bool todo_private;         /* look at all private interrupts again (GICD_CTLR changed) */
    uint8_t askers;            /* vCPUs that wait for `seen_*` */
    uint8_t awaited;           /* vCPUs this one asked and that have not answered yet */
    uint16_t asked;            /* offset of the register this vCPU's guest reads, 0: none */
    uint64_t answered;         /* when the last answer came, in ticks */
    uint32_t todo[VGIC_WORDS]; /* INTIDs whose state changed behind this core's back */
    uint32_t held[VGIC_WORDS]; /* SPIs in an LR here (maybe emptied since), or active and evicted */
    uint32_t unpend[VGIC_WORDS];       /* GICD_ICPENDR to be carried out on the LR */
    uint32_t unactive[VGIC_WORDS];     /* GICD_ICACTIVER to be carried out on the LR */
    uint32_t seen_pending[VGIC_WORDS]; /* SPIs' state in the LRs when last read or written */
    uint32_t seen_active[VGIC_WORDS];
};

/* A VM's shared interrupts. */
struct vgic {
    struct lock lock;
    uint8_t running; /* vCPUs that can be targets, by number */
    uint32_t ctlr;   /* bit 0: distributor on; written under lock, read by atomic load */
    struct vgic_bank bank[VGIC_WORDS]; /* [0] is unused: banked */
    uint8_t priority[VGIC_INTIDS];     /* 0-31 unused */
    uint8_t targets[VGIC_INTIDS];      /* 0-31 unused */
};

#endif
