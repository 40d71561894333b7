/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlocks: fair, so the longest wait is the number of cores times the longest hold.
 *
 * Lock order, outer to inner; never take an outer one while holding an inner one:
 *   1. vm->lock           power states of a VM and its vCPUs        (core/vm.c, core/psci.c)
 *   2. virtio device lock one device's queues and registers          (virtio/)
 *   3. vdev lock          an emulated device's registers             (vdev/)
 *   4. block lock         the card's turns and queues                (core/block.c)
 *   5. vgic->lock         a VM's shared interrupt state              (vgic/)
 *   6. console lock       the physical UART and the views            (core/console.c)
 *   7. log lock           the hypervisor's log ring                  (core/log.c)
 * EL2 runs with interrupts masked, so a holder is never preempted. Every hold is for bounded work.
 */
#ifndef BULKHEAD_LOCK_H
#define BULKHEAD_LOCK_H

#include <bulkhead/arch.h>
#include <stdint.h>

/* Little-endian: `next` is the upper half of `both`. */
struct lock {
    union {
        struct {
            uint16_t owner;
            uint16_t next;
        };
        uint32_t both;
    };
};

/* Spin until it is `ticket`'s turn; the core's account keeps the longest wait (core/account.c). */
__attribute__((noinline)) void lock_wait(const struct lock *l, uint16_t ticket);

static inline void lock_take(struct lock *l)
{
    uint32_t was = __atomic_fetch_add(&l->both, 1u << 16, __ATOMIC_ACQUIRE); /* next */
    if (__builtin_expect(was >> 16 != (was & UINT16_MAX), 0))
        lock_wait(l, (uint16_t)(was >> 16));
}

static inline void lock_release(struct lock *l)
{
    __atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
}

#endif
