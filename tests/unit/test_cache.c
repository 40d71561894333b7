// sources: tests/fake/fake_cpu.c tests/fake/fake_cache.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake cache itself: what other tests rely on to see a forgotten clean or invalidate. */
#include <fake/fake.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t buffer[256] __attribute__((aligned(64)));
static uint8_t area[4096];
static const uint64_t area_pa = 0x40000000;

static int setup(void **state)
{
    (void)state;
    memset(buffer, 0, sizeof(buffer));
    memset(area, 0, sizeof(area));
    fake_mem_reset();
    return 0;
}

static uint8_t in_dram(const void *object)
{
    uint8_t byte = 0xee;
    assert_true(fake_dram_read(image_paddr(object), &byte, 1));
    return byte;
}

static void dma_in(void *object, uint8_t byte)
{
    assert_true(fake_dram_write(image_paddr(object), &byte, 1));
}

static void test_stores_stay_in_the_cache(void **state)
{
    (void)state;
    buffer[5] = 7;
    assert_int_equal(in_dram(&buffer[5]), 0);
    assert_false(fake_mem_coherent(buffer, 64));
    cache_clean(buffer, 6);
    assert_int_equal(in_dram(&buffer[5]), 7);
    assert_true(fake_mem_coherent(buffer, 64));
}

static void test_cleaning_works_by_lines(void **state)
{
    (void)state;
    buffer[0] = 1;
    buffer[63] = 2;
    buffer[64] = 3;
    cache_clean(buffer + 10, 1);
    assert_int_equal(in_dram(&buffer[0]), 1);
    assert_int_equal(in_dram(&buffer[63]), 2);
    assert_int_equal(in_dram(&buffer[64]), 0);
    cache_clean(buffer + 63, 2);
    assert_int_equal(in_dram(&buffer[64]), 3);
}

static void test_dma_is_not_seen_before_invalidation(void **state)
{
    (void)state;
    dma_in(&buffer[100], 9);
    assert_int_equal(buffer[100], 0);
    cache_invalidate(buffer + 64, 64);
    assert_int_equal(buffer[100], 9);
    assert_int_equal(fake_dirty_dma, 0);
}

static void test_invalidation_loses_stores(void **state)
{
    (void)state;
    buffer[64] = 5;
    cache_invalidate(buffer + 64, 64);
    assert_int_equal(buffer[64], 0);
}

static void test_partial_lines_are_cleaned(void **state)
{
    (void)state;
    buffer[0] = 4;   /* same line as what is invalidated */
    buffer[199] = 6; /* so is this */
    cache_invalidate(buffer + 32, 128);
    assert_int_equal(buffer[0], 4);
    assert_int_equal(buffer[199], 6);
}

static void test_dma_into_dirty_line(void **state)
{
    (void)state;
    buffer[70] = 1;
    dma_in(&buffer[130], 2);
    assert_int_equal(fake_dirty_dma, 0);
    dma_in(&buffer[120], 2);
    assert_int_equal(fake_dirty_dma, 1);
}

static void test_areas(void **state)
{
    uint8_t byte = 0;
    (void)state;
    fake_mem_add(area, sizeof(area), paddr(area_pa));
    area[17] = 3;
    assert_true(fake_dram_read(paddr(area_pa + 17), &byte, 1));
    assert_int_equal(byte, 0);
    cache_clean_invalidate(area, sizeof(area));
    assert_true(fake_dram_read(paddr(area_pa + 17), &byte, 1));
    assert_int_equal(byte, 3);
    assert_ptr_equal(map_file(paddr(area_pa + 100), 10), area + 100);
    assert_null(map_file(paddr(area_pa + 4090), 10));
    assert_false(fake_dram_read(paddr(area_pa + sizeof(area)), &byte, 1));
    assert_false(fake_dram_write(paddr(0x1000), &byte, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_stores_stay_in_the_cache, setup),
        cmocka_unit_test_setup(test_cleaning_works_by_lines, setup),
        cmocka_unit_test_setup(test_dma_is_not_seen_before_invalidation, setup),
        cmocka_unit_test_setup(test_invalidation_loses_stores, setup),
        cmocka_unit_test_setup(test_partial_lines_are_cleaned, setup),
        cmocka_unit_test_setup(test_dma_into_dirty_line, setup),
        cmocka_unit_test_setup(test_areas, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
