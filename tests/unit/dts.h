/* SPDX-License-Identifier: BSD-2-Clause */
/* Device trees for unit tests, compiled by dtc from a file or from a text. */
#ifndef TESTS_UNIT_DTS_H
#define TESTS_UNIT_DTS_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct blob {
    uint8_t *data; /* exactly `bytes` long, so that a sanitizer sees a step beyond; free() it */
    size_t bytes;
};

/* A copy in a block of its very size. */
static inline struct blob blob_copy(const void *data, size_t bytes)
{
    struct blob b = {malloc(bytes), bytes};
    if (!b.data)
        abort();
    memcpy(b.data, data, bytes);
    return b;
}

static inline struct blob blob_read(FILE *f)
{
    static uint8_t buffer[1 << 20];
    return blob_copy(buffer, fread(buffer, 1, sizeof(buffer), f));
}

/* Empty when there is no such file. */
static inline struct blob blob_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct blob b = {NULL, 0};
    if (f) {
        b = blob_read(f);
        fclose(f);
    }
    return b;
}

/* From the project's root folder, where tests run. Aborts when dtc refuses. */
static inline struct blob dts_file(const char *path)
{
    char command[256];
    struct blob b;
    FILE *f;
    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", path);
    f = popen(command, "r");
    if (!f)
        abort();
    b = blob_read(f);
    if (pclose(f) != 0 || b.bytes == 0) {
        fprintf(stderr, "dtc does not take %s\n", path);
        abort();
    }
    return b;
}

/* dtc's input is printed from the format; -f: what dtc finds wrong but can write is written. */
__attribute__((format(printf, 1, 2))) static inline struct blob dts_text(const char *format, ...)
{
    char name[] = "/tmp/bulkhead-test-XXXXXX", options[64];
    int fd = mkstemp(name);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    struct blob b;
    va_list args;
    if (!f)
        abort();
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fclose(f);
    snprintf(options, sizeof(options), "-f %s", name);
    b = dts_file(options);
    unlink(name);
    return b;
}

/* The same sequence on every machine. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
