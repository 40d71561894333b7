/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk (virtio 1.2, 5.2): a partition of the card as a VM's disk. */
#include "device.h"
#include "queue.h"

#include <bulkhead/cpu.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>
#include <string.h>

/* Feature bits: 5.2.3. */
#define BLK_F_SEG_MAX  ((uint64_t)1 << 2)
#define BLK_F_RO       ((uint64_t)1 << 5)
#define BLK_F_BLK_SIZE ((uint64_t)1 << 6)
#define BLK_F_FLUSH    ((uint64_t)1 << 9)

enum {
    DEVICE_ID_BLOCK = 2, /* chapter 5 */
    /* Request types and results: 5.2.6. */
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_GET_ID = 8,
    S_OK = 0,
    S_IOERR = 1,
    S_UNSUPP = 2,
    HEADER_BYTES = 16,
    /* struct virtio_blk_config: 5.2.4. */
    CONFIG_CAPACITY_LOW = 0,
    CONFIG_CAPACITY_HIGH = 4,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_BYTES = 60,
    SEG_MAX =
        32, /* pages of one request; with room to spare in BLOCK_MAX_SEGMENTS for odd layouts */
    /* One exit's work, in descriptors read; a chain costs CHAIN_COST more for what is done with it.
     */
    EXIT_BUDGET = 32,
    CHAIN_COST = 4,
};

_Static_assert((int)SEG_MAX <= (int)BLOCK_MAX_SEGMENTS, "every request that keeps to SEG_MAX fits");
_Static_assert(VIRTIO_BLK_SLOTS < 32, "slots are bits of virtio_blk.busy");

/* What becomes of a chain: handed to the block layer, or answered at once with an S_ value. */
enum { SUBMIT = -1 };

struct header { /* 5.2.6 */
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* Segments of a chain from byte `skip` of a run of them, as data of a request. False: too many. */
static bool take_data(struct block_request *r, const struct virtq_segment *from, unsigned n,
                      uint64_t skip, uint64_t bytes)
{
    r->nsegments = 0;
    for (unsigned i = 0; i < n && bytes; i++) {
        uint64_t here = from[i].bytes;
        if (skip >= here) {
            skip -= here;
            continue;
        }
        if (r->nsegments == BLOCK_MAX_SEGMENTS)
            return false;
        here = MIN(here - skip, bytes);
        r->segments[r->nsegments++] = (struct block_segment){from[i].data + skip, (uint32_t)here};
        bytes -= here;
        skip = 0;
    }
    return bytes == 0;
}

/* The first readable bytes, wherever the driver cut them (2.7.4.1). The guest may write them
 * meanwhile: after the fence only our copy is used. */
static void read_header(const struct virtq_chain *chain, struct header *header)
{
    uint8_t *to = (uint8_t *)header;
    size_t left = HEADER_BYTES;
    for (unsigned i = 0; i < chain->nread && left; i++) {
        size_t n = MIN((size_t)chain->segments[i].bytes, left);
        memcpy(to, chain->segments[i].data, n);
        to += n;
        left -= n;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* A read or write: what of the disk, and where in the guest's RAM. */
static int prepare_io(const struct virtio_blk *blk, const struct virtq_chain *chain, bool write,
                      uint64_t sector, struct virtio_blk_slot *slot)
{
    struct block_request *r = &slot->request;
    const struct virtq_segment *from = chain->segments + (write ? 0 : chain->nread);
    uint64_t bytes = write ? chain->read_bytes - HEADER_BYTES : chain->write_bytes - 1;

    if (write && blk->read_only)
        return S_IOERR; /* 5.2.6.2 */
    if (bytes == 0 || bytes % SECTOR_SIZE)
        return S_IOERR;
    if (sector > blk->sectors || bytes / SECTOR_SIZE > blk->sectors - sector)
        return S_IOERR;
    if (!take_data(r, from, write ? chain->nread : chain->nwrite, write ? HEADER_BYTES : 0, bytes))
        return S_IOERR;
    r->op = write ? BLOCK_WRITE : BLOCK_READ;
    r->sector = blk->first + sector;
    r->sectors = (uint32_t)(bytes / SECTOR_SIZE);
    /* The used length counts a status byte too; it cannot say more than 32 bits do. */
    slot->written = write ? 1 : (uint32_t)MIN(chain->write_bytes, UINT32_MAX);
    return SUBMIT;
}

static int get_id(const struct virtio_blk *blk, const struct virtq_chain *chain, uint32_t *written)
{
    uint64_t room = chain->write_bytes - 1;
    size_t left = MIN(room, (uint64_t)VIRTIO_BLK_ID_BYTES);
    const char *from = blk->serial;

    for (unsigned i = chain->nread; i < chain->nread + chain->nwrite && left; i++) {
        size_t n = MIN((size_t)chain->segments[i].bytes, left);
        memcpy(chain->segments[i].data, from, n);
        from += n;
        left -= n;
    }
    *written = room <= VIRTIO_BLK_ID_BYTES ? (uint32_t)room + 1 : VIRTIO_BLK_ID_BYTES;
    return S_OK;
}

/* Decode a chain that has a header and a status byte. SUBMIT: `slot` is filled in; else the answer.
 */
static int prepare(struct virtio_blk *blk, const struct virtq_chain *chain,
                   struct virtio_blk_slot *slot)
{
    struct header header;
    read_header(chain, &header);
    slot->written = chain->write_bytes == 1;
    switch (header.type) {
    case T_IN:
    case T_OUT:
        return prepare_io(blk, chain, header.type == T_OUT, header.sector, slot);
    case T_FLUSH:
        slot->request.op = BLOCK_FLUSH;
        slot->request.sector = blk->first;
        slot->request.sectors = 0;
        slot->request.nsegments = 0;
        return SUBMIT;
    case T_GET_ID:
        return chain->too_long ? S_IOERR : get_id(blk, chain, &slot->written);
    default:
        return S_UNSUPP; /* 5.2.6.2 */
    }
}

/* Answer a chain. Lock held. */
static void answer(struct virtio_blk *blk, uint16_t head, uint8_t *status, int result,
                   uint32_t written)
{
    __atomic_store_n(status, (uint8_t)result, __ATOMIC_RELAXED);
    virtq_give(&blk->queue, head, written);
}

/* Take up one chain. True: go on; *slot is to be submitted if not NULL. Lock held. */
static bool take_chain(struct virtio_blk *blk, struct virtio_blk_slot *slot, unsigned *cost,
                       bool *submit)
{
    struct virtq_chain chain;
    const char *why;
    int result;

    *submit = false;
    switch (virtq_take(&blk->queue, blk->device.vm, &chain, &why)) {
    case VIRTQ_EMPTY:
        return false;
    case VIRTQ_BROKEN:
        virtio_break(&blk->device, why);
        return false;
    case VIRTQ_CHAIN:
        break;
    }
    *cost = chain.visited + CHAIN_COST;
    if (chain.read_bytes < HEADER_BYTES || !chain.last_byte) {
        virtio_break(&blk->device, "a request without header or status byte");
        return false;
    }
    result = prepare(blk, &chain, slot);
    if (result != SUBMIT) {
        answer(blk, chain.head, chain.last_byte, result, slot->written);
        return true;
    }
    slot->head = chain.head;
    slot->status = chain.last_byte;
    slot->generation = blk->device.generation;
    *submit = true;
    return true;
}

/* The next request for the block layer, NULL: nothing to submit now. Lock held. */
static struct virtio_blk_slot *next_request(struct virtio_blk *blk, unsigned *budget)
{
    bool asked = false;
    while (virtio_running(&blk->device) && blk->queue.ready && *budget) {
        uint32_t idle = ~blk->busy & ((1u << VIRTIO_BLK_SLOTS) - 1);
        unsigned i, cost = 1;
        bool submit;
        if (!idle) { /* a completion takes up the rest, without the driver's help */
            virtq_ask_notify(&blk->queue, false);
            return NULL;
        }
        i = (unsigned)__builtin_ctz(idle);
        if (!take_chain(blk, &blk->slots[i], &cost, &submit)) {
            if (asked || !virtio_running(&blk->device))
                return NULL;
            virtq_ask_notify(&blk->queue, true);
            asked = true;
            continue;
        }
        asked = false;
        *budget -= MIN(*budget, cost);
        if (submit) {
            blk->busy |= 1u << i;
            return &blk->slots[i];
        }
    }
    return NULL;
}

/* Take up what the ring holds, as far as slots and one exit's budget go. Lock held; released. */
static void pump(struct virtio_blk *blk)
{
    struct virtio_device *d = &blk->device;
    unsigned budget = EXIT_BUDGET;

    /* block_submit() may complete at once and come here again: whoever is in the loop looks once
     * more. */
    if (!blk->pumping) {
        struct virtio_blk_slot *slot;
        blk->pumping = true;
        while ((slot = next_request(blk, &budget))) {
            lock_release(&d->lock);
            block_submit(d->vm->id, &slot->request);
            lock_take(&d->lock);
        }
        blk->pumping = false;
    }
    /* Under the lock: after a reset nothing may set InterruptStatus. */
    if (virtio_running(d) && blk->queue.ready && virtq_wants_interrupt(&blk->queue))
        virtio_interrupt(d, VIRTIO_INT_USED);
    lock_release(&d->lock);
    if (budget == 0) { /* the guest may run before the rest is looked at */
        __atomic_store_n(&blk->more, true, __ATOMIC_RELEASE);
        cpu_post(cpu_this(), EVENT_VIRTIO);
    }
}

void virtio_run_event(struct vcpu *vcpu)
{
    struct virtio_blk *first = NULL;
    for (unsigned i = 0; i < MAX_DISKS; i++) {
        struct virtio_blk *blk = &vcpu->vm->disks[i];
        if (first && __atomic_load_n(&blk->more, __ATOMIC_RELAXED)) { /* another stay */
            cpu_post(cpu_this(), EVENT_VIRTIO);
            break;
        }
        if (!first && __atomic_exchange_n(&blk->more, false, __ATOMIC_ACQUIRE))
            first = blk;
    }
    if (first) {
        lock_take(&first->device.lock);
        pump(first);
    }
}

/* The block layer is through with a request. */
static void done(struct block_request *request, enum block_status status)
{
    struct virtio_blk *blk = request->context;
    struct virtio_blk_slot *slot = (struct virtio_blk_slot *)request;
    struct virtio_device *d = &blk->device;
    bool ok = status == BLOCK_OK;

    lock_take(&d->lock);
    /* After a reset, or a stopped queue, nobody waits for the answer and its places are not ours
     * any more. */
    if (slot->generation == d->generation && virtio_running(d)) {
        /* A failed read promises nothing about its buffers. */
        uint32_t written = ok || slot->written <= 1 ? slot->written : 0;
        answer(blk, slot->head, slot->status, ok ? S_OK : S_IOERR, written);
    }
    blk->busy &= ~(1u << (unsigned)(slot - blk->slots));
    pump(blk);
}

static void notify(struct virtio_device *device, unsigned index)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    (void)index;
    lock_take(&device->lock);
    pump(blk);
}

/* While another core is in pump() it may be about to submit one more. */
static bool reset(struct virtio_device *device)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;

    if (!block_cancel(device->vm->id, blk) || blk->pumping)
        return false;
    blk->busy = 0;
    return true;
}

static uint64_t config_read(const struct virtio_device *device, uint32_t offset, uint32_t size)
{
    const struct virtio_blk *blk = (const struct virtio_blk *)device;
    uint32_t word = 0;
    switch (offset & ~3u) {
    case CONFIG_CAPACITY_LOW:
        word = (uint32_t)blk->sectors;
        break;
    case CONFIG_CAPACITY_HIGH:
        word = (uint32_t)(blk->sectors >> 32);
        break;
    case CONFIG_SEG_MAX:
        word = SEG_MAX;
        break;
    case CONFIG_BLK_SIZE:
        word = SECTOR_SIZE;
        break;
    }
    word >>= 8 * (offset & 3);
    return size == 4 ? word : word & ((1u << 8 * size) - 1);
}

static const struct virtio_ops blk_ops = {
    .device_id = DEVICE_ID_BLOCK,
    .config_bytes = CONFIG_BYTES,
    .config_read = config_read,
    .reset = reset,
    .notify = notify,
};

void virtio_blk_init(struct virtio_blk *blk, struct vm *vm, unsigned slot, const char *serial,
                     uint64_t first, uint64_t sectors, bool read_only)
{
    struct virtio_device *d = &blk->device;
    memset(blk, 0, sizeof(*blk));
    d->vm = vm;
    d->ops = &blk_ops;
    d->queues = &blk->queue;
    d->nqueues = 1;
    d->intid = (uint16_t)(VGIC_PRIVATE + GUEST_VIRTIO_SPI + slot);
    d->offered = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | BLK_F_SEG_MAX |
                 BLK_F_BLK_SIZE | BLK_F_FLUSH | (read_only ? BLK_F_RO : 0);
    blk->first = first;
    blk->sectors = sectors;
    blk->read_only = read_only;
    /* Not ended by a NUL if all are used (5.2.6). */
    memcpy(blk->serial, serial, MIN(strlen(serial), sizeof(blk->serial)));
    for (unsigned i = 0; i < VIRTIO_BLK_SLOTS; i++) {
        blk->slots[i].request.done = done;
        blk->slots[i].request.context = blk;
    }
}

bool virtio_blk_reset(struct virtio_blk *blk)
{
    return virtio_device_reset(&blk->device);
}
