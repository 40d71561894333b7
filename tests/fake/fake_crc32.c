/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32 by a table, for what the architecture has instructions. */
#include <bulkhead/crc32.h>

#define POLYNOMIAL UINT32_C(0xedb88320) /* 0x04c11db7 with its bits reversed */

uint32_t crc32(uint32_t crc, const void *data, size_t bytes)
{
    static uint32_t table[256];
    const uint8_t *p = data;
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            table[i] = i;
            for (unsigned bit = 0; bit < 8; bit++)
                table[i] = table[i] >> 1 ^ (table[i] & 1 ? POLYNOMIAL : 0);
        }
    crc = ~crc;
    for (; bytes > 0; bytes--)
        crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
    return ~crc;
}
