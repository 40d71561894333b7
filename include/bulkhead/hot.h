/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast paths: exits that guests make most, answered before the general path (arch/arm64/hot.S
 * has the way in and out). Each of these functions answers HOT_NO, having changed nothing, for
 * whatever is not the plain case; then the general path runs and gives the full answer. Where it
 * does answer, the general path would have done the same (tests/unit/hot_rig.c).
 *
 * Their files are compiled so that they lose only x0-x2 of the guest's registers (mk/hyp.mk): they
 * call nothing that is not inlined. Own core of the vCPU, in one of its exits, no lock held.
 */
#ifndef BULKHEAD_HOT_H
#define BULKHEAD_HOT_H

#include <bulkhead/arch.h>
#include <bulkhead/lock.h>

struct vcpu;

/* Not an answer: those are values of 32-bit registers, or 0 for "done". */
#define HOT_NO UINT64_MAX

/* GICD registers, word accesses (vgic/hot.c). `offset`: below 4096. */
uint64_t hot_gicd_read(const struct vcpu *v, uint32_t offset);
uint64_t hot_gicd_write(struct vcpu *v, uint32_t offset, uint32_t value);
/* SGI_VGIC came: what other vCPUs sent. */
uint64_t hot_sgi_receive(struct vcpu *v);
/* PL011 registers, word accesses (vdev/hot.c). */
uint64_t hot_uart_read(const struct vcpu *v, uint32_t offset);
/* Registers of virtio devices, word accesses (virtio/hot.c). `offset`: from the first device's. */
uint64_t hot_virtio_read(const struct vcpu *v, uint32_t offset);
uint64_t hot_virtio_write(const struct vcpu *v, uint32_t offset, uint32_t value);

/* ---- Inlined, as nothing may be called ---- */

#ifdef BULKHEAD_HOST

#include <bulkhead/cpu.h>

static inline uint32_t hot_lr_read(unsigned i)
{
    return gich_read_lr(i);
}

static inline void hot_lr_write(unsigned i, uint32_t value)
{
    gich_write_lr(i, value);
}

static inline void hot_kick(unsigned cpu)
{
    cpu_post(cpu, EVENT_VGIC);
}

#else

/* gic.c: GICH_LR0 (banked), GICD_SGIR, and what to write there for each core. */
extern volatile uint32_t *hot_lrs, *hot_sgir;
extern uint32_t hot_sgi_words[MAX_CPUS];

static inline uint32_t hot_lr_read(unsigned i)
{
    return hot_lrs[i];
}

static inline void hot_lr_write(unsigned i, uint32_t value)
{
    hot_lrs[i] = value;
}

/* SGI_VGIC to that core. */
static inline void hot_kick(unsigned cpu)
{
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the inbox is seen before the interrupt */
    *hot_sgir = hot_sgi_words[cpu];
}

#endif

/* For a moment, if nobody has it (or nobody seems to). Answers what hot_unlock() is given; 0: no.
 */
static inline uint32_t hot_lock(struct lock *l)
{
    uint32_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
    uint32_t idle = owner << 16 | owner, taken = idle + (1u << 16); /* its halves: lock.h */
    return __atomic_compare_exchange_n(&l->both, &idle, taken, true, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED)
               ? owner + 1
               : 0;
}

static inline void hot_unlock(struct lock *l, uint32_t turn)
{
    __atomic_store_n(&l->owner, (uint16_t)turn, __ATOMIC_RELEASE);
}

#endif
