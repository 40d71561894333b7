// sources: core/entropy.c core/sha256.c core/board_dt.c core/board_nodes.c core/board_bus.c core/dtb.c core/refuse.c tests/fake/fake_cache.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "fake/fake.h"
#include <bulkhead/entropy.h>
#include <bulkhead/machine.h>

static struct machine m;
static uint8_t seed_file[64];
static uint64_t jitter;

uint64_t entropy_jitter(void)
{
    return jitter++;
}

static int setup(void **state)
{
    (void)state;
    fake_log_reset();
    fake_mem_reset();
    memset(&m, 0, sizeof(m));
    memset(seed_file, 7, sizeof(seed_file));
    fake_mem_add(seed_file, sizeof(seed_file), paddr(0x8000000));
    jitter = 1000;
    return 0;
}

static void add_file(void)
{
    m.nfiles = 1;
    strcpy(m.files[0].path, "seed.bin");
    m.files[0].pa = paddr(0x8000000);
    m.files[0].size = sizeof(seed_file);
}

/* What alpha's first start gets with the sources as they are now. */
static void seed_with(const void *random, size_t bytes, uint8_t out[32])
{
    jitter = 1000;
    entropy_init(&m, random, bytes);
    entropy_guest_seed("alpha", 1, out, 32);
}

static void test_each_source_changes_the_seeds(void **state)
{
    uint8_t bare[32], firmware[32], generator[32], file[32], again[32], late[32];
    (void)state;
    seed_with(NULL, 0, bare);
    seed_with("12345678", 8, generator);
    m.seed_bytes = 8;
    memcpy(m.seed, "12345678", 8);
    seed_with(NULL, 0, firmware);
    m.seed_bytes = 0;
    add_file();
    seed_with(NULL, 0, file);
    seed_with(NULL, 0, again);
    assert_memory_equal(file, again, 32);
    entropy_init(&m, NULL, 0); /* with other jitter */
    entropy_guest_seed("alpha", 1, late, 32);
    assert_memory_not_equal(bare, generator, 32);
    assert_memory_not_equal(bare, firmware, 32);
    assert_memory_not_equal(bare, file, 32);
    assert_memory_not_equal(firmware, generator, 32); /* the same bytes from elsewhere */
    assert_memory_not_equal(file, late, 32);
}

static void test_the_log_names_the_sources(void **state)
{
    uint8_t out[32];
    (void)state;
    seed_with(NULL, 0, out);
    assert_true(fake_log_has("only the counter's jitter; they can be guessed"));
    fake_log_reset();
    add_file();
    seed_with(NULL, 0, out);
    assert_true(
        fake_log_has("firmware 0 bytes, hardware generator 0, seed.bin 64, jitter; seed.bin "
                     "is the same at each boot"));
    fake_log_reset();
    m.seed_bytes = 40;
    seed_with("12345678", 8, out);
    assert_true(fake_log_has("firmware 40 bytes, hardware generator 8, seed.bin 64, jitter\n"));
    assert_int_equal(fake_log_lines, 1);
}

static void test_seeds_are_one_vms_and_one_starts(void **state)
{
    static const char *const names[] = {"alpha", "alpha1", "beta",
                                        "abcdefghijabcdefghijabcdefghijx"};
    uint8_t all[4 * 4][72], twice[72];
    (void)state;
    entropy_init(&m, "x", 1);
    for (unsigned i = 0; i < 16; i++)
        entropy_guest_seed(names[i / 4], i % 4 ? 1u << (8 * (i % 4)) : 0, all[i], 72);
    for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 0; k < i; k++)
            assert_memory_not_equal(all[i], all[k], 72);
    entropy_guest_seed("alpha", 0, twice, 72);
    assert_memory_equal(twice, all[0], 72);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_source_changes_the_seeds, setup),
        cmocka_unit_test_setup(test_the_log_names_the_sources, setup),
        cmocka_unit_test_setup(test_seeds_are_one_vms_and_one_starts, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
