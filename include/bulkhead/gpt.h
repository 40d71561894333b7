/* SPDX-License-Identifier: BSD-2-Clause */
/* GUID Partition Table (UEFI 2.10 chapter 5) of the card (core/gpt.c). The card's bytes are hostile
 * input. */
#ifndef BULKHEAD_GPT_H
#define BULKHEAD_GPT_H

#include <bulkhead/types.h>

struct gpt_partition {
    char label[MAX_LABEL]; /* ASCII; other characters become '?' */
    uint64_t first;        /* sectors on the card */
    uint64_t sectors;
};

enum { MAX_GPT_PARTITIONS = 32 };

struct gpt {
    unsigned count;
    struct gpt_partition partitions[MAX_GPT_PARTITIONS];
};

/* Reads `count` sectors of 512 bytes; false on an error of the card. */
typedef bool (*gpt_read)(void *context, uint64_t sector, uint32_t count, void *buffer);

/* Primary header, else backup (at its alternate LBA or the last sector). `sectors`: card's
 * capacity. False: why. */
bool gpt_load(gpt_read read, void *context, uint64_t sectors, struct gpt *out, struct refusal *why);
/* NULL: none with that label; two with one label are refused by gpt_load. */
const struct gpt_partition *gpt_find(const struct gpt *g, const char *label);

#endif
