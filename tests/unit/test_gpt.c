// sources: core/gpt.c tests/fake/fake_crc32.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables, good, damaged and hostile (UEFI 2.10, 5.3). */
#include <bulkhead/gpt.h>
#include <fake/fake.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SECTORS = 8192, MADE_FOR = 4096, ENTRIES = 128, ENTRY = 128 };

static uint8_t card[SECTORS][512];
static uint64_t fails_at; /* a sector the card cannot read */
static unsigned reads;
static struct gpt gpt;
static struct refusal why;

static bool read_card(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    (void)context;
    reads++;
    assert_true(sector + count <= SECTORS);
    if (sector <= fails_at && fails_at < sector + count)
        return false;
    memcpy(buffer, card[sector], count * 512);
    return true;
}

/* ---- Writing tables ---- */

static void put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* Bit by bit, from the polynomial: not the code under test. */
static uint32_t crc(const uint8_t *p, size_t n)
{
    uint32_t r = 0xffffffff;
    for (size_t i = 0; i < n * 8; i++) {
        uint32_t bit = (uint32_t)(p[i / 8] >> i % 8 & 1) ^ (r & 1);
        r = r >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~r;
}

struct entry {
    const char *label;
    uint64_t first, last;
};

static uint8_t *entry_at(uint64_t lba, unsigned i)
{
    return card[lba] + i * ENTRY;
}

static void seal(uint64_t lba)
{
    uint8_t *h = card[lba];
    uint64_t entries = 0;
    for (unsigned i = 0; i < 8; i++)
        entries |= (uint64_t)h[72 + i] << 8 * i;
    if (entries < SECTORS - 32)
        put(h + 88, crc(card[entries], ENTRIES * ENTRY), 4);
    put(h + 16, 0, 4);
    put(h + 16, crc(h, 92), 4);
}

static void make_copy(uint64_t lba, uint64_t alternate, uint64_t entries, const struct entry *e,
                      unsigned n)
{
    uint8_t *h = card[lba];
    memcpy(h, "EFI PART", 8);
    put(h + 8, 0x10000, 4);
    put(h + 12, 92, 4);
    put(h + 24, lba, 8);
    put(h + 32, alternate, 8);
    put(h + 40, 34, 8);
    put(h + 48, MADE_FOR - 34, 8);
    put(h + 72, entries, 8);
    put(h + 80, ENTRIES, 4);
    put(h + 84, ENTRY, 4);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *p = entry_at(entries, i);
        memset(p, 0x42, 32);
        put(p + 32, e[i].first, 8);
        put(p + 40, e[i].last, 8);
        for (unsigned j = 0; e[i].label[j]; j++)
            p[56 + 2 * j] = (uint8_t)e[i].label[j];
    }
    seal(lba);
}

static void make(const struct entry *e, unsigned n)
{
    memset(card, 0, sizeof(card));
    fails_at = UINT64_MAX;
    fake_log_reset();
    make_copy(1, MADE_FOR - 1, 2, e, n);
    make_copy(MADE_FOR - 1, 1, MADE_FOR - 33, e, n);
}

static const struct entry usual[] = {
    {"bulkhead-boot", 34, 1000}, {"alpha-root", 1001, 2000}, {"beta-root", 2001, 3000}};

static bool load(void)
{
    why.text[0] = '\0';
    reads = 0;
    bool ok = gpt_load(read_card, NULL, SECTORS, &gpt, &why);
    assert_true(reads < 200);
    assert_true(ok || gpt.count == 0);
    assert_true(ok || why.text[0]);
    return ok;
}

static void loads_usual(void)
{
    assert_true(load());
    assert_int_equal(gpt.count, 3);
    const struct gpt_partition *p = gpt_find(&gpt, "beta-root");
    assert_non_null(p);
    assert_int_equal(p->first, 2001);
    assert_int_equal(p->sectors, 1000);
    assert_null(gpt_find(&gpt, "gamma-root"));
}

static void refuses(const char *word)
{
    assert_false(load());
    if (!strstr(why.text, word))
        fail_msg("\"%s\" does not say \"%s\"", why.text, word);
}

/* ---- Tests ---- */

static void test_good_table(void **state)
{
    (void)state;
    make(usual, 3);
    loads_usual();
    assert_int_equal(fake_log_lines, 0);
}

static void test_backup_after_dd(void **state)
{
    (void)state;
    make(usual, 3);
    card[1][20] ^= 1; /* header; where it says the backup is can still be read */
    loads_usual();
    assert_true(fake_log_has("backup is used"));
    make(usual, 3);
    card[3][7] ^= 1; /* entries */
    loads_usual();
    assert_true(fake_log_has("backup is used"));
    make(usual, 3);
    fails_at = 2;
    loads_usual();
    make(usual, 3);
    fails_at = 1; /* nothing says where: only the card's end is tried */
    refuses("card failed");
    memcpy(card[SECTORS - 1], card[MADE_FOR - 1], 512);
    put(card[SECTORS - 1] + 24, SECTORS - 1, 8);
    seal(SECTORS - 1);
    loads_usual();
}

static void test_no_table(void **state)
{
    (void)state;
    memset(card, 0, sizeof(card));
    fails_at = UINT64_MAX;
    refuses("no GPT header");
    struct refusal small = {""};
    assert_false(gpt_load(read_card, NULL, 3, &gpt, &small));
    assert_true(strstr(small.text, "no room") != NULL);
    assert_false(gpt_load(read_card, NULL, 0, &gpt, &small));
}

static void test_both_damaged(void **state)
{
    (void)state;
    make(usual, 3);
    card[1][41] ^= 4;
    card[MADE_FOR - 1][41] ^= 4;
    refuses("bad CRC");
}

/* A damaged bit anywhere in the primary's used bytes is seen: the backup serves. */
static void test_every_bit_counts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 92 * 8; i += 3) {
        make(usual, 3);
        card[1][i / 8] ^= (uint8_t)(1u << i % 8);
        if (i / 8 < 32 || i / 8 >= 40) { /* not the hint itself */
            loads_usual();
            assert_true(fake_log_has("backup"));
        } else {
            load();
        }
    }
}

/* Well-formed by its CRC, impossible by what it says; the backup says the same. */
static void both(unsigned offset, uint64_t value, unsigned bytes)
{
    make(usual, 3);
    put(card[1] + offset, value, bytes);
    put(card[MADE_FOR - 1] + offset, value, bytes);
    seal(1);
    seal(MADE_FOR - 1);
}

static void test_impossible_headers(void **state)
{
    (void)state;
    both(80, 129, 4);
    refuses("entries");
    both(80, 0, 4);
    refuses("entries");
    both(80, 0xffffffff, 4);
    refuses("entries");
    both(84, 64, 4);
    refuses("size");
    both(84, 0, 4);
    refuses("size");
    both(84, 384, 4);
    refuses("size");
    both(84, 0x10000, 4);
    refuses("size");
    both(72, SECTORS - 3, 8);
    refuses("outside the card");
    both(72, UINT64_MAX, 8);
    refuses("outside the card");
    both(72, 1, 8);
    refuses("outside the card");
    both(48, SECTORS, 8);
    refuses("larger card");
    both(40, MADE_FOR, 8);
    refuses("larger card");
    both(12, 91, 4);
    refuses("size");
    both(12, 513, 4);
    refuses("size");
    both(24, 7, 8);
    refuses("elsewhere");
}

static void one_bad(struct entry bad, const char *word)
{
    struct entry e[] = {usual[0], usual[1], bad};
    make(e, 3);
    refuses(word);
    assert_true(bad.label[0] == '\0' || strstr(why.text, bad.label) != NULL);
}

static void test_bad_partitions(void **state)
{
    (void)state;
    one_bad((struct entry){"x", 1900, 2100}, "overlaps");
    one_bad((struct entry){"x", 1500, 1600}, "overlaps");
    one_bad((struct entry){"x", 900, 2100}, "overlaps");
    one_bad((struct entry){"x", 2000, 2000}, "overlaps");
    one_bad((struct entry){"alpha-root", 2001, 2100}, "same name");
    one_bad((struct entry){"x", 3000, MADE_FOR}, "outside");
    one_bad((struct entry){"x", 3000, 2999}, "outside");
    one_bad((struct entry){"x", UINT64_MAX, UINT64_MAX}, "outside");
    one_bad((struct entry){"x", 3000, UINT64_MAX}, "outside");
    one_bad((struct entry){"x", 2, 33}, "outside");
    make(usual, 3);
    put(card[1] + 40, 2, 8);
    put(entry_at(2, 3) + 32, 20, 8);
    put(entry_at(2, 3) + 40, 30, 8);
    entry_at(2, 3)[0] = 1;
    seal(1);
    refuses("over the partition table");
    for (uint64_t last = MADE_FOR - 33; last < MADE_FOR; last += 32) { /* the backup's */
        make((struct entry[]){{"x", 3000, last}}, 1);
        put(card[1] + 48, MADE_FOR - 1, 8);
        seal(1);
        refuses("over the partition table");
    }
}

static void test_labels(void **state)
{
    static const struct entry odd[] = {{"", 34, 40},
                                       {"", 41, 50},
                                       {"abcdefghijklmnopqrstuvwxyz0123456789", 51, 60},
                                       {"b\001\x7f\n[", 61, 70}};
    (void)state;
    make(odd, 4);
    entry_at(2, 3)[57] = 0x4e; /* 'b' becomes a character beyond Latin */
    seal(1);
    assert_true(load());
    assert_int_equal(gpt.count, 4);
    assert_int_equal(strlen(gpt.partitions[2].label), 36);
    assert_string_equal(gpt.partitions[3].label, "????[");
}

static void test_too_many(void **state)
{
    static struct entry many[MAX_GPT_PARTITIONS + 1];
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = (struct entry){"", 34 + i, 34 + i};
    make(many, MAX_GPT_PARTITIONS);
    assert_true(load());
    assert_int_equal(gpt.count, MAX_GPT_PARTITIONS);
    make(many, MAX_GPT_PARTITIONS + 1);
    refuses("more than 32");
}

/* Whatever bytes: an answer, in bounds (sanitizers watch). */
static void test_random_bytes(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 3000; round++) {
        make(usual, 3);
        for (unsigned i = 0; i < 1 + round % 8; i++) {
            uint64_t lba = rand() % 3 ? 1 : 2 + rand() % 4;
            card[lba][rand() % (lba == 1 ? 92 : 512)] = (uint8_t)rand();
            memcpy(card[MADE_FOR - 1], card[1], 512);
            put(card[MADE_FOR - 1] + 24, MADE_FOR - 1, 8);
        }
        seal(1);
        seal(MADE_FOR - 1);
        if (!load())
            continue;
        for (unsigned i = 0; i < gpt.count; i++) {
            assert_true(gpt.partitions[i].first >= 2);
            assert_true(gpt.partitions[i].first + gpt.partitions[i].sectors <= SECTORS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_table),       cmocka_unit_test(test_backup_after_dd),
        cmocka_unit_test(test_no_table),         cmocka_unit_test(test_both_damaged),
        cmocka_unit_test(test_every_bit_counts), cmocka_unit_test(test_impossible_headers),
        cmocka_unit_test(test_bad_partitions),   cmocka_unit_test(test_labels),
        cmocka_unit_test(test_too_many),         cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
