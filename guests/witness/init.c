/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The witness: the first and only process of a Linux guest. Once a second it hashes memory that it
 * filled at its start, writes a piece of its disk and has it flushed, reads back that piece and an
 * older one past the page cache, and says so in one line, its heartbeat:
 *
 *   beat N missed M wrong W late L ms
 *
 * missed: beats that were not there when their second was over; wrong: differences found in memory
 * or on the disk, requests that failed; late: the longest that a beat came after its time, since
 * the last line that a key asked for (any key: it starts anew). Piece N of the disk is a function
 * of N (docs in guests/witness/build), so it can be verified from outside, too.
 *
 * No C library: system calls as in Linux' arch/arm64 (arm64 uses asm-generic/unistd.h).
 */
#include "linux.h"

enum {
    MEMORY_WORDS = 1 << 20, /* 8 MiB */
    PIECE_WORDS = 4096,     /* 32 KiB */
    PIECE_BYTES = PIECE_WORDS * 8,
    PIECES = 256,
    BEAT_NS = 1000000000,
};

static uint64_t memory[MEMORY_WORDS];
static uint64_t piece[PIECE_WORDS] __attribute__((aligned(4096)));
static uint64_t wrong, late_ms;

/* ---- Contents that can be told again ---- */

/* Steele, Lea, Flood 2014: splitmix64. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static void fill_piece(uint64_t beat)
{
    for (uint64_t i = 0; i < PIECE_WORDS; i++)
        piece[i] = i == 0 ? beat : mix(beat << 20 | i);
}

static bool piece_is(uint64_t beat)
{
    for (uint64_t i = 0; i < PIECE_WORDS; i++)
        if (piece[i] != (i == 0 ? beat : mix(beat << 20 | i)))
            return false;
    return true;
}

static uint64_t hash_memory(void)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (unsigned i = 0; i < MEMORY_WORDS; i++)
        hash = (hash ^ memory[i]) * 0x100000001b3 ^ hash >> 29;
    return hash;
}

/* ---- The disk ---- */

static bool transfer(int disk, uint64_t beat, bool write)
{
    uint64_t offset = beat % PIECES * PIECE_BYTES;
    int64_t n = write ? pwrite64(disk, piece, PIECE_BYTES, offset)
                      : pread64(disk, piece, PIECE_BYTES, offset);
    return n == PIECE_BYTES;
}

static void fail(const char *what, uint64_t beat)
{
    wrong++;
    say("WRONG: ", what, " at beat ", beat, "\n");
}

static void check_piece(int disk, uint64_t beat, uint64_t now)
{
    if (!transfer(disk, beat, false))
        fail("a read failed", now);
    else if (!piece_is(beat))
        fail("the disk holds something else", now);
}

static void use_disk(int disk, uint64_t beat)
{
    fill_piece(beat);
    if (!transfer(disk, beat, true) || fsync(disk) != 0)
        fail("a write failed", beat);
    check_piece(disk, beat, beat);
    if (beat >= 1)
        check_piece(disk, beat - 1 - mix(beat) % (beat < PIECES ? beat : PIECES - 1), beat);
}

/* ---- Start ---- */

static void load_module(const char *release, const char *path)
{
    char name[256];
    int fd;
    join(name, sizeof(name), "/lib/modules/", release, path);
    fd = openat(name, O_RDONLY);
    if (fd < 0 || finit_module(fd) != 0)
        say("cannot load ", name, "", 0, "\n");
}

static int open_disk(void)
{
    struct utsname name;
    uname(&name);
    load_module(name.release, "/kernel/drivers/virtio/virtio_mmio.ko");
    load_module(name.release, "/kernel/drivers/block/virtio_blk.ko");
    for (unsigned tries = 0; tries < 1000; tries++) {
        int fd = openat("/dev/vda", O_RDWR | O_DIRECT);
        if (fd >= 0)
            return fd;
        sleep_until(now_ns() + 10000000);
    }
    return -1;
}

static void beat_once(int disk, uint64_t beat, uint64_t hash)
{
    use_disk(disk, beat);
    if (hash_memory() != hash)
        fail("memory has changed", beat);
}

static bool key_pressed(void)
{
    char keys[16];
    return read(0, keys, sizeof(keys)) > 0;
}

static _Noreturn void run(void)
{
    uint64_t hash, due, beat = 0;
    int disk;
    make_devices();
    disk = open_disk();
    if (disk < 0)
        fail("there is no disk", 0);
    for (uint64_t i = 0; i < MEMORY_WORDS; i++)
        memory[i] = mix(i);
    hash = hash_memory();
    due = now_ns();
    for (;;) {
        uint64_t late;
        beat_once(disk, beat, hash);
        late = now_ns() - due;
        if (late / 1000000 > late_ms)
            late_ms = late / 1000000;
        report(beat, late / BEAT_NS, wrong, late_ms);
        if (key_pressed())
            late_ms = 0;
        beat++;
        due += BEAT_NS;
        sleep_until(due);
    }
}

void witness_main(void);
void witness_main(void)
{
    run();
}
