/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/arch.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>

void *guest_mem(const struct vm *vm, ipaddr_t ipa, uint64_t bytes)
{
    /* Below RAM the subtraction wraps to a huge offset; neither comparison can wrap. */
    uint64_t offset = ipa.v - GUEST_RAM_BASE;
    if (offset > vm->memory.bytes || bytes > vm->memory.bytes - offset)
        return NULL;
    return (uint8_t *)ram_window() + offset;
}
