/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdnoreturn.h>

#include <bulkhead/log.h>

noreturn void no_heap(void);

/*
 * The link binds newlib's _malloc_r, _realloc_r and _free_r to this (mk/hyp.mk): its formatter
 * names them for asprintf, which is not in the image. A call of malloc itself does not link.
 */
noreturn void no_heap(void)
{
    panic("a C library function asked for a heap");
}
