/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linked to a test that uses vgic_rig.c, this makes it take the fast paths first, as the board
 * does, and holds them to their word each time: refused means nothing changed; answered means that
 * the general path, from the same state, would have answered the same and left the same state.
 */
#include "unit.h"

#include "vgic_rig.h"

#include "../../vgic/internal.h"

#include <bulkhead/hot.h>
#include <fake/fake.h>

unsigned long rig_hot_answers;
unsigned rig_hot_every = 3;
static unsigned turn;

/* What the paths can change. */
struct world {
    struct vgic gic;
    struct vgic_cpu cpus[MAX_CPUS];
    struct fake_gich gich[MAX_CPUS];
    unsigned posted[MAX_CPUS], posts;
};

static void keep(struct world *w)
{
    w->gic = rig_vm.gic;
    for (unsigned n = 0; n < MAX_CPUS; n++)
        w->cpus[n] = rig_vm.vcpus[n].gic;
    memcpy(w->gich, fake_gich, sizeof(w->gich));
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        w->posted[cpu] = fake_posted[cpu];
    w->posts = rig_posts;
}

static void go_back(const struct world *w)
{
    rig_vm.gic = w->gic;
    for (unsigned n = 0; n < MAX_CPUS; n++)
        rig_vm.vcpus[n].gic = w->cpus[n];
    memcpy(fake_gich, w->gich, sizeof(w->gich));
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        fake_posted[cpu] = w->posted[cpu];
    rig_posts = w->posts;
}

static void assert_unchanged(const struct world *before)
{
    static struct world now;
    keep(&now);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        now.gich[cpu].lr_reads = before->gich[cpu].lr_reads;
    assert_int_equal(now.gic.lock.next, now.gic.lock.owner);
    now.gic.lock = before->gic.lock; /* tickets of a free lock mean nothing */
    assert_memory_equal(&now, before, sizeof(now));
}

/* An interrupt's list register, wherever it is. */
static uint32_t lr_of(const struct world *w, unsigned n, unsigned id)
{
    unsigned i = w->cpus[n].lr_of[id];
    uint32_t lr = i == VGIC_NO_LR ? 0 : w->gich[rig_core(n)].lr[i];
    return lr & (LR_STATE | LR_EOI) ? lr : 0;
}

#define SAME(field) assert_memory_equal(&(a->field), &(b->field), sizeof(a->field))

static void assert_same_vcpu(const struct world *wa, const struct world *wb, unsigned n)
{
    const struct vgic_cpu *a = &wa->cpus[n], *b = &wb->cpus[n];
    SAME(bank);
    SAME(priority);
    SAME(sgi_sources);
    SAME(hcr);
    SAME(active_priority);
    SAME(overflow);
    SAME(waiting);
    SAME(sgi_inbox);
    SAME(posted);
    SAME(todo_private);
    SAME(todo);
    SAME(unpend);
    SAME(unactive);
    assert_int_equal(wa->posted[rig_core(n)], wb->posted[rig_core(n)]);
    assert_memory_equal(wa->gich[rig_core(n)].ppi, wb->gich[rig_core(n)].ppi,
                        sizeof(wa->gich[0].ppi));
    for (unsigned id = 0; id < VGIC_INTIDS; id++) {
        uint32_t lr = lr_of(wa, n, id);
        assert_int_equal(lr, lr_of(wb, n, id));
        if (!(lr & LR_STATE))
            continue;
        assert_int_equal(a->lr_latched >> a->lr_of[id] & 1, b->lr_latched >> b->lr_of[id] & 1);
        if (id < VGIC_SGIS)
            assert_int_equal(a->sgi_last[id], b->sgi_last[id]);
    }
}

/* The fast path has answered: `general` must lead from `before` to where it led. Which of both goes
 * on takes turns. */
static void agree(const struct world *before, void (*general)(unsigned n, void *context),
                  unsigned n, void *context)
{
    static struct world hot, full;
    keep(&hot);
    go_back(before);
    general(n, context);
    keep(&full);
    for (unsigned i = 0; i < rig_vm.nvcpus; i++)
        assert_same_vcpu(&hot, &full, i);
    assert_int_equal(hot.gic.lock.next, hot.gic.lock.owner);
    hot.gic.lock = full.gic.lock;
    assert_memory_equal(&hot.gic, &full.gic, sizeof(hot.gic));
    if (rig_hot_answers++ % 2)
        go_back(&hot);
}

static void access_general(unsigned n, void *context)
{
    struct mmio_access *a = context;
    assert_true(vgic_distributor_access(&rig_vm.vcpus[n], &rig_vm.gic, a));
    assert_false(a->retry);
}

bool rig_hot_access(unsigned n, struct mmio_access *a)
{
    static struct world before;
    struct mmio_access again = *a;
    uint64_t answer;
    bool check = turn++ % rig_hot_every == 0;
    if (a->size != 4)
        return false;
    if (check)
        keep(&before);
    answer = a->write ? hot_gicd_write(&rig_vm.vcpus[n], a->offset, (uint32_t)a->value)
                      : hot_gicd_read(&rig_vm.vcpus[n], a->offset);
    if (answer == HOT_NO) {
        if (check)
            assert_unchanged(&before);
        return false;
    }
    again.value = answer;
    if (check) {
        again.value = a->value;
        agree(&before, access_general, n, &again);
    }
    if (!a->write)
        assert_int_equal(answer, again.value);
    *a = again;
    return true;
}

static void event_general(unsigned n, void *context)
{
    (void)context;
    vgic_run_event(&rig_vm.vcpus[n]);
}

bool rig_hot_receive(unsigned n)
{
    static struct world before;
    keep(&before);
    if (rig_vm.vcpus[n].gic.posted || !rig_vm.vcpus[n].gic.running)
        return false; /* not by SGI_VGIC alone; not from a guest */
    if (hot_sgi_receive(&rig_vm.vcpus[n]) == HOT_NO) {
        assert_unchanged(&before);
        return false;
    }
    agree(&before, event_general, n, NULL);
    return true;
}

static void timer_general(unsigned n, void *context)
{
    (void)context;
    vgic_vtimer_fired(&rig_vm.vcpus[n]);
}

/* As hot.S does it. */
bool rig_hot_timer(unsigned n)
{
    static struct world before;
    const struct vgic_cpu *c = &rig_vm.vcpus[n].gic;
    keep(&before);
    if (!c->timer_lr || (gich_read_lr(c->timer_at / 4) & LR_STATE))
        return false;
    gich_write_lr(c->timer_at / 4, c->timer_lr);
    agree(&before, timer_general, n, NULL);
    return true;
}

static void pulse_general(unsigned n, void *context)
{
    unsigned id = *(unsigned *)context;
    lock_take(&rig_vm.gic.lock);
    rig_vm.gic.bank[id / 32].pending |= bit_of(id);
    vgic_notify(&rig_vm, id / 32, bit_of(id));
    lock_release(&rig_vm.gic.lock);
    vgic_finish(&rig_vm.vcpus[n]);
}

bool rig_hot_pulse(unsigned n, unsigned id)
{
    static struct world before;
    const struct vgic_cpu *c = &rig_vm.vcpus[n].gic;
    uint32_t pending, active;
    bool answered;
    keep(&before);
    lock_take(&rig_vm.gic.lock);
    answered = vgic_again(&rig_vm.vcpus[n], id);
    lock_release(&rig_vm.gic.lock);
    if (!answered) {
        assert_unchanged(&before);
        return false;
    }
    pending = c->seen_pending[id / 32];
    active = c->seen_active[id / 32];
    assert_true(c->held[id / 32] & bit_of(id));
    agree(&before, pulse_general, n, &id);
    assert_int_equal(c->seen_pending[id / 32], pending);
    assert_int_equal(c->seen_active[id / 32], active);
    assert_true(c->held[id / 32] & bit_of(id));
    return true;
}
