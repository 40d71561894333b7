/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EL1 physical timer (Arm ARM D11.2) for a guest: no stock kernel of ours uses it while the
 * virtual timer is there, U-Boot and test kernels may. CNTHCTL_EL2.EL1PCEN=0 traps its registers
 * here; CNTPCT_EL0 doesn't trap.
 */
#include <bulkhead/timer.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>

#include "trap.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 }; /* CNTP_CTL_EL0 */

/* One a core: a vCPU is pinned, and only its own core comes here. */
static struct ptimer {
    struct timer timer;
    uint64_t cval;
    uint32_t ctl;
} ptimers[MAX_CPUS];

static bool condition_met(const struct ptimer *p)
{
    return (p->ctl & CTL_ENABLE) && time_now() >= p->cval;
}

/* The line follows the condition; while it is in the future, wait for it. */
static void update(struct vcpu *vcpu)
{
    struct ptimer *p = &ptimers[vcpu->cpu];
    bool met = condition_met(p);
    vgic_set_private_level(vcpu, INTID_PTIMER, met && !(p->ctl & CTL_IMASK));
    if ((p->ctl & CTL_ENABLE) && !met)
        timer_arm(&p->timer, p->cval);
    else
        timer_cancel(&p->timer);
}

static void expired(void *context)
{
    update(context);
}

void ptimer_reset(struct vcpu *vcpu)
{
    struct ptimer *p = &ptimers[vcpu->cpu];
    timer_cancel(&p->timer);
    *p = (struct ptimer){0};
    timer_init(&p->timer, expired, vcpu);
    vgic_set_private_level(vcpu, INTID_PTIMER, false);
}

uint64_t ptimer_read(struct vcpu *vcpu, enum ptimer_register r)
{
    const struct ptimer *p = &ptimers[vcpu->cpu];
    switch (r) {
    case PTIMER_TVAL:
        return (uint32_t)(p->cval - time_now());
    case PTIMER_CTL:
        return p->ctl | (condition_met(p) ? CTL_ISTATUS : 0);
    case PTIMER_CVAL:
        return p->cval;
    }
    return 0;
}

void ptimer_write(struct vcpu *vcpu, enum ptimer_register r, uint64_t value)
{
    struct ptimer *p = &ptimers[vcpu->cpu];
    switch (r) {
    case PTIMER_TVAL: /* a signed 32-bit distance (D11.2.4) */
        p->cval = time_now() + (uint64_t)(int64_t)(int32_t)(uint32_t)value;
        break;
    case PTIMER_CTL:
        p->ctl = value & (CTL_ENABLE | CTL_IMASK);
        break;
    case PTIMER_CVAL:
        p->cval = value;
        break;
    }
    update(vcpu);
}
