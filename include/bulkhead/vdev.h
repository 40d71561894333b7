/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated devices of a VM other than virtio (vdev/). */
#ifndef BULKHEAD_VDEV_H
#define BULKHEAD_VDEV_H

#include <bulkhead/lock.h>
#include <bulkhead/mmio.h>
#include <bulkhead/timer.h>
#include <bulkhead/types.h>

struct vm;

enum {
    GUEST_FLASH_BASE = 0x04000000, /* where QEMU's virt has the second bank of its flash */
    GUEST_FLASH_SIZE = 0x40000,    /* of which U-Boot's qemu_arm64 takes this for its environment */
    GUEST_PL011_BASE = 0x09000000,
    GUEST_PL011_SPI = 1,
    GUEST_PL031_BASE = 0x09010000,
    GUEST_PL061_BASE = 0x09030000,
    GUEST_PL061_SPI = 7,
    GUEST_POWER_KEY = 3, /* which of its lines */
    GUEST_GWDT_BASE = 0x09060000,
    GUEST_GWDT_SPI = 8,
};

/* PrimeCell UART PL011 r1p5 (DDI 0183G). Fields are vdev/'s own; under `lock` but where it says
 * atomic. */
struct pl011 {
    struct lock lock;
    struct vm *vm;
    uint8_t rx[32];            /* FIFO depth 32 with FEN, 1 without (DDI 0183G 2.4.2 r1p5) */
    uint8_t rx_head, rx_count; /* rx_count: atomic, read by FR without the lock */
    bool rx_refused;           /* the console holds input back until console_vm_input_room() */
    uint8_t tx[32];            /* what the console had no room for */
    uint8_t tx_head, tx_count; /* tx_count: atomic, as rx_count */
    uint8_t life;              /* resets: a core outside the lock sees that one came */
    bool tx_busy;              /* a core hands bytes to the console, without the lock */
    bool tx_room;              /* meanwhile the console announced room */
    uint8_t tx_tries;          /* of that core, in this go */
    bool line;                 /* interrupt line as last told to the vGIC */
    uint32_t ris, imsc, lcr_h, cr, ibrd, fbrd, ifls, dmacr, ilpr, rsr;
};

/* Power-on state; at set-up and at every restart. No lock held. */
void pl011_reset(struct pl011 *uart, struct vm *vm);
bool pl011_access(struct vcpu *vcpu, void *device, struct mmio_access *access);
/* A typed byte. False: FIFO full, offer again after console_vm_input_room(). A core of that VM. */
bool pl011_receive(struct pl011 *uart, uint8_t byte);
/* There is room again after a console_vm_put() that said there was none: send on what waits in the
 * FIFO. A core of that VM, even from inside console_vm_put(); no lock inner to the UART's held. */
void pl011_transmit_room(struct pl011 *uart);

/* PrimeCell RTC PL031 (DDI 0224B). Set the wall clock that all VMs share: seconds since 1970 (until
 * 2106). Any core, no lock. */
void pl031_set(uint32_t seconds);
bool pl031_access(struct vcpu *vcpu, void *device, struct mmio_access *access);

/* PrimeCell GPIO PL061 (DDI 0190B). Fields under `lock`. */
struct pl061 {
    struct lock lock;
    struct vm *vm;
    struct timer release; /* on the VM's first core: the key goes up */
    uint8_t in, out;      /* what the lines are driven to, from outside and by the guest */
    uint8_t edges;        /* seen and not cleared */
    uint8_t dir, is, ibe, iev, ie, afsel;
    bool line; /* interrupt line as last told to the vGIC */
};

/* Power-on state; at set-up and at every start. The VM's first core, no lock held. */
void pl061_reset(struct pl061 *gpio, struct vm *vm);
bool pl061_access(struct vcpu *vcpu, void *device, struct mmio_access *access);
/* The power key goes down, and up again half a second later. The VM's first core, no lock held. */
void pl061_press_power(struct pl061 *gpio);

/* Generic Watchdog (DEN 0029B, appendix A), its frames one after the other. Fields under `lock`. */
enum { SBSA_GWDT_FRAME = 0x1000 };

struct sbsa_gwdt {
    struct lock lock;
    struct vm *vm;
    struct timer timer; /* on the VM's first core */
    uint64_t alarm;     /* when it runs out, UINT64_MAX: not armed */
    uint64_t compare;   /* WCV: virtual count */
    uint32_t offset;    /* WOR: ticks */
    bool enabled, ws0;
};

/* As pl061_reset(). */
void sbsa_gwdt_reset(struct sbsa_gwdt *watchdog, struct vm *vm);
bool sbsa_gwdt_access(struct vcpu *vcpu, void *device, struct mmio_access *access);
/* EVENT_WATCHDOG, and the VM goes on after a pause. The VM's first core, no lock held. */
void sbsa_gwdt_run_event(struct sbsa_gwdt *watchdog);

#endif
