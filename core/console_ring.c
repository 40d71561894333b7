/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_state.h"

void ring_put(struct ring *r, uint8_t byte)
{
    r->bytes[r->head & (r->size - 1)] = byte;
    __atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELAXED);
}

uint8_t ring_at(const struct ring *r, uint64_t position)
{
    return r->bytes[position & (r->size - 1)];
}

static uint64_t back(const struct ring *r, uint32_t bytes)
{
    uint64_t most = MIN(bytes, r->size);
    return r->head > most ? r->head - most : 0;
}

uint64_t ring_last_line(const struct ring *r, uint32_t limit)
{
    uint64_t oldest = back(r, limit);
    for (uint64_t at = r->head; at > oldest; at--)
        if (ring_at(r, at - 1) == '\n')
            return at;
    return oldest == 0 ? 0 : r->head;
}

uint64_t ring_replay_start(const struct ring *r, uint32_t bytes)
{
    uint64_t oldest = back(r, bytes), escape = 0;
    if (oldest == 0)
        return 0;
    for (uint64_t at = oldest; at < MIN(r->head, oldest + REPLAY_LOOK); at++) {
        if (ring_at(r, at) == '\n')
            return at + 1;
        if (!escape && ring_at(r, at) == '\033') /* a full-screen program: no lines */
            escape = at;
    }
    return escape ? escape : oldest;
}
