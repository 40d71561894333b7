/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the configuration's structure (config.c) and the values of its properties
 * (config_values.c). */
#ifndef BULKHEAD_CORE_CONFIG_PARSE_H
#define BULKHEAD_CORE_CONFIG_PARSE_H

#include <bulkhead/config.h>

/* Where the parser is. */
struct parse {
    const void *dtb;
    struct config *config;
    struct refusal *why;
    struct vm_config *vm;
    struct disk_config *disk;      /* NULL outside a disk's node */
    char where[2 * MAX_NAME + 16]; /* "alpha" or "alpha: disks/root" */
};

/* A property's value as it stands in the blob. */
struct property_value {
    const char *name;
    const void *data;
    uint32_t bytes;
};

/* A property of a kind of node, and who reads it. */
struct property_rule {
    const char *name;
    bool (*read)(struct parse *p, const struct property_value *v);
};

/* "alpha: memory: ..."; always false. */
__attribute__((format(printf, 3, 4))) bool config_fail(struct parse *p, const char *property,
                                                       const char *format, ...);
/* [a-z][a-z0-9-]*, shorter than MAX_NAME. */
bool config_is_name(const char *s);

/* What no two VMs may share: cores, partitions. */
bool config_check_shared(const struct config *c, struct refusal *why);

extern const struct property_rule config_vm_rules[]; /* end with name == NULL */
/* So many of them, from the first, may stand in bulkhead.txt: they keep nothing of their text. */
enum { CONFIG_OVERRIDES = 3 };
extern const struct property_rule config_disk_rules[];

#endif
