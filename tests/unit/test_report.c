// sources: core/report.c core/report_print.c core/guest_walk.c core/guest_mem.c core/line.c tests/fake/fake_crc32.c core/account.c core/view_escape.c tests/fake/fake_cache.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_vcpu.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Crash reports, and the walk through a guest's tables that they make. */
#include "core/guest_walk.h"
#include "core/report.h"
#include "fake/fake.h"
#include "unit.h"
#include <bulkhead/console.h>
#include <bulkhead/guest_mem.h>
#include <stdlib.h>

enum { RAM_BYTES = 1 << 20, WORDS = RAM_BYTES / 8 };

static uint64_t *ram; /* from malloc: the sanitizer sees a byte too far */
static struct vm vm;
static struct vm_config config = {.name = "alpha"};
static struct vcpu_regs regs[2];
static struct vcpu_state state;
static const char *console_text = "";

struct vcpu *vcpu_this(void)
{
    return &vm.vcpus[fake_cpu];
}

uint32_t console_vm_tail(const struct vm *v, uint64_t *out, uint32_t bytes)
{
    size_t count = strlen(console_text);
    assert_ptr_equal(v, &vm);
    assert_true(count <= bytes);
    memcpy(out, console_text, count);
    return (uint32_t)count;
}

void block_stats(unsigned client, struct block_stats *out)
{
    assert_int_equal(client, 0);
    *out = (struct block_stats){.requests = 7, .bytes_read = 4096};
}

const char *esr_class_name(uint64_t esr)
{
    return esr >> 26 == 0x20 ? "fetch" : "other";
}

bool esr_is_abort(uint64_t esr)
{
    return esr >> 26 == 0x20;
}

const char *esr_fault_name(uint64_t esr)
{
    (void)esr;
    return "nothing there";
}

static int setup(void **unused)
{
    (void)unused;
    ram = calloc(1, RAM_BYTES);
    fake_ram_window = ram;
    memset(&vm, 0, sizeof(vm));
    memset(regs, 0, sizeof(regs));
    memset(reports, 0, sizeof(reports));
    vm.config = &config;
    vm.memory.bytes = RAM_BYTES;
    vm.nvcpus = 2;
    vm.starts = 1;
    for (unsigned i = 0; i < 2; i++)
        vm.vcpus[i] = (struct vcpu){
            .vm = &vm, .index = (uint8_t)i, .cpu = (uint8_t)i, .power = VCPU_ON, .regs = &regs[i]};
    state = (struct vcpu_state){0};
    fake_state = state;
    fake_cpu_reset();
    fake_time_reset();
    fake_log_reset();
    console_text = "";
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    free(ram);
    return 0;
}

/* ---- The walk ---- */

/* Tables lie in RAM's pages by number. */
static uint64_t at(unsigned page)
{
    return GUEST_RAM_BASE + 4096ull * page;
}

static void set(unsigned page, unsigned index, uint64_t entry)
{
    ram[512 * page + index] = entry;
}

static uint64_t walked(uint64_t va)
{
    ipaddr_t ipa;
    return guest_walk(&vm, &state, va, &ipa) ? ipa.v : 0;
}

/* 4 KiB, 39 bits for both halves. */
static void tables_39(void)
{
    state.sctlr_el1 = 1;
    state.tcr_el1 = 25 | 25 << 16 | 2u << 30;
    state.ttbr0_el1 = at(1);
    state.ttbr1_el1 = at(4) | 0x42ull << 48 | 1; /* with an ASID and CnP */
}

static void test_mmu_off_is_flat(void **unused)
{
    (void)unused;
    assert_true(walked(0x40001234) == 0x40001234);
}

static void test_pages_and_blocks(void **unused)
{
    (void)unused;
    tables_39();
    set(1, 3, at(2) | 3); /* 3 GiB on: a table */
    set(2, 5, at(3) | 3);
    set(3, 7, 0x40012000 | 3 | 0x60000000000400ull); /* a page, with attributes */
    set(2, 6, 0x40000000 | 1);                       /* 2 MiB */
    set(1, 4, 0x80000000 | 1);                       /* 1 GiB */
    assert_true(walked(3 * GIB(1) + 5 * MIB(2) + 7 * 4096 + 0x123) == 0x40012123);
    assert_true(walked(3 * GIB(1) + 6 * MIB(2) + 0x54321) == 0x40054321);
    assert_true(walked(4 * GIB(1) + 0x1234567) == 0x81234567);
    assert_true(walked(4 * GIB(1) + 0x1234567 + (0x5aull << 56)) == 0x81234567); /* tagged */
    assert_true(walked(3 * GIB(1) + 5 * MIB(2) + 8 * 4096) == 0);
    assert_true(walked(5 * GIB(1)) == 0);
    set(1, 5, at(2) | 2); /* not valid */
    assert_true(walked(5 * GIB(1) + 5 * MIB(2) + 7 * 4096) == 0);
    set(3, 8, 0x40012000 | 1); /* a block where only pages are */
    assert_true(walked(3 * GIB(1) + 5 * MIB(2) + 8 * 4096) == 0);
}

static void test_upper_half(void **unused)
{
    (void)unused;
    tables_39();
    set(4, 511, 0x40000000 | 1);
    assert_true(walked(0xffffffffc0000010) == 0x40000010);
    assert_true(walked(0xffffff7fc0000010) == 0); /* below what 39 bits reach */
    assert_true(walked(0x0000008000000000) == 0); /* above */
}

static void test_other_granules(void **unused)
{
    (void)unused;
    state.sctlr_el1 = 1;
    state.ttbr0_el1 = at(1);
    state.tcr_el1 = 16; /* 4 KiB, 48 bits: four levels */
    set(1, 1, at(2) | 3);
    set(2, 1, at(3) | 3);
    set(3, 1, at(4) | 3);
    set(4, 1, 0x40055000 | 3);
    assert_true(walked((1ull << 39) + (1 << 30) + (1 << 21) + 4096 + 8) == 0x40055008);
    set(1, 2, 0x40000000 | 1); /* no block at level 0 */
    assert_true(walked((2ull << 39) + 0x40000123) == 0);

    state.tcr_el1 = 22 | 1 << 14; /* 64 KiB, 42 bits: levels 2 and 3 */
    set(1, 1, at(16) | 3);
    set(16, 2, 0x40070000 | 3);
    assert_true(walked((1ull << 29) + (2 << 16) + 0x8765) == 0x40078765);
    set(1, 3, 0x60000000 | 1);
    assert_true(walked((3ull << 29) + 0x8765) == 0x60008765);

    state.tcr_el1 = 28 | 2 << 14; /* 16 KiB, 36 bits: levels 2 and 3 */
    set(1, 1, at(32) | 3);
    set(32, 2, 0x40074000 | 3);
    assert_true(walked((1ull << 25) + (2 << 14) + 0x2765) == 0x40076765);
}

static void test_not_walked(void **unused)
{
    static const struct {
        uint64_t tcr, sctlr;
    } bad[] = {
        {25 | 3 << 14, 1},                                    /* reserved granule */
        {25 | 1 << 7, 1},                                     /* EPD0 */
        {15, 1},                                              /* sizes that aren't */
        {40, 1},           {0, 1}, {63, 1}, {25, 1 | 1 << 25} /* big-endian */
    };
    (void)unused;
    tables_39();
    set(1, 0, 0x40000000 | 1);
    assert_true(walked(0x10) == 0x40000010);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        state.tcr_el1 = bad[i].tcr;
        state.sctlr_el1 = bad[i].sctlr;
        assert_true(walked(0x10) == 0);
    }
}

static void test_hostile_tables(void **unused)
{
    static const uint64_t roots[] = {0,
                                     8,
                                     GUEST_RAM_BASE - 8,
                                     GUEST_RAM_BASE + RAM_BYTES,
                                     GUEST_RAM_BASE + RAM_BYTES - 8,
                                     UINT64_MAX,
                                     1ull << 47};
    uint64_t word;
    (void)unused;
    tables_39();
    for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
        state.ttbr0_el1 = roots[i];
        for (unsigned j = 0; j < 512; j++)
            assert_true(walked((uint64_t)j << 30) == 0);
    }
    state.ttbr0_el1 = at(1);
    set(1, 0, at(1) | 3); /* a table that is its own next: ends at the last level */
    assert_true(walked(0x18) == at(1) + 0x18);
    assert_true(guest_read_va(&vm, &state, 0, &word) && word == (at(1) | 3));
    assert_false(guest_read_va(&vm, &state, 1, &word));
    set(1, 1, 0x0000fffffffff003); /* a table outside RAM */
    assert_true(walked(1ull << 30) == 0);
    set(1, 2, 0x0000ffffc0000001); /* a block outside RAM: nothing is read there */
    assert_false(guest_read_va(&vm, &state, 2ull << 30, &word));
}

static void test_random_tables(void **unused)
{
    uint64_t frames[MAX_FRAMES], word;
    (void)unused;
    srand(1);
    for (unsigned i = 0; i < WORDS; i++)
        ram[i] = (uint64_t)rand() << 40 ^ (GUEST_RAM_BASE + (rand() & (RAM_BYTES - 1))) ^ 3;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t *words = (uint64_t *)&state;
        for (unsigned j = 0; j < sizeof(state) / 8; j++)
            words[j] = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
        state.sctlr_el1 = rand() & 1;
        state.ttbr0_el1 = at(rand() & 255);
        regs[0].x[29] = i & 1 ? at(rand() & 255) : (uint64_t)rand() << 12;
        guest_read_va(&vm, &state, (uint64_t)rand() << 33 ^ (uint64_t)rand() << 3, &word);
        assert_true(guest_backtrace(&vm, &state, &regs[0], frames) <= MAX_FRAMES);
    }
}

/* ---- The backtrace ---- */

static uint64_t frames[MAX_FRAMES];

static unsigned traced(uint64_t fp)
{
    regs[0].x[29] = fp;
    return guest_backtrace(&vm, &state, &regs[0], frames);
}

static void test_backtrace(void **unused)
{
    (void)unused;
    ram[0x100] = at(3); /* at 0x40000800 */
    ram[0x101] = 0xaaaa;
    ram[512 * 3] = 0;
    ram[512 * 3 + 1] = 0xbbbb;
    assert_int_equal(traced(GUEST_RAM_BASE + 0x800), 2);
    assert_true(frames[0] == 0xaaaa && frames[1] == 0xbbbb);
    regs[0].pstate = 0x10; /* AArch32: no such records */
    assert_int_equal(traced(GUEST_RAM_BASE + 0x800), 0);
}

static void test_hostile_frames(void **unused)
{
    (void)unused;
    ram[0x100] = GUEST_RAM_BASE + 0x800; /* its own caller */
    assert_int_equal(traced(GUEST_RAM_BASE + 0x800), MAX_FRAMES);
    assert_int_equal(traced(GUEST_RAM_BASE + 0x801), 0);
    assert_int_equal(traced(0), 0);
    assert_int_equal(traced(UINT64_MAX - 7), 0); /* fp + 8 wraps */
    assert_int_equal(traced(GUEST_RAM_BASE - 8), 0);
    assert_int_equal(traced(GUEST_RAM_BASE + RAM_BYTES - 8), 0);
}

/* ---- Reports ---- */

/* All of the report. */
static const char *printed(void)
{
    static char text[65536];
    char line[256];
    uint64_t cursor = 0;
    text[0] = '\0';
    for (unsigned i = 0; report_line(&vm, i, &cursor, line, sizeof(line)); i++) {
        assert_true(i < 2000);
        if (line[0])
            strcat(strcat(text, line), "\n");
    }
    return text;
}

static bool says(const char *text)
{
    return strstr(printed(), text) != NULL;
}

static void crash(void)
{
    regs[0] = (struct vcpu_regs){.pc = 0xdead0000, .pstate = 0x3c5};
    regs[0].x[30] = 0x40001000;
    regs[0].x[7] = 0x7777;
    fake_state.esr_el2 = 0x20ull << 26;
    fake_state.far_el2 = 0xdead0000;
    fake_state.sp_el1 = 0x40002000;
    fake_state.vbar_el1 = 0x1badb002;
    report_begin(&vm, &vm.vcpus[0], "it fell");
    report_vcpu(&vm.vcpus[0]);
}

static void test_no_report(void **unused)
{
    (void)unused;
    assert_string_equal(printed(), "alpha has not crashed since the board started\n");
    report_vcpu(&vm.vcpus[0]); /* an orderly end leaves none */
    report_summary(&vm);
    assert_string_equal(printed(), "alpha has not crashed since the board started\n");
    assert_int_equal(fake_log_lines, 0);
}

static void test_whole_report(void **unused)
{
    (void)unused;
    console_text = "one\r\n\033[31mtwo\033[0m\n\001\377three";
    vm.cntvoff = 54000000;
    fake_time = 3 * 54000000ull;
    vm.vcpus[0].exits[0x16] = 5;
    vm.vcpus[1].exits[0x17] = 6;
    vm.vcpus[1].exits[EXIT_INTERRUPT] = 40;
    crash();
    fake_cpu = 1;
    ram[0] = 0xd503207full; /* WFI; behind it is where an interrupt took it out */
    regs[1] = (struct vcpu_regs){.pc = GUEST_RAM_BASE + 4, .pstate = 0x5};
    fake_state.esr_el1 = 0x15ull << 26;
    report_vcpu(&vm.vcpus[1]);

    assert_true(says("alpha: it fell\n"));
    assert_true(says("at 3000 ms since power-on, 2000 ms after its start number 1\n"));
    assert_true(says("exits: 40 interrupts, 0 device accesses and holes, 11 calls, "));
    assert_true(says("51 in all\n"));
    assert_true(says("disk: 7 requests, 4096 bytes read"));
    assert_true(says("vCPU 0 on core 0: fetch, nothing there at EL1, interrupts masked; "
                     "pc dead0000 lr 40001000 sp 40002000 ESR 80000000 FAR dead0000 HPFAR 0\n"));
    assert_true(says("vCPU 1 on core 1: waiting (WFI) at EL1; pc 40000004 "));
    assert_true(says("its own last exception: other, pc 0"));
    assert_true(says("  x7        0000000000007777"));
    assert_true(says("  vbar_el1  000000001badb002"));
    assert_true(says("  hpfar_el2 0000000000000000"));
    assert_true(says("bytes on its console:\n|one\n|two\n|??three\n"));
}

static void test_backtrace_is_printed(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 6; i++) {
        ram[0x100 + 2 * i] = i < 5 ? GUEST_RAM_BASE + 0x800 + 16 * (i + 1) : 0;
        ram[0x101 + 2 * i] = 0xa0 + i;
    }
    regs[0].x[29] = GUEST_RAM_BASE + 0x800;
    report_begin(&vm, NULL, "hung");
    report_vcpu(&vm.vcpus[0]);
    assert_true(says("vCPU 0 on core 0: stopped while running at EL0; pc 0 "));
    assert_true(says("  called from 00000000000000a0 00000000000000a1 00000000000000a2 "
                     "00000000000000a3\n"
                     "              00000000000000a4 00000000000000a5\n"));
}

static void test_vcpu_that_is_off(void **unused)
{
    (void)unused;
    crash();
    vm.vcpus[1].power = VCPU_OFF;
    report_vcpu(&vm.vcpus[1]);
    assert_true(says("vCPU 1 on core 1: off\n"));
}

static void test_kept_over_restarts(void **unused)
{
    (void)unused;
    crash();
    report_summary(&vm);
    fake_log_reset();
    vm.starts = 2;
    regs[0].pc = 0x1111;
    report_vcpu(&vm.vcpus[0]); /* stops in good order this time */
    report_summary(&vm);
    assert_true(says("pc dead0000") && !says("pc 1111"));
    assert_int_equal(fake_log_lines, 0);

    report_begin(&vm, NULL, "hung");
    assert_true(says("alpha: hung\n") && says("vCPU 0 on core 0: off") && !says("dead0000"));
    report_vcpu(&vm.vcpus[0]);
    assert_true(says("start number 2\n") && says("pc 1111"));
}

static void test_kept_once(void **unused)
{
    (void)unused;
    crash();
    regs[0].pc = 0x2222;
    report_vcpu(&vm.vcpus[0]);
    assert_true(says("pc dead0000") && !says("pc 2222"));
}

/* RAM outlives a reset of the board; nothing else does. */
static void test_over_a_reset_of_the_board(void **unused)
{
    struct report *r = &reports[0];
    (void)unused;
    fake_mem_dirty();
    crash();
    report_init(&vm); /* not complete: not believed */
    assert_true(says("has not crashed"));

    crash();
    report_summary(&vm);
    assert_true(fake_mem_coherent(r, sizeof(*r)));
    vm.starts = 0;
    report_init(&vm);
    report_init(&vm); /* the board was reset twice */
    assert_true(says("alpha: it fell\n") && says("pc dead0000"));
    assert_true(says("since power-on, before the board was last reset, "));
    fake_log_reset();
    vm.starts = 1; /* the same number as then */
    vm.vcpus[1].power = VCPU_ON;
    report_vcpu(&vm.vcpus[1]);
    report_summary(&vm);
    assert_true(says("vCPU 1 on core 1: off"));
    assert_int_equal(fake_log_lines, 0);

    strcpy(config.name, "gamma");
    report_init(&vm); /* another VM's */
    strcpy(config.name, "alpha");
    assert_true(says("has not crashed"));
    crash();
    report_summary(&vm);
    assert_false(says("before the board"));
    r->vcpus[1].nframes = 0xff; /* RAM that forgot */
    report_init(&vm);
    assert_true(says("has not crashed"));
    memset(r, 0xa5, sizeof(*r)); /* power-on */
    report_init(&vm);
    assert_true(says("has not crashed"));
}

static void test_summary(void **unused)
{
    (void)unused;
    crash();
    report_vcpu(&vm.vcpus[1]);
    report_summary(&vm);
    assert_true(fake_log_has("`report alpha` in the monitor has all of this:\n"));
    assert_true(fake_log_has("vCPU 0 on core 0: fetch, nothing there at EL1"));
    assert_true(fake_log_has("vCPU 1 on core 1: stopped while running"));
    assert_in_range(fake_log_lines, 3, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mmu_off_is_flat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages_and_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upper_half, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_granules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_walked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backtrace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_report, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole_report, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backtrace_is_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vcpu_that_is_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_over_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_over_a_reset_of_the_board, setup, teardown),
        cmocka_unit_test_setup_teardown(test_summary, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
