// sources: core/gpt.c tests/fake/fake_crc32.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The card's partition table. The checksums stand between a fuzzer and all that is behind them, so
 * they are made right where the input's first byte asks for it. */
#include "fuzz.h"

#include <bulkhead/gpt.h>
#include <fake/fake.h>

enum { SECTOR = 512, MAX_SECTORS = 64 };

struct card {
    uint8_t bytes[MAX_SECTORS][SECTOR];
    uint64_t sectors, fails_at;
    unsigned reads;
};

static bool read_card(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    struct card *card = context;
    REQUIRE(count > 0 && sector < card->sectors && count <= card->sectors - sector);
    REQUIRE(++card->reads < 256);
    if (sector == card->fails_at)
        return false;
    memset(buffer, 0, (size_t)count * SECTOR);
    if (sector + count <= MAX_SECTORS)
        memcpy(buffer, card->bytes[sector], (size_t)count * SECTOR);
    return true;
}

static uint32_t crc(const uint8_t *p, size_t n)
{
    uint32_t r = UINT32_MAX;
    for (size_t i = 0; i < n * 8; i++) {
        uint32_t bit = (uint32_t)(p[i / 8] >> i % 8 & 1) ^ (r & 1);
        r = r >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~r;
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    memcpy(&v, p, bytes);
    return v;
}

/* UEFI 2.10, table 5-5. */
static void seal(struct card *card, uint64_t lba)
{
    uint8_t *h = card->bytes[lba];
    uint64_t at = get(h + 72, 8), bytes = get(h + 80, 4) * get(h + 84, 4), header = get(h + 12, 4);
    uint32_t sum;
    memcpy(h, "EFI PART", 8);
    if (at < MAX_SECTORS && bytes <= (MAX_SECTORS - at) * SECTOR) {
        sum = crc(card->bytes[at], bytes);
        memcpy(h + 88, &sum, 4);
    }
    if (header > SECTOR)
        return;
    memset(h + 16, 0, 4);
    sum = crc(h, header);
    memcpy(h + 16, &sum, 4);
}

static void check(const struct card *card, const struct gpt *g)
{
    REQUIRE(g->count <= MAX_GPT_PARTITIONS);
    for (unsigned i = 0; i < g->count; i++) {
        const struct gpt_partition *p = &g->partitions[i];
        REQUIRE(memchr(p->label, '\0', sizeof(p->label)));
        REQUIRE(p->sectors && p->first >= 2 && p->first < card->sectors &&
                p->sectors <= card->sectors - p->first);
        REQUIRE(!p->label[0] || gpt_find(g, p->label) == p);
        for (unsigned k = 0; k < i; k++)
            REQUIRE(!ranges_overlap(p->first, p->sectors, g->partitions[k].first,
                                    g->partitions[k].sectors));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct card card;
    struct input in = {data, bytes};
    unsigned flags = (unsigned)take(&in, 1);
    struct refusal why = {""};
    struct gpt gpt;

    memset(&card, 0, sizeof(card));
    card.sectors = take(&in, 1) + (flags & 4 ? 0 : MAX_SECTORS);
    card.fails_at = flags & 8 ? take(&in, 1) : UINT64_MAX;
    memcpy(card.bytes[1], in.at, MIN(in.left, sizeof(card.bytes) - SECTOR));
    if (flags & 1)
        seal(&card, 1);
    if ((flags & 2) && card.sectors && card.sectors <= MAX_SECTORS)
        seal(&card, card.sectors - 1);
    fake_log_reset();
    if (gpt_load(read_card, &card, card.sectors, &gpt, &why))
        check(&card, &gpt);
    else
        REQUIRE(gpt.count == 0 && why.text[0]);
    return 0;
}
