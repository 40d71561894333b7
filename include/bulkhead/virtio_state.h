/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio/'s own fields, in a header because a VM holds its devices (vm.h). Nobody else reads them.
 */
#ifndef BULKHEAD_VIRTIO_STATE_H
#define BULKHEAD_VIRTIO_STATE_H

#include <bulkhead/block.h>
#include <bulkhead/lock.h>
#include <bulkhead/types.h>

struct vm;
struct virtio_device;
struct virtq_desc;

enum {
    VIRTQUEUE_MAX = 64,      /* QueueNumMax; bounds the walk of one chain */
    VIRTIO_BLK_SLOTS = 16,   /* requests of one disk inside the block layer */
    VIRTIO_BLK_ID_BYTES = 20 /* virtio 1.2, 5.2.6 */
};

/* A split virtqueue (virtio 1.2, 2.7). All under the device's lock. */
struct virtqueue {
    uint64_t desc_ipa, avail_ipa, used_ipa; /* as the driver wrote them */
    uint32_t size;                          /* QueueNum as written; checked by QueueReady */
    bool ready;
    /* Below: valid while ready. The rings as EL2 sees them, checked when the queue was made ready.
     */
    bool indirect, event_idx; /* negotiated */
    const struct virtq_desc *desc;
    const uint16_t *avail; /* flags, idx, ring[size], used_event */
    uint8_t *used;         /* flags, idx, {id, len}[size], avail_event */
    uint16_t mask;         /* size - 1 */
    uint16_t last_avail;   /* next entry of the available ring to take */
    uint16_t used_idx;     /* our own copy: the guest's is never read back */
    uint16_t signalled;    /* used_idx when the driver was last considered for an interrupt */
};

/* What a kind of device adds to the transport. */
struct virtio_ops {
    uint32_t device_id; /* virtio 1.2, chapter 5 */
    uint64_t features;  /* offered beyond the transport's own; a device may offer less (offered) */
    /* Device configuration space; offset and size lie within config_bytes. Device lock held. */
    uint32_t config_bytes;
    uint64_t (*config_read)(const struct virtio_device *device, uint32_t offset, uint32_t size);
    /* Device goes back to its initial state or a queue stops: drop what is in flight. False: some
     * of it may still touch the guest's memory; to be asked again. Device lock held. */
    bool (*reset)(struct virtio_device *device);
    /* The driver notified queue `index`; no lock held. */
    void (*notify)(struct virtio_device *device, unsigned index);
};

struct virtio_device {
    struct lock lock;
    struct vm *vm; /* NULL: no such device */
    const struct virtio_ops *ops;
    struct virtqueue *queues;
    uint32_t nqueues;
    uint16_t intid; /* edge */
    uint64_t offered, driver_features;
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint32_t status;           /* virtio 1.2, 2.1 */
    uint32_t interrupt_status; /* atomic: acknowledged without the lock */
    uint32_t generation; /* counts resets and queue stops; what was in flight before is dropped */
};

/* A request on its way through the block layer. */
struct virtio_blk_slot {
    struct block_request request;
    uint8_t *status;     /* where the guest wants the status byte */
    uint32_t generation; /* the device's when it was taken */
    uint32_t written;    /* bytes to report in the used ring when it succeeds */
    uint16_t head;
};

struct virtio_blk {
    struct virtio_device device; /* first: the transport's handle */
    struct virtqueue queue;
    uint64_t first, sectors; /* of the partition on the card */
    bool read_only;
    bool pumping; /* a core is taking up requests */
    bool more;    /* atomic: EVENT_VIRTIO shall go on */
    uint32_t
        busy; /* bit i: slot i is in the block layer, until done() came, whatever the guest did */
    char serial[VIRTIO_BLK_ID_BYTES];
    struct virtio_blk_slot slots[VIRTIO_BLK_SLOTS];
};

#endif
