/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of arch/arm64. */
#ifndef ARM64_ARCH_INTERNAL_H
#define ARM64_ARCH_INTERNAL_H

#include <bulkhead/arch.h>

/* ---- Cores (smp.c) ---- */

/* What a core knows of itself; TPIDR_EL2 points at its own. The first fields are read by assembly.
 */
struct core {
    uint64_t stack_top;
    uint64_t emergency_top;
    uint64_t mpidr;      /* affinity bits */
    uint64_t faulted;    /* a fault at EL2 is being reported */
    uint64_t root;       /* PA of its own level-1 table */
    unsigned index;      /* in the board DT's /cpus */
    uint32_t up;         /* 1: runs C on its own stack and tables; atomic */
    uint8_t gic_mask;    /* its bit in GICD_ITARGETSRn and GICD_SGIR */
    struct vcpu *vcpu;   /* that runs here, if a guest does; with the next two, hot.S's */
    uint8_t *gicc, *lrs; /* GICC, and GICH_LR0 */
} __attribute__((aligned(128)));

/* The boot core has slot 0; a core's slot is not its index. */
extern struct core cores[MAX_CPUS];

static inline struct core *core_this(void)
{
    struct core *core;
    __asm__("mrs %0, tpidr_el2" : "=r"(core));
    return core;
}

struct core *core_by_index(unsigned index);
/* Does not return if another core called cpu_stop_others(). Any lock may be held. */
void cpu_stop_check(void);

/* Where the guest's registers are while this core is at EL2: the top of its stack. */
struct vcpu_regs *arch_stack_top_regs(void);
/* Enter the guest with these registers (anywhere in the image); EL2's stack is reset. */
noreturn void vcpu_eret(const struct vcpu_regs *regs);
/* Reset EL2's stack, then wait for interrupts and run events, for ever. */
noreturn void arch_idle(void);
/* Zero V0..V31, FPCR and FPSR. CPTR_EL2.TFP must be 0. */
void fp_reset(void);

/* Take and drop an SError that firmware or boot loader left pending. 1: there was one. */
unsigned serror_drain(void);

/* ---- Called from vectors.S and entry.S ---- */

noreturn void arch_boot(uint64_t dtb);
noreturn void arch_secondary(void);
noreturn void arch_idle_loop(void);
/* `iar`: what GICC_IAR said. */
void trap_irq(struct vcpu_regs *regs, uint32_t iar);

/* ---- Before the MMU is on: early.c, early_refuse.c. Code that runs at its physical address. ----
 */

/* What is known then; written with the MMU off. */
extern struct early {
    uint64_t image_pa;
    uint64_t root; /* PA of the boot tables */
} early;

/* PA of the boot tables, 0 if they don't fit. */
uint64_t early_tables(void);
noreturn void early_refuse(uint64_t dtb, unsigned reason);

/* ---- EL2's tables (mmu.c) ---- */

/* For a moment, a page of RAM outside the image, writable and cacheable: at most one. NULL: no
 * table page left. Boot core. */
void *map_foreign_page(paddr_t pa);
void unmap_foreign_page(void);
/* This core leaves the boot tables for its own. */
void mmu_use_own_tables(void);

/* ---- Physical GIC (gic.c) ---- */

bool gic_init(const struct machine *m, struct refusal *why);
/* This core's part: banked registers, CPU interface. */
void gic_init_core(void);
/* Acknowledge and handle what is pending on this core, a bounded number of interrupts. May not
 * return. */
void gic_handle(void);

/* INTIDs that EL2 itself uses (GICv2; the PPIs as the BCM2711's and Arm's BSA have them). */
enum {
    SGI_KICK = 0,
    SGI_VGIC = 1,
    PPI_MAINTENANCE = 25,
    PPI_EL2_TIMER = 26,
    PPI_VIRTUAL_TIMER = 27
};

/* gich.c */
void gich_init(void *base);
/* GICH_LR0. */
uint8_t *gich_lrs(void);

/* ---- Stage 2 (stage2.c) ---- */

uint64_t stage2_vtcr(void);                     /* value of VTCR_EL2 */
uint64_t stage2_vttbr(const struct stage2 *s2); /* value of VTTBR_EL2 */

#endif
