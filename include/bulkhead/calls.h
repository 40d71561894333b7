/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls that are answered in two places, in core/ and by the fast paths in assembly: what they
 * are and what they answer. DEN 0028E 7.2, DEN 0022D 5.1.1. */
#ifndef BULKHEAD_CALLS_H
#define BULKHEAD_CALLS_H

#define CALL_SMCCC_VERSION 0x80000000
#define CALL_PSCI_VERSION  0x84000000
#define ANSWER_SMCCC_1_2   0x10002
#define ANSWER_PSCI_1_1    0x10001

#endif
