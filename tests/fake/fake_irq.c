/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <string.h>

struct fake_irq fake_irqs[FAKE_INTIDS];

void fake_irq_reset(void)
{
    memset(fake_irqs, 0, sizeof(fake_irqs));
}

__attribute__((weak)) bool irq_attach(unsigned intid, void (*handler)(void *), void *context)
{
    if (intid >= FAKE_INTIDS)
        return false;
    fake_irqs[intid] = (struct fake_irq){.handler = handler, .context = context};
    return true;
}

__attribute__((weak)) void irq_route(unsigned intid, unsigned cpu)
{
    fake_irqs[intid].cpu = cpu;
    fake_irqs[intid].routes++;
}

__attribute__((weak)) void irq_unmask(unsigned intid)
{
    fake_irqs[intid].unmasked = true;
    fake_irqs[intid].unmasks++;
}

__attribute__((weak)) void irq_mask(unsigned intid)
{
    fake_irqs[intid].unmasked = false;
    fake_irqs[intid].masks++;
}

__attribute__((weak)) void irq_set_pending(unsigned intid, bool pending)
{
    fake_irqs[intid].pending = pending;
}

__attribute__((weak)) void irq_set_active(unsigned intid, bool active)
{
    fake_irqs[intid].active = active;
}

__attribute__((weak)) bool irq_is_pending(unsigned intid)
{
    return fake_irqs[intid].pending;
}

__attribute__((weak)) bool fake_irq_raise(unsigned intid)
{
    struct fake_irq *irq = &fake_irqs[intid];
    unsigned before = fake_cpu;
    if (!irq->handler || !irq->unmasked)
        return false;
    fake_cpu = irq->cpu;
    irq->handler(irq->context);
    fake_cpu = before;
    return true;
}
