/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each path to EL2 costs: rows of the benchmark (tools/bench). Runs under the hypervisor and,
 * with `bare` and addresses on its command line, alone at EL1. Results are kept until all are
 * there: console output would run on the same core meanwhile.
 */
#include "../lib/lib.h"

enum {
    ROUNDS = 4096,
    DISK_READS = 256,
    READ_BYTES = 4096,
    TICKS_PER_SECOND = 250, /* of the guest's clock interrupt, as Debian's kernels have */
    SPI_EDGE = 50,
    PSCI_CPU_ON = 0xc4000003,
    PSCI_SYSTEM_RESET = 0x84000009,
};

struct places {
    uint64_t gicd, gicc, uart;
};

struct secondary {
    uint64_t gicd, gicc, root;
    volatile uint64_t ready;
};

typedef uint64_t row_function(uint64_t rounds, const struct places *);

/* Hidden: their addresses are taken PC-relative, not from a table. */
#pragma GCC visibility push(hidden)
row_function row_hvc_psci_version, row_hvc_psci_version_ref;
row_function row_hypercall, row_hypercall_ref;
row_function row_smc_psci_version, row_smc_psci_version_ref;
row_function row_gicd_typer_read, row_gicd_typer_read_ref;
row_function row_gicd_isenabler0_read, row_gicd_isenabler0_read_ref;
row_function row_gicd_isenabler0_write, row_gicd_isenabler0_write_ref;
row_function row_gicd_spi_disable_enable, row_gicd_spi_disable_enable_ref;
row_function row_uart_status, row_uart_status_ref;
row_function row_counter_reads, row_counter_reads_ref;
row_function row_gicc_accesses, row_gicc_accesses_ref;
row_function row_sgi_self, row_sgi_self_ref;
row_function row_spi_pend, row_spi_pend_ref;
row_function row_timer, row_timer_ref;
row_function row_ipi, row_ipi_ref;
row_function row_wfi, row_wfi_ref;

extern const char vectors_sgi[], vectors_timer[], secondary_start[];
void mark_1(void);
void mark_31(void);
void mark_32(void);
void mark_33(void);
#pragma GCC visibility pop

static struct places places = {GICD, GICC, PL011};
static struct secondary secondary;
static uint8_t buffer[READ_BYTES] __attribute__((aligned(4096)));

enum { MAX_RESULTS = 24 };
static struct result {
    const char *name;
    uint64_t ticks, reference;
} results[MAX_RESULTS];
static unsigned nresults;

static void measure(const char *name, row_function *row, row_function *reference)
{
    uint64_t ref = reference(ROUNDS, &places);
    results[nresults++] = (struct result){name, row(ROUNDS, &places), ref};
}

static void set_vectors(const char *table)
{
    SYSREG_WRITE(vbar_el1, table);
    __asm__ volatile("isb");
}

/* INTID 32 + 20 is nobody's; 50 is pended by hand. */
static void set_up_interrupts(void)
{
    write32(places.gicd, 1);
    write32(places.gicd + 0x100, 0xffff | 1u << INTID_VTIMER);
    write32(places.gicd + 0xc0c, 2u << (SPI_EDGE - 48) * 2); /* GICD_ICFGR3: edge */
    write32(places.gicd + 0x830, 0x01010101);                /* GICD_ITARGETSR12 */
    write32(places.gicd + 0x104, 1u << (SPI_EDGE - 32));
    write32(places.gicc + 4, 0xff);
    write32(places.gicc, 1);
}

static uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return x0;
}

static void start_secondary(void)
{
    secondary = (struct secondary){places.gicd, places.gicc, SYSREG_READ(ttbr0_el1), 0};
    __asm__ volatile("dc civac, %0; dsb sy" ::"r"(&secondary) : "memory");
    if (psci(PSCI_CPU_ON, 1, (uint64_t)secondary_start, (uint64_t)&secondary) == 0)
        while (!secondary.ready)
            ;
}

/* Until the other core sleeps, too. */
static void settle(void)
{
    for (volatile unsigned i = 0; i < 10000; i++)
        ;
}

static void measure_hot(bool bare)
{
    if (!bare) {
        measure("hvc_psci_version", row_hvc_psci_version, row_hvc_psci_version_ref);
        measure("hypercall", row_hypercall, row_hypercall_ref);
        measure("smc_psci_version", row_smc_psci_version, row_smc_psci_version_ref);
    }
    measure("gicd_typer_read", row_gicd_typer_read, row_gicd_typer_read_ref);
    measure("gicd_isenabler0_read", row_gicd_isenabler0_read, row_gicd_isenabler0_read_ref);
    measure("gicd_isenabler0_write", row_gicd_isenabler0_write, row_gicd_isenabler0_write_ref);
    measure("gicd_spi_disable_enable", row_gicd_spi_disable_enable,
            row_gicd_spi_disable_enable_ref);
    measure("uart_status", row_uart_status, row_uart_status_ref);
    measure("counter_reads", row_counter_reads, row_counter_reads_ref);
    measure("gicc_accesses", row_gicc_accesses, row_gicc_accesses_ref);
    set_vectors(vectors_sgi);
    measure("sgi_self", row_sgi_self, row_sgi_self_ref);
    measure("spi_pend", row_spi_pend, row_spi_pend_ref);
    set_vectors(vectors_timer);
    measure("timer", row_timer, row_timer_ref);
    set_vectors(vectors_sgi);
    measure("ipi", row_ipi, row_ipi_ref);
    write32(places.gicd + 0xf00, 0x02000001);
    measure("wfi", row_wfi, row_wfi_ref);
    gic_end(gic_acknowledge());
}

static void sleep_until(unsigned intid)
{
    unsigned got;
    do {
        wait_for_interrupt();
        got = gic_acknowledge();
        if (got == INTID_VTIMER)
            SYSREG_WRITE(cntv_ctl_el0, 0);
        if (got < 1020)
            gic_end(got);
    } while (got != intid);
}

static void idle_second(void)
{
    uint64_t at = ticks(), step = SYSREG_READ(cntfrq_el0) / TICKS_PER_SECOND;
    mark_1();
    for (unsigned i = 0; i < TICKS_PER_SECOND; i++) {
        at += step;
        SYSREG_WRITE(cntv_cval_el0, at);
        SYSREG_WRITE(cntv_ctl_el0, 1);
        sleep_until(INTID_VTIMER);
    }
    mark_31();
}

/* One read at a time, as fio's iodepth=1 would. */
static void disk_reads(const void *dtb)
{
    struct disk disk;
    unsigned good = 0;
    bool ok;

    if (!disk_open(&disk, dtb, 0)) {
        print("bench: no disk\n");
        return;
    }
    gic_enable(disk.intid, true);
    for (unsigned i = 0; i < DISK_READS + 2; i++) {
        if (i == 2)
            mark_1();
        disk_start(&disk, 0, DISK_READ, i * (READ_BYTES / 512), buffer, READ_BYTES);
        sleep_until(disk.intid);
        disk_acknowledge(&disk);
        good += disk_finished(&disk, &ok) == 0 && ok;
    }
    mark_32();
    print("bench: disk %u of %u reads\n", good, DISK_READS + 2);
}

void guest_main(const void *dtb)
{
    const char *args = fdt_bootargs(dtb);
    bool bare = has_word(args, "bare", NULL);
    uint64_t begin;

    mark_33();
    if (has_word(args, "restart", NULL)) {
        mark_1();
        psci(PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    if (has_word(args, "boot", NULL)) /* that was all */
        for (;;)
            wait_for_interrupt();
    has_word(args, "gicd", &places.gicd);
    has_word(args, "gicc", &places.gicc);
    has_word(args, "uart", &places.uart);
    console_at(places.uart);
    write32(places.uart + 0x30, 0x301); /* UARTCR: on, both ways */
    set_up_interrupts();
    start_secondary();
    settle();
    begin = ticks();
    for (uint64_t n = 1 << 20; n; n--)
        __asm__ volatile("");
    print("bench: calibration %lu ticks, %lu Hz\n", ticks() - begin, SYSREG_READ(cntfrq_el0));
    begin = ticks(); /* what was said so far is still on its way to the UART, from this core */
    while (ticks() - begin < SYSREG_READ(cntfrq_el0) / 5)
        ;
    measure_hot(bare);
    if (!bare) {
        idle_second();
        disk_reads(dtb);
    }
    for (unsigned i = 0; i < nresults; i++)
        print("bench: row %s %lu %lu\n", results[i].name, results[i].ticks, results[i].reference);
    print("bench: end\n");
}
