/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proofs share. CBMC takes every nondet_ call for any value of its type. */
#ifndef TESTS_PROVE_H
#define TESTS_PROVE_H

#include <bulkhead/types.h>
#include <stdlib.h>

uint64_t nondet_u64(void);
uint32_t nondet_u32(void);
uint8_t nondet_u8(void);
unsigned nondet_unsigned(void);
bool nondet_bool(void);

#define ASSUME(what) __CPROVER_assume(what)
/* Turned round, a proof that is reached fails: tools/prove looks whether it does. */
#ifdef PROVE_TURNED_ROUND
#define PROVE(what, words) __CPROVER_assert(!(what), words)
#else
#define PROVE(what, words) __CPROVER_assert(what, words)
#endif

#endif
