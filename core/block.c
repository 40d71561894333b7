/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One card, many VMs. At any time at most one client has the turn; the core that submitted its
 * request drives the controller, so a VM's transfers cost its own cores only. Turns go round the
 * clients that wait.
 *
 *   TURN_NONE -> TURN_GIVEN (to a client and a core, told by EVENT_BLOCK) -> TURN_RUNNING ->
 * block_turn_done()
 */
#include <bulkhead/arch.h>
#include <bulkhead/block.h>
#include <bulkhead/cpu.h>
#include <bulkhead/lock.h>
#include <bulkhead/log.h>
#include <string.h>

enum turn { TURN_NONE, TURN_GIVEN, TURN_RUNNING };

struct client {
    struct block_request *head, *tail;
    struct block_stats stats;
    unsigned calling; /* cores that are in a done() */
    uint8_t waiting;  /* bit n: core n waits for a cancelled request, or for a done() */
};

enum { NOBODY = MAX_CPUS, BOOT_LIMIT_S = 120 };

/* Under the lock, but for `driver`, which is set at boot. */
static struct {
    struct lock lock;
    const struct block_driver *driver;
    enum turn turn;
    unsigned client, cpu;    /* who has the turn, or had it last */
    struct block_request *r; /* the turn's */
    uint32_t count;          /* sectors of this turn */
    bool cancelled;          /* the running turn's request is not wanted any more */
    unsigned routed;         /* where the controller's interrupt goes */
    struct client clients[MAX_VMS];
} card = {.routed = NOBODY};

/* Each core's own: a driver call of this core is on the stack. */
static bool inside[MAX_CPUS];

/* ---- Segments ---- */

static void copy(struct block_request *r, uint8_t *card_side, uint32_t bytes, bool in)
{
    while (bytes && r->segment < r->nsegments) {
        struct block_segment *s = &r->segments[r->segment];
        uint32_t n = MIN(bytes, s->bytes - r->segment_offset);
        if (in)
            memcpy(s->data + r->segment_offset, card_side, n);
        else
            memcpy(card_side, s->data + r->segment_offset, n);
        card_side += n;
        bytes -= n;
        r->segment_offset += n;
        if (r->segment_offset == s->bytes) {
            r->segment++;
            r->segment_offset = 0;
        }
    }
}

void *block_piece(struct block_request *r, uint32_t bytes)
{
    struct block_segment *s = &r->segments[r->segment];
    uint8_t *at;
    if (r->segment >= r->nsegments || s->bytes - r->segment_offset < bytes)
        return NULL;
    at = s->data + r->segment_offset;
    if ((uintptr_t)at & (sizeof(uint64_t) - 1))
        return NULL;
    r->segment_offset += bytes;
    if (r->segment_offset == s->bytes) {
        r->segment++;
        r->segment_offset = 0;
    }
    return at;
}

void block_copy_in(struct block_request *r, const void *from, uint32_t bytes)
{
    copy(r, (uint8_t *)(uintptr_t)from, bytes, true); /* only read */
}

void block_copy_out(struct block_request *r, void *to, uint32_t bytes)
{
    copy(r, to, bytes, false);
}

void block_rewind(struct block_request *r)
{
    r->segment = r->turn_segment;
    r->segment_offset = r->turn_segment_offset;
}

/* ---- Turns ---- */

/* Lock held. The next client that waits, after the one that had the last turn. */
static void give_turn(void)
{
    card.turn = TURN_NONE;
    for (unsigned i = 1; i <= MAX_VMS; i++) {
        unsigned client = (card.client + i) % MAX_VMS;
        struct block_request *r = card.clients[client].head;
        if (r) {
            card.turn = TURN_GIVEN;
            card.client = client;
            card.cpu = r->cpu;
            card.r = r;
            card.count = MIN(r->sectors - r->done_sectors, (uint32_t)BLOCK_TURN_SECTORS);
            return;
        }
    }
}

/* Lock held. Tell the core that has been given the turn, if it is not the one that is here. */
static void tell(void)
{
    if (card.turn == TURN_GIVEN && card.cpu != cpu_this())
        cpu_post(card.cpu, EVENT_BLOCK);
}

static bool is_mine(enum turn turn)
{
    lock_take(&card.lock);
    bool mine = card.turn == turn && card.cpu == cpu_this();
    lock_release(&card.lock);
    return mine;
}

static void start_turn(void)
{
    struct block_request *r = card.r;
    if (card.routed != card.cpu) {
        irq_route(card.driver->intid, card.cpu);
        card.routed = card.cpu;
    }
    irq_unmask(card.driver->intid);
    r->turn_segment = r->segment;
    r->turn_segment_offset = r->segment_offset;
    card.driver->start(card.driver->device, r, r->sector + r->done_sectors, card.count);
}

static bool claim(void)
{
    lock_take(&card.lock);
    bool mine = card.turn == TURN_GIVEN && card.cpu == cpu_this();
    if (mine) {
        card.turn = TURN_RUNNING;
        card.clients[card.client].stats.turns++;
    }
    lock_release(&card.lock);
    return mine;
}

/* Run one turn if this core has it. A turn that ends at once (a dead card) must not keep the core
 * here: the next one comes by an event, after the guest has had a chance to run. */
static void run(void)
{
    unsigned cpu = cpu_this();
    if (inside[cpu])
        return;
    if (!claim())
        return; /* who gives it to this core later tells it */
    inside[cpu] = true;
    start_turn();
    inside[cpu] = false;
    if (is_mine(TURN_GIVEN))
        cpu_post(cpu, EVENT_BLOCK);
}

/* Lock held. Book what the turn did. Returns the request if it is complete. */
static struct block_request *book(enum block_status status)
{
    struct client *c = &card.clients[card.client];
    struct block_request *r = card.r;
    uint64_t bytes = (uint64_t)card.count * SECTOR_SIZE;
    r->done_sectors += card.count;
    if (status != BLOCK_OK)
        c->stats.errors++;
    else if (r->op == BLOCK_READ)
        c->stats.bytes_read += bytes;
    else if (r->op == BLOCK_WRITE)
        c->stats.bytes_written += bytes;
    if (status == BLOCK_OK && r->done_sectors < r->sectors)
        return NULL;
    c->head = r->next;
    if (!c->head)
        c->tail = NULL;
    return r;
}

/* ---- Boot: one request, polled ---- */

static enum { BOOT_IDLE, BOOT_PENDING, BOOT_OK, BOOT_FAILED } boot;

static bool boot_turn(struct block_request *r, uint64_t sector, uint32_t count)
{
    const struct block_driver *d = card.driver;
    uint64_t limit = time_now() + BOOT_LIMIT_S * time_hz();
    r->turn_segment = r->segment;
    r->turn_segment_offset = r->segment_offset;
    boot = BOOT_PENDING;
    d->start(d->device, r, sector, count);
    while (boot == BOOT_PENDING && time_now() < limit)
        d->poll(d->device);
    CHECK(boot != BOOT_PENDING); /* the driver is bounded by itself */
    bool ok = boot == BOOT_OK;
    boot = BOOT_IDLE;
    return ok;
}

bool block_boot_io(enum block_op op, uint64_t sector, uint32_t sectors, void *buffer)
{
    static struct block_request r;
    if (!card.driver || sector > card.driver->sectors || sectors > card.driver->sectors - sector)
        return false;
    r = (struct block_request){.op = op, .sector = sector, .sectors = sectors, .nsegments = 1};
    r.segments[0] = (struct block_segment){buffer, sectors * SECTOR_SIZE};
    while (r.done_sectors < sectors) {
        uint32_t count = MIN(sectors - r.done_sectors, (uint32_t)BLOCK_TURN_SECTORS);
        if (!boot_turn(&r, sector + r.done_sectors, count))
            return false;
        r.done_sectors += count;
    }
    return true;
}

/* ---- What others call ---- */

/* Lock held. */
static void tell_waiting(struct client *c)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (c->waiting >> cpu & 1)
            cpu_post(cpu, EVENT_VM);
    c->waiting = 0;
}

/* done() runs without the lock; until it is over block_cancel() does not say that it is. */
static void call_done(struct client *c, struct block_request *r, enum block_status status)
{
    r->done(r, status);
    lock_take(&card.lock);
    c->calling--;
    tell_waiting(c);
    lock_release(&card.lock);
}

void block_turn_done(enum block_status status)
{
    struct block_request *complete;
    struct client *c;
    if (boot == BOOT_PENDING) {
        boot = status == BLOCK_OK ? BOOT_OK : BOOT_FAILED;
        return;
    }
    irq_mask(card.driver->intid);
    lock_take(&card.lock);
    CHECK(card.turn == TURN_RUNNING && card.cpu == cpu_this());
    c = &card.clients[card.client];
    complete = card.cancelled ? NULL : book(status);
    if (complete)
        c->calling++;
    if (card.cancelled)
        tell_waiting(c);
    card.cancelled = false;
    give_turn();
    tell();
    lock_release(&card.lock);
    if (complete)
        call_done(c, complete, status);
    run();
}

static bool is_sound(const struct block_request *r)
{
    uint64_t bytes = 0;
    if (r->nsegments > BLOCK_MAX_SEGMENTS)
        return false;
    for (unsigned i = 0; i < r->nsegments; i++)
        bytes += r->segments[i].bytes;
    if (r->op == BLOCK_FLUSH)
        return r->sectors == 0;
    return r->sectors && bytes == (uint64_t)r->sectors * SECTOR_SIZE &&
           r->sector < card.driver->sectors && r->sectors <= card.driver->sectors - r->sector;
}

void block_submit(unsigned client, struct block_request *r)
{
    CHECK(client < MAX_VMS);
    struct client *c = &card.clients[client];
    r->next = NULL;
    r->done_sectors = 0;
    r->segment = r->segment_offset = 0;
    r->cpu = cpu_this();
    if (!card.driver || !is_sound(r)) {
        r->done(r, BLOCK_IO_ERROR);
        return;
    }
    lock_take(&card.lock);
    c->stats.requests++;
    if (c->tail)
        c->tail->next = r;
    else
        c->head = r;
    c->tail = r;
    if (card.turn == TURN_NONE)
        give_turn();
    lock_release(&card.lock);
    run();
}

/* Lock held. Take the client's requests of this context out of its queue. */
static void unlink_requests(struct client *c, const void *context)
{
    struct block_request **link = &c->head;

    c->tail = NULL;
    while (*link) {
        if ((*link)->context == context) {
            *link = (*link)->next;
        } else {
            c->tail = *link;
            link = &(*link)->next;
        }
    }
}

bool block_cancel(unsigned client, const void *context)
{
    CHECK(client < MAX_VMS);
    struct client *c = &card.clients[client];
    bool mine, busy;

    lock_take(&card.lock);
    unlink_requests(c, context);
    mine = card.turn != TURN_NONE && card.client == client && card.r->context == context;
    if (mine && card.turn == TURN_GIVEN) {
        give_turn();
        if (card.turn == TURN_GIVEN) /* may be this very core's */
            cpu_post(card.cpu, EVENT_BLOCK);
    }
    mine = mine && card.turn == TURN_RUNNING;
    card.cancelled |= mine;
    busy = mine || c->calling;
    if (busy)
        c->waiting |= (uint8_t)(1u << cpu_this());
    lock_release(&card.lock);
    return !busy;
}

void block_run_event(void)
{
    run();
}

static void interrupt(void *unused)
{
    (void)unused;
    if (is_mine(TURN_RUNNING))
        card.driver->interrupt(card.driver->device);
}

void block_init(const struct block_driver *driver)
{
    card.driver = driver;
    card.routed = NOBODY;
    if (driver && !irq_attach(driver->intid, interrupt, NULL)) {
        log_line("SD card: its interrupt %u cannot be attached", driver->intid);
        card.driver = NULL;
    }
}

void block_stats(unsigned client, struct block_stats *out)
{
    lock_take(&card.lock);
    *out = card.clients[client].stats;
    lock_release(&card.lock);
}

uint64_t block_capacity(void)
{
    return card.driver ? card.driver->sectors : 0;
}
