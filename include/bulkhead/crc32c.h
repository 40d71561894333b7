/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32C (Castagnoli; RFC 3720, appendix B.4): finds a boot file that changed in memory.
 * By the architecture (arch/arm64/cache.c): it has instructions for it. */
#ifndef BULKHEAD_CRC32C_H
#define BULKHEAD_CRC32C_H

#include <bulkhead/types.h>

/* Of `bytes` more bytes; `crc` is 0 at first, then what the last call returned. Any core. */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
