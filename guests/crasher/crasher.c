/* SPDX-License-Identifier: BSD-2-Clause */
/* Falls as it is told to, by a key: `c` crashes, `h` hangs with interrupts masked, `r` asks for a
 * reset. */
#include "../lib/lib.h"

enum { UARTDR = 0x000, UARTFR = 0x018, RX_EMPTY = 1 << 4 };

/* The first core's tables make this executable memory; in the VM's address space it is a hole. */
#define HOLE 0x70000000ul

static uint8_t key(void)
{
    while (read32(PL011 + UARTFR) & RX_EMPTY)
        ;
    return (uint8_t)read32(PL011 + UARTDR);
}

__attribute__((noinline)) static void jump(uint64_t where)
{
    SYSREG_WRITE(vbar_el1, HOLE);
    __asm__ volatile("isb");
    ((void (*)(void))where)();
    __asm__ volatile("" ::: "memory"); /* no tail call: a frame to be found */
}

__attribute__((noinline)) static void crash(void)
{
    jump(HOLE + 0x1230);
    __asm__ volatile("" ::: "memory");
}

/* PSCI SYSTEM_RESET (DEN 0022D 5.1.11). */
static void reset(void)
{
    register uint64_t x0 __asm__("x0") = 0x84000009;
    __asm__ volatile("hvc #0" : "+r"(x0)::"memory");
}

void guest_main(const void *dtb)
{
    (void)dtb;
    print("crasher: these are its last words\n");
    for (;;) {
        print("crasher> ");
        switch (key()) {
        case 'c':
            print("crash\n");
            crash();
            break;
        case 'h':
            print("hang\n");
            for (;;)
                ;
        case 'r':
            print("reset\n");
            reset();
            break;
        default:
            print("?\n");
        }
    }
}
