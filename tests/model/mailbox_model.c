/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailbox_model.h"

enum { READ = 0x00, STATUS0 = 0x18, WRITE = 0x20, STATUS1 = 0x38 };

static uint32_t word_at(uint64_t pa)
{
    uint32_t v = 0;
    fake_dram_read(paddr(pa), &v, 4);
    return v;
}

static void put_word(uint64_t pa, uint32_t v)
{
    fake_dram_write(paddr(pa), &v, 4);
}

static uint32_t answer(struct mailbox_model *m, uint32_t tag, uint32_t id, uint32_t hz)
{
    id %= MAILBOX_MODEL_CLOCKS;
    switch (tag) {
    case 0x00020001:
        return id == 3 ? m->usb_state : 2;
    case 0x00030002:
        return m->rate[id];
    case 0x00030004:
        return m->most[id];
    case 0x00038002:
        m->rate[id] = hz < m->most[id] ? hz : m->most[id];
        return m->rate[id];
    default:
        return 0;
    }
}

/* One tag: size, code, tag, value bytes, code, value... (wiki, "Buffer contents", "Tag format") */
static void property(struct mailbox_model *m, uint64_t pa)
{
    uint32_t tag = word_at(pa + 8);
    m->calls++;
    if (word_at(pa) < 24 || word_at(pa + 4) != 0) {
        put_word(pa + 4, 0x80000001);
        return;
    }
    if (!m->knows_nothing && tag == 0x00048001) {
        m->releases++;
        put_word(pa + 16, 0x80000000);
    } else if (!m->knows_nothing) {
        put_word(pa + 24, answer(m, tag, word_at(pa + 20), word_at(pa + 24)));
        put_word(pa + 16, 0x80000008);
    }
    put_word(pa + 4, 0x80000000);
}

static void send(struct mailbox_model *m, uint32_t word)
{
    /* The bus alias of RAM that the VideoCore's masters use; its low bits are the channel. */
    if ((word & 0xf) != 8 || (word & 0xc0000000) != 0xc0000000 || m->silent)
        return;
    if (m->held)
        m->queue[m->queued++ % 8] = m->held;
    if (m->late || m->held) {
        m->held = word;
        return;
    }
    property(m, word & 0x3ffffff0);
    m->queue[m->queued++ % 8] = word;
}

/* The last one's word was read: on to what came meanwhile, when that is asked for. */
static void catch_up(struct mailbox_model *m)
{
    uint32_t word = m->held;
    if (m->late || m->queued || !word)
        return;
    m->held = 0;
    send(m, word);
}

static uint32_t read(void *context, uint32_t offset)
{
    struct mailbox_model *m = context;
    uint32_t word = 0;
    if (offset == STATUS0) {
        catch_up(m);
        return m->queued || m->stale ? 0 : 1u << 30;
    }
    if (offset == STATUS1)
        return m->stays_full ? 1u << 31 : 0;
    if (offset == READ && m->stale) {
        m->stale--;
        return 0xc0123458;
    }
    if (offset == READ && m->queued) {
        word = m->queue[0];
        for (unsigned i = 1; i < m->queued; i++)
            m->queue[i - 1] = m->queue[i];
        m->queued--;
    }
    return word;
}

static void write(void *context, uint32_t offset, uint32_t value)
{
    if (offset == WRITE)
        send(context, value);
}

void mailbox_model_init(struct mailbox_model *m)
{
    *m = (struct mailbox_model){.usb_state = 1};
    fake_mmio_add(&(struct fake_mmio){MAILBOX_MODEL_BASE, 0x40, read, write, m});
}
