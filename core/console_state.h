/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the console's own files share.
 *
 * A source is a VM or the hypervisor: a ring of what it wrote and a mark of what was sent. Its lock
 * covers all its fields. The UART is sent to only by the core that has the source's lock while that
 * source has the turn; turns change under console.lock, which is held for a few instructions only,
 * so nobody ever waits for another's bytes. Lock order: keys.lock, source.lock, console.lock.
 */
#ifndef CORE_CONSOLE_STATE_H
#define CORE_CONSOLE_STATE_H

#include <bulkhead/console.h>
#include <bulkhead/lock.h>
#include <bulkhead/timer.h>
#include <bulkhead/vm.h>

#include "view.h"

enum {
    HISTORY_BYTES = 16384, /* of a VM, kept for whoever attaches; a power of two */
    UNSENT_MAX = 8192,     /* a VM that is ahead of the wire by this much is slowed */
    TEXT_BYTES = 8192,     /* of the hypervisor; a power of two */
    REPLAY_BYTES = 4096,   /* shown on attach: two screens, a third of a second at 115200 Bd */
    INPUT_BYTES = 256,     /* typed ahead of a guest that does not read */
    REPLAY_LOOK = 512,     /* bytes looked at for a line to begin that with */
    STEP_BYTES = 32,       /* most bytes to the UART in one stay at EL2; its FIFO has 8 or 16 */
    STEP_WORK = 128,       /* most bytes looked at in one stay */
    TURN_BYTES = 256,      /* of an endless line, before others have a turn */
    STEP_US = 700,         /* 8 characters at 115200 Bd: the mini UART's FIFO */
    IDLE_US = 150000,      /* an unfinished line is shown after this */
    HINT_US = 2000000,     /* hints come no closer than this */
    SOURCES = MAX_VMS + 1,
    HYPERVISOR = MAX_VMS, /* the hypervisor's source */
    NOBODY = SOURCES,
};

/* What the terminal shows. */
enum view_kind { SHOW_ALL, SHOW_ONE, SHOW_MONITOR };

/* How a source's bytes reach it. */
enum source_mode { MODE_HIDDEN, MODE_LINES, MODE_RAW };

struct ring {
    uint8_t *bytes;
    uint32_t size;  /* a power of two */
    uint64_t head;  /* bytes ever written; the last `size` are kept */
    uint64_t sent;  /* bytes ever sent or passed over */
    uint64_t ready; /* may be sent up to here: whole lines, or a line that waited long enough */
};

/* Looking for where a replay begins. */
struct seek {
    uint64_t start, at, end; /* the best so far; looked at up to here; not beyond */
    bool escape, found;
};

struct source {
    struct lock lock;
    struct ring ring;
    struct seek seek;
    enum source_mode mode;
    uint32_t epoch;        /* of the view that `mode` is for */
    uint64_t flush_at;     /* when an unfinished line is shown */
    uint64_t replay_until; /* history ends here, what is new begins */
    struct view view;
    struct escape escape;  /* follows what was sent raw */
    struct view_out stage; /* on its way to the UART, whole before the turn ends */
    unsigned staged;       /* bytes of it that are sent */
    uint8_t cpu;           /* that drains it: the core that wrote last */
    bool resting;          /* that core's timer will go on */
    bool holds;            /* we have the turn, and know it */
    bool continues;        /* no change of the view since it sent last */
    bool replaying;        /* sequences that make the terminal answer are left out */
    bool blocked;          /* the guest was told "full" and waits for room */
    bool delivering, deliver_again;
    uint16_t input_first, input_count;
    uint8_t input[INPUT_BYTES]; /* typed, not yet taken */
};

struct console {
    const struct uart *uart;
    bool live;
    struct lock lock; /* of what follows */
    enum view_kind show;
    uint8_t attached; /* VM, when SHOW_ONE */
    uint8_t turn;     /* source that may send */
    uint8_t waiting;  /* sources that want to: a bit each */
    uint8_t open;     /* source whose line on the wire is unfinished */
    uint32_t turn_bytes;
    uint32_t epoch;                /* grows when the view changes; read without the lock */
    struct timer timers[MAX_CPUS]; /* each core's own */
};

extern struct console console;
extern struct source sources[SOURCES];

static inline struct source *source_of(const struct vm *vm)
{
    return &sources[vm->id];
}

/* ---- console_ring.c: no lock of its own ---- */
void ring_put(struct ring *r, uint8_t byte);
uint8_t ring_at(const struct ring *r, uint64_t position);
static inline uint64_t ring_unsent(const struct ring *r)
{
    return r->head - r->sent;
}
/* Where the last line began if it is unfinished and at most `limit` bytes long; else the head. */
uint64_t ring_last_line(const struct ring *r, uint32_t limit);
/* Where does a replay of about `bytes` start? After a line's end, else at an escape or a character.
 * A byte looked at is one of `work`. True: k->start tells. */
void ring_seek_begin(const struct ring *r, struct seek *k, uint32_t bytes);
bool ring_seek(const struct ring *r, struct seek *k, unsigned *work);

/* ---- console_out.c: the source's lock held, console.lock not ---- */
/* Take over a change of the view, unless something staged is half sent. */
void source_sync(struct source *s);
/* Send what may be sent now, at most STEP_BYTES. Returns when to go on, in ticks: when the UART has
 * room again, or an unfinished line has waited long enough; UINT64_MAX: somebody will ask. */
uint64_t source_step(struct source *s);

/* ---- console_view.c ---- */
struct console_view {
    enum view_kind show;
    unsigned attached;
};
struct console_view view_now(void);
/* Show something else; the hypervisor, whose ring has the first words of it and whose lock is held,
 * speaks before any VM does. Then, without that lock, view_tell(). */
void view_set(struct console_view view);
void view_tell(void);

/* ---- console.c ---- */
/* Run console_run_event() on this core at `deadline` or before; UINT64_MAX: no need. */
void console_wake(uint64_t deadline);

/* ---- console_text.c: no source's lock held ---- */
/* The hypervisor's words to whoever is at the terminal, whatever the view; "\n" becomes CR LF. Any
 * core. All or nothing: dropped, and counted, when there is no room. */
void text_put(const char *text);
/* A "[bulkhead] " line, whatever the view. */
__attribute__((format(printf, 1, 2))) void text_reply(const char *format, ...);
/* Show something else. What goes out first, before any VM's bytes: `undo`, then a "[bulkhead] "
 * line. */
void text_change_view(struct console_view view, const char *undo, const char *line);
/* Bytes that text_put() has room for. */
uint32_t text_room(void);
/* On the core that wrote last: send on. */
void text_serve(void);

/* ---- console_input.c ---- */
/* Boot core, when interrupts work. */
void input_init(void);
/* Offer queued input to the VM; one of its cores, no lock held. */
void input_deliver(struct vm *vm);
/* For the monitor: as the keys do it, and the lock that monitor_input() and this are called under.
 */
void console_attach(unsigned id);
void keys_take(void);
void keys_release(void);

#endif
