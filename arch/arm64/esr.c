/* SPDX-License-Identifier: BSD-2-Clause */
/* Exception syndromes in words (Arm ARM DDI 0487, D13.2.37). Plain C. */
#include <bulkhead/arch.h>

/* ESR_ELx.EC; arrays, as a switch would become a table of 64 pointers. */
static const struct {
    uint8_t class;
    char name[24];
} classes[] = {
    {0x00, "undefined instruction"},
    {0x07, "FP/SIMD instruction"},
    {0x0e, "illegal execution state"},
    {0x15, "SVC"},
    {0x16, "HVC"},
    {0x17, "SMC"},
    {0x18, "trapped system register"},
    {0x20, "instruction abort"},
    {0x21, "instruction abort"},
    {0x22, "unaligned PC"},
    {0x24, "data abort"},
    {0x25, "data abort"},
    {0x26, "unaligned SP"},
    {0x2f, "SError"},
    {0x3c, "BRK instruction"},
};

/* ISS.DFSC, IFSC by their bits 5:2; 5 is on a table walk. */
static const char faults[][19] = {
    "address size fault", "translation fault", "access flag fault",
    "permission fault",   "external abort",    "external abort",
    "other fault",        "other fault",       "alignment fault",
};

const char *esr_class_name(uint64_t esr)
{
    for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
        if (classes[i].class == (esr >> 26 & 0x3f))
            return classes[i].name;
    return "other exception class";
}

bool esr_is_abort(uint64_t esr)
{
    return (esr >> 26 & 0x3a) == 0x20; /* classes 0x20, 0x21, 0x24, 0x25 */
}

const char *esr_fault_name(uint64_t esr)
{
    unsigned kind = esr >> 2 & 0xf;
    return faults[kind < ARRAY_SIZE(faults) ? kind : 6];
}
