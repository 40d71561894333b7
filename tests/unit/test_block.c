// sources: core/block.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_irq.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns on the card: fair, on the right core, in order; with a driver that does as the test says.
 */
#include <bulkhead/block.h>
#include <bulkhead/cpu.h>
#include <fake/fake.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 1 << 20, INTID = 158 };

/* ---- A driver that keeps its turn until the test ends it ---- */

struct turn {
    struct block_request *r;
    uint64_t sector;
    uint32_t count;
    unsigned cpu;
};

static struct turn now; /* r == NULL: idle */
static unsigned turns, interrupts;
static bool at_once; /* fail before start() returns */
static unsigned depth, deepest;

static void start(void *device, struct block_request *r, uint64_t sector, uint32_t count)
{
    (void)device;
    assert_null(now.r);
    assert_true(count <= BLOCK_TURN_SECTORS);
    now = (struct turn){r, sector, count, fake_cpu};
    turns++;
    depth++;
    deepest = MAX(deepest, depth);
    if (at_once) {
        now.r = NULL;
        block_turn_done(BLOCK_IO_ERROR);
    }
    depth--;
}

static void end_turn(enum block_status status)
{
    fake_cpu = now.cpu;
    now.r = NULL;
    block_turn_done(status);
}

static void interrupt(void *device)
{
    (void)device;
    interrupts++;
}

static void poll(void *device)
{
    (void)device;
    end_turn(BLOCK_OK);
}

static const struct block_driver driver = {
    .sectors = CAPACITY, .intid = INTID, .start = start, .interrupt = interrupt, .poll = poll};

/* ---- Requests ---- */

struct request {
    struct block_request r;
    unsigned calls, cpu, order, client;
    enum block_status status;
    bool again; /* submit once more when done */
};

static unsigned completions;
static uint8_t bytes[4096 * 512];

static void done(struct block_request *r, enum block_status status)
{
    struct request *q = (struct request *)r;
    q->calls++;
    q->status = status;
    q->cpu = fake_cpu;
    q->order = ++completions;
    if (q->again)
        block_submit(q->client, r);
}

static struct block_request *make(struct request *q, enum block_op op, uint64_t sector,
                                  uint32_t sectors)
{
    *q = (struct request){.r = {.op = op, .sector = sector, .sectors = sectors, .done = done}};
    q->r.nsegments = sectors ? 1 : 0;
    q->r.segments[0] = (struct block_segment){bytes, sectors * 512};
    return &q->r;
}

static void submit(struct request *q, unsigned client, unsigned cpu)
{
    q->client = client;
    fake_cpu = cpu;
    block_submit(client, &q->r);
}

/* Every core that was told runs its event. */
static void run_events(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (fake_posted[cpu] & EVENT_BLOCK) {
            fake_posted[cpu] = 0;
            fake_cpu = cpu;
            block_run_event();
        }
    }
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_irq_reset();
    fake_log_reset();
    now.r = NULL;
    turns = interrupts = completions = depth = deepest = 0;
    at_once = false;
    for (unsigned i = 0; i < MAX_VMS; i++)
        block_cancel(i, NULL);
    memset(fake_posted, 0, sizeof(fake_posted));
    block_init(&driver);
    return 0;
}

/* ---- Tests ---- */

static void test_cut_into_turns(void **state)
{
    struct request q;
    (void)state;
    make(&q, BLOCK_READ, 1000, 300);
    submit(&q, 0, 1);
    assert_int_equal(now.sector, 1000);
    assert_int_equal(now.count, 128);
    end_turn(BLOCK_OK);
    assert_int_equal(now.sector, 1128);
    end_turn(BLOCK_OK);
    assert_int_equal(now.sector, 1256);
    assert_int_equal(now.count, 44);
    assert_int_equal(q.calls, 0);
    end_turn(BLOCK_OK);
    assert_int_equal(q.calls, 1);
    assert_int_equal(q.status, BLOCK_OK);
    assert_null(now.r);
    assert_false(fake_irqs[INTID].unmasked);
}

static void test_error_ends_the_request(void **state)
{
    struct request q;
    (void)state;
    make(&q, BLOCK_READ, 1000, 300);
    submit(&q, 0, 1);
    end_turn(BLOCK_IO_ERROR);
    assert_int_equal(q.calls, 1);
    assert_int_equal(q.status, BLOCK_IO_ERROR);
    assert_null(now.r);
}

static void test_refuses_what_is_not_sound(void **state)
{
    static const struct {
        enum block_op op;
        uint64_t sector;
        uint32_t sectors, bytes;
    } bad[] = {
        {BLOCK_READ, CAPACITY, 1, 512},
        {BLOCK_READ, CAPACITY - 1, 2, 1024},
        {BLOCK_READ, UINT64_MAX, 1, 512},
        {BLOCK_WRITE, UINT64_MAX - 1, 3, 1536},
        {BLOCK_READ, 0, 0, 0},
        {BLOCK_WRITE, 0, 2, 1023},
        {BLOCK_WRITE, 0, 2, 1025},
        {BLOCK_FLUSH, 0, 1, 512},
        {BLOCK_READ, 0, UINT32_MAX, 0xfffffe00},
    };
    struct request q;
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        make(&q, bad[i].op, bad[i].sector, bad[i].sectors);
        q.r.segments[0].bytes = bad[i].bytes;
        submit(&q, 0, 0);
        assert_int_equal(q.calls, 1);
        assert_int_equal(q.status, BLOCK_IO_ERROR);
    }
    make(&q, BLOCK_READ, 0, 1);
    q.r.nsegments = BLOCK_MAX_SEGMENTS + 1;
    submit(&q, 0, 0);
    assert_int_equal(q.status, BLOCK_IO_ERROR);
    assert_int_equal(turns, 0);
}

static void test_no_card(void **state)
{
    struct request q;
    (void)state;
    block_init(NULL);
    make(&q, BLOCK_READ, 0, 1);
    submit(&q, 0, 0);
    assert_int_equal(q.status, BLOCK_IO_ERROR);
    assert_int_equal(block_capacity(), 0);
    assert_false(block_boot_io(BLOCK_READ, 0, 1, bytes));
}

/* Two clients that always have something: every second turn each, whatever the sizes of their
 * requests. */
static void test_turns_alternate(void **state)
{
    static struct request a[4], b[2];
    unsigned of_a = 0, last = 2;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        make(&a[i], BLOCK_READ, i, 1)->nsegments = 1;
        a[i].again = true;
        submit(&a[i], 0, i & 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        make(&b[i], BLOCK_WRITE, 5000, 4096);
        b[i].again = true;
        submit(&b[i], 1, 2 + i);
    }
    for (unsigned i = 0; i < 1000; i++) {
        assert_non_null(now.r);
        unsigned client = ((struct request *)now.r)->client;
        assert_int_equal(now.cpu, now.r->cpu);
        assert_int_not_equal(client, last);
        last = client;
        of_a += client == 0;
        end_turn(BLOCK_OK);
        run_events();
    }
    assert_int_equal(of_a, 500);
    for (unsigned i = 0; i < 4; i++)
        a[i].again = false;
    b[0].again = b[1].again = false;
    while (now.r) {
        end_turn(BLOCK_OK);
        run_events();
    }
}

/* Four clients, one of them with a single request now and then: it never waits longer than three
 * turns. */
static void test_nobody_waits_long(void **state)
{
    static struct request flood[3];
    struct request one;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        make(&flood[i], BLOCK_READ, 0, 4096);
        flood[i].again = true;
        submit(&flood[i], i, i);
    }
    for (unsigned round = 0; round < 50; round++) {
        make(&one, BLOCK_READ, 7, 1);
        submit(&one, 3, 3);
        unsigned waited = 0;
        while (!one.calls) {
            end_turn(BLOCK_OK);
            run_events();
            assert_true(++waited <= 4); /* the one that ran, two others, its own */
        }
    }
    for (unsigned i = 0; i < 3; i++)
        flood[i].again = false;
    while (now.r) {
        end_turn(BLOCK_OK);
        run_events();
    }
}

/* Who pays: driver, interrupt and completion only on the core that asked; others are told by an
 * event. */
static void test_work_stays_on_its_core(void **state)
{
    struct request a, b;
    (void)state;
    make(&a, BLOCK_READ, 0, 1);
    make(&b, BLOCK_READ, 9, 1);
    submit(&a, 0, 0);
    submit(&b, 1, 3);
    assert_int_equal(now.cpu, 0);
    assert_int_equal(fake_irqs[INTID].cpu, 0);
    end_turn(BLOCK_OK);
    assert_int_equal(a.cpu, 0);
    assert_null(now.r); /* not here */
    assert_int_equal(fake_posted[3], EVENT_BLOCK);
    fake_cpu = 1; /* another core's event is not the turn's */
    block_run_event();
    assert_null(now.r);
    run_events();
    assert_int_equal(now.cpu, 3);
    assert_int_equal(fake_irqs[INTID].cpu, 3);
    /* A late interrupt on the core that had the turn before does not touch the controller. */
    fake_cpu = 0;
    fake_irqs[INTID].handler(fake_irqs[INTID].context);
    assert_int_equal(interrupts, 0);
    fake_cpu = 3;
    fake_irqs[INTID].handler(fake_irqs[INTID].context);
    assert_int_equal(interrupts, 1);
    end_turn(BLOCK_OK);
    assert_int_equal(b.cpu, 3);
}

static void test_flush_comes_after_writes(void **state)
{
    struct request w[3], f, other;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        make(&w[i], BLOCK_WRITE, 100 * i, 200);
        submit(&w[i], 0, i & 1);
    }
    make(&f, BLOCK_FLUSH, 0, 0);
    submit(&f, 0, 1);
    make(&other, BLOCK_FLUSH, 0, 0);
    submit(&other, 1, 2);
    while (now.r) {
        end_turn(BLOCK_OK);
        run_events();
    }
    assert_int_equal(f.calls, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_true(w[i].order < f.order);
    assert_true(other.order < f.order); /* it had nothing to wait for but a turn */
}

/* A dead card fails requests at once. A client that feeds it without end neither recurses nor keeps
 * the core. */
static void test_failing_at_once_is_bounded(void **state)
{
    static struct request q[8];
    (void)state;
    at_once = true;
    for (unsigned i = 0; i < 8; i++) {
        make(&q[i], BLOCK_READ, 0, 1);
        q[i].again = true;
        unsigned before = turns;
        submit(&q[i], 0, 1);
        assert_true(turns - before <= 1);
    }
    assert_int_equal(fake_posted[1], EVENT_BLOCK);
    for (unsigned i = 0; i < 100; i++) {
        unsigned before = turns;
        run_events();
        assert_int_equal(turns - before, 1);
    }
    assert_int_equal(deepest, 1);
    for (unsigned i = 0; i < 8; i++)
        q[i].again = false;
    for (unsigned i = 0; i < 10; i++)
        run_events();
    assert_int_equal(fake_posted[1], 0);
}

static void test_cancel_queued(void **state)
{
    struct request a, b[3];
    (void)state;
    make(&a, BLOCK_READ, 0, 1);
    submit(&a, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        make(&b[i], BLOCK_READ, 0, 1);
        submit(&b[i], 1, 2);
    }
    assert_true(block_cancel(1, NULL));
    end_turn(BLOCK_OK);
    run_events();
    assert_null(now.r);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b[0].calls + b[1].calls + b[2].calls, 0);
}

/* The turn was given to a core that has not taken it up: it goes to the next client. */
static void test_cancel_given(void **state)
{
    struct request a, b, c;
    (void)state;
    make(&a, BLOCK_READ, 0, 1);
    make(&b, BLOCK_READ, 1, 1);
    make(&c, BLOCK_READ, 2, 1);
    submit(&a, 0, 0);
    submit(&b, 1, 1);
    submit(&c, 2, 2);
    end_turn(BLOCK_OK); /* core 1 is told */
    fake_cpu = 2;
    assert_true(block_cancel(1, NULL));
    run_events();
    assert_int_equal(now.sector, 2);
    end_turn(BLOCK_OK);
    assert_int_equal(b.calls, 0);
    assert_int_equal(c.calls, 1);
}

/* Of two disks of one client: only the one's requests go, the order of the others stays. */
static void test_cancel_one_of_two(void **state)
{
    struct request q[6];
    int disk[2];
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        make(&q[i], BLOCK_READ, i, 1)->context = &disk[i % 2];
        submit(&q[i], 0, 0);
    }
    assert_false(block_cancel(0, &disk[0])); /* its first is on the card */
    end_turn(BLOCK_OK);
    fake_cpu = 0;
    assert_true(block_cancel(0, &disk[0]));
    for (unsigned i = 1; i < 6; i += 2) {
        run_events();
        assert_int_equal(now.sector, i);
        end_turn(BLOCK_OK);
    }
    assert_null(now.r);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(q[i].calls, i % 2);
    make(&q[0], BLOCK_READ, 9, 1)->context = &disk[0]; /* the queue's end is right */
    make(&q[1], BLOCK_READ, 10, 1)->context = &disk[1];
    submit(&q[0], 0, 0);
    submit(&q[1], 0, 0);
    assert_true(block_cancel(0, &disk[1]));
    submit(&q[1], 0, 0);
    end_turn(BLOCK_OK);
    run_events();
    end_turn(BLOCK_OK);
    assert_int_equal(q[0].calls + q[1].calls, 2);
}

static bool cancelled_inside;
static void cancels(struct block_request *r, enum block_status status)
{
    (void)r, (void)status;
    cancelled_inside = block_cancel(0, r->context);
}

/* A done() that has begun must end before its memory may be used anew: as seen from another core,
 * which is told. */
static void test_cancel_during_done(void **state)
{
    struct request a;
    (void)state;
    make(&a, BLOCK_READ, 0, 1)->done = cancels;
    submit(&a, 0, 1);
    end_turn(BLOCK_OK);
    assert_false(cancelled_inside);
    assert_int_equal(fake_posted[1] & EVENT_VM, EVENT_VM);
    assert_true(block_cancel(0, NULL));
}

/* The turn is on the card: it ends by itself, without a callback, and whoever cancelled is told. */
static void test_cancel_running(void **state)
{
    struct request a, b;
    (void)state;
    make(&a, BLOCK_READ, 0, 300);
    make(&b, BLOCK_READ, 7, 1);
    submit(&a, 0, 0);
    submit(&b, 1, 2);
    fake_cpu = 1;
    assert_false(block_cancel(0, NULL));
    assert_false(block_cancel(0, NULL));
    end_turn(BLOCK_OK); /* core 2 goes on meanwhile */
    assert_int_equal(fake_posted[1], EVENT_VM);
    assert_int_equal(a.calls, 0);
    fake_cpu = 1;
    assert_true(block_cancel(0, NULL));
    run_events();
    assert_int_equal(now.sector, 7);
    end_turn(BLOCK_OK);
    assert_int_equal(b.calls, 1);
    assert_int_equal(a.calls, 0);
    make(&a, BLOCK_READ, 3, 1); /* the client's next life */
    submit(&a, 0, 0);
    end_turn(BLOCK_OK);
    assert_int_equal(a.calls, 1);
}

static void test_statistics(void **state)
{
    struct block_stats before, after;
    struct request q;
    (void)state;
    block_stats(2, &before);
    make(&q, BLOCK_READ, 0, 130);
    submit(&q, 2, 0);
    end_turn(BLOCK_OK);
    end_turn(BLOCK_OK);
    make(&q, BLOCK_WRITE, 0, 2);
    submit(&q, 2, 0);
    end_turn(BLOCK_OK);
    make(&q, BLOCK_WRITE, 0, 2);
    submit(&q, 2, 0);
    end_turn(BLOCK_IO_ERROR);
    block_stats(2, &after);
    assert_int_equal(after.requests - before.requests, 3);
    assert_int_equal(after.turns - before.turns, 4);
    assert_int_equal(after.bytes_read - before.bytes_read, 130 * 512);
    assert_int_equal(after.bytes_written - before.bytes_written, 1024);
    assert_int_equal(after.errors - before.errors, 1);
}

static void test_segments(void **state)
{
    static uint8_t a[100], b[1], c[923];
    uint8_t card[1024], back[1024];
    struct request q;
    (void)state;
    for (unsigned i = 0; i < 1024; i++)
        card[i] = (uint8_t)(i * 5 + 1);
    make(&q, BLOCK_READ, 0, 2);
    q.r.nsegments = 4;
    q.r.segments[0] = (struct block_segment){a, sizeof(a)};
    q.r.segments[1] = (struct block_segment){b, sizeof(b)};
    q.r.segments[2] = (struct block_segment){bytes, 0};
    q.r.segments[3] = (struct block_segment){c, sizeof(c)};
    submit(&q, 0, 0);
    block_copy_in(&q.r, card, 512);
    block_copy_in(&q.r, card + 512, 512);
    block_copy_in(&q.r, card, 512); /* more than there is room for: dropped */
    assert_memory_equal(a, card, 100);
    assert_int_equal(b[0], card[100]);
    assert_memory_equal(c, card + 101, 923);
    block_rewind(&q.r);
    block_copy_out(&q.r, back, 1024);
    assert_memory_equal(back, card, 1024);
    end_turn(BLOCK_OK);
}

static void test_boot_io(void **state)
{
    (void)state;
    assert_true(block_boot_io(BLOCK_READ, 0, 300, bytes));
    assert_int_equal(turns, 3);
    assert_false(block_boot_io(BLOCK_READ, CAPACITY, 1, bytes));
    assert_false(fake_irqs[INTID].unmasked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cut_into_turns, setup),
        cmocka_unit_test_setup(test_error_ends_the_request, setup),
        cmocka_unit_test_setup(test_refuses_what_is_not_sound, setup),
        cmocka_unit_test_setup(test_no_card, setup),
        cmocka_unit_test_setup(test_turns_alternate, setup),
        cmocka_unit_test_setup(test_nobody_waits_long, setup),
        cmocka_unit_test_setup(test_work_stays_on_its_core, setup),
        cmocka_unit_test_setup(test_flush_comes_after_writes, setup),
        cmocka_unit_test_setup(test_failing_at_once_is_bounded, setup),
        cmocka_unit_test_setup(test_cancel_queued, setup),
        cmocka_unit_test_setup(test_cancel_given, setup),
        cmocka_unit_test_setup(test_cancel_running, setup),
        cmocka_unit_test_setup(test_cancel_one_of_two, setup),
        cmocka_unit_test_setup(test_cancel_during_done, setup),
        cmocka_unit_test_setup(test_statistics, setup),
        cmocka_unit_test_setup(test_segments, setup),
        cmocka_unit_test_setup(test_boot_io, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
