/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast path of the UART (hot.h): its flags, which simple drivers read for every byte. */
#include <bulkhead/hot.h>
#include <bulkhead/vm.h>

#include "pl011_regs.h"

uint64_t hot_uart_read(const struct vcpu *v, uint32_t offset)
{
    const struct pl011 *u = &v->vm->uart;
    unsigned held = __atomic_load_n(&u->rx_count, __ATOMIC_RELAXED) |
                    __atomic_load_n(&u->tx_count, __ATOMIC_RELAXED);

    return offset == FR && !held ? FR_MODEM | FR_TXFE | FR_RXFE : HOT_NO;
}
