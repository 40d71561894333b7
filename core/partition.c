/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/partition.h>

#include <bulkhead/log.h>
#include <string.h>

enum {
    MAX_FREE = 80, /* RAM regions, one more for each thing cut out, one more for each VM */
    MIN_MEMORY_MIB = 32,
};

/* Below: vectors, the spin table and what EL3 firmware keeps (platform firmware's armstub, TF-A's
 * bl31). */
#define FIRMWARE_END MIB(1)
/* What EL2's window onto a VM's RAM can show. */
#define MAX_MEMORY   GIB(64)

struct free_list {
    unsigned count;
    struct range r[MAX_FREE];
};

static void add(struct free_list *list, uint64_t base, uint64_t end)
{
    /* With a full table memory is lost, never given twice. */
    if (base < end && list->count < MAX_FREE)
        list->r[list->count++] = (struct range){base, end - base};
}

static void cut(struct free_list *list, struct range out)
{
    for (unsigned i = list->count; i-- > 0;) {
        struct range r = list->r[i];
        if (out.size == 0 || !ranges_overlap(r.base, r.size, out.base, out.size))
            continue;
        list->r[i] = list->r[--list->count];
        add(list, r.base, MIN(r.base + r.size, out.base));
        add(list, MAX(r.base, out.base + out.size), r.base + r.size);
    }
}

static void align_all(struct free_list *list)
{
    for (unsigned i = list->count; i-- > 0;) {
        struct range r = list->r[i];
        uint64_t base = align_up(r.base, BLOCK_2M), end = align_down(r.base + r.size, BLOCK_2M);
        list->r[i] = list->r[--list->count];
        add(list, base, end);
    }
}

/* The board's RAM that is nobody's. */
static void find_free(const struct machine *m, const struct range *kept, unsigned nkept,
                      struct free_list *list)
{
    list->count = 0;
    for (unsigned i = 0; i < m->nram; i++)
        add(list, m->ram[i].base, m->ram[i].base + m->ram[i].size);
    cut(list, (struct range){0, FIRMWARE_END});
    for (unsigned i = 0; i < nkept; i++)
        cut(list, kept[i]);
    for (unsigned i = 0; i < m->nreserved; i++)
        cut(list, m->reserved[i]);
    for (unsigned i = 0; i < m->nwindows; i++)
        cut(list, m->windows[i]);
    align_all(list);
}

static uint64_t total(const struct range *r, unsigned count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += r[i].size;
    return sum;
}

/* Index of the smallest range that holds `bytes`; without one, of the largest; -1: nothing is free.
 */
static int best(const struct free_list *list, uint64_t bytes)
{
    int found = -1;
    for (unsigned i = 0; i < list->count; i++) {
        uint64_t size = list->r[i].size, have = found < 0 ? 0 : list->r[found].size;
        bool better = have >= bytes ? size >= bytes && size < have : size > have;
        if (found < 0 || better)
            found = (int)i;
    }
    return found;
}

/* Guest RAM starts at a multiple of 1 GiB: a first piece that does too is mapped by 1 GiB blocks.
 */
static uint64_t place_in(struct range r, uint64_t bytes, bool first)
{
    uint64_t aligned = align_up(r.base, GIB(1));
    if (first && bytes >= GIB(1) && aligned - r.base <= r.size - bytes)
        return aligned;
    return r.base;
}

static bool allot(struct free_list *list, uint64_t bytes, struct partition *out)
{
    memset(out, 0, sizeof(*out));
    while (out->bytes < bytes) {
        uint64_t left = bytes - out->bytes, take;
        int i = best(list, left);
        struct range piece;
        if (i < 0 || out->npieces == MAX_RAM_PIECES)
            return false;
        take = MIN(left, list->r[i].size);
        piece = (struct range){place_in(list->r[i], take, out->npieces == 0), take};
        cut(list, piece);
        out->pieces[out->npieces++] = piece;
        out->bytes += take;
    }
    return true;
}

uint64_t partition_wanted(const struct machine *m, const struct vm_config *vm)
{
    if (vm->memory)
        return vm->memory;
    return align_down(total(m->ram, m->nram) / 100 * vm->memory_percent, BLOCK_2M);
}

/* In the order of the configuration, so that the sentence is about the VM that came too late. */
static bool check_sizes(const struct machine *m, const struct config *c, uint64_t left,
                        struct refusal *why)
{
    unsigned board = (unsigned)(total(m->ram, m->nram) >> 20);
    for (unsigned i = 0; i < c->nvms; i++) {
        uint64_t wanted = partition_wanted(m, &c->vms[i]);
        unsigned mib = (unsigned)(wanted >> 20);
        if (wanted > MIN(left, MAX_MEMORY)) {
            refuse(why,
                   "%s: memory: %u MiB are asked for; the board has %u MiB, of which %u MiB are "
                   "left",
                   c->vms[i].name, mib, board, (unsigned)(left >> 20));
            return false;
        }
        if (wanted < MIB(MIN_MEMORY_MIB)) {
            refuse(why,
                   "%s: memory: %u%% of the board's %u MiB is too little; at least %d MiB are "
                   "needed",
                   c->vms[i].name, c->vms[i].memory_percent, board, MIN_MEMORY_MIB);
            return false;
        }
        left -= wanted;
    }
    return true;
}

/* The largest VM that has no memory yet: it finds the large ranges whole. */
static unsigned largest_left(const struct machine *m, const struct config *c, unsigned done)
{
    unsigned found = MAX_VMS;
    for (unsigned i = 0; i < c->nvms; i++)
        if (!(done & 1u << i) && (found == MAX_VMS || partition_wanted(m, &c->vms[i]) >
                                                          partition_wanted(m, &c->vms[found])))
            found = i;
    return found;
}

bool partition_memory(const struct machine *m, const struct config *c, const struct range *kept,
                      unsigned nkept, struct partition out[MAX_VMS], struct refusal *why)
{
    struct free_list list;
    unsigned done = 0;

    find_free(m, kept, nkept, &list);
    if (!check_sizes(m, c, total(list.r, list.count), why))
        return false;
    for (unsigned n = 0; n < c->nvms; n++) {
        unsigned i = largest_left(m, c, done);
        if (!allot(&list, partition_wanted(m, &c->vms[i]), &out[i])) {
            refuse(why,
                   "%s: memory: what is left of the board's RAM lies in too many pieces; %d are "
                   "allowed: ask for less",
                   c->vms[i].name, MAX_RAM_PIECES);
            return false;
        }
        done |= 1u << i;
    }
    return true;
}

/* ---- A second look, written apart from the first ---- */

static bool inside_ram(const struct machine *m, struct range r)
{
    for (unsigned i = 0; i < m->nram; i++)
        if (r.base >= m->ram[i].base && r.size <= m->ram[i].size &&
            r.base - m->ram[i].base <= m->ram[i].size - r.size)
            return true;
    return false;
}

static bool meets_any(struct range r, const struct range *others, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (others[i].size && ranges_overlap(r.base, r.size, others[i].base, others[i].size))
            return true;
    return false;
}

static const char *wrong_with(const struct machine *m, const struct range *kept, unsigned nkept,
                              struct range r)
{
    if (r.size == 0 || r.base % BLOCK_2M != 0 || r.size % BLOCK_2M != 0)
        return "not made of 2 MiB blocks";
    if (!inside_ram(m, r))
        return "not RAM";
    if (r.base < FIRMWARE_END || meets_any(r, m->reserved, m->nreserved))
        return "the firmware's";
    if (meets_any(r, m->windows, m->nwindows))
        return "a device's";
    if (meets_any(r, kept, nkept))
        return "the hypervisor's";
    return NULL;
}

/* Pieces of this VM against its own earlier ones and those of VMs before it. */
static bool given_twice(const struct partition *parts, unsigned vm, unsigned piece)
{
    struct range r = parts[vm].pieces[piece];
    if (meets_any(r, parts[vm].pieces, piece))
        return true;
    for (unsigned i = 0; i < vm; i++)
        if (meets_any(r, parts[i].pieces, parts[i].npieces))
            return true;
    return false;
}

bool partition_check(const struct machine *m, const struct config *c, const struct range *kept,
                     unsigned nkept, const struct partition parts[MAX_VMS], struct refusal *why)
{
    for (unsigned i = 0; i < c->nvms; i++) {
        const struct partition *p = &parts[i];
        const char *wrong = NULL;
        if (p->npieces > MAX_RAM_PIECES || p->bytes != partition_wanted(m, &c->vms[i]) ||
            p->bytes != total(p->pieces, p->npieces))
            wrong = "of another size than was asked for";
        for (unsigned k = 0; !wrong && k < p->npieces; k++)
            wrong = given_twice(parts, i, k) ? "another VM's"
                                             : wrong_with(m, kept, nkept, p->pieces[k]);
        if (wrong) {
            refuse(why, "%s: memory: a piece is %s", c->vms[i].name, wrong);
            return false;
        }
    }
    return true;
}
