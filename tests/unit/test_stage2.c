// sources: arch/arm64/stage2.c arch/arm64/pagetable.c tests/fake/fake_crc32.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The stage-2 builder: what is asked for is mapped, by the largest blocks, and nothing else. */
#include "unit.h"

#include <stdlib.h>

#include "arch/arm64/arch_internal.h"
#include "arch/arm64/pagetable.h"

#define RAM ipaddr(0x40000000)

struct seen {
    unsigned count;
    struct {
        uint64_t ipa, pa, bytes;
        enum stage2_kind kind;
    } leaves[64];
};

/* Tables of the host at their host addresses, which have fewer bits than a descriptor holds. */
paddr_t image_paddr(const void *object)
{
    return paddr((uint64_t)(uintptr_t)object);
}

static struct stage2 s2;
static struct seen seen;

static void note(void *context, ipaddr_t ipa, paddr_t pa, uint64_t bytes, enum stage2_kind kind)
{
    struct seen *s = context;

    assert_true(s->count < ARRAY_SIZE(s->leaves));
    s->leaves[s->count].ipa = ipa.v;
    s->leaves[s->count].pa = pa.v;
    s->leaves[s->count].bytes = bytes;
    s->leaves[s->count++].kind = kind;
}

static void look(void)
{
    memset(&seen, 0, sizeof seen);
    stage2_visit(&s2, note, &seen);
}

static int set_up(void **state)
{
    (void)state;
    table_reset();
    return stage2_init(&s2, 1) ? 0 : -1;
}

static void assert_leaf(unsigned i, uint64_t ipa, uint64_t pa, uint64_t bytes,
                        enum stage2_kind kind)
{
    assert_true(i < seen.count);
    assert_int_equal(seen.leaves[i].ipa, ipa);
    assert_int_equal(seen.leaves[i].pa, pa);
    assert_int_equal(seen.leaves[i].bytes, bytes);
    assert_int_equal(seen.leaves[i].kind, kind);
}

static bool map_ram(uint64_t ipa, uint64_t pa, uint64_t bytes)
{
    return stage2_map(&s2, ipaddr(ipa), paddr(pa), bytes, STAGE2_RAM);
}

static void test_empty(void **state)
{
    paddr_t pa;

    (void)state;
    look();
    assert_int_equal(seen.count, 0);
    assert_false(stage2_translate(&s2, ipaddr(0), &pa));
    assert_false(stage2_translate(&s2, RAM, &pa));
    assert_false(stage2_translate(&s2, ipaddr(1ULL << 39), &pa));
    assert_false(stage2_translate(&s2, ipaddr(UINT64_MAX), &pa));
}

static void test_largest_blocks(void **state)
{
    (void)state;
    assert_true(map_ram(GIB(1), GIB(4), GIB(2)));
    look();
    assert_int_equal(seen.count, 2);
    assert_leaf(0, GIB(1), GIB(4), GIB(1), STAGE2_RAM);
    assert_leaf(1, GIB(2), GIB(5), GIB(1), STAGE2_RAM);

    /* Output not aligned as the input is: 2 MiB blocks, however long. */
    assert_true(map_ram(GIB(4), GIB(6) + MIB(2), MIB(6)));
    /* 4 KiB up to the first 2 MiB border, one block, 4 KiB again. */
    assert_true(map_ram(GIB(8) - KIB(4), MIB(256) - KIB(4), MIB(2) + KIB(8)));
    look();
    assert_int_equal(seen.count, 8);
    for (unsigned i = 0; i < 3; i++)
        assert_leaf(2 + i, GIB(4) + i * MIB(2), GIB(6) + (i + 1) * MIB(2), MIB(2), STAGE2_RAM);
    assert_leaf(5, GIB(8) - KIB(4), MIB(256) - KIB(4), KIB(4), STAGE2_RAM);
    assert_leaf(6, GIB(8), MIB(256), MIB(2), STAGE2_RAM);
    assert_leaf(7, GIB(8) + MIB(2), MIB(258), KIB(4), STAGE2_RAM);
}

/* A whole 2 MiB or 1 GiB whose neighbour already needed a finer table. */
static void test_beside_smaller_pieces(void **state)
{
    paddr_t pa;

    (void)state;
    assert_true(map_ram(GIB(1), MIB(64), KIB(4)));
    assert_true(map_ram(GIB(1) + MIB(2), MIB(66), MIB(2)));
    assert_true(map_ram(GIB(1) + KIB(4), MIB(64) + KIB(4), MIB(2) - KIB(4)));
    assert_true(stage2_translate(&s2, ipaddr(GIB(1) + MIB(4) - 1), &pa));
    assert_int_equal(pa.v, MIB(68) - 1);
    assert_false(stage2_translate(&s2, ipaddr(GIB(1) + MIB(4)), &pa));
}

static void test_translate_and_edges(void **state)
{
    paddr_t pa;

    (void)state;
    assert_true(map_ram(GIB(1), MIB(512), MIB(4)));
    assert_true(stage2_translate(&s2, ipaddr(GIB(1) + MIB(3) + 5), &pa));
    assert_int_equal(pa.v, MIB(515) + 5);
    assert_false(stage2_translate(&s2, ipaddr(GIB(1) - 1), &pa));
    assert_false(stage2_translate(&s2, ipaddr(GIB(1) + MIB(4)), &pa));
    /* Addresses beyond the space don't wrap into it. */
    assert_false(stage2_translate(&s2, ipaddr((1ULL << 39) + GIB(1)), &pa));
    assert_false(stage2_translate(&s2, ipaddr(0xffffff8000000000 + GIB(1)), &pa));
}

static void test_kinds(void **state)
{
    struct leaf leaf;

    (void)state;
    assert_true(stage2_map(&s2, ipaddr(0x08010000), paddr(0xff846000), KIB(8), STAGE2_DEVICE));
    assert_true(map_ram(GIB(1), MIB(512), MIB(2)));
    look();
    assert_int_equal(seen.count, 3);
    assert_leaf(0, 0x08010000, 0xff846000, KIB(4), STAGE2_DEVICE);
    assert_leaf(1, 0x08011000, 0xff847000, KIB(4), STAGE2_DEVICE);
    assert_leaf(2, GIB(1), MIB(512), MIB(2), STAGE2_RAM);
    /* Arm ARM D5.3.3: XN=1, AF, inner-shareable, read-write, Device-nGnRE, page. */
    assert_true(table_walk(s2.root, 0x08010000, &leaf));
    assert_int_equal(leaf.descriptor, 0x00400000ff8467c7);
    /* Executable, Normal write-back, block. */
    assert_true(table_walk(s2.root, GIB(1), &leaf));
    assert_int_equal(leaf.descriptor, 0x00000000200007fd);
    /* XN=1, read-only (S2AP = 01), Normal write-back, page. */
    assert_true(stage2_map(&s2, ipaddr(0x04000000), paddr(MIB(96)), KIB(8), STAGE2_ROM));
    assert_true(table_walk(s2.root, 0x04001000, &leaf));
    assert_int_equal(leaf.descriptor, 0x004000000600177f);
    look();
    assert_leaf(0, 0x04000000, MIB(96), KIB(4), STAGE2_ROM);
    assert_leaf(4, GIB(1), MIB(512), MIB(2), STAGE2_RAM);
}

static void assert_refused(uint64_t ipa, uint64_t pa, uint64_t bytes)
{
    look();
    unsigned before = seen.count, used, now, total;
    table_use(&used, &total);
    assert_false(map_ram(ipa, pa, bytes));
    look();
    assert_int_equal(seen.count, before);
    table_use(&now, &total);
    assert_int_equal(now, used);
}

static void test_overlap_is_refused(void **state)
{
    (void)state;
    assert_true(map_ram(GIB(1), MIB(512), MIB(4)));
    assert_true(map_ram(GIB(3), GIB(4), GIB(1)));
    assert_refused(GIB(1), MIB(512), MIB(4));
    assert_refused(GIB(1) + MIB(4) - KIB(4), MIB(600), KIB(4));
    assert_refused(GIB(1) - KIB(4), MIB(600), KIB(8));
    assert_refused(GIB(1) - KIB(4), MIB(600), MIB(8));
    assert_refused(0, GIB(8), GIB(8));
    assert_refused(GIB(3) + KIB(4), MIB(600), KIB(4));
    assert_true(map_ram(GIB(1) + MIB(4), MIB(600), KIB(4)));
}

static void test_unsound_is_refused(void **state)
{
    (void)state;
    assert_refused(GIB(1) + 1, MIB(512), KIB(4));
    assert_refused(GIB(1), MIB(512) + 512, KIB(4));
    assert_refused(GIB(1), MIB(512), KIB(4) + 1);
    assert_refused(1ULL << 39, MIB(512), KIB(4));
    assert_refused((1ULL << 39) - KIB(4), MIB(512), KIB(8));
    assert_refused(UINT64_MAX - KIB(4) + 1, MIB(512), KIB(8));
    assert_refused(GIB(1), 1ULL << 44, KIB(4));
    assert_refused(GIB(1), (1ULL << 44) - KIB(4), KIB(8));
    assert_refused(GIB(1), MIB(512), UINT64_MAX - KIB(4) + 1);
    assert_true(map_ram((1ULL << 39) - KIB(4), (1ULL << 44) - KIB(4), KIB(4)));
}

static void test_pool_runs_out(void **state)
{
    unsigned used, total, gib = 0;

    (void)state;
    /* A root is there; each of these needs a table of its own for its GiB and its 2 MiB. */
    while (gib < 512 && map_ram(GIB(gib), MIB(512), KIB(4)))
        gib++;
    table_use(&used, &total);
    assert_int_equal(used, total);
    assert_int_equal(total, TABLE_POOL_PAGES);
    assert_int_equal(gib, (total - 1) / 2);
    /* What was mapped still is; a larger piece that needs no table still can be. */
    look();
    assert_int_equal(seen.count, gib);
    assert_true(map_ram(GIB(300), GIB(1), GIB(1)));
    struct stage2 another;
    assert_false(stage2_init(&another, 2));
}

static void test_spaces_are_apart(void **state)
{
    struct stage2 other;
    paddr_t pa;

    (void)state;
    assert_true(stage2_init(&other, 2));
    assert_true(map_ram(GIB(1), MIB(512), MIB(4)));
    assert_false(stage2_translate(&other, RAM, &pa));
    assert_true(stage2_map(&other, RAM, paddr(MIB(640)), MIB(4), STAGE2_RAM));
    assert_true(stage2_translate(&s2, RAM, &pa));
    assert_int_equal(pa.v, MIB(512));
    assert_int_equal(stage2_vttbr(&other) >> 48, 2);
    assert_int_equal(stage2_vttbr(&other) & 0xfff, 0);
    assert_true(stage2_vttbr(&other) != stage2_vttbr(&s2));
}

/* The pool must do for every configuration: two VMs on any board, memory in as many pieces as there
 * may be. */
static void test_pool_is_enough(void **state)
{
    static const uint64_t boards[] = {1, 2, 4, 8};

    (void)state;
    for (unsigned b = 0; b < ARRAY_SIZE(boards); b++) {
        unsigned used, total;
        table_reset();
        for (unsigned vm = 0; vm < 2; vm++) {
            uint64_t piece = align_down(GIB(boards[b]) / 8, BLOCK_2M), ipa = GIB(1);
            assert_true(stage2_init(&s2, (uint16_t)(vm + 1)));
            assert_true(
                stage2_map(&s2, ipaddr(0x08010000), paddr(0xff846000), KIB(8), STAGE2_DEVICE));
            for (unsigned i = 0; i < MAX_RAM_PIECES; i++, ipa += piece)
                assert_true(map_ram(ipa, (2 * i + vm) * piece + BLOCK_2M, piece));
        }
        table_use(&used, &total);
        /* Root, GICV's two, one for each GiB begun: */
        assert_true(used <= 2 * (3 + boards[b] / 2 + 1));
    }
}

/* Anything that is accepted maps exactly that; kept by a model of one byte a page. */
static void test_random_against_a_model(void **state)
{
    enum { PAGES = 4096 }; /* 16 MiB from 1 GiB - 8 MiB: across a level-1 border */
    static uint64_t model[PAGES];
    const uint64_t base = GIB(1) - MIB(8);

    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20; round++) {
        table_reset();
        assert_true(stage2_init(&s2, 1));
        memset(model, 0, sizeof model);
        for (unsigned n = 0; n < 100; n++) {
            unsigned first = (unsigned)rand() % PAGES, pages = 1u << rand() % 11;
            uint64_t pa =
                MIB(2) * ((unsigned)rand() % 64 + 1) + (rand() % 2 ? first % 512 * KIB(4) : 0);
            bool room = first + pages <= PAGES;
            for (unsigned i = first; room && i < first + pages; i++)
                room = model[i] == 0;
            if (first + pages > PAGES)
                continue;
            assert_int_equal(map_ram(base + first * KIB(4), pa, pages * KIB(4)), room);
            for (unsigned i = 0; room && i < pages; i++)
                model[first + i] = pa + i * KIB(4);
        }
        for (unsigned i = 0; i < PAGES; i++) {
            paddr_t pa = {0};
            assert_int_equal(stage2_translate(&s2, ipaddr(base + i * KIB(4)), &pa), model[i] != 0);
            assert_int_equal(pa.v, model[i]);
        }
    }
}

static void test_unmap_page(void **state)
{
    paddr_t pa;

    (void)state;
    assert_true(map_ram(GIB(1), MIB(512), KIB(8)));
    table_unmap_page(s2.root, GIB(1));
    assert_false(stage2_translate(&s2, RAM, &pa));
    assert_true(stage2_translate(&s2, ipaddr(GIB(1) + KIB(4)), &pa));
    /* Only pages: a block stays, and so does a hole. */
    assert_true(map_ram(GIB(2), GIB(2), GIB(1)));
    table_unmap_page(s2.root, GIB(2));
    assert_true(stage2_translate(&s2, ipaddr(GIB(2)), &pa));
    table_unmap_page(s2.root, GIB(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty, set_up),
        cmocka_unit_test_setup(test_largest_blocks, set_up),
        cmocka_unit_test_setup(test_beside_smaller_pieces, set_up),
        cmocka_unit_test_setup(test_translate_and_edges, set_up),
        cmocka_unit_test_setup(test_kinds, set_up),
        cmocka_unit_test_setup(test_overlap_is_refused, set_up),
        cmocka_unit_test_setup(test_unsound_is_refused, set_up),
        cmocka_unit_test_setup(test_pool_runs_out, set_up),
        cmocka_unit_test_setup(test_spaces_are_apart, set_up),
        cmocka_unit_test_setup(test_pool_is_enough, set_up),
        cmocka_unit_test_setup(test_random_against_a_model, set_up),
        cmocka_unit_test_setup(test_unmap_page, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
