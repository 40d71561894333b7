// sources: core/guest_walk.c core/guest_mem.c tests/fake/fake_cache.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk over a crashed guest's own page tables and frames, which are anything: it stays in the
 * VM's RAM and ends. */
#include "fuzz.h"

#include <bulkhead/guest_mem.h>
#include <core/guest_walk.h>
#include <fake/fake.h>

enum { RAM = 8192, WORDS = 256 };

static struct vm vm;
static uint8_t *ram; /* exactly RAM bytes: the sanitizer sees the first one too many */

/* A register: mostly with fields that lead somewhere. */
static uint64_t any_register(struct input *in, uint64_t usual)
{
    uint64_t form = take(in, 1);
    return form & 0x80 ? take(in, 8) : usual + form * 0x80;
}

/* A word of a table or a frame: a pointer into RAM with low bits, or anything. */
static void write_word(struct input *in)
{
    uint64_t at = take(in, 2) % (RAM / 8), form = take(in, 1), word;
    word = form & 0x80 ? take(in, 8) : GUEST_RAM_BASE + (take(in, 2) % RAM & ~7ULL) + (form & 7);
    memcpy(ram + 8 * at, &word, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    struct vcpu_state s = {0};
    struct vcpu_regs regs = {0};
    uint64_t frames[MAX_FRAMES], word;
    ipaddr_t ipa;
    unsigned count;

    if (!ram)
        ram = malloc(RAM);
    memset(ram, 0, RAM);
    fake_ram_window = ram;
    vm.memory.bytes = RAM;
    s.sctlr_el1 = take(&in, 1) & 1 ? 1 : take(&in, 4);
    s.tcr_el1 = take(&in, 1) & 1 ? 0x80190019 : take(&in, 8); /* 39 bits, 4 KiB, both halves */
    s.ttbr0_el1 = any_register(&in, GUEST_RAM_BASE);
    s.ttbr1_el1 = any_register(&in, GUEST_RAM_BASE);
    regs.x[29] = any_register(&in, take(&in, 1) & 1 ? 0 : 0xffffff8000000000);
    regs.pstate = take(&in, 1);
    for (unsigned i = 0; i < WORDS && in.left; i++)
        write_word(&in);
    count = guest_backtrace(&vm, &s, &regs, frames);
    REQUIRE(count <= MAX_FRAMES);
    guest_walk(&vm, &s, regs.x[29], &ipa);
    if (guest_read_va(&vm, &s, regs.x[29], &word))
        REQUIRE(regs.x[29] % 8 == 0);
    return 0;
}
