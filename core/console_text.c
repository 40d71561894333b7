/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hypervisor itself says on the console. */
#include <bulkhead/cpu.h>
#include <bulkhead/log.h>
#include <stdarg.h>
#include <stdio.h>

#include "console_state.h"

enum {
    DROPPED_BYTES = 96, /* the line that says what was dropped */
    SPARE_BYTES = 1024, /* of the ring, for that line and for changes of the view */
    TX_WAIT_US = 20000, /* for one byte, by polling: many times what a byte takes */
    REPLY_BYTES = 256,
};

static struct source *const text = &sources[HYPERVISOR];
static uint32_t dropped;
static bool uart_dead; /* it fell silent while we waited: wait no more */

/* Boot and last words only: wait for the UART. */
/* NOLINTNEXTLINE(misc-no-recursion): one level deep, for the carriage return */
static void send_waiting(const char *bytes)
{
    const struct uart *u = console.uart;
    for (; u && *bytes && !uart_dead; bytes++) {
        uint64_t until = time_now() + ticks_from_us(TX_WAIT_US);
        if (*bytes == '\n')
            send_waiting("\r");
        while (!uart_dead && !u->tx_ready(u))
            uart_dead = time_now() > until;
        if (!uart_dead)
            u->tx(u, (uint8_t)*bytes);
    }
}

static size_t length_on_wire(const char *bytes)
{
    size_t n = 0;
    for (; *bytes; bytes++)
        n += *bytes == '\n' ? 2 : 1;
    return n;
}

static void push(const char *bytes)
{
    for (; *bytes; bytes++) {
        if (*bytes == '\n')
            ring_put(&text->ring, '\r');
        ring_put(&text->ring, (uint8_t)*bytes);
    }
    text->ring.ready = text->ring.head;
}

static uint32_t room(void)
{
    return (uint32_t)(TEXT_BYTES - ring_unsent(&text->ring));
}

static void say_dropped(void)
{
    char line[DROPPED_BYTES];
    if (dropped == 0)
        return;
    snprintf(line, sizeof(line), "[bulkhead] %u messages not shown here; the log has them\n",
             (unsigned)dropped);
    dropped = 0;
    push(line);
}

/* Queue the parts together, or nothing of them. The lock is held. */
static void put_locked(const char *const parts[], unsigned count, uint32_t spare)
{
    size_t bytes = spare;
    for (unsigned i = 0; i < count; i++)
        bytes += length_on_wire(parts[i]);
    if (console.live && bytes > room()) {
        dropped++;
        return;
    }
    if (console.live)
        say_dropped();
    for (unsigned i = 0; i < count; i++) {
        if (console.live)
            push(parts[i]);
        else
            send_waiting(parts[i]);
    }
}

/* This core sends what it queued. The lock is held; the caller passes the result to console_wake().
 */
static uint64_t go_on(void)
{
    if (text->cpu != cpu_this()) {
        __atomic_store_n(&text->cpu, (uint8_t)cpu_this(), __ATOMIC_RELAXED);
        text->resting = false; /* another core's timer looks elsewhere now */
    }
    return source_step(text);
}

static void put_parts(const char *const parts[], unsigned count)
{
    uint64_t wake;
    lock_take(&text->lock);
    put_locked(parts, count, SPARE_BYTES);
    wake = go_on();
    lock_release(&text->lock);
    console_wake(wake);
}

void text_change_view(struct console_view view, const char *undo, const char *line)
{
    const char *const parts[] = {undo, "[bulkhead] ", line, "\n"};
    uint64_t wake;

    lock_take(&text->lock);
    put_locked(parts, ARRAY_SIZE(parts), DROPPED_BYTES);
    view_set(view);
    wake = go_on();
    lock_release(&text->lock);
    console_wake(wake);
    view_tell();
}

void text_put(const char *bytes)
{
    put_parts(&bytes, 1);
}

static void put_line(const char *before, const char *line)
{
    const char *const parts[] = {before, "[bulkhead] ", line, "\n"};
    put_parts(parts, ARRAY_SIZE(parts));
}

void text_reply(const char *format, ...)
{
    char line[REPLY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    put_line("", line);
}

uint32_t text_room(void)
{
    uint32_t bytes;
    lock_take(&text->lock);
    bytes = room();
    lock_release(&text->lock);
    return bytes > SPARE_BYTES ? bytes - SPARE_BYTES : 0;
}

void text_serve(void)
{
    uint64_t wake = UINT64_MAX;
    lock_take(&text->lock);
    if (text->cpu == cpu_this()) {
        text->resting = false;
        wake = source_step(text);
    }
    lock_release(&text->lock);
    console_wake(wake);
}

void console_hypervisor_line(const char *line)
{
    switch (view_now().show) {
    case SHOW_ALL:
        put_line("", line);
        break;
    case SHOW_MONITOR:
        put_line("\r\033[K", line); /* over the prompt, which comes again below */
        monitor_disturbed();
        break;
    case SHOW_ONE: /* a full-screen program may be there; the log has it */
        break;
    }
}

void console_vm_notice(const struct vm *vm, const char *line)
{
    struct console_view now = view_now();
    if (now.show == SHOW_ONE && now.attached == vm->id)
        put_line("", line);
    else
        console_hypervisor_line(line);
}

void console_emergency(const char *words)
{
    send_waiting("\030\033[0m\n[bulkhead] ");
    send_waiting(words);
    send_waiting("\n");
}
