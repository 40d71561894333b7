/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's machine in words: first what is the same for every VM, as tables; below what depends
 * on the VM. Written front to back with libfdt's sequential functions, names not shared: looking
 * for each name among the others costs more than the rest.
 */
#include <bulkhead/guest_dt.h>

#include <bulkhead/entropy.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

enum {
    PL011_SIZE = 0x1000,
    PL061_SIZE = 0x1000,
    PHANDLE_GIC = 1,
    PHANDLE_CLOCK = 2,
    PHANDLE_GPIO = 3,
    KEY_POWER = 116, /* Linux input-event-codes.h */
    /* Interrupt cells (Linux' binding arm,gic.yaml) */
    SPI = 0,
    PPI = 1,
    EDGE_RISING = 1,
    LEVEL_HIGH = 4,
    RAMOOPS_RECORD = 0x4000,
    RNG_SEED_BYTES = 64,
    KASLR_SEED_BYTES = 8,
};

/* ---- Tables ---- */

/* A property: a string (or several, each with its NUL), cells, or nothing. */
struct property {
    const char *name;
    const void *value;
    uint16_t bytes;
    bool cells;
};

#define STRING(n, s)                                  \
    {                                                 \
        .name = (n), .value = (s), .bytes = sizeof(s) \
    }
#define CELLS(n, ...)                                                         \
    {                                                                         \
        .name = (n), .value = (const uint32_t[]){__VA_ARGS__}, .cells = true, \
        .bytes = sizeof((const uint32_t[]){__VA_ARGS__})                      \
    }
#define EMPTY(n)                 \
    {                            \
        .name = (n), .value = "" \
    }
#define END          \
    {                \
        .name = NULL \
    }

struct node {
    const char *name;
    const struct property *properties;
};

static const struct property root[] = {
    CELLS("interrupt-parent", PHANDLE_GIC),
    CELLS("#address-cells", 2),
    CELLS("#size-cells", 2),
    STRING("model", "Bulkhead virtual machine"),
    STRING("compatible", "linux,dummy-virt"),
    EMPTY("dma-coherent"),
    END,
};

static const struct property aliases[] = {STRING("serial0", "/pl011@9000000"), END};

static const struct property psci[] = {
    STRING("compatible", "arm,psci-1.0\0arm,psci-0.2"),
    STRING("method", "hvc"),
    END,
};

static const struct property gic[] = {
    STRING("compatible", "arm,cortex-a15-gic"),
    CELLS("#interrupt-cells", 3),
    CELLS("#address-cells", 0),
    EMPTY("interrupt-controller"),
    CELLS("reg", 0, GUEST_GICD_BASE, 0, PAGE_SIZE, 0, GUEST_GICC_BASE, 0, GUEST_GICC_SIZE),
    CELLS("phandle", PHANDLE_GIC),
    END,
};

static const struct property clock[] = {
    STRING("compatible", "fixed-clock"), CELLS("#clock-cells", 0),
    CELLS("clock-frequency", 24000000),  STRING("clock-output-names", "clk24mhz"),
    CELLS("phandle", PHANDLE_CLOCK),     END,
};

static const struct property pl011[] = {
    STRING("compatible", "arm,pl011\0arm,primecell"),
    CELLS("reg", 0, GUEST_PL011_BASE, 0, PL011_SIZE),
    CELLS("interrupts", SPI, GUEST_PL011_SPI, LEVEL_HIGH),
    CELLS("clocks", PHANDLE_CLOCK, PHANDLE_CLOCK),
    STRING("clock-names", "uartclk\0apb_pclk"),
    END,
};

static const struct property pl061[] = {
    STRING("compatible", "arm,pl061\0arm,primecell"),
    CELLS("reg", 0, GUEST_PL061_BASE, 0, PL061_SIZE),
    CELLS("interrupts", SPI, GUEST_PL061_SPI, LEVEL_HIGH),
    CELLS("clocks", PHANDLE_CLOCK),
    STRING("clock-names", "apb_pclk"),
    EMPTY("gpio-controller"),
    CELLS("#gpio-cells", 2),
    CELLS("phandle", PHANDLE_GPIO),
    END,
};

/* Without interrupts: it has no alarm. */
static const struct property pl031[] = {
    STRING("compatible", "arm,pl031\0arm,primecell"),
    CELLS("reg", 0, GUEST_PL031_BASE, 0, PAGE_SIZE),
    CELLS("clocks", PHANDLE_CLOCK),
    STRING("clock-names", "apb_pclk"),
    END,
};

static const struct property keys[] = {STRING("compatible", "gpio-keys"), END};

static const struct property power_key[] = {
    STRING("label", "power key"),
    CELLS("gpios", PHANDLE_GPIO, GUEST_POWER_KEY, 0),
    CELLS("linux,code", KEY_POWER),
    END,
};

/* Control frame, refresh frame (Linux' binding arm,sbsa-gwdt.yaml). */
static const struct property watchdog[] = {
    STRING("compatible", "arm,sbsa-gwdt"),
    CELLS("reg", 0, GUEST_GWDT_BASE, 0, SBSA_GWDT_FRAME, 0, GUEST_GWDT_BASE + SBSA_GWDT_FRAME, 0,
          SBSA_GWDT_FRAME),
    CELLS("interrupts", SPI, GUEST_GWDT_SPI, LEVEL_HIGH),
    END,
};

static const struct node fixed_nodes[] = {
    {"aliases", aliases},     {"psci", psci},
    {"intc@8000000", gic},    {"apb-pclk", clock},
    {"pl011@9000000", pl011}, {"pl031@9010000", pl031},
    {"pl061@9030000", pl061}, {"watchdog@9060000", watchdog},
};

/* ---- Writing. Errors add up in `error`; after the first one libfdt refuses the rest anyway. ----
 */

struct tree {
    void *fdt;
    int error;
};

static void note(struct tree *t, int result)
{
    if (result < 0 && t->error == 0)
        t->error = result;
}

static void begin(struct tree *t, const char *name)
{
    note(t, fdt_begin_node(t->fdt, name));
}

static void end(struct tree *t)
{
    note(t, fdt_end_node(t->fdt));
}

static void put_bytes(struct tree *t, const char *name, const void *data, size_t bytes)
{
    note(t, fdt_property(t->fdt, name, data, (int)bytes));
}

static void put_string(struct tree *t, const char *name, const char *text)
{
    put_bytes(t, name, text, strlen(text) + 1);
}

static void put_cells(struct tree *t, const char *name, const uint32_t *cells, unsigned count)
{
    void *to;
    int result = fdt_property_placeholder(t->fdt, name, (int)(4 * count), &to);
    note(t, result);
    for (unsigned i = 0; result == 0 && i < count; i++)
        fdt32_st((uint8_t *)to + (size_t)4 * i, cells[i]);
}

static void put_properties(struct tree *t, const struct property *p)
{
    for (; p->name; p++) {
        if (p->cells)
            put_cells(t, p->name, p->value, p->bytes / 4);
        else
            put_bytes(t, p->name, p->value, p->bytes);
    }
}

static uint32_t high(uint64_t v)
{
    return (uint32_t)(v >> 32);
}

static uint32_t low(uint64_t v)
{
    return (uint32_t)v;
}

/* ---- What depends on the VM ---- */

static void put_memory(struct tree *t, const struct vm *vm)
{
    uint64_t bytes = vm->memory.bytes;
    /* U-Boot moves itself to the end of RAM whatever is reserved there. */
    if (vm->config->environment)
        bytes -= GUEST_KEPT_BYTES;
    begin(t, "memory@40000000");
    put_string(t, "device_type", "memory");
    put_cells(t, "reg", (const uint32_t[]){0, GUEST_RAM_BASE, high(bytes), low(bytes)}, 4);
    end(t);
}

static void put_cpus(struct tree *t, const struct vm *vm)
{
    char name[16];
    begin(t, "cpus");
    put_cells(t, "#address-cells", (const uint32_t[]){1}, 1);
    put_cells(t, "#size-cells", (const uint32_t[]){0}, 1);
    for (unsigned i = 0; i < vm->nvcpus; i++) {
        snprintf(name, sizeof(name), "cpu@%x", i);
        begin(t, name);
        put_string(t, "device_type", "cpu");
        put_string(t, "compatible", "arm,cortex-a72");
        put_cells(t, "reg", (const uint32_t[]){i}, 1);
        put_string(t, "enable-method", "psci");
        end(t);
    }
    end(t);
}

/* Secure, non-secure, virtual and hypervisor timer (arm,arch_timer.yaml); the flags' bits 8 and up
 * are the mask of cores. Of the four, this machine has the second and third. */
static void put_timer(struct tree *t, const struct vm *vm)
{
    uint32_t flags = ((1u << vm->nvcpus) - 1) << 8 | LEVEL_HIGH;
    const uint32_t cells[] = {
        PPI,   13,  flags, PPI,  INTID_PTIMER - 16, flags, PPI, INTID_VTIMER - 16,
        flags, PPI, 10,    flags};
    begin(t, "timer");
    put_string(t, "compatible", "arm,armv8-timer");
    put_cells(t, "interrupts", cells, ARRAY_SIZE(cells));
    put_bytes(t, "always-on", "", 0);
    end(t);
}

static void put_disks(struct tree *t, const struct vm *vm)
{
    char name[32];
    for (unsigned i = 0; i < vm->config->ndisks; i++) {
        uint32_t base = GUEST_VIRTIO_BASE + i * GUEST_VIRTIO_STRIDE;
        snprintf(name, sizeof(name), "virtio_mmio@%x", (unsigned)base);
        begin(t, name);
        put_string(t, "compatible", "virtio,mmio");
        put_cells(t, "reg", (const uint32_t[]){0, base, 0, GUEST_VIRTIO_STRIDE}, 4);
        put_cells(t, "interrupts", (const uint32_t[]){SPI, GUEST_VIRTIO_SPI + i, EDGE_RISING}, 3);
        put_bytes(t, "dma-coherent", "", 0);
        end(t);
    }
}

static void put_power_key(struct tree *t)
{
    begin(t, "gpio-keys");
    put_properties(t, keys);
    begin(t, "power");
    put_properties(t, power_key);
    end(t);
    end(t);
}

static void put_address(struct tree *t, const char *name, uint64_t address)
{
    put_cells(t, name, (const uint32_t[]){high(address), low(address)}, 2);
}

/* Where a kernel writes its last words (Linux' binding ramoops.yaml): the part of its RAM that
 * outlives a restart of the VM. */
static void put_ramoops(struct tree *t, const struct vm *vm)
{
    uint64_t base = GUEST_RAM_BASE + vm->memory.bytes - GUEST_KEPT_BYTES;
    char name[32];

    snprintf(name, sizeof(name), "ramoops@%llx", (unsigned long long)base);
    begin(t, "reserved-memory");
    put_cells(t, "#address-cells", (const uint32_t[]){2}, 1);
    put_cells(t, "#size-cells", (const uint32_t[]){2}, 1);
    put_bytes(t, "ranges", "", 0);
    begin(t, name);
    put_string(t, "compatible", "ramoops");
    put_cells(t, "reg", (const uint32_t[]){high(base), low(base), 0, GUEST_KEPT_BYTES}, 4);
    put_cells(t, "record-size", (const uint32_t[]){RAMOOPS_RECORD}, 1);
    put_cells(t, "console-size", (const uint32_t[]){RAMOOPS_RECORD}, 1);
    end(t);
    end(t);
}

static void put_chosen(struct tree *t, const struct vm *vm, struct range initrd)
{
    uint8_t seed[RNG_SEED_BYTES + KASLR_SEED_BYTES];

    begin(t, "chosen");
    put_string(t, "stdout-path", "/pl011@9000000");
    if (vm->config->bootargs)
        put_string(t, "bootargs", vm->config->bootargs);
    if (initrd.size) {
        put_address(t, "linux,initrd-start", initrd.base);
        put_address(t, "linux,initrd-end", initrd.base + initrd.size);
    }
    entropy_guest_seed(vm->config->name, vm->starts, seed, sizeof(seed));
    put_bytes(t, "rng-seed", seed, RNG_SEED_BYTES);
    put_bytes(t, "kaslr-seed", seed + RNG_SEED_BYTES, KASLR_SEED_BYTES);
    memset(seed, 0, sizeof(seed));
    end(t);
}

size_t guest_dt_write(const struct vm *vm, struct range initrd, void *out, size_t room)
{
    struct tree t = {.fdt = out};

    if (fdt_create_with_flags(out, (int)MIN(room, (size_t)GUEST_DT_MAX),
                              FDT_CREATE_FLAG_NO_NAME_DEDUP) < 0)
        return 0;
    note(&t, fdt_finish_reservemap(out));
    begin(&t, "");
    put_properties(&t, root);
    put_chosen(&t, vm, initrd);
    put_memory(&t, vm);
    put_ramoops(&t, vm);
    put_cpus(&t, vm);
    put_timer(&t, vm);
    for (unsigned i = 0; i < ARRAY_SIZE(fixed_nodes); i++) {
        begin(&t, fixed_nodes[i].name);
        put_properties(&t, fixed_nodes[i].properties);
        end(&t);
    }
    put_power_key(&t);
    put_disks(&t, vm);
    end(&t);
    note(&t, fdt_finish(out));
    return t.error ? 0 : fdt_totalsize(out);
}
