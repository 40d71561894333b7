// sources: virtio/mmio.c virtio/queue.c virtio/blk.c core/guest_mem.c tests/unit/virtio_rig.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores at once: a driver that sleeps whenever the rules let it, a second vCPU that notifies for
 * nothing, and a card that completes on a third thread. A wake-up that is lost on either side ends
 * in a timeout.
 */
#include "virtio_regs.h"
#include <bulkhead/cpu.h>
#include <fake/fake.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { SIZE = 64, TOTAL = 30000, TIMEOUT_S = 20 };

static struct block_request *ring[64]; /* from block_submit() to the card's thread */
static unsigned put, got;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* for the ring, and to sleep */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool events[MAX_CPUS], over;
static unsigned kicks, naps;

void cpu_relax(void)
{
    sched_yield();
}

/* Threads sleep for good where they have nothing to do: one that spins on a busy machine takes the
 * time that the others need to end its wait. */
static void wake_sleepers(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

void cpu_post(unsigned cpu, enum cpu_event event)
{
    if (event != EVENT_VIRTIO)
        return;
    __atomic_store_n(&events[cpu], true, __ATOMIC_SEQ_CST);
    wake_sleepers();
}

static void run_own_events(void)
{
    if (!__atomic_exchange_n(&events[cpu_this()], false, __ATOMIC_SEQ_CST))
        return;
    virtio_run_event(rig_vcpu);
    wake_sleepers();
}

void block_submit(unsigned client, struct block_request *r)
{
    static unsigned n;
    (void)client;
    if (__atomic_fetch_add(&n, 1, __ATOMIC_RELAXED) % 8 ==
        0) { /* some complete before this returns */
        r->done(r, BLOCK_OK);
        return;
    }
    pthread_mutex_lock(&mutex);
    ring[put++ % 64] = r;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static bool is_over(void)
{
    return __atomic_load_n(&over, __ATOMIC_SEQ_CST);
}

/* The next request; NULL when there is something else to do. */
static struct block_request *take(void)
{
    struct block_request *r = NULL;
    pthread_mutex_lock(&mutex);
    while (got == put && !is_over() && !__atomic_load_n(&events[cpu_this()], __ATOMIC_SEQ_CST))
        pthread_cond_wait(&changed, &mutex);
    if (got != put)
        r = ring[got++ % 64];
    pthread_mutex_unlock(&mutex);
    return r;
}

static void *card_thread(void *unused)
{
    fake_cpu = 2;
    while (!is_over()) {
        struct block_request *r = take();
        if (r) {
            r->done(r, BLOCK_OK);
            wake_sleepers();
        }
        run_own_events();
    }
    return unused;
}

static void *other_vcpu_thread(void *unused)
{
    fake_cpu = 1;
    while (!is_over()) {
        reg_read(R_STATUS);
        run_own_events();
        sched_yield();
    }
    return unused;
}

static uint16_t load16(uint64_t ipa)
{
    return __atomic_load_n(rig_u16(ipa), __ATOMIC_SEQ_CST);
}

static void store16(uint64_t ipa, uint16_t value)
{
    __atomic_store_n(rig_u16(ipa), value, __ATOMIC_SEQ_CST);
}

/* Offer chain `head`; notify only if the device asked for it. */
static void offer(uint16_t head, bool event_idx)
{
    uint16_t idx = load16(RIG_AVAIL + 2);
    store16(RIG_AVAIL + 4 + 2 * (idx % SIZE), head);
    store16(RIG_AVAIL + 2, idx + 1);
    if (event_idx ? load16(RIG_USED + 4 + 8 * SIZE) == idx : !(load16(RIG_USED) & 1)) {
        reg_write(R_QUEUE_NOTIFY, 0);
        kicks++;
    }
}

/* Sleep until an interrupt, as in WFI. */
static void nap(unsigned pulses)
{
    struct timespec end = {time(NULL) + TIMEOUT_S, 0};
    naps++;
    pthread_mutex_lock(&mutex);
    while (__atomic_load_n(&rig_pulses, __ATOMIC_SEQ_CST) == pulses &&
           !__atomic_load_n(&events[0], __ATOMIC_SEQ_CST))
        if (pthread_cond_timedwait(&changed, &mutex, &end))
            fail_msg("nobody woke the driver");
    pthread_mutex_unlock(&mutex);
}

/* Keep `depth` requests going. */
static void drive(bool event_idx, unsigned depth)
{
    unsigned offered = 0, done = 0;
    uint16_t seen = 0;

    for (unsigned i = 0; i < depth; i++) {
        *(uint32_t *)rig_at(RIG_DATA) = 4; /* flush */
        rig_desc(RIG_DESC, 2 * i, RIG_DATA, 16, NEXT, (uint16_t)(2 * i + 1));
        rig_desc(RIG_DESC, 2 * i + 1, RIG_DATA + 16 + i, 1, WRITE, 0);
    }
    for (; offered < depth; offered++)
        offer((uint16_t)(2 * offered), event_idx);
    while (done < TOTAL) {
        unsigned pulses = __atomic_load_n(&rig_pulses, __ATOMIC_SEQ_CST);
        reg_write(R_INTERRUPT_ACK, reg_read(R_INTERRUPT_STATUS));
        run_own_events();
        store16(RIG_AVAIL + 4 + 2 * SIZE, seen); /* used_event: tell of the next one */
        if (load16(RIG_USED + 2) == seen) {
            nap(pulses);
            continue;
        }
        for (; load16(RIG_USED + 2) != seen; seen++, done++) {
            uint16_t head = (uint16_t)__atomic_load_n(
                (uint32_t *)rig_at(RIG_USED + 4 + 8 * (seen % SIZE)), __ATOMIC_SEQ_CST);
            if (offered < TOTAL) {
                offered++;
                offer(head, event_idx);
            }
        }
    }
    assert_int_equal(offered, TOTAL);
}

static void nobody_sleeps_for_ever(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        static const unsigned depths[] = {1, 2, 17, SIZE / 2};
        bool event_idx = round & 1;
        unsigned depth = depths[round / 2];
        pthread_t card, other;
        rig_reset();
        put = got = kicks = naps = 0;
        over = false;
        virtio_blk_init(&rig_vm.disks[0], &rig_vm, 0, "x", 0, 8, false);
        reg_start(VIRTIO_F_VERSION_1 | (event_idx ? VIRTIO_F_EVENT_IDX : 0), SIZE);
        pthread_create(&card, NULL, card_thread, NULL);
        pthread_create(&other, NULL, other_vcpu_thread, NULL);
        drive(event_idx, depth);
        __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
        wake_sleepers();
        pthread_join(card, NULL);
        pthread_join(other, NULL);
        assert_int_equal(reg_read(R_STATUS), 15);
        print_message("%u deep, %s: %u notifications, %u naps, %u interrupts for %u requests\n",
                      depth, event_idx ? "event_idx" : "flags", kicks, naps, rig_pulses, TOTAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_sleeps_for_ever)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
