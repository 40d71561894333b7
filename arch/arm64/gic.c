/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board's GICv2 (IHI 0048B): distributor and CPU interfaces. EL2 takes every physical
 * interrupt.
 *
 * EL2 is in the non-secure world. On a GIC with security extensions bit 0 of the control registers
 * enables group 1, where the firmware put every interrupt; GICD_IGROUPRn can't be written there
 * (4.3.4). On one without, bit 0 enables group 0, and zeros in GICD_IGROUPRn put every interrupt
 * there. Doing both suits both.
 */
#include <bulkhead/account.h>
#include <bulkhead/cpu.h>
#include <bulkhead/hot.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/timer.h>
#include <bulkhead/vgic.h>
#include <bulkhead/vm.h>

#include "arch_internal.h"
#include "sysregs.h"

/* Distributor (IHI 0048B table 4-1). One bit, or one byte, for each interrupt. */
enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
};

/* CPU interface (table 4-2). */
enum {
    GICC_CTLR = 0x0000,
    GICC_PMR = 0x0004,
    GICC_BPR = 0x0008,
    GICC_IAR = 0x000c,
    GICC_EOIR = 0x0010,
    GICC_DIR = 0x1000,
};

enum {
    CTLR_ENABLE = 1 << 0,
    GICC_CTLR_BYPASS_OFF = 3 << 5, /* FIQBypDisGrp1, IRQBypDisGrp1 (table 4-31) */
    GICC_CTLR_EOIMODE = 1 << 9,    /* EOIR drops the priority, DIR deactivates (4.4.1) */
    PMR_ALL = 0xf0,                /* lets through every priority below the lowest */
    PRIORITY = 0xa0,               /* EL2 is not preempted */
    /* Work between a VM's cores, which may send for more of itself, comes after timers and card. */
    PRIORITY_SGI = PRIORITY + 0x10,
    FIRST_PPI = 16,
    FIRST_SPI = 32,
    SPECIAL = 1020,     /* 1020-1023: nothing to acknowledge (3.2.5) */
    MAX_INTERRUPTS = 4, /* handled in one go, after the first */
    MAX_INTIDS = 512,
    MAX_HANDLERS = 16,
};

static uint8_t *gicd, *gicc;
volatile uint32_t *hot_lrs, *hot_sgir;
uint32_t hot_sgi_words[MAX_CPUS];
static unsigned nintids;

struct handler {
    void (*run)(void *context);
    void *context;
};

static struct handler handlers[MAX_HANDLERS + 1]; /* 0: none */
static uint8_t handler_of[MAX_INTIDS];
static unsigned nhandlers;

static uint32_t dist_read(unsigned reg)
{
    return mmio_read32(gicd + reg);
}

static void dist_write(unsigned reg, uint32_t value)
{
    mmio_write32(gicd + reg, value);
}

/* Bytes may be written alone (4.3.11, 4.3.12), so cores that share a word need no lock. */
static void dist_write_byte(unsigned reg, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(gicd + reg) : "memory");
}

/* Registers of one bit an interrupt, where writing 0 changes nothing. */
static void set_bit(unsigned reg, unsigned intid)
{
    dist_write(reg + intid / 32 * 4, 1u << intid % 32);
}

static bool get_bit(unsigned reg, unsigned intid)
{
    return dist_read(reg + intid / 32 * 4) >> intid % 32 & 1;
}

/* ---- Initialisation ---- */

static void init_spis(void)
{
    for (unsigned i = FIRST_SPI; i < nintids; i += 32) {
        dist_write(GICD_IGROUPR + i / 8, 0);
        dist_write(GICD_ICENABLER + i / 8, UINT32_MAX);
        dist_write(GICD_ICPENDR + i / 8, UINT32_MAX);
        dist_write(GICD_ICACTIVER + i / 8, UINT32_MAX);
    }
    for (unsigned i = FIRST_SPI; i < nintids; i += 16)
        dist_write(GICD_ICFGR + i / 4, 0); /* level-sensitive, as every device of a BCM2711 is */
    for (unsigned i = FIRST_SPI; i < nintids; i += 4) {
        dist_write(GICD_IPRIORITYR + i, PRIORITY * 0x01010101u);
        dist_write(GICD_ITARGETSR + i, core_this()->gic_mask * 0x01010101u);
    }
}

/* A read of the banked ITARGETSR0..7 tells which interface this core is (4.3.12). */
static uint8_t own_mask(void)
{
    for (unsigned i = 0; i < FIRST_SPI; i += 4) {
        uint32_t word = dist_read(GICD_ITARGETSR + i);
        for (; word; word >>= 8)
            if (word & 0xff)
                return (uint8_t)word;
    }
    return 1; /* a GIC with one interface reads as zero */
}

/* Also called when a core starts with what firmware and boot loader left: everything off first. */
static void init_private(void)
{
    dist_write(GICD_IGROUPR, 0);
    dist_write(GICD_ICENABLER, UINT32_MAX);
    dist_write(GICD_ICPENDR, 0xffff0000u); /* SGIs have GICD_CPENDSGIRn */
    for (unsigned i = 0; i < 16; i += 4)
        dist_write(GICD_CPENDSGIR + i, UINT32_MAX);
    dist_write(GICD_ICACTIVER, UINT32_MAX);
    for (unsigned i = 0; i < FIRST_SPI; i += 4)
        dist_write(GICD_IPRIORITYR + i, (i < FIRST_PPI ? PRIORITY_SGI : PRIORITY) * 0x01010101u);
}

void gic_init_core(void)
{
    struct core *core = core_this();
    core->gic_mask = own_mask();
    core->gicc = gicc;
    core->lrs = gich_lrs();
    hot_sgi_words[core->index] = (uint32_t)core->gic_mask << 16 | SGI_VGIC;
    init_private();
    gich_write_hcr(0); /* its reset value, before its interrupt may come */
    mmio_write32(gicc + GICC_PMR, PMR_ALL);
    mmio_write32(gicc + GICC_BPR, 0);
    /* What the firmware says of the bypass around the GIC stays (2.3.1). */
    mmio_write32(gicc + GICC_CTLR, (mmio_read32(gicc + GICC_CTLR) & GICC_CTLR_BYPASS_OFF) |
                                       CTLR_ENABLE | GICC_CTLR_EOIMODE);
    irq_unmask(SGI_KICK);
    irq_unmask(SGI_VGIC);
    irq_unmask(PPI_EL2_TIMER);
    irq_unmask(PPI_MAINTENANCE);
}

bool gic_init(const struct machine *m, struct refusal *why)
{
    const struct device *gic = machine_device(m, DEV_GIC);
    void *gich;

    if (!gic || gic->nregs < 4) {
        refuse(why, "the device tree has no GICv2 with virtualization (GICD, GICC, GICH, GICV)");
        return false;
    }
    gicd = map_device(paddr(gic->reg[0].base), gic->reg[0].size);
    gicc = map_device(paddr(gic->reg[1].base), gic->reg[1].size);
    gich = map_device(paddr(gic->reg[2].base), gic->reg[2].size);
    if (!gicd || !gicc || !gich) {
        refuse(why, "the GIC's registers could not be mapped");
        return false;
    }
    dist_write(GICD_CTLR, 0);
    nintids = MIN((dist_read(GICD_TYPER) % 32 + 1) * 32, (unsigned)MAX_INTIDS); /* 4.3.2 */
    core_this()->gic_mask = own_mask();
    init_spis();
    dist_write(GICD_CTLR, CTLR_ENABLE);
    gich_init(gich);
    hot_lrs = (volatile uint32_t *)gich_lrs();
    hot_sgir = (volatile uint32_t *)(gicd + GICD_SGIR);
    gic_init_core();
    return true;
}

/* ---- What core/ and vgic/ ask ---- */

bool irq_attach(unsigned intid, void (*handler)(void *context), void *context)
{
    if (intid < 16 || intid >= nintids || nhandlers == MAX_HANDLERS)
        return false;
    handlers[++nhandlers] = (struct handler){handler, context};
    handler_of[intid] = (uint8_t)nhandlers;
    return true;
}

void irq_route(unsigned intid, unsigned cpu)
{
    dist_write_byte(GICD_ITARGETSR + intid, core_by_index(cpu)->gic_mask);
}

void irq_unmask(unsigned intid)
{
    set_bit(GICD_ISENABLER, intid);
}

void irq_mask(unsigned intid)
{
    set_bit(GICD_ICENABLER, intid);
}

void irq_set_pending(unsigned intid, bool pending)
{
    set_bit(pending ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

void irq_set_active(unsigned intid, bool active)
{
    set_bit(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

bool irq_is_pending(unsigned intid)
{
    return get_bit(GICD_ISPENDR, intid);
}

/* ISR_EL1.I; at EL2 it tells of physical interrupts (Arm ARM, ISR_EL1). */
bool irq_waits(void)
{
    return read_sysreg(isr_el1) & 1 << 7;
}

void cpu_kick(unsigned cpu)
{
    dsb(ishst); /* what was posted is seen before the kick (3.2.1 leaves that to software) */
    dist_write(GICD_SGIR, (uint32_t)core_by_index(cpu)->gic_mask << 16 | SGI_KICK);
}

/* ---- Interrupts ---- */

/* The virtual timer stays active: the guest's own end of interrupt deactivates it (list register
 * with HW=1). */
static void virtual_timer(uint32_t iar)
{
    struct vcpu *vcpu = vcpu_this();

    if (vcpu) {
        vgic_vtimer_fired(vcpu);
        return;
    }
    irq_mask(PPI_VIRTUAL_TIMER);
    mmio_write32(gicc + GICC_DIR, iar);
}

/* Deactivated first, as a handler may not return; it is taken again only if its line is still up
 * then. */
static void dispatch(unsigned intid, uint32_t iar)
{
    if (intid == PPI_VIRTUAL_TIMER) {
        virtual_timer(iar);
        return;
    }
    mmio_write32(gicc + GICC_DIR, iar);
    if (intid == SGI_KICK) {
        cpu_stop_check();
        dmb(ishld); /* the acknowledge came before what is read now */
        cpu_events_run();
    } else if (intid == SGI_VGIC) {
        dmb(ishld);
        if (vcpu_this())
            vgic_run_event(vcpu_this());
    } else if (intid == PPI_EL2_TIMER) {
        timer_interrupt();
    } else if (intid == PPI_MAINTENANCE) {
        if (vcpu_this())
            vgic_maintenance(vcpu_this());
    } else if (intid < MAX_INTIDS && handler_of[intid]) {
        const struct handler *h = &handlers[handler_of[intid]];
        h->run(h->context);
    } else {
        irq_mask(intid); /* nobody's: it must not come back for ever */
    }
}

/* `iar`: what GICC_IAR said. False: nothing else is to be done now. An SGI, which may send the
 * next, or a device's interrupt, which may move blocks, is the last of a stay. May not return. */
static bool handle(uint32_t iar)
{
    unsigned intid = iar & 0x3ff;

    if (intid >= SPECIAL)
        return false;
    mmio_write32(gicc + GICC_EOIR, iar);
    dispatch(intid, iar);
    return intid >= FIRST_PPI && intid < FIRST_SPI;
}

static bool handle_one(void)
{
    return handle(mmio_read32(gicc + GICC_IAR));
}

void gic_handle(void)
{
    for (unsigned i = 0; i < MAX_INTERRUPTS && handle_one(); i++)
        ;
}

void trap_irq(struct vcpu_regs *regs, uint32_t iar)
{
    struct vcpu *vcpu = vcpu_this();

    if (vcpu) {
        vcpu->regs = regs;
        vcpu->exits[EXIT_INTERRUPT]++;
    }
    if (handle(iar))
        gic_handle();
}

noreturn void arch_idle_loop(void)
{
    cpu_kick(cpu_this()); /* what was posted before this core heard kicks */
    for (;;) {
        account_leave();
        dsb(sy);
        wfi(); /* a pending interrupt ends it although PSTATE.I masks it (D1.16.2) */
        account_enter();
        handle_one();
    }
}
