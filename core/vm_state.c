/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a VM, and what moves it from one to another (docs/architecture.md draws it). Each
 * change is made here, under vm->lock, and told to the VM's cores, which then do what the new state
 * asks of them (core/vm.c).
 */
#include <bulkhead/cpu.h>
#include <bulkhead/log.h>
#include <bulkhead/report.h>
#include <bulkhead/vm.h>

#include "vm_internal.h"

enum {
    FIRST_DELAY_MS = 100, /* before a restart by policy; doubles with each one in a row */
    LAST_DELAY_MS = 5000,
};

void vm_tell(const struct vm *vm)
{
    for (unsigned i = 0; i < vm->nvcpus; i++)
        cpu_post(vm->vcpus[i].cpu, EVENT_VM);
}

/* ---- Changes; lock held ---- */

static void enter(struct vm *vm, enum vm_state state)
{
    vm->restart_due = vm->press_power = false;
    if (state == VM_LOADING)
        vm->loader = (struct loader){0};
    if (state == VM_STOPPING)
        vm->down = 0;
    __atomic_store_n(&vm->state, state, __ATOMIC_RELEASE);
    vm_tell(vm);
}

static bool is_crash(enum vm_end_kind kind)
{
    return kind == VM_END_CRASH || kind == VM_END_WATCHDOG;
}

static void begin_end(struct vm *vm, enum vm_end_kind kind, const char *reason,
                      const struct vcpu *culprit)
{
    vm->end = kind;
    if (vm->state != VM_LOADING && (is_crash(kind) || kind == VM_END_KILL))
        report_begin(vm, culprit, reason);
    refuse(&vm->why, "%s", reason);
    enter(vm, VM_STOPPING);
}

/* Its virtual time goes on from where it stood; if a vCPU never came to stand it went on anyway. */
static void resume(struct vm *vm)
{
    uint64_t now = time_now();
    bool stood = true;

    for (unsigned i = 0; i < vm->nvcpus; i++)
        stood &= vm->vcpus[i].power != VCPU_ON || vm->vcpus[i].frozen;
    if (stood)
        vm->cntvoff += now - vm->paused_at;
    vm->paused_at = now;
    enter(vm, VM_RUNNING);
}

/* ---- The operator's commands ---- */

enum { NO = 0xff };

/* The state that a command leads to from each state. The same one: a wish beside it. */
static const uint8_t leads_to[][VM_COMMAND_KILL + 1] = {
    /*                start       stop        restart      pause      resume      kill */
    [VM_REFUSED] = {NO, NO, NO, NO, NO, NO},
    [VM_OFF] = {VM_LOADING, NO, VM_LOADING, NO, NO, VM_OFF},
    [VM_LOADING] = {NO, NO, VM_STOPPING, NO, NO, VM_STOPPING},
    [VM_RUNNING] = {NO, VM_RUNNING, VM_STOPPING, VM_PAUSED, NO, VM_STOPPING},
    [VM_PAUSED] = {NO, NO, VM_STOPPING, NO, VM_RUNNING, VM_STOPPING},
    [VM_STOPPING] = {NO, NO, VM_STOPPING, NO, NO, VM_STOPPING},
    [VM_CRASHED] = {VM_LOADING, NO, VM_LOADING, NO, NO, VM_CRASHED},
};

static bool object(const struct vm *vm, struct refusal *why)
{
    static const char *const advice[] = {
        [VM_OFF] = "start it",
        [VM_LOADING] = "wait, or kill it",
        [VM_RUNNING] = "stop, restart, pause or kill it",
        [VM_PAUSED] = "resume, restart or kill it",
        [VM_STOPPING] = "wait a moment",
        [VM_CRASHED] = "start it; `report` tells more",
    };
    if (vm->state == VM_REFUSED)
        *why = vm->why;
    else
        refuse(why, "%s is %s: %s", vm->config->name, vm_state_name(vm->state), advice[vm->state]);
    return false;
}

static bool command_locked(struct vm *vm, enum vm_command command, struct refusal *why)
{
    unsigned to = leads_to[vm->state][command];

    if (to == NO ||
        (to == vm->state && command == VM_COMMAND_KILL && to != VM_STOPPING && !vm->restart_due))
        return object(vm, why);
    if (command == VM_COMMAND_STOP) {
        vm->press_power = true;
        cpu_post(vm->vcpus[0].cpu, EVENT_VM);
    } else if (to == VM_STOPPING && vm->state == VM_STOPPING) {
        vm->end = command == VM_COMMAND_KILL ? VM_END_KILL : VM_END_RESTART;
    } else if (to == VM_STOPPING && command == VM_COMMAND_KILL) {
        begin_end(vm, VM_END_KILL, "it was killed from the monitor", NULL);
    } else if (to == VM_STOPPING) {
        begin_end(vm, VM_END_RESTART, "it was restarted from the monitor", NULL);
    } else if (command == VM_COMMAND_RESUME) {
        resume(vm);
    } else {
        enter(vm, (enum vm_state)to);
    }
    return true;
}

bool vm_command(struct vm *vm, enum vm_command command, struct refusal *why)
{
    bool ok;
    lock_take(&vm->lock);
    ok = command_locked(vm, command, why);
    lock_release(&vm->lock);
    return ok;
}

/* ---- Its own doing ---- */

static const char *const said_at_end[] = {
    [VM_END_OFF] = "is off",           [VM_END_RESET] = "ends", [VM_END_CRASH] = "crashed",
    [VM_END_WATCHDOG] = "was stopped", [VM_END_KILL] = "ends",  [VM_END_RESTART] = "ends",
};

void vm_end(struct vm *vm, enum vm_end_kind kind, const char *reason)
{
    struct vcpu *self = vcpu_this();
    bool first;

    lock_take(&vm->lock);
    first = vm->state == VM_RUNNING || vm->state == VM_PAUSED;
    if (first)
        begin_end(vm, kind, reason, kind == VM_END_CRASH && self && self->vm == vm ? self : NULL);
    lock_release(&vm->lock);

    if (first)
        log_vm_state(vm, "%s: %s", said_at_end[kind], reason);
    if (self && self->vm == vm)
        vm_run_event(self);
}

bool vm_loaded(struct vm *vm)
{
    bool go;
    lock_take(&vm->lock);
    go = vm->state == VM_LOADING;
    if (go) {
        vm->started_at = time_now();
        enter(vm, VM_RUNNING);
    }
    lock_release(&vm->lock);
    return go;
}

void vm_not_loaded(struct vm *vm)
{
    lock_take(&vm->lock);
    if (vm->state == VM_LOADING)
        enter(vm, VM_REFUSED);
    lock_release(&vm->lock);
    log_line("%s", vm->why.text);
}

/* ---- After the end ---- */

static bool policy_restarts(const struct vm *vm)
{
    switch (vm->end) {
    case VM_END_RESET:
        return !vm->config->reset_stops;
    case VM_END_CRASH:
    case VM_END_WATCHDOG:
        return !vm->config->crash_stops;
    case VM_END_OFF:
    case VM_END_KILL:
    case VM_END_RESTART:
        break;
    }
    return false;
}

/* Lock held. Is one more restart within the limit? Books it. */
static bool within_limit(struct vm *vm, uint64_t now)
{
    const struct vm_config *c = vm->config;
    uint64_t window = c->restart_seconds * time_hz();
    unsigned slot = c->restart_limit ? vm->restarts % c->restart_limit : 0;

    if (c->restart_limit && vm->restarts >= c->restart_limit &&
        now - vm->restarted_at[slot] < window)
        return false;
    if (now - vm->started_at >= window)
        vm->streak = 0;
    vm->restarted_at[slot] = now;
    vm->restarts++;
    return true;
}

/* Lock held. Milliseconds until then. */
static unsigned schedule_restart(struct vm *vm, uint64_t now)
{
    unsigned ms = MIN((unsigned)FIRST_DELAY_MS << MIN(vm->streak, 6u), (unsigned)LAST_DELAY_MS);
    vm->streak++;
    vm->restart_due = true;
    timer_arm(&vm->timer, now + ticks_from_us((uint64_t)ms * 1000));
    return ms;
}

void vm_collected(struct vm *vm)
{
    uint64_t now = time_now();
    bool again, stays = false;
    unsigned ms = 0;

    timer_cancel(&vm->timer);
    lock_take(&vm->lock);
    again = policy_restarts(vm);
    if (vm->end == VM_END_RESTART) {
        enter(vm, VM_LOADING);
    } else {
        enter(vm, is_crash(vm->end) ? VM_CRASHED : VM_OFF);
        stays = again && !within_limit(vm, now);
        if (again && !stays)
            ms = schedule_restart(vm, now);
    }
    lock_release(&vm->lock);

    report_summary(vm);
    if (stays)
        log_vm_state(vm, "stays down: restarted %u times in %u s; `start %s` in the monitor",
                     vm->config->restart_limit, vm->config->restart_seconds, vm->config->name);
    else if (ms)
        log_vm_state(vm, "starts again in %u ms", ms);
    else if (vm->end != VM_END_OFF && vm->end != VM_END_RESTART)
        log_vm_state(vm, "is off: %s", vm->why.text);
}

/* ---- Its timer, on its first core ---- */

static void expired(void *context)
{
    struct vm *vm = context;
    bool late;

    lock_take(&vm->lock);
    if (vm->restart_due)
        enter(vm, VM_LOADING);
    late = vm->state == VM_RUNNING;
    lock_release(&vm->lock);
    if (late)
        log_vm_state(vm, "did not turn itself off in %u s; `kill %s` in the monitor ends it",
                     vm->config->stop_seconds, vm->config->name);
}

void vm_run_wishes(struct vm *vm)
{
    bool press;

    lock_take(&vm->lock);
    press = vm->press_power;
    vm->press_power = false;
    lock_release(&vm->lock);
    if (!press)
        return;
    if (!vm_press_power(vm)) {
        log_vm_state(vm, "has no power key; `kill %s` in the monitor ends it", vm->config->name);
        return;
    }
    log_vm_state(vm, "its power key is pressed");
    timer_arm(&vm->timer, time_now() + vm->config->stop_seconds * time_hz());
}

void vm_state_init(struct vm *vm)
{
    timer_init(&vm->timer, expired, vm);
}
