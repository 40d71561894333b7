/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load for the card and the console. Words on the command line: `write` writes instead of reading
 * (the disk is overwritten!), `flood` also writes to the console without end, `nodisk` does only
 * that, `seconds=N` ends after that time, `keys` begins idle. Every second it says how many bytes
 * went. Typed keys: r reads, w writes, i neither; f floods, q does not; s says nothing each second.
 * `witness=N` fills N MiB and adds their checksum to what it says.
 */
#include "../lib/lib.h"

static uint8_t buffers[DISK_DEPTH][DISK_BYTES] __attribute__((aligned(4096)));
static struct disk disk;
static uint64_t next_sector, bytes, total, errors, second, deadline;
static uint64_t *witness, witness_words;
static int type = DISK_READ;
static unsigned idle_slots; /* bits */
static bool wanted, flooding, silent, with_disk;
/* guest.lds: from here on RAM is ours */
extern uint64_t image_end[] __attribute__((visibility("hidden")));

enum { UARTIMSC = 0x038, UARTICR = 0x044, UART_TX = 1 << 5, DEPTH = 4, FLOOD_BURST = 32 };

static void start(unsigned slot)
{
    idle_slots &= ~(1u << slot);
    if (!wanted) {
        idle_slots |= 1u << slot;
        return;
    }
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

/* Depends on each word and its place. */
static uint64_t checksum(void)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < witness_words; i++)
        sum = (sum ^ witness[i]) * 0x9e3779b97f4a7c15;
    return sum;
}

static void fill(uint64_t mib)
{
    witness = image_end;
    witness_words = mib << 17;
    for (uint64_t i = 0; i < witness_words; i++)
        witness[i] = (i + 1) * 0x2545f4914f6cdd1d;
}

static void tick(void)
{
    total += bytes;
    second++;
    if (!silent && witness)
        print("\nreader: second %lu: %lu bytes, %lu errors, checksum %lx\n", second, bytes, errors,
              checksum());
    else if (!silent)
        print("\nreader: second %lu: %lu bytes, %lu errors\n", second, bytes, errors);
    bytes = 0;
    arm_timer();
}

static void want(int what)
{
    wanted = with_disk;
    type = what;
    for (unsigned slot = 0; slot < DEPTH; slot++)
        if (idle_slots & 1u << slot)
            start(slot);
}

static void obey_keys(void)
{
    for (int key = key_typed(); key >= 0; key = key_typed()) {
        if (key == 'r' || key == 'w')
            want(key == 'r' ? DISK_READ : DISK_WRITE);
        else if (key == 'i')
            wanted = false;
        else if (key == 'f' || key == 'q')
            flooding = key == 'f';
        else if (key == 's')
            silent = !silent;
    }
}

static void check_time(void)
{
    if (ticks() >= deadline)
        tick();
}

static void set_flood(bool on)
{
    uint32_t mask = read32(PL011 + UARTIMSC);
    flooding = on;
    write32(PL011 + UARTIMSC, on ? mask | UART_TX : mask & ~(uint32_t)UART_TX);
}

/* Transmit: there is room again, which only a flood waits for. */
static void console_interrupt(void)
{
    write32(PL011 + UARTICR, UART_TX);
    keys_acknowledge();
    obey_keys();
    set_flood(flooding);
}

static void interrupts(void)
{
    for (unsigned intid = gic_acknowledge(); intid < 1020; intid = gic_acknowledge()) {
        if (intid == INTID_VTIMER)
            check_time();
        else if (intid == INTID_PL011)
            console_interrupt();
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

static bool begin(const void *dtb, const char *args)
{
    uint64_t mib = 0;

    with_disk = !has_word(args, "nodisk", NULL);
    if (has_word(args, "witness", &mib))
        fill(mib);
    gic_init();
    if (with_disk && (!disk_open(&disk, dtb, 0) || disk.sectors < DISK_BYTES / 512)) {
        print("reader: no disk\n");
        return false;
    }
    idle_slots = (1u << DEPTH) - 1;
    print("reader: %lu sectors\n", disk.sectors);
    gic_enable(INTID_VTIMER, false);
    keys_enable();
    set_flood(has_word(args, "flood", NULL));
    arm_timer();
    if (with_disk)
        gic_enable(disk.intid, true);
    if (!has_word(args, "keys", NULL))
        want(has_word(args, "write", NULL) ? DISK_WRITE : DISK_READ);
    return true;
}

void guest_main(const void *dtb)
{
    const char *args = fdt_bootargs(dtb);
    uint64_t seconds = UINT64_MAX;

    has_word(args, "seconds", &seconds);
    if (!begin(dtb, args))
        return;
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
