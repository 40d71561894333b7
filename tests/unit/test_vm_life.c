// sources: tests/unit/vm_rig.c core/vm.c vdev/pl031.c vdev/pl061.c vdev/sbsa_gwdt.c core/vm_state.c core/vm_names.c core/timer.c core/cpu.c core/mmio.c core/account.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_vcpu.c tests/fake/fake_log.c tests/fake/fake_crc32.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The states of a VM: commands in every state, restarts by policy, pauses, and hundreds of random
 * commands and ends beside a VM that must not notice. */
#include "vm_rig.h"

#include <bulkhead/cpu.h>
#include <core/vm_internal.h>

static struct vm *const alpha = &vms[0], *const beta = &vms[1];
static struct refusal why;

enum { MS = FAKE_TICKS_PER_US * 1000 };

static bool ask(enum vm_command command)
{
    why.text[0] = '\0';
    fake_cpu = 3; /* whoever has the monitor */
    return vm_command(alpha, command, &why);
}

static void do_it(enum vm_command command)
{
    if (!ask(command))
        fail_msg("%s", why.text);
    run_all();
}

static void end(unsigned cpu, enum vm_end_kind kind)
{
    fake_cpu = cpu;
    FAKE_CATCH(how, vm_end(alpha, kind, "so it is"));
    run_all();
}

/* Both VMs run, all vCPUs on. */
static int setup(void **state)
{
    rig_setup(state);
    for (unsigned i = 0; i < 2; i++)
        vm_tell(&vms[i]);
    run_all();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(vms[i].state, VM_RUNNING);
        vms[i].vcpus[1].power = VCPU_ON;
    }
    return 0;
}

static void wait_ms(unsigned ms)
{
    fake_run_until(fake_time + (uint64_t)ms * MS);
    run_all();
}

static void go_to(enum vm_state state)
{
    setup(NULL);
    switch (state) {
    case VM_REFUSED:
        load_fails = 1;
        do_it(VM_COMMAND_RESTART);
        break;
    case VM_OFF:
        do_it(VM_COMMAND_KILL);
        break;
    case VM_LOADING:
        assert_true(ask(VM_COMMAND_RESTART));
        for (unsigned i = 0; alpha->state != VM_LOADING; i++)
            run_once(i % 2);
        break;
    case VM_RUNNING:
        break;
    case VM_PAUSED:
        do_it(VM_COMMAND_PAUSE);
        break;
    case VM_STOPPING:
        on_card = true;
        do_it(VM_COMMAND_KILL);
        break;
    case VM_CRASHED:
        rig_config.vms[0].crash_stops = true;
        end(0, VM_END_CRASH);
        break;
    }
    assert_int_equal(alpha->state, state);
}

static void every_command_in_every_state(void **state)
{
    static const char expected[][7] = {
        /* start, stop, restart, pause, resume, kill: where it ends, or no */
        [VM_REFUSED] = "nnnnnn", [VM_OFF] = "rnrnnn",    [VM_LOADING] = "nnrnno",
        [VM_RUNNING] = "nrrpno", [VM_PAUSED] = "nnrnro", [VM_STOPPING] = "nnrnno",
        [VM_CRASHED] = "rnrnnn",
    };
    static const char ends[] = {[VM_OFF] = 'o', [VM_RUNNING] = 'r', [VM_PAUSED] = 'p'};
    (void)state;
    for (enum vm_state s = VM_REFUSED; s <= VM_CRASHED; s++)
        for (enum vm_command c = VM_COMMAND_START; c <= VM_COMMAND_KILL; c++) {
            char want = expected[s][c];
            go_to(s);
            if (want == 'n') {
                assert_false(ask(c));
                assert_non_null(strstr(why.text, "alpha"));
                assert_int_equal(alpha->state, s);
                continue;
            }
            assert_true(ask(c));
            on_card = false;
            vm_tell(alpha); /* the block layer would, at the end of the request */
            run_all();
            if (ends[alpha->state] != want)
                fail_msg("command %d in state %d leads to %d", c, s, alpha->state);
            assert_int_equal(beta->state, VM_RUNNING);
        }
}

static void a_refusal_says_what_to_do(void **state)
{
    (void)state;
    go_to(VM_OFF);
    assert_false(ask(VM_COMMAND_PAUSE));
    assert_string_equal(why.text, "alpha is off: start it");
    go_to(VM_REFUSED);
    assert_false(ask(VM_COMMAND_START));
    assert_string_equal(why.text, "alpha: kernel: truncated");
}

static void off_stays_off(void **state)
{
    (void)state;
    end(1, VM_END_OFF);
    assert_int_equal(alpha->state, VM_OFF);
    wait_ms(100000);
    assert_int_equal(alpha->state, VM_OFF);
    assert_int_equal(alpha->starts, 1);
}

static void a_reset_and_a_crash_start_again(void **state)
{
    static const enum vm_end_kind kinds[] = {VM_END_RESET, VM_END_CRASH, VM_END_WATCHDOG};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        setup(NULL);
        end(i % 2, kinds[i]);
        assert_int_equal(alpha->state, kinds[i] == VM_END_RESET ? VM_OFF : VM_CRASHED);
        assert_int_equal(reports, kinds[i] == VM_END_RESET ? 0 : 1);
        assert_int_equal(alpha->vcpus[0].power | alpha->vcpus[1].power, VCPU_OFF);
        wait_ms(99);
        assert_int_equal(alpha->starts, 1);
        wait_ms(2);
        assert_int_equal(alpha->state, VM_RUNNING);
        assert_int_equal(alpha->starts, 2);
        assert_int_equal(alpha->vcpus[0].power, VCPU_ON);
        assert_int_equal(alpha->vcpus[1].power, VCPU_OFF);
        assert_int_equal(alpha->loader.stage, LOADER_FIRST); /* all of it, from zeroing on */
    }
}

static void policy_can_say_stop(void **state)
{
    (void)state;
    rig_config.vms[0].crash_stops = true;
    end(0, VM_END_RESET);
    wait_ms(1000);
    assert_int_equal(alpha->state, VM_RUNNING);
    end(0, VM_END_WATCHDOG);
    wait_ms(100000);
    assert_int_equal(alpha->state, VM_CRASHED);
    setup(NULL);
    rig_config.vms[0].reset_stops = true;
    end(0, VM_END_RESET);
    wait_ms(100000);
    assert_int_equal(alpha->state, VM_OFF);
    do_it(VM_COMMAND_START);
    end(0, VM_END_CRASH);
    wait_ms(1000);
    assert_int_equal(alpha->state, VM_RUNNING);
}

static void the_delay_doubles_and_the_limit_holds(void **state)
{
    (void)state;
    rig_config.vms[0].restart_limit = 8;
    rig_config.vms[0].restart_seconds = 60;
    for (unsigned i = 0; i < 8; i++) {
        unsigned delay = MIN(100u << i, 5000u);
        end(0, VM_END_CRASH);
        wait_ms(delay - 1);
        assert_int_equal(alpha->starts, 1 + i);
        wait_ms(2);
        assert_int_equal(alpha->starts, 2 + i);
        assert_int_equal(alpha->state, VM_RUNNING);
    }
    end(0, VM_END_CRASH);
    wait_ms(1000000);
    assert_int_equal(alpha->state, VM_CRASHED);
    assert_true(fake_log_has("stays down"));
    do_it(VM_COMMAND_START); /* by hand it may */
    assert_int_equal(alpha->state, VM_RUNNING);
    wait_ms(60000); /* it ran well for so long: the next restart is the first */
    end(0, VM_END_CRASH);
    wait_ms(101);
    assert_int_equal(alpha->state, VM_RUNNING);
}

static void without_a_limit_it_goes_on(void **state)
{
    (void)state;
    rig_config.vms[0].restart_limit = 0;
    for (unsigned i = 0; i < 100; i++) {
        unsigned delay = i < 6 ? 100u << i : 5000; /* which there is all the same */
        end(i % 2, VM_END_RESET);
        wait_ms(delay - 1);
        assert_int_equal(alpha->state, VM_OFF);
        wait_ms(2);
        assert_int_equal(alpha->state, VM_RUNNING);
        alpha->vcpus[1].power = VCPU_ON;
    }
}

static void a_restart_that_is_due_can_be_called_off(void **state)
{
    (void)state;
    end(0, VM_END_CRASH);
    do_it(VM_COMMAND_KILL);
    wait_ms(100000);
    assert_int_equal(alpha->state, VM_CRASHED);
    assert_false(ask(VM_COMMAND_KILL));
    setup(NULL);
    end(0, VM_END_CRASH);
    do_it(VM_COMMAND_START); /* need not wait */
    assert_int_equal(alpha->state, VM_RUNNING);
    fake_log_reset();
    wait_ms(100000);
    assert_int_equal(alpha->starts, 2);
    assert_int_equal(fake_log_lines, 0);
}

/* Not before the last request left the card may the RAM be touched: nothing of the next load. */
static void a_request_on_the_card_is_waited_for(void **state)
{
    unsigned zeroed;
    (void)state;
    on_card = true;
    zeroed = zero_steps;
    do_it(VM_COMMAND_RESTART);
    assert_int_equal(alpha->state, VM_STOPPING);
    wait_ms(10000);
    assert_int_equal(alpha->state, VM_STOPPING);
    assert_int_equal(zero_steps, zeroed);
    on_card = false;
    cpu_post(0, EVENT_VM);
    run_all();
    assert_int_equal(alpha->state, VM_RUNNING);
    assert_int_equal(zero_steps, zeroed + 3);
}

/* Nor before every core has come in, in whatever order. */
static void every_core_is_waited_for(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        setup(NULL);
        assert_true(ask(VM_COMMAND_RESTART));
        run_once(first);
        assert_int_equal(how, FAKE_PARKED);
        run_once(first);
        assert_int_equal(alpha->state, VM_STOPPING);
        run_once(!first);
        assert_int_equal(how, FAKE_PARKED);
        run_all();
        assert_int_equal(alpha->state, VM_RUNNING);
        assert_int_equal(vgic_stops, 2);
    }
}

static void a_pause_stops_its_time(void **state)
{
    uint64_t offset = alpha->cntvoff;
    (void)state;
    wait_ms(5000);
    do_it(VM_COMMAND_PAUSE);
    assert_true(alpha->vcpus[0].frozen && alpha->vcpus[1].frozen);
    assert_int_equal(how, FAKE_FROZEN);
    wait_ms(1000);
    do_it(VM_COMMAND_RESUME);
    assert_int_equal(how, FAKE_THAWED);
    assert_int_equal(alpha->cntvoff - offset, 1000 * MS);
    assert_false(alpha->vcpus[0].frozen || alpha->vcpus[1].frozen);
    assert_int_equal(alpha->starts, 1);
}

/* Resumed and paused again before its cores noticed: the time is counted once. */
static void pauses_in_a_row(void **state)
{
    uint64_t offset = alpha->cntvoff;
    (void)state;
    do_it(VM_COMMAND_PAUSE);
    wait_ms(100);
    assert_true(ask(VM_COMMAND_RESUME));
    assert_true(ask(VM_COMMAND_PAUSE));
    run_all();
    wait_ms(50);
    do_it(VM_COMMAND_RESUME);
    assert_int_equal(alpha->cntvoff - offset, 150 * MS);
    /* One core never came to stand: time went on for the VM. */
    offset = alpha->cntvoff;
    assert_true(ask(VM_COMMAND_PAUSE));
    run_once(0);
    assert_true(alpha->vcpus[0].frozen);
    fake_time += 10 * MS;
    do_it(VM_COMMAND_RESUME);
    assert_int_equal(alpha->cntvoff, offset);
    assert_false(alpha->vcpus[0].frozen);
}

static void a_paused_vm_starts_no_core(void **state)
{
    (void)state;
    alpha->vcpus[1].power = VCPU_OFF;
    do_it(VM_COMMAND_PAUSE);
    alpha->vcpus[1].power = VCPU_ON_PENDING; /* CPU_ON, as the pause came */
    cpu_post(1, EVENT_VM);
    run_all();
    assert_int_equal(alpha->vcpus[1].power, VCPU_ON_PENDING);
    do_it(VM_COMMAND_RESUME);
    assert_int_equal(alpha->vcpus[1].power, VCPU_ON);
}

static void kill_while_it_loads(void **state)
{
    (void)state;
    go_to(VM_LOADING);
    do_it(VM_COMMAND_KILL);
    assert_int_equal(alpha->state, VM_OFF);
    do_it(VM_COMMAND_START);
    assert_int_equal(alpha->state, VM_RUNNING);
}

static void not_started_by_itself(void **state)
{
    (void)state;
    rig_setup(NULL);
    memset(alpha, 0, sizeof(*alpha));
    rig_config.vms[0].no_autostart = true;
    vm_setup(0, &rig_config.vms[0], &rig_shares[0], &rig_gpt);
    vm_tell(alpha);
    run_all();
    assert_int_equal(alpha->state, VM_OFF);
    do_it(VM_COMMAND_START);
    assert_int_equal(alpha->state, VM_RUNNING);
}

static void stop_presses_the_key_and_waits(void **state)
{
    (void)state;
    rig_config.vms[0].stop_seconds = 10;
    do_it(VM_COMMAND_STOP);
    assert_int_equal(alpha->state, VM_RUNNING);
    assert_true(fake_log_has("its power key is pressed"));
    wait_ms(9999);
    assert_false(fake_log_has("did not turn itself off"));
    wait_ms(2);
    assert_true(fake_log_has("did not turn itself off in 10 s; `kill alpha`"));
    assert_int_equal(alpha->state, VM_RUNNING);
    fake_log_reset();
    do_it(VM_COMMAND_STOP); /* and this time it does */
    wait_ms(5000);
    end(0, VM_END_OFF);
    do_it(VM_COMMAND_START);
    wait_ms(100000);
    assert_false(fake_log_has("did not turn itself off"));
}

/* ---- Random ---- */

static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static void one_random_thing(void)
{
    unsigned cpu = random_below(2);
    switch (random_below(8)) {
    case 0:
    case 1:
    case 2:
        ask((enum vm_command)random_below(VM_COMMAND_KILL + 1));
        break;
    case 3: /* an exit of a vCPU that runs */
        if (alpha->vcpus[cpu].power == VCPU_ON && !alpha->vcpus[cpu].frozen) {
            fake_cpu = cpu;
            FAKE_CATCH(how, vm_end(alpha, (enum vm_end_kind)random_below(VM_END_KILL), "random"));
        }
        break;
    case 4:
        if (alpha->state == VM_RUNNING && alpha->vcpus[1].power == VCPU_OFF)
            alpha->vcpus[1].power = VCPU_ON_PENDING;
        run_once(1);
        break;
    case 5:
        on_card = !on_card;
        cpu_post(0, EVENT_VM);
        break;
    case 6:
        fake_run_until(fake_time + random_below(3000) * MS);
        break;
    case 7:
        run_once(cpu);
        break;
    }
}

/* What holds at any moment. */
static void check_always(void)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct vcpu *v = &alpha->vcpus[i];
        if (alpha->state == VM_OFF || alpha->state == VM_CRASHED || alpha->state == VM_LOADING)
            assert_int_equal(v->power, VCPU_OFF);
        assert_false(v->frozen && v->power != VCPU_ON);
    }
    assert_false(alpha->restart_due && alpha->state != VM_OFF && alpha->state != VM_CRASHED);
}

static void random_commands_beside_a_witness(void **state)
{
    uint64_t offset = beta->cntvoff;
    uint32_t hash = vm_tables_hash(0);
    unsigned starts = 0;
    (void)state;
    rig_config.vms[0].restart_limit = 16;
    rig_config.vms[0].restart_seconds = 1;
    random_state = 20260101;
    fake_kicks[2] = fake_kicks[3] = 0;
    for (unsigned round = 0; round < 400; round++) {
        for (unsigned i = random_below(40); i > 0; i--) {
            one_random_thing();
            check_always();
        }
        on_card = false;
        cpu_post(0, EVENT_VM);
        run_all();
        check_always();
        assert_int_not_equal(alpha->state, VM_STOPPING);
        assert_int_not_equal(alpha->state, VM_LOADING);
        /* From wherever it is, it can be brought up. */
        if (alpha->state == VM_PAUSED)
            do_it(VM_COMMAND_RESUME);
        else if (alpha->state != VM_RUNNING)
            do_it(VM_COMMAND_START);
        assert_int_equal(alpha->state, VM_RUNNING);
        assert_true(alpha->starts >= starts);
        starts = alpha->starts;
        assert_int_equal(vm_tables_hash(0), hash);
    }
    assert_in_range(starts, 100, 2000);
    assert_int_equal(fake_kicks[2] + fake_kicks[3], 0); /* beta's cores were never asked */
    assert_int_equal(beta->state, VM_RUNNING);
    assert_int_equal(beta->vcpus[0].power & beta->vcpus[1].power, VCPU_ON);
    assert_int_equal(beta->starts, 1);
    assert_int_equal(beta->cntvoff, offset);
}

static void the_hash_tells_of_a_change(void **state)
{
    uint32_t hash = vm_tables_hash(0);
    (void)state;
    assert_int_not_equal(vm_tables_hash(1), hash);
    alpha->memory.pieces[0].base += MIB(2);
    assert_int_not_equal(vm_tables_hash(0), hash);
    alpha->memory.pieces[0].base -= MIB(2);
    assert_int_equal(vm_tables_hash(0), hash);
    alpha->mmio.regions[0].size++;
    assert_int_not_equal(vm_tables_hash(0), hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_command_in_every_state, setup),
        cmocka_unit_test_setup(a_refusal_says_what_to_do, setup),
        cmocka_unit_test_setup(off_stays_off, setup),
        cmocka_unit_test_setup(a_reset_and_a_crash_start_again, setup),
        cmocka_unit_test_setup(policy_can_say_stop, setup),
        cmocka_unit_test_setup(the_delay_doubles_and_the_limit_holds, setup),
        cmocka_unit_test_setup(without_a_limit_it_goes_on, setup),
        cmocka_unit_test_setup(a_restart_that_is_due_can_be_called_off, setup),
        cmocka_unit_test_setup(a_request_on_the_card_is_waited_for, setup),
        cmocka_unit_test_setup(every_core_is_waited_for, setup),
        cmocka_unit_test_setup(a_pause_stops_its_time, setup),
        cmocka_unit_test_setup(pauses_in_a_row, setup),
        cmocka_unit_test_setup(a_paused_vm_starts_no_core, setup),
        cmocka_unit_test_setup(kill_while_it_loads, setup),
        cmocka_unit_test_setup(not_started_by_itself, setup),
        cmocka_unit_test_setup(stop_presses_the_key_and_waits, setup),
        cmocka_unit_test_setup(random_commands_beside_a_witness, setup),
        cmocka_unit_test_setup(the_hash_tells_of_a_change, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
