/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux.h"

/* The kernel enters here; the stack holds arguments that nobody needs. */
__asm__(".global _start\n_start:\tmov x29, #0\n\tb witness_main\n");

int openat(const char *path, int flags)
{
    return (int)call(SYS_OPENAT, AT_FDCWD, (int64_t)path, flags, 0, 0);
}

int64_t pread64(int fd, void *to, size_t bytes, uint64_t offset)
{
    return call(SYS_PREAD64, fd, (int64_t)to, (int64_t)bytes, (int64_t)offset, 0);
}

int64_t pwrite64(int fd, const void *from, size_t bytes, uint64_t offset)
{
    return call(SYS_PWRITE64, fd, (int64_t)from, (int64_t)bytes, (int64_t)offset, 0);
}

int64_t read(int fd, void *to, size_t bytes)
{
    return call(SYS_READ, fd, (int64_t)to, (int64_t)bytes, 0, 0);
}

int fsync(int fd)
{
    return (int)call(SYS_FSYNC, fd, 0, 0, 0, 0);
}

int finit_module(int fd)
{
    return (int)call(SYS_FINIT_MODULE, fd, (int64_t) "", 0, 0, 0);
}

void uname(struct utsname *name)
{
    call(SYS_UNAME, (int64_t)name, 0, 0, 0, 0);
}

uint64_t now_ns(void)
{
    struct timespec t;
    call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (int64_t)&t, 0, 0, 0);
    return (uint64_t)t.seconds * 1000000000 + (uint64_t)t.nanoseconds;
}

void sleep_until(uint64_t ns)
{
    struct timespec t = {(int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000)};
    call(SYS_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, TIMER_ABSTIME, (int64_t)&t, 0, 0);
}

void make_devices(void)
{
    int console;
    call(SYS_MOUNT, (int64_t) "dev", (int64_t) "/dev", (int64_t) "devtmpfs", 0, 0);
    console = openat("/dev/console", O_RDWR | O_NONBLOCK);
    for (int fd = 0; fd < 3 && console >= 0; fd++)
        if (fd != console)
            call(SYS_DUP3, console, fd, 0, 0, 0);
}

/* ---- Text ---- */

struct line {
    char text[256];
    size_t used;
};

static void add(struct line *l, const char *s)
{
    while (*s && l->used < sizeof(l->text))
        l->text[l->used++] = *s++;
}

static void add_number(struct line *l, uint64_t n)
{
    char digits[21];
    unsigned i = sizeof(digits) - 1;
    digits[i] = 0;
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    add(l, digits + i);
}

static void write_line(const struct line *l)
{
    call(SYS_WRITE, 1, (int64_t)l->text, (int64_t)l->used, 0, 0);
}

void join(char *to, size_t size, const char *a, const char *b, const char *c)
{
    const char *parts[3];
    size_t used = 0;
    parts[0] = a;
    parts[1] = b;
    parts[2] = c;
    for (unsigned i = 0; i < 3; i++)
        for (const char *s = parts[i]; *s && used + 1 < size; s++)
            to[used++] = *s;
    to[used] = 0;
}

void say(const char *a, const char *b, const char *c, uint64_t n, const char *d)
{
    struct line l = {.used = 0};
    add(&l, a);
    add(&l, b);
    add(&l, c);
    add_number(&l, n);
    add(&l, d);
    write_line(&l);
}

void report(uint64_t beat, uint64_t behind, uint64_t wrong, uint64_t late_ms)
{
    struct line l = {.used = 0};
    add(&l, "beat ");
    add_number(&l, beat);
    add(&l, " behind ");
    add_number(&l, behind);
    add(&l, " wrong ");
    add_number(&l, wrong);
    add(&l, " late ");
    add_number(&l, late_ms);
    add(&l, " ms\n");
    write_line(&l);
}
