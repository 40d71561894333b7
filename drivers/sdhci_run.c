/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns. Each stay does a bounded piece of work (a few blocks by programmed I/O) and leaves; the
 * next comes by interrupt, or by the timer when nothing happens. Everything runs on the core that
 * has the turn.
 */
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <drivers/sdhci_regs.h>
#include <string.h>

enum {
    STALL_US =
        1500000,      /* without progress. Physical Layer 4.6.2: a block is written within 500 ms */
    DMA_US = 1900000, /* by DMA nothing is heard of the blocks, up to 128 of them */
    TRY_US = 10000000, /* all of one try */
    GRACE_US = 100,    /* after a late interrupt was served */
    STAY_STEPS = 8,    /* a stay: with as many blocks about 8,500 instructions */
    COPY_STEPS = 16,   /* a stay that copies: 8 KiB of a bounce buffer, about 5,000 instructions */
    SLOW_STEPS = 8,    /* of these, for a block that is copied byte by byte: 2,600 instructions */
    COPY_US = 1,       /* until the next of these: the guest has its turn, too */
    BOUNCE_BYTES = BLOCK_TURN_SECTORS * SECTOR_SIZE,
    ADMA_BYTES = 32 << 10, /* a descriptor; 64 KiB would be written as 0 (1.13.4) */
};

/* 32-bit address descriptor (1.13.3, table 1-9) */
struct adma2 {
    uint16_t attributes;
    uint16_t bytes;
    uint32_t address;
};
enum { ADMA_VALID = 1 << 0, ADMA_END = 1 << 1, ADMA_TRANSFER = 2 << 4 };

/* The only memory the controller is ever pointed at: never a guest's page. Whole cache lines. */
static uint8_t bounce[BOUNCE_BYTES] __attribute__((aligned(64)));
static struct adma2 table[8] __attribute__((aligned(64)));

static bool reachable(const struct sdhci *h, const void *object, size_t bytes)
{
    uint64_t pa = image_paddr(object).v, bus = pa + h->board.dma_offset;
    const struct range *dma = &h->board.dma;
    if (dma->size && (pa < dma->base || pa + bytes > dma->base + dma->size))
        return false;
    return bus + bytes <= GIB(4);
}

static void fill_table(struct sdhci *h, uint32_t bytes)
{
    uint32_t address = (uint32_t)(image_paddr(bounce).v + h->board.dma_offset);
    unsigned i = 0;
    for (; bytes; i++) {
        uint32_t n = MIN(bytes, (uint32_t)ADMA_BYTES);
        bytes -= n;
        table[i] = (struct adma2){ADMA_VALID | ADMA_TRANSFER, (uint16_t)n, address};
        address += n;
    }
    table[i - 1].attributes |= ADMA_END;
    cache_clean(table, sizeof(table));
}

/* ---- Time ---- */

void sdhci_wait(struct sdhci *h, enum sdhci_state state, uint64_t us)
{
    h->state = state;
    h->deadline = time_now() + ticks_from_us(us);
    h->late = false;
    timer_arm(&h->timer, h->deadline);
}

/* Progress, and the next within `us`. It only moves the deadline: the timer finds out when it
 * fires. */
static void progress(struct sdhci *h, uint64_t us)
{
    uint64_t now = time_now();
    h->deadline = MIN(now + ticks_from_us(us), h->limit);
    if (h->deadline > now)
        h->late = false;
}

void sdhci_finish(struct sdhci *h, enum block_status status)
{
    timer_cancel(&h->timer);
    sdhci_write(h, SDHCI_SIGNAL_ENABLE, 0);
    h->state = SDHCI_IDLE;
    h->r = NULL;
    block_turn_done(status);
}

/* ---- One try ---- */

static bool is_read(const struct sdhci *h)
{
    return h->r->op == BLOCK_READ;
}

static void prepare_dma(struct sdhci *h)
{
    uint32_t bytes = h->count * SECTOR_SIZE;
    if (is_read(h))
        cache_invalidate(bounce, bytes); /* no dirty line may be written back over what comes */
    fill_table(h, bytes);
    dma_barrier();
    sdhci_write(h, SDHCI_ADMA_ADDRESS, (uint32_t)(image_paddr(table).v + h->board.dma_offset));
}

static void command(struct sdhci *h)
{
    unsigned mode = MODE_COUNT, index;
    uint32_t argument = (uint32_t)(h->block_addressed ? h->sector : h->sector * SECTOR_SIZE);
    if (is_read(h))
        index = h->count > 1 ? READ_MULTIPLE_BLOCK : READ_SINGLE_BLOCK;
    else
        index = h->count > 1 ? WRITE_MULTIPLE_BLOCK : WRITE_BLOCK;
    if (is_read(h))
        mode |= MODE_READ;
    if (h->count > 1)
        mode |= MODE_MULTI | MODE_AUTO_CMD12;
    if (h->adma) {
        mode |= MODE_DMA;
        prepare_dma(h);
    }
    sdhci_write(h, SDHCI_BLOCK, h->count << 16 | SECTOR_SIZE);
    sdhci_wait(h, SDHCI_COMMAND, STALL_US);
    sdhci_send(h, index, argument, RESPONSE_R1 | COMMAND_DATA, mode);
    sdhci_write(h, SDHCI_SIGNAL_ENABLE, INT_USED);
}

/* A block between `side` and the request, and what it counts in a stay. */
static unsigned copy_block(struct sdhci *h, uint8_t *side)
{
    void *there = block_piece(h->r, SECTOR_SIZE);
    bool in = is_read(h);
    if (there)
        memcpy(in ? there : side, in ? side : there, SECTOR_SIZE);
    else if (in)
        block_copy_in(h->r, side, SECTOR_SIZE);
    else
        block_copy_out(h->r, side, SECTOR_SIZE);
    return there ? 1 : SLOW_STEPS;
}

/* Between bounce buffer and guest: a part of it in each stay. Before a write, after a read. */
static void copy(struct sdhci *h)
{
    uint8_t *from = bounce + h->moved * SECTOR_SIZE, *to = from;
    for (unsigned steps = 0; steps < COPY_STEPS && h->moved < h->count; h->moved++) {
        steps += copy_block(h, to);
        to += SECTOR_SIZE;
    }
    if (!is_read(h))
        cache_clean(from, (size_t)(to - from));
    if (h->moved < h->count)
        sdhci_wait(h, SDHCI_COPY, COPY_US);
    else if (is_read(h))
        sdhci_finish(h, BLOCK_OK);
    else
        command(h);
}

void sdhci_try(struct sdhci *h)
{
    h->tries++;
    h->error = NULL;
    h->moved = 0;
    h->limit = time_now() + ticks_from_us(TRY_US);
    block_rewind(h->r);
    if (sdhci_read(h, SDHCI_PRESENT) & (PRESENT_CMD_INHIBIT | PRESENT_DAT_INHIBIT))
        sdhci_failed(h, "the bus stays busy");
    else if (h->adma && !is_read(h))
        copy(h);
    else
        command(h);
}

static void start(void *device, struct block_request *r, uint64_t sector, uint32_t count)
{
    struct sdhci *h = device;
    h->r = r;
    h->sector = sector;
    h->count = count;
    h->tries = 0;
    h->silent = false;
    h->unanswered = 0;
    if (h->dead || (r->op == BLOCK_WRITE && h->write_protected))
        sdhci_finish(h, BLOCK_IO_ERROR);
    else if (r->op == BLOCK_FLUSH)
        sdhci_flush(h);
    else
        sdhci_try(h);
}

/* ---- Steps ---- */

typedef uint32_t __attribute__((may_alias)) data_word;

/* All programmed I/O goes through here, a block at a time (2.2.9: Buffer Data Port). */
static __attribute__((noinline)) void move_block(struct sdhci *h, data_word *words)
{
    if (is_read(h)) {
        for (unsigned i = 0; i < SECTOR_SIZE / 4; i++)
            words[i] = sdhci_read(h, SDHCI_BUFFER);
    } else {
        for (unsigned i = 0; i < SECTOR_SIZE / 4; i++)
            sdhci_write(h, SDHCI_BUFFER, words[i]);
    }
}

/* False: it went byte by byte, which is enough for a stay. */
static bool block_by_cpu(struct sdhci *h)
{
    data_word *there = block_piece(h->r, SECTOR_SIZE);
    uint32_t words[SECTOR_SIZE / 4];
    h->moved++;
    if (there) {
        move_block(h, there);
        return true;
    }
    if (is_read(h)) {
        move_block(h, words);
        block_copy_in(h->r, words, sizeof(words));
    } else {
        block_copy_out(h->r, words, sizeof(words));
        move_block(h, words);
    }
    progress(h, STALL_US);
    return false;
}

static void transferred(struct sdhci *h)
{
    /* 2.2.7: Auto CMD12's response is in the last word. */
    uint32_t stop = h->count > 1 ? sdhci_read(h, SDHCI_RESPONSE + 12) : 0;
    if (stop & status_errors & ~(1u << 31)) { /* out of range: reading ahead past the last block */
        sdhci_failed(h, "the card reports an error at the stop");
        return;
    }
    if (!h->adma && h->moved < h->count) {
        sdhci_failed(h, "the transfer ended early");
        return;
    }
    h->silent_turns = 0;
    if (h->adma && is_read(h)) {
        uint32_t bytes = h->count * SECTOR_SIZE;
        sdhci_write(h, SDHCI_SIGNAL_ENABLE, 0);
        dma_barrier();
        cache_invalidate(bounce, bytes); /* and what was speculated in meanwhile */
        copy(h);
    } else {
        sdhci_finish(h, BLOCK_OK);
    }
}

/* A step of a transfer: first errors, then the response, one block, the end. False: no further step
 * in this stay; after the end the driver may be another core's already. */
static bool step(struct sdhci *h, uint32_t status)
{
    bool quick = true;
    uint32_t ready = is_read(h) ? INT_READ_READY : INT_WRITE_READY;
    if (status & INT_TRANSFER) /* table 2-20: the transfer's end came first */
        status &= ~(uint32_t)INT_DATA_TIMEOUT;
    if (status & INT_ERRORS) {
        sdhci_failed(h, sdhci_error_text(status));
        return false;
    }
    if (h->state == SDHCI_COMMAND && (status & (INT_COMMAND | ready | INT_TRANSFER))) {
        uint32_t card = sdhci_read(h, SDHCI_RESPONSE);
        if (card & status_errors) {
            bool forbidden = card & status_wp_violation;
            sdhci_failed(h, forbidden ? "write-protected" : "the card refuses the command");
            return false;
        }
        h->state = SDHCI_DATA;
        progress(h, h->adma ? DMA_US : STALL_US);
    }
    if (h->state == SDHCI_DATA && (status & ready) && !h->adma && h->moved < h->count)
        quick = block_by_cpu(h);
    if (h->state == SDHCI_DATA && (status & INT_TRANSFER)) {
        transferred(h);
        return false;
    }
    return quick;
}

/* False: the controller has nothing to say. If it has more to say than fits in a stay its interrupt
 * stays up. */
static bool serve(struct sdhci *h)
{
    uint32_t before = h->moved;
    unsigned steps = 0;
    for (; steps < STAY_STEPS; steps++) {
        uint32_t status = sdhci_read(h, SDHCI_INT_STATUS) & INT_USED;
        if (!status)
            break;
        /* Before the data: the next block sets its bit anew. */
        sdhci_write(h, SDHCI_INT_STATUS, status);
        if (h->state != SDHCI_COMMAND && h->state != SDHCI_DATA) {
            if (h->state != SDHCI_IDLE)
                sdhci_recover_interrupt(h, status);
            return true;
        }
        if (!step(h, status))
            return true;
    }
    if (h->moved != before)
        progress(h, STALL_US);
    return steps > 0;
}

static void interrupt(void *device)
{
    serve(device);
}

static bool waits_for_interrupt(const struct sdhci *h)
{
    return h->state != SDHCI_RESET && h->state != SDHCI_SETTLING && h->state != SDHCI_COPY;
}

/* A core that was held up finds its timer and the controller's interrupt due at once: that counts,
 * but once only, or words without progress would go on for ever. */
static void expired(void *device)
{
    struct sdhci *h = device;
    if (h->state == SDHCI_IDLE)
        return;
    if (time_now() < h->deadline) {
        timer_arm(&h->timer, h->deadline);
        return;
    }
    if (waits_for_interrupt(h) && !h->late) {
        h->late = true;
        /* First: serving may end the turn, and then the driver is another core's. */
        timer_arm(&h->timer, time_now() + ticks_from_us(GRACE_US));
        if (serve(h))
            return;
    }
    if (h->state == SDHCI_COPY)
        copy(h);
    else if (h->state == SDHCI_COMMAND || h->state == SDHCI_DATA)
        sdhci_failed(h, "the transfer stands still");
    else
        sdhci_recover_expired(h);
}

static void poll(void *device)
{
    struct sdhci *h = device;
    serve(h);
    if (h->timer.armed && time_now() >= h->timer.deadline) {
        timer_cancel(&h->timer);
        expired(h);
    }
}

void sdhci_run_init(struct sdhci *h)
{
    timer_init(&h->timer, expired, h);
    h->adma = (h->capabilities & CAPS_ADMA2) && reachable(h, bounce, sizeof(bounce)) &&
              reachable(h, table, sizeof(table));
    if (h->adma)
        sdhci_write(h, SDHCI_HOST_CONTROL, sdhci_read(h, SDHCI_HOST_CONTROL) | HOST_ADMA2_32);
    h->driver.device = h;
    h->driver.intid = h->board.intid;
    h->driver.start = start;
    h->driver.interrupt = interrupt;
    h->driver.poll = poll;
}
