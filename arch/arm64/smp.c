/* SPDX-License-Identifier: BSD-2-Clause */
/* Cores: who is who, their stacks, and how the others are started. */
#include <bulkhead/account.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/timer.h>
#include <string.h>

#include "arch_internal.h"
#include "layout.h"
#include "mmu.h"
#include "sysregs.h"

_Static_assert(offsetof(struct core, stack_top) == CORE_STACK_TOP, "layout.h");
_Static_assert(offsetof(struct core, emergency_top) == CORE_EMERGENCY_TOP, "layout.h");
_Static_assert(offsetof(struct core, mpidr) == CORE_MPIDR, "layout.h");
_Static_assert(offsetof(struct core, faulted) == CORE_FAULTED, "layout.h");
_Static_assert(sizeof(struct core) == CORE_BYTES && MAX_CPUS == 4, "layout.h, entry.S");
_Static_assert(offsetof(struct vcpu_regs, pc) == FRAME_PC, "layout.h");
_Static_assert(offsetof(struct vcpu_regs, pstate) == FRAME_PSTATE, "layout.h");
_Static_assert(sizeof(struct vcpu_regs) <= FRAME_BYTES && FRAME_BYTES % 16 == 0, "layout.h");

enum { START_LIMIT_US = 10000000, STOP_LIMIT_US = 10000 };

struct core cores[MAX_CPUS];
__attribute__((section(".bss..stacks"), aligned(4096))) char core_stacks[MAX_CPUS][CORE_STACKS];

static struct core *by_index[MAX_CPUS] = {&cores[0]};
static unsigned ncores = 1;

extern const char secondary_entry[];

unsigned cpu_this(void)
{
    return core_this()->index;
}

unsigned cpu_count(void)
{
    return ncores;
}

/* The core that stopped all others, by index + 1; 0: none. */
static uint32_t stopper;

void cpu_stop_check(void)
{
    uint32_t by = __atomic_load_n(&stopper, __ATOMIC_RELAXED);

    if (by == 0 || by == cpu_this() + 1)
        return;
    __atomic_store_n(&core_this()->up, 0, __ATOMIC_RELEASE);
    cpu_halt();
}

void cpu_relax(void)
{
    cpu_stop_check(); /* who holds the lock that this core waits for may have stopped */
    __asm__ volatile("yield" : : : "memory");
}

void cpu_stop_others(void)
{
    uint32_t none = 0;
    uint64_t limit = time_now() + ticks_from_us(STOP_LIMIT_US);

    if (!__atomic_compare_exchange_n(&stopper, &none, cpu_this() + 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        cpu_stop_check();
    for (unsigned i = 0; i < ncores; i++)
        if (i != cpu_this() && by_index[i]->up)
            cpu_kick(i);
    for (unsigned i = 0; i < ncores; i++)
        while (i != cpu_this() && __atomic_load_n(&by_index[i]->up, __ATOMIC_ACQUIRE) &&
               time_now() < limit)
            cpu_relax();
}

struct core *core_by_index(unsigned index)
{
    return by_index[index];
}

struct vcpu_regs *arch_stack_top_regs(void)
{
    return (struct vcpu_regs *)(uintptr_t)(core_this()->stack_top - FRAME_BYTES);
}

/* What EL2 needs of every core before any guest: physical interrupts come to EL2, no timer fires,
 * and no trap control has a value from reset (they are UNKNOWN then). */
static void init_el2(void)
{
    write_sysreg(hcr_el2, HCR_RW | HCR_AMO | HCR_IMO | HCR_FMO);
    write_sysreg(vttbr_el2, 0);
    write_sysreg(hstr_el2, 0);
    write_sysreg(cptr_el2, 0x33ff); /* RES1 bits alone: nothing trapped (D13.2.31) */
    write_sysreg(cnthp_ctl_el2, 0);
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
    isb();
    /* Else the first guest here would be blamed for it. */
    if (serror_drain())
        log_line("core %u: dropped an SError that was pending from before", cpu_this());
}

/* ---- The boot core ---- */

noreturn void arch_boot(uint64_t dtb)
{
    cores[0].mpidr = read_sysreg(mpidr_el1) & MPIDR_AFFINITY;
    init_el2();
    account_enter();
    boot_main(paddr(dtb));
}

/* The boot core runs in slot 0 whatever its index; the core of index 0 gets the boot core's place
 * then. */
static bool number_cores(const struct machine *m, struct refusal *why)
{
    unsigned boot = 0;

    while (boot < m->ncpus && m->cpus[boot].mpidr != cores[0].mpidr)
        boot++;
    if (boot == m->ncpus) {
        refuse(why, "the device tree's /cpus has no core %#llx, which this one is",
               (unsigned long long)cores[0].mpidr);
        return false;
    }
    for (unsigned i = 0; i < m->ncpus; i++) {
        unsigned slot = i == boot ? 0 : i == 0 ? boot : i;
        char *top = core_stacks[slot] + CORE_STACKS;
        by_index[i] = &cores[slot];
        cores[slot].index = i;
        cores[slot].mpidr = m->cpus[i].mpidr;
        cores[slot].stack_top = (uint64_t)top;
        cores[slot].emergency_top = (uint64_t)(top - STACK_BYTES - GUARD_BYTES);
    }
    ncores = m->ncpus;
    return true;
}

bool arch_init_boot_core(const struct machine *m, struct refusal *why)
{
    if (!number_cores(m, why) || !gic_init(m, why))
        return false;
    cores[0].up = 1;
    return true;
}

/* ---- The others ---- */

noreturn void arch_secondary(void)
{
    mmu_use_own_tables();
    init_el2();
    gic_init_core();
    __atomic_store_n(&core_this()->up, 1, __ATOMIC_RELEASE);
    account_enter();
    secondary_main();
}

/* Spin-table (Documentation/devicetree/bindings/arm/cpus.yaml): the core sleeps in WFE until the
 * 64-bit word at cpu-release-addr, which it reads with its caches off, is where to go. */
static bool release(const struct cpu_node *cpu)
{
    uint64_t *word = map_foreign_page(paddr(cpu->release_addr));

    if (!word)
        return false;
    *word = image_paddr(secondary_entry).v;
    cache_clean_invalidate(word, sizeof *word);
    sev();
    unmap_foreign_page();
    return true;
}

static bool wait_for(const struct core *core)
{
    uint64_t limit = time_now() + ticks_from_us(START_LIMIT_US);

    while (!__atomic_load_n(&core->up, __ATOMIC_ACQUIRE)) {
        if (time_now() >= limit)
            return false;
        cpu_relax();
    }
    return true;
}

static bool start(const struct machine *m, unsigned index, struct refusal *why)
{
    const struct cpu_node *cpu = &m->cpus[index];

    if (strcmp(cpu->enable_method, "spin-table") != 0) {
        refuse(why,
               "core %u: enable-method \"%s\" in the device tree; only \"spin-table\" is known",
               index, cpu->enable_method);
        return false;
    }
    if (cpu->release_addr == 0 || cpu->release_addr % sizeof(uint64_t) != 0) {
        refuse(why, "core %u: cpu-release-addr %#llx in the device tree is not a 64-bit word's",
               index, (unsigned long long)cpu->release_addr);
        return false;
    }
    if (!release(cpu) || !wait_for(core_by_index(index))) {
        refuse(why,
               "core %u (MPIDR %#llx) was released at %#llx and did not come up within 10 seconds",
               index, (unsigned long long)cpu->mpidr, (unsigned long long)cpu->release_addr);
        return false;
    }
    return true;
}

bool arch_start_secondaries(const struct machine *m, struct refusal *why)
{
    /* They read these with their caches off. */
    cache_clean(cores, sizeof cores);
    for (unsigned i = 0; i < m->ncpus; i++)
        if (i != cpu_this() && m->cpus[i].enabled && !start(m, i, why))
            return false;
    return true;
}
