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

void ring_seek_begin(const struct ring *r, struct seek *k, uint32_t bytes)
{
    uint64_t oldest = back(r, bytes);
    uint64_t end = oldest ? MIN(r->head, oldest + REPLAY_LOOK) : 0; /* all of it: no need to look */
    *k = (struct seek){oldest, oldest, end, false, false};
}

bool ring_seek(const struct ring *r, struct seek *k, unsigned *work)
{
    uint64_t stop = MIN(k->end, k->at + *work);

    while (!k->found && k->at < stop) {
        uint8_t byte = ring_at(r, k->at++);
        (*work)--;
        if (byte == '\n') {
            k->start = k->at;
            k->found = true;
        } else if (byte == '\033' && !k->escape) { /* a full-screen program: no lines */
            k->escape = true;
            k->start = k->at - 1;
        }
    }
    k->found |= k->at >= k->end;
    return k->found;
}
