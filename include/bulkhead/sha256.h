/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869) over it. Any core; no shared state. */
#ifndef BULKHEAD_SHA256_H
#define BULKHEAD_SHA256_H

#include <bulkhead/types.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;              /* taken so far */
    uint8_t block[SHA256_BLOCK]; /* the last bytes % 64 of them */
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *data, size_t bytes);
/* The digest; `h` is wiped. */
void sha256_final(struct sha256 *h, uint8_t digest[SHA256_BYTES]);

struct hmac {
    struct sha256 inner;
    uint8_t pad[SHA256_BLOCK]; /* key xor opad */
};

void hmac_init(struct hmac *h, const void *key, size_t bytes);
void hmac_update(struct hmac *h, const void *data, size_t bytes);
void hmac_final(struct hmac *h, uint8_t mac[SHA256_BYTES]);

/* HKDF-Expand (RFC 5869, 2.3): at most 255 * 32 bytes, more are left zero. HKDF-Extract is HMAC
 * with the salt as its key. */
void hkdf_expand(const uint8_t key[SHA256_BYTES], const void *info, size_t info_bytes, void *out,
                 size_t bytes);

#endif
