/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_rig.h"
#include "fake/fake.h"
#include <bulkhead/block.h>
#include <stdlib.h>

struct vm rig_vm;
struct vcpu *rig_vcpu = &rig_vm.vcpus[0];
uint8_t *rig_ram;
unsigned rig_pulses, rig_pulsed;

void vgic_pulse(struct vm *vm, unsigned intid)
{
    assert_ptr_equal(vm, &rig_vm);
    __atomic_fetch_add(&rig_pulses, 1, __ATOMIC_SEQ_CST); /* some tests have threads */
    rig_pulsed = intid;
}

__attribute__((weak)) bool block_cancel(unsigned client, const void *context)
{
    (void)client, (void)context;
    return true;
}

void rig_reset(void)
{
    fake_log_reset();
    fake_cpu_reset();
    free(rig_ram);
    rig_ram = calloc(1, RIG_RAM);
    fake_ram_window = rig_ram;
    memset(&rig_vm, 0, sizeof(rig_vm));
    rig_vm.memory.bytes = RIG_RAM;
    rig_vcpu->vm = &rig_vm;
    rig_pulses = rig_pulsed = 0;
}

void *rig_at(uint64_t ipa)
{
    return rig_ram + (ipa - GUEST_RAM_BASE);
}

uint16_t *rig_u16(uint64_t ipa)
{
    return rig_at(ipa);
}

void rig_desc(uint64_t table, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
              uint16_t next)
{
    struct virtq_desc *d = rig_at(table);
    d[i] = (struct virtq_desc){addr, len, flags, next};
}

void rig_offer(unsigned size, uint16_t head)
{
    uint16_t *avail = rig_at(RIG_AVAIL);
    avail[2 + avail[1] % size] = head;
    avail[1]++;
}

uint16_t rig_used_idx(void)
{
    return *rig_u16(RIG_USED + 2);
}

uint32_t rig_used_id(unsigned i)
{
    return *(uint32_t *)rig_at(RIG_USED + 4 + 8 * i);
}

uint32_t rig_used_len(unsigned i)
{
    return *(uint32_t *)rig_at(RIG_USED + 8 + 8 * i);
}
