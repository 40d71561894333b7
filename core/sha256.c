/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/sha256.h>

#include <string.h>

/* FIPS 180-4, 4.2.2. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

/* 6.2.2 step 1 */
static void schedule(uint32_t w[64], const uint8_t *block)
{
    for (unsigned t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (unsigned t = 16; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

/* 6.2.2 steps 2 to 4; v[0..7] are the standard's a..h, and move on by one word with each step. */
static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], all[64 + 8], *v = all + 64;
    schedule(w, block);
    memcpy(v, state, 8 * sizeof(*v));
    for (unsigned t = 0; t < 64; t++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choose + k[t] + w[t];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        v--;
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += v[i];
}

void sha256_init(struct sha256 *h)
{
    /* 5.3.3 */
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(h, 0, sizeof(*h));
    memcpy(h->state, initial, sizeof(initial));
}

void sha256_update(struct sha256 *h, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    while (bytes > 0) {
        size_t at = h->bytes % SHA256_BLOCK, n = MIN(bytes, SHA256_BLOCK - at);
        memcpy(h->block + at, p, n);
        h->bytes += n;
        p += n;
        bytes -= n;
        if (at + n == SHA256_BLOCK)
            compress(h->state, h->block);
    }
}

void sha256_final(struct sha256 *h, uint8_t digest[SHA256_BYTES])
{
    static const uint8_t padding[SHA256_BLOCK] = {0x80};
    uint64_t bits = h->bytes * 8;
    uint8_t length[8];

    for (unsigned i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    /* 5.1.1: 0x80, zeros, and the length ends a block. */
    sha256_update(h, padding, 1 + (SHA256_BLOCK + 55 - h->bytes % SHA256_BLOCK) % SHA256_BLOCK);
    sha256_update(h, length, sizeof(length));
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        digest[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
    memset(h, 0, sizeof(*h));
}

void hmac_init(struct hmac *h, const void *key, size_t bytes)
{
    uint8_t pad[SHA256_BLOCK] = {0};
    if (bytes > SHA256_BLOCK) {
        sha256_init(&h->inner);
        sha256_update(&h->inner, key, bytes);
        sha256_final(&h->inner, pad);
    } else if (bytes > 0) {
        memcpy(pad, key, bytes);
    }
    for (unsigned i = 0; i < SHA256_BLOCK; i++) {
        h->pad[i] = pad[i] ^ 0x5c;
        pad[i] ^= 0x36;
    }
    sha256_init(&h->inner);
    sha256_update(&h->inner, pad, SHA256_BLOCK);
}

void hmac_update(struct hmac *h, const void *data, size_t bytes)
{
    sha256_update(&h->inner, data, bytes);
}

void hmac_final(struct hmac *h, uint8_t mac[SHA256_BYTES])
{
    sha256_final(&h->inner, mac);
    sha256_init(&h->inner);
    sha256_update(&h->inner, h->pad, SHA256_BLOCK);
    sha256_update(&h->inner, mac, SHA256_BYTES);
    sha256_final(&h->inner, mac);
    memset(h, 0, sizeof(*h));
}

void hkdf_expand(const uint8_t key[SHA256_BYTES], const void *info, size_t info_bytes, void *out,
                 size_t bytes)
{
    uint8_t block[SHA256_BYTES], *to = out;
    memset(out, 0, bytes);
    for (unsigned n = 1; bytes > 0 && n <= 255; n++) {
        uint8_t counter = (uint8_t)n;
        size_t take = MIN(bytes, (size_t)SHA256_BYTES);
        struct hmac h;
        hmac_init(&h, key, SHA256_BYTES);
        if (n > 1)
            hmac_update(&h, block, sizeof(block));
        hmac_update(&h, info, info_bytes);
        hmac_update(&h, &counter, 1);
        hmac_final(&h, block);
        memcpy(to, block, take);
        to += take;
        bytes -= take;
    }
}
