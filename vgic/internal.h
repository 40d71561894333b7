/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of vgic/.
 *
 *   distributor.c  the GICD registers: decode, sizes, tables
 *   state.c        reads and writes of enable, pending, active, priority, target, configuration
 *   sgi.c          software-generated interrupts
 *   shared.c       SPIs: which vCPU, telling its core, devices' lines
 *   lr.c           one interrupt against its list register
 *   refill.c       more interrupts than list registers; maintenance
 *   hardware.c     the virtual timer's physical interrupt
 *   hot.c          fast paths (hot.h)
 *   vgic.c         reset, start, stop, events
 *
 * "Own core": the core the vCPU is pinned to; only it may touch its list registers and its private
 * bank. "Locked": vgic->lock is held. An SPI's state may only be touched locked.
 */
#ifndef VGIC_INTERNAL_H
#define VGIC_INTERNAL_H

#include <bulkhead/arch.h>
#include <bulkhead/cpu.h>
#include <bulkhead/vm.h>

/* GICH_LRn (IHI 0048B 5.3.11). Bits 19:10 are the physical INTID if HW, else EOI and the SGI's CPU.
 */
#define LR_HW             (1u << 31)
#define LR_ACTIVE         (1u << 29)
#define LR_PENDING        (1u << 28)
#define LR_STATE          (LR_ACTIVE | LR_PENDING)
#define LR_PRIORITY_SHIFT 23 /* 5 bits: bits 7:3 of the distributor's priority byte */
#define LR_PRIORITY       (0x1fu << LR_PRIORITY_SHIFT)
#define LR_EOI            (1u << 19)
#define LR_SOURCE_SHIFT   10 /* CPUID with HW = 0, physical INTID with HW = 1 */
#define LR_SOURCE(lr)     ((lr) >> LR_SOURCE_SHIFT & 7)

/* As a byte of GICD_IPRIORITYR. */
static inline uint8_t lr_priority(uint32_t lr)
{
    return (uint8_t)(lr >> LR_PRIORITY_SHIFT << 3);
}

static inline uint32_t lr_with_priority(uint8_t priority)
{
    return (uint32_t)(priority >> 3) << LR_PRIORITY_SHIFT;
}

/* GICH_HCR (IHI 0048B 5.3.1). */
#define HCR_EN              (1u << 0)
#define HCR_UIE             (1u << 1) /* at most one LR is valid */
#define HCR_LRENPIE         (1u << 2) /* EOICount is not 0 */
#define HCR_NPIE            (1u << 3) /* no LR is pending */
#define HCR_EOI_COUNT_SHIFT 27

/* GICH_VMCR (IHI 0048B 5.3.3). */
#define VMCR_EOIMODE (1u << 9)

enum { SGI_BITS = 0xffff }; /* of word 0 of a bitmap */

static inline uint32_t bit_of(unsigned id)
{
    return 1u << id % 32;
}

static inline struct vgic_bank *bank_of(struct vcpu *v, unsigned id)
{
    return id < VGIC_PRIVATE ? &v->gic.bank : &v->vm->gic.bank[id / 32];
}

/* Those that some vCPU should have in a list register, if none has yet: active, or pending and
 * forwarded by the distributor (IHI 0048B 3.2.4). */
static inline uint32_t vgic_wanting(const struct vm *vm, const struct vgic_bank *b)
{
    uint32_t on = __atomic_load_n(&vm->gic.ctlr, __ATOMIC_RELAXED) & 1 ? UINT32_MAX : 0;
    return b->active | ((b->pending | (b->line & ~b->edge)) & b->enabled & on);
}

static inline uint8_t priority_of(const struct vcpu *v, unsigned id)
{
    return id < VGIC_PRIVATE ? v->gic.priority[id] : v->vm->gic.priority[id];
}

static inline bool is_hardware(unsigned id)
{
    return id == INTID_VTIMER;
}

static inline unsigned first_bit(uint32_t bits)
{
    return (unsigned)__builtin_ctz(bits);
}

/* GICD_TYPER: ITLinesNumber, CPUNumber (IHI 0048B 4.3.2). */
static inline uint32_t vgic_typer(const struct vm *vm)
{
    return (VGIC_WORDS - 1) | (vm->nvcpus - 1) << 5;
}

/* ---- lr.c; own core, locked for an SPI ---- */

/* Make the list registers agree with the state of INTIDs 32 * word ... If one needs a list register
 * and all are taken it waits: the caller ends with vgic_finish(). */
void vgic_update(struct vcpu *v, unsigned word, uint32_t bits);
static inline void vgic_update_one(struct vcpu *v, unsigned id)
{
    vgic_update(v, id / 32, bit_of(id));
}
/* Put an interrupt that needs a list register into LR i, which is free. */
void vgic_load(struct vcpu *v, unsigned id, unsigned i);
/* Fast path of an SPI's pulse: back into the LR that it was in last, which is empty, if there is
 * nothing else about it. False: nothing has changed. */
bool vgic_again(struct vcpu *v, unsigned id);
/* Take what is in LR i back into the bank. */
void vgic_unload(struct vcpu *v, unsigned i);
/* A list register nothing is in, or VGIC_NO_LR. */
unsigned vgic_free_lr(struct vcpu *v);
/* Of INTIDs 32 * word ... that are in no list register: which need one of this vCPU's? */
uint32_t vgic_need_lr(struct vcpu *v, unsigned word, uint32_t among);
/* Pending and active bits of INTIDs 32 * word ... in this vCPU's list registers. */
void vgic_lr_states(struct vcpu *v, unsigned word, uint32_t *pending, uint32_t *active);

/* ---- refill.c; own core ---- */

/* Give list registers to the most urgent waiting interrupts; settle EOIs. Locked. */
void vgic_settle(struct vcpu *v);
/* The same, if any waits. Not locked. Ends every change to the vCPU's interrupts. */
void vgic_finish(struct vcpu *v);

/* ---- shared.c; locked ---- */

/* The vCPU an SPI is delivered to, NULL if none. 1-of-N: the lowest-numbered target that is on. */
struct vcpu *vgic_route(struct vm *vm, unsigned id);
/* The state of SPIs changed: update those of this core's vCPU, have their owners' cores do the
 * others. */
void vgic_notify(struct vm *vm, unsigned word, uint32_t bits);
/* Have another vCPU's core run vgic_run_event(). */
void vgic_post(struct vcpu *v);
/* May word `word` of ISPENDR or ISACTIVER be answered now? If not, cores that hold SPIs of it have
 * been asked, and the guest reads again. `offset`: the register's, to tell questions apart. */
bool vgic_ask(struct vcpu *v, unsigned offset, unsigned word);
/* Own core: tell the askers. */
void vgic_answer(struct vcpu *v);

/* ---- vgic.c ---- */

/* Locked: have every running vCPU look at all its interrupts again; the caller's own core does so
 * with vgic_run_event() next. */
void vgic_review_all(struct vcpu *v);

/* ---- sgi.c; own core ---- */

/* Take what other cores sent into the bank, and deliver it. */
void vgic_sgi_receive(struct vcpu *v);
void vgic_sgir_write(struct vcpu *v, uint32_t value);
uint8_t vgic_sgi_pending(struct vcpu *v, unsigned id);
void vgic_sgi_set(struct vcpu *v, unsigned id, uint8_t sources);
void vgic_sgi_clear(struct vcpu *v, unsigned id, uint8_t sources);

/* ---- hardware.c; own core ---- */

/* Mask or unmask the physical interrupt as the guest's distributor would forward it. */
void vgic_hardware_follow(struct vcpu *v);
/* After a change to what vgic_cpu.timer_lr and .plain depend on: enable bits, GICD_CTLR, overflow,
 * the timer's LR and priority. */
void vgic_prepare(struct vcpu *v);
/* Physical interrupt: inactive, but still pending. */
void vgic_hardware_give_back(unsigned id);
/* Guest writes to ISPENDR, ICPENDR, ISACTIVER, ICACTIVER. */
void vgic_hardware_set_pending(struct vcpu *v, unsigned id);
void vgic_hardware_clear_pending(struct vcpu *v, unsigned id);
void vgic_hardware_set_active(struct vcpu *v, unsigned id);
void vgic_hardware_clear_active(struct vcpu *v, unsigned id);

/* ---- state.c; own core, not locked; the offset and size are checked ---- */

void gicd_read_enable(struct vcpu *v, struct mmio_access *a);
void gicd_set_enable(struct vcpu *v, struct mmio_access *a);
void gicd_clear_enable(struct vcpu *v, struct mmio_access *a);
void gicd_read_pending(struct vcpu *v, struct mmio_access *a);
void gicd_set_pending(struct vcpu *v, struct mmio_access *a);
void gicd_clear_pending(struct vcpu *v, struct mmio_access *a);
void gicd_read_active(struct vcpu *v, struct mmio_access *a);
void gicd_set_active(struct vcpu *v, struct mmio_access *a);
void gicd_clear_active(struct vcpu *v, struct mmio_access *a);
void gicd_read_priority(struct vcpu *v, struct mmio_access *a);
void gicd_write_priority(struct vcpu *v, struct mmio_access *a);
void gicd_read_targets(struct vcpu *v, struct mmio_access *a);
void gicd_write_targets(struct vcpu *v, struct mmio_access *a);
void gicd_read_config(struct vcpu *v, struct mmio_access *a);
void gicd_write_config(struct vcpu *v, struct mmio_access *a);

#endif
