/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's prompt: Ctrl-] 0. Typed bytes come in under the console's keys lock. */
#include <bulkhead/account.h>
#include <bulkhead/cpu.h>
#include <stdio.h>
#include <string.h>

#include "console_state.h"
#include "line.h"
#include "monitor.h"
#include "monitor_edit.h"

#define PROMPT "bulkhead> "

enum {
    WAIT_US = 2500,      /* from a line to the next: faster than the wire takes them */
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
    struct monitor_call call;
} monitor;

/* The prompt, what is typed, and the terminal's cursor where the editor's is. */
static void prompt(void)
{
    const struct editor *e = &monitor.editor;
    char line[sizeof(PROMPT) + EDIT_LINE_MAX + 8];
    snprintf(line, sizeof(line), PROMPT "%s", e->line);
    if (e->cursor < e->length)
        line_add(line, sizeof(line), "\033[%uD", e->length - e->cursor);
    text_put(line);
}

static void draw_again(void)
{
    text_put("\r\033[K");
    prompt();
}

static bool running(void)
{
    return __atomic_load_n(&monitor.running, __ATOMIC_ACQUIRE);
}

/* ---- Typing: keys lock held ---- */

/* Cut the next word off *text; "" if there is none. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " ");
    char *end = word + strcspn(word, " ");
    *text = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static const struct monitor_command *find_command(const char *name)
{
    const struct monitor_command *c = monitor_commands;
    while (c->name && strcmp(c->name, name) != 0)
        c++;
    return c->name ? c : NULL;
}

static struct vm *find_vm(const char *name)
{
    for (unsigned i = 0; i < vm_count; i++)
        if (strcmp(vms[i].config->name, name) == 0)
            return &vms[i];
    return NULL;
}

static void say_vms(const char *before, const char *name, const char *after)
{
    char line[MONITOR_LINE_MAX];
    snprintf(line, sizeof(line), "%s%s%s; there are:", before, name, after);
    for (unsigned i = 0; i < vm_count; i++)
        line_add(line, sizeof(line), " %s", vms[i].config->name);
    line_add(line, sizeof(line), "\n");
    text_put(line);
}

/* What follows the command's name. False: it was wrong, and why was said. */
static bool understand(struct monitor_call *call, const char *word)
{
    const struct monitor_command *c = call->command;

    call->argument = c->word && strcmp(c->word, word) == 0 ? c->word : "";
    if (c->takes == TAKES_NOTHING || call->argument[0] != '\0')
        return true;
    call->vm = find_vm(word);
    if (!call->vm && word[0] != '\0')
        say_vms("no VM is called ", word, "");
    else if (!call->vm && c->takes == TAKES_VM)
        say_vms("", c->name, " which VM?");
    else
        return true;
    return false;
}

static void start(char *line)
{
    const char *name = next_word(&line);
    struct monitor_call call = {.command = find_command(name)};

    if (name[0] == '\0')
        return;
    if (!call.command) {
        text_put("no such command: ");
        text_put(name);
        text_put("; `help` lists them\n");
        return;
    }
    if (!understand(&call, next_word(&line)))
        return;
    if (!call.command->line) {
        if (call.vm)
            console_attach(call.vm->id);
        return;
    }
    monitor.call = call;
    monitor.stop = false;
    __atomic_store_n(&monitor.running, true, __ATOMIC_RELEASE);
}

static const char *command_name(const void *unused, unsigned index)
{
    (void)unused;
    return monitor_commands[index].name;
}

static const char *argument(const void *command, unsigned index)
{
    const struct monitor_command *c = command;
    if (c->takes != TAKES_NOTHING && index < vm_count)
        return vms[index].config->name;
    return index == (c->takes != TAKES_NOTHING ? vm_count : 0) ? c->word : NULL;
}

static void complete(void)
{
    struct editor *e = &monitor.editor;
    const char *(*candidate)(const void *, unsigned) = command_name;
    const struct monitor_command *c = NULL;
    char line[MONITOR_LINE_MAX] = "\n", first[EDIT_LINE_MAX], *rest = first;
    unsigned before = e->length;
    const char *name;

    memcpy(first, e->line, sizeof(first));
    if (strchr(e->line, ' ')) {
        c = find_command(next_word(&rest));
        candidate = argument;
        if (!c)
            return;
    }
    if (editor_complete(e, candidate, c) >= 2 && e->length == before) {
        for (unsigned i = 0; (name = candidate(c, i)) != NULL; i++)
            if (strncmp(name, editor_word(e), strlen(editor_word(e))) == 0)
                line_add(line, sizeof(line), "%s  ", name);
        line_add(line, sizeof(line), "\n");
        text_put(line);
    }
    draw_again();
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

static bool seen(void)
{
    return view_now().show == SHOW_MONITOR;
}

/* The line is over: run it, unless it was cancelled. */
static void enter(bool run)
{
    char line[EDIT_LINE_MAX];

    memcpy(line, monitor.editor.line, sizeof(line));
    text_put(run ? "\n" : "^C\n");
    if (!run)
        monitor.editor.length = 0; /* not worth the up arrow */
    editor_next(&monitor.editor);
    if (run)
        start(line);
    if (!running() && seen())
        prompt();
}

void monitor_input(uint8_t byte)
{
    const char echo[] = {(char)byte, '\0'};

    if (running()) {
        type_ahead(byte);
        return;
    }
    __atomic_store_n(&monitor.core, (uint8_t)cpu_this(), __ATOMIC_RELAXED);
    switch (editor_put(&monitor.editor, byte)) {
    case EDIT_NOTHING:
        break;
    case EDIT_APPENDED:
        text_put(echo);
        break;
    case EDIT_REDRAW:
        draw_again();
        break;
    case EDIT_FULL:
        text_put("\a");
        break;
    case EDIT_DONE:
        enter(true);
        break;
    case EDIT_CANCEL:
        enter(false);
        break;
    case EDIT_TAB:
        complete();
        break;
    }
}

void monitor_enter(void)
{
    if (running()) /* still from the last visit, on that core */
        return;
    __atomic_store_n(&monitor.core, (uint8_t)cpu_this(), __ATOMIC_RELAXED);
    monitor.editor.length = 0;
    editor_next(&monitor.editor);
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
    if (seen())
        prompt();
    for (unsigned i = 0; i < count && seen(); i++)
        monitor_input((uint8_t)monitor.ahead[i]); /* puts back what follows an Enter */
    keys_release();
}

/* One line, some thousand instructions. True: there is more. */
static bool print_some(void)
{
    char line[MONITOR_LINE_MAX];
    bool first = monitor.call.index == 0; /* a command is carried out even if nobody looks */

    if (!first && (__atomic_load_n(&monitor.stop, __ATOMIC_RELAXED) || !seen()))
        return false;
    if (text_room() < TEXT_BYTES - QUEUED_BYTES)
        return true;
    line[0] = '\0';
    if (!monitor.call.command->line(&monitor.call, line, sizeof(line) - 1))
        return false;
    monitor.call.index++;
    if (line[0] != '\0' && seen()) {
        strcat(line, "\n");
        text_put(line);
    }
    return true;
}

static void redraw(void)
{
    keys_take();
    if (!running() && seen())
        draw_again();
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
