/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that misbehaves in every way its authors could think of. One program, many cases: each is
 * named in the table below and run by typing its name at the prompt. A case either returns its
 * verdict, or ends (or hangs) this VM, as its row says; then the VM is restarted for the next.
 */
#ifndef GUESTS_ATTACK_H
#define GUESTS_ATTACK_H

#include "../lib/lib.h"

/* All in one program: no table of addresses, which somebody would have to relocate. */
#pragma GCC visibility push(hidden)

/* What is to be seen from outside when a case is run. */
enum end {
    ENDS_OK,    /* it comes back to the prompt with its verdict */
    ENDS_HANG,  /* its cores never come back: somebody restarts the VM */
    ENDS_RESET, /* the VM asks for a restart */
    ENDS_CRASH, /* the hypervisor ends it, with a report, and starts it again */
    ENDS_BITE,  /* the same, by its watchdog */
    ENDS_OFF,   /* the VM turns itself off */
};

/* name, function, how it ends */
#define CASES(X)                                         \
    X("holes-sizes", memory_holes, ENDS_OK)              \
    X("holes-unaligned", memory_unaligned, ENDS_OK)      \
    X("holes-exclusive", memory_exclusive, ENDS_OK)      \
    X("holes-writeback", memory_writeback, ENDS_OK)      \
    X("holes-fetch", memory_fetch, ENDS_OK)              \
    X("holes-walk", memory_walk, ENDS_OK)                \
    X("holes-el0", memory_el0, ENDS_OK)                  \
    X("ram-end", memory_ram_end, ENDS_OK)                \
    X("device-fuzz", memory_device_fuzz, ENDS_OK)        \
    X("psci-ids", calls_psci, ENDS_OK)                   \
    X("smccc-ids", calls_ranges, ENDS_OK)                \
    X("smccc-random", calls_random, ENDS_OK)             \
    X("hvc-immediates", calls_immediates, ENDS_OK)       \
    X("cpu-on-hostile", calls_cpu_on, ENDS_OK)           \
    X("cpu-on-storm", calls_cpu_storm, ENDS_OK)          \
    X("sysreg-read-el1", sysregs_read_el1, ENDS_OK)      \
    X("sysreg-write-el1", sysregs_write_el1, ENDS_OK)    \
    X("sysreg-read-el0", sysregs_read_el0, ENDS_OK)      \
    X("sysreg-write-el0", sysregs_write_el0, ENDS_OK)    \
    X("sys-instructions", sysregs_sys, ENDS_OK)          \
    X("aarch32-el0", cpu_aarch32, ENDS_OK)               \
    X("aarch32-cp15", sysregs_aarch32, ENDS_OK)          \
    X("aarch32-el1", cpu_illegal_return, ENDS_OK)        \
    X("undefined-random", cpu_random, ENDS_OK)           \
    X("debug-registers", cpu_debug, ENDS_OK)             \
    X("single-step", cpu_single_step, ENDS_OK)           \
    X("breakpoints", cpu_breakpoints, ENDS_OK)           \
    X("pmu", cpu_pmu, ENDS_OK)                           \
    X("wait-masked", cpu_wait, ENDS_OK)                  \
    X("set-way", cache_set_way, ENDS_OK)                 \
    X("cache-maintenance", cache_by_address, ENDS_OK)    \
    X("tlb-storm", cache_tlb, ENDS_OK)                   \
    X("gicd-fuzz", gic_distributor_fuzz, ENDS_OK)        \
    X("gicc-fuzz", gic_interface_fuzz, ENDS_OK)          \
    X("sgi-storm", gic_sgi_storm, ENDS_OK)               \
    X("level-storm", gic_level_storm, ENDS_OK)           \
    X("eoi-without-ack", gic_eoi, ENDS_OK)               \
    X("lr-overflow", gic_overflow, ENDS_OK)              \
    X("two-core-gicd", gic_two_cores, ENDS_OK)           \
    X("timer-always", timer_always, ENDS_OK)             \
    X("timer-by-hand", timer_by_hand, ENDS_OK)           \
    X("timer-physical", timer_physical, ENDS_OK)         \
    X("virtio-registers", virtio_fuzz, ENDS_OK)          \
    X("virtio-rings", virtio_rings, ENDS_OK)             \
    X("virtio-chains", virtio_chains, ENDS_OK)           \
    X("virtio-lengths", virtio_lengths, ENDS_OK)         \
    X("virtio-index", virtio_index, ENDS_OK)             \
    X("virtio-indirect", virtio_indirect, ENDS_OK)       \
    X("virtio-moved", virtio_moved, ENDS_OK)             \
    X("virtio-reset", virtio_reset_in_flight, ENDS_OK)   \
    X("virtio-notify", virtio_notify_storm, ENDS_OK)     \
    X("virtio-two-core", virtio_two_cores, ENDS_OK)      \
    X("virtio-never-empty", virtio_never_empty, ENDS_OK) \
    X("disk-beyond", virtio_beyond, ENDS_OK)             \
    X("disk-read-only", virtio_read_only, ENDS_OK)       \
    X("disk-flood", virtio_flood, ENDS_OK)               \
    X("disk-odd", virtio_odd, ENDS_OK)                   \
    X("console-escapes", console_escapes, ENDS_OK)       \
    X("console-flood", console_flood, ENDS_OK)           \
    X("loop-masked", cpu_loop, ENDS_HANG)                \
    X("loop-both", cpu_loop_both, ENDS_HANG)             \
    X("wfi-for-ever", cpu_wfi, ENDS_HANG)                \
    X("vectors-in-hole", cpu_vectors, ENDS_CRASH)        \
    X("watchdog-unfed", cpu_watchdog, ENDS_BITE)         \
    X("registers-garbage", cpu_garbage, ENDS_HANG)       \
    X("exit-storm", cpu_exit_storm, ENDS_HANG)           \
    X("requests-then-loop", virtio_then_loop, ENDS_HANG) \
    X("console-then-loop", console_then_loop, ENDS_HANG) \
    X("reset", calls_reset, ENDS_RESET)                  \
    X("reset-in-flight", virtio_then_reset, ENDS_RESET)  \
    X("cpu-off-all", calls_cpu_off, ENDS_OFF)            \
    X("off", calls_off, ENDS_OFF)

/* The verdict: NULL, or what was wrong. */
#define DECLARE(name, function, end) const char *function(void);
CASES(DECLARE)
#undef DECLARE

extern const void *device_tree;

/* ---- vectors.S: a core's exceptions, caught ---- */

struct context {
    uint64_t recover; /* where to go on, 0: none is expected */
    uint64_t sp, saved[12];
    uint64_t esr, elr, far, vector; /* of the last exception */
    uint64_t result;                /* x0 when the code ended, or the exception came */
};

void catch_exceptions(struct context *c);
/* Run code (a function, up to 4 arguments). 0: it returned; else ESR_EL1 of its exception. */
uint64_t attempt(const void *code, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* Run code at EL0, in AArch32 or AArch64, with these SPSR_EL1 bits, until its first exception:
 * ESR_EL1. */
uint64_t attempt_el0(uint64_t pc, uint64_t a, uint64_t b, uint64_t c, uint64_t pstate);
struct context *context(void);
/* Where the second vCPU begins; x0: top of its stack, where main.c left what else it needs. */
void second_entry(void);

enum {
    EC_UNKNOWN = 0x00,
    EC_ILLEGAL = 0x0e,
    EC_SVC32 = 0x11,
    EC_SVC64 = 0x15,
    EC_SYSREG = 0x18,
    EC_IABT_EL0 = 0x20,
    EC_IABT = 0x21,
    EC_PC_ALIGNMENT = 0x22,
    EC_DABT_EL0 = 0x24,
    EC_DABT = 0x25,
    EC_BREAKPOINT_EL0 = 0x30,
    EC_STEP_EL0 = 0x32,
    EC_WATCHPOINT_EL0 = 0x34,
    EC_BRK32 = 0x38,
    EC_BRK = 0x3c
};
static inline unsigned class_of(uint64_t esr)
{
    return (unsigned)(esr >> 26);
}
/* A synchronous external abort (not a translation fault of our own tables). */
static inline bool is_external(uint64_t esr)
{
    unsigned status = esr & 0x3f; /* 0x10, or on a table walk 0x14 + level */
    return status == 0x10 || (status >= 0x14 && status <= 0x17);
}

/* Single accesses, for attempt(). */
extern const char load8[], load16[], load32[], load64[], load128[], load_fp[], load_post[],
    load_exclusive[], load_pair_exclusive[], load_signed[], load_acquire[], store8[], store16[],
    store32[], store64[], store128[], store_fp[], store_pre[], store_exclusive[], store_release[],
    zero_line[], clean_line[], invalidate_line[], clean_invalidate_line[], invalidate_code[],
    prefetch_line[], jump_to[], illegal_return[];

/* ---- el0.c ---- */

enum { EL0_PAGES = 4 };
extern uint8_t el0_page[EL0_PAGES][4096]; /* as EL1 sees them */
uint64_t el0_address(unsigned page);      /* as EL0 does: readable, writable, executable */
void el0_map(void);
/* Code was written by data accesses. */
void code_written(void);
/* Entry `index` of the first-level table: 1 GiB of addresses; the old value. */
uint64_t set_level1(unsigned index, uint64_t descriptor);

/* ---- main.c ---- */

uint64_t random64(void);
/* A function on the second vCPU; it must return. False: the vCPU doesn't come. */
bool run_on_second(void (*function)(void));
/* Has it? */
bool second_is_done(void);
bool wait_for_second(unsigned seconds);
int64_t hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
/* Registers in and out, by HVC #0 or SMC #0. */
void call_hvc(uint64_t x[18]);
void call_smc(uint64_t x[18]);
static inline bool after(uint64_t start, unsigned seconds)
{
    return ticks() - start > seconds * SYSREG_READ(cntfrq_el0);
}

enum {
    PSCI_CPU_OFF = 0x84000002,
    PSCI_AFFINITY_INFO = 0xc4000004u,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_SYSTEM_RESET2 = 0x84000012
};
#define PSCI_CPU_ON 0xc4000003ull

#pragma GCC visibility pop

#endif
