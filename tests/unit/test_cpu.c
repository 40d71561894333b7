// sources: core/cpu.c tests/fake/fake_cpu.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of a core: one a stay, each in its turn. */
#include "core/vm_internal.h"
#include "fake/fake.h"
#include "unit.h"
#include <bulkhead/block.h>
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/vdev.h>
#include <bulkhead/vgic.h>
#include <bulkhead/virtio.h>

static struct vm vm;
static struct vcpu vcpu = {.vm = &vm}, *here;
static unsigned ran[6]; /* by bit */
static bool again;

struct vcpu *vcpu_this(void)
{
    return here;
}

static void count(enum cpu_event event)
{
    ran[__builtin_ctz(event)]++;
    if (again)
        cpu_post(fake_cpu, event);
}

void vm_run_event(struct vcpu *v)
{
    assert_ptr_equal(v, &vcpu);
    count(EVENT_VM);
}

void block_run_event(void)
{
    count(EVENT_BLOCK);
}

void vgic_run_event(struct vcpu *v)
{
    assert_ptr_equal(v, &vcpu);
    count(EVENT_VGIC);
}

void console_run_event(void)
{
    count(EVENT_CONSOLE);
}

void virtio_run_event(struct vcpu *v)
{
    assert_ptr_equal(v, &vcpu);
    count(EVENT_VIRTIO);
}

void sbsa_gwdt_run_event(struct sbsa_gwdt *w)
{
    assert_ptr_equal(w, &vm.watchdog);
    count(EVENT_WATCHDOG);
}

static unsigned all(void)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(ran); i++)
        sum += ran[i];
    return sum;
}

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_cpu = 1;
    here = &vcpu;
    again = false;
    memset(ran, 0, sizeof(ran));
    return 0;
}

static void post_all(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ran); i++)
        cpu_post(1, (enum cpu_event)(1u << i));
}

static void test_one_event_a_stay(void **state)
{
    (void)state;
    cpu_events_run();
    assert_int_equal(all(), 0);
    post_all();
    for (unsigned i = 1; i <= ARRAY_SIZE(ran); i++) {
        unsigned kicks = fake_kicks[1];
        cpu_events_run();
        assert_int_equal(all(), i);
        assert_int_equal(fake_kicks[1] - kicks, i < ARRAY_SIZE(ran)); /* for the rest */
    }
    cpu_events_run();
    for (unsigned i = 0; i < ARRAY_SIZE(ran); i++)
        assert_int_equal(ran[i], 1);
    cpu_post(2, EVENT_BLOCK); /* another core's */
    cpu_events_run();
    assert_int_equal(all(), ARRAY_SIZE(ran));
    fake_cpu = 2;
    cpu_events_run();
}

static void test_each_has_its_turn(void **state)
{
    (void)state;
    again = true;
    post_all();
    for (unsigned i = 0; i < 10 * ARRAY_SIZE(ran); i++)
        cpu_events_run();
    for (unsigned i = 0; i < ARRAY_SIZE(ran); i++)
        assert_int_equal(ran[i], 10);
    again = false;
    for (unsigned i = 0; i < ARRAY_SIZE(ran); i++)
        cpu_events_run();
}

/* A core without a VM has the card's turn, and a console; the rest is nobody's, and gone. */
static void test_core_without_vm(void **state)
{
    (void)state;
    here = NULL;
    post_all();
    for (unsigned i = 0; i < ARRAY_SIZE(ran); i++)
        cpu_events_run();
    assert_int_equal(all(), 2);
    here = &vcpu;
    cpu_events_run();
    assert_int_equal(all(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_event_a_stay, setup),
        cmocka_unit_test_setup(test_each_has_its_turn, setup),
        cmocka_unit_test_setup(test_core_without_vm, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
