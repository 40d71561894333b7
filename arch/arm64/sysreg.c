/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers that EL2 traps (docs/el2-controls.md says why each is), in one table. What is
 * not in it is UNDEFINED for the guest.
 */
#include <bulkhead/vm.h>

#include "sysregs.h"
#include "trap.h"

/* op0:op1:CRn:CRm:op2 as one number, in the order of ESR_EL2's ISS for class 0x18. */
#define ENCODE(op0, op1, crn, crm, op2) \
    ((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define ENCODE_MASK 0x3ffc1eU
#define ANY_OP2     (7U << 17)
#define ANY_CRM     (15U << 1)

/* A trapped access; `value` is what is written, or becomes what is read. */
struct sysreg_access {
    struct vcpu *vcpu;
    uint32_t encoding;
    bool write;
    bool from_el0;
    uint64_t value;
};

struct sysreg_rule {
    uint32_t encoding;
    uint32_t any; /* encoding bits that may be anything */
    bool (*access)(struct sysreg_access *a);
};

/* Read as zero, writes ignored; not for EL0, where hardware without the feature is UNDEFINED too.
 */
static bool raz_wi(struct sysreg_access *a)
{
    a->value = 0;
    return !a->from_el0;
}

/* OSLSR_EL1: OSLM=0b10 (an OS lock exists), OSLK=0 (it's open; OSLAR writes are ignored). Arm ARM
 * D17.3.24. */
static bool oslsr(struct sysreg_access *a)
{
    a->value = 8;
    return !a->write;
}

/* ---- Identification, group 3 (HCR_EL2.TID3): the core's own, less what a guest hasn't got ---- */

#define ID_CASE(crm, op2, name)     \
    case ENCODE(3, 0, 0, crm, op2): \
        return read_sysreg(name)

static uint64_t id_hardware(uint32_t encoding)
{
    switch (encoding) {
        ID_CASE(1, 0, id_pfr0_el1);
        ID_CASE(1, 1, id_pfr1_el1);
        ID_CASE(1, 2, id_dfr0_el1);
        ID_CASE(1, 3, id_afr0_el1);
        ID_CASE(1, 4, id_mmfr0_el1);
        ID_CASE(1, 5, id_mmfr1_el1);
        ID_CASE(1, 6, id_mmfr2_el1);
        ID_CASE(1, 7, id_mmfr3_el1);
        ID_CASE(2, 0, id_isar0_el1);
        ID_CASE(2, 1, id_isar1_el1);
        ID_CASE(2, 2, id_isar2_el1);
        ID_CASE(2, 3, id_isar3_el1);
        ID_CASE(2, 4, id_isar4_el1);
        ID_CASE(2, 5, id_isar5_el1);
        ID_CASE(2, 6, id_mmfr4_el1);
        ID_CASE(3, 0, mvfr0_el1);
        ID_CASE(3, 1, mvfr1_el1);
        ID_CASE(3, 2, mvfr2_el1);
        ID_CASE(4, 0, id_aa64pfr0_el1);
        ID_CASE(4, 1, id_aa64pfr1_el1);
        ID_CASE(5, 0, id_aa64dfr0_el1);
        ID_CASE(5, 1, id_aa64dfr1_el1);
        ID_CASE(6, 0, id_aa64isar0_el1);
        ID_CASE(6, 1, id_aa64isar1_el1);
        ID_CASE(7, 0, id_aa64mmfr0_el1);
        ID_CASE(7, 1, id_aa64mmfr1_el1);
    default:
        return 0; /* reserved encodings of the space are RAZ (Arm ARM D17.1.3) */
    }
}

static bool id_register(struct sysreg_access *a)
{
    uint64_t v = id_hardware(a->encoding);
    switch (a->encoding) {
    case ENCODE(3, 0, 0, 1, 2): /* ID_DFR0_EL1 */
        v &= ~(0xfULL << 24);   /* PerfMon: no PMU */
        break;
    case ENCODE(3, 0, 0, 4, 0): /* ID_AA64PFR0_EL1 */
        v &= ~(0xfULL << 24);   /* GIC: no system register interface */
        v &= ~0xff00ULL;        /* EL3, EL2: not for a guest */
        break;
    case ENCODE(3, 0, 0, 5, 0): /* ID_AA64DFR0_EL1 */
        v &= ~0xf00ULL;         /* PMUVer: no PMU (on v8.0 one would count EL2 too) */
        break;
    default:
        break;
    }
    a->value = v;
    return !a->write;
}

/* ---- The EL1 physical timer ---- */

static bool cntp(struct sysreg_access *a)
{
    static const enum ptimer_register which[] = {PTIMER_TVAL, PTIMER_CTL, PTIMER_CVAL};
    unsigned op2 = a->encoding >> 17 & 7;
    if (op2 >= ARRAY_SIZE(which))
        return false;
    if (a->write)
        ptimer_write(a->vcpu, which[op2], a->value);
    else
        a->value = ptimer_read(a->vcpu, which[op2]);
    return true;
}

static const struct sysreg_rule rules[] = {
    {ENCODE(3, 0, 0, 0, 0), ANY_CRM | ANY_OP2, id_register},
    {ENCODE(3, 3, 14, 2, 0), ANY_OP2, cntp},   /* CNTP_*_EL0: CNTHCTL_EL2.EL1PCEN=0 */
    {ENCODE(3, 0, 1, 0, 1), 0, raz_wi},        /* ACTLR_EL1: HCR_EL2.TACR */
    {ENCODE(2, 0, 1, 1, 4), 0, oslsr},         /* OSLSR_EL1: MDCR_EL2.TDOSA */
    {ENCODE(2, 0, 1, 0, 4), 0, raz_wi},        /* OSLAR_EL1 */
    {ENCODE(2, 0, 1, 3, 4), 0, raz_wi},        /* OSDLR_EL1 */
    {ENCODE(2, 0, 1, 4, 4), 0, raz_wi},        /* DBGPRCR_EL1 */
    {ENCODE(2, 0, 1, 0, 0), 0, raz_wi},        /* MDRAR_EL1: MDCR_EL2.TDRA */
    {ENCODE(3, 3, 9, 12, 0), ANY_OP2, raz_wi}, /* PMCR_EL0..PMCEID1_EL0: MDCR_EL2.TPM */
    {ENCODE(3, 3, 9, 13, 0), ANY_OP2, raz_wi}, /* PMCCNTR_EL0, PMXEVTYPER_EL0, PMXEVCNTR_EL0 */
    {ENCODE(3, 3, 9, 14, 0), ANY_OP2, raz_wi}, /* PMUSERENR_EL0, PMOVSSET_EL0 */
    {ENCODE(3, 0, 9, 14, 0), ANY_OP2, raz_wi}, /* PMINTENSET_EL1, PMINTENCLR_EL1 */
    {ENCODE(3, 3, 14, 8, 0), ANY_OP2 | 7U << 1,
     raz_wi}, /* PMEVCNTRn_EL0, PMEVTYPERn_EL0, PMCCFILTR_EL0 */
};

bool sysreg_access(struct vcpu *vcpu, uint64_t esr)
{
    unsigned rt = esr >> 5 & 31;
    struct sysreg_access a = {
        .vcpu = vcpu,
        .encoding = (uint32_t)esr & ENCODE_MASK,
        .write = !(esr & 1),
        .from_el0 = !(vcpu->regs->pstate & 0xc), /* SPSR_EL2.M[3:2]: the exception level */
    };
    if (a.write && rt != 31)
        a.value = vcpu->regs->x[rt];
    for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
        if ((a.encoding & ~rules[i].any) != rules[i].encoding)
            continue;
        if (!rules[i].access(&a))
            return false;
        if (!a.write && rt != 31)
            vcpu->regs->x[rt] = a.value;
        return true;
    }
    return false;
}
