/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers, barriers and TLB maintenance as C, and the fields EL2 uses. Sections are of the
 * Arm ARM for A-profile, DDI 0487.
 */
#ifndef ARM64_SYSREGS_H
#define ARM64_SYSREGS_H

#include <stdint.h>

/* `name` is the assembler's name of the register, in lower case. */
#define read_sysreg(name)                                           \
    __extension__({                                                 \
        uint64_t read_;                                             \
        __asm__ volatile("mrs %0, " #name : "=r"(read_)::"memory"); \
        read_;                                                      \
    })
#define write_sysreg(name, value)                                           \
    do {                                                                    \
        uint64_t written_ = (value);                                        \
        __asm__ volatile("msr " #name ", %0" : : "r"(written_) : "memory"); \
    } while (0)

/* ---- Barriers (B2.3). `domain`: sy, ish, ishst, nsh, ... ---- */

#define dsb(domain) __asm__ volatile("dsb " #domain : : : "memory")
#define dmb(domain) __asm__ volatile("dmb " #domain : : : "memory")

static inline void isb(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static inline void wfi(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

static inline void sev(void)
{
    __asm__ volatile("sev" : : : "memory");
}

/* ---- TLB maintenance (D5.10), this core only: every core has tables of its own ---- */

/* EL2's own translations. */
static inline void tlb_invalidate_el2(void)
{
    dsb(nshst);
    __asm__ volatile("tlbi alle2" : : : "memory");
    dsb(nsh);
    isb();
}

/* Stages 1 and 2 of EL1&0 for the VMID that VTTBR_EL2 holds now. */
static inline void tlb_invalidate_vmid(void)
{
    dsb(nshst);
    __asm__ volatile("tlbi vmalls12e1" : : : "memory");
    dsb(nsh);
    isb();
}

/* ---- HCR_EL2 (D13.2.48) ---- */

#define HCR_VM    (1ULL << 0) /* stage 2 on */
#define HCR_SWIO  (1ULL << 1) /* DC ISW acts as DC CISW */
#define HCR_FMO   (1ULL << 3) /* physical FIQ to EL2, virtual FIQ on */
#define HCR_IMO   (1ULL << 4) /* physical IRQ to EL2, virtual IRQ on */
#define HCR_AMO   (1ULL << 5) /* physical SError to EL2, virtual SError on */
#define HCR_VF    (1ULL << 6)
#define HCR_VI    (1ULL << 7)
#define HCR_VSE   (1ULL << 8)
#define HCR_TWI   (1ULL << 13)
#define HCR_TWE   (1ULL << 14)
#define HCR_TID0  (1ULL << 15)
#define HCR_TID1  (1ULL << 16)
#define HCR_TID2  (1ULL << 17)
#define HCR_TID3  (1ULL << 18) /* trap ID registers, group 3 */
#define HCR_TSC   (1ULL << 19) /* trap SMC */
#define HCR_TIDCP (1ULL << 20) /* trap implementation defined registers */
#define HCR_TACR  (1ULL << 21) /* trap ACTLR_EL1 */
#define HCR_TSW   (1ULL << 22)
#define HCR_TGE   (1ULL << 27)
#define HCR_RW    (1ULL << 31) /* EL1 is AArch64 */

/* ---- ESR_ELx (D13.2.37) ---- */

#define ESR_EC_SHIFT 26
#define ESR_EC(ec)   ((uint64_t)(ec) << ESR_EC_SHIFT)
#define ESR_IL       (1ULL << 25) /* 32-bit instruction */
#define ESR_ISS_MASK 0x1ffffffULL

/* ISS of a data abort (and, the low bits, of an instruction abort). */
#define ISS_FSC_MASK  0x3fULL
#define ISS_WNR       (1ULL << 6)
#define ISS_S1PTW     (1ULL << 7)
#define ISS_CM        (1ULL << 8)
#define ISS_FNV       (1ULL << 10)
#define ISS_SF        (1ULL << 15)
#define ISS_SRT_SHIFT 16
#define ISS_SSE       (1ULL << 21)
#define ISS_SAS_SHIFT 22
#define ISS_ISV       (1ULL << 24)

/* ISS of a trapped AArch32 instruction. */
#define ISS_COND_SHIFT 20
#define ISS_CV         (1ULL << 24)

/* ---- SPSR_EL2 (C5.2.19, C5.2.20) ---- */

#define SPSR_AARCH32 (1ULL << 4)
#define SPSR_SS      (1ULL << 21)

/* ---- MPIDR_EL1 (D13.2.102): Aff3, Aff2, Aff1, Aff0 ---- */

#define MPIDR_AFFINITY 0xff00ffffffULL

#endif
