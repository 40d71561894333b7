/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/, vgic/, virtio/, vdev/ and drivers/ ask of an architecture.
 * Implemented by arch/arm64 on the board and by tests/fake on the host.
 * Unless said otherwise: any core may call, any lock may be held, no call blocks.
 */
#ifndef BULKHEAD_ARCH_H
#define BULKHEAD_ARCH_H

#include <bulkhead/types.h>
#include <stdnoreturn.h>

struct machine;
struct partition;
struct vcpu;
struct vm;

/* ---- Boot. core/main.c has the order on one screen: boot_main() reads the board DT, then calls
 * arch_init_boot_core(), later arch_finish_tables(), then arch_start_secondaries(); each once. ----
 */

/* core/main.c: the boot core arrives here on its own stack, EL2 MMU and caches on, bss zeroed,
 * interrupts masked; map_device() and map_file() work, cpu_this() says 0, time works, interrupts
 * and locks' owners do too after arch_init_boot_core(). `dtb`: what the boot loader left in x0,
 * unchecked. */
noreturn void boot_main(paddr_t dtb);
/* core/main.c: every other core arrives here, on its own stack and its own tables, its GIC
 * interface and EL2 timer ready, interrupts masked. Ends in vcpu_park(). */
noreturn void secondary_main(void);
/* Before there is a console, while only the boot core runs: say why on the UART that the mapped
 * tree `dtb` names, if it names one, and halt. */
noreturn void arch_refuse(const void *dtb, const char *text);
/* The machine memory of the hypervisor itself: image, bss, stacks, page tables; 2 MiB-aligned. Keep
 * it. */
struct range arch_image(void);
/* Number this core by /cpus, bring up the GIC (DEV_GIC: reg[0..3] = GICD, GICC, GICH, GICV) and
 * this core's part of it. False: no such core or GIC in `m`. */
bool arch_init_boot_core(const struct machine *m, struct refusal *why);
/* Build every core's own tables and move this core to its own. ram[i] is the memory of core i's VM,
 * NULL if it has none; cores of one VM pass the same pointer. After this map_device() and
 * map_file() only answer for what was mapped before. False: table pool exhausted. */
bool arch_finish_tables(const struct partition *const ram[MAX_CPUS], struct refusal *why);
/* Start every other core whose node is enabled, by the DT's enable-method ("spin-table" only), and
 * wait, at most 10 seconds for each, until it is about to call secondary_main(). False: which core,
 * why. */
bool arch_start_secondaries(const struct machine *m, struct refusal *why);
/* Page-table pages (EL2's and stage 2's share one pool): in use, and in all. */
void arch_table_use(unsigned *used, unsigned *total);
/* CRC-32, begun with `crc`, of one of those in use; about 2,100 instructions. */
uint32_t arch_table_hash(uint32_t crc, unsigned page);

/* ---- Cores. Physical cores are numbered 0..cpu_count()-1 in the board DT's /cpus order. ---- */

unsigned cpu_this(void);
unsigned cpu_count(void);
/* Hint inside a spin loop. */
void cpu_relax(void);
/* Send the kick SGI to a core: it leaves its guest or its sleep and runs cpu_events_run()
 * (core/cpu.h). */
void cpu_kick(unsigned cpu);
/* This core stops for good: prints nothing, masks everything, sleeps. Last resort. */
noreturn void cpu_halt(void);
/* Every other core does so at its next interrupt or wait for a lock; waits 10 ms for them at most.
 * Of cores that call it at the same time the first goes on, the others stop. May be called again.
 */
void cpu_stop_others(void);

/* ---- Time: the system counter (CNTPCT_EL0, 54 MHz on the board). ---- */

uint64_t time_now(void); /* ticks */
uint64_t time_hz(void);  /* ticks per second */
/* Raise this core's EL2 timer interrupt at `deadline` (ticks); UINT64_MAX: never. core/timer.c
 * only. */
void time_alarm(uint64_t deadline);

/* ---- Caches, to the point of coherency, by EL2 virtual address; any alignment. ---- */

/* Before a non-coherent reader (DMA out, a guest with its MMU off): write dirty lines back. */
void cache_clean(const void *start, size_t bytes);
/* After a non-coherent writer (DMA in): drop lines. Partial lines at the edges are cleaned too. */
void cache_invalidate(void *start, size_t bytes);
/* Both: pages handed to a guest that starts with its caches off. */
void cache_clean_invalidate(void *start, size_t bytes);
/* Zero, clean and invalidate: whole lines, `start` and `bytes` multiples of PAGE_SIZE. */
void cache_zero(void *start, size_t bytes);
/* After instructions were written, when caches are clean: IC IALLU, DSB, ISB. This core's only: a
 * vCPU's core does it when the vCPU starts, and a guest that starts and stops one all the time
 * costs no other VM's core anything. */
void icache_invalidate(void);

/* ---- EL2's address space (arch/arm64/mmu.c). ---- */

/* Map device registers, on every core, Device-nGnRE. Boot core, before secondaries start. `pa`
 * needs no alignment. NULL: too many devices (a bug of ours: the boot stops with a message). */
void *map_device(paddr_t pa, size_t bytes);
/* Where boot files and the board DT are seen, read-only, on every core. */
const void *map_file(paddr_t pa, size_t bytes);
/* Base of the window that shows this core's own VM's RAM, IPA-contiguous. Same VA on every core. */
void *ram_window(void);
/* Machine address of an object inside the hypervisor's image (DMA buffers, page tables). */
paddr_t image_paddr(const void *object);

/* ---- Device registers. `reg` points into a map_device() window. ---- */

uint32_t mmio_read32(const void *reg);
void mmio_write32(void *reg, uint32_t value);
/* DMB/DSB between normal memory and a device: before starting, and after finishing, a transfer. */
void dma_barrier(void);

/* ---- Physical interrupts (GICv2 INTIDs). ---- */

/* Attach a handler (runs at EL2 on the routed core, no lock held); leaves the interrupt masked.
 * Boot core only. False: table full or INTID out of range. */
bool irq_attach(unsigned intid, void (*handler)(void *context), void *context);
void irq_route(unsigned intid, unsigned cpu); /* SPIs only */
void irq_unmask(unsigned intid);              /* PPIs: on this core */
void irq_mask(unsigned intid);
/* State of a private interrupt on this core, for the vGIC's hardware-linked ones. */
void irq_set_pending(unsigned intid, bool pending);
void irq_set_active(unsigned intid, bool active);
bool irq_is_pending(unsigned intid);
/* An interrupt waits for this core to look. Any core, in work that goes on for long. */
bool irq_waits(void);

/* ---- The virtual interface control block of this core (GIC-400: GICH). ---- */

unsigned gich_lr_count(void);
uint32_t gich_read_lr(unsigned i);
void gich_write_lr(unsigned i, uint32_t value);
uint64_t gich_read_elrsr(void); /* bit i: LR i is empty */
uint64_t gich_read_eisr(void);  /* bit i: LR i signalled EOI maintenance */
uint32_t gich_read_hcr(void);
void gich_write_hcr(uint32_t value);
uint32_t gich_read_vmcr(void);
void gich_write_vmcr(uint32_t value);
void gich_write_apr(uint32_t value);

/* ---- Stage 2 (arch/arm64/stage2.c; plain C, host-testable). ---- */

/* STAGE2_ROM: memory that the guest can only read, and not execute. */
enum stage2_kind { STAGE2_RAM, STAGE2_DEVICE, STAGE2_ROM };

struct stage2 {
    uint64_t *root; /* one 4 KiB level-1 table: 39-bit IPA */
    uint16_t vmid;
};

/* An empty address space with a fresh root table. False: table pool exhausted. Boot core. */
bool stage2_init(struct stage2 *s2, uint16_t vmid);
/* Map [ipa, ipa+bytes) to [pa, ...), page-aligned, largest blocks that fit. Refuses overlap with an
 * existing mapping and addresses beyond 2^39. False: refused or pool exhausted. Boot core. */
bool stage2_map(struct stage2 *s2, ipaddr_t ipa, paddr_t pa, uint64_t bytes, enum stage2_kind kind);
/* Walk in software. False: not mapped. */
bool stage2_translate(const struct stage2 *s2, ipaddr_t ipa, paddr_t *out);
/* Call `visit` for each mapped leaf in IPA order. */
void stage2_visit(const struct stage2 *s2,
                  void (*visit)(void *context, ipaddr_t ipa, paddr_t pa, uint64_t bytes,
                                enum stage2_kind kind),
                  void *context);

/* ---- vCPUs (arch/arm64/vcpu.c). A vCPU owns its core: EL1 state lives in the hardware. ---- */

/* General registers of a guest at its last exit, and where it continues. */
struct vcpu_regs {
    uint64_t x[31];
    uint64_t pc;     /* ELR_EL2 */
    uint64_t pstate; /* SPSR_EL2 */
};

/* Put this core's EL1 and GICH state to reset, load VTTBR/HCR/CNTVOFF of the vCPU's VM, and enter
 * at `entry` with x0 = `context`, EL1h, MMU off, DAIF masked. Caller: the vCPU's own core; no lock
 * held. */
noreturn void vcpu_enter(struct vcpu *vcpu, ipaddr_t entry, uint64_t context);
/* Leave the current exit for ever: reset EL2's stack and wait for events in the idle loop. No lock
 * held. */
noreturn void vcpu_park(void);
/* The vCPU stands still until vcpu_thaw(): keep its state in the core, stop its virtual timer, wait
 * for events in the idle loop. Own core, in an exit; no lock held. */
noreturn void vcpu_freeze(struct vcpu *vcpu);
/* Go on from there, with CNTVOFF of the vCPU's VM as it is now. Own core, in the idle loop. */
noreturn void vcpu_thaw(struct vcpu *vcpu);
/* The vCPU ends: its timers are off, their lines low. Own core. */
void vcpu_timers_off(struct vcpu *vcpu);
/* Inject an exception into the vCPU whose exit is being handled (own core only). */
void vcpu_inject_undefined(struct vcpu *vcpu);
void vcpu_inject_data_abort(struct vcpu *vcpu, uint64_t far, bool fetch);
/* EL1's state as the hardware has it, and EL2's syndrome of the present exit. Words only: a report
 * prints them by number (core/report_print.c has the names). */
struct vcpu_state {
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1, esr_el1, far_el1, vbar_el1, sctlr_el1, tcr_el1,
        ttbr0_el1, ttbr1_el1, tpidr_el1, esr_el2, far_el2, hpfar_el2;
};
/* Own core, while its vCPU's state is still there. */
void vcpu_state_read(struct vcpu_state *out);

/* A syndrome (ESR_ELx) in words: its class; whether that is an abort; then which. */
const char *esr_class_name(uint64_t esr);
bool esr_is_abort(uint64_t esr);
const char *esr_fault_name(uint64_t esr);

/* A few bits of unpredictable counter jitter (CNTPCT sampled around cache misses); not a source
 * alone. */
uint64_t entropy_jitter(void);

#endif
