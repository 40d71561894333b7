/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Property channel of the VideoCore's mailbox (firmware wiki: "Mailboxes", "Accessing mailboxes",
 * "Mailbox property interface"). The firmware reads and writes our buffer as a bus master that sees
 * no cache of ours.
 */
#include "mailbox.h"
#include <bulkhead/arch.h>
#include <string.h>

/* Wiki "Mailboxes": mailbox 0 is read by the ARM, mailbox 1 written. Offsets from the node's reg
 * (0x7e00b880). */
enum {
    MAIL0_READ = 0x00,
    MAIL0_STATUS = 0x18,
    MAIL1_WRITE = 0x20,
    MAIL1_STATUS = 0x38,
    CHANNEL_PROPERTY = 8, /* ARM to VideoCore */
    CHANNEL_MASK = 0xf,
};

static const uint32_t status_full = 1u << 31, status_empty = 1u << 30;
static const uint32_t code_success = 0x80000000, value_response = 0x80000000;
/* The VideoCore sees RAM past its L2 at this alias (wiki, "Accessing mailboxes"). */
static const uint32_t bus_alias = 0xc0000000;

/* Linux drivers/firmware/raspberrypi.c waits a second: a call may change voltages, or a display's
 * state. */
enum { ANSWER_MS = 1000, VALUE_WORDS = 3, DRAIN_MAX = 16, SKIP_TURBO = 1 };

/* One message: header, one tag with a value buffer, end tag. Each has a cache line of its own. They
 * take turns, so that an answer that came too late is not taken for the next one's. */
static struct message {
    uint32_t bytes, code;
    uint32_t tag, value_bytes, value_code;
    uint32_t value[VALUE_WORDS];
    uint32_t end;
} __attribute__((aligned(64))) messages[2];
_Static_assert(sizeof(messages[0]) == 64, "one cache line");

static uint8_t *registers(const struct machine *m)
{
    static uint8_t *mapped;
    const struct device *d = machine_device(m, DEV_MAILBOX);
    if (!d || !d->enabled || !d->nregs)
        return NULL;
    if (!mapped)
        mapped = map_device(paddr(d->reg[0].base), 0x40);
    return mapped;
}

static bool wait_clear(const uint8_t *reg, uint32_t bits, uint64_t limit)
{
    while (mmio_read32(reg) & bits)
        if (time_now() > limit)
            return false;
    return true;
}

/* Send `word` and wait for the same word back. */
static bool exchange(uint8_t *regs, uint32_t word)
{
    uint64_t limit = time_now() + time_hz() / 1000 * ANSWER_MS;
    /* What an earlier owner left unread would be taken for our answer. */
    for (unsigned i = 0; i < DRAIN_MAX && !(mmio_read32(regs + MAIL0_STATUS) & status_empty); i++)
        mmio_read32(regs + MAIL0_READ);
    if (!wait_clear(regs + MAIL1_STATUS, status_full, limit))
        return false;
    mmio_write32(regs + MAIL1_WRITE, word);
    do {
        if (!wait_clear(regs + MAIL0_STATUS, status_empty, limit))
            return false;
    } while (mmio_read32(regs + MAIL0_READ) != word && time_now() <= limit);
    return time_now() <= limit;
}

bool mailbox_call(const struct machine *m, uint32_t tag, uint32_t *value, unsigned words)
{
    static unsigned calls;
    struct message *message = &messages[calls++ % ARRAY_SIZE(messages)];
    uint8_t *regs = registers(m);
    uint64_t pa = image_paddr(message).v;
    if (!regs || words > VALUE_WORDS || pa >= GIB(1))
        return false;
    *message = (struct message){.bytes = sizeof(*message), .tag = tag, .value_bytes = words * 4};
    memcpy(message->value, value, words * 4);
    cache_clean(message, sizeof(*message));
    dma_barrier();
    if (!exchange(regs, bus_alias | (uint32_t)pa | CHANNEL_PROPERTY))
        return false;
    dma_barrier();
    cache_invalidate(message, sizeof(*message));
    memcpy(value, message->value, words * 4);
    return message->code == code_success && (message->value_code & value_response);
}

bool mailbox_clock(const struct machine *m, enum mailbox_tag tag, enum mailbox_clock clock,
                   uint32_t hz_to_set, uint32_t *hz)
{
    uint32_t value[VALUE_WORDS] = {clock, hz_to_set, SKIP_TURBO};
    if (!mailbox_call(m, tag, value, tag == TAG_SET_CLOCK_RATE ? 3 : 2) || value[0] != clock)
        return false;
    *hz = value[1];
    return true;
}

uint32_t mailbox_clock_rate(const struct machine *m, enum mailbox_clock clock)
{
    uint32_t hz = 0;
    if (mailbox_clock(m, TAG_GET_CLOCK_RATE, clock, 0, &hz) && hz)
        return hz;
    return mailbox_clock(m, TAG_GET_MAX_CLOCK_RATE, clock, 0, &hz) ? hz : 0;
}
