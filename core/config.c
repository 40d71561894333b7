/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration's structure, and what its parts must not do to each other. */
#include <bulkhead/config.h>

#include "config_parse.h"
#include "dtb.h"

#include <bulkhead/log.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

static bool malformed(struct refusal *why, const char *what)
{
    refuse(why, "vms.dtb is not a compiled vms.dts: %s", what);
    return false;
}

/* One pass over every token, so that libfdt has nothing to stumble over afterwards. */
static bool check_structure(const void *blob, size_t bytes, struct refusal *why)
{
    struct dtb d;
    unsigned depth = 0;
    bool done = false, node_ended = false;
    const char *wrong = dtb_open(&d, blob, bytes);

    if (wrong)
        return malformed(why, wrong);
    while (!done) {
        switch (dtb_next(&d)) {
        case DTB_NODE:
            depth++;
            node_ended = false;
            break;
        case DTB_PROPERTY:
            if (depth == 0 || node_ended)
                return malformed(why, "a property is out of its place");
            break;
        case DTB_NODE_END:
            if (depth-- == 0)
                return malformed(why, "its nodes do not nest");
            node_ended = true;
            break;
        case DTB_END:
            done = true;
            break;
        default:
            return malformed(why, "it has an unknown token or a bad length");
        }
    }
    return depth == 0 || malformed(why, "its nodes do not nest");
}

/* ---- Nodes ---- */

static bool unknown_property(struct parse *p, const struct property_rule *rules, const char *name)
{
    char allowed[160];
    size_t used = 0;
    allowed[0] = '\0';
    for (; rules->name && used < sizeof(allowed); rules++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, " %s", rules->name);
    refuse(p->why, "%s: unknown property \"%.31s\"; allowed are:%s", p->where, name, allowed);
    return false;
}

/* Each property of the node at `offset` by its rule, each at most once. */
static bool read_properties(struct parse *p, int offset, const struct property_rule *rules)
{
    unsigned seen = 0;
    int at;

    fdt_for_each_property_offset(at, p->dtb, offset)
    {
        struct property_value v;
        unsigned i = 0;
        int bytes = 0;
        v.data = fdt_getprop_by_offset(p->dtb, at, &v.name, &bytes);
        if (!v.data)
            return malformed(p->why, "a property cannot be read");
        v.bytes = (uint32_t)bytes;
        while (rules[i].name && strcmp(rules[i].name, v.name) != 0)
            i++;
        if (!rules[i].name)
            return unknown_property(p, rules, v.name);
        if (seen & 1u << i)
            return config_fail(p, v.name, "is given twice");
        seen |= 1u << i;
        if (!rules[i].read(p, &v))
            return false;
    }
    return true;
}

static const char *node_name(const struct parse *p, int offset)
{
    const char *name = fdt_get_name(p->dtb, offset, NULL);
    return name ? name : "";
}

static bool no_children(struct parse *p, int offset)
{
    int child = fdt_first_subnode(p->dtb, offset);
    if (child < 0)
        return true;
    refuse(p->why, "%s: unknown node \"%.31s\"; none is allowed here", p->where,
           node_name(p, child));
    return false;
}

static bool bad_name(struct parse *p, const char *what, const char *name)
{
    refuse(p->why,
           "%s \"%.40s\": a name is a small letter, then small letters, digits and -, at most %d "
           "characters",
           what, name, MAX_NAME - 1);
    return false;
}

static bool read_disk(struct parse *p, int offset)
{
    struct vm_config *vm = p->vm;
    const char *name = node_name(p, offset);

    snprintf(p->where, sizeof(p->where), "%s: disks", vm->name);
    if (!config_is_name(name))
        return bad_name(p, p->where, name);
    for (unsigned i = 0; i < vm->ndisks; i++)
        if (strcmp(vm->disks[i].name, name) == 0)
            return config_fail(p, name, "there are two disks of this name");
    if (vm->ndisks == MAX_DISKS)
        return config_fail(p, name, "is one disk too many; a VM can have %d", MAX_DISKS);
    p->disk = &vm->disks[vm->ndisks++];
    strcpy(p->disk->name, name);
    snprintf(p->where, sizeof(p->where), "%s: disks/%s", vm->name, name);
    if (!read_properties(p, offset, config_disk_rules) || !no_children(p, offset))
        return false;
    if (p->disk->partition[0] == '\0')
        return config_fail(p, "partition", "is missing: the name of a partition of the card");
    return true;
}

static bool read_disks(struct parse *p, int offset)
{
    static const struct property_rule none[] = {{NULL, NULL}};
    int child;

    snprintf(p->where, sizeof(p->where), "%s: disks", p->vm->name);
    if (!read_properties(p, offset, none))
        return false;
    fdt_for_each_subnode(child, p->dtb, offset)
    {
        if (!read_disk(p, child))
            return false;
    }
    snprintf(p->where, sizeof(p->where), "%s", p->vm->name);
    p->disk = NULL;
    return true;
}

/* What a VM cannot do without, and what excludes each other. */
static bool check_complete(struct parse *p)
{
    struct vm_config *vm = p->vm;
    if (vm->ncpus == 0)
        return config_fail(p, "cpus", "is missing: the VM's cores, as <0 1>");
    if (vm->memory == 0 && vm->memory_percent == 0)
        return config_fail(p, "memory", "is missing: as \"384M\", \"1G\" or \"40%%\"");
    if (vm->environment) {
        if (vm->kernel || vm->binary)
            return config_fail(p, "boot", "\"firmware\" starts what the disk holds, no file");
        vm->binary = CONFIG_FIRMWARE;
    }
    if (!vm->kernel && !vm->binary)
        return config_fail(p, "kernel", "is missing: a kernel or a binary is what the VM starts");
    if (vm->kernel && vm->binary)
        return config_fail(p, "binary", "stands beside kernel; a VM starts one of the two");
    if (vm->binary && vm->initrd)
        return config_fail(p, "initrd", "is for a kernel; this VM starts a binary");
    if (vm->binary && vm->bootargs)
        return config_fail(p, "bootargs", "are for a kernel; this VM starts a binary");
    return true;
}

static bool read_vm(struct parse *p, int offset)
{
    struct config *c = p->config;
    const char *name = node_name(p, offset);
    bool disks = false;
    int child;

    if (!config_is_name(name))
        return bad_name(p, "vms", name);
    snprintf(p->where, sizeof(p->where), "%s", name);
    if (strcmp(name, "bulkhead") == 0)
        return config_fail(p, "name", "is the hypervisor's own; call the VM something else");
    for (unsigned i = 0; i < c->nvms; i++)
        if (strcmp(c->vms[i].name, name) == 0)
            return config_fail(p, "name", "there are two VMs of this name");
    if (c->nvms == MAX_VMS)
        return config_fail(p, "name", "is one VM too many; there can be %d", MAX_VMS);
    p->vm = &c->vms[c->nvms++];
    *p->vm = (struct vm_config){.restart_limit = 5, .restart_seconds = 60, .stop_seconds = 90};
    strcpy(p->vm->name, name);
    if (!read_properties(p, offset, config_vm_rules))
        return false;
    fdt_for_each_subnode(child, p->dtb, offset)
    {
        if (strcmp(node_name(p, child), "disks") != 0 || disks) {
            refuse(p->why, "%s: unknown node \"%.31s\"; allowed is one node disks", p->where,
                   node_name(p, child));
            return false;
        }
        disks = true;
        if (!read_disks(p, child))
            return false;
    }
    return check_complete(p);
}

static bool read_compatible(struct parse *p, const struct property_value *v)
{
    static const char binding[] = "bulkhead,vms-1";
    return (v->bytes == sizeof(binding) && memcmp(v->data, binding, sizeof(binding)) == 0) ||
           config_fail(p, v->name, "must be \"%s\"", binding);
}

/* The root has its compatible and one node, vms. */
static bool read_root(struct parse *p, int *vms)
{
    static const struct property_rule rules[] = {{"compatible", read_compatible}, {NULL, NULL}};
    int child, length;

    snprintf(p->where, sizeof(p->where), "/");
    if (!read_properties(p, 0, rules))
        return false;
    if (!fdt_getprop(p->dtb, 0, "compatible", &length))
        return config_fail(p, "compatible", "is missing: \"bulkhead,vms-1\"");
    *vms = -1;
    fdt_for_each_subnode(child, p->dtb, 0)
    {
        if (strcmp(node_name(p, child), "vms") != 0 || *vms >= 0) {
            refuse(p->why, "/: unknown node \"%.31s\"; allowed is one node vms",
                   node_name(p, child));
            return false;
        }
        *vms = child;
    }
    return *vms >= 0 || config_fail(p, "vms", "is missing: the node with a node for each VM");
}

/* ---- Between VMs ---- */

static bool check_shared_cores(const struct config *c, struct refusal *why)
{
    const struct vm_config *owner[MAX_CPUS] = {NULL};
    for (unsigned i = 0; i < c->nvms; i++)
        for (unsigned k = 0; k < c->vms[i].ncpus; k++) {
            unsigned core = c->vms[i].cpus[k];
            if (owner[core]) {
                refuse(why, "%s: cpus: core %u also belongs to \"%s\"; each core can serve one VM",
                       c->vms[i].name, core, owner[core]->name);
                return false;
            }
            owner[core] = &c->vms[i];
        }
    return true;
}

static bool check_pair(const struct vm_config *a, const struct disk_config *x,
                       const struct vm_config *b, const struct disk_config *y, struct refusal *why)
{
    if (x == y || strcmp(x->partition, y->partition) != 0 || (x->read_only && y->read_only))
        return true;
    refuse(why,
           "%s: disks/%s: partition: \"%s\" is also %s: disks/%s; one is shared only if all its "
           "uses are read-only",
           b->name, y->name, y->partition, a->name, x->name);
    return false;
}

static bool check_shared_partitions(const struct config *c, struct refusal *why)
{
    for (unsigned i = 0; i < MAX_VMS * MAX_DISKS; i++)
        for (unsigned k = 0; k < i; k++) {
            const struct vm_config *a = &c->vms[k / MAX_DISKS], *b = &c->vms[i / MAX_DISKS];
            unsigned x = k % MAX_DISKS, y = i % MAX_DISKS;
            if (x < a->ndisks && y < b->ndisks &&
                !check_pair(a, &a->disks[x], b, &b->disks[y], why))
                return false;
        }
    return true;
}

bool config_check_shared(const struct config *c, struct refusal *why)
{
    return check_shared_cores(c, why) && check_shared_partitions(c, why);
}

bool config_parse(const void *dtb, size_t bytes, struct config *out, struct refusal *why)
{
    static const struct property_rule none[] = {{NULL, NULL}};
    struct parse p = {.dtb = dtb, .config = out, .why = why};
    int vms = -1, child;

    memset(out, 0, sizeof(*out));
    why->text[0] = '\0';
    if (!check_structure(dtb, bytes, why) || !read_root(&p, &vms))
        return false;
    snprintf(p.where, sizeof(p.where), "vms");
    if (!read_properties(&p, vms, none))
        return false;
    fdt_for_each_subnode(child, dtb, vms)
    {
        if (!read_vm(&p, child))
            return false;
    }
    if (out->nvms == 0) {
        refuse(why, "vms: there is no VM; at least one is needed");
        return false;
    }
    return config_check_shared(out, why);
}

bool config_check_cpus(const struct config *c, unsigned board_cpus, struct refusal *why)
{
    for (unsigned i = 0; i < c->nvms; i++)
        for (unsigned k = 0; k < c->vms[i].ncpus; k++)
            if (c->vms[i].cpus[k] >= board_cpus) {
                refuse(why, "%s: cpus: there is no core %u; the board has %u, counted from 0",
                       c->vms[i].name, c->vms[i].cpus[k], board_cpus);
                return false;
            }
    return true;
}

static bool is_among(const char *file, const char *const *files, unsigned nfiles)
{
    for (unsigned i = 0; i < nfiles; i++)
        if (strcmp(file, files[i]) == 0)
            return true;
    return false;
}

bool config_check_files(const struct vm_config *vm, const char *const *files, unsigned nfiles,
                        struct refusal *why)
{
    const struct {
        const char *property, *file;
    } needed[] = {{"kernel", vm->kernel},
                  {"initrd", vm->initrd},
                  {"binary", vm->binary},
                  {"boot", vm->environment}};
    char have[120] = " none";
    size_t used = 0;

    for (unsigned i = 0; i < nfiles && used < sizeof(have); i++)
        used += (size_t)snprintf(have + used, sizeof(have) - used, " %s", files[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(needed); i++)
        if (needed[i].file && !is_among(needed[i].file, files, nfiles)) {
            refuse(why, "%s: %s: no file \"%s\" was loaded from the boot partition; there are:%s",
                   vm->name, needed[i].property, needed[i].file, have);
            return false;
        }
    return true;
}
