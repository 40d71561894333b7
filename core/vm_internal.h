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

/* ---- core/vm_state.c: what moves a VM from one state to another. No lock held. ---- */

/* Every core of the VM looks at its state again (EVENT_VM). Any lock held. */
void vm_tell(const struct vm *vm);
/* VM_LOADING -> VM_RUNNING. False: it is to stop instead. First core. */
bool vm_loaded(struct vm *vm);
/* VM_LOADING -> VM_REFUSED; vm->why is the sentence. First core. */
void vm_not_loaded(struct vm *vm);
/* VM_STOPPING -> VM_OFF, VM_CRASHED or VM_LOADING: every core has come in, no request is left.
 * First core. */
void vm_collected(struct vm *vm);
/* The first core's part of `stop`, and of what else a command left to it. */
void vm_run_wishes(struct vm *vm);
/* Boot: what a start must find. */
void vm_state_init(struct vm *vm);

/* ---- core/vm.c ---- */

/* EVENT_VM: this core's part of what the VM's state asks for. May not return. Own core. */
void vm_run_event(struct vcpu *vcpu);
/* Press and release the VM's power key. False: it has none. First core. */
bool vm_press_power(struct vm *vm);

/* core/psci.c: `function` is in the PSCI range. The result goes to x0; may not return. */
void psci_call(struct vcpu *vcpu, uint32_t function);

#endif
