/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own words: kept in a ring, shown as "[bulkhead] ..." (core/log.c). */
#ifndef BULKHEAD_LOG_H
#define BULKHEAD_LOG_H

#include <bulkhead/types.h>

struct vm;

enum {
    LOG_TEXT_MAX = 224, /* of a line with its NUL; longer ones are cut */
    LOG_LINE_MAX = 248, /* with the time before it */
};

/* One line, no newline at its end. For boot, monitor and operator-caused events: never for
 * something a guest can repeat. Any core; no lock inner to the console's held. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/* One line about a VM, "NAME: ...", for something a guest causes: at most 8 in 10 s for each VM,
 * the rest are counted and the count is said with the next one. */
__attribute__((format(printf, 2, 3))) void log_vm(struct vm *vm, const char *format, ...);

/* One line about a VM's change of state (started, off, crashed, ...), "NAME: ...": also shown to
 * whoever is attached to that VM. Not for what a guest can repeat. */
__attribute__((format(printf, 2, 3))) void log_vm_state(struct vm *vm, const char *format, ...);

/* The next kept line at or after *position (0: the oldest), which moves on. False: no more. Any
 * core, no lock. */
bool log_read(uint64_t *position, char *line, size_t size);
/* Print the kept log through `emit`, oldest first. Monitor. */
void log_replay(void (*emit)(void *context, const char *line), void *context);

/* A broken invariant of our own: say it on the console and stop the board (cpu_halt). Never
 * reachable by what a guest, a card or a configuration says. */
__attribute__((format(printf, 1, 2), __noreturn__)) void panic(const char *format, ...);

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition))                                                         \
            panic("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition); \
    } while (0)

/* Fill in a refusal; unprintable characters become '?' (core/refuse.c, which host tools link too).
 */
__attribute__((format(printf, 2, 3))) void refuse(struct refusal *why, const char *format, ...);

#endif
