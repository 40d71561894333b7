/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <drivers/sdhci_regs.h>
#include <string.h>

enum {
    RESET_MS = 100,
    CLOCK_MS = 150,      /* 2.2.14: the internal clock is stable within 150 ms */
    CLOCK_WRITE_US = 10, /* two clocks of 200 kHz */
    COMMAND_MS = 200,
    BUSY_MS = 1000, /* reading a block: Physical Layer 4.6.2.1 asks 100 ms */
    SLOW_HZ = 400000,
};

uint32_t sdhci_read(const struct sdhci *h, unsigned reg)
{
    return mmio_read32(h->regs + reg);
}

void sdhci_write(struct sdhci *h, unsigned reg, uint32_t value)
{
    mmio_write32(h->regs + reg, value);
    if (h->board.slow_write_clocks && h->sd_hz <= SLOW_HZ) {
        uint32_t hz = h->sd_hz ? h->sd_hz : SLOW_HZ;
        wait_us((h->board.slow_write_clocks * 1000000 + hz - 1) / hz);
    }
}

/* Wait until (register & mask) == value. */
static bool wait_for(const struct sdhci *h, unsigned reg, uint32_t mask, uint32_t value,
                     unsigned ms)
{
    uint64_t limit = time_now() + ticks_from_us(ms * 1000ull);
    while ((sdhci_read(h, reg) & mask) != value)
        if (time_now() > limit)
            return false;
    return true;
}

/* The clock's word also holds the time-out and the reset byte. */
static bool reset(struct sdhci *h, uint32_t what)
{
    sdhci_write(h, SDHCI_CLOCK, (sdhci_read(h, SDHCI_CLOCK) & 0x00ffffff) | what);
    return wait_for(h, SDHCI_CLOCK, what, 0, RESET_MS);
}

/* 2.2.14, 10-bit divided clock: base / 2N, N = 0: base. */
static uint32_t divider(uint32_t base, uint32_t hz)
{
    uint32_t n = hz >= base ? 0 : (base + 2 * hz - 1) / (2 * hz);
    return MIN(n, 0x3ffu);
}

/* The controller may lose one of two writes to a register within two SD clocks (Linux
 * drivers/mmc/host/sdhci-iproc.c), and the first of these stops the SD clock. */
static void write_clock(struct sdhci *h, uint32_t word)
{
    sdhci_write(h, SDHCI_CLOCK, word);
    wait_us(CLOCK_WRITE_US);
}

/* 3.2.1, 3.2.3 */
bool sdhci_set_clock(struct sdhci *h, uint32_t hz)
{
    uint32_t n = divider(h->clock_hz, MAX(hz, h->board.min_hz));
    uint32_t word = TIMEOUT_LONGEST | (n & 0xff) << 8 | (n >> 8) << 6;
    write_clock(h, TIMEOUT_LONGEST); /* SD clock off while it changes */
    write_clock(h, word | CLOCK_INTERNAL);
    if (!wait_for(h, SDHCI_CLOCK, CLOCK_STABLE, CLOCK_STABLE, CLOCK_MS))
        return false;
    write_clock(h, word | CLOCK_INTERNAL | CLOCK_SD);
    h->sd_hz = n ? h->clock_hz / (2 * n) : h->clock_hz; /* the old one's rest applied until here */
    return true;
}

void sdhci_send(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags, unsigned mode)
{
    sdhci_write(h, SDHCI_INT_STATUS, INT_USED);
    sdhci_write(h, SDHCI_ARGUMENT, argument);
    sdhci_write(h, SDHCI_COMMAND_MODE, index << 24 | flags << 16 | mode);
}

const char *sdhci_error_text(uint32_t int_status)
{
    static const char *const texts[16] = {
        "the card does not answer", "bad CRC of a response",
        "bad end of a response",    "wrong response",
        "time-out of data",         "bad CRC of data",
        "bad end of data",          "current limit",
        "error at the stop",        "DMA error",
    };
    for (unsigned i = 0; i < 16; i++)
        if (int_status & 1u << (16 + i))
            return texts[i] ? texts[i] : "controller error";
    return "controller error";
}

/* Poll for an interrupt status bit. */
static bool wait_status(struct sdhci *h, uint32_t bit, unsigned ms)
{
    uint64_t limit = time_now() + ticks_from_us(ms * 1000ull);
    for (;;) {
        uint32_t status = sdhci_read(h, SDHCI_INT_STATUS);
        if (status & INT_ERRORS) {
            h->error = sdhci_error_text(status);
            return false;
        }
        if (status & bit) {
            sdhci_write(h, SDHCI_INT_STATUS, bit);
            return true;
        }
        if (time_now() > limit) {
            h->error = "the controller does not answer";
            return false;
        }
    }
}

static bool give_up(struct sdhci *h)
{
    const char *error = h->error; /* 3.10.1: error recovery resets the lines */
    reset(h, RESET_CMD);
    reset(h, RESET_DAT);
    sdhci_write(h, SDHCI_INT_STATUS, INT_USED);
    h->error = error;
    return false;
}

static bool begin(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags, unsigned mode)
{
    h->error = NULL;
    if (!wait_for(h, SDHCI_PRESENT, PRESENT_CMD_INHIBIT | PRESENT_DAT_INHIBIT, 0, COMMAND_MS)) {
        h->error = "the bus stays busy";
        return false;
    }
    sdhci_send(h, index, argument, flags, mode);
    return wait_status(h, INT_COMMAND, COMMAND_MS);
}

bool sdhci_command(struct sdhci *h, unsigned index, uint32_t argument, unsigned flags)
{
    return begin(h, index, argument, flags, 0) || give_up(h);
}

bool sdhci_command_read(struct sdhci *h, unsigned index, uint32_t argument, void *data,
                        unsigned bytes)
{
    sdhci_write(h, SDHCI_BLOCK, 1u << 16 | bytes);
    if (!begin(h, index, argument, RESPONSE_R1 | COMMAND_DATA, MODE_READ) ||
        !wait_status(h, INT_READ_READY, BUSY_MS))
        return give_up(h);
    for (unsigned i = 0; i < bytes; i += 4) {
        uint32_t word = sdhci_read(h, SDHCI_BUFFER);
        memcpy((uint8_t *)data + i, &word, 4);
    }
    return wait_status(h, INT_TRANSFER, BUSY_MS) || give_up(h);
}

static bool start_controller(struct sdhci *h, struct refusal *why)
{
    if (!reset(h, RESET_ALL)) {
        refuse(why, "the card's controller does not come out of reset");
        return false;
    }
    h->capabilities = sdhci_read(h, SDHCI_CAPABILITIES);
    h->clock_hz = h->board.clock_hz;
    if (!h->clock_hz)
        h->clock_hz = (h->capabilities >> CAPS_BASE_MHZ_SHIFT & CAPS_BASE_MHZ_MASK) * 1000000;
    if (!h->clock_hz) {
        refuse(why, "nobody says how fast the card controller's clock is");
        return false;
    }
    sdhci_write(h, SDHCI_SIGNAL_ENABLE, 0);
    sdhci_write(h, SDHCI_INT_STATUS, ~0u);
    sdhci_write(h, SDHCI_INT_ENABLE, INT_USED);
    sdhci_write(h, SDHCI_CONTROL2, 0); /* 3.3 V signalling, no UHS mode */
    sdhci_write(h, SDHCI_HOST_CONTROL, HOST_POWER_3V3);
    wait_us(2000); /* Physical Layer 6.4.1: 1 ms of supply and 74 clocks before the first command */
    if (!sdhci_set_clock(h, SLOW_HZ)) {
        refuse(why, "the card's clock does not become stable");
        return false;
    }
    wait_us(1000);
    return true;
}

bool sdhci_open(struct sdhci *h, const struct sdhci_board *board, struct refusal *why)
{
    *h = (struct sdhci){.board = *board};
    h->regs = map_device(board->base, 0x100);
    if (!h->regs || !start_controller(h, why) || !sdhci_bring_up_card(h, why))
        return false;
    sdhci_run_init(h);
    return true;
}
