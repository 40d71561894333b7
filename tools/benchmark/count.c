// SPDX-License-Identifier: BSD-2-Clause
// Counts instructions of one address range, the hypervisor's text, one by one: a plugin for QEMU
// (its documentation: "QEMU TCG Plugins"). Arguments: base=ADDRESS, bytes=NUMBER, out=FILE,
// phases=FILE if wanted: bytes, one for each instruction of the range; one that is not 0 says which
// phase a core is in from there on.
//
// A guest says when, by instructions without effect (guests/bench/rows.S): MOVZ XZR, #1 sets all
// counts to zero, MOVZ XZR, #n (n from 16) writes them out as "mark n", for each phase "phase n"
// and lines "offset count", then "all n" (instructions of the whole machine since it was last
// zeroed, or since the range was first entered).
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The part of QEMU's plugin interface that is used here, version 4.
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t bytes);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*cb)(unsigned, void *), int registers,
                                            void *context);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned, void *),
                                          int registers, void *context);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

enum { NO_REGISTERS = 0, CPUS = 4, PHASES = 16, MARK_ZERO = 1, MARK_FIRST = 16, MARK_END = 64 };

static uint64_t base, bytes;
static uint8_t *phase_from;
static uint8_t phase[CPUS];
static uint64_t *counts[CPUS][PHASES];
static uint64_t all[CPUS];
static bool begun; // not before: what ran before the hypervisor does not matter
static FILE *out;

static void count(unsigned cpu, void *index)
{
    uintptr_t i = (uintptr_t)index;
    cpu %= CPUS;
    if (phase_from[i])
        phase[cpu] = phase_from[i] % PHASES;
    counts[cpu][phase[cpu]][i]++;
    begun = true;
}

// By blocks: one that is left early counts in full.
static void count_all(unsigned cpu, void *n)
{
    if (begun)
        all[cpu % CPUS] += (uintptr_t)n;
}

static void zero(void)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        for (unsigned i = 0; i < PHASES; i++)
            memset(counts[cpu][i], 0, bytes / 4 * sizeof(uint64_t));
        all[cpu] = 0;
    }
}

static void write_phase(unsigned n)
{
    fprintf(out, "phase %u\n", n);
    for (uint64_t i = 0; i < bytes / 4; i++) {
        uint64_t sum = 0;
        for (unsigned cpu = 0; cpu < CPUS; cpu++)
            sum += counts[cpu][n][i];
        if (sum)
            fprintf(out, "%" PRIu64 " %" PRIu64 "\n", i * 4, sum);
    }
}

static void write_out(unsigned mark)
{
    fprintf(out, "mark %u\n", mark);
    for (unsigned n = 0; n < PHASES; n++)
        write_phase(n);
    fprintf(out, "all %" PRIu64 "\n", all[0] + all[1] + all[2] + all[3]);
    fflush(out);
}

static void mark(unsigned cpu, void *number)
{
    (void)cpu;
    if ((uintptr_t)number == MARK_ZERO)
        zero();
    else
        write_out((unsigned)(uintptr_t)number);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, count_all, NO_REGISTERS, (void *)n);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn) - base;
        uint32_t word = 0, number;
        qemu_plugin_insn_data(insn, &word, sizeof(word));
        number = word >> 5 & 0xffff;
        if (at < bytes)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, count, NO_REGISTERS,
                                                   (void *)(uintptr_t)(at / 4));
        else if ((word & 0xffe0001f) == 0xd280001f &&
                 (number == MARK_ZERO || (number >= MARK_FIRST && number < MARK_END)))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, NO_REGISTERS,
                                                   (void *)(uintptr_t)number);
    }
}

static bool allocate(const char *phases)
{
    FILE *file = phases ? fopen(phases, "r") : NULL;
    if (phases && !file)
        return false;
    if (!(phase_from = calloc(bytes / 4, 1)) ||
        (file && fread(phase_from, 1, bytes / 4, file) != bytes / 4))
        return false;
    for (unsigned i = 0; i < CPUS * PHASES; i++)
        if (!(counts[i / PHASES][i % PHASES] = calloc(bytes / 4, sizeof(uint64_t))))
            return false;
    return true;
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    const char *phases = NULL;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "base=", 5))
            base = strtoull(argv[i] + 5, NULL, 0);
        else if (!strncmp(argv[i], "bytes=", 6))
            bytes = strtoull(argv[i] + 6, NULL, 0);
        else if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
        else if (!strncmp(argv[i], "phases=", 7))
            phases = argv[i] + 7;
    }
    if (!base || !bytes || !out || !allocate(phases))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
