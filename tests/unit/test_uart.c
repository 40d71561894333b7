// sources: platform/rpi4/uart.c platform/rpi4/mailbox.c drivers/pl011_uart.c drivers/mini_uart.c tests/model/mailbox_model.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_cache.c tests/fake/fake_mmio.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Which UART is the console, and how it is set up. rpi4_console() remembers its answer: each test
 * is a process. */
#include <fake/fake.h>
#include <model/mailbox_model.h>
#include <platform/rpi4/rpi4.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { GPIO = 0xfe200000, UART0 = 0xfe201000, UART2 = 0xfe201400, AUX = 0xfe215000 };

static struct mailbox_model mailbox;
static struct machine board;
static uint32_t gpio[64], pl011[0x1000 / 4], aux[0x1000 / 4];

const struct device *machine_device(const struct machine *m, enum device_kind kind)
{
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i].kind == kind)
            return &m->devices[i];
    return NULL;
}

static struct device *add(enum device_kind kind, uint64_t base, const char *path, unsigned intid)
{
    struct device *d = &board.devices[board.ndevices++];
    *d = (struct device){.kind = kind, .enabled = true, .nregs = 1, .nirqs = 1};
    d->reg[0] = (struct range){base, 0x200};
    d->intid[0] = (uint16_t)intid;
    strcpy(d->path, path);
    return d;
}

static uint32_t remember_read(void *context, uint32_t offset)
{
    return ((uint32_t *)context)[offset / 4];
}

static void remember_write(void *context, uint32_t offset, uint32_t value)
{
    ((uint32_t *)context)[offset / 4] = value;
}

static void add_registers(uint64_t base, uint32_t *registers, size_t bytes)
{
    fake_mmio_add(&(struct fake_mmio){base, bytes, remember_read, remember_write, registers});
}

static void set_up(const char *stdout_path)
{
    fake_time_reset();
    fake_time_step = 5;
    fake_mem_reset();
    add(DEV_PL011, UART0, "/soc/serial@7e201000", 153);
    add(DEV_PL011, UART2, "/soc/serial@7e201400", 153);
    add(DEV_MINI_UART, AUX + 0x40, "/soc/serial@7e215040", 125);
    add(DEV_GPIO, GPIO, "/soc/gpio@7e200000", 145);
    add(DEV_MAILBOX, MAILBOX_MODEL_BASE, "/soc/mailbox@7e00b880", 65);
    add_registers(GPIO, gpio, sizeof(gpio));
    add_registers(UART0, pl011, sizeof(pl011));
    add_registers(AUX, aux, sizeof(aux));
    mailbox_model_init(&mailbox);
    strcpy(board.stdout_path, stdout_path);
    gpio[1] = 0x3fffffff;
}

/* ---- Each in its own process ---- */

static void mini_uart_as_left(void)
{
    set_up("/soc/serial@7e215040");
    aux[1] = 0x7;        /* AUX_ENABLES: UART and both SPIs */
    aux[0x68 / 4] = 541; /* somebody's rate */
    const struct uart *u = rpi4_console(&board);
    assert_non_null(u);
    assert_int_equal(u->intid, 125);
    assert_int_equal(aux[0x68 / 4], 541);
    assert_int_equal(aux[1], 0x7);
    assert_int_equal(aux[0x60 / 4], 3);
    assert_int_equal(aux[0x44 / 4], 0);
    assert_int_equal(gpio[1] >> 12 & 077, 022); /* both ALT5 */
    assert_int_equal(gpio[1] | 077 << 12, 0x3fffffff);
    aux[0x54 / 4] = 0;
    assert_false(u->tx_ready(u));
    assert_int_equal(u->rx(u), -1);
    aux[0x54 / 4] = 0x21;
    assert_true(u->tx_ready(u));
    u->tx(u, 'x');
    assert_int_equal(aux[0x40 / 4], 'x');
    assert_int_equal(u->rx(u), 'x');
    u->rx_interrupt(u, true);
    assert_int_equal(aux[0x44 / 4], 5);
    u->rx_interrupt(u, false);
    assert_int_equal(aux[0x44 / 4], 0);
    assert_ptr_equal(rpi4_console(&board), u);
}

static void mini_uart_from_nothing(void)
{
    set_up("/soc/serial@7e215040");
    mailbox.rate[4] = 500000000;
    aux[1] = 0x2;
    assert_non_null(rpi4_console(&board));
    assert_int_equal(aux[1], 0x3);
    assert_int_equal(aux[0x68 / 4], 542); /* 500 MHz / 8 / 115200 - 1 */
    assert_int_equal(aux[0x4c / 4] & 3, 3);
}

static void pl011_as_left(void)
{
    set_up("/soc/serial@7e201000");
    pl011[0x30 / 4] = 0x301;
    pl011[0x24 / 4] = 26;
    pl011[0x28 / 4] = 3;
    const struct uart *u = rpi4_console(&board);
    assert_non_null(u);
    assert_int_equal(u->intid, 153);
    assert_int_equal(pl011[0x24 / 4], 26);
    assert_int_equal(pl011[0x28 / 4], 3);
    assert_int_equal(pl011[0x30 / 4], 0x301);
    assert_int_equal(gpio[1] >> 12 & 077, 044); /* both ALT0 */
    pl011[0x18 / 4] = 1 << 5 | 1 << 4;
    assert_false(u->tx_ready(u));
    assert_int_equal(u->rx(u), -1);
    pl011[0x18 / 4] = 0;
    assert_true(u->tx_ready(u));
    u->tx(u, 'y');
    assert_int_equal(u->rx(u), 'y');
    u->rx_interrupt(u, true);
    assert_int_equal(pl011[0x38 / 4], 0x50);
}

static void pl011_from_nothing(void)
{
    set_up("/soc/serial@7e201000");
    mailbox.rate[2] = 48000000;
    pl011[0x18 / 4] = 1 << 3; /* busy for ever: bounded */
    uint64_t start = fake_time;
    assert_non_null(rpi4_console(&board));
    assert_true(fake_time - start < FAKE_HZ / 10);
    assert_int_equal(pl011[0x24 / 4], 26);
    assert_int_equal(pl011[0x28 / 4], 3);
    assert_int_equal(pl011[0x2c / 4], 0x70);
    assert_int_equal(pl011[0x30 / 4], 0x301);
}

static void other_pl011_keeps_the_header(void)
{
    set_up("/soc/serial@7e201400");
    pl011[0x430 / 4] = 1;
    pl011[0x424 / 4] = 26;
    assert_non_null(rpi4_console(&board));
    assert_int_equal(gpio[1], 0x3fffffff);
    assert_int_equal(pl011[0x430 / 4], 0x301);
    assert_int_equal(pl011[0x30 / 4], 0);
}

static void nothing_named(void)
{
    set_up("/soc/something@else");
    assert_int_equal(rpi4_console(&board)->intid, 125);
}

static void named_one_disabled(void)
{
    set_up("/soc/serial@7e215040");
    board.devices[2].enabled = false;
    assert_int_equal(rpi4_console(&board)->intid, 153);
}

static void none_at_all(void)
{
    assert_null(rpi4_console(&board));
}

static void (*const cases[])(void) = {
    mini_uart_as_left,
    mini_uart_from_nothing,
    pl011_as_left,
    pl011_from_nothing,
    other_pl011_keeps_the_header,
    nothing_named,
    named_one_disabled,
    none_at_all,
};
static unsigned current;

static void run_current(void **state)
{
    (void)state;
    cases[current]();
}

static void test_console(void **state)
{
    (void)state;
    for (current = 0; current < ARRAY_SIZE(cases); current++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            const struct CMUnitTest one[] = {cmocka_unit_test(run_current)};
            _exit(cmocka_run_group_tests(one, NULL, NULL));
        }
        waitpid(child, &status, 0);
        if (status != 0)
            fail_msg("case %u", current);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_console)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
