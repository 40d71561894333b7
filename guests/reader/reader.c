/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load for the card and the console. Words on the command line: `write` writes instead of reading
 * (the disk is overwritten!), `flood` also writes to the console without end, `nodisk` does only
 * that, `seconds=N` ends after that time. Every second it says how many bytes went.
 */
#include "../lib/lib.h"

static uint8_t buffers[DISK_DEPTH][DISK_BYTES] __attribute__((aligned(4096)));
static struct disk disk;
static uint64_t next_sector, bytes, total, errors, second, deadline;
static int type = DISK_READ;

enum { UARTIMSC = 0x038, UARTICR = 0x044, UART_TX = 1 << 5, DEPTH = 4, FLOOD_BURST = 32 };

static void start(unsigned slot)
{
    uint64_t sectors = DISK_BYTES / 512;
    if (next_sector + sectors > disk.sectors)
        next_sector = 0;
    disk_start(&disk, slot, type, next_sector, buffers[slot], DISK_BYTES);
    next_sector += sectors;
}

/* Bounded: where the card is quicker than we are, each request is done when its start returns.
 * True: there may be more. */
static bool collect(void)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        bool ok;
        int slot = disk_finished(&disk, &ok);
        if (slot < 0)
            return false;
        if (ok)
            bytes += DISK_BYTES;
        else
            errors++;
        start((unsigned)slot);
    }
    return true;
}

/* The virtual timer's next second (Arm ARM D17.10: CNTV_CVAL_EL0, CNTV_CTL_EL0). */
static void arm_timer(void)
{
    deadline = (deadline ? deadline : ticks()) + SYSREG_READ(cntfrq_el0);
    SYSREG_WRITE(cntv_cval_el0, deadline);
    SYSREG_WRITE(cntv_ctl_el0, 1);
    __asm__ volatile("isb");
}

static void tick(void)
{
    total += bytes;
    second++;
    print("\nreader: second %lu: %lu bytes, %lu errors\n", second, bytes, errors);
    bytes = 0;
    arm_timer();
}

static void check_time(void)
{
    if (ticks() >= deadline)
        tick();
}

static void interrupts(void)
{
    for (unsigned intid = gic_acknowledge(); intid < 1020; intid = gic_acknowledge()) {
        if (intid == INTID_VTIMER)
            check_time();
        else if (intid == INTID_PL011)
            write32(PL011 + UARTICR, UART_TX);
        else if (intid == disk.intid)
            disk_acknowledge(&disk);
        gic_end(intid);
    }
}

/* As much as the console takes now, but not for ever. True: it is full. */
static bool flood(void)
{
    static unsigned at;
    for (unsigned i = 0; i < FLOOD_BURST; i++) {
        if (console_full())
            return true;
        put_char("the quick brown fox jumps over the lazy dog 0123456789\r\n"[at++ % 56]);
    }
    return false;
}

void guest_main(const void *dtb)
{
    const char *args = fdt_bootargs(dtb);
    uint64_t seconds = UINT64_MAX;
    bool flooding = has_word(args, "flood", NULL), with_disk = !has_word(args, "nodisk", NULL);

    has_word(args, "seconds", &seconds);
    if (has_word(args, "write", NULL))
        type = DISK_WRITE;
    gic_init();
    if (with_disk && (!disk_open(&disk, dtb, 0) || disk.sectors < DISK_BYTES / 512)) {
        print("reader: no disk\n");
        return;
    }
    print("reader: %s %lu sectors\n", type == DISK_READ ? "reads" : "writes", disk.sectors);
    gic_enable(INTID_VTIMER, false);
    if (flooding) {
        gic_enable(INTID_PL011, false);
        write32(PL011 + UARTIMSC, UART_TX);
    }
    arm_timer();
    if (with_disk) {
        gic_enable(disk.intid, true);
        for (unsigned slot = 0; slot < DEPTH; slot++)
            start(slot);
    }
    while (second < seconds) {
        bool busy;
        interrupts();
        busy = with_disk && collect();
        check_time();
        if (flooding && !flood())
            busy = true;
        if (!busy)
            wait_for_interrupt();
    }
    print("reader: total %lu bytes in %lu seconds, %lu errors\n", total, second, errors);
}
