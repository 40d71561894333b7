// sources: tests/unit/console_rig.c core/console.c core/console_input.c core/console_out.c core/console_ring.c core/console_text.c core/console_view.c core/view.c core/view_escape.c core/view_utf8.c core/log.c core/monitor.c core/monitor_commands.c core/monitor_edit.c core/monitor_stats.c core/line.c tests/fake/fake_crc32.c core/report.c core/report_print.c core/guest_walk.c core/guest_mem.c core/refuse.c arch/arm64/esr.c core/memmap.c core/account.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_irq.c tests/fake/fake_cache.c tests/fake/fake_vcpu.c core/vm_names.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* One VM attached, and what is typed. */
#include "console_rig.h"

#include "core/console_state.h"
#include "core/view.h"

/* ---- Attached ---- */

static void test_attach_replays_and_is_raw(void **state)
{
    (void)state;
    rig_start(0);
    rig_write(0, "alpha login: ");
    rig_settle();
    rig_clear();
    rig_type("\x1d"
             "1");
    rig_settle();
    assert_true(rig_has("[bulkhead] attached to alpha; Ctrl-] a: all, Ctrl-] ?: help\r\n"));
    assert_true(rig_has("\r\nalpha login: "));
    rig_clear();
    rig_write(0, "\033[2J\033[Htop\r50%\b\t\xff");
    rig_settle();
    assert_string_equal(rig_wire, "\033[2J\033[Htop\r50%\b\t\xff");
}

static void test_attached_vm_alone_is_shown_and_others_are_not_blocked(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_settle();
    rig_clear();
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(rig_write(2, "beta goes on\n"), 13);
    fake_cpu = 2;
    log_line("so does the hypervisor");
    rig_settle();
    assert_string_equal(rig_wire, "");
    rig_type("\x1d"
             "2");
    rig_settle();
    assert_true(rig_has("attached to beta"));
    assert_true(rig_has("\nbeta goes on\nbeta goes on\n"));
    assert_true(rig_wire_bytes < 5000);
}

static void test_a_blocked_vm_goes_on_when_nobody_looks(void **state)
{
    (void)state;
    rig_start(0);
    rig_fifo = 1;
    while (rig_write(2, "x\n") == 2)
        ;
    rig_type("\x1d"
             "1");
    rig_run_us(10000);
    assert_int_equal(rig_tx_room_calls[BETA], 1);
    assert_int_equal(rig_write(2, "on\n"), 3);
}

static void test_replay_asks_the_terminal_nothing(void **state)
{
    (void)state;
    rig_start(0);
    rig_write(0,
              "a\033[6nb\033[cc\033]11;?\ad\033[31me\033[2Jf\ag\005h\033P$qm\033\\i\033[?1049hj");
    rig_settle();
    rig_type("\x1d"
             "1");
    rig_settle();
    assert_true(rig_has("abcd\033[31me\033[2Jfghi\033[?1049hj"));
    rig_clear();
    rig_write(0, "\033[6n");
    rig_settle();
    assert_string_equal(rig_wire, "\033[6n"); /* what is new is the guest's own affair */
}

static void test_replay_begins_at_a_line(void **state)
{
    (void)state;
    rig_start(2);
    for (unsigned i = 0; i < 1000; i++)
        rig_write(2, "\033]0;title\adone\n");
    rig_settle();
    assert_string_equal(rig_wire, ""); /* hidden */
    rig_type("\x1d"
             "2");
    rig_settle();
    assert_true(rig_has("help\r\ndone\ndone\n"));
}

/* A stay looks at so many bytes at most; without a line's end an escape is a good place, too. */
static void test_where_a_replay_begins_is_found_in_steps(void **state)
{
    static uint8_t bytes[8192];
    struct ring r = {.bytes = bytes, .size = sizeof(bytes)};
    struct seek k;
    unsigned work = 1, stays = 0;
    (void)state;
    for (unsigned i = 0; i < 6000; i++)
        ring_put(&r, i == 2100 ? '\033' : 'x');
    ring_seek_begin(&r, &k, REPLAY_BYTES);
    for (; !ring_seek(&r, &k, &work); stays++) {
        assert_int_equal(work, 0);
        work = 100;
    }
    assert_int_equal(stays, REPLAY_LOOK / 100 + 1);
    assert_int_equal(k.start, 2100);
    bytes[2350] = '\n';
    ring_seek_begin(&r, &k, REPLAY_BYTES);
    work = 1000;
    assert_true(ring_seek(&r, &k, &work));
    assert_int_equal(k.start, 2351);
    memset(bytes, 'x', sizeof(bytes));
    ring_seek_begin(&r, &k, REPLAY_BYTES);
    work = 1000;
    assert_true(ring_seek(&r, &k, &work));
    assert_int_equal(k.start, 6000 - REPLAY_BYTES);
}

static void test_leaving_resets_the_terminal(void **state)
{
    const char *reset;
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_write(0, "\033[?1049h\033[?1000h\033]0;unfinished");
    rig_settle();
    rig_clear();
    rig_type("\x1d"
             "a");
    rig_settle();
    reset = strstr(rig_wire, "\033[?1049l");
    assert_non_null(reset);
    assert_non_null(memchr(rig_wire, '\030', (size_t)(reset - rig_wire)));
    assert_true(rig_has("\033[?25h") && rig_has("2004l") && rig_has("\033[r"));
    assert_true(rig_has("\033[=0u") && rig_has("\033]111\a") && rig_has("\033[?69l"));
    assert_true(rig_has("[bulkhead] all VMs; Ctrl-] ?: help\r\n"));
    rig_clear();
    rig_write(0, "\n\033[2Jx\n");
    rig_settle();
    assert_true(rig_has("[alpha] x\r\n"));
    assert_false(rig_has("\033[2J"));
}

/* A guest that has the terminal spell Ctrl-] in another way does not keep its operator. */
static void test_spelt_keys_are_heard(void **state)
{
    /* With CapsLock (64) or NumLock (128) on, too; alternate keys and events behind colons. */
    static const char *const spelt[] = {"\033[27;5;93~", "\033[93;5u",    "\033[27\033[93;5u",
                                        "\033[93;133u",  "\033[93;69u",   "\033[93:125;5u",
                                        "\033[93;5:1u",  "\033[27;69;93~"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(spelt); i++) {
        rig_start(0);
        rig_type("\x1d"
                 "1");
        rig_settle();
        rig_clear();
        rig_type(spelt[i]);
        rig_settle();
        assert_string_equal(rig_wire, "\033[>4m\033[=0u");
        rig_type("a");
        rig_settle();
        assert_true(rig_has("[bulkhead] all VMs; Ctrl-] ?: help\r\n"));
    }
}

/* Whoever is first to notice the new view, the terminal is put back before anybody prints. */
static void test_reset_comes_before_other_vms_lines(void **state)
{
    (void)state;
    rig_start(0);
    rig_fifo = 8;
    rig_write(2, "beta login: ");
    rig_settle();
    rig_type("\x1d"
             "1");
    rig_settle();
    rig_write(0, "\033[?1049hfull screen, and a lot of it: 012345678901234567890123456789");
    rig_clear();
    rig_type("\x1d"
             "a");
    rig_settle();
    assert_true(strstr(rig_wire, "1049l") < strstr(rig_wire, "[beta] "));
    assert_true(strstr(rig_wire, "all VMs") < strstr(rig_wire, "[beta] "));
    assert_true(strstr(rig_wire, "1049l") < strstr(rig_wire, "[alpha] "));
}

static void test_prompts_are_shown_again_in_the_view_of_all(void **state)
{
    (void)state;
    rig_start(0);
    rig_write(0, "one\r\nalpha login: ");
    rig_write(2, "two\r\nbeta login: ");
    rig_settle();
    rig_type("\x1d"
             "1\x1d"
             "a");
    rig_clear();
    rig_settle();
    assert_true(rig_has("[alpha] alpha login: "));
    assert_true(rig_has("[beta] beta login: "));
    assert_false(rig_has("one") || rig_has("two"));
}

static void test_hypervisor_tears_no_sequence_in_raw(void **state)
{
    unsigned count = 0;
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_settle();
    rig_clear();
    rig_fifo = 8;
    for (unsigned i = 0; i < 30; i++)
        rig_write(0, "\033[31;42m");
    rig_run_us(3000);
    rig_type("\x1d"
             "?");
    rig_settle();
    for (const char *c = rig_wire; (c = strstr(c, "\033[31;42m")) != NULL; c++)
        count++;
    assert_int_equal(count, 30);
    assert_true(rig_has("m\033[0m\r\n[bulkhead] keys"));
}

static void test_state_of_the_attached_vm_is_told(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_settle();
    rig_clear();
    fake_cpu = 0;
    log_vm_state(&vms[BETA], "crashed");
    log_vm_state(&vms[ALPHA], "is off");
    rig_settle();
    assert_string_equal(rig_wire, "[bulkhead] alpha: is off\r\n");
}

/* ---- Input ---- */

static void test_keys_reach_the_attached_vm_on_its_own_core(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "2");
    assert_int_equal(fake_irqs[RIG_INTID].cpu, 2);
    rig_type("ls\r\x03\x1d\x1d");
    rig_settle();
    assert_string_equal(rig_typed[BETA], "ls\r\x03\x1d");
    assert_string_equal(rig_typed[ALPHA], "");
}

/* The interrupt was on its way to the old core when the view changed. */
static void test_keys_that_arrive_elsewhere_are_handed_over(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "2");
    fake_irqs[RIG_INTID].cpu = 0;
    rig_type("x");
    rig_settle();
    assert_string_equal(rig_typed[BETA], "x");
}

static void test_input_waits_for_a_slow_guest_in_order(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_rx_room[ALPHA] = 2;
    rig_type("abcdefghij");
    assert_string_equal(rig_typed[ALPHA], "ab");
    for (unsigned i = 0; i < 4; i++) {
        rig_rx_room[ALPHA] = 3;
        fake_cpu = i & 1;
        console_vm_input_room(&vms[ALPHA]);
    }
    rig_settle();
    assert_string_equal(rig_typed[ALPHA], "abcdefghij");
}

static void test_much_input_comes_through_whole(void **state)
{
    char much[201] = "";
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    for (unsigned i = 0; i < 200; i++)
        much[i] = (char)('a' + i % 26);
    rig_type(much);
    rig_settle();
    assert_string_equal(rig_typed[ALPHA], much);
}

static void test_full_input_rings(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_settle();
    rig_clear();
    rig_rx_room[ALPHA] = 0;
    for (unsigned i = 0; i < 300; i++)
        rig_type("x");
    rig_settle();
    assert_string_equal(rig_wire, "\a"); /* once */
    rig_rx_room[ALPHA] = 1000;
    fake_cpu = 0;
    console_vm_input_room(&vms[ALPHA]);
    rig_settle();
    assert_int_equal(strlen(rig_typed[ALPHA]), 256);
}

static void test_input_for_nobody_is_answered(void **state)
{
    const char *first;
    (void)state;
    rig_start(0);
    rig_run_us(3000000);
    rig_type("root\r");
    rig_settle();
    first = strstr(rig_wire, "[bulkhead] nobody is attached");
    assert_non_null(first);
    assert_null(strstr(first + 1, "[bulkhead] nobody")); /* once for them all */
    assert_string_equal(rig_typed[ALPHA], "");
}

static void test_input_for_a_vm_that_is_off_is_answered(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "2");
    rig_run_us(3000000);
    vms[BETA].state = VM_OFF;
    strcpy(vms[BETA].why.text, "SYSTEM_OFF");
    rig_type("x");
    rig_settle();
    assert_true(rig_has("[bulkhead] beta does not run: SYSTEM_OFF"));
    assert_string_equal(rig_typed[BETA], "");
}

static void test_keys_help_and_errors(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "?");
    rig_settle();
    assert_true(rig_has("[bulkhead]   2  attach beta"));
    rig_clear();
    rig_type("\x1d"
             "7");
    rig_settle();
    assert_string_equal(rig_wire, "[bulkhead] there is no VM 7; Ctrl-] ?: help\r\n");
    rig_clear();
    rig_type("\x1d"
             "x");
    rig_settle();
    assert_string_equal(rig_wire, "[bulkhead] no such key; Ctrl-] ?: help\r\n");
    rig_clear();
    vms[BETA].state = VM_REFUSED;
    strcpy(vms[BETA].why.text, "beta: memory: too much");
    rig_type("\x1d"
             "2");
    rig_settle();
    assert_string_equal(rig_wire, "[bulkhead] not attached: beta: memory: too much\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach_replays_and_is_raw),
        cmocka_unit_test(test_attached_vm_alone_is_shown_and_others_are_not_blocked),
        cmocka_unit_test(test_a_blocked_vm_goes_on_when_nobody_looks),
        cmocka_unit_test(test_replay_asks_the_terminal_nothing),
        cmocka_unit_test(test_replay_begins_at_a_line),
        cmocka_unit_test(test_where_a_replay_begins_is_found_in_steps),
        cmocka_unit_test(test_leaving_resets_the_terminal),
        cmocka_unit_test(test_spelt_keys_are_heard),
        cmocka_unit_test(test_reset_comes_before_other_vms_lines),
        cmocka_unit_test(test_prompts_are_shown_again_in_the_view_of_all),
        cmocka_unit_test(test_hypervisor_tears_no_sequence_in_raw),
        cmocka_unit_test(test_state_of_the_attached_vm_is_told),
        cmocka_unit_test(test_keys_reach_the_attached_vm_on_its_own_core),
        cmocka_unit_test(test_keys_that_arrive_elsewhere_are_handed_over),
        cmocka_unit_test(test_input_waits_for_a_slow_guest_in_order),
        cmocka_unit_test(test_much_input_comes_through_whole),
        cmocka_unit_test(test_full_input_rings),
        cmocka_unit_test(test_input_for_nobody_is_answered),
        cmocka_unit_test(test_input_for_a_vm_that_is_off_is_answered),
        cmocka_unit_test(test_keys_help_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
