/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypercalls: every number of the standard ranges, hostile arguments. PSCI: DEN 0022D; SMCCC: DEN
 * 0028E. */
#include "attack.h"

#define NOT_SUPPORTED (~0ull)

/* These end the caller, or wait. */
static bool ends(uint64_t function)
{
    uint32_t f = (uint32_t)function & ~0x40000000u;
    return f == PSCI_CPU_OFF || f == PSCI_SYSTEM_OFF || f == PSCI_SYSTEM_RESET ||
           f == PSCI_SYSTEM_RESET2;
}

/* One call with those arguments in x1..; true: nothing but x0..x3 has changed (0028E 3.1). */
static bool call(void (*by)(uint64_t *), uint64_t function, uint64_t argument, uint64_t *result)
{
    uint64_t x[18], before[18];
    for (unsigned i = 0; i < 18; i++)
        x[i] = before[i] = argument ? argument * (i + 1) : i;
    x[0] = function;
    by(x);
    *result = x[0];
    for (unsigned i = 4; i < 18; i++)
        if (x[i] != before[i])
            return false;
    return true;
}

static bool call_both(uint64_t function, uint64_t argument, uint64_t *supported)
{
    uint64_t by_hvc, by_smc;
    bool ok = call(call_hvc, function, argument, &by_hvc);
    ok &= call(call_smc, function, argument, &by_smc);
    if (by_hvc != NOT_SUPPORTED)
        ++*supported;
    if (!ok || (by_hvc == NOT_SUPPORTED) != (by_smc == NOT_SUPPORTED)) {
        print("call %lx: HVC %lx SMC %lx\n", function, by_hvc, by_smc);
        return false;
    }
    return true;
}

const char *calls_psci(void)
{
    uint64_t supported = 0;
    bool ok = true;
    for (unsigned n = 0; n < 0x100; n++) {
        for (unsigned wide = 0; wide < 2; wide++) {
            uint64_t function = 0x84000000ull | n | (uint64_t)wide << 30;
            if (ends(function))
                continue;
            ok &= call_both(function, 0xffffffff00000000, &supported);
            ok &= call_both(function, 0x4000000000000000, &supported);
            ok &= call_both(function, 0x80000000, &supported);
        }
    }
    print("%lu calls were answered\n", supported);
    return ok ? NULL : "a call changed a register it may not, or HVC and SMC differ";
}

/* Each owner's range (0028E table 6-1), fast and yielding, 32 and 64 bits. */
const char *calls_ranges(void)
{
    uint64_t supported = 0, n = 0;
    bool ok = true;
    for (unsigned top = 0; top < 256; top++) {
        for (unsigned i = 0; i < 64; i++) {
            uint64_t low = i < 32 ? i : i < 48 ? 0xff00 + i - 32 : random64() & 0xffffff;
            uint64_t function = (uint64_t)top << 24 | low;
            if (ends(function) || (function & 0xbfffffff) == 0x84000003)
                continue;
            ok &= call_both(function, random64(), &supported);
            n += 2;
        }
    }
    print("%lu calls, %lu were answered\n", n, supported);
    return ok ? NULL : "a call changed a register it may not, or HVC and SMC differ";
}

const char *calls_random(void)
{
    uint64_t answered = 0;
    for (unsigned n = 0; n < 20000; n++) {
        uint64_t function = random64();
        if (ends(function) || ((uint32_t)function & 0xbfffffff) == 0x84000003)
            continue;
        if (!call_both(function, random64(), &answered))
            return "a call changed a register it may not, or HVC and SMC differ";
    }
    print("%lu calls were answered\n", answered);
    return NULL;
}

/* HVC and SMC with other immediates, as code in a page of ours. */
const char *calls_immediates(void)
{
    uint32_t *code = (uint32_t *)el0_page[1];
    unsigned wrong = 0;
    for (unsigned imm = 1; imm < 0x10000; imm += imm < 0x200 ? 512 : 4096) {
        for (unsigned i = 0; i < 512; i++) {
            uint32_t n = (imm + i) & 0xffff;
            code[2 * i] = (i & 1 ? 0xd4000003u : 0xd4000002u) | (n ? n : 1) << 5;
            code[2 * i + 1] = 0xd65f03c0; /* ret */
        }
        code_written();
        for (unsigned i = 0; i < 512; i++)
            if (attempt(&code[2 * i], 0x84000000, 0, 0, 0) || context()->result != NOT_SUPPORTED)
                wrong++;
    }
    return wrong ? "an unknown immediate did something" : NULL;
}

static void nothing(void)
{
}

static void expect(bool *ok, const char *what, int64_t is, int64_t should)
{
    if (is == should)
        return;
    print("CPU_ON %s: %lx\n", what, (uint64_t)is);
    *ok = false;
}

const char *calls_cpu_on(void)
{
    enum { INVALID_PARAMETERS = -2, ALREADY_ON = -4, INVALID_ADDRESS = -9 };
    static const uint64_t nobody[] = {2,          3,          4,           0xff,
                                      0x100,      0x101,      0x10000,     0x80000000,
                                      0x80000001, 0xffffffff, 0x100000001, ~0ull};
    static const uint64_t nowhere[] = {0,          1,          GICD,         PL011,
                                       0x3ffffffc, 0xfe000000, 0x4000000000, 0x7000000000,
                                       ~0ull & ~3, 0x40000001, 0x40000002,   1ull << 63};
    uint64_t entry = RAM_BASE;
    bool ok = true;
    for (unsigned i = 0; i < sizeof(nobody) / 8; i++)
        expect(&ok, "a foreign core", hvc(PSCI_CPU_ON, nobody[i], entry, 0), INVALID_PARAMETERS);
    for (unsigned i = 0; i < sizeof(nowhere) / 8; i++)
        expect(&ok, "outside RAM", hvc(PSCI_CPU_ON, 1, nowhere[i], 0), INVALID_ADDRESS);
    expect(&ok, "itself", hvc(PSCI_CPU_ON, 0, entry, 0), ALREADY_ON);
    /* Twice, while it runs. */
    if (!run_on_second(nothing))
        return "the second vCPU does not come";
    for (unsigned i = 0; i < 100; i++)
        hvc(PSCI_CPU_ON, 1, entry & 0, 0);
    if (!wait_for_second(20))
        return "the second vCPU did not run";
    return ok ? NULL : "a bad CPU_ON was not refused as it should be";
}

const char *calls_cpu_storm(void)
{
    for (unsigned n = 0; n < 300; n++)
        if (!run_on_second(nothing) || !wait_for_second(20))
            return "the second vCPU was lost";
    return NULL;
}

static void off(void)
{
    hvc(PSCI_CPU_OFF, 0, 0, 0);
}

const char *calls_cpu_off(void)
{
    if (!run_on_second(off))
        return "the second vCPU does not come";
    off();
    return "CPU_OFF came back";
}

const char *calls_off(void)
{
    hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    return "SYSTEM_OFF came back";
}

const char *calls_reset(void)
{
    hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
    return "SYSTEM_RESET came back";
}
