/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"
#include "device.h"

#include <bulkhead/guest_mem.h>

/* Rings are little-endian (virtio 1.2, 1.4), and so are EL2 and the hosts that test this. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rings are accessed without swapping");
_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2, 2.7");
_Static_assert((VIRTQUEUE_MAX & (VIRTQUEUE_MAX - 1)) == 0, "virtio 1.2, 2.7: a power of 2");

enum {
    DESC_F_NEXT = 1, /* virtio 1.2, 2.7.5 */
    DESC_F_WRITE = 2,
    DESC_F_INDIRECT = 4,
    AVAIL_F_NO_INTERRUPT = 1, /* 2.7.6 */
    USED_F_NO_NOTIFY = 1,     /* 2.7.8 */
    /* uint16_t indices into the available ring: flags, idx, ring[], used_event */
    AVAIL_FLAGS = 0,
    AVAIL_IDX = 1,
    AVAIL_RING = 2,
    /* byte offsets in the used ring: flags, idx, ring[] of {id, len}, avail_event */
    USED_FLAGS = 0,
    USED_IDX = 2,
    USED_RING = 4,
    USED_ELEM = 8,
};

static uint16_t load16(const uint16_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store16(uint8_t *p, uint16_t value, int order)
{
    __atomic_store_n((uint16_t *)(void *)p, value, order);
}

static void store32(uint8_t *p, uint32_t value)
{
    __atomic_store_n((uint32_t *)(void *)p, value, __ATOMIC_RELAXED);
}

static struct virtq_desc load_desc(const struct virtq_desc *d)
{
    return (struct virtq_desc){
        .addr = __atomic_load_n(&d->addr, __ATOMIC_RELAXED),
        .len = __atomic_load_n(&d->len, __ATOMIC_RELAXED),
        .flags = load16(&d->flags),
        .next = load16(&d->next),
    };
}

/* A part of the queue: aligned and inside the guest's RAM, else NULL. */
static void *part(const struct vm *vm, uint64_t ipa, uint64_t bytes, uint64_t alignment)
{
    return ipa & (alignment - 1) ? NULL : guest_mem(vm, ipaddr(ipa), bytes);
}

bool virtq_start(struct virtqueue *q, const struct vm *vm, uint64_t features)
{
    uint32_t size = q->size;
    if (size == 0 || size > VIRTQUEUE_MAX || (size & (size - 1)))
        return false;
    /* Sizes and alignments: virtio 1.2, table in 2.7. */
    q->desc = part(vm, q->desc_ipa, 16 * (uint64_t)size, 16);
    q->avail = part(vm, q->avail_ipa, 6 + 2 * (uint64_t)size, 2);
    q->used = part(vm, q->used_ipa, 6 + USED_ELEM * (uint64_t)size, 4);
    if (!q->desc || !q->avail || !q->used)
        return false;
    q->indirect = features & VIRTIO_F_INDIRECT_DESC;
    q->event_idx = features & VIRTIO_F_EVENT_IDX;
    q->mask = (uint16_t)(size - 1);
    q->last_avail = q->used_idx = q->signalled = 0;
    q->ready = true;
    return true;
}

void virtq_stop(struct virtqueue *q)
{
    q->ready = false;
    q->desc = NULL;
    q->avail = NULL;
    q->used = NULL;
}

/* Add one buffer to the chain. NULL, or what is wrong with it. */
static const char *add_segment(const struct vm *vm, const struct virtq_desc *d,
                               struct virtq_chain *chain)
{
    bool writable = d->flags & DESC_F_WRITE;
    unsigned n = chain->nread + chain->nwrite;
    uint8_t *data;

    if (d->len == 0)
        return "a buffer of no bytes";
    data = guest_mem(vm, ipaddr(d->addr), d->len);
    if (!data)
        return "a buffer outside RAM";
    if (!writable && chain->last_byte)
        return "a readable buffer after a writable one"; /* 2.7.4.2 */
    if (writable) {
        chain->last_byte = data + d->len - 1;
        chain->write_bytes += d->len;
    } else {
        chain->read_bytes += d->len;
    }
    if (n == VIRTQ_MAX_SEGMENTS) {
        chain->too_long = true;
        return NULL;
    }
    chain->segments[n] = (struct virtq_segment){data, d->len};
    if (writable)
        chain->nwrite++;
    else
        chain->nread++;
    return NULL;
}

/* The table that an indirect descriptor names: 2.7.5.3. NULL: refused. */
static const struct virtq_desc *indirect_table(const struct virtqueue *q, const struct vm *vm,
                                               const struct virtq_desc *d, uint32_t *count)
{
    if (!q->indirect || (d->flags & DESC_F_NEXT) || d->len == 0 || d->len % 16)
        return NULL;
    *count = d->len / 16;
    return part(vm, d->addr, d->len, _Alignof(struct virtq_desc));
}

/* Walk a chain from its head. NULL, or what is wrong with it. */
static const char *walk(const struct virtqueue *q, const struct vm *vm, struct virtq_chain *chain)
{
    const struct virtq_desc *table = q->desc;
    uint32_t count = q->mask + 1u, index = chain->head;
    bool nested = false;

    while (chain->visited <= VIRTQUEUE_MAX) {
        struct virtq_desc d;
        const char *wrong;

        if (index >= count)
            return "a descriptor index beyond its table";
        d = load_desc(&table[index]);
        chain->visited++;
        if (d.flags & DESC_F_INDIRECT) {
            if (nested)
                return "an indirect table inside an indirect table";
            table = indirect_table(q, vm, &d, &count);
            if (!table)
                return "a bad indirect table";
            nested = true;
            index = 0;
            continue;
        }
        wrong = add_segment(vm, &d, chain);
        if (wrong)
            return wrong;
        if (!(d.flags & DESC_F_NEXT))
            return NULL;
        index = d.next;
    }
    return "a chain longer than the queue";
}

enum virtq_result virtq_take(struct virtqueue *q, const struct vm *vm, struct virtq_chain *chain,
                             const char **why)
{
    /* Acquire: what the driver wrote before it moved the index is seen (2.7.13.3). */
    uint16_t idx = __atomic_load_n(&q->avail[AVAIL_IDX], __ATOMIC_ACQUIRE);
    uint16_t waiting = (uint16_t)(idx - q->last_avail);

    if (waiting == 0)
        return VIRTQ_EMPTY;
    if (waiting > q->mask + 1u) {
        *why = "the available index jumped";
        return VIRTQ_BROKEN;
    }
    chain->head = load16(&q->avail[AVAIL_RING + (q->last_avail & q->mask)]);
    chain->too_long = false;
    chain->visited = chain->nread = chain->nwrite = 0;
    chain->read_bytes = chain->write_bytes = 0;
    chain->last_byte = NULL;
    q->last_avail++;
    *why = walk(q, vm, chain);
    return *why ? VIRTQ_BROKEN : VIRTQ_CHAIN;
}

void virtq_give(struct virtqueue *q, uint16_t head, uint32_t written)
{
    uint8_t *elem = q->used + USED_RING + (size_t)(q->used_idx & q->mask) * USED_ELEM;
    store32(elem, head);
    store32(elem + 4, written);
    q->used_idx++;
    /* Release: the buffers' bytes and the element first (2.7.8.2). */
    store16(q->used + USED_IDX, q->used_idx, __ATOMIC_RELEASE);
}

bool virtq_wants_interrupt(struct virtqueue *q)
{
    uint16_t given = (uint16_t)(q->used_idx - q->signalled), event;
    if (given == 0)
        return false;
    q->signalled = q->used_idx;
    /* The index must be out before the driver's wish is read, or both sides may wait (2.7.7.2). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!q->event_idx)
        return !(load16(&q->avail[AVAIL_FLAGS]) & AVAIL_F_NO_INTERRUPT);
    event = load16(&q->avail[AVAIL_RING + q->mask + 1u]);
    return (uint16_t)(q->used_idx - event - 1) < given;
}

void virtq_ask_notify(struct virtqueue *q, bool on)
{
    if (!q->event_idx)
        store16(q->used + USED_FLAGS, on ? 0 : USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
    else if (on)
        store16(q->used + USED_RING + (q->mask + 1u) * USED_ELEM, q->last_avail, __ATOMIC_RELAXED);
    /* With event_idx, silence is an avail_event left behind. */
    if (on)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
