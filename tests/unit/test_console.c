// sources: tests/unit/console_rig.c core/console.c core/console_input.c core/console_out.c core/console_ring.c core/console_text.c core/console_view.c core/view.c core/view_escape.c core/view_utf8.c core/log.c core/monitor.c core/monitor_commands.c core/monitor_edit.c core/monitor_stats.c core/line.c tests/fake/fake_crc32.c core/report.c core/report_print.c core/guest_walk.c core/guest_mem.c core/refuse.c arch/arm64/esr.c core/memmap.c core/account.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_irq.c tests/fake/fake_cache.c tests/fake/fake_vcpu.c core/vm_names.c
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

/* Bytes that become many on the wire, in a line that a carriage return would end. */
static void test_expanding_flood_is_fair(void **state)
{
    struct terminal terminal;
    (void)state;
    rig_start(0);
    rig_fifo = 16;
    for (unsigned i = 0; i < 2000; i++) {
        rig_write(0, "0123456789012345678901234567890123456789\n");
        for (unsigned n = 0; n < 20; n++)
            rig_write(2, "\t\r");
        rig_run_us(2000);
    }
    rig_write(0, "\n");
    rig_settle();
    rig_settle();
    judge(&terminal);
    assert_true(terminal.lines_of[ALPHA] > 200); /* of 920 that 115200 Bd have room for */
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
    assert_int_equal(rig_write(0, "x\n"), 2); /* another's is not full */
    assert_int_equal(rig_tx_room_calls[BETA], 0);
    rig_settle();
    rig_settle();
    rig_settle();
    assert_int_equal(rig_tx_room_calls[BETA], 1);
    assert_int_equal(rig_tx_room_calls[ALPHA], 0);
    assert_int_equal(rig_write(2, "x\n"), 2);
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
        cmocka_unit_test(test_expanding_flood_is_fair),
        cmocka_unit_test(test_a_vm_with_little_to_say_is_heard_soon),
        cmocka_unit_test(test_flooding_vm_is_slowed_then_told),
        cmocka_unit_test(test_nothing_is_lost_below_the_limit),
        cmocka_unit_test(test_restart_begins_a_new_line),
        cmocka_unit_test(test_a_flood_of_log_lines_loses_none_in_the_log),
        cmocka_unit_test(test_without_a_uart_nobody_is_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
