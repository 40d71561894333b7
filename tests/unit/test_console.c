// sources: tests/unit/console_rig.c core/console.c core/console_input.c core/console_out.c core/console_ring.c core/console_text.c core/console_view.c core/view.c core/view_escape.c core/view_utf8.c core/log.c core/monitor.c core/monitor_commands.c core/monitor_edit.c core/monitor_stats.c core/line.c tests/fake/fake_crc32c.c core/report.c core/report_print.c core/guest_walk.c core/guest_mem.c core/refuse.c arch/arm64/esr.c core/memmap.c core/account.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_irq.c tests/fake/fake_cache.c tests/fake/fake_vcpu.c core/vm_names.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_rig.h"
#include "terminal.h"

#include "core/view.h"

static const char *const prefixes[] = {"[alpha] ", "[beta] ", "[bulkhead] ", NULL};

static void judge(struct terminal *t)
{
    terminal_init(t, prefixes);
    for (size_t i = 0; i < rig_wire_bytes; i++)
        terminal_put(t, (uint8_t)rig_wire[i]);
}

/* ---- The view of all ---- */

static void test_lines_of_two_vms_are_prefixed(void **state)
{
    (void)state;
    rig_start(0);
    rig_write(0, "hello\r\nworld");
    rig_write(2, "other\r\n");
    rig_write(1, "!\r\n");
    rig_settle();
    assert_string_equal(rig_wire, "[alpha] hello\r\n[beta] other\r\n[alpha] world!\r\n");
}

static void test_unfinished_line_appears_after_a_while(void **state)
{
    (void)state;
    rig_start(0);
    rig_write(0, "login: ");
    rig_run_us(100000);
    assert_string_equal(rig_wire, "");
    rig_run_us(100000);
    assert_string_equal(rig_wire, "[alpha] login: ");
}

static void test_typing_postpones_the_flush(void **state)
{
    (void)state;
    rig_start(0);
    for (unsigned i = 0; i < 5; i++) {
        rig_write(0, ".");
        rig_run_us(100000);
    }
    assert_string_equal(rig_wire, "");
    rig_settle();
    assert_string_equal(rig_wire, "[alpha] .....");
}

static void test_unfinished_line_is_ended_for_others_and_goes_on(void **state)
{
    (void)state;
    rig_start(0);
    rig_write(0, "login: ");
    rig_settle();
    rig_write(2, "beat\n");
    rig_settle();
    rig_write(0, "root\n");
    rig_settle();
    assert_string_equal(rig_wire, "[alpha] login: \033[0m\r\n[beta] beat\r\n[alpha] root\r\n");
}

static void test_hypervisor_lines_are_prefixed(void **state)
{
    (void)state;
    rig_start(0);
    fake_cpu = 3;
    log_line("the %s says", "hypervisor");
    rig_settle();
    assert_string_equal(rig_wire, "[bulkhead] the hypervisor says\r\n");
}

static void test_hostile_streams_beside_a_witness(void **state)
{
    static const char *const pieces[] = {
        "[beta] x\n",
        "[bulkhead] dead\n",
        "\033[31m",
        "\033]0;",
        "\033[2J",
        "\r",
        "\b\b\b\b\b\b\b\b\b\b",
        "\033[A",
        "\xc2\x9b",
        "\n",
        "\033P",
        "\t",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    unsigned seed = 1, beats = 0;
    struct terminal terminal;
    (void)state;
    rig_start(0);
    rig_fifo = 8;
    for (unsigned i = 0; i < 4000; i++) {
        seed = seed * 1664525 + 1013904223;
        rig_write(seed >> 30 & 1, pieces[(seed >> 8) % (sizeof(pieces) / sizeof(pieces[0]))]);
        if (i % 20 == 0)
            beats += rig_write(2, "beat of beta\n") == 13;
        if (i % 50 == 0)
            log_line("line %u", i);
        rig_run_us(5000);
    }
    rig_settle();
    rig_write(0, "\n");
    rig_settle();
    judge(&terminal);
    assert_int_equal(beats, 200);
    assert_int_equal(terminal.lines_of[BETA], 200); /* each whole, none forged */
    assert_int_equal(terminal.lines_of[2], 80);
}

/* ---- Who pays, and how long ---- */

static void test_each_core_sends_its_own_vms_bytes_only(void **state)
{
    unsigned long alphas, betas;
    (void)state;
    rig_start(0);
    rig_fifo = 8;
    for (unsigned i = 0; i < 300; i++) {
        rig_write(2, "beta floods and floods\n");
        if (i % 30 == 0)
            rig_write(0, "alpha\n");
        rig_run_us(3000);
    }
    rig_settle();
    alphas = 10 * strlen("[alpha] alpha\r\n");
    betas = rig_wire_bytes - alphas;
    assert_int_equal(rig_tx_on[0] + rig_tx_on[1], alphas);
    assert_int_equal(rig_tx_on[2] + rig_tx_on[3], betas);
}

static void test_stay_is_bounded_and_never_waits(void **state)
{
    char line[300];
    (void)state;
    rig_start(0);
    memset(line, 'x', 250);
    strcpy(line + 250, "\n");
    fake_cpu = 0;
    for (unsigned i = 0; i < 200; i++) {
        size_t before = rig_wire_bytes;
        console_vm_put(&vms[ALPHA], (uint8_t)line[i % 251]);
        assert_true(rig_wire_bytes - before <= 64); /* a UART that is always ready */
    }
    for (unsigned i = 0; i < 20; i++)
        rig_write(0, line);
    for (unsigned i = 0; i < 100 && fake_alarm[0] != UINT64_MAX; i++) {
        size_t before = rig_wire_bytes;
        fake_run_next();
        assert_true(rig_wire_bytes - before <= 64);
    }
    rig_start(0);
    rig_fifo = 8;
    rig_write(0, line);
    assert_true(rig_wire_bytes <= 8);
    assert_true(rig_polls <= 4); /* full: armed a timer instead of asking again */
    rig_settle();
    assert_int_equal(rig_wire_bytes, 8 + 192 + 2 + 8 + 58 + 2);
}

/* Lines that must be swallowed whole cost time too. */
static void test_swallowing_gives_up_the_turn(void **state)
{
    (void)state;
    rig_start(0);
    for (unsigned i = 0; i < 4000; i++) {
        fake_cpu = 2;
        console_vm_put(&vms[BETA], 0);
    }
    rig_write(0, "alpha\n");
    rig_run_us(20000);
    assert_true(rig_has("[alpha] alpha\r\n"));
}

static void test_floods_are_fair(void **state)
{
    struct terminal terminal;
    (void)state;
    rig_start(0);
    rig_fifo = 16;
    for (unsigned i = 0; i < 2000; i++) {
        rig_write(0, "0123456789012345678901234567890123456789\n");
        rig_write(2, "0123456789012345678901234567890123456789\n");
        rig_run_us(2000);
    }
    rig_write(0, "\n");
    rig_write(2, "\n");
    rig_settle();
    rig_settle();
    judge(&terminal);
    assert_true(terminal.lines_of[ALPHA] > 350); /* of 460 that 115200 Bd have room for */
    assert_in_range(terminal.lines_of[ALPHA] * 100 / terminal.lines_of[BETA], 95, 105);
}

/* An endless line without an end does not keep the turn. */
static void test_a_vm_with_little_to_say_is_heard_soon(void **state)
{
    (void)state;
    rig_start(0);
    rig_fifo = 16;
    for (unsigned i = 0; i < 100; i++)
        rig_write(2, "endless endless endless endless endless endless endless endless ");
    rig_run_us(10000);
    rig_write(0, "alpha\n");
    rig_run_us(80000); /* 256 bytes take 22 ms at 115200 Bd, prefixes and a line of 200 some more */
    assert_true(rig_has("[alpha] alpha\r\n"));
}

static void test_flooding_vm_is_slowed_then_told(void **state)
{
    size_t taken = 0;
    (void)state;
    rig_start(0);
    rig_fifo = 8;
    while (taken < 100000 && rig_write(2, "x\n") == 2)
        taken += 2;
    assert_true(taken >= 8190 && taken < 9000);
    fake_cpu = 2;
    assert_false(console_vm_room(&vms[BETA]));
    fake_cpu = 0;
    assert_true(console_vm_room(&vms[ALPHA]));
    assert_int_equal(rig_tx_room_calls[BETA], 0);
    rig_settle();
    rig_settle();
    rig_settle();
    assert_int_equal(rig_tx_room_calls[BETA], 1);
    assert_int_equal(rig_tx_room_calls[ALPHA], 0);
    assert_true(console_vm_room(&vms[BETA]));
}

static void test_nothing_is_lost_below_the_limit(void **state)
{
    struct terminal terminal;
    (void)state;
    rig_start(0);
    rig_fifo = 8;
    for (unsigned i = 0; i < 500; i++) {
        char line[40];
        snprintf(line, sizeof(line), "line %u\n", i);
        assert_int_equal(rig_write(i & 1, line), strlen(line));
        rig_run_us(2000);
    }
    rig_settle();
    judge(&terminal);
    assert_int_equal(terminal.lines_of[ALPHA], 500);
    for (unsigned i = 0; i < 500; i++) {
        char line[40];
        snprintf(line, sizeof(line), "[alpha] line %u\r\n", i);
        assert_true(rig_has(line));
    }
}

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
    assert_true(rig_has("[bulkhead] all VMs; Ctrl-] ?: help\r\n"));
    rig_clear();
    rig_write(0, "\n\033[2Jx\n");
    rig_settle();
    assert_true(rig_has("[alpha] x\r\n"));
    assert_false(rig_has("\033[2J"));
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

/* ---- Others ---- */

static void test_restart_begins_a_new_line(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "1");
    rig_rx_room[ALPHA] = 0;
    rig_type("old");
    rig_type("\x1d"
             "a");
    rig_settle();
    rig_write(0, "half \033]0;");
    rig_settle();
    rig_clear();
    fake_cpu = 0;
    console_vm_restart(&vms[ALPHA]);
    rig_rx_room[ALPHA] = 100;
    rig_write(0, "new\n");
    rig_settle();
    assert_string_equal(rig_wire, "\r\n[alpha] new\r\n");
    console_vm_input_room(&vms[ALPHA]);
    assert_string_equal(rig_typed[ALPHA], "");
}

static void test_a_flood_of_log_lines_loses_none_in_the_log(void **state)
{
    (void)state;
    rig_start(0);
    rig_fifo = 8;
    for (unsigned i = 0; i < 200; i++)
        log_line("a line of the hypervisor's that is fifty characters wide");
    rig_settle();
    rig_settle();
    log_line("later");
    rig_settle();
    assert_true(rig_has("messages not shown here; the log has them\r\n"));
    assert_true(rig_has("[bulkhead] later\r\n"));
}

static void test_without_a_uart_nobody_is_blocked(void **state)
{
    (void)state;
    rig_start(0);
    console_init(NULL);
    console_go_live();
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(rig_write(2, "beta goes on\n"), 13);
    log_line("so do we");
    rig_settle();
    assert_string_equal(rig_wire, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_two_vms_are_prefixed),
        cmocka_unit_test(test_unfinished_line_appears_after_a_while),
        cmocka_unit_test(test_typing_postpones_the_flush),
        cmocka_unit_test(test_unfinished_line_is_ended_for_others_and_goes_on),
        cmocka_unit_test(test_hypervisor_lines_are_prefixed),
        cmocka_unit_test(test_hostile_streams_beside_a_witness),
        cmocka_unit_test(test_each_core_sends_its_own_vms_bytes_only),
        cmocka_unit_test(test_stay_is_bounded_and_never_waits),
        cmocka_unit_test(test_swallowing_gives_up_the_turn),
        cmocka_unit_test(test_floods_are_fair),
        cmocka_unit_test(test_a_vm_with_little_to_say_is_heard_soon),
        cmocka_unit_test(test_flooding_vm_is_slowed_then_told),
        cmocka_unit_test(test_nothing_is_lost_below_the_limit),
        cmocka_unit_test(test_attach_replays_and_is_raw),
        cmocka_unit_test(test_attached_vm_alone_is_shown_and_others_are_not_blocked),
        cmocka_unit_test(test_a_blocked_vm_goes_on_when_nobody_looks),
        cmocka_unit_test(test_replay_asks_the_terminal_nothing),
        cmocka_unit_test(test_replay_begins_at_a_line),
        cmocka_unit_test(test_leaving_resets_the_terminal),
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
        cmocka_unit_test(test_restart_begins_a_new_line),
        cmocka_unit_test(test_a_flood_of_log_lines_loses_none_in_the_log),
        cmocka_unit_test(test_without_a_uart_nobody_is_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
