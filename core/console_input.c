/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed: the keys after Ctrl-], and to whom everything else goes. */
#include <bulkhead/account.h>
#include <bulkhead/cpu.h>
#include <bulkhead/log.h>
#include <stdio.h>

#include "console_state.h"

enum {
    CTRL_RIGHT_BRACKET = 0x1d,
    ESC = 0x1b,
    TOO_MUCH = 9999,
    KEYS_PER_STEP = 32, /* typed bytes handled in one stay at EL2 */
};

/* Ctrl-] in other words, as far as it was typed. */
struct spelling {
    enum { SPELLING_NONE, SPELLING_ESC, SPELLING_CSI } part;
    unsigned field;    /* in value[] */
    unsigned value[3]; /* at most TOO_MUCH */
    unsigned event;    /* second field's first sub-field: 1 press, 2 repeat, 3 release */
    unsigned ignored;
    bool sub; /* behind a colon */
};

static struct {
    struct lock lock;
    bool escape; /* Ctrl-] was typed */
    struct spelling spelling;
    uint64_t hint_at; /* no hint before */
    unsigned core;    /* that gets the UART's interrupt */
} keys;

void keys_take(void)
{
    lock_take(&keys.lock);
}

void keys_release(void)
{
    lock_release(&keys.lock);
}

/* An attached VM's own first core; else a core that no VM has; else core 0. */
static unsigned receiving_core(void)
{
    struct console_view now = view_now();
    if (now.show == SHOW_ONE)
        return vms[now.attached].vcpus[0].cpu;
    for (unsigned cpu = cpu_count(); cpu-- > 0;)
        if (!vcpu_on(cpu))
            return cpu;
    return 0;
}

static void route(void)
{
    unsigned core = receiving_core();
    if (core == keys.core)
        return;
    keys.core = core;
    irq_route(console.uart->intid, core);
}

void input_init(void)
{
    const struct uart *u = console.uart;
    if (!u)
        return;
    if (!irq_attach(u->intid, console_interrupt, NULL)) {
        log_line("%s: no interrupt: keys will not be heard", u->name);
        return;
    }
    keys.core = receiving_core();
    irq_route(u->intid, keys.core);
    irq_unmask(u->intid);
    u->rx_interrupt(u, true);
}

/* ---- To a VM ---- */

static bool hint_due(void)
{
    uint64_t now = time_now();
    if (now < keys.hint_at)
        return false;
    keys.hint_at = now + ticks_from_us(HINT_US);
    return true;
}

static void type_to(struct vm *vm, uint8_t byte)
{
    struct source *s = source_of(vm);
    bool room;

    if (vm->state != VM_RUNNING && vm->state != VM_LOADING) {
        if (hint_due())
            text_reply("%s does not run: %s. Ctrl-] a: all, Ctrl-] 0: monitor", vm->config->name,
                       vm->state == VM_PAUSED ? "it is paused" : vm->why.text);
        return;
    }
    lock_take(&s->lock);
    room = s->input_count < INPUT_BYTES;
    if (room)
        s->input[(s->input_first + s->input_count++) % INPUT_BYTES] = byte;
    lock_release(&s->lock);
    if (!room && hint_due())
        text_put("\a"); /* the guest does not read */
}

/* The next byte stays queued until it is taken. False: none. */
static bool peek(struct source *s, uint8_t *byte)
{
    bool any;
    lock_take(&s->lock);
    any = s->input_count > 0;
    *byte = s->input[s->input_first];
    lock_release(&s->lock);
    return any;
}

static void drop_first(struct source *s)
{
    lock_take(&s->lock);
    if (s->input_count > 0) { /* the VM may have restarted */
        s->input_first = (uint16_t)((s->input_first + 1) % INPUT_BYTES);
        s->input_count--;
    }
    lock_release(&s->lock);
}

/* One core at a time, so that bytes keep their order; who comes meanwhile leaves a note. */
static bool deliver_begin(struct source *s)
{
    bool mine;
    lock_take(&s->lock);
    mine = !s->delivering && s->input_count > 0;
    s->deliver_again = s->delivering;
    if (mine)
        s->delivering = true;
    lock_release(&s->lock);
    return mine;
}

/* True: there may be more to deliver, which nobody else will. `limit` was reached, or a note left.
 */
static bool deliver_end(struct source *s, bool limit)
{
    bool again;
    lock_take(&s->lock);
    s->delivering = false;
    again = s->input_count > 0 && (limit || s->deliver_again);
    s->deliver_again = false;
    lock_release(&s->lock);
    return again;
}

void input_deliver(struct vm *vm)
{
    struct source *s = source_of(vm);
    unsigned left = KEYS_PER_STEP;
    uint8_t byte;

    if (!deliver_begin(s))
        return;
    while (left > 0 && peek(s, &byte) && pl011_receive(&vm->uart, byte)) {
        drop_first(s);
        left--;
    }
    if (deliver_end(s, left == 0))
        cpu_post(cpu_this(), EVENT_CONSOLE);
}

/* ---- Keys of the console's own ---- */

static void help(void)
{
    text_reply("keys, each after Ctrl-]:");
    for (unsigned i = 0; i < vm_count; i++)
        text_reply("  %u  attach %s: full screen, its recent output again", i + 1,
                   vms[i].config->name);
    text_reply("  a  all VMs, line by line");
    text_reply("  0  the hypervisor's monitor");
    text_reply("  ?  this help");
    text_reply("  Ctrl-]  send Ctrl-] to the attached VM");
}

/* Change the view; what the old one left on the terminal is undone first. */
static void show(enum view_kind kind, unsigned attached, const char *line)
{
    enum view_kind before = view_now().show;
    const char *undo = before == SHOW_ONE       ? VIEW_TERMINAL_RESET
                       : before == SHOW_MONITOR ? "\r\033[K" /* the prompt */
                                                : "";
    text_change_view((struct console_view){kind, attached}, undo, line);
    route();
}

void console_attach(unsigned id)
{
    const struct vm *vm;
    char line[MAX_NAME + 64];
    if (id >= vm_count) {
        text_reply("there is no VM %u; Ctrl-] ?: help", id + 1);
        return;
    }
    vm = &vms[id];
    if (vm->state == VM_REFUSED) {
        text_reply("not attached: %s", vm->why.text);
        return;
    }
    snprintf(line, sizeof(line), "attached to %s; Ctrl-] a: all, Ctrl-] ?: help", vm->config->name);
    show(SHOW_ONE, id, line);
}

static void command(uint8_t byte)
{
    struct console_view now = view_now();

    if (byte >= '1' && byte <= '9') {
        console_attach(byte - '1');
    } else if (byte == 'a') {
        show(SHOW_ALL, 0, "all VMs; Ctrl-] ?: help");
    } else if (byte == '0') {
        show(SHOW_MONITOR, 0, "monitor; `help` lists the commands. Ctrl-] a: all VMs");
        monitor_enter();
        return;
    } else if (byte == '?') {
        help();
    } else if (byte == CTRL_RIGHT_BRACKET && now.show == SHOW_ONE) {
        type_to(&vms[now.attached], byte);
        return;
    } else {
        text_reply("no such key; Ctrl-] ?: help");
    }
    if (view_now().show == SHOW_MONITOR)
        monitor_disturbed();
}

static void hint(void)
{
    if (!hint_due())
        return;
    if (vm_count == 0)
        text_reply("no VM to type to. Ctrl-] 0: monitor, Ctrl-] ?: help");
    else
        text_reply("nobody is attached, so nobody reads this. Ctrl-] 1: attach %s, Ctrl-] ?: help",
                   vms[0].config->name);
}

/* A guest may have told the terminal to spell keys with modifiers: xterm's modifyOtherKeys,
 * CSI 27 ; modifiers ; code ~, or the keyboard protocol of kitty, CSI code ; modifiers u, both with
 * sub-fields behind colons. Ctrl-] is heard all the same, and what is typed next comes plain. All
 * but a spelling's last byte has gone to the guest. */
static bool spelt_right_bracket(uint8_t final)
{
    enum { CTRL = 4, RELEASE = 3, OTHER_KEYS = 27, RIGHT_BRACKET = ']' };
    const struct spelling *s = &keys.spelling;
    bool other = final == '~' && s->field == 2 && s->value[0] == OTHER_KEYS;
    bool kitty = final == 'u' && s->field >= 1;
    unsigned code = other ? s->value[2] : s->value[0];

    return (other || kitty) && code == RIGHT_BRACKET && (s->value[1] - 1u) & CTRL &&
           s->event != RELEASE;
}

static bool is_ctrl_right_bracket(uint8_t byte)
{
    struct spelling *s = &keys.spelling;
    bool found;

    if (byte == CTRL_RIGHT_BRACKET || byte == ESC) {
        *s = (struct spelling){.part = byte == ESC ? SPELLING_ESC : SPELLING_NONE};
        return byte == CTRL_RIGHT_BRACKET;
    }
    if (s->part == SPELLING_ESC && byte == '[') {
        s->part = SPELLING_CSI;
    } else if (s->part == SPELLING_CSI && byte >= '0' && byte <= '9') {
        unsigned *to = !s->sub ? &s->value[s->field] : s->field == 1 ? &s->event : &s->ignored;
        *to = MIN(*to * 10 + byte - '0', (unsigned)TOO_MUCH);
    } else if (s->part == SPELLING_CSI && byte == ':') {
        s->sub = true;
    } else if (s->part == SPELLING_CSI && byte == ';' && s->field < ARRAY_SIZE(s->value) - 1) {
        s->field++;
        s->sub = false;
    } else {
        found = s->part == SPELLING_CSI && spelt_right_bracket(byte);
        s->part = SPELLING_NONE;
        if (found)
            text_put(VIEW_PLAIN_KEYS);
        return found;
    }
    return false;
}

static void key(uint8_t byte)
{
    struct console_view now = view_now();
    bool ours = is_ctrl_right_bracket(byte);

    if (keys.escape) {
        keys.escape = false;
        command(byte);
    } else if (ours) {
        keys.escape = true;
    } else if (now.show == SHOW_ONE) {
        type_to(&vms[now.attached], byte);
    } else if (now.show == SHOW_MONITOR) {
        monitor_input(byte);
    } else {
        hint();
    }
}

void console_interrupt(void *unused)
{
    const struct uart *u = console.uart;
    struct vcpu *vcpu = vcpu_this();
    struct console_view now = view_now();
    unsigned before = account_switch(now.show == SHOW_ONE ? now.attached : ACCOUNT_HYPERVISOR);
    int byte;

    (void)unused;
    lock_take(&keys.lock);
    for (unsigned n = 0; n < KEYS_PER_STEP && (byte = u->rx(u)) >= 0; n++)
        key((uint8_t)byte);
    lock_release(&keys.lock);

    now = view_now();
    if (now.show == SHOW_ONE && vcpu && vcpu->vm->id == now.attached)
        input_deliver(vcpu->vm);
    else if (now.show == SHOW_ONE)
        cpu_post(vms[now.attached].vcpus[0].cpu, EVENT_CONSOLE);
    console_wake(monitor_step());
    account_switch(before);
}
