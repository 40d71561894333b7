/* SPDX-License-Identifier: BSD-2-Clause */
#include "dtb.h"

#include <libfdt.h>
#include <string.h>

enum { LAYOUT_VERSION = 17 }; /* the one with size_dt_struct (DTSpec v0.4, 5.2) */

const char *dtb_open(struct dtb *d, const void *blob, size_t bytes)
{
    if (bytes < sizeof(struct fdt_header) || fdt_check_header(blob) != 0)
        return "it has no valid header";
    if (fdt_totalsize(blob) > bytes)
        return "it is truncated";
    if (fdt_version(blob) < LAYOUT_VERSION || fdt_off_dt_struct(blob) % 4 != 0 ||
        fdt_off_mem_rsvmap(blob) % 4 != 0)
        return "its layout is not version 17";
    *d = (struct dtb){
        .structure = (const uint8_t *)blob + fdt_off_dt_struct(blob),
        .structure_bytes = fdt_size_dt_struct(blob),
        .strings = (const char *)blob + fdt_off_dt_strings(blob),
        .strings_bytes = fdt_size_dt_strings(blob),
        .reservations = (const uint8_t *)blob + fdt_off_mem_rsvmap(blob),
        .reservations_bytes = fdt_totalsize(blob) - fdt_off_mem_rsvmap(blob),
    };
    /* With this, any offset among the strings is a terminated string. */
    if (d->strings_bytes > 0 && d->strings[d->strings_bytes - 1] != '\0')
        return "its strings are not terminated";
    return NULL;
}

/* The structure block is 4-byte aligned, so a cell is one load. */
static uint32_t cell(const uint8_t *data)
{
    uint32_t v;
    memcpy(&v, __builtin_assume_aligned(data, 4), sizeof(v));
    return fdt32_to_cpu(v);
}

uint32_t dtb_length(const char *s, uint32_t room)
{
    const char *end = room ? memchr(s, '\0', room) : NULL;
    return end ? (uint32_t)(end - s) : room;
}

static enum dtb_token node(struct dtb *d)
{
    const char *name = (const char *)d->structure + d->at;
    uint32_t left = d->structure_bytes - d->at;
    uint32_t length = dtb_length(name, left);
    if (length == left)
        return DTB_BAD;
    d->name = name;
    d->at = (uint32_t)align_up(d->at + (uint64_t)length + 1, 4);
    return DTB_NODE;
}

static enum dtb_token property(struct dtb *d)
{
    const uint8_t *p = d->structure + d->at;
    uint32_t left = d->structure_bytes - d->at;
    if (left < 8)
        return DTB_BAD;
    d->value = (struct dtb_value){p + 8, cell(p)};
    d->name_offset = cell(p + 4);
    if (d->value.bytes > left - 8 || d->name_offset >= d->strings_bytes)
        return DTB_BAD;
    d->name = d->strings + d->name_offset;
    d->at = (uint32_t)align_up(d->at + 8 + (uint64_t)d->value.bytes, 4);
    return DTB_PROPERTY;
}

enum dtb_token dtb_next(struct dtb *d)
{
    while (d->at <= d->structure_bytes && d->structure_bytes - d->at >= 4) {
        uint32_t token = cell(d->structure + d->at);
        d->at += 4;
        switch (token) {
        case FDT_NOP:
            continue;
        case FDT_BEGIN_NODE:
            return node(d);
        case FDT_PROP:
            return property(d);
        case FDT_END_NODE:
            return DTB_NODE_END;
        case FDT_END:
            return DTB_END;
        default:
            return DTB_BAD;
        }
    }
    return DTB_BAD;
}

bool dtb_reservation(const struct dtb *d, unsigned i, struct range *out)
{
    if (i >= d->reservations_bytes / 16)
        return false;
    *out = (struct range){dtb_cells(d->reservations + 16 * i, 2),
                          dtb_cells(d->reservations + 16 * i + 8, 2)};
    return out->base != 0 || out->size != 0;
}

uint64_t dtb_cells(const uint8_t *data, unsigned cells)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < cells; i++)
        v = v << 32 | cell(data + 4 * i);
    return v;
}

const char *dtb_string(struct dtb_value value)
{
    if (!value.data || dtb_length((const char *)value.data, value.bytes) == value.bytes)
        return NULL;
    return (const char *)value.data;
}
