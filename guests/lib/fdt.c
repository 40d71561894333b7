/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of flattened device trees (Devicetree Specification v0.4, chapter 5). The tree is
 * trusted. */
#include "lib.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4 };

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static bool same(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

static bool starts(const char *s, const char *with)
{
    for (; *with; s++, with++)
        if (*s != *with)
            return false;
    return true;
}

struct property {
    unsigned depth;   /* of its node; children of the root: 1 */
    const char *node; /* its node's name */
    const char *name;
    const uint8_t *value;
    uint32_t bytes;
};

struct cursor {
    const uint8_t *p, *strings;
    unsigned depth;
    const char *node;
};

static struct cursor begin(const void *dtb)
{
    const uint8_t *base = dtb;
    return (struct cursor){base + be32(base + 8), base + be32(base + 12), 0, ""};
}

/* The next property in the tree. A node's properties come before its children. */
static bool next(struct cursor *c, struct property *out)
{
    for (;;) {
        uint32_t token = be32(c->p);
        c->p += 4;
        if (token == BEGIN_NODE) {
            c->node = (const char *)c->p;
            c->depth++;
            while (*c->p)
                c->p++;
            c->p += 4 - ((uintptr_t)c->p & 3);
        } else if (token == END_NODE) {
            c->depth--;
        } else if (token == PROP) {
            *out =
                (struct property){c->depth - 1, c->node, (const char *)c->strings + be32(c->p + 4),
                                  c->p + 8, be32(c->p)};
            c->p += 8 + ((out->bytes + 3) & ~3u);
            return true;
        } else if (token != NOP) {
            return false;
        }
    }
}

unsigned fdt_ranges(const void *dtb, struct fdt_range *out, unsigned max)
{
    struct cursor c = begin(dtb);
    struct property p;
    unsigned n = 0;
    while (next(&c, &p)) {
        if (p.depth != 1 || !same(p.name, "reg"))
            continue;
        for (uint32_t at = 0; at + 16 <= p.bytes; at += 16, n++)
            if (n < max)
                out[n] =
                    (struct fdt_range){be64(p.value + at), be64(p.value + at + 8),
                                       starts(p.node, "memory"), starts(p.node, "virtio_mmio")};
    }
    return n;
}

const char *fdt_bootargs(const void *dtb)
{
    struct cursor c = begin(dtb);
    struct property p;
    while (next(&c, &p))
        if (p.depth == 1 && same(p.node, "chosen") && same(p.name, "bootargs"))
            return (const char *)p.value;
    return "";
}

bool has_word(const char *words, const char *word, uint64_t *value)
{
    while (*words) {
        const char *w = word;
        while (*words == ' ')
            words++;
        while (*w && *words == *w) {
            words++;
            w++;
        }
        if (!*w && (!*words || *words == ' ' || *words == '=')) {
            if (value && *words == '=')
                for (*value = 0, words++; *words >= '0' && *words <= '9'; words++)
                    *value = *value * 10 + (uint64_t)(*words - '0');
            return true;
        }
        while (*words && *words != ' ')
            words++;
    }
    return false;
}
