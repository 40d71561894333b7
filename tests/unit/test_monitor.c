// sources: tests/unit/console_rig.c core/console.c core/console_input.c core/console_out.c core/console_ring.c core/console_text.c core/console_view.c core/view.c core/view_escape.c core/view_utf8.c core/log.c core/monitor.c core/monitor_commands.c core/monitor_edit.c core/memmap.c core/account.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_irq.c core/vm_names.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_rig.h"
#include <bulkhead/machine.h>
#include <bulkhead/memmap.h>
#include <bulkhead/version.h>

static void enter(void)
{
    rig_start(0);
    rig_type("\x1d"
             "0");
    rig_settle();
    rig_clear();
}

/* What a command prints, between its echo and the next prompt. */
static const char *answer(const char *command)
{
    char typed[100];
    snprintf(typed, sizeof(typed), "%s\r", command);
    rig_clear();
    rig_type(typed);
    for (unsigned i = 0; i < 5; i++)
        rig_settle();
    return rig_wire;
}

static void test_entering_shows_a_prompt(void **state)
{
    (void)state;
    rig_start(0);
    rig_type("\x1d"
             "0");
    rig_settle();
    assert_string_equal(rig_wire,
                        "[bulkhead] monitor; `help` lists the commands. Ctrl-] a: all VMs\r\n"
                        "bulkhead> ");
}

static void test_help_lists_every_command(void **state)
{
    static const char *const names[] = {"help", "list", "log", "memmap", "version"};
    (void)state;
    enter();
    answer("help");
    for (unsigned i = 0; i < 5; i++)
        assert_true(rig_has(names[i]));
    assert_true(rig_has("\r\nbulkhead> "));
}

static void test_list(void **state)
{
    (void)state;
    enter();
    vms[BETA].state = VM_CRASHED;
    strcpy(vms[BETA].why.text, "fell over");
    answer("list");
    assert_true(rig_has("1  alpha        running   0,1         384 MiB  none\r\n"));
    assert_true(
        rig_has("2  beta         crashed   2,3         384 MiB  none\r\n     fell over\r\n"));
    assert_true(rig_has("core 3 (beta) at EL2, in us: alpha 0, beta 0, hypervisor "));
    vm_count = 0;
    answer("list");
    assert_true(rig_has("no VM: the configuration was refused"));
}

static void test_version(void **state)
{
    (void)state;
    enter();
    answer(" version  ");
    assert_true(rig_has("Bulkhead " BULKHEAD_VERSION " on a board\r\n"));
}

static void test_unknown_command(void **state)
{
    (void)state;
    enter();
    answer("frobnicate now");
    assert_true(rig_has("no such command: frobnicate"));
    rig_clear();
    answer("");
    assert_string_equal(rig_wire, "\r\nbulkhead> ");
}

/* The whole log is more than the text ring holds: it comes in steps, bounded ones, and nothing is
 * lost. */
static void test_long_output_comes_in_steps(void **state)
{
    unsigned lines = 0;
    (void)state;
    enter();
    for (unsigned i = 0; i < 400; i++) {
        log_line("kept line %u", i);
        rig_settle();
    }
    rig_clear();
    rig_fifo = 8;
    rig_type("log\r");
    while (!rig_has("399\r\nbulkhead> ") && lines < 100000) {
        size_t before = rig_wire_bytes;
        if (!fake_run_next())
            break;
        assert_true(rig_wire_bytes - before <= 64);
        lines++;
    }
    assert_true(rig_has("kept line 398\r\n") && rig_has("kept line 150\r\n"));
    assert_false(rig_has("not shown"));
    assert_true(rig_has("\r\nbulkhead> "));
}

static void test_ctrl_c_stops_long_output(void **state)
{
    (void)state;
    enter();
    for (unsigned i = 0; i < 400; i++) {
        log_line("stopped line %u", i);
        rig_settle();
    }
    rig_clear();
    rig_fifo = 8;
    rig_type("log\r");
    rig_run_us(50000);
    rig_type("\x03");
    rig_settle();
    rig_settle();
    assert_true(rig_wire_bytes < 4000); /* soon: not much is queued */
    assert_false(rig_has("stopped line 399"));
    assert_true(rig_has("\r\nbulkhead> "));
}

static void test_typed_ahead_is_kept(void **state)
{
    (void)state;
    enter();
    rig_type("help\rversion\rlist\r");
    rig_settle();
    rig_settle();
    assert_true(rig_has("Bulkhead " BULKHEAD_VERSION));
    assert_true(rig_has("alpha"));
}

static void test_leaving_stops_the_command(void **state)
{
    (void)state;
    enter();
    for (unsigned i = 0; i < 400; i++)
        log_line("kept line %u", i);
    rig_settle();
    rig_fifo = 8;
    rig_type("log\r");
    rig_run_us(20000);
    rig_type("\x1d"
             "a");
    rig_settle();
    rig_settle();
    rig_clear();
    rig_write(0, "alpha speaks\n");
    rig_settle();
    assert_true(rig_has("[alpha] alpha speaks\r\n"));
    assert_false(rig_has("kept"));
    rig_type("\x1d"
             "0");
    rig_settle();
    assert_true(rig_has("version") || rig_has("bulkhead> "));
}

static void test_editing(void **state)
{
    (void)state;
    enter();
    answer("versoo\b\x7fion");
    assert_true(rig_has("Bulkhead "));
    answer("nonsense\x15version");
    assert_true(rig_has("Bulkhead "));
    answer("junk\x03");
    assert_true(rig_has("junk^C\r\nbulkhead> \r\nbulkhead> "));
    assert_false(rig_has("no such"));
    answer("\033[A"); /* up: the last command */
    assert_true(rig_has("version\r\nBulkhead "));
    answer("\033[C\033[3~\033OAx\b"); /* other keys do nothing */
    assert_true(rig_has("version"));
    answer("\b\b\b\x15");
    assert_false(rig_has("bulkhead> \b"));
}

static void test_long_input_is_limited(void **state)
{
    char text[300];
    (void)state;
    enter();
    memset(text, 'x', 299);
    text[299] = '\0';
    rig_type(text);
    rig_type("\x15"
             "version\r");
    rig_settle();
    rig_settle();
    assert_true(rig_has("\a"));
    assert_true(rig_has("Bulkhead "));
}

static void test_completion(void **state)
{
    (void)state;
    enter();
    answer("ver\t");
    assert_true(rig_has("Bulkhead "));
    rig_clear();
    rig_type("l\t");
    rig_settle();
    assert_string_equal(rig_wire, "l\r\nlist  log  \r\nbulkhead> l");
    rig_type("\x15");
    rig_clear();
    rig_type("list be\t");
    rig_settle();
    assert_true(rig_has("beta "));
    rig_type("\x15");
    rig_clear();
    rig_type("zz\t");
    rig_settle();
    assert_string_equal(rig_wire, "zz");
}

static void test_log_lines_do_not_destroy_what_is_typed(void **state)
{
    (void)state;
    enter();
    rig_type("vers");
    fake_cpu = 3;
    log_line("meanwhile");
    rig_settle();
    assert_string_equal(rig_wire, "vers\r\033[K[bulkhead] meanwhile\r\n\r\033[Kbulkhead> vers");
}

static void test_vms_do_not_print_into_the_monitor(void **state)
{
    (void)state;
    enter();
    rig_write(0, "noise\n");
    rig_settle();
    assert_string_equal(rig_wire, "");
}

/* ---- memmap ---- */

static unsigned entries;
static uint64_t covered, at;

static void check_order(void *context, const char *line)
{
    unsigned long long from, to, kib;
    (void)context;
    if (sscanf(line, "%llx-%llx %llu KiB", &from, &to, &kib) != 3)
        return;
    assert_true(from == at); /* no hole, no overlap: all of RAM is told */
    at = to + 1;
    covered += to + 1 - from;
    entries++;
}

static void test_memmap_covers_all_of_ram(void **state)
{
    (void)state;
    enter();
    machine.nram = 1;
    machine.ram[0] = (struct range){0, MIB(1024)};
    machine.nfiles = 1;
    strcpy(machine.files[0].path, "vmlinuz");
    machine.files[0].pa = paddr(MIB(64));
    machine.files[0].size = MIB(3);
    machine.files[0].crc = 0x12345678;
    machine.nreserved = 1;
    machine.reserved[0] = (struct range){MIB(1000), MIB(24)};
    vms[ALPHA].memory = (struct partition){1, {{MIB(100), MIB(384)}}, MIB(384)};
    entries = 0;
    covered = at = 0;
    memmap_print(check_order, NULL);
    assert_int_equal(covered, MIB(1024));
    assert_int_equal(entries, 9);
    answer("memmap");
    assert_true(rig_has("boot file vmlinuz  CRC-32C 12345678\r\n"));
    assert_true(rig_has("  VM alpha\r\n"));
    assert_true(rig_has("  hypervisor\r\n"));
    assert_true(rig_has("page tables: 10 of 64 pages"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entering_shows_a_prompt),
        cmocka_unit_test(test_help_lists_every_command),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_unknown_command),
        cmocka_unit_test(test_long_output_comes_in_steps),
        cmocka_unit_test(test_ctrl_c_stops_long_output),
        cmocka_unit_test(test_typed_ahead_is_kept),
        cmocka_unit_test(test_leaving_stops_the_command),
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_long_input_is_limited),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_log_lines_do_not_destroy_what_is_typed),
        cmocka_unit_test(test_vms_do_not_print_into_the_monitor),
        cmocka_unit_test(test_memmap_covers_all_of_ram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
