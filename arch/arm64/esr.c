/* SPDX-License-Identifier: BSD-2-Clause */
/* Exception syndromes in words (Arm ARM DDI 0487, D13.2.37). Plain C. */
#include <bulkhead/arch.h>

const char *esr_class_name(uint64_t esr)
{
    switch (esr >> 26 & 0x3f) {
    case 0x00:
        return "undefined instruction";
    case 0x07:
        return "FP/SIMD instruction";
    case 0x0e:
        return "illegal execution state";
    case 0x15:
        return "SVC";
    case 0x16:
        return "HVC";
    case 0x17:
        return "SMC";
    case 0x18:
        return "trapped system register";
    case 0x20:
    case 0x21:
        return "instruction abort";
    case 0x22:
        return "unaligned PC";
    case 0x24:
    case 0x25:
        return "data abort";
    case 0x26:
        return "unaligned SP";
    case 0x2f:
        return "SError";
    case 0x3c:
        return "BRK instruction";
    default:
        return "other exception class";
    }
}

bool esr_is_abort(uint64_t esr)
{
    return (esr >> 26 & 0x3a) == 0x20; /* classes 0x20, 0x21, 0x24, 0x25 */
}

/* ISS.DFSC, IFSC: table of fault status codes. */
const char *esr_fault_name(uint64_t esr)
{
    switch (esr & 0x3c) {
    case 0x00:
        return "address size fault";
    case 0x04:
        return "translation fault";
    case 0x08:
        return "access flag fault";
    case 0x0c:
        return "permission fault";
    case 0x10:
    case 0x14: /* on a table walk */
        return "external abort";
    case 0x20:
        return "alignment fault";
    default:
        return "other fault";
    }
}
