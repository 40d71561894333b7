/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (virtio 1.2, 2.7), the device's side. Every address and length comes from the
 * guest and goes through guest_mem(); the guest may change any byte at any moment, so each field is
 * loaded once. All calls: a core of the VM, the device's lock held.
 */
#ifndef BULKHEAD_VIRTIO_QUEUE_H
#define BULKHEAD_VIRTIO_QUEUE_H

#include <bulkhead/types.h>
#include <bulkhead/virtio.h>

/* virtio 1.2, 2.7.5. */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

enum {
    /* A header, a status byte and as many data segments as a block request holds. */
    VIRTQ_MAX_SEGMENTS = BLOCK_MAX_SEGMENTS + 2,
};

struct virtq_segment {
    uint8_t *data;
    uint32_t bytes;
};

/* One taken chain: readable segments first, then writable ones. */
struct virtq_chain {
    uint16_t head;
    bool too_long;    /* more segments than fit below: those after are only checked and counted */
    unsigned visited; /* descriptors read */
    unsigned nread, nwrite;
    uint64_t read_bytes, write_bytes;
    uint8_t *last_byte; /* the very last writable one, NULL if none */
    struct virtq_segment segments[VIRTQ_MAX_SEGMENTS];
};

enum virtq_result { VIRTQ_EMPTY, VIRTQ_CHAIN, VIRTQ_BROKEN };

/* The driver set QueueReady: check sizes, alignments and places. False: refused, the queue stays
 * unready. */
bool virtq_start(struct virtqueue *q, const struct vm *vm, uint64_t features);
void virtq_stop(struct virtqueue *q);
/* Take the next available chain. VIRTQ_BROKEN: `why` says what the driver did; take no more from
 * it. At most VIRTQUEUE_MAX + 1 descriptors are read. */
enum virtq_result virtq_take(struct virtqueue *q, const struct vm *vm, struct virtq_chain *chain,
                             const char **why);
/* Give a chain back; `written` bytes from the start of its writable part are valid. */
void virtq_give(struct virtqueue *q, uint16_t head, uint32_t written);
/* Does the driver want an interrupt for what was given since the last such question? */
bool virtq_wants_interrupt(struct virtqueue *q);
/* Ask for, or spare, notifications. After asking, look into the ring once more: the driver may have
 * been faster. */
void virtq_ask_notify(struct virtqueue *q, bool on);

#endif
