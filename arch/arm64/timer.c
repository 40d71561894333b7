/* SPDX-License-Identifier: BSD-2-Clause */
/* The system counter and this core's EL2 physical timer (Arm ARM D11.2). */
#include "arch_internal.h"
#include "sysregs.h"

enum { CTL_ENABLE = 1 }; /* CNTHP_CTL_EL2: IMASK clear */

uint64_t time_now(void)
{
    isb(); /* a counter read may be speculated ahead of what is measured (D11.1.2) */
    return read_sysreg(cntpct_el0);
}

uint64_t time_hz(void)
{
    return read_sysreg(cntfrq_el0);
}

void time_alarm(uint64_t deadline)
{
    if (deadline == UINT64_MAX) {
        write_sysreg(cnthp_ctl_el2, 0);
    } else {
        write_sysreg(cnthp_cval_el2, deadline);
        write_sysreg(cnthp_ctl_el2, CTL_ENABLE);
    }
    isb(); /* the line has changed before the GIC is asked again */
}
