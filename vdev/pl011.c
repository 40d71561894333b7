/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's console: a PrimeCell UART PL011 r1p5 (Arm DDI 0183G). Transmitted bytes go to the
 * console at once, so the transmit FIFO is empty, or full for as long as the console has no room.
 * Baud rates do not matter.
 */
#include <bulkhead/console.h>
#include <bulkhead/vdev.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>
#include <string.h>

#include "pl011_regs.h"

enum {
    LCR_H_FEN = 1 << 4, /* 3.3.7 */
    CR_LBE = 1 << 7,    /* 3.3.8 */
    CR_TXE = 1 << 8,
    CR_RXE = 1 << 9,
    RSR_OE = 1 << 3, /* 3.3.2 */
    INT_RX = 1 << 4, /* 3.3.10 to 3.3.13 */
    INT_TX = 1 << 5,
    INT_RT = 1 << 6,
    INT_OE = 1 << 10,
    INT_ALL = 0x7ff,
    IFLS_RESET = 0x12, /* 3.3.9 */
    DR_OE = 1 << 11,   /* 3.3.1 */
    FIFO_DEPTH = 32,
    TX_JOIN_MAX = 64, /* a core that hands bytes on takes no more than these ... */
    TX_TRIES_MAX = TX_JOIN_MAX + FIFO_DEPTH, /* ... and what then waits */
    INTID = VGIC_PRIVATE + GUEST_PL011_SPI,
};

/* Identification: 3.3.15 (part 0x011, designer 0x41, revision 3 = r1p5) and 3.3.16. */
static const uint8_t ids[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/* 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO; the rest is reserved (3.3.9). */
static const uint8_t fifo_levels[8] = {4, 8, 16, 24, 28, 28, 28, 28};

static unsigned depth(const struct pl011 *u)
{
    return u->lcr_h & LCR_H_FEN ? FIFO_DEPTH : 1;
}

/* Received bytes that raise UARTRXINTR: 2.8.1 and 3.3.9. */
static unsigned rx_trigger(const struct pl011 *u)
{
    return u->lcr_h & LCR_H_FEN ? fifo_levels[(u->ifls >> 3) & 7] : 1;
}

/* Bytes left to transmit at which UARTTXINTR rises: 2.8.2 and 3.3.9. */
static unsigned tx_trigger(const struct pl011 *u)
{
    return u->lcr_h & LCR_H_FEN ? fifo_levels[u->ifls & 7] : 0;
}

static void set_count(uint8_t *count, unsigned value)
{
    __atomic_store_n(count, (uint8_t)value, __ATOMIC_RELAXED);
}

/* Tell the vGIC when the combined interrupt (2.8.6) changes. Lock held. */
static void update_line(struct pl011 *u)
{
    bool line = u->ris & u->imsc;
    if (line == u->line)
        return;
    u->line = line;
    vgic_set_level(u->vm, INTID, line);
}

void pl011_reset(struct pl011 *u, struct vm *vm)
{
    bool refused;
    lock_take(&u->lock);
    u->life++;
    refused = u->rx_refused;
    u->vm = vm;
    u->rx_head = u->tx_head = 0;
    set_count(&u->rx_count, 0);
    set_count(&u->tx_count, 0);
    u->rx_refused = u->tx_busy = u->line = false;
    u->ris = u->imsc = u->lcr_h = u->ibrd = u->fbrd = u->dmacr = u->ilpr = u->rsr = 0;
    u->cr = CR_TXE | CR_RXE; /* 3.3.8 */
    u->ifls = IFLS_RESET;
    lock_release(&u->lock);
    if (refused)
        console_vm_input_room(vm);
}

/* A byte arrives at the receive FIFO. Lock held. */
static void rx_push(struct pl011 *u, uint8_t byte)
{
    u->rx[(u->rx_head + u->rx_count) % FIFO_DEPTH] = byte;
    set_count(&u->rx_count, u->rx_count + 1u);
    if (u->rx_count >= rx_trigger(u))
        u->ris |= INT_RX;
    else
        u->ris |= INT_RT; /* 2.8.3; the 32 bit times of silence are over at once */
    update_line(u);
}

bool pl011_receive(struct pl011 *u, uint8_t byte)
{
    bool taken;
    lock_take(&u->lock);
    taken = u->rx_count < depth(u) && !(u->cr & CR_LBE);
    if (taken)
        rx_push(u, byte);
    else
        u->rx_refused = true;
    lock_release(&u->lock);
    return taken;
}

/* Hand the FIFO's bytes to the console. Lock held, but not while the console is called: it may call
 * pl011_transmit_room(). One core does it; bytes that others write meanwhile join, up to a limit.
 */
static void tx_pump(struct pl011 *u)
{
    bool sent = false;
    uint8_t life = u->life;
    if (u->tx_busy)
        return;
    u->tx_busy = true;
    u->tx_tries = 0;
    while (u->tx_count && u->tx_tries < TX_TRIES_MAX) {
        uint8_t byte = u->tx[u->tx_head];
        bool taken;
        u->tx_room = false;
        u->tx_tries++;
        lock_release(&u->lock);
        taken = console_vm_put(u->vm, byte);
        lock_take(&u->lock);
        if (u->life != life) /* reset meanwhile: nothing here is ours */
            return;
        if (!taken && !u->tx_room)
            break;
        if (!taken)
            continue;
        u->tx_head = (uint8_t)((u->tx_head + 1) % FIFO_DEPTH);
        set_count(&u->tx_count, u->tx_count - 1u);
        sent = true;
    }
    u->tx_busy = false;
    /* 2.8.2: the interrupt is for falling to the trigger level, not for being there. */
    if (u->tx_count > tx_trigger(u))
        u->ris &= ~(uint32_t)INT_TX;
    else if (sent)
        u->ris |= INT_TX;
    update_line(u);
}

void pl011_transmit_room(struct pl011 *u)
{
    lock_take(&u->lock);
    u->tx_room = true;
    tx_pump(u);
    lock_release(&u->lock);
}

/* 3.3.8 LBE: what is sent is received. Lock held. */
static void loop_back(struct pl011 *u, uint8_t byte)
{
    if (u->rx_count < depth(u)) {
        rx_push(u, byte);
    } else { /* 2.8.4: the FIFO keeps what it has */
        u->rsr |= RSR_OE;
        u->ris |= INT_OE;
    }
    u->ris |= INT_TX;
    update_line(u);
}

/* The UART sends whatever UARTEN and TXE say, since firmware and early consoles write before they
 * set anything up. A byte written in spite of TXFF is lost; without FEN some more than one fit,
 * unseen. */
static void write_data(struct pl011 *u, uint8_t byte)
{
    lock_take(&u->lock);
    if (u->cr & CR_LBE) {
        loop_back(u, byte);
    } else if (u->tx_count < FIFO_DEPTH && !(u->tx_busy && u->tx_tries >= TX_JOIN_MAX)) {
        u->tx[(u->tx_head + u->tx_count) % FIFO_DEPTH] = byte;
        set_count(&u->tx_count, u->tx_count + 1u);
        tx_pump(u);
    }
    lock_release(&u->lock);
}

/* True if there is room again for input that was held back. Lock held; the caller tells the console
 * without. */
static bool room_again(struct pl011 *u)
{
    bool tell = u->rx_refused && u->rx_count < depth(u) && !(u->cr & CR_LBE);
    if (tell)
        u->rx_refused = false;
    return tell;
}

static uint32_t read_data(struct pl011 *u)
{
    uint32_t value = 0;
    bool tell;
    lock_take(&u->lock);
    if (u->rx_count) {
        value = u->rx[u->rx_head] | (u->rsr & RSR_OE ? DR_OE : 0);
        u->rsr = 0;
        u->rx_head = (uint8_t)((u->rx_head + 1) % FIFO_DEPTH);
        set_count(&u->rx_count, u->rx_count - 1u);
        if (u->rx_count < rx_trigger(u))
            u->ris &= ~(uint32_t)INT_RX;
        if (u->rx_count == 0)
            u->ris &= ~(uint32_t)INT_RT;
        else if (!(u->ris & INT_RX))
            u->ris |= INT_RT; /* what is left is below the level, and silence is over at once */
        update_line(u);
    }
    tell = room_again(u);
    lock_release(&u->lock);
    if (tell)
        console_vm_input_room(u->vm);
    return value;
}

/* Polled for every byte by simple drivers: no lock. */
static uint32_t read_flags(const struct pl011 *u)
{
    unsigned rx = __atomic_load_n(&u->rx_count, __ATOMIC_RELAXED);
    unsigned tx = __atomic_load_n(&u->tx_count, __ATOMIC_RELAXED);
    uint32_t flags = FR_MODEM;
    flags |= tx == 0 ? FR_TXFE : FR_BUSY;
    flags |= rx == 0 ? FR_RXFE : 0;
    flags |= tx >= depth(u) ? FR_TXFF : 0;
    flags |= rx >= depth(u) ? FR_RXFF : 0;
    return flags;
}

static uint32_t read_register(const struct pl011 *u, uint32_t offset)
{
    if (offset >= PERIPH_ID0)
        return ids[(offset - PERIPH_ID0) / 4];
    switch (offset) {
    case RSR:
        return u->rsr;
    case ILPR:
        return u->ilpr;
    case IBRD:
        return u->ibrd;
    case FBRD:
        return u->fbrd;
    case LCR_H:
        return u->lcr_h;
    case CR:
        return u->cr;
    case IFLS:
        return u->ifls;
    case IMSC:
        return u->imsc;
    case RIS:
        return u->ris;
    case MIS:
        return u->ris & u->imsc;
    case DMACR:
        return u->dmacr;
    default:
        return 0; /* reserved, and the test registers of chapter 4 */
    }
}

static void write_register(struct pl011 *u, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case RSR:
        u->rsr = 0; /* ECR: any value clears */
        break;
    case ILPR:
        u->ilpr = value & 0xff;
        break;
    case IBRD:
        u->ibrd = value & 0xffff;
        break;
    case FBRD:
        u->fbrd = value & 0x3f;
        break;
    case LCR_H: /* bytes in the FIFO stay, whatever becomes of FEN */
        u->lcr_h = value & 0xff;
        break;
    case CR:
        u->cr = value & 0xff87; /* bits 6:3 are reserved */
        break;
    case IFLS:
        u->ifls = value & 0x3f;
        break;
    case IMSC:
        u->imsc = value & INT_ALL;
        break;
    case ICR:
        u->ris &= ~value;
        break;
    case DMACR: /* there is no DMA controller to ask */
        u->dmacr = value & 7;
        break;
    default:
        break;
    }
}

static void write_locked(struct pl011 *u, uint32_t offset, uint32_t value)
{
    bool tell;
    lock_take(&u->lock);
    write_register(u, offset, value);
    update_line(u);
    tell = room_again(u); /* a deeper FIFO, an end of loopback */
    lock_release(&u->lock);
    if (tell)
        console_vm_input_room(u->vm);
}

static uint32_t read_locked(struct pl011 *u, uint32_t offset)
{
    uint32_t value;
    lock_take(&u->lock);
    value = read_register(u, offset);
    lock_release(&u->lock);
    return value;
}

bool pl011_access(struct vcpu *vcpu, void *device, struct mmio_access *a)
{
    struct pl011 *u = device;
    uint32_t offset = a->offset & ~3u, lane = a->offset & 3;
    (void)vcpu;

    /* Drivers use bytes, halfwords and words (all registers have at most 16 bits). */
    if (a->size > 4 || (a->offset & (a->size - 1u)))
        return false;
    if (a->write) {
        if (lane != 0)
            return true; /* the upper bytes of a register: nothing there */
        if (offset == DR)
            write_data(u, (uint8_t)a->value);
        else
            write_locked(u, offset, (uint32_t)a->value);
    } else {
        uint32_t value = offset == FR   ? read_flags(u)
                         : offset == DR ? lane == 0 ? read_data(u) : 0
                                        : read_locked(u, offset);
        a->value = value >> 8 * lane;
    }
    return true;
}
