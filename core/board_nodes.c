/* SPDX-License-Identifier: BSD-2-Clause */
/* What each node of the board's tree adds to struct machine. */
#include "board_dt.h"

#include <bulkhead/log.h>
#include <string.h>

/* Addresses end here: the Cortex-A72 puts out 44 bits (DDI 0488 2.2). Sums of two cannot wrap. */
#define ADDRESS_END (UINT64_C(1) << 44)

static struct level *level_of(struct walk *w)
{
    return &w->levels[w->depth - 1];
}

/* Is the innermost node a child of the path of `depth` names below the root? */
static bool is_child_of(const struct walk *w, const char *name1, const char *name2)
{
    unsigned depth = name2 ? 4 : 3;
    return w->depth == depth && strcmp(w->levels[1].name, name1) == 0 &&
           (!name2 || strcmp(w->levels[2].name, name2) == 0);
}

static bool is_string(struct dtb_value value, const char *text)
{
    const char *s = dtb_string(value);
    return s && strcmp(s, text) == 0;
}

/* Cut to fit, and printable: it may be shown. */
static void copy_text(char *to, size_t room, const char *from)
{
    size_t i = 0;
    for (; from && from[i] && i < room - 1; i++)
        to[i] = from[i];
    to[i] = '\0';
    for (; *to; to++)
        if (*to < ' ' || *to > '~')
            *to = '?';
}

/* The i-th range of the innermost node's reg, as its parent sees it. */
static bool reg_at(const struct walk *w, unsigned i, struct range *out)
{
    const struct level *node = &w->levels[w->depth - 1], *parent = node - 1;
    unsigned address = parent->address_cells, size = parent->size_cells;
    struct dtb_value reg = node->property[P_REG];
    uint32_t entry = 4 * (address + size);

    if (address > 2 || size > 2 || entry == 0 || i >= reg.bytes / entry)
        return false;
    out->base = dtb_cells(reg.data + i * entry, address);
    out->size = dtb_cells(reg.data + i * entry + (size_t)4 * address, size);
    return true;
}

static void sort(struct range *table, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && table[j].base < table[j - 1].base; j--) {
            struct range t = table[j];
            table[j] = table[j - 1];
            table[j - 1] = t;
        }
}

/* Disjoint ranges in ascending order; what touches is merged. False: the table is full. */
static bool add_range(struct range *table, unsigned *count, unsigned room, struct range r)
{
    unsigned i = 0;
    while (i < *count) {
        struct range *o = &table[i];
        if (r.base <= o->base + o->size && o->base <= r.base + r.size) {
            uint64_t end = MAX(r.base + r.size, o->base + o->size);
            r.base = MIN(r.base, o->base);
            r.size = end - r.base;
            *o = table[--*count];
        } else {
            i++;
        }
    }
    if (*count == room)
        return false;
    table[(*count)++] = r;
    sort(table, *count);
    return true;
}

static bool clip(struct range *r)
{
    if (r->base >= ADDRESS_END || r->size == 0)
        return false;
    r->size = MIN(r->size, ADDRESS_END - r->base);
    return true;
}

static bool read_memory(struct walk *w)
{
    struct machine *m = w->machine;
    struct range r;
    for (unsigned i = 0; reg_at(w, i, &r); i++) {
        if (clip(&r) && !add_range(m->ram, &m->nram, MAX_RAM_REGIONS, r)) {
            refuse(w->why, "the board's device tree: RAM is in more than %d pieces",
                   MAX_RAM_REGIONS);
            return false;
        }
    }
    return true;
}

static bool reserve(struct walk *w, struct range r)
{
    struct machine *m = w->machine;
    if (!clip(&r))
        return true;
    if (m->nreserved == MAX_RESERVED) {
        refuse(w->why, "the board's device tree: more than %d memory reservations", MAX_RESERVED);
        return false;
    }
    m->reserved[m->nreserved++] = r;
    return true;
}

/* A child of /reserved-memory (DTSpec v0.4, 3.5). A reusable pool, or one without a place yet, is
 * the operating system's affair. */
static bool read_reserved(struct walk *w)
{
    const struct level *node = level_of(w);
    struct range r;
    if (!node->enabled || node->property[P_REUSABLE].data)
        return true;
    for (unsigned i = 0; reg_at(w, i, &r); i++)
        if (!reserve(w, r))
            return false;
    return true;
}

static void read_cpu(struct walk *w)
{
    const struct level *node = level_of(w);
    struct dtb_value reg = node->property[P_REG], release = node->property[P_RELEASE_ADDR];
    struct machine *m = w->machine;
    struct cpu_node *cpu;

    if (m->ncpus == MAX_CPUS)
        return; /* more cores than this build serves stay asleep */
    cpu = &m->cpus[m->ncpus++];
    cpu->enabled = node->enabled;
    cpu->mpidr = dtb_cells(reg.data, MIN(reg.bytes, 8) / 4);
    cpu->release_addr = dtb_cells(release.data, MIN(release.bytes, 8) / 4);
    copy_text(cpu->enable_method, sizeof(cpu->enable_method),
              dtb_string(node->property[P_ENABLE_METHOD]));
}

static void add_seed(struct machine *m, struct dtb_value seed)
{
    uint32_t n = MIN(seed.bytes, MAX_SEED - m->seed_bytes);
    if (n > 0)
        memcpy(m->seed + m->seed_bytes, seed.data, n);
    m->seed_bytes += n;
}

/* U-Boot's boot script wrote these: 32-bit cells, whatever the tree's cells are. */
static void read_boot_file(struct walk *w)
{
    const struct level *node = level_of(w);
    const char *path = dtb_string(node->property[P_PATH]);
    struct dtb_value reg = node->property[P_REG];
    struct machine *m = w->machine;
    struct boot_file *file;

    if (!path || path[0] == '\0' || strlen(path) >= MAX_NAME || reg.bytes != 8 ||
        dtb_cells(reg.data + 4, 1) == 0 || m->nfiles == MAX_FILES)
        return; /* as if it had not been loaded: who needs it is refused by name */
    file = &m->files[m->nfiles++];
    copy_text(file->path, sizeof(file->path), path);
    file->pa = paddr(dtb_cells(reg.data, 1));
    file->size = dtb_cells(reg.data + 4, 1);
}

/* The board's table entry for one of the node's compatible strings. */
static const struct device_match *match(const struct walk *w, struct dtb_value compatible)
{
    const char *s = (const char *)compatible.data;
    uint32_t left = compatible.bytes;
    while (left > 0) {
        uint32_t length = dtb_length(s, left);
        if (length == left)
            break; /* not terminated */
        for (const struct device_match *m = w->matches; m->compatible; m++)
            if (strcmp(m->compatible, s) == 0)
                return m;
        s += length + 1;
        left -= length + 1;
    }
    return NULL;
}

/* The node's path; empty if it does not fit. */
static void write_path(const struct walk *w, char path[MAX_PATH])
{
    size_t used = 0;
    for (unsigned i = 1; i < w->depth; i++) {
        size_t length = strlen(w->levels[i].name);
        if (used + 1 + length + 1 > MAX_PATH) {
            path[0] = '\0';
            return;
        }
        path[used++] = '/';
        copy_text(path + used, length + 1, w->levels[i].name);
        used += length;
    }
    path[used] = '\0';
}

/* Three cells: kind, number, flags (the GIC's binding). Its parent is checked when the GIC is
 * known. */
static void read_interrupts(struct device *device, struct dtb_value interrupts)
{
    enum { SPI = 0, PPI = 1, LAST_INTID = 1019 /* IHI 0048B 2.2.1 */ };
    for (uint32_t at = 0; at + 12 <= interrupts.bytes; at += 12) {
        uint64_t kind = dtb_cells(interrupts.data + at, 1);
        uint64_t number = dtb_cells(interrupts.data + at + 4, 1);
        if (device->nirqs == ARRAY_SIZE(device->intid))
            return;
        if (kind == SPI && number + 32 <= LAST_INTID)
            device->intid[device->nirqs++] = (uint16_t)(number + 32);
        else if (kind == PPI && number < 16)
            device->intid[device->nirqs++] = (uint16_t)(number + 16);
        else
            return;
    }
}

/* A free place; when there is none, an enabled device takes that of a disabled one. */
static struct device *place_for(struct machine *m, bool enabled)
{
    if (m->ndevices < MAX_DEVICES)
        return &m->devices[m->ndevices++];
    for (unsigned i = MAX_DEVICES; enabled && i-- > 0;)
        if (!m->devices[i].enabled)
            return &m->devices[i];
    return NULL;
}

static bool read_device(struct walk *w, const struct device_match *found)
{
    const struct level *node = level_of(w);
    struct machine *m = w->machine;
    struct device *device = place_for(m, node->enabled);
    struct range r, window;

    if (!device)
        return true;
    *device = (struct device){
        .kind = found->kind, .compatible = found->compatible, .enabled = node->enabled};
    w->device_parents[device - m->devices] = node->interrupt_parent;
    if (found->kind == DEV_GIC && node->property[P_PHANDLE].bytes == 4)
        w->gic_phandle = (uint32_t)dtb_cells(node->property[P_PHANDLE].data, 1);
    write_path(w, device->path);
    read_interrupts(device, node->property[P_INTERRUPTS]);
    if (w->depth < 2)
        return true;
    board_dma(w, w->depth - 2, device);
    for (unsigned i = 0; device->nregs < ARRAY_SIZE(device->reg) && reg_at(w, i, &r); i++) {
        if (!board_translate(w, w->depth - 2, &r, &window) || !clip(&r))
            break; /* later ones keep their index or are not there */
        device->reg[device->nregs++] = r;
        if (clip(&window) && !add_range(m->windows, &m->nwindows, MAX_WINDOWS, window)) {
            refuse(w->why, "the board's device tree: devices in more than %d windows", MAX_WINDOWS);
            return false;
        }
    }
    return true;
}

static unsigned cells_or(struct dtb_value value, unsigned otherwise)
{
    uint64_t cells = value.bytes == 4 ? dtb_cells(value.data, 1) : otherwise;
    return cells > 4 ? 5 : (unsigned)cells; /* 5: no address can be read there */
}

/* What children inherit, and what this node inherits. */
static void settle(struct walk *w)
{
    struct level *node = level_of(w);
    struct dtb_value parent = node->property[P_INTERRUPT_PARENT];
    struct dtb_value status = node->property[P_STATUS];

    node->address_cells = cells_or(node->property[P_ADDRESS_CELLS], 2);
    node->size_cells = cells_or(node->property[P_SIZE_CELLS], 1);
    node->enabled = !status.data || is_string(status, "okay") || is_string(status, "ok");
    if (w->depth > 1) {
        node->interrupt_parent = node[-1].interrupt_parent;
        node->enabled = node->enabled && node[-1].enabled;
    }
    if (parent.bytes == 4)
        node->interrupt_parent = (uint32_t)dtb_cells(parent.data, 1);
}

static void read_root(struct walk *w)
{
    const struct level *root = level_of(w);
    struct dtb_value compatible = root->property[P_COMPATIBLE];
    struct machine *m = w->machine;

    copy_text(m->model, sizeof(m->model), dtb_string(root->property[P_MODEL]));
    for (unsigned i = 0; i < ARRAY_SIZE(m->compatible); i++) {
        const char *s = dtb_string(compatible);
        if (!s)
            return;
        copy_text(m->compatible[i], sizeof(m->compatible[i]), s);
        compatible.data += strlen(s) + 1;
        compatible.bytes -= (uint32_t)strlen(s) + 1;
    }
}

bool board_node_read(struct walk *w)
{
    const struct level *node = level_of(w);
    const struct device_match *found;

    settle(w);
    if (w->depth == 1) {
        read_root(w);
        return true;
    }
    if (is_child_of(w, "reserved-memory", NULL))
        return read_reserved(w);
    if (is_child_of(w, "chosen", "bulkhead"))
        read_boot_file(w);
    if (w->depth == 2 && strcmp(node->name, "chosen") == 0) {
        w->stdout_path = node->property[P_STDOUT_PATH];
        add_seed(w->machine, node->property[P_RNG_SEED]);
        add_seed(w->machine, node->property[P_KASLR_SEED]);
    }
    if (is_child_of(w, "cpus", NULL) && is_string(node->property[P_DEVICE_TYPE], "cpu"))
        read_cpu(w);
    if (w->depth == 2 && node->enabled && is_string(node->property[P_DEVICE_TYPE], "memory"))
        return read_memory(w);
    found = match(w, node->property[P_COMPATIBLE]);
    return !found || read_device(w, found);
}

/* /aliases' value for the first `length` bytes of `name`, NULL if there is none. */
static const char *alias(struct walk *w, const char *name, size_t length)
{
    w->dtb.at = w->aliases;
    while (w->aliases && dtb_next(&w->dtb) == DTB_PROPERTY)
        if (strlen(w->dtb.name) == length && memcmp(w->dtb.name, name, length) == 0)
            return dtb_string(w->dtb.value);
    return NULL;
}

/* A path or an alias, with options after a colon (DTSpec v0.4, 3.6). */
static void resolve_stdout(struct walk *w)
{
    const char *path = dtb_string(w->stdout_path);
    size_t length;
    if (!path)
        return;
    length = strcspn(path, ":");
    if (path[0] != '/') {
        path = alias(w, path, length);
        length = path ? strcspn(path, ":") : 0;
    }
    if (length < MAX_PATH)
        copy_text(w->machine->stdout_path, length + 1, path);
}

static bool file_in_ram(const struct machine *m, const struct boot_file *file)
{
    for (unsigned i = 0; i < m->nram; i++)
        if (file->pa.v >= m->ram[i].base &&
            file->pa.v + file->size <= m->ram[i].base + m->ram[i].size)
            return true;
    return false;
}

static void drop_files_outside_ram(struct machine *m)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < m->nfiles; i++)
        if (file_in_ram(m, &m->files[i]))
            m->files[kept++] = m->files[i];
    m->nfiles = kept;
}

bool board_finish(struct walk *w)
{
    struct machine *m = w->machine;
    struct range r;

    for (unsigned i = 0; dtb_reservation(&w->dtb, i, &r); i++)
        if (!reserve(w, r))
            return false;
    for (unsigned i = 0; i < m->ndevices; i++)
        if (w->device_parents[i] != w->gic_phandle)
            m->devices[i].nirqs = 0;
    drop_files_outside_ram(m);
    resolve_stdout(w);
    if (m->nram == 0) {
        refuse(w->why, "the board's device tree describes no RAM");
        return false;
    }
    if (m->ncpus == 0) {
        refuse(w->why, "the board's device tree describes no cores");
        return false;
    }
    return true;
}
