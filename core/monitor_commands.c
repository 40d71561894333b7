/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/account.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/memmap.h>
#include <bulkhead/version.h>
#include <bulkhead/vm.h>
#include <stdio.h>
#include <string.h>

#include "monitor.h"

static bool help_line(const char *arguments, unsigned index, uint64_t *cursor, char *line,
                      size_t size)
{
    const struct monitor_command *c = &monitor_commands[index];
    char usage[32];
    (void)arguments;
    (void)cursor;
    if (!c->name)
        return false;
    snprintf(usage, sizeof(usage), "%s %s", c->name, c->arguments ? c->arguments : "");
    snprintf(line, size, "  %-16s %s", usage, c->help);
    return true;
}

static void append(char *text, size_t size, const char *separator, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? separator : "", more);
}

static void vm_line(const struct vm *vm, char *line, size_t size)
{
    char cores[16] = "", disks[96] = "", number[8];

    for (unsigned i = 0; i < vm->nvcpus; i++) {
        snprintf(number, sizeof(number), "%u", vm->vcpus[i].cpu);
        append(cores, sizeof(cores), ",", number);
    }
    for (unsigned i = 0; i < vm->config->ndisks; i++) {
        const struct disk_config *disk = &vm->config->disks[i];
        append(disks, sizeof(disks), ", ", disk->partition);
        if (disk->read_only)
            append(disks, sizeof(disks), " ", "(read-only)");
    }
    snprintf(line, size, "%u  %-12s %-9s %-8s %6llu MiB  %s", vm->id + 1, vm->config->name,
             vm_state_name(vm->state), cores, (unsigned long long)(vm->memory.bytes >> 20),
             disks[0] ? disks : "none");
}

static unsigned long long microseconds(uint64_t ticks)
{
    return ticks / (time_hz() / 1000000);
}

/* Who had how much of this core's time at EL2. */
static void core_line(unsigned cpu, char *line, size_t size)
{
    const struct vcpu *vcpu = vcpu_on(cpu);
    struct account a;
    char part[64];

    account_read(cpu, &a);
    snprintf(line, size, "core %u (%s) at EL2, in us:", cpu,
             vcpu ? vcpu->vm->config->name : "no VM");
    for (unsigned i = 0; i < vm_count; i++) {
        snprintf(part, sizeof(part), "%s %llu,", vms[i].config->name, microseconds(a.ticks[i]));
        append(line, size, " ", part);
    }
    snprintf(part, sizeof(part), "hypervisor %llu; %llu stays, longest %llu",
             microseconds(a.ticks[ACCOUNT_HYPERVISOR]), (unsigned long long)a.stays,
             microseconds(a.longest));
    append(line, size, " ", part);
}

/* A heading; two lines for each VM: what it is, and why it does not run; one for each core. */
static bool list_line(const char *arguments, unsigned index, uint64_t *cursor, char *line,
                      size_t size)
{
    const struct vm *vm;
    (void)arguments;
    (void)cursor;
    if (index == 0) {
        if (vm_count == 0)
            snprintf(line, size, "no VM: the configuration was refused; `log` says why");
        else
            snprintf(line, size, "   %-12s %-9s %-8s %10s  %s", "VM", "state", "cores", "memory",
                     "disks");
        return true;
    }
    if (index > 2 * vm_count) {
        unsigned cpu = index - 1 - 2 * vm_count;
        if (cpu < cpu_count())
            core_line(cpu, line, size);
        return cpu < cpu_count();
    }
    vm = &vms[(index - 1) / 2];
    if (index % 2)
        vm_line(vm, line, size);
    else if (vm->why.text[0] && vm->state != VM_RUNNING)
        snprintf(line, size, "     %s", vm->why.text);
    return true;
}

static bool log_command_line(const char *arguments, unsigned index, uint64_t *cursor, char *line,
                             size_t size)
{
    (void)arguments;
    (void)index;
    return log_read(cursor, line, size);
}

static bool memmap_command_line(const char *arguments, unsigned index, uint64_t *cursor, char *line,
                                size_t size)
{
    (void)arguments;
    (void)cursor;
    return memmap_line(index, line, size);
}

static bool version_line(const char *arguments, unsigned index, uint64_t *cursor, char *line,
                         size_t size)
{
    (void)arguments;
    (void)cursor;
    if (index == 0)
        snprintf(line, size, "Bulkhead %s on %s", BULKHEAD_VERSION, machine.model);
    return index == 0;
}

const struct monitor_command monitor_commands[] = {
    {"help", NULL, "this list", help_line},
    {"list", NULL, "the VMs: state, cores, memory, disks; who has the cores' time", list_line},
    {"log", NULL, "what the hypervisor said since power-on", log_command_line},
    {"memmap", NULL, "who has which machine memory", memmap_command_line},
    {"version", NULL, "this build, and the board", version_line},
    {NULL, NULL, NULL, NULL},
};
