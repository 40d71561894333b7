/* SPDX-License-Identifier: BSD-2-Clause */
#include "dtb_write.h"

#include <libfdt.h>
#include <string.h>

enum {
    NAMES_ROOM = 2048,
    RESERVATIONS = sizeof(struct fdt_header), /* an end of the list, no more (5.3) */
    STRUCTURE = RESERVATIONS + sizeof(struct fdt_reserve_entry),
    VERSION = 17,
    COMPATIBLE = 16, /* 5.2 */
};

/* The next `bytes` of the structure, filled up with zeros to whole cells (5.4). */
static void *add(struct dtb_writer *w, uint32_t bytes)
{
    uint8_t *here = w->out + w->at;
    uint32_t cells = (uint32_t)align_up(bytes, 4);

    if (w->full || cells > w->names - w->at) {
        w->full = true;
        return NULL;
    }
    memset(here + bytes, 0, cells - bytes);
    w->at += cells;
    return here;
}

static void add_cell(struct dtb_writer *w, uint32_t value)
{
    fdt32_t *to = add(w, sizeof(*to));
    if (to)
        *to = cpu_to_fdt32(value);
}

void dtb_write_begin(struct dtb_writer *w, void *out, uint32_t room)
{
    *w = (struct dtb_writer){.out = out, .at = STRUCTURE, .room = room};
    w->full = room < STRUCTURE + NAMES_ROOM;
    w->names = w->named = room - NAMES_ROOM;
}

void dtb_write_node(struct dtb_writer *w, const char *name)
{
    uint32_t bytes = (uint32_t)strlen(name) + 1;
    void *to;
    add_cell(w, FDT_BEGIN_NODE);
    to = add(w, bytes);
    if (to)
        memcpy(to, name, bytes);
}

void dtb_write_node_end(struct dtb_writer *w)
{
    add_cell(w, FDT_END_NODE);
}

/* Names are not shared: to look for each among the others would cost more than the rest. */
void *dtb_write_property(struct dtb_writer *w, const char *name, uint32_t bytes)
{
    uint32_t length = (uint32_t)strlen(name) + 1;
    w->full |= length > w->room - w->named;
    if (w->full)
        return NULL;
    add_cell(w, FDT_PROP);
    add_cell(w, bytes);
    add_cell(w, w->named - w->names);
    memcpy(w->out + w->named, name, length);
    w->named += length;
    return add(w, bytes);
}

uint32_t dtb_write_end(struct dtb_writer *w)
{
    uint32_t bytes = w->named - w->names, strings, total;

    add_cell(w, FDT_END);
    strings = w->at;
    total = strings + bytes;
    if (w->full)
        return 0;
    memmove(w->out + strings, w->out + w->names, bytes);
    memset(w->out + RESERVATIONS, 0, sizeof(struct fdt_reserve_entry));
    *(struct fdt_header *)(void *)w->out = (struct fdt_header){
        .magic = cpu_to_fdt32(FDT_MAGIC),
        .totalsize = cpu_to_fdt32(total),
        .off_dt_struct = cpu_to_fdt32(STRUCTURE),
        .off_dt_strings = cpu_to_fdt32(strings),
        .off_mem_rsvmap = cpu_to_fdt32(RESERVATIONS),
        .version = cpu_to_fdt32(VERSION),
        .last_comp_version = cpu_to_fdt32(COMPATIBLE),
        .size_dt_strings = cpu_to_fdt32(bytes),
        .size_dt_struct = cpu_to_fdt32(strings - STRUCTURE),
    };
    return total;
}
