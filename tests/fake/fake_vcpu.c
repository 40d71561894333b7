/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"
#include <stdlib.h>

jmp_buf fake_catch;
bool fake_catching;
struct vcpu *fake_entered;
ipaddr_t fake_entry;
uint64_t fake_entry_context;
unsigned fake_undefined, fake_aborts;
uint64_t fake_abort_far;
struct vcpu_state fake_state;

noreturn static void leave(enum fake_left how)
{
    if (!fake_catching)
        abort(); /* a vCPU was entered or parked where the test did not expect it */
    longjmp(fake_catch, (int)how);
}

__attribute__((weak)) noreturn void vcpu_enter(struct vcpu *vcpu, ipaddr_t entry, uint64_t context)
{
    fake_entered = vcpu;
    fake_entry = entry;
    fake_entry_context = context;
    leave(FAKE_ENTERED);
}

__attribute__((weak)) noreturn void vcpu_park(void)
{
    leave(FAKE_PARKED);
}

__attribute__((weak)) noreturn void vcpu_freeze(struct vcpu *vcpu)
{
    (void)vcpu;
    leave(FAKE_FROZEN);
}

__attribute__((weak)) noreturn void vcpu_thaw(struct vcpu *vcpu)
{
    (void)vcpu;
    leave(FAKE_THAWED);
}

__attribute__((weak)) void vcpu_timers_off(struct vcpu *vcpu)
{
    (void)vcpu;
}

__attribute__((weak)) void vcpu_inject_undefined(struct vcpu *vcpu)
{
    (void)vcpu;
    fake_undefined++;
}

__attribute__((weak)) void vcpu_inject_data_abort(struct vcpu *vcpu, uint64_t far, bool fetch)
{
    (void)vcpu;
    (void)fetch;
    fake_aborts++;
    fake_abort_far = far;
}

__attribute__((weak)) void vcpu_state_read(struct vcpu_state *out)
{
    *out = fake_state;
}
