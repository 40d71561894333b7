/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver may get wrong, or do on purpose. */
#include "disk.h"

static uint64_t ram_end(void)
{
    struct fdt_range ranges[64];
    unsigned n = fdt_ranges(device_tree, ranges, 64);
    for (unsigned i = 0; i < n && i < 64; i++)
        if (ranges[i].memory)
            return ranges[i].base + ranges[i].size;
    return 0;
}

/* NULL, or what is wrong: with the case, or with the disk after it. */
static const char *verdict(const char *wrong)
{
    if (wrong)
        return wrong;
    return disk_works() ? NULL : "afterwards the disk does not work";
}

/* Random writes to all registers, with bursts that make a running queue likely. */
const char *virtio_fuzz(void)
{
    for (unsigned n = 0; n < 40000; n++) {
        uint64_t r = random64();
        uint32_t offset = (uint32_t)(r & 0x1fc), value = (uint32_t)(r >> 16);
        if (n % 500 == 0)
            disk_up(DISK, value & (FEATURE_INDIRECT | FEATURE_EVENT));
        if (offset >= QUEUE_DESC && offset < 0xb0)
            value = offset & 4 ? 0 : RAM_BASE + (value & 0xfffff0);
        if (r >> 60 < 4)
            value &= 0xff;
        if (r >> 59 & 1)
            write32(DISK + offset, value);
        else
            attempt(load32, DISK + offset, 0, 0, 0);
    }
    return verdict(NULL);
}

/* Queues that are not, or not wholly, in RAM; sizes that are none. */
const char *virtio_rings(void)
{
    uint64_t end = ram_end();
    const uint64_t bad[] = {0,     0x08000000,   0x3ffffff0,   0x3fffffff, end - 16,
                            end,   end + 0x1000, 0xfe340000,   1ull << 39, 1ull << 63,
                            ~0ull, ~0ull - 15,   RAM_BASE + 1, end - 1,    0x7000000000};
    const uint32_t sizes[] = {0, 3, 65, 128, 0x8000, 0x10000, 0x80000000, 0xffffffff};
    uint64_t good = (uint64_t)&rings;
    for (unsigned part = 0; part < 3; part++) {
        for (unsigned i = 0; i < sizeof(bad) / 8; i++) {
            disk_reset(DISK, 0);
            disk_queue(DISK, part == 0 ? bad[i] : good, part == 1 ? bad[i] : good,
                       part == 2 ? bad[i] : good, SIZE);
            write32(DISK + QUEUE_NOTIFY, 0);
            if (read32(DISK + QUEUE_READY))
                return "a queue outside RAM was accepted";
        }
    }
    for (unsigned i = 0; i < sizeof(sizes) / 4; i++) {
        disk_reset(DISK, 0);
        disk_queue(DISK, good, good, good, sizes[i]);
        write32(DISK + QUEUE_NOTIFY, 0);
        if (read32(DISK + QUEUE_READY))
            return "a queue of a bad size was accepted";
    }
    return verdict(NULL);
}

const char *virtio_chains(void)
{
    const char *wrong = NULL;
    /* To itself; a circle; as long as the queue and on; an index beyond it; nothing but a header.
     */
    for (unsigned which = 0; which < 6 && !wrong; which++) {
        disk_up(DISK, 0);
        request(T_IN, 0, 512);
        switch (which) {
        case 0:
            describe(0, &header, 16, NEXT, 0);
            break;
        case 1:
            describe(2, data, 512, NEXT | WRITE, 1);
            break;
        case 2:
            for (unsigned i = 0; i < SIZE; i++)
                describe(i, i ? data : (void *)&header, 16, NEXT | (i ? WRITE : 0), (i + 1) % SIZE);
            break;
        case 3:
            describe(1, data, 512, NEXT | WRITE, 0xffff);
            break;
        case 4:
            describe(0, &header, 16, 0, 0);
            break;
        default:
            describe(1, data, 512, NEXT | WRITE, 2);
            describe(2, &status, 1, 0, 0); /* readable behind writable */
            break;
        }
        offer(DISK, 0);
        wrong = refused(DISK);
    }
    for (unsigned i = 0; i < 4 && !wrong; i++) { /* a head that is none */
        disk_up(DISK, 0);
        status = S_PENDING;
        offer(DISK, (unsigned[]){SIZE, 0x7fff, 0xffff, SIZE + 1}[i]);
        wrong = refused(DISK);
    }
    return verdict(wrong);
}

const char *virtio_lengths(void)
{
    static const uint32_t lengths[] = {0,          1,          511,        513,        0x80000000,
                                       0xfffffe00, 0xffffffff, 0xfffff000, 0x40000000, 0x7ffffe00};
    uint64_t end = ram_end();
    const uint64_t places[] = {(uint64_t)data, end - 512,  end - 511, end,  0,
                               ~0ull - 511,    0x3ffffe00, PL011,     GICD, 0xfe340000};
    const char *wrong = NULL;
    for (unsigned i = 0; i < sizeof(lengths) / 4 && !wrong; i++) {
        disk_up(DISK, 0);
        request(T_IN, 0, lengths[i]);
        offer(DISK, 0);
        wrong = refused(DISK);
    }
    for (unsigned i = 2; i < sizeof(places) / 8 && !wrong; i++) {
        for (unsigned part = 0; part < 3 && !wrong; part++) { /* header, data, status */
            disk_up(DISK, 0);
            request(T_IN, 0, 512);
            rings.desc[part].addr = part == 2 && i == 2 ? end : places[i];
            if (part == 0 && i == 2)
                continue;
            offer(DISK, 0);
            wrong = refused(DISK);
        }
    }
    return verdict(wrong);
}

const char *virtio_index(void)
{
    const char *wrong = NULL;
    for (unsigned i = 0; i < 5 && !wrong; i++) {
        disk_up(DISK, i & 1 ? FEATURE_EVENT : 0);
        request(T_IN, 0, 512);
        rings.avail.idx = (uint16_t[]){SIZE, 0x7fff, 0xfffe, 0x8000, 200}[i];
        offer(DISK, 0);
        if (!(read32(DISK + STATUS) & NEEDS_RESET))
            wrong = "an index that jumped was followed";
    }
    /* Backwards, after one that was right. */
    disk_up(DISK, 0);
    request(T_IN, 0, 512);
    offer(DISK, 0);
    if (!answered(DISK))
        wrong = "no answer";
    rings.avail.idx = 0xffff;
    offer(DISK, 0); /* 0 again: a step back */
    if (!(read32(DISK + STATUS) & NEEDS_RESET))
        wrong = "an index that went back was followed";
    return verdict(wrong);
}

const char *virtio_indirect(void)
{
    static struct desc table[4096] __attribute__((aligned(16)));
    const char *wrong = NULL;
    for (unsigned which = 0; which < 7 && !wrong; which++) {
        disk_up(DISK, which == 6 ? 0 : FEATURE_INDIRECT);
        request(T_IN, 0, 512);
        for (unsigned i = 0; i < 4096; i++) /* endless */
            table[i] =
                (struct desc){(uint64_t)data, 512, NEXT | (i ? WRITE : 0), (uint16_t)(i + 1)};
        table[0] = (struct desc){(uint64_t)&header, 16, NEXT, 1};
        uint64_t at = (uint64_t)table;
        uint32_t len = sizeof(table), flags = INDIRECT;
        if (which == 1) /* in itself */
            table[1] = (struct desc){at, sizeof(table), INDIRECT, 0};
        else if (which == 2)
            len = 0xfffffff0;
        else if (which == 3)
            len = 0;
        else if (which == 4)
            flags |= NEXT;
        else if (which == 5)
            at = ram_end() - 16;
        describe(0, (void *)at, len, flags, 1);
        offer(DISK, 0);
        wrong = refused(DISK);
    }
    return verdict(wrong);
}

/* The places of a running queue do not move, whatever is written. */
const char *virtio_moved(void)
{
    const char *wrong = NULL;
    disk_up(DISK, 0);
    for (unsigned n = 0; n < 2000 && !wrong; n++) {
        request(T_IN, n, 512);
        write32(DISK + QUEUE_DESC, (uint32_t)random64());
        write32(DISK + QUEUE_DESC + 4, (uint32_t)random64());
        write32(DISK + QUEUE_DEVICE, 0xfe340000);
        write32(DISK + QUEUE_NUM, 0x7fffffff);
        write32(DISK + DRIVER_FEATURES, ~0u);
        if (n % 50)
            continue;
        offer(DISK, 0);
        if (!answered(DISK) || __atomic_load_n(&status, __ATOMIC_RELAXED) != 0)
            wrong = "a request of a queue that was not to move failed";
    }
    return verdict(wrong);
}

static void fill(uint32_t type, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        request(type, 128 * i, 65536);
        offer(DISK, 0);
    }
}

/* Resets, stops and restarts of the queue with requests under way. */
const char *virtio_reset_in_flight(void)
{
    for (unsigned n = 0; n < 150; n++) {
        disk_up(DISK, 0);
        fill(n & 1 ? T_IN : T_OUT, n % 20);
        if (n % 3 == 0) {
            write32(DISK + QUEUE_READY, 0);
            write32(DISK + QUEUE_READY, 1);
        }
        for (unsigned i = 0; i < n % 7; i++)
            write32(DISK + STATUS, 0);
    }
    return verdict(NULL);
}

static void notify(void)
{
    uint64_t start = ticks();
    for (unsigned n = 0; !after(start, 3); n++) {
        write32(DISK + QUEUE_NOTIFY, n & 1);
        write32(DISK + INTERRUPT_ACK, n);
    }
}

const char *virtio_notify_storm(void)
{
    disk_up(DISK, 0);
    if (!run_on_second(notify))
        return "the second vCPU does not come";
    notify();
    if (!wait_for_second(20))
        return "the second vCPU was lost";
    return verdict(NULL);
}

/* One core changes descriptors and indices while the other offers them. */
static void scribble(void)
{
    uint64_t start = ticks();
    while (!after(start, 4)) {
        uint64_t r = random64();
        struct desc *d = &rings.desc[r & 3];
        d->len = (uint32_t)(r >> 8);
        d->addr = r >> 40 & 1 ? r : (uint64_t)data;
        d->flags = (uint16_t)(r >> 41 & 7);
        d->next = (uint16_t)(r >> 44 & 3);
    }
}

const char *virtio_two_cores(void)
{
    uint64_t start = ticks();
    disk_up(DISK, FEATURE_INDIRECT);
    if (!run_on_second(scribble))
        return "the second vCPU does not come";
    while (!after(start, 5)) {
        if (read32(DISK + STATUS) & NEEDS_RESET)
            disk_up(DISK, FEATURE_INDIRECT);
        header.type = T_IN;
        offer(DISK, 0);
        if (random64() % 16 == 0)
            disk_up(DISK, FEATURE_INDIRECT);
    }
    if (!wait_for_second(20))
        return "the second vCPU was lost";
    return verdict(NULL);
}

enum { FILLER = 8, NO_SUCH_TYPE = 99, READ_LIMIT_S = 20 };

/* On the second vCPU: the ring stays full of requests that are refused at once, until the first
 * vCPU's read is over. */
static void keep_full(void)
{
    uint64_t start = ticks();
    while (__atomic_load_n(&status, __ATOMIC_ACQUIRE) == S_PENDING && !after(start, READ_LIMIT_S)) {
        uint16_t used = __atomic_load_n(&rings.used.idx, __ATOMIC_ACQUIRE);
        if (used)
            rings.avail.ring[0] = FILLER;
        __atomic_store_n(&rings.avail.idx, (uint16_t)(used + SIZE), __ATOMIC_RELEASE);
    }
}

/* The device's work on the first vCPU's core has no end: the card and the timers must be heard
 * there all the same. */
const char *virtio_never_empty(void)
{
    static __typeof__(header) unknown = {.type = NO_SUCH_TYPE};
    static uint8_t answer;
    bool ended;

    disk_up(DISK, 0);
    describe(FILLER, &unknown, sizeof(unknown), NEXT, FILLER + 1);
    describe(FILLER + 1, &answer, 1, WRITE, 0);
    request(T_IN, 0, sizeof(data)); /* the first in the ring */
    for (unsigned i = 1; i < SIZE; i++)
        rings.avail.ring[i] = FILLER;
    if (!run_on_second(keep_full))
        return "the second vCPU does not come";
    while (!second_is_done())
        write32(DISK + QUEUE_NOTIFY, 0);
    ended = __atomic_load_n(&status, __ATOMIC_RELAXED) != S_PENDING;
    return verdict(ended ? NULL : "a read does not end while its core has other work");
}

const char *virtio_beyond(void)
{
    uint64_t sectors = disk_sectors(DISK);
    const uint64_t bad[] = {sectors,     sectors - 127, sectors + 1, 1ull << 32,
                            1ull << 55,  1ull << 63,    ~0ull,       ~0ull - 127,
                            0 - sectors, sectors * 2,   ~0ull / 512, ~0ull / 512 + 1};
    const char *wrong = NULL;
    for (unsigned i = 0; i < 2 * sizeof(bad) / 8 && !wrong; i++) {
        disk_up(DISK, 0);
        request(i & 1 ? T_OUT : T_IN, bad[i / 2], 65536);
        offer(DISK, 0);
        wrong = refused(DISK);
    }
    return verdict(wrong);
}

const char *virtio_read_only(void)
{
    const char *wrong = NULL;
    disk_up(DISK_READ_ONLY, 0);
    request(T_OUT, 0, 4096);
    offer(DISK_READ_ONLY, 0);
    wrong = refused(DISK_READ_ONLY);
    for (unsigned type = 2; type < 40 && !wrong; type++) { /* every other type, and unknown ones */
        disk_up(DISK_READ_ONLY, 0);
        request(type, 0, 4096);
        describe(1, data, 4096, NEXT, 2); /* as a write's data */
        offer(DISK_READ_ONLY, 0);
        if (!answered(DISK_READ_ONLY))
            wrong = "no answer";
    }
    disk_reset(DISK_READ_ONLY, 0);
    return verdict(wrong);
}

/* As many requests as the ring holds, of both kinds, to one place. */
const char *virtio_flood(void)
{
    for (unsigned n = 0; n < 6; n++) {
        disk_up(DISK, 0);
        fill(n & 1 ? T_IN : T_OUT, SIZE - 1);
        if (n & 2 && !answered(DISK))
            return "no answer";
    }
    return verdict(NULL);
}

/* Data at addresses that suit no copy: each takes longer. */
const char *virtio_odd(void)
{
    enum { BYTES = 32768 };
    disk_up(DISK, 0);
    for (unsigned n = 0; n < 8; n++) {
        request(n & 1 ? T_IN : T_OUT, 64 * n, BYTES);
        describe(1, data + n, BYTES, NEXT | (n & 1 ? WRITE : 0), 2);
        offer(DISK, 0);
        if (!answered(DISK) || __atomic_load_n(&status, __ATOMIC_RELAXED))
            return verdict("it was not done");
    }
    return verdict(NULL);
}

const char *virtio_then_loop(void)
{
    disk_up(DISK, 0);
    fill(T_OUT, SIZE - 1);
    return cpu_loop_both();
}

const char *virtio_then_reset(void)
{
    disk_up(DISK, 0);
    fill(T_OUT, SIZE - 1);
    return calls_reset();
}
