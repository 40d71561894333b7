/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/board.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/memmap.h>
#include <bulkhead/report.h>
#include <bulkhead/version.h>
#include <bulkhead/vm.h>
#include <string.h>

#include "line.h"
#include "monitor.h"
#include "monitor_stats.h"

static bool help_line(struct monitor_call *call, char *line, size_t size)
{
    static const char *const arguments[] = {"", "VM", "[VM]"};
    const struct monitor_command *c = &monitor_commands[call->index];
    if (!c->name)
        return false;
    line_add(line, size, "  %s %s", c->name, arguments[c->takes]);
    if (c->word)
        line_add(line, size, "%s[%s]", c->takes == TAKES_NOTHING ? "" : " or ", c->word);
    while (strlen(line) < 24)
        line_add(line, size, " ");
    line_add(line, size, "%s", c->help);
    return true;
}

static bool log_command_line(struct monitor_call *call, char *line, size_t size)
{
    return log_read(&call->cursor, line, size);
}

static bool memmap_command_line(struct monitor_call *call, char *line, size_t size)
{
    return memmap_line(call->index, line, size);
}

static bool version_line(struct monitor_call *call, char *line, size_t size)
{
    line_add(line, size, "Bulkhead %s on %s", BULKHEAD_VERSION, machine.model);
    return call->index == 0;
}

static bool report_command_line(struct monitor_call *call, char *line, size_t size)
{
    return report_line(call->vm, call->index, &call->cursor, line, size);
}

/* In the order of enum vm_command. */
enum { FIRST_VERB = 2 };

static bool verb_line(struct monitor_call *call, char *line, size_t size)
{
    enum vm_command verb = (enum vm_command)(call->command - &monitor_commands[FIRST_VERB]);
    struct refusal why = {""};
    if (call->index == 0 && !vm_command(call->vm, verb, &why))
        line_add(line, size, "%s", why.text);
    return call->index == 0;
}

/* Guests' disks are as after a power failure: so not by a slip of the hand. */
static bool reset_line(struct monitor_call *call, char *line, size_t size)
{
    struct refusal why = {""};
    if (call->index > 0)
        return false;
    for (unsigned i = 0; i < vm_count && call->argument[0] == '\0'; i++)
        if (vms[i].state == VM_RUNNING || vms[i].state == VM_PAUSED)
            line_add(line, size, "%s runs; ", vms[i].config->name);
    if (line[0] != '\0') {
        line_add(line, size, "`stop` them first, or `reset now`");
        return true;
    }
    board_reset("it was reset from the monitor", &why);
    line_add(line, size, "%s", why.text);
    return true;
}

const struct monitor_command monitor_commands[] = {
    {"help", "this list", TAKES_NOTHING, NULL, help_line},
    {"list", "the VMs: state, cores, memory, disks; who has the cores' time", TAKES_NOTHING, NULL,
     list_line},
    {"start", "switch it on", TAKES_VM, NULL, verb_line},
    {"stop", "press its power key", TAKES_VM, NULL, verb_line},
    {"restart", "end it, then start it", TAKES_VM, NULL, verb_line},
    {"pause", "let it stand still", TAKES_VM, NULL, verb_line},
    {"resume", "let it go on", TAKES_VM, NULL, verb_line},
    {"kill", "pull its plug", TAKES_VM, NULL, verb_line},
    {"attach", "be its terminal", TAKES_VM, NULL, NULL},
    {"report", "what its last crash left", TAKES_VM, NULL, report_command_line},
    {"stats", "exits, interrupts, disk, EL2's time; `reset`: longest stays anew", MAY_TAKE_VM,
     "reset", stats_line},
    {"log", "what the hypervisor said since power-on", TAKES_NOTHING, NULL, log_command_line},
    {"memmap", "who has which machine memory", TAKES_NOTHING, NULL, memmap_command_line},
    {"version", "this build, and the board", TAKES_NOTHING, NULL, version_line},
    {"reset", "restart the board", TAKES_NOTHING, "now", reset_line},
    {NULL, NULL, TAKES_NOTHING, NULL, NULL},
};
