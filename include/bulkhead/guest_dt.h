/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree that a guest gets (core/guest_dt.c): the machine that its VM is. */
#ifndef BULKHEAD_GUEST_DT_H
#define BULKHEAD_GUEST_DT_H

#include <bulkhead/types.h>

struct vm;

enum { GUEST_DT_MAX = 8192 }; /* bytes that it never exceeds */

/*
 * Write the tree of one start of `vm` (its seeds depend on vm->starts) to `out`, 8-byte aligned.
 * `initrd` is guest-physical, size 0 for none. Returns its bytes, 0 if `room` is too little. The
 * VM's own cores; the caller cleans what was written.
 */
size_t guest_dt_write(const struct vm *vm, struct range initrd, void *out, size_t room);

#endif
