/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/board.h>
#include <bulkhead/console.h>
#include <bulkhead/lock.h>
#include <bulkhead/log.h>
#include <bulkhead/vm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LOG_BYTES = 16384, /* a power of two */
    VM_LINES = 8,      /* log_vm(): this many ... */
    VM_SECONDS = 10,   /* ... in that time */
};

/* Lines with their NUL, one after the other, around the ring's end if need be. */
static struct {
    struct lock lock;
    uint64_t oldest, head; /* bytes ever written; `oldest` is where the oldest whole line begins */
    char bytes[LOG_BYTES];
} log_ring;

static char *at(uint64_t position)
{
    return &log_ring.bytes[position & (LOG_BYTES - 1)];
}

/* Everything that is printed passes here, and some of it comes from a card or a guest. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void keep(const char *line)
{
    size_t bytes = strlen(line) + 1;
    lock_take(&log_ring.lock);
    while (log_ring.head + bytes - log_ring.oldest > LOG_BYTES) {
        while (*at(log_ring.oldest))
            log_ring.oldest++;
        log_ring.oldest++;
    }
    for (size_t i = 0; i < bytes; i++)
        *at(log_ring.head++) = line[i];
    lock_release(&log_ring.lock);
}

bool log_read(uint64_t *position, char *line, size_t size)
{
    size_t used = 0;
    bool any;

    lock_take(&log_ring.lock);
    if (*position < log_ring.oldest || *position > log_ring.head)
        *position = log_ring.oldest;
    any = *position < log_ring.head;
    if (any) {
        for (; *at(*position); (*position)++)
            if (used + 1 < size)
                line[used++] = *at(*position);
        (*position)++;
    }
    lock_release(&log_ring.lock);
    line[used] = '\0';
    return any;
}

void log_replay(void (*emit)(void *context, const char *line), void *context)
{
    char line[LOG_LINE_MAX];
    uint64_t position = 0;
    while (log_read(&position, line, sizeof(line)))
        emit(context, line);
}

/* With the time since power-on, as the system counter has it. */
static void keep_with_time(const char *text)
{
    char line[LOG_LINE_MAX];
    uint64_t hz = time_hz(), now = time_now();
    unsigned long long seconds = hz ? now / hz : 0;
    unsigned micros = hz ? (unsigned)(now % hz * 1000000 / hz) : 0;
    snprintf(line, sizeof(line), "[%5llu.%06u] %s", seconds, micros, text);
    keep(line);
}

static void format_text(char *text, size_t size, const char *format, va_list args)
{
    vsnprintf(text, size, format, args);
    make_printable(text);
}

/* "NAME: ..." */
static void format_vm(char *text, size_t size, const struct vm *vm, const char *format,
                      va_list args)
{
    size_t used;
    snprintf(text, size, "%s: ", vm->config->name);
    used = strlen(text);
    format_text(text + used, size - used, format, args);
}

void log_line(const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    keep_with_time(text);
    console_hypervisor_line(text);
}

void log_vm_state(struct vm *vm, const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_vm(text, sizeof(text), vm, format, args);
    va_end(args);
    keep_with_time(text);
    console_vm_notice(vm, text);
}

static struct lock budget_lock;

/* May this VM have a line? *dropped: lines that it did not get since the last. */
static bool spend(struct vm *vm, unsigned *dropped)
{
    uint64_t now = time_now();
    bool ok;

    lock_take(&budget_lock);
    if (now >= vm->log_refill) {
        vm->log_tokens = VM_LINES;
        vm->log_refill = now + VM_SECONDS * time_hz();
    }
    ok = vm->log_tokens > 0;
    *dropped = ok ? vm->log_dropped : 0;
    if (ok) {
        vm->log_tokens--;
        vm->log_dropped = 0;
    } else {
        vm->log_dropped++;
    }
    lock_release(&budget_lock);
    return ok;
}

void log_vm(struct vm *vm, const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    unsigned dropped;
    va_list args;

    if (!spend(vm, &dropped))
        return;
    if (dropped)
        log_line("%s: %u more messages were not shown", vm->config->name, dropped);
    va_start(args, format);
    format_vm(text, sizeof(text), vm, format, args);
    va_end(args);
    keep_with_time(text);
    console_hypervisor_line(text);
}

void panic(const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    cpu_stop_others();
    console_emergency(text);
    board_fail(text);
}
