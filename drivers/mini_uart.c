/* SPDX-License-Identifier: BSD-2-Clause */
/* Mini UART ("BCM2711 ARM Peripherals", section 2.2). Its rate follows the VPU's core clock. */
#include <bulkhead/arch.h>
#include <drivers/uart.h>

/* Section 2.1's table, from AUX_MU_IO_REG. AUX_ENABLES is shared with two SPI controllers. */
enum {
    AUX_MU_IO = 0x00,
    AUX_MU_IER = 0x04,
    AUX_MU_IIR = 0x08,
    AUX_MU_LCR = 0x0c,
    AUX_MU_MCR = 0x10,
    AUX_MU_LSR = 0x14,
    AUX_MU_CNTL = 0x20,
    AUX_MU_BAUD = 0x28,
    AUX_BLOCK_TO_MU = 0x40, /* AUX_MU_IO_REG's place in the block; AUX_ENABLES is at 4 */
    AUX_ENABLES = 0x04,
};

enum {
    ENABLES_MINI_UART = 1 << 0,
    /* The receive enable needs bit 2 set beside it, as 16550's line status enable: the document
     * calls bits 3:2 don't-care, which its public errata list corrects. */
    IER_RECEIVE = 1 << 0 | 1 << 2,
    IIR_CLEAR_RX = 1 << 1,
    IIR_CLEAR_TX = 1 << 2,
    LCR_8_BITS = 3, /* both bits (errata list) */
    LSR_DATA_READY = 1 << 0,
    LSR_TX_ROOM = 1 << 5,
    CNTL_RX = 1 << 0,
    CNTL_TX = 1 << 1,
};

static uint32_t get(const struct uart *u, unsigned reg)
{
    return mmio_read32((const uint8_t *)u->base + reg);
}

static void set(const struct uart *u, unsigned reg, uint32_t value)
{
    mmio_write32((uint8_t *)u->base + reg, value);
}

static bool tx_ready(const struct uart *u)
{
    return get(u, AUX_MU_LSR) & LSR_TX_ROOM;
}

static void tx(const struct uart *u, uint8_t byte)
{
    set(u, AUX_MU_IO, byte);
}

static int rx(const struct uart *u)
{
    return get(u, AUX_MU_LSR) & LSR_DATA_READY ? (int)(get(u, AUX_MU_IO) & 0xff) : -1;
}

static void rx_interrupt(const struct uart *u, bool on)
{
    set(u, AUX_MU_IER, on ? IER_RECEIVE : 0);
}

void mini_uart_attach(struct uart *u, paddr_t base, unsigned intid)
{
    uint8_t *block = map_device(paddr(base.v - AUX_BLOCK_TO_MU), 0x1000);
    *u = (struct uart){
        .name = "mini UART",
        .base = block ? block + AUX_BLOCK_TO_MU : NULL,
        .intid = intid,
        .tx_ready = tx_ready,
        .tx = tx,
        .rx = rx,
        .rx_interrupt = rx_interrupt,
    };
}

static uint8_t *enables(const struct uart *u)
{
    return (uint8_t *)u->base - AUX_BLOCK_TO_MU + AUX_ENABLES;
}

/* While the enable bit is clear the other registers must not be touched (section 2.1.1). */
bool mini_uart_configured(const struct uart *u)
{
    return (mmio_read32(enables(u)) & ENABLES_MINI_UART) && get(u, AUX_MU_BAUD) != 0;
}

void mini_uart_start(struct uart *u, uint32_t clock_hz)
{
    uint32_t others = mmio_read32(enables(u));
    if (!(others & ENABLES_MINI_UART))
        mmio_write32(enables(u), others | ENABLES_MINI_UART);
    set(u, AUX_MU_IER, 0);
    if (clock_hz) {
        set(u, AUX_MU_CNTL, 0);
        set(u, AUX_MU_BAUD, (clock_hz + UART_BAUD * 4) / (UART_BAUD * 8) - 1); /* section 2.2.1 */
        set(u, AUX_MU_IIR, IIR_CLEAR_RX | IIR_CLEAR_TX);
    }
    set(u, AUX_MU_LCR, LCR_8_BITS);
    set(u, AUX_MU_MCR, 0);
    set(u, AUX_MU_CNTL, CNTL_RX | CNTL_TX); /* no automatic flow control */
}
