// sources: core/partition.c core/board_dt.c core/board_nodes.c core/board_bus.c core/dtb.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/partition.h>
#include <cmocka.h>
#include <string.h>

static const struct device_match matches[] = {
    {"arm,gic-400", DEV_GIC},
    {"brcm,bcm2711-emmc2", DEV_SDHCI},
    {"brcm,bcm2835-mbox", DEV_MAILBOX},
    {"brcm,bcm2711-genet-v5", DEV_ETHERNET},
    {NULL, 0},
};

/* As U-Boot leaves it: hypervisor, device tree, kernel, initrd. Not aligned on purpose. */
static const struct range kept[] = {
    {0x00800000, 0x00180000}, {0x02e00000, 0x0000c123}, {0x04000000, 0x01f3a5c8},
    {0x06000000, 0x00512345}, {0x06600000, 0x00000400},
};

static struct machine m;
static struct config config;
static struct partition parts[MAX_VMS];
static struct refusal why;

static void read_board(unsigned gb)
{
    char path[64];
    struct blob b;
    snprintf(path, sizeof(path), "tests/data/board-%ug.dts", gb);
    b = dts_file(path);
    assert_true(machine_read(b.data, b.bytes, matches, &m, &why));
    free(b.data);
}

static void ask(unsigned nvms, const uint64_t *memory)
{
    static const char *const names[MAX_VMS] = {"alpha", "beta", "gamma", "delta"};
    memset(&config, 0, sizeof(config));
    config.nvms = nvms;
    for (unsigned i = 0; i < nvms; i++) {
        strcpy(config.vms[i].name, names[i]);
        if (memory[i] <= 100)
            config.vms[i].memory_percent = (unsigned)memory[i];
        else
            config.vms[i].memory = memory[i];
    }
}

static bool allot(void)
{
    memset(parts, 0xa5, sizeof(parts));
    return partition_memory(&m, &config, kept, ARRAY_SIZE(kept), parts, &why);
}

static void assert_good(void)
{
    if (!allot())
        fail_msg("refused: %s", why.text);
    if (!partition_check(&m, &config, kept, ARRAY_SIZE(kept), parts, &why))
        fail_msg("%s", why.text);
}

static void assert_refused(const char *sentence)
{
    assert_false(allot());
    assert_string_equal(why.text, sentence);
}

static void test_two_vms_on_every_board(void **state)
{
    static const unsigned boards[] = {1, 2, 4, 8};
    static const uint64_t memory[] = {MIB(384), MIB(384)};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(boards); i++) {
        read_board(boards[i]);
        ask(2, memory);
        assert_good();
        assert_int_equal(parts[0].npieces, 1);
        assert_int_equal(parts[1].npieces, 1);
        assert_int_equal(parts[0].bytes, MIB(384));
    }
}

static void test_shares_of_every_board(void **state)
{
    static const unsigned boards[] = {1, 2, 4, 8};
    static const uint64_t memory[] = {40, 40};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(boards); i++) {
        read_board(boards[i]);
        ask(2, memory);
        assert_good();
    }
    assert_int_equal(parts[0].bytes % BLOCK_2M, 0);
    /* 40 % of 948 + 3008 + 4096 MiB */
    assert_int_equal(parts[0].bytes, MIB(3220));
}

static void test_nearly_all_of_the_largest_board(void **state)
{
    static const uint64_t memory[] = {MIB(7800)};
    (void)state;
    read_board(8);
    ask(1, memory);
    assert_good();
    assert_int_equal(parts[0].npieces,
                     3); /* RAM is in three, and its first part is cut by boot files */
}

static void test_large_vms_start_at_a_gib(void **state)
{
    static const uint64_t memory[] = {GIB(1), GIB(2)};
    (void)state;
    read_board(8);
    ask(2, memory);
    assert_good();
    assert_int_equal(parts[0].pieces[0].base % GIB(1), 0);
    assert_int_equal(parts[1].pieces[0].base % GIB(1), 0);
}

static void test_four_vms_on_the_smallest_board(void **state)
{
    static const uint64_t memory[] = {MIB(128), MIB(256), MIB(256), MIB(128)};
    (void)state;
    read_board(1);
    ask(4, memory);
    assert_good();
}

static void test_too_much_is_refused(void **state)
{
    static const uint64_t one[] = {MIB(384), GIB(3)}, first[] = {GIB(1), MIB(64)}, all[] = {60, 60},
                          little[] = {2};
    (void)state;
    read_board(1);
    ask(2, one);
    assert_refused("beta: memory: 3072 MiB are asked for; the board has 948 MiB, of which 516 MiB "
                   "are left");
    ask(2, first);
    assert_refused("alpha: memory: 1024 MiB are asked for; the board has 948 MiB, of which 900 MiB "
                   "are left");
    ask(2, all);
    assert_refused("beta: memory: 568 MiB are asked for; the board has 948 MiB, of which 332 MiB "
                   "are left");
    ask(1, little);
    assert_refused("alpha: memory: 2% of the board's 948 MiB is too little; at least 32 MiB are "
                   "needed");
}

static void test_too_many_pieces_are_refused(void **state)
{
    static const uint64_t memory[] = {MIB(60)};
    (void)state;
    memset(&m, 0, sizeof(m));
    for (unsigned i = 0; i < 6; i++)
        m.ram[m.nram++] = (struct range){GIB(1) + i * MIB(64), MIB(12)};
    ask(1, memory);
    assert_refused("alpha: memory: what is left of the board's RAM lies in too many pieces; 4 are "
                   "allowed: ask for less");
}

static void test_the_first_mib_is_the_firmwares(void **state)
{
    static const uint64_t most[] = {MIB(62)}, all[] = {MIB(64)};
    (void)state;
    memset(&m, 0, sizeof(m));
    m.ram[m.nram++] = (struct range){0, MIB(64)};
    ask(1, most);
    assert_true(partition_memory(&m, &config, NULL, 0, parts, &why));
    assert_int_equal(parts[0].pieces[0].base, MIB(2));
    ask(1, all);
    assert_false(partition_memory(&m, &config, NULL, 0, parts, &why));
}

static void test_a_device_window_inside_ram_is_left_out(void **state)
{
    static const uint64_t memory[] = {GIB(3)};
    (void)state;
    /* What a firmware that forgets the window would say of an 8 GB board. */
    read_board(8);
    m.nram = 1;
    m.ram[0] = (struct range){MIB(1), GIB(8)};
    ask(1, memory);
    assert_good();
}

static void test_the_check_sees_each_fault(void **state)
{
    static const uint64_t memory[] = {MIB(64), MIB(64)};
    const struct {
        struct range piece;
        const char *sentence;
    } faults[] = {
        {{MIB(64) + 4096, MIB(64)}, "alpha: memory: a piece is not made of 2 MiB blocks"},
        {{MIB(944), MIB(64)}, "alpha: memory: a piece is not RAM"},
        {{0, MIB(64)}, "alpha: memory: a piece is the firmware's"},
        {{0x3a000000 - MIB(64), MIB(64)}, "alpha: memory: a piece is the firmware's"},
        {{0x02800000, MIB(64)}, "alpha: memory: a piece is the hypervisor's"},
        {{MIB(512) + MIB(62), MIB(64)}, "beta: memory: a piece is another VM's"},
        {{MIB(512), MIB(62)}, "alpha: memory: a piece is of another size than was asked for"},
        {{0x800000000, MIB(64)}, "alpha: memory: a piece is a device's"},
    };
    (void)state;
    read_board(1);
    ask(2, memory);
    m.reserved[m.nreserved++] = (struct range){0x39ff0000, 0x1000};
    m.ram[m.nram++] = (struct range){0x800000000, GIB(1)};
    m.windows[m.nwindows++] = (struct range){0x803ff0000, 0x1000};
    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        assert_good();
        parts[0] = (struct partition){1, {faults[i].piece}, faults[i].piece.size};
        parts[1] = (struct partition){1, {{MIB(512), MIB(64)}}, MIB(64)};
        assert_false(partition_check(&m, &config, kept, ARRAY_SIZE(kept), parts, &why));
        assert_string_equal(why.text, faults[i].sentence);
    }
    parts[0] = (struct partition){2, {{MIB(256), MIB(32)}, {MIB(256), MIB(32)}}, MIB(64)};
    assert_false(partition_check(&m, &config, kept, ARRAY_SIZE(kept), parts, &why));
}

static uint64_t pick(uint64_t *random, uint64_t below)
{
    return ((uint64_t)next_random(random) << 31 | next_random(random)) % below;
}

/* Whatever board and wishes: either refused, or every promise holds. */
static void test_random_boards(void **state)
{
    uint64_t random = 8;
    unsigned accepted = 0;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct range away[8];
        uint64_t memory[MAX_VMS], base = 0;
        memset(&m, 0, sizeof(m));
        m.nram = 1 + (unsigned)pick(&random, MAX_RAM_REGIONS);
        for (unsigned i = 0; i < m.nram; i++) {
            m.ram[i] = (struct range){base + pick(&random, MIB(64)), 1 + pick(&random, MIB(900))};
            base = m.ram[i].base + m.ram[i].size + 1;
        }
        m.nreserved = (unsigned)pick(&random, MAX_RESERVED + 1);
        for (unsigned i = 0; i < m.nreserved; i++)
            m.reserved[i] = (struct range){pick(&random, base), pick(&random, MIB(1))};
        m.nwindows = (unsigned)pick(&random, MAX_WINDOWS + 1);
        for (unsigned i = 0; i < m.nwindows; i++)
            m.windows[i] = (struct range){pick(&random, base), pick(&random, MIB(32))};
        for (unsigned i = 0; i < ARRAY_SIZE(away); i++)
            away[i] = (struct range){pick(&random, base), pick(&random, MIB(64))};
        for (unsigned i = 0; i < MAX_VMS; i++)
            memory[i] =
                pick(&random, 3) ? BLOCK_2M * (16 + pick(&random, 512)) : 1 + pick(&random, 40);
        ask(1 + (unsigned)pick(&random, MAX_VMS), memory);
        if (partition_memory(&m, &config, away, ARRAY_SIZE(away), parts, &why)) {
            accepted++;
            if (!partition_check(&m, &config, away, ARRAY_SIZE(away), parts, &why))
                fail_msg("round %u: %s", round, why.text);
        }
    }
    assert_in_range(accepted, 1000, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_vms_on_every_board),
        cmocka_unit_test(test_shares_of_every_board),
        cmocka_unit_test(test_nearly_all_of_the_largest_board),
        cmocka_unit_test(test_large_vms_start_at_a_gib),
        cmocka_unit_test(test_four_vms_on_the_smallest_board),
        cmocka_unit_test(test_too_much_is_refused),
        cmocka_unit_test(test_too_many_pieces_are_refused),
        cmocka_unit_test(test_the_first_mib_is_the_firmwares),
        cmocka_unit_test(test_a_device_window_inside_ram_is_left_out),
        cmocka_unit_test(test_the_check_sees_each_fault),
        cmocka_unit_test(test_random_boards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
