/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_rig.h"
#include <bulkhead/board.h>
#include <bulkhead/cpu.h>
#include <bulkhead/machine.h>

#include "core/console_state.h"

char rig_wire[1 << 20];
size_t rig_wire_bytes;
unsigned rig_fifo;
unsigned long rig_tx_on[MAX_CPUS], rig_polls;
char rig_typed[MAX_VMS][1024];
unsigned rig_rx_room[MAX_VMS], rig_tx_room_calls[MAX_VMS];

unsigned rig_commands, rig_resets;
struct vm *rig_command_vm;
enum vm_command rig_command;
bool rig_command_refused;

struct vm vms[MAX_VMS];
unsigned vm_count;
struct machine machine = {.model = "a board"};

static struct vm_config configs[MAX_VMS];
static struct source clean_sources[SOURCES];
static bool saved;
static char keys[1024];
static unsigned keys_first, keys_last;
static uint64_t fifo_free_at; /* when the last byte in the FIFO will have left */

enum { CHARACTER_TICKS = FAKE_HZ / 11520 };

struct vcpu *vcpu_on(unsigned cpu)
{
    return cpu / 2 < vm_count ? &vms[cpu / 2].vcpus[cpu % 2] : NULL;
}

struct vcpu *vcpu_this(void)
{
    return vcpu_on(cpu_this());
}

struct range arch_image(void)
{
    return (struct range){MIB(8), MIB(2)};
}

void arch_table_use(unsigned *used, unsigned *total)
{
    *used = 10;
    *total = 64;
}

bool vm_command(struct vm *vm, enum vm_command command, struct refusal *why)
{
    rig_commands++;
    rig_command_vm = vm;
    rig_command = command;
    if (rig_command_refused)
        refuse(why, "%s is what it is", vm->config->name);
    return !rig_command_refused;
}

/* All pages, in their order, each once. */
uint32_t arch_table_hash(uint32_t crc, unsigned page)
{
    assert_int_equal(crc, page * 16);
    return (page + 1) * 16;
}

uint32_t vm_tables_hash(uint32_t crc)
{
    return 0xabc000 + crc;
}

void board_reset(const char *text, struct refusal *why)
{
    (void)text;
    rig_resets++;
    refuse(why, "no way to reset");
}

void block_stats(unsigned client, struct block_stats *out)
{
    *out = (struct block_stats){.requests = client + 5, .bytes_read = MIB(12)};
}

/* ---- The physical UART ---- */

static bool tx_ready(const struct uart *u)
{
    (void)u;
    if (rig_fifo == 0 || fifo_free_at <= fake_time + (rig_fifo - 1) * (uint64_t)CHARACTER_TICKS)
        return true;
    rig_polls++;
    return false;
}

static void tx(const struct uart *u, uint8_t byte)
{
    assert_true(tx_ready(u));
    fifo_free_at = MAX(fifo_free_at, fake_time) + CHARACTER_TICKS;
    assert_true(rig_wire_bytes + 1 < sizeof(rig_wire));
    rig_wire[rig_wire_bytes++] = (char)byte;
    rig_wire[rig_wire_bytes] = '\0';
    rig_tx_on[cpu_this()]++;
}

static int rx(const struct uart *u)
{
    (void)u;
    return keys_first < keys_last ? (uint8_t)keys[keys_first++] : -1;
}

static void rx_interrupt(const struct uart *u, bool on)
{
    (void)u;
    (void)on;
}

static const struct uart uart = {"fake UART", NULL, RIG_INTID, tx_ready, tx, rx, rx_interrupt};

/* ---- The VMs' UARTs ---- */

bool pl011_receive(struct pl011 *u, uint8_t byte)
{
    unsigned id = u->vm->id;
    size_t used = strlen(rig_typed[id]);
    assert_ptr_equal(vcpu_this()->vm, u->vm); /* on a core of that VM only */
    assert_int_equal(u->lock.next, u->lock.owner);
    if (rig_rx_room[id] == 0)
        return false;
    rig_rx_room[id]--;
    rig_typed[id][used] = (char)byte;
    return true;
}

void pl011_transmit_room(struct pl011 *u)
{
    assert_ptr_equal(vcpu_this()->vm, u->vm);
    assert_int_equal(u->lock.next, u->lock.owner); /* it takes its lock: nobody may hold it */
    rig_tx_room_calls[u->vm->id]++;
}

/* ---- Driving ---- */

static void make_vms(unsigned hidden)
{
    static const char *const names[] = {"alpha", "beta"};
    memset(vms, 0, sizeof(vms));
    memset(configs, 0, sizeof(configs));
    vm_count = 2;
    for (unsigned i = 0; i < vm_count; i++) {
        struct vm *vm = &vms[i];
        strcpy(configs[i].name, names[i]);
        configs[i].console_hidden = hidden >> i & 1;
        vm->id = i;
        vm->config = &configs[i];
        vm->state = VM_RUNNING;
        vm->nvcpus = 2;
        vm->uart.vm = vm;
        vm->memory.bytes = MIB(384);
        for (unsigned j = 0; j < 2; j++)
            vm->vcpus[j] =
                (struct vcpu){.vm = vm, .index = (uint8_t)j, .cpu = (uint8_t)(2 * i + j)};
        rig_rx_room[i] = 1000;
    }
}

static void forget(void)
{
    uint64_t now = fake_time; /* hints that are not due, once, are due later */
    if (!saved)
        memcpy(clean_sources, sources, sizeof(sources));
    memcpy(sources, clean_sources, sizeof(sources));
    saved = true;
    console = (struct console){.turn = NOBODY, .open = NOBODY};
    rig_commands = rig_resets = 0;
    rig_command_refused = false;
    memset(rig_typed, 0, sizeof(rig_typed));
    memset(rig_tx_room_calls, 0, sizeof(rig_tx_room_calls));
    fifo_free_at = 0;
    keys_first = keys_last = 0;
    fake_cpu_reset();
    fake_timer_reset();
    fake_time_reset();
    fake_irq_reset();
    fake_time = now + 10 * (uint64_t)FAKE_HZ;
}

void rig_clear(void)
{
    rig_wire_bytes = 0;
    rig_wire[0] = '\0';
    rig_polls = 0;
    memset(rig_tx_on, 0, sizeof(rig_tx_on));
}

void rig_start(unsigned hidden)
{
    forget();
    make_vms(hidden);
    rig_fifo = 0;
    rig_clear();
    console_init(&uart);
    console_go_live();
    rig_settle();
    rig_clear();
}

size_t rig_write(unsigned cpu, const char *text)
{
    size_t taken = 0;
    fake_cpu = cpu;
    while (text[taken] && console_vm_put(vcpu_this()->vm, (uint8_t)text[taken]))
        taken++;
    return taken;
}

static bool run_posted(void)
{
    bool any = false;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (!(fake_posted[cpu] & EVENT_CONSOLE))
            continue;
        fake_posted[cpu] = 0;
        fake_cpu = cpu;
        console_run_event();
        any = true;
    }
    return any;
}

void rig_run_us(uint64_t us)
{
    uint64_t end = fake_time + us * FAKE_TICKS_PER_US;
    for (;;) {
        uint64_t first = UINT64_MAX;
        while (run_posted())
            ;
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
            first = MIN(first, fake_alarm[cpu]);
        if (first > end)
            break;
        fake_run_next();
    }
    fake_time = MAX(fake_time, end);
}

void rig_settle(void)
{
    rig_run_us(1000000);
}

void rig_type(const char *text)
{
    memcpy(keys, text, strlen(text));
    keys_first = 0;
    keys_last = (unsigned)strlen(text);
    while (keys_first < keys_last)
        assert_true(fake_irq_raise(RIG_INTID));
    while (run_posted())
        ;
}

bool rig_has(const char *text)
{
    return strstr(rig_wire, text) != NULL;
}
