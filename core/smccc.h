/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CORE_SMCCC_H
#define CORE_SMCCC_H

/* DEN 0028E 5.1.2 "Unknown Function Identifier": -1 in the whole register. */
#define SMCCC_NOT_SUPPORTED UINT64_MAX

#endif
