/* SPDX-License-Identifier: BSD-2-Clause */
/* SMC Calling Convention (DEN 0028E): what a guest gets for HVC #0 and SMC #0. */
#include <bulkhead/calls.h>
#include <bulkhead/vm.h>

#include "smccc.h"
#include "vm_internal.h"

enum {
    SMCCC_VERSION = CALL_SMCCC_VERSION,
    SMCCC_ARCH_FEATURES = 0x80000001,
    VENDOR_CALL_COUNT =
        0x8600ff00, /* 0028E 6.2: general service queries of the vendor hypervisor range */
    VENDOR_CALL_UID = 0x8600ff01,
    VENDOR_REVISION = 0x8600ff03,
    VERSION_1_2 = ANSWER_SMCCC_1_2,
};

/* b7a6a1ee-93f6-4b11-a60b-5dbb0c2f71e4, ours alone; 0028E 5.1.3: words of the UUID, little-endian
 * bytes. */
static const uint32_t vendor_uid[4] = {0xeea1a6b7, 0x114bf693, 0xbb5d0ba6, 0xe4712f0c};

/*
 * 0028E 7: no SMCCC_ARCH_WORKAROUND_* is offered, as the firmware below us has none (SCR_EL3.SMD=1
 * on the stock stub). The Cortex-A72 is affected, so "not required" would be a lie; guests report
 * "Vulnerable".
 */
static uint64_t arch_features(uint32_t function)
{
    switch (function) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES:
        return 0;
    default:
        return SMCCC_NOT_SUPPORTED;
    }
}

static bool is_psci(uint32_t function)
{
    /* DEN 0022D 5.1: standard secure service range, functions 0..0x1f, SMC32 and SMC64. */
    return (function & 0xbfffffe0) == 0x84000000;
}

void smccc_call(struct vcpu *vcpu)
{
    uint64_t *x = vcpu->regs->x;
    uint32_t function = (uint32_t)x[0];

    if (is_psci(function)) {
        psci_call(vcpu, function);
        return;
    }
    switch (function) {
    case SMCCC_VERSION:
        x[0] = VERSION_1_2;
        break;
    case SMCCC_ARCH_FEATURES:
        x[0] = arch_features((uint32_t)x[1]);
        break;
    case VENDOR_CALL_COUNT:
        x[0] = 3;
        break;
    case VENDOR_CALL_UID:
        for (unsigned i = 0; i < 4; i++)
            x[i] = vendor_uid[i];
        break;
    case VENDOR_REVISION:
        x[0] = 0;
        x[1] = 1;
        break;
    default:
        x[0] = SMCCC_NOT_SUPPORTED;
        break;
    }
}
