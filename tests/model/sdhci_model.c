/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdhci_model.h"
#include <string.h>

/* Registers as word indexes (chapter 2) */
enum {
    BLOCK = 1,
    ARGUMENT,
    COMMAND_MODE,
    RESPONSE0,
    BUFFER = 8,
    PRESENT,
    HOST,
    CLOCK,
    STATUS,
    ENABLE,
    SIGNAL,
    CONTROL2,
    CAPABILITIES,
    ADMA = 0x58 / 4,
    VERSION = 0xfc / 4
};
enum {
    COMMAND_COMPLETE = 1 << 0,
    TRANSFER_COMPLETE = 1 << 1,
    WRITE_READY = 1 << 4,
    READ_READY = 1 << 5,
    ERROR_CMD_TIMEOUT = 1 << 16,
    ERROR_DATA_TIMEOUT = 1 << 20,
    ERROR_DATA_CRC = 1 << 21,
    ERROR_AUTO_CMD = 1 << 24,
    ERROR_ADMA = 1 << 25,
};
enum {
    MODE_DMA = 1,
    MODE_COUNT = 2,
    MODE_AUTO12 = 4,
    MODE_READ = 16,
    MODE_MULTI = 32,
    DATA_PRESENT = 1 << 21
};

static void violate(struct sdhci_model *m, const char *what)
{
    if (!m->violations++)
        m->violation = what;
}

static void raise_bits(struct sdhci_model *m, uint32_t bits)
{
    m->regs[STATUS] |= bits & m->regs[ENABLE];
}

bool sdhci_model_irq(const struct sdhci_model *m)
{
    return (m->regs[STATUS] & m->regs[SIGNAL]) != 0;
}

uint32_t sdhci_model_clock_hz(const struct sdhci_model *m)
{
    uint32_t word = m->regs[CLOCK], base = (m->capabilities >> 8 & 0xff) * 1000000;
    uint32_t n = (word >> 8 & 0xff) | (word >> 6 & 3) << 8;
    if (!(word & 4))
        return 0;
    return n ? base / (2 * n) : base;
}

/* ---- Data ---- */

static uint32_t block_bytes(const struct sdhci_model *m)
{
    return m->regs[BLOCK] & 0xfff;
}

static uint32_t mode(const struct sdhci_model *m)
{
    return m->regs[COMMAND_MODE];
}

static void data_error(struct sdhci_model *m, uint32_t bits)
{
    m->buffered = 0;
    raise_bits(m, bits); /* DAT stays inhibited until it is reset */
}

static void end_transfer(struct sdhci_model *m)
{
    if (mode(m) & MODE_AUTO12) {
        if (card_command(m->card, 12, 0) == CARD_SILENT) {
            data_error(m, ERROR_AUTO_CMD);
            return;
        }
        m->regs[RESPONSE0 + 3] = m->card->response[0];
    } else if (!(mode(m) & MODE_MULTI)) {
        card_end(m->card);
    }
    if (m->card->dead || (card_is_busy(m->card) && m->card->busy_for_ever)) {
        if (m->data_timeouts)
            data_error(m, ERROR_DATA_TIMEOUT);
        return;
    }
    m->dat_inhibit = 0;
    raise_bits(m, TRANSFER_COMPLETE);
}

/* Programmed I/O: fetch the next block into the buffer, or make room for one. */
static void next_block(struct sdhci_model *m)
{
    if (m->blocks_left == 0) {
        end_transfer(m);
        return;
    }
    m->blocks_left--;
    m->position = 0;
    m->buffered = block_bytes(m);
    if (!(mode(m) & MODE_READ)) {
        raise_bits(m, WRITE_READY);
        return;
    }
    if (m->card->data_never_comes) {
        if (m->data_timeouts)
            data_error(m, ERROR_DATA_TIMEOUT);
        m->buffered = 0;
    } else if (!card_read_block(m->card, m->buffer)) {
        data_error(m, ERROR_DATA_CRC);
    } else {
        raise_bits(m, READ_READY);
    }
}

static uint32_t read_buffer(struct sdhci_model *m)
{
    uint32_t word = 0;
    m->pio_words++;
    if (m->position + 4 > m->buffered || !(mode(m) & MODE_READ)) {
        violate(m, "buffer read while there is no block");
        return 0xdeadbeef;
    }
    memcpy(&word, m->buffer + m->position, 4);
    m->position += 4;
    if (m->position == m->buffered)
        next_block(m);
    return word;
}

static void write_buffer(struct sdhci_model *m, uint32_t word)
{
    m->pio_words++;
    if (m->position + 4 > m->buffered || (mode(m) & MODE_READ)) {
        violate(m, "buffer written while there is no room");
        return;
    }
    memcpy(m->buffer + m->position, &word, 4);
    m->position += 4;
    if (m->position < m->buffered)
        return;
    if (m->card->data_never_comes) {
        if (m->data_timeouts)
            data_error(m, ERROR_DATA_TIMEOUT);
        m->buffered = 0;
    } else if (card_write_block(m->card, m->buffer)) {
        next_block(m);
    } else {
        data_error(m, ERROR_DATA_CRC);
    }
}

/* ADMA2, 32-bit addresses (1.13): one block at a time, through descriptors that need not match
 * blocks. */
struct walk {
    uint64_t table, address;
    uint32_t left;
    bool end;
};

static bool next_piece(struct sdhci_model *m, struct walk *w)
{
    uint8_t d[8];
    uint32_t address;
    if (w->end || !fake_dram_read(paddr(w->table - m->dma_offset), d, sizeof(d)) || !(d[0] & 1) ||
        (d[0] & 0x30) != 0x20)
        return false;
    memcpy(&address, d + 4, 4);
    w->left = (uint32_t)d[2] | (uint32_t)d[3] << 8;
    if (w->left == 0)
        w->left = 65536;
    w->address = address;
    w->end = d[0] & 2;
    w->table += 8;
    return address % 4 == 0;
}

static bool dma_block(struct sdhci_model *m, struct walk *w, bool to_memory)
{
    for (uint32_t done = 0; done < 512;) {
        if (w->left == 0 && !next_piece(m, w))
            return false;
        uint32_t n = MIN(w->left, 512 - done);
        paddr_t pa = paddr(w->address - m->dma_offset);
        if (!(to_memory ? fake_dram_write(pa, m->buffer + done, n)
                        : fake_dram_read(pa, m->buffer + done, n)))
            return false;
        w->address += n;
        w->left -= n;
        done += n;
    }
    return true;
}

static void run_dma(struct sdhci_model *m)
{
    struct walk w = {.table = m->regs[ADMA]};
    bool read = mode(m) & MODE_READ;
    m->dma_transfers++;
    if ((m->regs[HOST] >> 3 & 3) != 2)
        violate(m, "DMA without ADMA2 selected");
    for (; m->blocks_left; m->blocks_left--) {
        if (m->card->data_never_comes) {
            if (m->data_timeouts)
                data_error(m, ERROR_DATA_TIMEOUT);
            return;
        }
        if (read && !card_read_block(m->card, m->buffer)) {
            data_error(m, ERROR_DATA_CRC);
            return;
        }
        if (!dma_block(m, &w, read)) {
            data_error(m, ERROR_ADMA);
            return;
        }
        if (!read && !card_write_block(m->card, m->buffer)) {
            data_error(m, ERROR_DATA_CRC);
            return;
        }
    }
    if (m->dma_us)
        m->dma_end = fake_time + m->dma_us * FAKE_TICKS_PER_US;
    else
        end_transfer(m);
}

static uint32_t read_status(struct sdhci_model *m)
{
    if (m->dma_end && fake_time >= m->dma_end) {
        m->dma_end = 0;
        end_transfer(m);
    }
    return m->regs[STATUS];
}

static void start_data(struct sdhci_model *m)
{
    m->blocks_left = mode(m) & MODE_MULTI ? m->regs[BLOCK] >> 16 : 1;
    if ((mode(m) & MODE_MULTI) && !(mode(m) & MODE_COUNT))
        violate(m, "several blocks without a count");
    if (mode(m) & MODE_DMA)
        run_dma(m);
    else
        next_block(m);
}

/* ---- Commands ---- */

static void command(struct sdhci_model *m, uint32_t word)
{
    unsigned index = word >> 24 & 0x3f;
    bool data = word & DATA_PRESENT;
    m->regs[COMMAND_MODE] = word;
    m->commands++;
    if (m->cmd_inhibit || (m->dat_inhibit && (data || (word >> 16 & 3) == 3)))
        violate(m, "command while inhibited");
    if (!sdhci_model_clock_hz(m))
        violate(m, "command without a clock");
    if (m->mute || (m->mute_at && m->commands >= m->mute_at)) {
        m->cmd_inhibit = 1;
        return;
    }
    bool answered = card_command(m->card, index, m->regs[ARGUMENT]) != CARD_SILENT;
    if (!answered && (word >> 16 & 3) != 0) { /* where a response is expected (2.2.6) */
        m->cmd_inhibit = 1;                   /* until the CMD line is reset (3.10.1) */
        raise_bits(m, ERROR_CMD_TIMEOUT);
        return;
    }
    memcpy(&m->regs[RESPONSE0], m->card->response, sizeof(m->card->response));
    raise_bits(m, COMMAND_COMPLETE);
    if ((word >> 16 & 3) == 3) /* busy, over at once */
        raise_bits(m, TRANSFER_COMPLETE);
    /* An error in the response leaves the card where it was: no data. */
    if (data && (m->card->state == CARD_DATA || m->card->state == CARD_RCV)) {
        m->dat_inhibit = 2;
        start_data(m);
    } else if (data) {
        m->dat_inhibit = 2;
    }
}

/* ---- Registers ---- */

static void clock_and_reset(struct sdhci_model *m, uint32_t value)
{
    m->regs[CLOCK] = value & 0x00ffffff & ~2u;
    if ((value & 1) && !m->clock_unstable)
        m->regs[CLOCK] |= 2;
    if (value & 1u << 24) {
        memset(m->regs, 0, sizeof(m->regs));
        m->cmd_inhibit = m->dat_inhibit = 0;
    }
    if (value & 1u << 25)
        m->cmd_inhibit = 0;
    if (value & 1u << 26) {
        m->dat_inhibit = 0;
        m->buffered = 0;
        m->blocks_left = 0;
    }
    if (value & 7u << 24) {
        m->regs[CLOCK] |= value & 7u << 24;
        m->resetting = m->reset_reads;
    }
}

static uint32_t read_clock(struct sdhci_model *m)
{
    if ((m->regs[CLOCK] & 7u << 24) && !m->reset_sticks && m->resetting-- == 0)
        m->regs[CLOCK] &= ~(7u << 24);
    return m->regs[CLOCK];
}

static uint32_t read(void *context, uint32_t offset)
{
    struct sdhci_model *m = context;
    switch (offset / 4) {
    case BUFFER:
        return read_buffer(m);
    case PRESENT:
        return 1u << 16 | m->cmd_inhibit | m->dat_inhibit | (card_is_busy(m->card) ? 0 : 1u << 20);
    case STATUS:
        return read_status(m);
    case CLOCK:
        return read_clock(m);
    case CAPABILITIES:
        return m->capabilities;
    case VERSION:
        return 2u << 16;
    default:
        return m->regs[offset / 4];
    }
}

/* EMMC2: see platform/rpi4/emmc2.c, and write_clock() of the driver. The buffer's clock domain is
 * another. */
static bool is_lost(struct sdhci_model *m, uint32_t offset)
{
    uint32_t now = sdhci_model_clock_hz(m), hz = now ? now : m->last_hz;
    uint64_t rest = 4ull * FAKE_HZ / hz, since = fake_time - m->last_write;
    m->last_write = fake_time;
    m->last_hz = hz; /* a stopped clock: as before */
    bool again = offset / 4 == CLOCK && m->last_offset == offset && since * hz < 2ull * FAKE_HZ;
    m->last_offset = offset;
    if (!m->slow_write_rule || offset / 4 == BUFFER || !(again || (hz <= 400000 && since < rest)))
        return false;
    m->lost_writes++;
    return true;
}

static void write(void *context, uint32_t offset, uint32_t value)
{
    struct sdhci_model *m = context;
    if (is_lost(m, offset))
        return;
    switch (offset / 4) {
    case BUFFER:
        write_buffer(m, value);
        break;
    case COMMAND_MODE:
        command(m, value);
        break;
    case CLOCK:
        clock_and_reset(m, value);
        break;
    case STATUS:
        m->regs[STATUS] &= ~value;
        break;
    default:
        m->regs[offset / 4] = value;
    }
}

void sdhci_model_init(struct sdhci_model *m, struct card_model *card)
{
    *m = (struct sdhci_model){.card = card, .capabilities = 100 << 8 | 1 << 21, .reset_reads = 1};
    m->last_write = fake_time - FAKE_HZ;
    m->last_hz = 400000;
    fake_mmio_add(&(struct fake_mmio){SDHCI_MODEL_BASE, 0x100, read, write, m});
}
