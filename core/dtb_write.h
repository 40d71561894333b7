/* SPDX-License-Identifier: BSD-2-Clause */
/* A flattened device tree (Devicetree Specification v0.4, chapter 5), written front to back. */
#ifndef CORE_DTB_WRITE_H
#define CORE_DTB_WRITE_H

#include <bulkhead/types.h>

/* What does not fit is left out, and noted: dtb_write_end() says so. */
struct dtb_writer {
    uint8_t *out;
    uint32_t at;           /* the structure's end so far */
    uint32_t names, named; /* where properties' names are kept meanwhile, and their end */
    uint32_t room;
    bool full;
};

/* Into `room` bytes at `out`, 8-byte aligned. */
void dtb_write_begin(struct dtb_writer *w, void *out, uint32_t room);
void dtb_write_node(struct dtb_writer *w, const char *name);
void dtb_write_node_end(struct dtb_writer *w);
/* A property of `bytes` bytes: where its value is to be written, NULL if it does not fit. */
void *dtb_write_property(struct dtb_writer *w, const char *name, uint32_t bytes);
/* All bytes of the tree; 0: it did not fit. */
uint32_t dtb_write_end(struct dtb_writer *w);

#endif
