/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Last words of a core that can't start: entered at the wrong exception level, not the core we
 * know, or with a tree that can't be used. The MMU may be off: this runs at either address and its
 * stack is all it may write (see early.c); so it finds the UART that the board's device tree names
 * by itself, and leaves its settings as firmware made them.
 */
#include <bulkhead/arch.h>
#include <libfdt.h>

#include "arch_internal.h"
#include "layout.h"
#include "sysregs.h"

/* How a byte is sent: a status register with a bit to wait for, and a data register. */
struct early_uart {
    uint64_t base;
    uint32_t data, status;
    uint32_t bit;
    bool ready_when; /* the bit's value when there is room */
};

enum { WAIT_LIMIT = 1000000, MAX_DEPTH = 8 };

static uint64_t cells(const fdt32_t *p, int n)
{
    uint64_t value = 0;

    for (int i = 0; i < n; i++)
        value = value << 32 | fdt32_to_cpu(p[i]);
    return value;
}

/* `address` on the bus of `bus` to that of its parent, by `ranges` (Devicetree 0.3, 2.3.8). */
static bool translate(const void *fdt, int bus, int parent, uint64_t *address)
{
    int bytes, na = fdt_address_cells(fdt, bus), ns = fdt_size_cells(fdt, bus);
    int up = fdt_address_cells(fdt, parent);
    const fdt32_t *r = fdt_getprop(fdt, bus, "ranges", &bytes);

    if (!r || na < 1 || ns < 0 || up < 1)
        return false;
    if (bytes == 0)
        return true;
    for (; bytes >= (na + up + ns) * 4; bytes -= (na + up + ns) * 4, r += na + up + ns) {
        uint64_t from = cells(r, na), to = cells(r + na, up), size = cells(r + na + up, ns);
        if (*address >= from && *address - from < size) {
            *address = *address - from + to;
            return true;
        }
    }
    return false;
}

static bool node_address(const void *fdt, int node, uint64_t *address)
{
    int bytes, bus = fdt_parent_offset(fdt, node);
    const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &bytes);
    int na = bus < 0 ? -1 : fdt_address_cells(fdt, bus);

    if (!reg || na < 1 || bytes < na * 4)
        return false;
    *address = cells(reg, na);
    for (int depth = 0; bus > 0 && depth < MAX_DEPTH; depth++) {
        int parent = fdt_parent_offset(fdt, bus);
        if (parent < 0 || !translate(fdt, bus, parent, address))
            return false;
        bus = parent;
    }
    return bus == 0;
}

/* /chosen's stdout-path: a path or an alias, then perhaps ':' and options. */
static int stdout_node(const void *fdt)
{
    int bytes, length = 0;
    const char *path = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "stdout-path", &bytes);

    if (!path)
        return -1;
    while (length < bytes && path[length] && path[length] != ':')
        length++;
    return fdt_path_offset_namelen(fdt, path, length);
}

static bool find_uart(const void *fdt, struct early_uart *uart)
{
    int node;

    if ((uint64_t)fdt % 8 || fdt_check_header(fdt) != 0)
        return false;
    node = stdout_node(fdt);
    if (node < 0 || !node_address(fdt, node, &uart->base))
        return false;
    if (fdt_node_check_compatible(fdt, node, "brcm,bcm2835-aux-uart") == 0) {
        /* BCM2711 ARM Peripherals 2.2.2: AUX_MU_IO, AUX_MU_LSR bit 5 "transmitter empty" (room for
         * a byte) */
        uart->data = 0x00, uart->status = 0x14, uart->bit = 5, uart->ready_when = true;
        return true;
    }
    if (fdt_node_check_compatible(fdt, node, "arm,pl011") == 0) {
        /* DDI 0183G 3.3: UARTDR, UARTFR bit 5 TXFF */
        uart->data = 0x00, uart->status = 0x18, uart->bit = 5, uart->ready_when = false;
        return true;
    }
    return false;
}

static void put(const struct early_uart *uart, char c)
{
    for (unsigned i = 0; i < WAIT_LIMIT; i++)
        if ((mmio_read32((void *)(uart->base + uart->status)) >> uart->bit & 1) == uart->ready_when)
            break;
    mmio_write32((void *)(uart->base + uart->data), (uint8_t)c);
}

static void say(const struct early_uart *uart, const char *text)
{
    while (*text)
        put(uart, *text++);
}

static void say_hex(const struct early_uart *uart, uint32_t value)
{
    say(uart, "0x");
    for (int shift = 28; shift >= 0; shift -= 4)
        put(uart, (char)((value >> shift & 15) + ((value >> shift & 15) < 10 ? '0' : 'a' - 10)));
}

static const char begins[] = "\r\n[bulkhead] cannot start: ", ends[] = "\r\n[bulkhead] stopped\r\n";

noreturn void arch_refuse(const void *dtb, const char *text)
{
    struct early_uart uart;

    if (find_uart(dtb, &uart)) {
        uart.base = (uint64_t)map_device(paddr(uart.base), uart.status + sizeof(uint32_t));
        say(&uart, begins);
        say(&uart, text);
        say(&uart, ends);
    }
    cpu_halt();
}

noreturn void early_refuse(uint64_t dtb, unsigned reason)
{
    struct early_uart uart;

    if (find_uart((const void *)dtb, &uart)) {
        say(&uart, begins);
        if (reason == REFUSE_LEVEL) {
            say(&uart, "entered at exception level EL");
            put(&uart, (char)('0' + (read_sysreg(CurrentEL) >> 2 & 3)));
            say(&uart, ", needs EL2: a firmware or boot loader that hands over there");
        } else if (reason == REFUSE_CORE) {
            say(&uart, "this core's MIDR_EL1 is ");
            say_hex(&uart, (uint32_t)read_sysreg(midr_el1));
            say(&uart, ", the only core known is the Cortex-A72 (0x410fd08x)");
        } else {
            say(&uart, "no room for the first page tables");
        }
        say(&uart, ends);
    }
    cpu_halt();
}
