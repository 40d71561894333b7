/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/entropy.h>

#include <bulkhead/arch.h>
#include <bulkhead/log.h>
#include <bulkhead/sha256.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_SEED_FILE = 4096, /* bytes of seed.bin that are used */
    JITTER_SAMPLES = 64,
};

static uint8_t key[SHA256_BYTES]; /* HKDF's PRK; read-only after boot */

/* Each source with its name and length before it, so that no two collections look alike. */
static void add(struct hmac *h, const char *name, const void *data, size_t bytes)
{
    uint64_t length = bytes;
    hmac_update(h, name, strlen(name) + 1);
    hmac_update(h, &length, sizeof(length));
    hmac_update(h, data, bytes);
}

static void add_jitter(struct hmac *h)
{
    uint64_t samples[JITTER_SAMPLES];
    for (unsigned i = 0; i < JITTER_SAMPLES; i++)
        samples[i] = entropy_jitter();
    add(h, "jitter", samples, sizeof(samples));
}

static void say(size_t firmware, size_t generator, size_t file)
{
    char text[120];
    if (firmware + generator + file == 0) {
        log_line("seeds for guests: only the counter's jitter; they can be guessed");
        return;
    }
    snprintf(text, sizeof(text), "firmware %u bytes, hardware generator %u, seed.bin %u, jitter",
             (unsigned)firmware, (unsigned)generator, (unsigned)file);
    if (firmware + generator == 0)
        log_line("seeds for guests: %s; seed.bin is the same at each boot", text);
    else
        log_line("seeds for guests: %s", text);
}

void entropy_init(const struct machine *m, const void *random, size_t bytes)
{
    static const char salt[] = "bulkhead guest seed";
    const struct boot_file *file = machine_file(m, "seed.bin");
    size_t file_bytes = file ? MIN(file->size, (uint64_t)MAX_SEED_FILE) : 0;
    struct hmac h;

    hmac_init(&h, salt, sizeof(salt) - 1);
    add(&h, "firmware", m->seed, m->seed_bytes);
    add(&h, "generator", random, bytes);
    add(&h, "file", file ? map_file(file->pa, file->size) : "", file_bytes);
    add_jitter(&h);
    hmac_final(&h, key);
    say(m->seed_bytes, bytes, file_bytes);
}

void entropy_guest_seed(const char *vm_name, unsigned start, void *out, size_t bytes)
{
    /* "bulkhead guest seed" NUL name NUL counter, most significant byte first */
    uint8_t info[sizeof("bulkhead guest seed") + MAX_NAME + 4] = "bulkhead guest seed";
    size_t at = sizeof("bulkhead guest seed"), length = strlen(vm_name);

    length = MIN(length, (size_t)MAX_NAME - 1);
    memcpy(info + at, vm_name, length);
    at += length + 1;
    for (unsigned i = 0; i < 4; i++)
        info[at++] = (uint8_t)(start >> (24 - 8 * i));
    hkdf_expand(key, info, at, out, bytes);
}
