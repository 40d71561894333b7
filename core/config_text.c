/* SPDX-License-Identifier: BSD-2-Clause */
/* bulkhead.txt: lines VM.PROPERTY=VALUE on the boot partition that override vms.dtb, read by the
 * same code as a property there. */
#include "config_parse.h"

#include <bulkhead/log.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LINE = 64 };

/* "0,1" as the cells that <0 1> would be; what is no digit becomes a core that is not there. */
static void cores_to_cells(struct property_value *v, fdt32_t cells[MAX_CPUS + 1])
{
    unsigned n = 0;
    for (const char *s = v->data; s && n <= MAX_CPUS; s = strchr(s, ',')) {
        s += n > 0;
        bool digit = *s >= '0' && *s <= '9' && (s[1] == ',' || !s[1]);
        cells[n++] = cpu_to_fdt32(digit ? (uint32_t)(*s - '0') : MAX_CPUS);
    }
    v->data = cells;
    v->bytes = 4 * n;
}

static bool set(struct parse *p, const char *name, struct property_value *v)
{
    fdt32_t cells[MAX_CPUS + 1];

    snprintf(p->where, sizeof(p->where), "bulkhead.txt: %.31s", name);
    p->vm = NULL;
    for (unsigned i = 0; i < p->config->nvms; i++)
        if (strcmp(p->config->vms[i].name, name) == 0)
            p->vm = &p->config->vms[i];
    if (!p->vm)
        return config_fail(p, v->name, "no such VM");
    for (unsigned i = 0; i < CONFIG_OVERRIDES; i++) {
        const struct property_rule *rule = &config_vm_rules[i];
        if (strcmp(rule->name, v->name) != 0)
            continue;
        if (*v->name == 'm')
            p->vm->memory = p->vm->memory_percent = 0;
        if (v->name[1] == 'p')
            cores_to_cells(v, cells);
        return rule->read(p, v);
    }
    return config_fail(p, v->name, "not here; memory, cpus and console");
}

/* The line at `at` without blanks and comment, NULL if it is none; the next line's place in *at. */
static bool take_line(const char *text, size_t bytes, size_t *at, char line[MAX_LINE])
{
    size_t n = 0;
    bool comment = false, ok = true;

    for (; *at < bytes && text[*at] != '\n'; ++*at) {
        char c = text[*at];
        comment |= c == '#';
        if (comment || c == ' ' || c == '\t' || c == '\r')
            continue;
        ok &= (uint8_t)c > ' ' && n < MAX_LINE - 1;
        if (ok)
            line[n++] = c;
    }
    ++*at;
    line[n] = '\0';
    return ok;
}

bool config_override(const char *text, size_t bytes, struct config *c, struct refusal *why)
{
    struct parse p = {.config = c, .why = why};
    char line[MAX_LINE];
    /* Some editors put a byte order mark before text. */
    size_t at = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (unsigned number = 1; at < bytes; number++) {
        bool ok = take_line(text, bytes, &at, line);
        char *dot = strchr(line, '.'), *equals = strchr(line, '=');
        struct property_value v;

        if (ok && !line[0])
            continue;
        if (!ok || !dot || !equals || dot > equals) {
            refuse(why, "bulkhead.txt: line %u is not VM.PROPERTY=VALUE", number);
            return false;
        }
        *dot = *equals = '\0';
        v = (struct property_value){dot + 1, equals + 1, (uint32_t)strlen(equals + 1) + 1};
        if (!set(&p, line, &v))
            return false;
    }
    return config_check_shared(c, why);
}
