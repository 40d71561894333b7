/* SPDX-License-Identifier: BSD-2-Clause */
/* The prompt, the table of cases, and the second vCPU. */
#include "attack.h"

enum {
    UARTDR = 0x000,
    UARTFR = 0x018,
    UARTFR_RXFE = 1 << 4, /* DDI 0183G 3.3.3 */
    UARTLCR_H = 0x02c,
    UARTLCR_H_FEN = 1 << 4,
    LINE = 64,
    STACK = 16384,
};

const void *device_tree;
static struct context contexts[2];

/* ---- The second vCPU ---- */

static struct {
    uint8_t stack[STACK - 32] __attribute__((aligned(16)));
    uint64_t mair, tcr, ttbr0, sctlr; /* second_entry reads these, above its stack */
} second __attribute__((aligned(16)));
static void (*second_function)(void);
static uint32_t second_done;

void second_main(void);
void attack_unexpected(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far);

int64_t hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x[18] = {function, a, b, c};
    call_hvc(x);
    return (int64_t)x[0];
}

void second_main(void)
{
    catch_exceptions(&contexts[1]);
    write32(GICC + 4, 0xff); /* GICC_PMR, GICC_CTLR: IHI 0048B 4.4 */
    write32(GICC, 1);
    second_function();
    __atomic_store_n(&second_done, 1, __ATOMIC_RELEASE);
    hvc(PSCI_CPU_OFF, 0, 0, 0);
    for (;;)
        wait_for_interrupt();
}

bool second_is_done(void)
{
    return __atomic_load_n(&second_done, __ATOMIC_ACQUIRE);
}

bool run_on_second(void (*function)(void))
{
    uint64_t start = ticks();
    while (hvc(PSCI_AFFINITY_INFO, 1, 0, 0) != 1) /* OFF */
        if (after(start, 10))
            return false;
    second_function = function;
    second_done = 0;
    second.mair = SYSREG_READ(mair_el1);
    second.tcr = SYSREG_READ(tcr_el1);
    second.ttbr0 = SYSREG_READ(ttbr0_el1);
    second.sctlr = SYSREG_READ(sctlr_el1);
    for (uint64_t at = (uint64_t)&second.mair & ~63ul; at < (uint64_t)(&second + 1); at += 64)
        __asm__ volatile("dc civac, %0" ::"r"(at) : "memory"); /* it starts without caches */
    barrier();
    return hvc(PSCI_CPU_ON, 1, (uint64_t)second_entry, (uint64_t)&second.mair) == 0;
}

bool wait_for_second(unsigned seconds)
{
    uint64_t start = ticks();
    while (!second_is_done())
        if (after(start, seconds))
            return false;
    return true;
}

/* ---- Small things ---- */

/* xorshift64 (Marsaglia 2003): the same numbers each time. */
uint64_t random64(void)
{
    static uint64_t state;
    if (!state)
        state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void attack_unexpected(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far)
{
    print("\nunexpected exception: vector %lu ESR %lx ELR %lx FAR %lx\n", vector, esr, elr, far);
    for (;;)
        wait_for_interrupt();
}

static bool same(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

/* ---- The prompt ---- */

/* Between two looks at the UART, with nothing that leaves the guest: the emulator takes its one
 * lock for every trap, and a guest that does nothing but trap keeps it from the others' disk
 * transfers for seconds. No WFI: what a case has left of the GIC may not wake it. */
static void linger(void)
{
    for (unsigned i = 0; i < 50000; i++)
        __asm__ volatile("");
}

static void read_line(char *line)
{
    unsigned used = 0;
    for (;;) {
        char c;
        while (read32(PL011 + UARTFR) & UARTFR_RXFE)
            linger();
        c = (char)read32(PL011 + UARTDR);
        if (c == '\r' || c == '\n')
            break;
        if (used < LINE - 1)
            line[used++] = c;
    }
    line[used] = 0;
}

static void list(void)
{
    const char *ends[6];
    ends[ENDS_OK] = "ok";
    ends[ENDS_HANG] = "hang";
    ends[ENDS_RESET] = "reset";
    ends[ENDS_CRASH] = "crash";
    ends[ENDS_BITE] = "bite";
    ends[ENDS_OFF] = "off";
#define LIST(name, function, end) print("case %s %s\n", name, ends[end]);
    CASES(LIST)
}

static bool run(const char *line, const char **wrong)
{
#define RUN(name, function, end)       \
    if (same(line, name)) {            \
        print("\n%s: begins\n", line); \
        *wrong = function();           \
        return true;                   \
    }
    CASES(RUN)
    return false;
}

/* "later NAME": half a second on, when the keys and what they led to at EL2 are over. */
static const char *without_later(const char *line)
{
    static const char later[] = "later ";
    uint64_t start = ticks();
    for (unsigned i = 0; later[i]; i++)
        if (line[i] != later[i])
            return line;
    print("\n%s\n", line);
    while (ticks() - start < SYSREG_READ(cntfrq_el0) / 2)
        ;
    return line + sizeof(later) - 1;
}

void guest_main(const void *dtb)
{
    char typed[LINE];
    device_tree = dtb;
    catch_exceptions(&contexts[0]);
    gic_init();
    el0_map();
    write32(PL011 + UARTLCR_H, UARTLCR_H_FEN);
    for (;;) {
        const char *wrong = NULL, *line;
        print("attack> ");
        read_line(typed);
        line = without_later(typed);
        if (same(line, "list"))
            list();
        else if (!run(line, &wrong))
            print("%s: no such case\n", line);
        else if (wrong)
            print("%s: wrong: %s\n", line, wrong);
        else
            print("%s: ok\n", line);
    }
}
