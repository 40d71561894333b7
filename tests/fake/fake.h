/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake architecture: include/bulkhead/arch.h on the host. One file for each subject, so a test
 * links only what it needs; functions are weak, so a test (or the real file) may replace any of
 * them.
 *
 *   fake_cpu.c    cpu_this, cpu_count, cpu_kick, cpu_post, cpu_relax, lock_wait, cpu_halt,
 *                 entropy_jitter
 *   fake_time.c   time_now, time_hz, time_alarm; fake_run_until() fires alarms
 *   fake_timer.c  timer.h in small, over fake_time.c (or link core/timer.c instead)
 *   fake_cache.c  cache_*, icache_*, map_file, image_paddr, ram_window, dma_barrier: DRAM and cache
 * are two arrays fake_mmio.c   map_device, mmio_read32, mmio_write32, to models by address
 *   fake_irq.c    irq_*; fake_irq_raise() runs a handler on its routed core
 *   fake_log.c    log_line, log_vm, refuse, panic (-> cmocka's mock_assert)
 *   fake_vcpu.c   vcpu_enter, vcpu_park (caught by FAKE_CATCH), vcpu_inject_*, vcpu_state_read
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <bulkhead/arch.h>
#include <bulkhead/types.h>
#include <setjmp.h>

/* ---- fake_cpu.c ---- */
extern _Thread_local unsigned
    fake_cpu;                   /* what cpu_this() says; a test sets it to act as another core */
extern unsigned fake_cpu_total; /* cpu_count(); 4 */
extern bool fake_irq_quiet;     /* irq_waits(): false; at first it is true */
extern unsigned fake_kicks[MAX_CPUS];  /* cpu_kick() calls, by target */
extern unsigned fake_posted[MAX_CPUS]; /* OR of cpu_post() events, by target; the test clears */
extern unsigned fake_posts[MAX_CPUS];  /* cpu_post() calls, by target */
void fake_cpu_reset(void);

/* ---- fake_time.c: 54 MHz, as the board ---- */
enum { FAKE_HZ = 54000000, FAKE_TICKS_PER_US = 54 };
extern uint64_t fake_time;            /* what time_now() says */
extern uint64_t fake_time_step;       /* added at every time_now() call; 0 */
extern uint64_t fake_alarm[MAX_CPUS]; /* last time_alarm() of each core; UINT64_MAX: none */
/* Let time pass to `ticks`, firing alarms in order: each runs timer_interrupt() as its core. */
void fake_run_until(uint64_t ticks);
/* Fire the earliest alarm. False: none is set. */
bool fake_run_next(void);
void fake_time_reset(void);

/* ---- fake_timer.c ---- */
void fake_timer_reset(void);

/* ---- fake_cache.c ----
 * A memory area has two arrays: the bytes the test's program sees (what EL2 sees, through its
 * cache), and a DRAM that devices and guests with their MMU off see. Nothing moves between them but
 * by cache_clean() (cache -> DRAM) and cache_invalidate() (DRAM -> cache). All writable static data
 * of the test program is an area of its own, as the hypervisor's image, from FAKE_IMAGE_PA. */
enum { FAKE_CACHE_LINE = 64, FAKE_IMAGE_PA = 0x00800000 };
/* Register host memory as machine memory at `pa`; DRAM starts as a copy of it. */
void fake_mem_add(void *host, size_t bytes, paddr_t pa);
/* A device's (or cache-off guest's) access to DRAM. False: no such memory. A write into a line that
 * is dirty in the cache (its eviction would destroy the data) counts in fake_dirty_dma. */
bool fake_dram_read(paddr_t pa, void *out, size_t bytes);
bool fake_dram_write(paddr_t pa, const void *in, size_t bytes);
extern unsigned fake_dirty_dma;
extern unsigned fake_icache_invalidations;
/* Are cache and DRAM the same over these bytes (all of it cleaned)? */
bool fake_mem_coherent(const void *start, size_t bytes);
extern void *fake_ram_window; /* what ram_window() says */
/* As after boot: the image's lines were all written through the cache and not yet written back. */
void fake_mem_dirty(void);
/* Forget all areas but the image, whose DRAM becomes a copy of it again. */
void fake_mem_reset(void);

/* ---- fake_mmio.c ---- */
struct fake_mmio {
    uint64_t base, size; /* machine addresses */
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
    void *context;
};
/* An access to no model, or not 32-bit aligned, panics. Up to 16 models. */
void fake_mmio_add(const struct fake_mmio *model);
void fake_mmio_reset(void);
extern unsigned long fake_mmio_accesses;

/* ---- fake_irq.c ---- */
enum { FAKE_INTIDS = 256 };
struct fake_irq {
    void (*handler)(void *context);
    void *context;
    unsigned cpu; /* irq_route() */
    bool unmasked, pending, active;
    unsigned routes, masks, unmasks;
};
extern struct fake_irq fake_irqs[FAKE_INTIDS];
/* The line is high now: run the handler as the routed core if unmasked. False: masked or nothing
 * attached. */
bool fake_irq_raise(unsigned intid);
void fake_irq_reset(void);

/* ---- fake_log.c ---- */
extern char
    fake_log[16384]; /* every line since the reset, each with \n; log_vm()'s without the name */
extern unsigned fake_log_lines;
bool fake_log_has(const char *text);
void fake_log_reset(void);

/* ---- fake_vcpu.c ---- */
enum fake_left {
    FAKE_RETURNED,
    FAKE_ENTERED,
    FAKE_PARKED,
    FAKE_HALTED,
    FAKE_FROZEN,
    FAKE_THAWED,
};
extern jmp_buf fake_catch;
extern bool fake_catching;
extern struct vcpu *fake_entered;
extern ipaddr_t fake_entry;
extern uint64_t fake_entry_context;
extern unsigned fake_undefined, fake_aborts; /* injections */
extern uint64_t fake_abort_far;
extern struct vcpu_state fake_state; /* what vcpu_state_read() says */
/* Run `statement`, which may end in vcpu_enter(), vcpu_park() or cpu_halt(); how it left goes to
 * `how`. */
#define FAKE_CATCH(how, statement)           \
    do {                                     \
        fake_catching = true;                \
        int fake_code_ = setjmp(fake_catch); \
        if (fake_code_ == 0) {               \
            statement;                       \
        }                                    \
        fake_catching = false;               \
        (how) = (enum fake_left)fake_code_;  \
    } while (0)

#endif
