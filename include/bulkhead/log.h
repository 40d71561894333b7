/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own words: kept in a ring, shown as "[bulkhead] ..." (core/log.c). */
#ifndef BULKHEAD_LOG_H
#define BULKHEAD_LOG_H

#include <bulkhead/types.h>

struct vm;

/* One line, no newline at its end. For boot, monitor and operator-caused events: never for something a
 * guest can repeat. Any core; no lock inner to the console's held. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/* One line about a VM, "NAME: ...", for something a guest causes: at most 8 in 10 s for each VM, the rest
 * are counted and the count is said with the next one. */
__attribute__((format(printf, 2, 3))) void log_vm(struct vm *vm, const char *format, ...);

/* Print the kept log through `emit`, oldest first. Monitor. */
void log_replay(void (*emit)(void *context, const char *line), void *context);

/* A broken invariant of our own: say it on the console and stop the board (cpu_halt). Never reachable by
 * what a guest, a card or a configuration says. */
__attribute__((format(printf, 1, 2), __noreturn__)) void panic(const char *format, ...);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            panic("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition);                  \
    } while (0)

/* Fill in a refusal; unprintable characters become '?' (core/refuse.c, which host tools link too). */
__attribute__((format(printf, 2, 3))) void refuse(struct refusal *why, const char *format, ...);

#endif
