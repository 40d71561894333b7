/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor_stats.h"

#include <bulkhead/account.h>
#include <bulkhead/block.h>
#include <bulkhead/report.h>
#include <bulkhead/vm.h>

#include "line.h"

typedef unsigned long long ull;

static ull microseconds(uint64_t ticks)
{
    return ticks / (time_hz() / 1000000);
}

static bool alive(const struct vm *vm)
{
    return vm->state == VM_RUNNING || vm->state == VM_PAUSED;
}

/* Since `list` was last asked for. */
static ull exits_per_second(const struct vm *vm)
{
    static struct {
        uint64_t at, exits;
    } before[MAX_VMS];
    uint64_t exits[EXITS], sum = 0, now = time_now(), ticks = now - before[vm->id].at, rate;

    account_exits(vm, exits);
    for (unsigned i = 0; i < EXITS; i++)
        sum += exits[i];
    rate = (sum - before[vm->id].exits) * 1000 / MAX(ticks / (time_hz() / 1000), 1u);
    before[vm->id].at = now;
    before[vm->id].exits = sum;
    return rate;
}

static void vm_line(const struct vm *vm, char *line, size_t size)
{
    char cores[16] = "";
    struct block_stats disk;

    for (unsigned i = 0; i < vm->nvcpus; i++)
        line_add(cores, sizeof(cores), "%s%u", i ? "," : "", vm->vcpus[i].cpu);
    block_stats(vm->id, &disk);
    line_add(line, size, "%u  %-12s %-9s %-8s %6llu MiB %7llu s %8u %8llu %5llu+%llu MiB ",
             vm->id + 1, vm->config->name, vm_state_name(vm->state), cores,
             (ull)(vm->memory.bytes >> 20),
             alive(vm) ? (ull)((time_now() - vm->started_at) / time_hz()) : 0, vm->restarts,
             exits_per_second(vm), (ull)(disk.bytes_read >> 20), (ull)(disk.bytes_written >> 20));
    for (unsigned i = 0; i < vm->config->ndisks; i++)
        line_add(line, size, "%s %s%s", i ? "," : "", vm->config->disks[i].partition,
                 vm->config->disks[i].read_only ? " (read-only)" : "");
}

static void longest(const struct account *a, char *line, size_t size)
{
    line_add(line, size, " %llu stays, longest %llu, longest wait for a lock %llu", (ull)a->stays,
             microseconds(a->longest), microseconds(a->lock_wait));
}

/* Who had how much of this core's time at EL2. */
static void core_line(unsigned cpu, char *line, size_t size)
{
    const struct vcpu *vcpu = vcpu_on(cpu);
    struct account a;

    account_read(cpu, &a);
    line_add(line, size, "core %u (%s) at EL2, in us:", cpu,
             vcpu ? vcpu->vm->config->name : "no VM");
    for (unsigned i = 0; i < vm_count; i++)
        line_add(line, size, " %s %llu,", vms[i].config->name, microseconds(a.ticks[i]));
    line_add(line, size, " hypervisor %llu;", microseconds(a.ticks[ACCOUNT_HYPERVISOR]));
    longest(&a, line, size);
}

static bool cores_line(unsigned cpu, char *line, size_t size)
{
    if (cpu < cpu_count())
        core_line(cpu, line, size);
    return cpu < cpu_count();
}

/* A heading; two lines for each VM: what it is, and why it does not run; one for each core. */
bool list_line(struct monitor_call *call, char *line, size_t size)
{
    unsigned index = call->index;
    const struct vm *vm = &vms[index > 0 ? (index - 1) / 2 : 0];

    if (index > 2 * vm_count)
        return cores_line(index - 1 - 2 * vm_count, line, size);
    if (index == 0 && vm_count == 0)
        line_add(line, size, "no VM: the configuration was refused; `log` says why");
    else if (index == 0)
        line_add(line, size, "   %-12s %-9s %-8s %10s %9s %8s %8s  %s", "VM", "state", "cores",
                 "memory", "up", "restarts", "exits/s", "disk read+written");
    else if (index % 2)
        vm_line(vm, line, size);
    else if (vm->why.text[0] && !alive(vm))
        line_add(line, size, "     %s", vm->why.text);
    return true;
}

/* Of all the time of its cores. */
static void share_line(const struct vm *vm, char *line, size_t size)
{
    uint64_t ticks = 0, all = (uint64_t)time_now() * vm->nvcpus / 10000;
    struct account a;

    for (unsigned i = 0; i < vm->nvcpus; i++) {
        account_read(vm->vcpus[i].cpu, &a);
        ticks += a.ticks[vm->id];
    }
    ticks /= MAX(all, 1u);
    line_add(line, size, "EL2: %u.%02u %% of its cores' time since power-on",
             (unsigned)(ticks / 100), (unsigned)(ticks % 100));
}

bool stats_line(struct monitor_call *call, char *line, size_t size)
{
    const struct vm *vm = call->vm;
    unsigned index = call->index;
    struct block_stats disk;
    struct account a;
    uint64_t exits[EXITS];

    if (call->argument[0] != '\0') {
        account_reset_longest();
        return false;
    }
    if (!vm)
        return cores_line(index, line, size);
    if (index == 0) {
        account_exits(vm, exits);
        report_exits(exits, line, size);
    } else if (index == 1) {
        block_stats(vm->id, &disk);
        report_disk(&disk, line, size);
    } else if (index == 2) {
        share_line(vm, line, size);
    } else if (index < 3 + vm->nvcpus) {
        account_read(vm->vcpus[index - 3].cpu, &a);
        line_add(line, size, "core %u, in us:", vm->vcpus[index - 3].cpu);
        longest(&a, line, size);
    }
    return index < 3 + vm->nvcpus;
}
