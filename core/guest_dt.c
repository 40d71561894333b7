/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's machine in words: first what is the same for every VM, as tables; below what depends
 * on the VM.
 */
#include <bulkhead/guest_dt.h>

#include <bulkhead/entropy.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <stdio.h>
#include <string.h>

#include "dtb_write.h"

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

/* ---- Writing ---- */

static void put_bytes(struct dtb_writer *w, const char *name, const void *data, size_t bytes)
{
    void *to = dtb_write_property(w, name, (uint32_t)bytes);
    if (to)
        memcpy(to, data, bytes);
}

static void put_string(struct dtb_writer *w, const char *name, const char *text)
{
    put_bytes(w, name, text, strlen(text) + 1);
}

static void put_cells(struct dtb_writer *w, const char *name, const uint32_t *cells, unsigned count)
{
    uint32_t *to = dtb_write_property(w, name, 4 * count);
    for (unsigned i = 0; to && i < count; i++)
        to[i] = __builtin_bswap32(cells[i]); /* big-endian: 5.1 */
}

static void put_properties(struct dtb_writer *w, const struct property *p)
{
    for (; p->name; p++) {
        if (p->cells)
            put_cells(w, p->name, p->value, p->bytes / 4);
        else
            put_bytes(w, p->name, p->value, p->bytes);
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

static void put_memory(struct dtb_writer *w, const struct vm *vm)
{
    uint64_t bytes = vm->memory.bytes;
    /* U-Boot moves itself to the end of RAM whatever is reserved there. */
    if (vm->config->environment)
        bytes -= GUEST_KEPT_BYTES;
    dtb_write_node(w, "memory@40000000");
    put_string(w, "device_type", "memory");
    put_cells(w, "reg", (const uint32_t[]){0, GUEST_RAM_BASE, high(bytes), low(bytes)}, 4);
    dtb_write_node_end(w);
}

static void put_cpus(struct dtb_writer *w, const struct vm *vm)
{
    char name[16];
    dtb_write_node(w, "cpus");
    put_cells(w, "#address-cells", (const uint32_t[]){1}, 1);
    put_cells(w, "#size-cells", (const uint32_t[]){0}, 1);
    for (unsigned i = 0; i < vm->nvcpus; i++) {
        snprintf(name, sizeof(name), "cpu@%x", i);
        dtb_write_node(w, name);
        put_string(w, "device_type", "cpu");
        put_string(w, "compatible", "arm,cortex-a72");
        put_cells(w, "reg", (const uint32_t[]){i}, 1);
        put_string(w, "enable-method", "psci");
        dtb_write_node_end(w);
    }
    dtb_write_node_end(w);
}

/* Secure, non-secure, virtual and hypervisor timer (arm,arch_timer.yaml); the flags' bits 8 and up
 * are the mask of cores. Of the four, this machine has the second and third. */
static void put_timer(struct dtb_writer *w, const struct vm *vm)
{
    uint32_t flags = ((1u << vm->nvcpus) - 1) << 8 | LEVEL_HIGH;
    const uint32_t cells[] = {
        PPI,   13,  flags, PPI,  INTID_PTIMER - 16, flags, PPI, INTID_VTIMER - 16,
        flags, PPI, 10,    flags};
    dtb_write_node(w, "timer");
    put_string(w, "compatible", "arm,armv8-timer");
    put_cells(w, "interrupts", cells, ARRAY_SIZE(cells));
    put_bytes(w, "always-on", "", 0);
    dtb_write_node_end(w);
}

static void put_disks(struct dtb_writer *w, const struct vm *vm)
{
    char name[32];
    for (unsigned i = 0; i < vm->config->ndisks; i++) {
        uint32_t base = GUEST_VIRTIO_BASE + i * GUEST_VIRTIO_STRIDE;
        snprintf(name, sizeof(name), "virtio_mmio@%x", (unsigned)base);
        dtb_write_node(w, name);
        put_string(w, "compatible", "virtio,mmio");
        put_cells(w, "reg", (const uint32_t[]){0, base, 0, GUEST_VIRTIO_STRIDE}, 4);
        put_cells(w, "interrupts", (const uint32_t[]){SPI, GUEST_VIRTIO_SPI + i, EDGE_RISING}, 3);
        put_bytes(w, "dma-coherent", "", 0);
        dtb_write_node_end(w);
    }
}

static void put_power_key(struct dtb_writer *w)
{
    dtb_write_node(w, "gpio-keys");
    put_properties(w, keys);
    dtb_write_node(w, "power");
    put_properties(w, power_key);
    dtb_write_node_end(w);
    dtb_write_node_end(w);
}

static void put_address(struct dtb_writer *w, const char *name, uint64_t address)
{
    put_cells(w, name, (const uint32_t[]){high(address), low(address)}, 2);
}

/* Where a kernel writes its last words (Linux' binding ramoops.yaml): the part of its RAM that
 * outlives a restart of the VM. */
static void put_ramoops(struct dtb_writer *w, const struct vm *vm)
{
    uint64_t base = GUEST_RAM_BASE + vm->memory.bytes - GUEST_KEPT_BYTES;
    char name[32];

    snprintf(name, sizeof(name), "ramoops@%llx", (unsigned long long)base);
    dtb_write_node(w, "reserved-memory");
    put_cells(w, "#address-cells", (const uint32_t[]){2}, 1);
    put_cells(w, "#size-cells", (const uint32_t[]){2}, 1);
    put_bytes(w, "ranges", "", 0);
    dtb_write_node(w, name);
    put_string(w, "compatible", "ramoops");
    put_cells(w, "reg", (const uint32_t[]){high(base), low(base), 0, GUEST_KEPT_BYTES}, 4);
    put_cells(w, "record-size", (const uint32_t[]){RAMOOPS_RECORD}, 1);
    put_cells(w, "console-size", (const uint32_t[]){RAMOOPS_RECORD}, 1);
    dtb_write_node_end(w);
    dtb_write_node_end(w);
}

static void put_chosen(struct dtb_writer *w, const struct vm *vm, struct range initrd)
{
    uint8_t seed[RNG_SEED_BYTES + KASLR_SEED_BYTES];

    dtb_write_node(w, "chosen");
    put_string(w, "stdout-path", "/pl011@9000000");
    if (vm->config->bootargs)
        put_string(w, "bootargs", vm->config->bootargs);
    if (initrd.size) {
        put_address(w, "linux,initrd-start", initrd.base);
        put_address(w, "linux,initrd-end", initrd.base + initrd.size);
    }
    entropy_guest_seed(vm->config->name, vm->starts, seed, sizeof(seed));
    put_bytes(w, "rng-seed", seed, RNG_SEED_BYTES);
    put_bytes(w, "kaslr-seed", seed + RNG_SEED_BYTES, KASLR_SEED_BYTES);
    memset(seed, 0, sizeof(seed));
    dtb_write_node_end(w);
}

size_t guest_dt_write(const struct vm *vm, struct range initrd, void *out, size_t room)
{
    struct dtb_writer writer, *w = &writer;

    dtb_write_begin(w, out, (uint32_t)MIN(room, (size_t)GUEST_DT_MAX));
    dtb_write_node(w, "");
    put_properties(w, root);
    put_chosen(w, vm, initrd);
    put_memory(w, vm);
    put_ramoops(w, vm);
    put_cpus(w, vm);
    put_timer(w, vm);
    for (unsigned i = 0; i < ARRAY_SIZE(fixed_nodes); i++) {
        dtb_write_node(w, fixed_nodes[i].name);
        put_properties(w, fixed_nodes[i].properties);
        dtb_write_node_end(w);
    }
    put_power_key(w);
    put_disks(w, vm);
    dtb_write_node_end(w);
    return dtb_write_end(w);
}
