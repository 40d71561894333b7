// sources: vdev/pl011.c vdev/hot.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"
#include <bulkhead/console.h>
#include <bulkhead/hot.h>
#include <bulkhead/vm.h>

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    DMACR = 0x48,
    BUSY = 1 << 3,
    RXFE = 1 << 4,
    TXFF = 1 << 5,
    RXFF = 1 << 6,
    TXFE = 1 << 7,
    FEN = 1 << 4,
    LBE = 1 << 7,
    RX = 1 << 4,
    TX = 1 << 5,
    RT = 1 << 6,
    OE = 1 << 10,
};

static struct vm vm;
static struct pl011 *uart = &vm.uart;
static char sent[64];
static unsigned nsent, room, input_room, changes;
static bool line;
static unsigned late_room, puts_tried;
static bool lies, joining, resetting;
static bool callback; /* the console tells about room from within, as it may */

void lock_wait(const struct lock *l, uint16_t ticket)
{
    (void)l;
    (void)ticket;
    fail_msg("a lock is taken twice");
}

void vgic_set_level(struct vm *v, unsigned intid, bool level)
{
    assert_ptr_equal(v, &vm);
    assert_int_equal(intid, 33);
    assert_int_not_equal(level, line); /* only changes are told */
    line = level;
    changes++;
}

bool console_vm_put(struct vm *v, uint8_t byte)
{
    assert_ptr_equal(v, &vm);
    assert_true(puts_tried++ < 1000000); /* or it goes on for ever */
    if (room == 0) {
        if (lies || late_room) {
            room = late_room ? 1 : 0;
            late_room -= room;
            pl011_transmit_room(uart);
        }
        return false;
    }
    room--;
    sent[nsent++ % sizeof(sent)] = (char)byte;
    if (resetting)
        pl011_reset(uart, &vm);
    if (callback)
        pl011_transmit_room(uart);
    if (joining)
        pl011_access(NULL, uart,
                     &(struct mmio_access){.offset = DR, .size = 1, .write = true, .value = 'j'});
    return true;
}

void console_vm_input_room(struct vm *v)
{
    assert_ptr_equal(v, &vm);
    input_room++;
    if (callback)
        pl011_receive(uart, 'c');
}

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof(vm));
    memset(sent, 0, sizeof(sent));
    nsent = input_room = changes = late_room = puts_tried = 0;
    lies = joining = resetting = false;
    room = 1000;
    line = callback = false;
    pl011_reset(uart, &vm);
    return 0;
}

static uint32_t get(uint32_t offset)
{
    struct mmio_access a = {.offset = offset, .size = 4};
    uint64_t hot;
    vm.vcpus[0].vm = &vm;
    hot = hot_uart_read(&vm.vcpus[0], offset);
    assert_true(pl011_access(&vm.vcpus[0], uart, &a));
    if (hot != HOT_NO) /* the fast path has an answer: the same one */
        assert_int_equal(hot, a.value);
    return (uint32_t)a.value;
}

static void put(uint32_t offset, uint32_t value)
{
    struct mmio_access a = {.offset = offset, .size = 4, .write = true, .value = value};
    assert_true(pl011_access(&vm.vcpus[0], uart, &a));
}

static void power_on_values(void **state)
{
    static const uint32_t id[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)state;
    assert_int_equal(get(CR), 0x300);
    assert_int_equal(get(IFLS), 0x12);
    assert_int_equal(get(FR) & (RXFE | TXFE | RXFF | TXFF | BUSY), RXFE | TXFE);
    assert_int_equal(get(RIS), 0);
    assert_int_equal(get(IMSC), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(0xfe0 + 4 * i), id[i]);
}

static void flags_have_a_fast_path(void **state)
{
    (void)state;
    vm.vcpus[0].vm = &vm;
    assert_int_equal(hot_uart_read(&vm.vcpus[0], FR), get(FR));
    pl011_receive(uart, 'x');
    assert_int_equal(hot_uart_read(&vm.vcpus[0], FR), HOT_NO);
    assert_int_equal(hot_uart_read(&vm.vcpus[0], DR), HOT_NO);
    get(DR);
    room = 0;
    put(DR, 'y');
    assert_int_equal(hot_uart_read(&vm.vcpus[0], FR), HOT_NO);
}

static void access_sizes(void **state)
{
    struct mmio_access a = {.offset = DR, .size = 1, .write = true, .value = 'b'};
    (void)state;
    assert_true(pl011_access(NULL, uart, &a));
    a = (struct mmio_access){.offset = DR, .size = 2, .write = true, .value = 'h'};
    assert_true(pl011_access(NULL, uart, &a));
    put(DR, 0xffffff00 | 'w');
    assert_string_equal(sent, "bhw");
    put(IBRD, 0x1234);
    a = (struct mmio_access){.offset = IBRD + 1, .size = 1};
    assert_true(pl011_access(NULL, uart, &a));
    assert_int_equal(a.value & 0xff, 0x12);
    a = (struct mmio_access){.offset = DR + 1, .size = 1, .write = true, .value = 'x'};
    assert_true(pl011_access(NULL, uart, &a)); /* no such bits */
    assert_int_equal(nsent, 3);
    a = (struct mmio_access){.offset = DR, .size = 8};
    assert_false(pl011_access(NULL, uart, &a));
    a = (struct mmio_access){.offset = DR + 1, .size = 2};
    assert_false(pl011_access(NULL, uart, &a));
    for (uint32_t offset = 0; offset < 0x1000; offset += 4) { /* reserved ones too */
        get(offset);
        put(offset, 0xffffffff);
    }
}

static void registers_keep_their_bits(void **state)
{
    static const struct {
        uint32_t offset, bits;
    } r[] = {{IBRD, 0xffff}, {FBRD, 0x3f},  {LCR_H, 0xff}, {CR, 0xff87},
             {IFLS, 0x3f},   {IMSC, 0x7ff}, {DMACR, 7}};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
        put(r[i].offset, 0xffffffff);
        assert_int_equal(get(r[i].offset), r[i].bits);
        put(r[i].offset, 0);
        assert_int_equal(get(r[i].offset), 0);
    }
}

static void early_writers_are_heard(void **state)
{
    (void)state;
    put(CR, 0); /* not enabled, no FIFO */
    put(DR, 'h');
    put(DR, 'i');
    assert_string_equal(sent, "hi");
}

static void transmit_interrupt_is_a_transition(void **state)
{
    (void)state;
    put(IMSC, TX);
    assert_false(line); /* an empty FIFO alone raises nothing: 2.8.2 */
    put(DR, 'a');
    assert_true(line);
    assert_int_equal(get(MIS), TX);
    put(ICR, TX);
    assert_false(line);
    put(DR, 'b');
    assert_true(line);
    put(DR, 'c'); /* stays high without the vGIC hearing of it again */
    assert_int_equal(changes, 3);
    put(IMSC, 0);
    assert_false(line);
    assert_int_equal(get(RIS), TX);
    assert_int_equal(get(MIS), 0);
}

static void full_console_stops_the_guest_only(void **state)
{
    (void)state;
    put(IMSC, TX);
    room = 2;
    put(DR, '1');
    put(DR, '2');
    assert_int_equal(get(FR) & (TXFF | TXFE | BUSY), TXFE);
    assert_true(line);
    put(DR, '3'); /* waits in the holding register */
    assert_int_equal(get(FR) & (TXFF | TXFE | BUSY), TXFF | BUSY);
    assert_false(line);
    assert_string_equal(sent, "12");
    room = 5;
    pl011_transmit_room(uart);
    assert_string_equal(sent, "123");
    assert_true(line);
    assert_int_equal(get(FR) & (TXFF | TXFE | BUSY), TXFE);
    put(ICR, TX);
    pl011_transmit_room(uart); /* nothing waits: no transition */
    assert_false(line);
}

/* A driver that is interrupted at the trigger level writes as many bytes as then fit, without
 * looking. */
static void transmit_fifo_keeps_its_promise(void **state)
{
    static const unsigned level[] = {4, 8, 16, 24, 28};
    (void)state;
    for (unsigned s = 0; s < ARRAY_SIZE(level); s++) {
        setup(NULL);
        put(LCR_H, FEN);
        put(IFLS, s);
        put(IMSC, TX);
        put(DR, 'A');
        room = 0;
        for (unsigned i = 1; i <= 32; i++) {
            assert_int_equal(get(FR) & TXFF, 0);
            put(DR, 'A' + i);
            assert_int_equal(line, i <= level[s]);
        }
        assert_int_equal(get(FR) & (TXFF | TXFE | BUSY), TXFF | BUSY);
        put(DR, '!'); /* lost */
        for (unsigned left = 31; left > 0; left--) {
            room = 1;
            pl011_transmit_room(uart);
            assert_int_equal(line, left <= level[s]);
        }
        room = 1;
        pl011_transmit_room(uart);
        assert_int_equal(nsent, 33);
        for (unsigned i = 0; i < 33; i++)
            assert_int_equal(sent[i], 'A' + i);
    }
}

static void room_is_not_missed(void **state)
{
    (void)state;
    put(LCR_H, FEN);
    callback = true; /* and no lock is held when the console is called */
    room = 1;
    late_room = 2; /* room comes while the console says no */
    put(DR, '1');
    put(DR, '2');
    assert_string_equal(sent, "12");
    put(DR, '3');
    put(DR, '4');
    assert_string_equal(sent, "123");
    room = 1;
    pl011_transmit_room(uart);
    assert_string_equal(sent, "1234");
}

/* A console that always promises room and never has any ends the wait, too. */
static void empty_promises_end(void **state)
{
    (void)state;
    callback = true;
    room = 0;
    late_room = 0;
    lies = true;
    put(DR, '1');
    assert_in_range(puts_tried, 1, 200);
    lies = false;
    room = 1;
    pl011_transmit_room(uart);
    assert_string_equal(sent, "1");
}

/* Another vCPU that writes as fast as this one hands on must not keep it here for ever. */
static void joining_writers_are_bounded(void **state)
{
    (void)state;
    put(LCR_H, FEN);
    joining = true;
    put(DR, 'x');
    assert_in_range(nsent, 2, 200);
    joining = false;
    assert_int_equal(get(FR) & (TXFE | BUSY), TXFE);
    put(DR, 'y');
    assert_int_equal(sent[(nsent - 1) % sizeof(sent)], 'y');
}

static void input_without_fifo(void **state)
{
    (void)state;
    put(IMSC, RX | RT);
    assert_true(pl011_receive(uart, 'x'));
    assert_true(line);
    assert_int_equal(get(RIS), RX);
    assert_int_equal(get(FR) & (RXFF | RXFE), RXFF);
    assert_false(pl011_receive(uart, 'y'));
    assert_int_equal(get(DR), 'x');
    assert_int_equal(input_room, 1);
    assert_false(line);
    assert_int_equal(get(FR) & (RXFF | RXFE), RXFE);
    assert_int_equal(get(DR), 0);
    assert_int_equal(input_room, 1); /* told once */
}

static void input_levels_and_timeout(void **state)
{
    static const unsigned level[] = {4, 8, 16, 24, 28};
    (void)state;
    for (unsigned s = 0; s < ARRAY_SIZE(level); s++) {
        setup(NULL);
        put(LCR_H, FEN);
        put(IFLS, s << 3);
        for (unsigned i = 1; i <= 32; i++) {
            put(ICR, RX);
            assert_true(pl011_receive(uart, (uint8_t)i));
            assert_int_equal(!!(get(RIS) & RX), i >= level[s]);
            assert_true(get(RIS) & RT); /* it began below the level */
        }
        assert_int_equal(get(FR) & (RXFF | RXFE), RXFF);
        assert_false(pl011_receive(uart, 33));
        for (unsigned i = 1; i <= 32; i++) {
            assert_int_equal(get(DR), i);
            assert_int_equal(!!(get(RIS) & RX), 32 - i >= level[s]);
            assert_int_equal(!!(get(RIS) & RT), i < 32);
        }
        assert_int_equal(input_room, 1);
    }
}

static void typed_byte_interrupts_at_once(void **state)
{
    (void)state;
    put(LCR_H, FEN | 0x60);
    put(CR, 0x301);
    put(IMSC, RX | RT);
    assert_true(pl011_receive(uart, 'x'));
    assert_true(line);
    assert_int_equal(get(MIS), RT);
    put(ICR, RT);
    assert_false(line);
    assert_true(pl011_receive(uart, 'y'));
    assert_true(line);
    assert_int_equal(get(DR), 'x');
    assert_int_equal(get(DR), 'y');
    assert_false(line);
}

static void fifo_switched_keeps_bytes(void **state)
{
    (void)state;
    assert_true(pl011_receive(uart, '1'));
    assert_false(pl011_receive(uart, '2'));
    put(LCR_H, FEN);
    assert_int_equal(input_room, 1);
    assert_true(pl011_receive(uart, '2'));
    put(LCR_H, 0);
    assert_false(pl011_receive(uart, '3'));
    assert_int_equal(get(DR), '1');
    assert_int_equal(input_room, 1); /* still one: full */
    assert_int_equal(get(DR), '2');
    assert_int_equal(input_room, 2);
}

static void loopback(void **state)
{
    (void)state;
    put(LCR_H, FEN);
    put(CR, 0x301 | LBE);
    assert_false(pl011_receive(uart, 'x'));
    for (unsigned i = 0; i < 32; i++)
        put(DR, 'a' + i);
    assert_int_equal(nsent, 0);
    assert_int_equal(get(RIS) & OE, 0);
    put(DR, '!');
    assert_int_equal(get(RIS) & OE, OE);
    assert_int_equal(get(RSR), 8);
    assert_int_equal(get(DR), 1 << 11 | 'a');
    assert_int_equal(get(RSR), 0);
    for (unsigned i = 1; i < 32; i++)
        assert_int_equal(get(DR), 'a' + i);
    put(CR, 0x301);
    assert_int_equal(input_room, 1);
    put(RSR, 0);
}

static void reset_forgets(void **state)
{
    (void)state;
    put(LCR_H, FEN);
    put(IMSC, 0x7ff);
    put(DR, 'x');
    for (unsigned i = 0; i < 33; i++)
        pl011_receive(uart, 'y');
    line = false; /* as vgic_reset() leaves it */
    pl011_reset(uart, &vm);
    assert_int_equal(input_room, 1);
    power_on_values(NULL);
    assert_false(line);
}

static void random_accesses(void **state)
{
    uint32_t seed = 7;
    (void)state;
    callback = true;
    for (unsigned i = 0; i < 500000; i++) {
        static const uint8_t hot[] = {DR, DR, DR, CR, LCR_H, IFLS, IMSC, ICR, FR, RIS};
        seed = seed * 1664525 + 1013904223;
        struct mmio_access a = {
            .offset = seed & 0x8000 ? hot[(seed >> 16) % ARRAY_SIZE(hot)] : (seed >> 16) & 0xffc,
            .size = (uint8_t)(1 << ((seed >> 12) & 3)),
            .write = seed & 0x800,
            .value = seed >> 9,
        };
        room = seed & 0x80000 ? 0 : 10;
        pl011_access(&vm.vcpus[0], uart, &a);
        if (seed & 0x100000)
            pl011_receive(uart, (uint8_t)seed);
        if (seed & 0x200000)
            pl011_transmit_room(uart);
        assert_int_equal(line, (get(RIS) & get(IMSC)) != 0);
        assert_true(uart->rx_count <= 32 && uart->rx_head < 32 && uart->tx_count <= 32);
    }
}

/* The VM's other core starts it anew while this one is on its way to the console. */
static void reset_in_the_middle(void **state)
{
    (void)state;
    room = 0;
    put(LCR_H, FEN);
    put(DR, 'o');
    put(DR, 'l');
    put(DR, 'd');
    room = 1000;
    resetting = true;
    pl011_transmit_room(uart);
    resetting = false;
    assert_int_equal(nsent, 1);
    assert_int_equal(get(FR) & (TXFE | TXFF | BUSY), TXFE);
    put(DR, 'n');
    assert_int_equal(nsent, 2);
    assert_int_equal(sent[1], 'n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(power_on_values, setup),
        cmocka_unit_test_setup(flags_have_a_fast_path, setup),
        cmocka_unit_test_setup(access_sizes, setup),
        cmocka_unit_test_setup(registers_keep_their_bits, setup),
        cmocka_unit_test_setup(early_writers_are_heard, setup),
        cmocka_unit_test_setup(transmit_interrupt_is_a_transition, setup),
        cmocka_unit_test_setup(full_console_stops_the_guest_only, setup),
        cmocka_unit_test_setup(transmit_fifo_keeps_its_promise, setup),
        cmocka_unit_test_setup(room_is_not_missed, setup),
        cmocka_unit_test_setup(empty_promises_end, setup),
        cmocka_unit_test_setup(joining_writers_are_bounded, setup),
        cmocka_unit_test_setup(input_without_fifo, setup),
        cmocka_unit_test_setup(input_levels_and_timeout, setup),
        cmocka_unit_test_setup(typed_byte_interrupts_at_once, setup),
        cmocka_unit_test_setup(fifo_switched_keeps_bytes, setup),
        cmocka_unit_test_setup(loopback, setup),
        cmocka_unit_test_setup(reset_forgets, setup),
        cmocka_unit_test_setup(reset_in_the_middle, setup),
        cmocka_unit_test_setup(random_accesses, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
