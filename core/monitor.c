/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's prompt: Ctrl-] 0. Typed bytes come in under the console's keys lock. */
#include "monitor.h"

#include <bulkhead/account.h>
#include <bulkhead/cpu.h>
#include <stdio.h>
#include <string.h>

#include "console_state.h"
#include "monitor_edit.h"

#define PROMPT "bulkhead> "

enum {
    LINES_PER_STEP = 4,
    WAIT_US = 5000,      /* for the terminal to read on */
    QUEUED_BYTES = 2048, /* not yet sent, at most: Ctrl-C works at once */
    AHEAD_BYTES = 64,
    CTRL_C = 3,
};

static struct {
    struct editor editor;
    char ahead[AHEAD_BYTES]; /* typed while a command prints */
    unsigned ahead_count;
    uint8_t core; /* that runs the command: where Enter came in */
    bool running, stop, disturbed;
    const struct monitor_command *command;
    char arguments[EDIT_LINE_MAX];
    unsigned index;
    uint64_t cursor;
} monitor;

static void prompt(void)
{
    char line[sizeof(PROMPT) + EDIT_LINE_MAX];
    snprintf(line, sizeof(line), PROMPT "%s", monitor.editor.line);
    text_put(line);
}

static bool running(void)
{
    return __atomic_load_n(&monitor.running, __ATOMIC_ACQUIRE);
}

/* ---- Typing: keys lock held ---- */

static void start(char *line)
{
    char *word = line + strspn(line, " ");
    size_t length = strcspn(word, " ");
    const char *arguments = word + length + strspn(word + length, " ");

    for (const struct monitor_command *c = monitor_commands; length && c->name; c++) {
        if (strlen(c->name) != length || strncmp(c->name, word, length) != 0)
            continue;
        snprintf(monitor.arguments, sizeof(monitor.arguments), "%s", arguments);
        monitor.command = c;
        monitor.index = 0;
        monitor.cursor = 0;
        monitor.stop = false;
        __atomic_store_n(&monitor.running, true, __ATOMIC_RELEASE);
        return;
    }
    if (length) {
        text_put("no such command: ");
        text_put(word);
        text_put("; `help` lists them\n");
    }
}

static const char *command_name(unsigned index)
{
    return monitor_commands[index].name;
}

static const char *vm_name(unsigned index)
{
    return index < vm_count ? vms[index].config->name : NULL;
}

static void complete(char *echo)
{
    struct editor *e = &monitor.editor;
    const char *(*candidate)(unsigned) = strchr(e->line, ' ') ? vm_name : command_name;
    const char *space = strrchr(e->line, ' '), *name;
    const char *word = space ? space + 1 : e->line;
    size_t typed = strlen(word);

    if (editor_complete(e, candidate, echo) < 2 || echo[0] != '\0') {
        text_put(echo);
        return;
    }
    text_put("\n");
    for (unsigned i = 0; (name = candidate(i)) != NULL; i++) {
        if (strncmp(name, word, typed) != 0)
            continue;
        text_put(name);
        text_put("  ");
    }
    text_put("\n");
    prompt();
}

static void type_ahead(uint8_t byte)
{
    if (byte == CTRL_C)
        __atomic_store_n(&monitor.stop, true, __ATOMIC_RELAXED);
    else if (monitor.ahead_count < AHEAD_BYTES)
        monitor.ahead[monitor.ahead_count++] = (char)byte;
    else
        text_put("\a");
}

void monitor_input(uint8_t byte)
{
    char echo[EDIT_ECHO_MAX];
    enum edit_result result;

    if (running()) {
        type_ahead(byte);
        return;
    }
    __atomic_store_n(&monitor.core, (uint8_t)cpu_this(), __ATOMIC_RELAXED);
    result = editor_put(&monitor.editor, byte, echo);
    if (result == EDIT_TAB) {
        complete(echo);
        return;
    }
    text_put(echo);
    if (result == EDIT_MORE)
        return;
    if (result == EDIT_DONE)
        start(monitor.editor.line);
    else
        monitor.editor.length = 0; /* cancelled: not worth the up arrow */
    editor_next(&monitor.editor);
    if (!running())
        prompt();
}

void monitor_enter(void)
{
    __atomic_store_n(&monitor.core, (uint8_t)cpu_this(), __ATOMIC_RELAXED);
    if (running()) /* still from the last visit */
        return;
    monitor.editor.length = 0;
    monitor.editor.line[0] = '\0';
    prompt();
}

void monitor_disturbed(void)
{
    __atomic_store_n(&monitor.disturbed, true, __ATOMIC_RELEASE);
    cpu_post(__atomic_load_n(&monitor.core, __ATOMIC_RELAXED), EVENT_CONSOLE);
}

/* ---- Printing: on the command's core, no lock held ---- */

static void finish(void)
{
    unsigned count;

    keys_take();
    __atomic_store_n(&monitor.running, false, __ATOMIC_RELEASE);
    count = monitor.ahead_count;
    monitor.ahead_count = 0;
    if (view_now().show == SHOW_MONITOR) {
        prompt();
        for (unsigned i = 0; i < count; i++)
            monitor_input((uint8_t)monitor.ahead[i]); /* puts back what follows an Enter */
    }
    keys_release();
}

/* True: there is more. */
static bool print_some(void)
{
    char line[MONITOR_LINE_MAX];

    for (unsigned i = 0; i < LINES_PER_STEP; i++) {
        if (__atomic_load_n(&monitor.stop, __ATOMIC_RELAXED) || view_now().show != SHOW_MONITOR)
            return false;
        if (text_room() < TEXT_BYTES - QUEUED_BYTES)
            return true;
        line[0] = '\0';
        if (!monitor.command->line(monitor.arguments, monitor.index++, &monitor.cursor, line,
                                   sizeof(line) - 1))
            return false;
        if (line[0] != '\0') {
            strcat(line, "\n");
            text_put(line);
        }
    }
    return true;
}

static void redraw(void)
{
    keys_take();
    if (!running() && view_now().show == SHOW_MONITOR) {
        text_put("\r\033[K");
        prompt();
    }
    keys_release();
}

static uint64_t step(void)
{
    if (running()) {
        if (print_some())
            return time_now() + ticks_from_us(WAIT_US);
        finish();
        if (running()) /* a command that was typed ahead */
            return time_now();
    }
    if (__atomic_exchange_n(&monitor.disturbed, false, __ATOMIC_ACQUIRE))
        redraw();
    return UINT64_MAX;
}

uint64_t monitor_step(void)
{
    unsigned before;
    uint64_t wake;

    if (__atomic_load_n(&monitor.core, __ATOMIC_RELAXED) != cpu_this())
        return UINT64_MAX;
    before = account_switch(ACCOUNT_HYPERVISOR);
    wake = step();
    account_switch(before);
    return wake;
}
