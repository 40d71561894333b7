/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board as its firmware describes it (Devicetree Specification v0.4), in one pass: a stack of
 * the nodes above the current one holds what children inherit.
 */
#include "board_dt.h"

#include <bulkhead/log.h>
#include <string.h>

static const char *const property_names[P_COUNT] = {
    [P_ADDRESS_CELLS] = "#address-cells",
    [P_SIZE_CELLS] = "#size-cells",
    [P_RANGES] = "ranges",
    [P_DMA_RANGES] = "dma-ranges",
    [P_REG] = "reg",
    [P_COMPATIBLE] = "compatible",
    [P_INTERRUPTS] = "interrupts",
    [P_INTERRUPT_PARENT] = "interrupt-parent",
    [P_PHANDLE] = "phandle",
    [P_STATUS] = "status",
    [P_DEVICE_TYPE] = "device_type",
    [P_REUSABLE] = "reusable",
    [P_MODEL] = "model",
    [P_ENABLE_METHOD] = "enable-method",
    [P_RELEASE_ADDR] = "cpu-release-addr",
    [P_STDOUT_PATH] = "stdout-path",
    [P_RNG_SEED] = "rng-seed",
    [P_KASLR_SEED] = "kaslr-seed",
    [P_PATH] = "path",
};

/*
 * A tree's 2500 properties share some 150 names, so each name is compared once and its offset
 * remembered: property + 1, or NOT_WANTED; 0: not seen yet.
 */
enum { NOT_WANTED = 255, REMEMBERED = 8192 };
static uint8_t remembered[REMEMBERED];
static struct walk walk;

static unsigned look_up(const char *name)
{
    for (unsigned i = 0; i < P_COUNT; i++)
        if (strcmp(name, property_names[i]) == 0)
            return i;
    return P_COUNT;
}

static unsigned property_of(const struct dtb *d)
{
    uint8_t *memo;
    if (d->name_offset >= REMEMBERED)
        return look_up(d->name);
    memo = &remembered[d->name_offset];
    if (*memo == 0) {
        unsigned p = look_up(d->name);
        *memo = (uint8_t)(p < P_COUNT ? p + 1 : NOT_WANTED);
    }
    return *memo == NOT_WANTED ? P_COUNT : *memo - 1u;
}

static bool malformed(struct walk *w, const char *what)
{
    refuse(w->why, "the board's device tree is malformed: %s at offset %u", what,
           (unsigned)w->dtb.at);
    return false;
}

static bool read_once(struct walk *w)
{
    struct level *level = &w->levels[w->depth - 1];
    if (level->read)
        return true;
    level->read = true;
    return board_node_read(w);
}

static bool enter(struct walk *w)
{
    if (w->depth == MAX_DEPTH)
        return malformed(w, "nodes too deep");
    if (w->depth > 0 && !read_once(w))
        return false;
    if (w->depth == 0 && w->levels[0].read)
        return malformed(w, "a second root");
    w->levels[w->depth] = (struct level){.name = w->dtb.name};
    if (w->depth == 1 && strcmp(w->dtb.name, "aliases") == 0)
        w->aliases = w->dtb.at;
    w->depth++;
    return true;
}

static bool take_property(struct walk *w)
{
    struct level *level;
    unsigned p;
    if (w->depth == 0)
        return malformed(w, "a property outside all nodes");
    level = &w->levels[w->depth - 1];
    if (level->read)
        return malformed(w, "a property after a child node");
    p = property_of(&w->dtb);
    if (p < P_COUNT)
        level->property[p] = w->dtb.value;
    return true;
}

static bool leave(struct walk *w)
{
    if (w->depth == 0)
        return malformed(w, "an end without a node");
    if (!read_once(w))
        return false;
    w->depth--;
    return true;
}

static bool walk_tree(struct walk *w)
{
    for (;;) {
        bool ok;
        switch (dtb_next(&w->dtb)) {
        case DTB_NODE:
            ok = enter(w);
            break;
        case DTB_PROPERTY:
            ok = take_property(w);
            break;
        case DTB_NODE_END:
            ok = leave(w);
            break;
        case DTB_END:
            return (w->depth == 0 && w->levels[0].read) || malformed(w, "the end inside a node");
        default:
            return malformed(w, "an unknown token or a bad length");
        }
        if (!ok)
            return false;
    }
}

bool machine_read(const void *dtb, size_t bytes, const struct device_match *matches,
                  struct machine *out, struct refusal *why)
{
    struct walk *w = &walk;
    const char *wrong;

    memset(w, 0, sizeof(*w));
    memset(remembered, 0, sizeof(remembered));
    memset(out, 0, sizeof(*out));
    w->machine = out;
    w->matches = matches;
    w->why = why;
    wrong = dtb_open(&w->dtb, dtb, bytes);
    if (wrong) {
        refuse(why, "no usable device tree from the firmware: %s", wrong);
        return false;
    }
    return walk_tree(w) && board_finish(w);
}

const struct device *machine_device(const struct machine *m, enum device_kind kind)
{
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i].kind == kind)
            return &m->devices[i];
    return NULL;
}

const struct boot_file *machine_file(const struct machine *m, const char *path)
{
    for (unsigned i = 0; i < m->nfiles; i++)
        if (strcmp(m->files[i].path, path) == 0)
            return &m->files[i];
    return NULL;
}
