/* SPDX-License-Identifier: BSD-2-Clause */
/* What core/'s own files share about VMs' lives. */
#ifndef CORE_VM_INTERNAL_H
#define CORE_VM_INTERNAL_H

#include <bulkhead/gpt.h>
#include <bulkhead/vm.h>

/* Boot core, before the VM's cores run: build vms[id] from its configuration and its share of
 * memory. A VM that cannot be (partition not on the card, file missing) becomes VM_REFUSED with a
 * sentence. */
void vm_setup(unsigned id, const struct vm_config *config, const struct partition *memory,
              const struct gpt *gpt);

/* On the VM's first core, one bounded step (zero 2 MiB, or load the files), posting itself the next
 * step; the last step enters the guest and does not return. */
void vm_load_step(struct vm *vm);

/* On the vCPU's own core: EVENT_VCPU_START, EVENT_VCPU_STOP. */
void vcpu_start(struct vcpu *vcpu);
noreturn void vcpu_stop(struct vcpu *vcpu);

/* core/psci.c: `function` is in the PSCI range. The result goes to x0; may not return. */
void psci_call(struct vcpu *vcpu, uint32_t function);

#endif
