/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32 (ISO/IEC 3309): the partition table's (UEFI 2.10, 5.3.2), and what finds a boot file that
 * changed in memory. By the architecture (arch/arm64/cache.c): it has instructions for it. */
#ifndef BULKHEAD_CRC32_H
#define BULKHEAD_CRC32_H

#include <bulkhead/types.h>

/* Of `bytes` more bytes; `crc` is 0 at first, then what the last call returned. Any core. */
uint32_t crc32(uint32_t crc, const void *data, size_t bytes);

#endif
