// sources: virtio/queue.c core/guest_mem.c
// cbmc: --unwind 4 --no-unwinding-assertions
// bounds: rings of up to 2 entries, chains of up to 3 descriptors (direct and indirect), RAM of 128 bytes of any content that does not change meanwhile
/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue and a chain from any bytes: no ring, table or buffer outside of RAM is ever touched or
 * passed on. Longer chains are cut off by the solver's bound, not by the walk's own, which fuzzing
 * and unit tests look at. */
#include "prove.h"

#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <virtio/device.h>
#include <virtio/queue.h>

enum { RAM = 128 };

static uint8_t ram[RAM];

void *ram_window(void)
{
    return ram;
}

static void check(const struct virtq_chain *chain)
{
    unsigned n = chain->nread + chain->nwrite, i = nondet_unsigned();
    PROVE(chain->nread <= VIRTQ_MAX_SEGMENTS && n <= VIRTQ_MAX_SEGMENTS, "segments fit");
    ASSUME(i < n); /* any of them */
    uint64_t offset = (uint64_t)(chain->segments[i].data - ram);
    PROVE(offset < RAM && chain->segments[i].bytes <= RAM - offset, "a buffer inside RAM");
    PROVE(chain->segments[i].bytes > 0, "of some bytes");
    if (chain->last_byte)
        PROVE((uint64_t)(chain->last_byte - ram) < RAM, "the status byte inside RAM");
}

int main(void)
{
    static struct vm vm;
    struct virtqueue q = {0};
    struct virtq_chain chain;
    const char *why;

    vm.memory.bytes = RAM;
    __CPROVER_havoc_object(ram);
    q.desc_ipa = nondet_u64();
    q.avail_ipa = nondet_u64();
    q.used_ipa = nondet_u64();
    q.size = nondet_u32();
    ASSUME(q.size <= 2 || q.size > VIRTQUEUE_MAX);
    if (!virtq_start(&q, &vm, nondet_u64()))
        return 0;
    PROVE(q.size <= 2, "no queue larger than offered");
    q.last_avail = (uint16_t)nondet_u32();
    if (virtq_take(&q, &vm, &chain, &why) != VIRTQ_CHAIN)
        return 0;
    check(&chain);
    virtq_give(&q, chain.head, nondet_u32());
    virtq_wants_interrupt(&q);
    virtq_ask_notify(&q, nondet_bool());
    return 0;
}
