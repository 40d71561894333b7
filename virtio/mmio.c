/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio over MMIO (virtio 1.2, 4.2), version 2 only: one page of registers for every kind of
 * device. */
#include "device.h"
#include "queue.h"

#include <bulkhead/log.h>
#include <bulkhead/vgic.h>

/* Register offsets: virtio 1.2, table in 4.2.2. */
enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    SHM_LEN_LOW = 0x0b0,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

/* Device status bits: virtio 1.2, 2.1. */
enum {
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    NEEDS_RESET = 64,
    FAILED = 128,
};

enum {
    MAGIC = 0x74726976,  /* "virt" */
    VENDOR = 0x444c4842, /* "BHLD"; any value will do (4.2.2) */
};

bool virtio_running(const struct virtio_device *d)
{
    return (d->status & (DRIVER_OK | NEEDS_RESET | FAILED)) == DRIVER_OK;
}

void virtio_interrupt(struct virtio_device *d, uint32_t bits)
{
    /* The line is "InterruptStatus is not zero" and the guest sees its rising edges: another pulse
     * while the driver has not acknowledged yet would only run its handler for nothing. */
    if (__atomic_fetch_or(&d->interrupt_status, bits, __ATOMIC_SEQ_CST) == 0)
        vgic_pulse(d->vm, d->intid);
}

void virtio_break(struct virtio_device *d, const char *why)
{
    if (d->status & NEEDS_RESET)
        return;
    log_vm(d->vm, "virtio device %u stopped, its driver must reset it: %s",
           d->intid - VGIC_PRIVATE - GUEST_VIRTIO_SPI, why);
    d->status |= NEEDS_RESET;
    if (d->status & DRIVER_OK) /* 2.1.2 */
        virtio_interrupt(d, VIRTIO_INT_CONFIG);
}

/* Requests in flight belong to a past generation from here on. Lock held. */
static bool drop_requests(struct virtio_device *d)
{
    d->generation++;
    return d->ops->reset(d);
}

static bool reset(struct virtio_device *d)
{
    for (unsigned i = 0; i < d->nqueues; i++) {
        struct virtqueue *q = &d->queues[i];
        virtq_stop(q);
        q->size = 0;
        q->desc_ipa = q->avail_ipa = q->used_ipa = 0;
    }
    d->status = 0;
    d->driver_features = 0;
    d->device_features_sel = d->driver_features_sel = d->queue_sel = 0;
    __atomic_store_n(&d->interrupt_status, 0, __ATOMIC_SEQ_CST);
    return drop_requests(d);
}

bool virtio_device_reset(struct virtio_device *d)
{
    bool quiet;
    lock_take(&d->lock);
    quiet = reset(d);
    lock_release(&d->lock);
    return quiet;
}

static void write_status(struct virtio_device *d, uint32_t value)
{
    uint32_t added = value & (ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED);
    /* 2.2.2: a selection that was not offered, or without VERSION_1 (6.2), is not accepted. */
    if ((d->driver_features & ~d->offered) || !(d->driver_features & VIRTIO_F_VERSION_1))
        added &= ~(uint32_t)FEATURES_OK;
    /* 3.1.1: features come first. */
    if (!((d->status | added) & FEATURES_OK))
        added &= ~(uint32_t)DRIVER_OK;
    /* Only a reset clears bits (2.1.1). */
    d->status |= added;
}

static void set_low(uint64_t *field, uint32_t value)
{
    *field = (*field & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *field, uint32_t value)
{
    *field = (*field & UINT32_MAX) | (uint64_t)value << 32;
}

static void write_driver_features(struct virtio_device *d, uint32_t value)
{
    /* 2.2.1: fixed once accepted. */
    if (d->status & FEATURES_OK)
        return;
    if (d->driver_features_sel == 0)
        set_low(&d->driver_features, value);
    else if (d->driver_features_sel == 1)
        set_high(&d->driver_features, value);
}

static struct virtqueue *selected(struct virtio_device *d)
{
    return d->queue_sel < d->nqueues ? &d->queues[d->queue_sel] : NULL;
}

static void write_queue_ready(struct virtio_device *d, struct virtqueue *q)
{
    if (!q->ready && (d->status & (FEATURES_OK | NEEDS_RESET)) == FEATURES_OK) {
        if (!virtq_start(q, d->vm, d->driver_features))
            virtio_break(d, "its queue has a bad size, or does not lie in RAM");
    }
}

/* Registers of the selected queue. While it is in use its place and size are fixed (4.2.2.2). */
static void write_queue(struct virtio_device *d, uint32_t offset, uint32_t value)
{
    struct virtqueue *q = selected(d);
    if (!q)
        return;
    if (offset == QUEUE_READY) {
        write_queue_ready(d, q);
        return;
    }
    if (q->ready)
        return;
    switch (offset) {
    case QUEUE_NUM:
        q->size = value;
        break;
    case QUEUE_DESC_LOW:
        set_low(&q->desc_ipa, value);
        break;
    case QUEUE_DESC_HIGH:
        set_high(&q->desc_ipa, value);
        break;
    case QUEUE_DRIVER_LOW:
        set_low(&q->avail_ipa, value);
        break;
    case QUEUE_DRIVER_HIGH:
        set_high(&q->avail_ipa, value);
        break;
    case QUEUE_DEVICE_LOW:
        set_low(&q->used_ipa, value);
        break;
    case QUEUE_DEVICE_HIGH:
        set_high(&q->used_ipa, value);
        break;
    }
}

/*
 * Reset (STATUS) or end of a queue (QUEUE_READY): drivers take both for done when the write is
 * (Linux and U-Boot never read STATUS back), and reuse the memory then. While one of the device's
 * requests is on the card, the guest runs its store again instead of EL2 waiting: its interrupts
 * are taken meanwhile, and the card's turn is bounded.
 */
static bool write_zero(struct virtio_device *d, uint32_t offset)
{
    struct virtqueue *q;
    bool quiet = true;

    lock_take(&d->lock);
    q = selected(d);
    if (offset == STATUS) {
        quiet = reset(d);
    } else if (q) {
        virtq_stop(q);
        quiet = drop_requests(d);
    }
    lock_release(&d->lock);
    return quiet;
}

static void write_register(struct virtio_device *d, uint32_t offset, uint32_t value)
{
    lock_take(&d->lock);
    switch (offset) {
    case DEVICE_FEATURES_SEL:
        d->device_features_sel = value;
        break;
    case DRIVER_FEATURES:
        write_driver_features(d, value);
        break;
    case DRIVER_FEATURES_SEL:
        d->driver_features_sel = value;
        break;
    case QUEUE_SEL:
        d->queue_sel = value;
        break;
    case STATUS:
        write_status(d, value);
        break;
    default: /* a queue's; read-only and reserved ones are ignored */
        write_queue(d, offset, value);
        break;
    }
    lock_release(&d->lock);
}

/* Registers that never change, or that selectors choose. */
static uint32_t read_register(struct virtio_device *d, uint32_t offset)
{
    const struct virtqueue *q = selected(d);
    switch (offset) {
    case MAGIC_VALUE:
        return MAGIC;
    case VERSION:
        return 2;
    case DEVICE_ID:
        return d->ops->device_id;
    case VENDOR_ID:
        return VENDOR;
    case DEVICE_FEATURES:
        return d->device_features_sel < 2 ? (uint32_t)(d->offered >> 32 * d->device_features_sel)
                                          : 0;
    case QUEUE_NUM_MAX:
        return q ? VIRTQUEUE_MAX : 0;
    case QUEUE_READY:
        return q && q->ready;
    case STATUS:
        return d->status;
    default:
        /* 4.2.2: a shared memory region that does not exist has length and base of all ones. */
        if (offset >= SHM_LEN_LOW && offset <= SHM_BASE_HIGH)
            return UINT32_MAX;
        return 0; /* write-only, reserved; ConfigGeneration, as no configuration ever changes */
    }
}

static uint32_t read_locked(struct virtio_device *d, uint32_t offset)
{
    uint32_t value;
    lock_take(&d->lock);
    value = read_register(d, offset);
    lock_release(&d->lock);
    return value;
}

/* Fields of a device's configuration have natural sizes, 64-bit ones come in halves (4.2.2.2). */
static bool config_access(struct virtio_device *d, uint32_t offset, struct mmio_access *a)
{
    if (a->size > 4 || (offset & (a->size - 1u)))
        return false;
    if (a->write)
        return true; /* none of our devices has a writable field */
    lock_take(&d->lock);
    a->value =
        offset + a->size <= d->ops->config_bytes ? d->ops->config_read(d, offset, a->size) : 0;
    lock_release(&d->lock);
    return true;
}

bool virtio_mmio_access(struct vcpu *vcpu, void *device, struct mmio_access *a)
{
    struct virtio_device *d = device;
    (void)vcpu;

    if (a->offset >= CONFIG)
        return config_access(d, a->offset - CONFIG, a);
    if (a->size != 4 || (a->offset & 3)) /* 4.2.2.2 */
        return false;
    if (a->write) {
        uint32_t value = (uint32_t)a->value;
        if (a->offset == QUEUE_NOTIFY) {
            if (value < d->nqueues)
                d->ops->notify(d, value);
        } else if (a->offset == VIRTIO_INTERRUPT_ACK) {
            __atomic_fetch_and(&d->interrupt_status, ~value, __ATOMIC_SEQ_CST);
        } else if (value == 0 && (a->offset == STATUS || a->offset == QUEUE_READY)) {
            a->retry = !write_zero(d, a->offset);
        } else {
            write_register(d, a->offset, value);
        }
    } else if (a->offset == VIRTIO_INTERRUPT_STATUS) {
        a->value = __atomic_load_n(&d->interrupt_status, __ATOMIC_SEQ_CST);
    } else {
        a->value = read_locked(d, a->offset);
    }
    return true;
}
