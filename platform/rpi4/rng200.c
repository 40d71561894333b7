/* SPDX-License-Identifier: BSD-2-Clause */
/* The hardware random number generator, iProc RNG200 (Linux iproc-rng200.c). */
#include "rpi4.h"
#include <bulkhead/arch.h>
#include <string.h>

enum {
    RNG_CTRL = 0x00,
    RNG_INT_STATUS = 0x18,
    RNG_FIFO_DATA = 0x20,
    RNG_FIFO_COUNT = 0x24,
    CTRL_RBGEN_MASK = 0x1fff,
    CTRL_RBGEN_ENABLE = 1,
    STATUS_NIST_FAIL = 1 << 5,
    FIFO_COUNT_MASK = 0xff,
    WAIT_MS = 50, /* for a word */
};
static const uint32_t status_lockout = 1u << 31;

static bool word(uint8_t *rng, uint32_t *out)
{
    uint64_t limit = time_now() + time_hz() / 1000 * WAIT_MS;
    while (!(mmio_read32(rng + RNG_FIFO_COUNT) & FIFO_COUNT_MASK))
        if (time_now() > limit)
            return false;
    *out = mmio_read32(rng + RNG_FIFO_DATA);
    /* Its own health test failed: what it says is not to be trusted. */
    return !(mmio_read32(rng + RNG_INT_STATUS) & (status_lockout | STATUS_NIST_FAIL));
}

size_t rpi4_entropy(const struct machine *m, void *out, size_t bytes)
{
    const struct device *d = machine_device(m, DEV_RNG);
    size_t got = 0;
    if (!d || !d->enabled || !d->nregs)
        return 0;
    uint8_t *rng = map_device(paddr(d->reg[0].base), 0x28);
    uint32_t ctrl = mmio_read32(rng + RNG_CTRL);
    if ((ctrl & CTRL_RBGEN_MASK) != CTRL_RBGEN_ENABLE)
        mmio_write32(rng + RNG_CTRL, (ctrl & ~(uint32_t)CTRL_RBGEN_MASK) | CTRL_RBGEN_ENABLE);
    for (uint32_t random; got < bytes && word(rng, &random);) {
        size_t n = MIN(sizeof(random), bytes - got);
        memcpy((uint8_t *)out + got, &random, n);
        got += n;
    }
    return got;
}
