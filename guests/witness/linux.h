/* SPDX-License-Identifier: BSD-2-Clause */
/* As much of Linux as the witness needs. Numbers: include/uapi/asm-generic/unistd.h, fcntl.h. */
#ifndef GUESTS_WITNESS_LINUX_H
#define GUESTS_WITNESS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SYS_FCNTL = 25,
    SYS_IOCTL = 29,
    SYS_MOUNT = 40,
    SYS_OPENAT = 56,
    SYS_READ = 63,
    SYS_WRITE = 64,
    SYS_PREAD64 = 67,
    SYS_PWRITE64 = 68,
    SYS_FSYNC = 82,
    SYS_CLOCK_GETTIME = 113,
    SYS_CLOCK_NANOSLEEP = 115,
    SYS_UNAME = 160,
    SYS_DUP3 = 24,
    SYS_FINIT_MODULE = 273,
    AT_FDCWD = -100,
    O_RDONLY = 0,
    O_RDWR = 2,
    O_NONBLOCK = 04000,
    O_DIRECT = 0200000, /* arm64's own */
    F_SETFL = 4,
    CLOCK_MONOTONIC = 1,
    TIMER_ABSTIME = 1,
};

static inline int64_t call(int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    register int64_t x8 __asm__("x8") = number;
    register int64_t x0 __asm__("x0") = a;
    register int64_t x1 __asm__("x1") = b;
    register int64_t x2 __asm__("x2") = c;
    register int64_t x3 __asm__("x3") = d;
    register int64_t x4 __asm__("x4") = e;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

struct timespec {
    int64_t seconds, nanoseconds;
};

struct utsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

int openat(const char *path, int flags);
int64_t pread64(int fd, void *to, size_t bytes, uint64_t offset);
int64_t pwrite64(int fd, const void *from, size_t bytes, uint64_t offset);
int64_t read(int fd, void *to, size_t bytes);
int fsync(int fd);
int finit_module(int fd);
void uname(struct utsname *name);
uint64_t now_ns(void);
void sleep_until(uint64_t ns);
/* /dev, and the console as 0 to 2, read without waiting. */
void make_devices(void);

void join(char *to, size_t size, const char *a, const char *b, const char *c);
/* One write each, so that lines stay whole. */
void say(const char *a, const char *b, const char *c, uint64_t n, const char *d);
void report(uint64_t beat, uint64_t behind, uint64_t wrong, uint64_t late_ms);

#endif
