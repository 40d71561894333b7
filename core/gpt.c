/* SPDX-License-Identifier: BSD-2-Clause */
/* GUID Partition Table: UEFI 2.10, 5.3. Nothing on the card is believed before its CRC and its
 * bounds are checked. */
#include <bulkhead/crc32.h>
#include <bulkhead/gpt.h>
#include <bulkhead/log.h>
#include <string.h>

enum {
    SECTOR = 512,
    HEADER_LBA = 1,
    HEADER_MIN = 92, /* 5.3.2, table 5-5 */
    MAX_ENTRIES = 128,
    ENTRY_MIN = 128, /* 5.3.3: 128 times a power of two */
    ENTRY_MAX = SECTOR,
    NAME_OFFSET = 56, /* table 5-6: 36 UTF-16 units */
    NAME_UNITS = 36,
};

struct header {
    uint64_t lba, alternate, first_usable, last_usable, entries_lba, entries_sectors;
    uint32_t entries, entry_bytes, entries_crc;
};

static _Alignas(uint64_t) uint8_t sector[SECTOR];

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* ---- The header ---- */

static const char *parse_header(uint64_t lba, uint64_t sectors, struct header *h)
{
    uint32_t bytes = le32(sector + 12), crc = le32(sector + 16);
    /* A hint even if the rest is bad: what is there is checked in full. */
    h->alternate = le64(sector + 32);
    if (memcmp(sector, "EFI PART", 8) != 0)
        return "no GPT header";
    if (bytes < HEADER_MIN || bytes > SECTOR)
        return "GPT header of impossible size";
    memset(sector + 16, 0, 4);
    if (crc32(0, sector, bytes) != crc)
        return "GPT header with a bad CRC";
    *h = (struct header){
        .lba = le64(sector + 24),
        .alternate = le64(sector + 32),
        .first_usable = le64(sector + 40),
        .last_usable = le64(sector + 48),
        .entries_lba = le64(sector + 72),
        .entries = le32(sector + 80),
        .entry_bytes = le32(sector + 84),
        .entries_crc = le32(sector + 88),
    };
    if (h->lba != lba)
        return "GPT header that belongs elsewhere";
    if (h->entries == 0 || h->entries > MAX_ENTRIES)
        return "GPT with more entries than 128, or none";
    if (h->entry_bytes < ENTRY_MIN || h->entry_bytes > ENTRY_MAX || SECTOR % h->entry_bytes)
        return "GPT entries of a size that is not supported";
    h->entries_sectors = (h->entries * h->entry_bytes + SECTOR - 1) / SECTOR;
    if (h->entries_lba < 2 || h->entries_lba >= sectors ||
        h->entries_sectors > sectors - h->entries_lba)
        return "GPT entries outside the card";
    if (h->first_usable > h->last_usable || h->last_usable >= sectors)
        return "GPT for a larger card";
    return NULL;
}

/* ---- The entries ---- */

static void copy_label(char *to, const uint8_t *name)
{
    unsigned i;
    for (i = 0; i < NAME_UNITS; i++) {
        unsigned unit = name[2 * i] | (unsigned)name[2 * i + 1] << 8;
        if (unit == 0)
            break;
        to[i] = unit > ' ' - 1 && unit < 0x7f ? (char)unit : '?';
    }
    to[i] = '\0';
}

static bool is_empty(const uint8_t *entry)
{
    for (unsigned i = 0; i < 16; i++) /* type GUID */
        if (entry[i])
            return false;
    return true;
}

static const char *check_neighbours(const struct gpt *g, const struct gpt_partition *p)
{
    for (unsigned i = 0; i < g->count; i++) {
        const struct gpt_partition *q = &g->partitions[i];
        if (ranges_overlap(p->first, p->sectors, q->first, q->sectors))
            return "overlaps another one";
        if (p->label[0] && strcmp(p->label, q->label) == 0)
            return "has the same name as another one";
    }
    return NULL;
}

/* The sectors before the backup header are its entries, as a rule (5.3.2). */
static bool over_tables(const struct header *h, const struct gpt_partition *p)
{
    uint64_t n = h->entries_sectors;
    return p->first < 2 || ranges_overlap(p->first, p->sectors, h->entries_lba, n) ||
           (h->alternate > n && ranges_overlap(p->first, p->sectors, h->alternate - n, n + 1));
}

static bool add_entry(const struct header *h, const uint8_t *entry, struct gpt *g,
                      struct refusal *why)
{
    uint64_t first = le64(entry + 32), last = le64(entry + 40);
    struct gpt_partition p = {.first = first};
    const char *wrong = NULL;

    if (is_empty(entry))
        return true;
    copy_label(p.label, entry + NAME_OFFSET);
    if (g->count == MAX_GPT_PARTITIONS) {
        refuse(why, "the GPT has more than %d partitions", MAX_GPT_PARTITIONS);
        return false;
    }
    if (first > last || first < h->first_usable || last > h->last_usable) {
        wrong = "lies outside the card's usable range";
    } else {
        p.sectors = last - first + 1;
        wrong = check_neighbours(g, &p);
        if (over_tables(h, &p))
            wrong = "lies over the partition table";
    }
    if (wrong) {
        refuse(why, "GPT partition \"%s\" %s", p.label, wrong);
        return false;
    }
    g->partitions[g->count++] = p;
    return true;
}

/* One pass: the CRC runs along, and nothing that was taken up counts unless it is right at the end.
 * A bad entry under a good CRC was written so: `why` says it and the other copy is not asked. */
enum outcome { GOOD, DAMAGED, REFUSED };

static enum outcome read_entries(gpt_read read, void *context, const struct header *h,
                                 struct gpt *g, struct refusal *why)
{
    uint32_t left = h->entries * h->entry_bytes, crc = 0;
    struct refusal first_wrong = {""};
    g->count = 0;
    for (uint64_t lba = h->entries_lba; left; lba++) {
        uint32_t here = MIN(left, (uint32_t)SECTOR);
        if (!read(context, lba, 1, sector)) {
            refuse(why, "the card failed while reading the GPT");
            return DAMAGED;
        }
        crc = crc32(crc, sector, here);
        for (uint32_t at = 0; at < here && !first_wrong.text[0]; at += h->entry_bytes)
            add_entry(h, sector + at, g, &first_wrong);
        left -= here;
    }
    if (crc != h->entries_crc) {
        refuse(why, "GPT entries with a bad CRC");
        return DAMAGED;
    }
    if (first_wrong.text[0]) {
        *why = first_wrong;
        return REFUSED;
    }
    return GOOD;
}

static enum outcome load_from(gpt_read read, void *context, uint64_t lba, uint64_t sectors,
                              struct gpt *g, struct header *h, struct refusal *why)
{
    const char *wrong;
    if (!read(context, lba, 1, sector)) {
        refuse(why, "the card failed while reading the GPT");
        return DAMAGED;
    }
    wrong = parse_header(lba, sectors, h);
    if (wrong) {
        refuse(why, "%s at sector %llu", wrong, (unsigned long long)lba);
        return DAMAGED;
    }
    return read_entries(read, context, h, g, why);
}

/* The backup header: where the primary says (an image on a larger card), else at the card's end. */
static enum outcome load_backup(gpt_read read, void *context, uint64_t hint, uint64_t sectors,
                                struct gpt *g, struct refusal *why)
{
    const uint64_t places[] = {hint, sectors - 1};
    enum outcome got = DAMAGED;
    for (unsigned i = 0; i < ARRAY_SIZE(places) && got == DAMAGED; i++) {
        struct header h = {0};
        if (places[i] >= 2 && places[i] < sectors)
            got = load_from(read, context, places[i], sectors, g, &h, why);
    }
    return got;
}

bool gpt_load(gpt_read read, void *context, uint64_t sectors, struct gpt *out, struct refusal *why)
{
    struct header primary = {0};
    struct refusal backup = {""};
    enum outcome got;

    out->count = 0;
    if (sectors < 6) {
        refuse(why, "a card of %llu sectors has no room for a GPT", (unsigned long long)sectors);
        return false;
    }
    got = load_from(read, context, HEADER_LBA, sectors, out, &primary, why);
    if (got == DAMAGED) {
        got = load_backup(read, context, primary.alternate, sectors, out, &backup);
        if (got == GOOD)
            log_line("SD card: %s; its backup is used", why->text);
        else if (got == REFUSED)
            *why = backup;
    }
    if (got != GOOD)
        out->count = 0;
    return got == GOOD;
}

const struct gpt_partition *gpt_find(const struct gpt *g, const char *label)
{
    for (unsigned i = 0; i < g->count; i++)
        if (strcmp(g->partitions[i].label, label) == 0)
            return &g->partitions[i];
    return NULL;
}
