// sources: core/sha256.c tests/fake/fake_crc32.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* Published vectors: FIPS 180-4's examples, RFC 4231, RFC 5869 appendix A, RFC 3720 appendix B.4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/crc32.h>
#include <bulkhead/sha256.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; hex[0] && hex[1]; hex += 2, n++) {
        char byte[3] = {hex[0], hex[1], '\0'};
        out[n] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return n;
}

static void assert_hex(const uint8_t *data, const char *hex)
{
    uint8_t wanted[128];
    size_t n = bytes_of(hex, wanted);
    assert_memory_equal(data, wanted, n);
}

static void assert_digest(const char *text, const char *hex)
{
    struct sha256 h;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&h);
    sha256_update(&h, text, strlen(text));
    sha256_final(&h, digest);
    assert_hex(digest, hex);
}

static void test_digests(void **state)
{
    (void)state;
    assert_digest("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
                  "klmnopqrlmnopqrsmnopqrstnopqrstu",
                  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void test_a_million_in_odd_pieces(void **state)
{
    static char text[1000];
    struct sha256 h;
    uint8_t digest[SHA256_BYTES];
    size_t left = 1000000;
    (void)state;
    memset(text, 'a', sizeof(text));
    sha256_init(&h);
    for (size_t n = 1; left > 0; n = n % 997 + 1) {
        size_t take = MIN(n, left);
        sha256_update(&h, text, take);
        left -= take;
    }
    sha256_final(&h, digest);
    assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void assert_mac(const char *key, const char *data, const char *mac)
{
    uint8_t k[160], d[160], out[SHA256_BYTES];
    struct hmac h;
    hmac_init(&h, k, bytes_of(key, k));
    hmac_update(&h, d, bytes_of(data, d));
    hmac_final(&h, out);
    assert_hex(out, mac);
}

static void test_hmac(void **state)
{
    char key[2 * 131 + 1];
    (void)state;
    assert_mac("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_mac("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* Test case 6: a key longer than a block. */
    for (unsigned i = 0; i < 131; i++)
        memcpy(key + (size_t)2 * i, "aa", 3);
    assert_mac(key,
               "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048"
               "617368204b6579204669727374",
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void assert_hkdf(const char *salt, const char *ikm, const char *info, size_t bytes,
                        const char *okm)
{
    uint8_t s[128], i[128], n[128], prk[SHA256_BYTES], out[128];
    struct hmac h;
    hmac_init(&h, s, bytes_of(salt, s));
    hmac_update(&h, i, bytes_of(ikm, i));
    hmac_final(&h, prk);
    memset(out, 0xee, sizeof(out));
    hkdf_expand(prk, n, bytes_of(info, n), out, bytes);
    assert_hex(out, okm);
    assert_int_equal(out[bytes], 0xee);
}

static void test_hkdf(void **state)
{
    (void)state;
    assert_hkdf("000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                "f0f1f2f3f4f5f6f7f8f9", 42,
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185"
                "865");
    assert_hkdf("", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", 42,
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a9"
                "6c8");
}

static void assert_crc(const uint8_t *data, size_t bytes, uint32_t crc)
{
    assert_int_equal(crc32(0, data, bytes), crc);
    for (size_t cut = 0; cut <= bytes; cut++)
        assert_int_equal(crc32(crc32(0, data, cut), data + cut, bytes - cut), crc);
}

static void test_crc32(void **state)
{
    uint8_t data[32];
    (void)state;
    memset(data, 0, sizeof(data));
    assert_crc(data, sizeof(data), 0x190a55ad);
    memset(data, 0xff, sizeof(data));
    assert_crc(data, sizeof(data), 0xff6cab0b);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    assert_crc(data, sizeof(data), 0x91267e8a);
    assert_crc((const uint8_t *)"123456789", 9, 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests), cmocka_unit_test(test_a_million_in_odd_pieces),
        cmocka_unit_test(test_hmac),    cmocka_unit_test(test_hkdf),
        cmocka_unit_test(test_crc32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
