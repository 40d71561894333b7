/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the walk over the board's tree (board_dt.c) and what is made of each node
 * (board_nodes.c). */
#ifndef BULKHEAD_CORE_BOARD_DT_H
#define BULKHEAD_CORE_BOARD_DT_H

#include "dtb.h"
#include <bulkhead/machine.h>

/* Properties that matter, of any node. */
enum property {
    P_ADDRESS_CELLS,
    P_SIZE_CELLS,
    P_RANGES,
    P_DMA_RANGES,
    P_REG,
    P_COMPATIBLE,
    P_INTERRUPTS,
    P_INTERRUPT_PARENT,
    P_PHANDLE,
    P_STATUS,
    P_DEVICE_TYPE,
    P_REUSABLE,
    P_MODEL,
    P_ENABLE_METHOD,
    P_RELEASE_ADDR,
    P_STDOUT_PATH,
    P_RNG_SEED,
    P_KASLR_SEED,
    P_PATH,
    P_COUNT,
};

enum { MAX_DEPTH = 16 };

/* A node on the way from the root to the one being read. */
struct level {
    const char *name;
    struct dtb_value property[P_COUNT];
    unsigned address_cells, size_cells; /* of its children's reg */
    uint32_t interrupt_parent;          /* phandle, inherited */
    bool enabled;                       /* it and all above it */
    bool read;                          /* its properties are complete and were made use of */
};

struct walk {
    struct dtb dtb;
    struct machine *machine;
    const struct device_match *matches;
    struct refusal *why;
    unsigned depth; /* levels in use; levels[0] is the root */
    struct level levels[MAX_DEPTH];
    uint32_t aliases; /* where /aliases' properties begin; 0: none */
    struct dtb_value stdout_path;
    uint32_t gic_phandle;
    uint32_t device_parents[MAX_DEVICES]; /* phandle of each device's interrupt parent */
};

/* Make use of the innermost level, whose properties are complete. False: refused. */
bool board_node_read(struct walk *w);
/* The tree is read: what depends on more than one node. False: refused. */
bool board_finish(struct walk *w);
/* A range of `reg` of a node below levels[above], as the machine sees it; *window becomes what the
 * bus below the root decodes around it (size 0: the node is below no bus). False: not translatable.
 */
bool board_translate(const struct walk *w, unsigned above, struct range *r, struct range *window);
/* What a bus master below levels[above] can reach. */
void board_dma(const struct walk *w, unsigned above, struct device *device);

#endif
