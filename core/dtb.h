/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over a device tree blob (Devicetree Specification v0.4, chapter 5), token by token.
 * libfdt's fdt_next_tag() costs about three times as much, and the walk is a large part of the
 * boot. Any bytes are safe: every step stays inside the blob, and each step moves on.
 */
#ifndef BULKHEAD_CORE_DTB_H
#define BULKHEAD_CORE_DTB_H

#include <bulkhead/types.h>

enum dtb_token { DTB_NODE, DTB_PROPERTY, DTB_NODE_END, DTB_END, DTB_BAD };

/* Bytes of a property; data == NULL: there is no such property. */
struct dtb_value {
    const uint8_t *data;
    uint32_t bytes;
};

struct dtb {
    const uint8_t *structure;
    uint32_t structure_bytes;
    uint32_t at; /* the next token's offset; may be saved and set back */
    const char *strings;
    uint32_t strings_bytes;
    const uint8_t *reservations;
    uint32_t reservations_bytes;
    /* What dtb_next() found: */
    const char *name;       /* of the node or property */
    uint32_t name_offset;   /* of the property's name among the strings */
    struct dtb_value value; /* of the property */
};

/* `blob` is 8-byte aligned, `bytes` readable. NULL: opened; else what is wrong with it. */
const char *dtb_open(struct dtb *d, const void *blob, size_t bytes);
enum dtb_token dtb_next(struct dtb *d);

/* The i-th entry of the memory reservation block. False: no more. */
bool dtb_reservation(const struct dtb *d, unsigned i, struct range *out);

/* Big-endian number of `cells` 32-bit cells; of more than two, the last two count. */
uint64_t dtb_cells(const uint8_t *data, unsigned cells);
/* Length of the string at `s`; `room`: it is not terminated within. */
uint32_t dtb_length(const char *s, uint32_t room);
/* The value as a string, NULL if absent or not terminated. */
const char *dtb_string(struct dtb_value value);

#endif
