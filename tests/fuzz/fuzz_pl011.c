// sources: vdev/pl011.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated UART, with a console that takes bytes or not and calls back as it may: FIFOs stay
 * inside their arrays, the interrupt line is told when it changes, and one access ends. */
#include "fuzz.h"

#include <bulkhead/console.h>
#include <bulkhead/vm.h>

enum { MAX_OPERATIONS = 512, MAX_PUTS = 256 };

static struct vm vm;
static struct input in;
static bool line;
static unsigned puts_in_one, depth;

void lock_wait(const struct lock *l, uint16_t ticket)
{
    (void)l;
    (void)ticket;
    REQUIRE(!"a lock is taken twice");
}

void vgic_set_level(struct vm *v, unsigned intid, bool level)
{
    REQUIRE(v == &vm && intid == VGIC_PRIVATE + GUEST_PL011_SPI && level != line);
    line = level;
}

static void access(struct input *from)
{
    static const uint16_t offsets[] = {0x00, 0x04, 0x18, 0x24, 0x28, 0x2c,  0x30,  0x34,
                                       0x38, 0x3c, 0x40, 0x44, 0x48, 0xfe0, 0xffc, 0x80};
    unsigned how = (unsigned)take(from, 1);
    struct mmio_access a = {.size = (uint8_t)(how & 8 ? 1u << (how & 3) : 4), .write = how & 4};
    a.offset = how & 0x80 ? (uint32_t)take(from, 2) % PAGE_SIZE : offsets[how >> 4 & 7];
    if (how & 0x40)
        a.offset = offsets[8 + (how >> 4 & 3) + (how & 4)];
    a.value = a.write ? take(from, 2) : 0;
    if (a.offset + a.size <= PAGE_SIZE)
        pl011_access(&vm.vcpus[0], &vm.uart, &a);
}

/* Any of what the console may do from inside, and another core of the guest meanwhile. */
bool console_vm_put(struct vm *v, uint8_t byte)
{
    unsigned how = (unsigned)take(&in, 1);
    (void)byte;
    REQUIRE(v == &vm && ++puts_in_one <= MAX_PUTS);
    if (depth == 0) {
        depth++;
        if (how & 2)
            pl011_transmit_room(&vm.uart);
        if (how & 4)
            access(&in);
        depth--;
    }
    return how & 1;
}

void console_vm_input_room(struct vm *v)
{
    REQUIRE(v == &vm);
    if (depth == 0 && take(&in, 1) & 1) {
        depth++;
        pl011_receive(&vm.uart, 'c');
        depth--;
    }
}

static void check(void)
{
    const struct pl011 *u = &vm.uart;
    REQUIRE(u->rx_count <= sizeof(u->rx) && u->rx_head < sizeof(u->rx));
    REQUIRE(u->tx_count <= sizeof(u->tx) && u->tx_head < sizeof(u->tx));
    REQUIRE(!u->tx_busy && u->lock.next == u->lock.owner);
    REQUIRE(line == ((u->ris & u->imsc) != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    in = (struct input){data, bytes};
    memset(&vm, 0, sizeof(vm));
    line = false;
    depth = 0;
    pl011_reset(&vm.uart, &vm);
    for (unsigned i = 0; i < MAX_OPERATIONS && in.left; i++) {
        unsigned what = (unsigned)take(&in, 1);
        puts_in_one = 0;
        if (what < 200)
            access(&in);
        else if (what < 240)
            pl011_receive(&vm.uart, (uint8_t)what);
        else
            pl011_transmit_room(&vm.uart);
        check();
    }
    return 0;
}
