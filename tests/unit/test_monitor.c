// sources: tests/unit/console_rig.c core/console.c core/console_input.c core/console_out.c core/console_ring.c core/console_text.c core/console_view.c core/view.c core/view_escape.c core/view_utf8.c core/log.c core/monitor.c core/monitor_commands.c core/monitor_edit.c core/monitor_stats.c core/line.c tests/fake/fake_crc32.c core/report.c core/report_print.c core/guest_walk.c core/guest_mem.c core/refuse.c arch/arm64/esr.c core/memmap.c core/account.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_irq.c tests/fake/fake_cache.c tests/fake/fake_vcpu.c core/vm_names.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_rig.h"
#include <bulkhead/account.h>
#include <bulkhead/machine.h>
#include <bulkhead/memmap.h>
#include <bulkhead/report.h>
#include <bulkhead/version.h>

static struct lock *waiting_for;

/* The holder lets go 30 us later. */
void cpu_relax(void)
{
    fake_time += 30 * FAKE_TICKS_PER_US;
    assert_non_null(waiting_for);
    waiting_for->owner++;
    waiting_for = NULL;
}

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
    static const char *const names[] = {"help",  "list",   "start",  "stop",    "restart",
                                        "pause", "resume", "kill",   "attach",  "report",
                                        "stats", "log",    "memmap", "version", "reset"};
    char line[32];
    (void)state;
    enter();
    answer("help");
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(line, sizeof(line), "\r\n  %s ", names[i]);
        assert_true(rig_has(line));
    }
    assert_true(rig_has("  kill VM               pull"));
    assert_true(rig_has("  stats [VM] or [reset] exits") ||
                rig_has("  stats [VM] or [reset]  exits"));
    assert_true(rig_has("\r\nbulkhead> "));
}

static void give_disk(void)
{
    struct vm_config *config = (struct vm_config *)vms[BETA].config;
    config->ndisks = 1;
    strcpy(config->disks[0].partition, "beta-root");
    config->disks[0].read_only = true;
}

/* The rate is of the time since `list` was last asked for. */
static void test_exits_per_second(void **state)
{
    (void)state;
    enter();
    vms[BETA].vcpus[1].exits[3] = 1000000;
    answer("list");
    vms[BETA].vcpus[0].exits[EXIT_INTERRUPT] += 5000;
    vms[BETA].vcpus[1].exits[3] += 5000;
    fake_time += 5 * (uint64_t)FAKE_HZ; /* and answer() itself takes 5 s */
    answer("list");
    assert_true(rig_has("       0 s        0     1000    12+0 MiB") ||
                rig_has(" 1000    12+0 MiB"));
}

static void test_stats(void **state)
{
    (void)state;
    enter();
    vms[BETA].vcpus[0].exits[0x16] = 3;
    vms[BETA].vcpus[1].exits[EXIT_INTERRUPT] = 4;
    answer("stats beta");
    assert_true(rig_has("exits: 4 interrupts, 0 device accesses and holes, 3 calls, "));
    assert_true(rig_has("disk: 6 requests, 12582912 bytes read, 0 written, 0 errors\r\n"));
    assert_true(rig_has("EL2: 0.00 % of its cores' time since power-on\r\n"));
    assert_true(rig_has("core 2, in us: 0 stays, longest 0, longest wait for a lock 0\r\n"));
    assert_true(rig_has("core 3, in us: "));
    assert_false(rig_has("core 0"));
    answer("stats");
    assert_true(rig_has("core 0 (alpha) at EL2, in us: ") && rig_has("core 3 (beta)"));
}

/* A core that stays for 70 us, after a wait for a lock of 30 us; forgotten by `stats reset`. */
static void test_longest_stay_and_wait(void **state)
{
    struct lock lock = {.next = 2, .owner = 1};
    (void)state;
    enter();
    fake_cpu = 3;
    account_enter();
    waiting_for = &lock;
    lock_wait(&lock, 2);
    fake_time += 40 * FAKE_TICKS_PER_US;
    account_leave();
    answer("stats beta");
    assert_true(rig_has("core 3, in us: 1 stays, longest 70, longest wait for a lock 30\r\n"));
    answer("stats reset");
    assert_string_equal(rig_wire, "stats reset\r\nbulkhead> ");
    answer("stats beta");
    assert_true(rig_has("core 3, in us: 1 stays, longest 0, longest wait for a lock 0\r\n"));
}

/* ---- Commands about a VM ---- */

static void test_verbs(void **state)
{
    static const struct {
        const char *typed;
        enum vm_command command;
    } verbs[] = {
        {"start beta", VM_COMMAND_START},     {"stop beta", VM_COMMAND_STOP},
        {"restart beta", VM_COMMAND_RESTART}, {"pause beta", VM_COMMAND_PAUSE},
        {"resume beta", VM_COMMAND_RESUME},   {"kill  beta ", VM_COMMAND_KILL},
    };
    char wire[64];
    (void)state;
    enter();
    for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
        rig_commands = 0;
        answer(verbs[i].typed);
        assert_int_equal(rig_commands, 1);
        assert_ptr_equal(rig_command_vm, &vms[BETA]);
        assert_int_equal(rig_command, verbs[i].command);
        snprintf(wire, sizeof(wire), "%s\r\nbulkhead> ", verbs[i].typed);
        assert_string_equal(rig_wire, wire);
    }
    rig_command_refused = true;
    answer("kill beta");
    assert_true(rig_has("beta is what it is\r\nbulkhead> "));
}

static void test_errors_say_what_to_do(void **state)
{
    (void)state;
    enter();
    answer("kill");
    assert_true(rig_has("kill which VM?; there are: alpha beta\r\nbulkhead> "));
    answer("kill gamma");
    assert_true(rig_has("no VM is called gamma; there are: alpha beta\r\nbulkhead> "));
    answer("stats gamma");
    assert_true(rig_has("no VM is called gamma; there are: alpha beta\r\nbulkhead> "));
    answer("report");
    assert_true(rig_has("report which VM?; there are: alpha beta\r\nbulkhead> "));
    assert_int_equal(rig_commands, 0);
}

/* Even if the view is left in the same moment. */
static void test_a_command_is_carried_out(void **state)
{
    (void)state;
    enter();
    rig_type("kill beta\r\x1d"
             "a");
    rig_settle();
    assert_int_equal(rig_commands, 1);
    assert_false(rig_has("bulkhead> \r\n"));
}

static void test_attach(void **state)
{
    (void)state;
    enter();
    answer("attach beta");
    assert_true(rig_has("[bulkhead] attached to beta; "));
    assert_false(rig_has("bulkhead> "));
    rig_type("ls\r");
    rig_settle();
    assert_string_equal(rig_typed[BETA], "ls\r");
}

static void test_report(void **state)
{
    (void)state;
    enter();
    answer("report beta");
    assert_true(rig_has("beta has not crashed since the board started\r\nbulkhead> "));
    rig_write(2, "some of its last words\n");
    vms[BETA].starts = 1;
    report_begin(&vms[BETA], NULL, "it fell");
    answer("report beta");
    assert_true(rig_has("beta: it fell\r\n"));
    assert_true(rig_has("\r\n|some of its last words\r\nbulkhead> "));
    answer("report alpha");
    assert_true(rig_has("alpha has not crashed"));
}

static void test_reset_asks_twice(void **state)
{
    (void)state;
    enter();
    answer("reset");
    assert_true(rig_has("alpha runs; beta runs; `stop` them first, or `reset now`\r\n"));
    assert_int_equal(rig_resets, 0);
    answer("reset now");
    assert_int_equal(rig_resets, 1);
    assert_true(rig_has("no way to reset\r\nbulkhead> "));
    vms[ALPHA].state = vms[BETA].state = VM_OFF;
    answer("reset");
    assert_int_equal(rig_resets, 2);
}

static void test_list(void **state)
{
    (void)state;
    enter();
    vms[BETA].state = VM_CRASHED;
    strcpy(vms[BETA].why.text, "fell over");
    give_disk();
    vms[ALPHA].started_at = fake_time - 90 * (uint64_t)FAKE_HZ - FAKE_HZ / 2;
    vms[ALPHA].restarts = 2;
    answer("list");
    assert_true(
        rig_has("   VM           state     cores        memory        up restarts  exits/s  "
                "disk read+written\r\n"));
    assert_true(rig_has("1  alpha        running   0,1         384 MiB      90 s        2 "));
    assert_true(rig_has("2  beta         crashed   2,3         384 MiB       0 s        0 "));
    assert_true(rig_has("   12+0 MiB  beta-root (read-only)\r\n     fell over\r\n"));
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
    answer("\b\b\b\x15");
    assert_false(rig_has("bulkhead> \b"));
}

static void test_editing_in_the_middle(void **state)
{
    (void)state;
    enter();
    answer("vrsion\x01\033[Ce"); /* home, right, insert */
    assert_true(rig_has("\r\033[Kbulkhead> vrsion\033[6D"));
    assert_true(rig_has("\r\033[Kbulkhead> version\033[5D"));
    assert_true(rig_has("Bulkhead "));
    answer("versixon\033[D\033OD\b"); /* left twice, backspace */
    assert_true(rig_has("Bulkhead "));
    answer("xversion\033[H\033[3~"); /* home, delete */
    assert_true(rig_has("Bulkhead "));
    answer("ersion\033[1~v\033[4~\033[C\033[3~"); /* home; end, where right and delete do nothing */
    assert_true(rig_has("Bulkhead "));
    answer("versio\033[D\033[D\005n");
    assert_true(rig_has("Bulkhead "));
    answer("\033[D\033[H\b\033[3~version");
    assert_true(rig_has("Bulkhead "));
}

static void test_history(void **state)
{
    (void)state;
    enter();
    answer("version");
    answer("one");
    answer("one");
    answer("two\x03");
    answer("\033[A\033[A"); /* the same line twice is kept once */
    assert_true(rig_has("bulkhead> version\r\nBulkhead "));
    answer("\033[A\033[A\033OB"); /* version, one, version */
    assert_true(rig_has("bulkhead> version\r\nBulkhead "));
    answer("\033[A\033[B\033[Bx");
    assert_true(rig_has("no such command: x;"));
    for (char c = 'a'; c <= 'f'; c++)
        answer((const char[]){c, '\0'});
    answer("\033[A\033[A\033[A\033[A\033[A\033[A");
    assert_true(rig_has("no such command: c;")); /* the fourth */
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
    assert_string_equal(rig_wire, "l\r\nlist  log  \r\n\r\033[Kbulkhead> l");
    answer("\x15kill be\t");
    assert_true(rig_has("bulkhead> kill beta "));
    assert_int_equal(rig_commands, 1);
    answer("stats r\t");
    assert_true(rig_has("bulkhead> stats reset "));
    rig_type("stats \t");
    rig_settle();
    assert_true(rig_has("\r\nalpha  beta  reset  \r\n\r\033[Kbulkhead> stats "));
    answer("\x15re\tp\t be\t"); /* report, resume, restart, reset; then report, and one VM */
    assert_true(rig_has("bulkhead> report  beta ") && rig_has("bytes on its console"));
    rig_clear();
    rig_type("version \t");
    rig_type("\x15zz\t");
    rig_type("\x15zz b\t");
    rig_settle();
    assert_false(rig_has("beta"));
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

static void check_order(const char *line)
{
    unsigned long long from, to, kib;
    if (sscanf(line, "%llx-%llx %llu KiB", &from, &to, &kib) != 3)
        return;
    assert_true(from == at); /* no hole, no overlap: all of RAM is told */
    at = to + 1;
    covered += to + 1 - from;
    entries++;
}

static void test_memmap_covers_all_of_ram(void **state)
{
    char line[128];
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
    for (unsigned i = 0; memmap_line(i, line, sizeof(line)); i++)
        check_order(line);
    assert_int_equal(covered, MIB(1024));
    assert_int_equal(entries, 9);
    answer("memmap");
    assert_true(rig_has("boot file vmlinuz  CRC-32 12345678\r\n"));
    assert_true(rig_has("  VM alpha\r\n"));
    assert_true(rig_has("  hypervisor\r\n"));
    assert_true(rig_has("page tables: 10 of 64 pages"));
    assert_true(rig_has("hash of all tables 00abc0a0\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entering_shows_a_prompt),
        cmocka_unit_test(test_help_lists_every_command),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_exits_per_second),
        cmocka_unit_test(test_stats),
        cmocka_unit_test(test_longest_stay_and_wait),
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_errors_say_what_to_do),
        cmocka_unit_test(test_a_command_is_carried_out),
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_reset_asks_twice),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_unknown_command),
        cmocka_unit_test(test_long_output_comes_in_steps),
        cmocka_unit_test(test_ctrl_c_stops_long_output),
        cmocka_unit_test(test_typed_ahead_is_kept),
        cmocka_unit_test(test_leaving_stops_the_command),
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_editing_in_the_middle),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_long_input_is_limited),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_log_lines_do_not_destroy_what_is_typed),
        cmocka_unit_test(test_vms_do_not_print_into_the_monitor),
        cmocka_unit_test(test_memmap_covers_all_of_ram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
