/* SPDX-License-Identifier: BSD-2-Clause */
/* Every encoding of a system register or instruction, made at run time. Arm ARM C4.1.66, C5.1. */
#include "attack.h"

enum {
    ENCODINGS = 1 << 15, /* op0 (2, 3), op1, CRn, CRm, op2 */
    SYS_ENCODINGS = 1 << 14,
    BATCH = 512,
    RET = 0xd65f03c0,
    SVC = 0xd4000001,
    SPSR_EL0 = 0x3c0, /* EL0t, D A I F masked */
};

#define REGISTER(op0, op1, crn, crm, op2) \
    (((op0)-2) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* MSR Xt=x0, MRS with bit 21. */
static uint32_t instruction(unsigned encoding, bool read)
{
    return 0xd5100000u | encoding << 5 | (read ? 1u << 21 : 0);
}

/* A page of "instruction; then" pairs. */
static void write_batch(unsigned first, bool read, uint32_t then)
{
    uint32_t *code = (uint32_t *)el0_page[0];
    for (unsigned i = 0; i < BATCH; i++) {
        code[2 * i] = instruction(first + i, read);
        code[2 * i + 1] = then;
    }
    code_written();
}

static const void *code_at(unsigned i)
{
    return (const uint32_t *)el0_page[0] + 2 * i;
}

struct count {
    uint64_t good, undefined, other;
};

static void count(struct count *c, uint64_t esr, bool good)
{
    if (good)
        c->good++;
    else if (class_of(esr) == EC_UNKNOWN || class_of(esr) == EC_SYSREG)
        c->undefined++;
    else
        c->other++;
}

static const char *verdict(const struct count *c)
{
    print("%lu went well, %lu undefined, %lu other\n", c->good, c->undefined, c->other);
    return c->other ? "an access ended in something else than UNDEFINED" : NULL;
}

const char *sysregs_read_el1(void)
{
    struct count c = {0};
    for (unsigned first = 0; first < ENCODINGS; first += BATCH) {
        write_batch(first, true, RET);
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t esr = attempt(code_at(i), 0, 0, 0, 0);
            count(&c, esr, esr == 0);
        }
    }
    return verdict(&c);
}

/* Those that this program itself stands on get back what is in them. registers-garbage is for them.
 */
static bool needed(unsigned encoding)
{
    static const uint16_t list[] = {
        REGISTER(3, 0, 1, 0, 0),  /* SCTLR_EL1 */
        REGISTER(3, 0, 2, 0, 0),  /* TTBR0_EL1 */
        REGISTER(3, 0, 2, 0, 1),  /* TTBR1_EL1 */
        REGISTER(3, 0, 2, 0, 2),  /* TCR_EL1 */
        REGISTER(3, 0, 4, 2, 0),  /* SPSel */
        REGISTER(3, 0, 10, 2, 0), /* MAIR_EL1 */
        REGISTER(3, 0, 12, 0, 0), /* VBAR_EL1 */
        REGISTER(3, 0, 13, 0, 4), /* TPIDR_EL1 */
    };
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i] == encoding)
            return true;
    return false;
}

/* Reads of a batch come first: a page of MRS, then one of MSR. */
const char *sysregs_write_el1(void)
{
    static uint64_t old[BATCH];
    static bool readable[BATCH];
    struct count c = {0};
    for (unsigned first = 0; first < ENCODINGS; first += BATCH) {
        write_batch(first, true, RET);
        for (unsigned i = 0; i < BATCH; i++) {
            readable[i] = attempt(code_at(i), 0, 0, 0, 0) == 0;
            old[i] = context()->result;
        }
        write_batch(first, false, RET);
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t value = !readable[i] ? 0 : needed(first + i) ? old[i] : ~0ul;
            uint64_t esr = attempt(code_at(i), value, 0, 0, 0);
            if (readable[i] && !esr)
                attempt(code_at(i), old[i], 0, 0, 0);
            count(&c, esr, esr == 0);
        }
    }
    catch_exceptions(context());
    gic_init();
    return verdict(&c);
}

static const char *from_el0(bool read)
{
    struct count c = {0};
    for (unsigned first = 0; first < ENCODINGS; first += BATCH) {
        write_batch(first, read, SVC);
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t esr = attempt_el0(el0_address(0) + 8 * i, ~0ul, 0, 0, SPSR_EL0);
            count(&c, esr, class_of(esr) == EC_SVC64);
        }
    }
    return verdict(&c);
}

const char *sysregs_read_el0(void)
{
    return from_el0(true);
}

const char *sysregs_write_el0(void)
{
    return from_el0(false);
}

/* SYS and SYSL: cache, TLB, address translation, IMPLEMENTATION DEFINED. On a page of our own. */
const char *sysregs_sys(void)
{
    struct count c = {0};
    uint32_t *code = (uint32_t *)el0_page[0];
    for (unsigned first = 0; first < 2 * SYS_ENCODINGS; first += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            code[2 * i] = 0xd5080000u | (first + i) << 5;
            if (first >= SYS_ENCODINGS)
                code[2 * i] = 0xd5280000u | (first + i - SYS_ENCODINGS) << 5;
            code[2 * i + 1] = RET;
        }
        code_written();
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t esr = attempt(code_at(i), (uint64_t)el0_page[2], 0, 0, 0);
            count(&c, esr, esr == 0);
        }
    }
    return verdict(&c);
}

/* MCR and MRC of coprocessors 14 and 15 from AArch32 EL0, with a condition that holds and with one
 * that doesn't (Arm ARM F5.1). A failed one must be a NOP wherever it traps. */
const char *sysregs_aarch32(void)
{
    uint32_t *code = (uint32_t *)el0_page[0];
    uint64_t good = 0, undefined = 0, other = 0;
    for (unsigned n = 0; n < 1 << 16; n += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) { /* cond cp15/14 L opc1 CRn CRm opc2 */
            unsigned e = (n + i) * 5 & 0xffff;
            uint32_t condition = i & 1 ? 0x1u << 28 : 0xeu << 28; /* NE, always */
            code[2 * i] = condition | 0x0e000e10u | (e & 1) << 20 | (e >> 1 & 1) << 8 |
                          (e >> 2 & 7) << 21 | (e >> 5 & 15) << 16 | (e >> 9 & 15) |
                          (e >> 13 & 7) << 5;
            code[2 * i + 1] = 0xef000000; /* svc #0 */
        }
        code_written();
        for (unsigned i = 0; i < BATCH; i++) {
            /* User mode, Z set: NE fails. */
            uint64_t esr = attempt_el0(el0_address(0) + 8 * i, 0, 0, 0, 0x1d0 | 1u << 30);
            unsigned class = class_of(esr);
            if (class == EC_SVC32)
                good++;
            else if (class == EC_UNKNOWN || (class >= 3 && class <= 6) || class == 0xc)
                undefined++;
            else
                other++;
        }
    }
    print("%lu went well, %lu undefined, %lu other\n", good, undefined, other);
    return other ? "an access ended in something else than UNDEFINED" : NULL;
}
