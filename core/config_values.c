/* SPDX-License-Identifier: BSD-2-Clause */
/* The properties of vms.dtb, one function each: docs/configuration.md in code. */
#include "config_parse.h"

#include <bulkhead/log.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MIN_MEMORY_MIB = 32, MAX_SECONDS = 3600 };

bool config_fail(struct parse *p, const char *property, const char *format, ...)
{
    char text[sizeof(p->why->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    refuse(p->why, "%s: %s: %s", p->where, property, text);
    return false;
}

/* ---- Characters, in ASCII whatever the locale ---- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_ignoring_case(const char *a, const char *b)
{
    while (*a && to_lower(*a) == to_lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool config_is_name(const char *s)
{
    size_t n = strlen(s);
    if (!is_lower(s[0]) || n >= MAX_NAME)
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-')
            return false;
    return true;
}

/* Letters, digits and those in `more`. */
static bool consists_of(const char *s, const char *more)
{
    for (; *s; s++)
        if (!is_lower(to_lower(*s)) && !is_digit(*s) && !strchr(more, *s))
            return false;
    return true;
}

/* ---- Kinds of values ---- */

/* One string: not empty, printable, terminated, at most `room` bytes with its NUL. */
static const char *string_value(struct parse *p, const struct property_value *v, unsigned room)
{
    const char *s = v->data;
    const char *end = v->bytes ? memchr(s, '\0', v->bytes) : NULL;

    if (!end || end == s || end != s + v->bytes - 1) {
        config_fail(p, v->name, "must be one string in double quotes, not empty");
        return NULL;
    }
    if (v->bytes > room) {
        config_fail(p, v->name, "is %u characters long; at most %u are allowed", v->bytes - 1,
                    room - 1);
        return NULL;
    }
    for (const char *c = s; c < end; c++)
        if (*c < ' ' || *c > '~') {
            config_fail(p, v->name, "has a character that is not printable ASCII");
            return NULL;
        }
    return s;
}

/* What the build puts on the boot partition: no VM gets to see them (seed.bin is everybody's
 * secret). */
static bool is_reserved_file(const char *s)
{
    static const char *const reserved[] = {
        "bulkhead.img", "vms.dtb",    "seed.bin",   "boot.scr",     "config.txt",
        "u-boot.bin",   "start4.elf", "fixup4.dat", "bulkhead.txt",
    };
    for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++)
        if (same_ignoring_case(s, reserved[i])) /* FAT ignores case */
            return true;
    return false;
}

static bool read_file_name(struct parse *p, const struct property_value *v, const char **out)
{
    const char *s = string_value(p, v, MAX_NAME);
    if (!s)
        return false;
    if (!consists_of(s, "._+-") || s[0] == '.' || s[0] == '-')
        return config_fail(p, v->name,
                           "\"%s\" is not a file's name on the boot partition; allowed are "
                           "letters, digits and . _ + -",
                           s);
    if (is_reserved_file(s))
        return config_fail(p, v->name, "\"%s\" is a file of the hypervisor's own", s);
    *out = s;
    return true;
}

/* "384M", "1G", "40%". False: not such a text. */
static bool parse_amount(const char *s, uint64_t *number, char *unit)
{
    unsigned digits = 0;
    *number = 0;
    for (; is_digit(s[digits]) && digits < 7; digits++)
        *number = *number * 10 + (uint64_t)(s[digits] - '0');
    *unit = s[digits];
    return digits > 0 && *unit && strchr("MG%", *unit) && s[digits + 1] == '\0';
}

/* ---- Of a VM ---- */

static bool read_cpus(struct parse *p, const struct property_value *v)
{
    struct vm_config *vm = p->vm;
    unsigned count = v->bytes / 4;

    if (v->bytes % 4 != 0 || count == 0)
        return config_fail(p, v->name, "must be a list of cores in angle brackets, as <0 1>");
    if (count > MAX_CPUS)
        return config_fail(p, v->name, "lists %u cores; at most %d are allowed", count, MAX_CPUS);
    for (unsigned i = 0; i < count; i++) {
        uint32_t core = fdt32_ld((const fdt32_t *)v->data + i);
        if (core >= MAX_CPUS)
            return config_fail(p, v->name, "there is no core %u; allowed are 0 to %d", core,
                               MAX_CPUS - 1);
        for (unsigned k = 0; k < i; k++)
            if (vm->cpus[k] == core)
                return config_fail(p, v->name, "core %u is listed twice", core);
        vm->cpus[i] = (uint8_t)core;
    }
    vm->ncpus = count;
    return true;
}

static bool read_memory(struct parse *p, const struct property_value *v)
{
    const char *s = string_value(p, v, MAX_NAME);
    uint64_t number;
    char unit;

    if (!s)
        return false;
    if (!parse_amount(s, &number, &unit))
        return config_fail(p, v->name,
                           "\"%s\" is not an amount; allowed are MiB as \"384M\", GiB as \"1G\", "
                           "a share of the board's RAM as \"40%%\"",
                           s);
    if (unit == '%') {
        if (number < 1 || number > 100)
            return config_fail(p, v->name, "\"%s\": a share is from 1%% to 100%%", s);
        p->vm->memory_percent = (unsigned)number;
        return true;
    }
    p->vm->memory = unit == 'G' ? GIB(number) : MIB(number);
    if (p->vm->memory < MIB(MIN_MEMORY_MIB))
        return config_fail(p, v->name, "\"%s\" is too little; at least %dM are needed", s,
                           MIN_MEMORY_MIB);
    if (p->vm->memory % BLOCK_2M != 0)
        return config_fail(p, v->name, "\"%s\" is not a multiple of 2 MiB", s);
    return true;
}

static bool read_kernel(struct parse *p, const struct property_value *v)
{
    return read_file_name(p, v, &p->vm->kernel);
}

static bool read_initrd(struct parse *p, const struct property_value *v)
{
    return read_file_name(p, v, &p->vm->initrd);
}

static bool read_binary(struct parse *p, const struct property_value *v)
{
    return read_file_name(p, v, &p->vm->binary);
}

static bool read_bootargs(struct parse *p, const struct property_value *v)
{
    p->vm->bootargs = string_value(p, v, MAX_BOOTARGS);
    return p->vm->bootargs != NULL;
}

/* One of two words; *out: the second. */
static bool choose(struct parse *p, const struct property_value *v, const char *first,
                   const char *second, bool *out)
{
    const char *s = string_value(p, v, MAX_NAME);
    if (!s)
        return false;
    *out = strcmp(s, second) == 0;
    return *out || strcmp(s, first) == 0 ||
           config_fail(p, v->name, "\"%s\"; allowed are \"%s\" and \"%s\"", s, first, second);
}

static bool read_flag(struct parse *p, const struct property_value *v, bool *out)
{
    *out = true;
    return v->bytes == 0 || config_fail(p, v->name, "takes no value: it is there or it is not");
}

static bool read_boot(struct parse *p, const struct property_value *v)
{
    bool firmware = false;
    if (!choose(p, v, "kernel", "firmware", &firmware))
        return false;
    p->vm->environment = firmware ? CONFIG_ENVIRONMENT : NULL;
    return true;
}

static bool read_console(struct parse *p, const struct property_value *v)
{
    return choose(p, v, "shown", "hidden", &p->vm->console_hidden);
}

static bool read_on_crash(struct parse *p, const struct property_value *v)
{
    return choose(p, v, "restart", "stop", &p->vm->crash_stops);
}

static bool read_on_reset(struct parse *p, const struct property_value *v)
{
    return choose(p, v, "restart", "stop", &p->vm->reset_stops);
}

static bool read_no_autostart(struct parse *p, const struct property_value *v)
{
    return read_flag(p, v, &p->vm->no_autostart);
}

static bool read_sets_clock(struct parse *p, const struct property_value *v)
{
    return read_flag(p, v, &p->vm->sets_clock);
}

/* `count` numbers in angle brackets. */
static bool read_cells(struct parse *p, const struct property_value *v, unsigned *out,
                       unsigned count)
{
    if (v->bytes != 4 * count)
        return config_fail(p, v->name, "must be %u number(s) in angle brackets", count);
    for (unsigned i = 0; i < count; i++)
        out[i] = fdt32_ld((const fdt32_t *)v->data + i);
    return true;
}

static bool read_seconds(struct parse *p, const struct property_value *v, unsigned seconds,
                         unsigned *out)
{
    *out = seconds;
    return (seconds >= 1 && seconds <= MAX_SECONDS) ||
           config_fail(p, v->name, "%u seconds; allowed are 1 to %d", seconds, MAX_SECONDS);
}

static bool read_restart_limit(struct parse *p, const struct property_value *v)
{
    unsigned cells[2] = {0};
    if (!read_cells(p, v, cells, 2) || !read_seconds(p, v, cells[1], &p->vm->restart_seconds))
        return false;
    p->vm->restart_limit = cells[0];
    return cells[0] <= MAX_RESTARTS ||
           config_fail(p, v->name, "%u restarts; allowed are 1 to %d, and 0 for no limit", cells[0],
                       MAX_RESTARTS);
}

static bool read_stop_timeout(struct parse *p, const struct property_value *v)
{
    unsigned seconds = 0;
    return read_cells(p, v, &seconds, 1) && read_seconds(p, v, seconds, &p->vm->stop_seconds);
}

const struct property_rule config_vm_rules[] = {
    {"cpus", read_cpus}, /* the first CONFIG_OVERRIDES */
    {"memory", read_memory},
    {"console", read_console},
    {"boot", read_boot},
    {"kernel", read_kernel},
    {"initrd", read_initrd},
    {"bootargs", read_bootargs},
    {"binary", read_binary},
    {"on-crash", read_on_crash},
    {"on-reset", read_on_reset},
    {"restart-limit", read_restart_limit},
    {"stop-timeout", read_stop_timeout},
    {"no-autostart", read_no_autostart},
    {"sets-clock", read_sets_clock},
    {NULL, NULL},
};

/* ---- Of a disk ---- */

static bool read_partition(struct parse *p, const struct property_value *v)
{
    const char *s = string_value(p, v, MAX_LABEL);
    if (!s)
        return false;
    if (!consists_of(s, "._+- ") || s[0] == ' ')
        return config_fail(p, v->name,
                           "\"%s\" has a character that is not allowed: letters, digits, spaces "
                           "and . _ + - are",
                           s);
    if (same_ignoring_case(s, "bulkhead-boot"))
        return config_fail(p, v->name, "\"%s\" is the hypervisor's own boot partition", s);
    memcpy(p->disk->partition, s, v->bytes);
    return true;
}

static bool read_read_only(struct parse *p, const struct property_value *v)
{
    return read_flag(p, v, &p->disk->read_only);
}

static bool read_image(struct parse *p, const struct property_value *v)
{
    p->disk->image = string_value(p, v, 256);
    return p->disk->image != NULL;
}

static bool read_size(struct parse *p, const struct property_value *v)
{
    uint64_t number;
    char unit;
    const char *s = string_value(p, v, MAX_NAME);
    if (!s)
        return false;
    p->disk->size = s;
    if (!parse_amount(s, &number, &unit) || unit == '%' || number == 0)
        return config_fail(p, v->name,
                           "\"%s\" is not a size; allowed are MiB as \"1792M\", GiB as \"2G\"", s);
    return true;
}

const struct property_rule config_disk_rules[] = {
    {"partition", read_partition},
    {"read-only", read_read_only},
    {"image", read_image},
    {"size", read_size},
    {NULL, NULL},
};
