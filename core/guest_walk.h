/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's own (stage 1) translation, walked in software for its crash report. */
#ifndef CORE_GUEST_WALK_H
#define CORE_GUEST_WALK_H

#include <bulkhead/vm.h>

enum { MAX_FRAMES = 32 };

/*
 * Where `va` is in the guest's physical space, by the tables that `s` names (4, 16 and 64 KiB
 * granules, 25 to 48 bits). The tables are hostile: at most four reads, each through guest_mem().
 * False: not mapped, or by tables of another kind. The VM's own cores.
 */
bool guest_walk(const struct vm *vm, const struct vcpu_state *s, uint64_t va, ipaddr_t *out);

/* Read an aligned word at a guest's virtual address. False: not there. */
bool guest_read_va(const struct vm *vm, const struct vcpu_state *s, uint64_t va, uint64_t *out);

/* Return addresses by the chain of frame records (AAPCS64 6.4.6), innermost first; how many. */
unsigned guest_backtrace(const struct vm *vm, const struct vcpu_state *s,
                         const struct vcpu_regs *regs, uint64_t frames[MAX_FRAMES]);

#endif
