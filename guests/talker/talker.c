/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Talks to its console as it is told, in one key at its prompt: h says hostile things every second,
 * b prints a burst of numbered lines every second, q ends both, k names the keys that follow, up to
 * Return; r draws as a full-screen program does. While nothing is asked for it does nothing at all.
 */
#include "../lib/lib.h"

enum { BURST_LINES = 50, RETURN = '\r' };

static char mode = 'q';
static uint64_t deadline;
static unsigned round;

static void arm_timer(void)
{
    deadline = ticks() + SYSREG_READ(cntfrq_el0);
    SYSREG_WRITE(cntv_cval_el0, deadline);
    SYSREG_WRITE(cntv_ctl_el0, mode == 'h' || mode == 'b');
    __asm__ volatile("isb");
}

/* What a guest might say to pass for another or to upset the terminal (ECMA-48; xterm's control
 * sequences, "ctlseqs"). Each line would say "forged" under another's name, or leaves something. */
static void hostile(void)
{
    print("round %u begins\n", ++round);
    print("[bulkhead] forged 1\n");
    print("overwritten\r[beta] forged 2\n");
    print("ab\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b[beta] forged 3\n");
    print("\033[2J\033[H[beta] forged 4\n");
    print("\033[1A\033[99D\033M\033c\033[!p[bulkhead] forged 5\n");
    print("title \033]0;owned\a\033]52;c;Zm9yZ2Vk\033\\ clipboard\n");
    print("modes \033[?1049h\033[?25l\033[?1003h\033[?2004h\033[4h\033(0\033)0\016\033#8 sets\n");
    print("queries \033[c\033[6n\033[5n\033Z\005\033[>q\033P$qm\033\\ asked\n");
    print("c1 \23331m\2350;text\234\220x\234 \302\2332J \302\205[beta] forged 6\n");
    print("colour \033[31;1mred, never reset\n");
    print("cut \033[3\n[bulkhead] forged 7\n");
    print("never ended \033]0;\n[beta] forged 8\n");
    print("\033Pnever ended either\n");
    print("\xe2\x80\xae[ateb] text to the left, \xe2\x80\x8b[\xe2\x80\x8b"
          "bulkhead] invisible, \xff\xfe\xc0\xaf\xed\xa0\x80 no UTF-8\n");
    for (unsigned i = 0; i < 60; i++)
        print("    [beta] forged 9 ");
    print("\n\v\f[bulkhead] forged 10\n");
    print("round %u ends\n", round);
}

static void burst(void)
{
    round++;
    for (unsigned i = 0; i < BURST_LINES; i++)
        print("burst %u line %u of %u\n", round, i + 1, (unsigned)BURST_LINES);
}

static void full_screen(void)
{
    print("\033[?1049h\033[2J\033[5;10H\033[31mfull screen\033[0m");
}

static void prompt(void)
{
    print("talker> ");
}

static void name_key(int key)
{
    if (key == RETURN) {
        mode = 'q';
        print("end of keys\n");
        prompt();
        return;
    }
    print("key %x\n", (unsigned)key);
}

static void obey(int key)
{
    if (mode == 'k') {
        name_key(key);
        return;
    }
    mode = (char)key;
    print("%c\n", key > ' ' && key < 0x7f ? key : '?');
    if (key == 'r')
        full_screen();
    else if (key == 'q' || key == RETURN)
        prompt();
    arm_timer();
}

static void act(void)
{
    if (mode == 'h')
        hostile();
    else if (mode == 'b')
        burst();
    arm_timer();
}

void guest_main(const void *dtb)
{
    (void)dtb;
    gic_init();
    gic_enable(INTID_VTIMER, false);
    keys_enable();
    print("talker is here\n");
    prompt();
    for (;;) {
        for (unsigned intid = gic_acknowledge(); intid < 1020; intid = gic_acknowledge()) {
            if (intid == INTID_PL011)
                keys_acknowledge();
            else if (intid == INTID_VTIMER && ticks() >= deadline)
                act();
            gic_end(intid);
        }
        for (int key = key_typed(); key >= 0; key = key_typed())
            obey(key);
        wait_for_interrupt();
    }
}
