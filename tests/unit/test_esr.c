// sources: arch/arm64/esr.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"
#include <bulkhead/arch.h>

static void test_names(void **state)
{
    static const struct {
        uint64_t esr;
        const char *name;
        const char *fault; /* NULL: no abort */
    } known[] = {
        {0x00000000, "undefined instruction", NULL},
        {0x5a000000, "HVC", NULL},
        {0x62000000, "trapped system register", NULL},
        {0x3a000000, "illegal execution state", NULL},
        {0x82000006, "instruction abort", "translation fault"},
        {0x86000010, "instruction abort", "external abort"},
        {0x92000000, "data abort", "address size fault"},
        {0x9600000f, "data abort", "permission fault"},
        {0x96000061, "data abort", "alignment fault"},
        {0x96000009, "data abort", "access flag fault"},
        {0x96000016, "data abort", "external abort"},
        {0x9600003f, "data abort", "other fault"},
        {0x88000000, "unaligned PC", NULL},
        {0xbe000000, "SError", NULL},
        {0xf2000000, "BRK instruction", NULL},
        {0xfc000000, "other exception class", NULL},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        assert_string_equal(esr_class_name(known[i].esr), known[i].name);
        assert_int_equal(esr_is_abort(known[i].esr), known[i].fault != NULL);
        if (known[i].fault)
            assert_string_equal(esr_fault_name(known[i].esr), known[i].fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
