/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's entrances: guests' bytes, this core's events and timer (docs/console.md). */
#include <bulkhead/cpu.h>
#include <bulkhead/log.h>

#include "console_state.h"

static uint64_t history[MAX_VMS][HISTORY_BYTES / 8]; /* words: its end is copied in a crash */
static uint8_t texts[TEXT_BYTES];
/* For each VM, the names that its text must not imitate. */
static const char *others[MAX_VMS][MAX_VMS + 1];

struct console console = {.turn = NOBODY, .open = NOBODY};
struct source sources[SOURCES] = {
    [HYPERVISOR] = {.ring = {.bytes = texts, .size = TEXT_BYTES}, .mode = MODE_RAW},
};

static void timer_expired(void *unused)
{
    (void)unused;
    console_run_event();
}

static void show_kept(void *unused, const char *line)
{
    (void)unused;
    console_hypervisor_line(line);
}

void console_init(const struct uart *uart)
{
    for (unsigned i = 0; i < MAX_CPUS; i++)
        timer_init(&console.timers[i], timer_expired, NULL);
    for (unsigned i = 0; i < MAX_VMS; i++) {
        sources[i].ring.bytes = (uint8_t *)history[i];
        sources[i].ring.size = HISTORY_BYTES;
    }
    console.uart = uart;
    log_replay(show_kept, NULL);
}

static const char *const *others_of(unsigned id)
{
    unsigned count = 0;
    others[id][count++] = "bulkhead";
    for (unsigned i = 0; i < vm_count; i++)
        if (i != id)
            others[id][count++] = vms[i].config->name;
    others[id][count] = NULL;
    return others[id];
}

void console_go_live(void)
{
    for (unsigned i = 0; i < vm_count; i++) {
        const struct vm *vm = &vms[i];
        view_init(&sources[i].view, vm->config->name, others_of(i));
        sources[i].mode = vm->config->console_hidden ? MODE_HIDDEN : MODE_LINES;
        sources[i].cpu = vm->vcpus[0].cpu;
    }
    sources[HYPERVISOR].cpu = (uint8_t)cpu_this();
    console.live = true;
    input_init();
}

void console_wake(uint64_t deadline)
{
    struct timer *t = &console.timers[cpu_this()];
    if (deadline != UINT64_MAX && (!t->armed || deadline < t->deadline))
        timer_arm(t, deadline);
}

static bool has_room(const struct source *s)
{
    return s->mode == MODE_HIDDEN || ring_unsent(&s->ring) < UNSENT_MAX;
}

/* A byte is in the ring: may it go out, or does its line wait for more? */
static void mark_ready(struct source *s, uint8_t byte)
{
    struct ring *r = &s->ring;
    if (s->mode == MODE_HIDDEN) {
        r->sent = r->ready = r->head; /* nobody looks: kept as history only */
    } else if (s->mode == MODE_RAW || byte == '\n' || r->head - r->ready >= TURN_BYTES) {
        r->ready = r->head;
    } else {
        s->flush_at = time_now() + ticks_from_us(IDLE_US);
    }
}

bool console_vm_put(struct vm *vm, uint8_t byte)
{
    struct source *s = source_of(vm);
    uint64_t wake;
    bool taken;

    lock_take(&s->lock);
    __atomic_store_n(&s->cpu, (uint8_t)cpu_this(), __ATOMIC_RELAXED);
    source_sync(s);
    taken = has_room(s);
    if (taken) {
        ring_put(&s->ring, byte);
        mark_ready(s, byte);
    } else {
        s->blocked = true;
    }
    wake = source_step(s);
    lock_release(&s->lock);
    console_wake(wake);
    return taken;
}

/* On a core of the VM: its lines, its waiting device, its input. */
static void serve(struct vm *vm)
{
    struct source *s = source_of(vm);
    uint64_t wake;
    bool room;

    lock_take(&s->lock);
    s->resting = false;
    source_sync(s);
    if (s->ring.ready < s->ring.head && time_now() >= s->flush_at)
        s->ring.ready = s->ring.head;
    wake = source_step(s);
    room = s->blocked && (s->mode == MODE_HIDDEN || ring_unsent(&s->ring) <= UNSENT_MAX / 2);
    if (room)
        s->blocked = false;
    lock_release(&s->lock);

    console_wake(wake);
    if (room)
        pl011_transmit_room(&vm->uart);
    input_deliver(vm);
}

void console_run_event(void)
{
    struct vcpu *vcpu = vcpu_this();
    if (!console.live)
        return;
    text_serve();
    if (vcpu)
        serve(vcpu->vm);
    console_wake(monitor_step());
}

void console_vm_input_room(struct vm *vm)
{
    input_deliver(vm);
}

void console_vm_restart(struct vm *vm)
{
    struct source *s = source_of(vm);
    lock_take(&s->lock);
    s->input_count = 0;
    s->blocked = false;
    ring_put(&s->ring, '\r'); /* what the last life left unfinished ends here */
    ring_put(&s->ring, '\n');
    mark_ready(s, '\n');
    lock_release(&s->lock);
}

uint32_t console_vm_tail(const struct vm *vm, uint64_t *out, uint32_t bytes)
{
    struct source *s = source_of(vm);
    uint64_t at, head;

    lock_take(&s->lock);
    head = s->ring.head;
    at = align_up(head > bytes ? head - bytes : 0, 8);
    bytes = (uint32_t)(head > at ? head - at : 0);
    for (; at < head; at += 8)
        *out++ = history[vm->id][at / 8 % (HISTORY_BYTES / 8)];
    lock_release(&s->lock);
    return bytes;
}
