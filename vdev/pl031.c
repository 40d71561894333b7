/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guests' real time clock, a PrimeCell PL031 (Arm DDI 0224B). There is one wall clock for all
 * of them: it begins at the hypervisor's build, runs on over restarts of VMs, and is set by a VM
 * that has that right. There is no alarm: the interrupt is not connected.
 */
#include <bulkhead/vdev.h>
#include <bulkhead/vm.h>

/* Register offsets: DDI 0224B table 3-1. */
enum { DR = 0x000, LR = 0x008, CR = 0x00c, PERIPH_ID0 = 0xfe0 };

/* 3.3.9 (part 0x031, designer 0x41, revision 0) and 3.3.10. */
static const uint8_t ids[8] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/* Seconds since 1970 when the counter was 0; atomic. */
static uint32_t origin;

static uint32_t seconds_up(void)
{
    return (uint32_t)(time_now() / time_hz());
}

void pl031_set(uint32_t seconds)
{
    __atomic_store_n(&origin, seconds - seconds_up(), __ATOMIC_RELAXED);
}

static uint32_t read_register(uint32_t offset)
{
    if (offset == DR || offset == LR)
        return __atomic_load_n(&origin, __ATOMIC_RELAXED) + seconds_up();
    if (offset == CR)
        return 1; /* started; can't be stopped */
    return offset >= PERIPH_ID0 ? ids[(offset - PERIPH_ID0) / 4] : 0;
}

bool pl031_access(struct vcpu *vcpu, void *device, struct mmio_access *a)
{
    (void)device;
    if (a->size != 4 || a->offset % 4)
        return false;
    if (!a->write)
        a->value = read_register(a->offset);
    else if (a->offset == LR && vcpu->vm->config->sets_clock)
        pl031_set((uint32_t)a->value);
    return true;
}
