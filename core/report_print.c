/* SPDX-License-Identifier: BSD-2-Clause */
#include <bulkhead/account.h>
#include <bulkhead/log.h>

#include "line.h"
#include "report.h"
#include "view_escape.h"

enum {
    GENERAL = 31, /* x0 to x30 */
    WORDS_PER_ROW = 3,
    FRAMES_PER_ROW = 4,
    COLUMNS = 96, /* of the VM's console */
};

/* What follows x30 in struct vcpu_report, in its order. */
static const char names[][10] = {
    "pc",        "pstate",    "sp_el0",   "sp_el1",    "elr_el1",   "spsr_el1",
    "esr_el1",   "far_el1",   "vbar_el1", "sctlr_el1", "tcr_el1",   "ttbr0_el1",
    "ttbr1_el1", "tpidr_el1", "esr_el2",  "far_el2",   "hpfar_el2",
};

enum {
    WORDS = GENERAL + ARRAY_SIZE(names),
    /* The rows of a vCPU. */
    ROW_STOPPED = 0,
    ROW_OWN,
    ROW_FRAMES,
    ROW_WORDS = ROW_FRAMES + MAX_FRAMES / FRAMES_PER_ROW,
    VCPU_ROWS = ROW_WORDS + (WORDS + WORDS_PER_ROW - 1) / WORDS_PER_ROW,
};

_Static_assert(offsetof(struct vcpu_report, frames) == WORDS * sizeof(uint64_t),
               "names[] names every word");

typedef unsigned long long ull;

/* "data abort, translation fault" */
static void add_syndrome(uint64_t esr, char *line, size_t size)
{
    line_add(line, size, "%s", esr_class_name(esr));
    if (esr_is_abort(esr))
        line_add(line, size, ", %s", esr_fault_name(esr));
}

/* Which vCPU, what stopped it, and where it was. PSTATE: Arm ARM C5.2.19. */
static void stopped_row(const struct report *r, const struct vcpu *vcpu, char *line, size_t size)
{
    const struct vcpu_report *v = &r->vcpus[vcpu->index];
    uint64_t pstate = v->regs.pstate;

    line_add(line, size, "vCPU %u on core %u: ", vcpu->index, vcpu->cpu);
    if (!__atomic_load_n(&v->kept, __ATOMIC_ACQUIRE)) {
        line_add(line, size, "off");
        return;
    }
    if (vcpu->index == r->culprit)
        add_syndrome(v->state.esr_el2, line, size);
    else
        line_add(line, size, v->waiting ? "waiting (WFI)" : "stopped while running");
    line_add(line, size, " at EL%u%s; pc %llx lr %llx sp %llx", (unsigned)(pstate >> 2 & 3),
             pstate & 0x80 ? ", interrupts masked" : "", (ull)v->regs.pc, (ull)v->regs.x[30],
             (ull)((pstate & 0xd) == 5 ? v->state.sp_el1 : v->state.sp_el0));
    if (vcpu->index == r->culprit)
        line_add(line, size, " ESR %llx FAR %llx HPFAR %llx", (ull)v->state.esr_el2,
                 (ull)v->state.far_el2, (ull)v->state.hpfar_el2);
}

static void own_row(const struct vcpu_state *s, char *line, size_t size)
{
    if (s->esr_el1 == 0 && s->elr_el1 == 0)
        return;
    line_add(line, size, "  its own last exception: ");
    add_syndrome(s->esr_el1, line, size);
    line_add(line, size, ", pc %llx FAR %llx", (ull)s->elr_el1, (ull)s->far_el1);
}

static void frames_row(const struct vcpu_report *v, unsigned first, char *line, size_t size)
{
    for (unsigned i = first; i < first + FRAMES_PER_ROW && i < v->nframes; i++)
        line_add(line, size, "%s %016llx",
                 i == 0               ? "  called from"
                 : i % FRAMES_PER_ROW ? ""
                                      : "             ",
                 (ull)v->frames[i]);
}

static void words_row(const struct vcpu_report *v, unsigned first, char *line, size_t size)
{
    const uint64_t *words = (const uint64_t *)(const void *)v;
    char general[4] = "x";

    for (unsigned i = first; i < first + WORDS_PER_ROW && i < WORDS; i++) {
        general[1] = '\0';
        line_add(general, sizeof(general), "%u", i % 100);
        line_add(line, size, "  %-9s %016llx", i < GENERAL ? general : names[i - GENERAL],
                 (ull)words[i]);
    }
}

static void vcpu_row(const struct report *r, const struct vcpu *vcpu, unsigned row, char *line,
                     size_t size)
{
    const struct vcpu_report *v = &r->vcpus[vcpu->index];

    if (row == ROW_STOPPED)
        stopped_row(r, vcpu, line, size);
    else if (!v->kept)
        return;
    else if (row == ROW_OWN)
        own_row(&v->state, line, size);
    else if (row < ROW_WORDS)
        frames_row(v, (row - ROW_FRAMES) * FRAMES_PER_ROW, line, size);
    else
        words_row(v, (row - ROW_WORDS) * WORDS_PER_ROW, line, size);
}

/* The next line of its console, from byte *at on: text only. */
static bool console_row(const struct report *r, uint64_t *at, char *line, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)r->console;
    struct escape escape = {0};
    size_t used = 0;

    if (*at >= r->console_bytes)
        return false;
    line[used++] = '|';
    while (*at < r->console_bytes && used < COLUMNS && used + 1 < size) {
        uint8_t byte = bytes[(*at)++];
        if (byte == '\n')
            break;
        if (escape_put(&escape, byte) == ESCAPE_TEXT && byte != '\r')
            line[used++] = (char)(byte >= ' ' && byte <= '~' ? byte : '?');
    }
    line[used] = '\0';
    return true;
}

void report_exits(const uint64_t *exits, char *text, size_t size)
{
    static const struct {
        uint8_t first, last; /* ESR_EL2.EC */
        const char *name;
    } kinds[] = {
        {EXIT_INTERRUPT, EXIT_INTERRUPT, "interrupts"},
        {0x24, 0x25, "device accesses and holes"},
        {0x16, 0x17, "calls"},
        {0x18, 0x18, "system registers"},
        {0x20, 0x21, "fetches from holes"},
        {0, EXITS - 1, "in all"},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        uint64_t sum = 0;
        for (unsigned i = kinds[k].first; i <= kinds[k].last; i++)
            sum += exits[i];
        line_add(text, size, "%s%llu %s", k ? ", " : "exits: ", (ull)sum, kinds[k].name);
    }
}

void report_disk(const struct block_stats *disk, char *text, size_t size)
{
    line_add(text, size, "disk: %llu requests, %llu bytes read, %llu written, %llu errors",
             (ull)disk->requests, (ull)disk->bytes_read, (ull)disk->bytes_written,
             (ull)disk->errors);
}

static void head_row(const struct vm *vm, const struct report *r, unsigned index, char *line,
                     size_t size)
{
    uint64_t ms = time_hz() / 1000;

    if (index == 0)
        line_add(line, size, "%s: %s", vm->config->name, r->why.text);
    else if (index == 1)
        line_add(line, size, "at %llu ms since power-on%s, %llu ms after its start number %u",
                 (ull)(r->at / ms), r->old ? ", before the board was last reset" : "",
                 (ull)(r->lived / ms), r->start);
    else if (index == 2)
        report_exits(r->exits, line, size);
    else
        report_disk(&r->disk, line, size);
}

bool report_line(const struct vm *vm, unsigned index, uint64_t *cursor, char *line, size_t size)
{
    enum { HEAD_ROWS = 4 };
    const struct report *r = &reports[vm->id];
    unsigned vcpu = (index - HEAD_ROWS) / VCPU_ROWS;

    line[0] = '\0';
    if (__atomic_load_n(&r->start, __ATOMIC_ACQUIRE) == 0) {
        if (index == 0)
            line_add(line, size, "%s has not crashed since the board started", vm->config->name);
        return index == 0;
    }
    if (index < HEAD_ROWS)
        head_row(vm, r, index, line, size);
    else if (vcpu < vm->nvcpus)
        vcpu_row(r, &vm->vcpus[vcpu], (index - HEAD_ROWS) % VCPU_ROWS, line, size);
    else if (index == HEAD_ROWS + vm->nvcpus * VCPU_ROWS)
        line_add(line, size, "the last %u bytes on its console:", (unsigned)r->console_bytes);
    else
        return console_row(r, cursor, line, size);
    return true;
}

void report_summary(struct vm *vm)
{
    const struct report *r = &reports[vm->id];
    char line[LOG_TEXT_MAX];

    if (!r->start || r->told)
        return;
    report_seal(vm);
    log_vm(vm, "`report %s` in the monitor has all of this:", vm->config->name);
    for (unsigned i = 0; i < 2 * vm->nvcpus; i++) {
        line[0] = '\0';
        vcpu_row(r, &vm->vcpus[i / 2], i % 2 ? ROW_FRAMES : ROW_STOPPED, line, sizeof(line));
        if (line[0])
            log_vm(vm, "%s", line);
    }
}
