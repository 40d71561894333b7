/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/vm.h>

const char *vm_state_name(enum vm_state state)
{
    static const char *const names[] = {
        [VM_REFUSED] = "refused", [VM_OFF] = "off",       [VM_LOADING] = "loading",
        [VM_RUNNING] = "running", [VM_PAUSED] = "paused", [VM_STOPPING] = "stopping",
        [VM_CRASHED] = "crashed",
    };
    return (unsigned)state < ARRAY_SIZE(names) ? names[state] : "?";
}
