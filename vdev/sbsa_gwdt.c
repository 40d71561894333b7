/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's watchdog: the Generic Watchdog of Arm's SBSA (DEN 0029B, appendix A). Not fed for one
 * period it raises its interrupt (WS0), for a second one it ends the VM (WS1). It counts the
 * VM's virtual time, which stands while the VM is paused.
 *
 * Its timer lives on the VM's first core and is late rather than moved: a refresh only changes what
 * it finds when it runs out. Only what brings the end nearer on another core asks that core.
 */
#include <bulkhead/cpu.h>
#include <bulkhead/vdev.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>
#include <stdio.h>

/* DEN 0029B A.3: the control frame, then the refresh frame. */
enum {
    WCS = 0x000,
    WOR = 0x008,
    WCV_LOW = 0x010,
    WCV_HIGH = 0x014,
    WRR = SBSA_GWDT_FRAME,
    WCS_EN = 1 << 0,
    WCS_WS0 = 1 << 1,
    INTID = VGIC_PRIVATE + GUEST_GWDT_SPI,
};

static const uint64_t FAR = UINT64_C(1) << 40; /* ticks: some hours */

static void set_ws0(struct sbsa_gwdt *w, bool ws0)
{
    if (w->ws0 == ws0)
        return;
    w->ws0 = ws0;
    vgic_set_level(w->vm, INTID, ws0);
}

static uint64_t count_now(const struct sbsa_gwdt *w)
{
    return time_now() - w->vm->cntvoff;
}

/* When the period ends; what is far away is looked at again before. */
static uint64_t deadline(const struct sbsa_gwdt *w)
{
    uint64_t count = count_now(w);
    return time_now() + (w->compare > count ? MIN(w->compare - count, FAR) : 0);
}

/* The first core's timer runs out no later than it has to. Lock held. */
static void keep_time(struct sbsa_gwdt *w)
{
    unsigned cpu = w->vm->vcpus[0].cpu;

    if (!w->enabled || deadline(w) >= w->alarm)
        return;
    if (cpu != cpu_this()) {
        cpu_post(cpu, EVENT_WATCHDOG);
        return;
    }
    w->alarm = deadline(w);
    timer_arm(&w->timer, w->alarm);
}

void sbsa_gwdt_run_event(struct sbsa_gwdt *w)
{
    lock_take(&w->lock);
    keep_time(w);
    lock_release(&w->lock);
}

/* One period over. True: it was the second. Lock held. */
static bool period_over(struct sbsa_gwdt *w)
{
    if (w->ws0) {
        w->enabled = false;
        return true;
    }
    w->compare = count_now(w) + w->offset;
    set_ws0(w, true);
    return false;
}

static void expired(void *context)
{
    struct sbsa_gwdt *w = context;
    char text[64];
    bool bites;

    lock_take(&w->lock);
    w->alarm = UINT64_MAX;
    /* While paused its time stands; sbsa_gwdt_run_event() goes on. */
    if (__atomic_load_n(&w->vm->state, __ATOMIC_ACQUIRE) != VM_RUNNING) {
        lock_release(&w->lock);
        return;
    }
    bites = w->enabled && count_now(w) >= w->compare && period_over(w);
    keep_time(w);
    lock_release(&w->lock);
    if (!bites)
        return;
    snprintf(text, sizeof(text), "its watchdog was not fed for %u s",
             (unsigned)(2 * (uint64_t)w->offset / time_hz()));
    vm_end(w->vm, VM_END_WATCHDOG, text);
}

void sbsa_gwdt_reset(struct sbsa_gwdt *w, struct vm *vm)
{
    timer_cancel(&w->timer);
    *w = (struct sbsa_gwdt){.vm = vm, .alarm = UINT64_MAX};
    timer_init(&w->timer, expired, w);
}

static uint32_t read_register(const struct sbsa_gwdt *w, uint32_t offset)
{
    switch (offset) {
    case WCS:
        return (w->enabled ? WCS_EN : 0) | (w->ws0 ? WCS_WS0 : 0);
    case WOR:
        return w->offset;
    case WCV_LOW:
        return (uint32_t)w->compare;
    case WCV_HIGH:
        return (uint32_t)(w->compare >> 32);
    default:
        return 0; /* W_IIDR too: architecture version 0, a WOR of 32 bits */
    }
}

/* A.2: a write of WRR, WCS or WOR is a refresh. */
static void write_register(struct sbsa_gwdt *w, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case WCV_LOW:
        w->compare = (w->compare >> 32 << 32) | value;
        return;
    case WCV_HIGH:
        w->compare = (uint64_t)value << 32 | (uint32_t)w->compare;
        return;
    case WCS:
        w->enabled = value & WCS_EN;
        break;
    case WOR:
        w->offset = value;
        break;
    case WRR:
        break;
    default:
        return;
    }
    w->compare = count_now(w) + w->offset;
    set_ws0(w, false);
}

bool sbsa_gwdt_access(struct vcpu *vcpu, void *device, struct mmio_access *a)
{
    struct sbsa_gwdt *w = device;

    (void)vcpu;
    if (a->size != 4 || a->offset % 4)
        return false;
    lock_take(&w->lock);
    if (a->write) {
        write_register(w, a->offset, (uint32_t)a->value);
        keep_time(w);
    } else {
        a->value = read_register(w, a->offset);
    }
    lock_release(&w->lock);
    return true;
}
