/* SPDX-License-Identifier: BSD-2-Clause */
/* From the sources' rings to the wire: whose turn it is, and what of it goes out next. */
#include <bulkhead/account.h>
#include <bulkhead/cpu.h>
#include <string.h>

#include "console_state.h"

enum { PROMPT_BYTES = 256 }; /* longest unfinished line that is shown again */

static unsigned number(const struct source *s)
{
    return (unsigned)(s - sources);
}

static uint8_t bit(unsigned source)
{
    return (uint8_t)(1u << source);
}

static bool stage_pending(const struct source *s)
{
    return s->staged < s->stage.count;
}

/* ---- Turns ---- */

static bool turn_take(struct source *s)
{
    unsigned me = number(s);
    bool mine;

    lock_take(&console.lock);
    if (console.turn == NOBODY && (me == HYPERVISOR || !(console.waiting & bit(HYPERVISOR)))) {
        console.turn = (uint8_t)me;
        console.turn_bytes = 0;
    }
    mine = console.turn == me;
    if (mine)
        console.waiting &= (uint8_t)~bit(me);
    else
        console.waiting |= bit(me);
    lock_release(&console.lock);
    s->holds = mine;
    return mine;
}

/* The hypervisor is brief and goes first; then those after `me`, in a circle. console.lock held. */
static unsigned turn_next(unsigned me)
{
    if (console.waiting & bit(HYPERVISOR))
        return HYPERVISOR;
    for (unsigned i = 1; i <= SOURCES; i++)
        if (console.waiting & bit((me + i) % SOURCES))
            return (me + i) % SOURCES;
    return NOBODY;
}

/* Also when `s` has no turn but may be waiting for one: it wants none any more. */
static void turn_give(struct source *s)
{
    unsigned me = number(s), next = NOBODY;

    s->holds = false;
    lock_take(&console.lock);
    console.waiting &= (uint8_t)~bit(me);
    if (console.turn == me) {
        next = turn_next(me);
        console.turn = (uint8_t)next;
        console.turn_bytes = 0;
        if (next != NOBODY)
            console.waiting &= (uint8_t)~bit(next);
    }
    lock_release(&console.lock);
    if (next != NOBODY)
        cpu_post(__atomic_load_n(&sources[next].cpu, __ATOMIC_RELAXED), EVENT_CONSOLE);
}

/* Nothing is staged. True: others wait, and this is a good or an overdue moment to let them; but
 * not before something was said, or two would hand the turn to and fro. */
static bool turn_over(const struct source *s)
{
    if (!s->holds || console.turn_bytes == 0)
        return false;
    if (__atomic_load_n(&console.waiting, __ATOMIC_RELAXED) == 0)
        return false;
    if (number(s) == HYPERVISOR)
        return false; /* until its ring is empty: messages are not torn */
    if (console.turn_bytes >= TURN_BYTES)
        return true;
    return s->mode == MODE_RAW ? escape_idle(&s->escape) : !s->view.open || s->view.cr;
}

/* ---- What goes out next ---- */

void source_sync(struct source *s)
{
    struct console_view now;
    struct ring *r = &s->ring;
    uint32_t epoch = __atomic_load_n(&console.epoch, __ATOMIC_ACQUIRE);

    if (s->epoch == epoch || stage_pending(s) || number(s) == HYPERVISOR)
        return;
    now = view_now();
    s->epoch = epoch; /* if the view changed since, we come here again */
    view_restart(&s->view);
    s->escape = (struct escape){0};
    s->continues = false;
    s->seek.found = true;
    r->ready = r->head;
    if (now.show == SHOW_ONE && now.attached == number(s)) {
        s->mode = MODE_RAW;
        s->replaying = true;
        s->replay_until = r->head;
        ring_seek_begin(r, &s->seek, REPLAY_BYTES);
        s->seek.found |= r->sent <= s->seek.start; /* all that was not sent yet */
        r->sent = MIN(r->sent, s->seek.start);
    } else if (now.show == SHOW_ALL && !vms[number(s)].config->console_hidden) {
        s->mode = MODE_LINES;
        r->sent = ring_last_line(r, PROMPT_BYTES); /* a prompt that waits is seen at once */
    } else {
        s->mode = MODE_HIDDEN;
        r->sent = r->head;
    }
}

static void stage_put(struct source *s, const void *bytes, unsigned count)
{
    memcpy(s->stage.bytes + s->stage.count, bytes, count);
    s->stage.count += count;
}

/* History, again: without what would ring, or make the terminal type answers into the guest. */
static void replay(struct source *s, uint8_t byte)
{
    enum { ENQ = 5, BEL = 7 };
    switch (escape_put(&s->escape, byte)) {
    case ESCAPE_TEXT:
        if (byte != ENQ && byte != BEL)
            stage_put(s, &byte, 1);
        break;
    case ESCAPE_COMPLETE:
        if (escape_is_replayable(&s->escape))
            stage_put(s, s->escape.bytes, s->escape.count);
        break;
    case ESCAPE_TAKEN:
        break;
    }
}

static void encode(struct source *s, uint8_t byte)
{
    if (s->mode == MODE_LINES) {
        view_put(&s->view, byte, &s->stage);
        return;
    }
    if (s->replaying && s->ring.sent > s->replay_until && escape_idle(&s->escape))
        s->replaying = false;
    if (s->replaying) {
        replay(s, byte);
        return;
    }
    escape_put(&s->escape, byte);
    stage_put(s, &byte, 1);
}

/* Stage the next bytes, with the turn; end an unfinished line that is not ours to go on with. */
static void stage_fill(struct source *s, unsigned *work)
{
    bool ours = console.open == number(s) && s->continues;

    if (!ours)
        view_cut(&s->view);
    if (!ours && console.open != NOBODY) {
        stage_put(s, VIEW_LINE_END, sizeof(VIEW_LINE_END) - 1);
        return;
    }
    if (!s->seek.found) {
        if (ring_seek(&s->ring, &s->seek, work))
            s->ring.sent = MAX(s->ring.sent, s->seek.start);
        return;
    }
    while (s->stage.count == 0 && s->ring.sent<s->ring.ready && * work> 0) {
        uint8_t byte = ring_at(&s->ring, s->ring.sent);
        s->ring.sent++;
        (*work)--;
        encode(s, byte);
        console.turn_bytes += MAX(s->stage.count, 1u); /* what goes out, and what was swallowed */
    }
}

/* True: all that was staged is sent. */
static bool stage_flush(struct source *s, unsigned *budget)
{
    const struct uart *u = console.uart;
    uint8_t last;

    while (stage_pending(s)) {
        if (*budget == 0 || !u->tx_ready(u))
            return false;
        u->tx(u, s->stage.bytes[s->staged++]);
        (*budget)--;
    }
    if (s->stage.count == 0)
        return true;
    last = s->stage.bytes[s->stage.count - 1];
    s->stage.count = s->staged = 0;
    console.open = (uint8_t)(last == '\n' ? NOBODY : number(s));
    s->continues = true;
    return true;
}

/* True: there is more, when the UART has room again. False: nothing, or not our turn. */
static bool drain(struct source *s)
{
    unsigned budget = STEP_BYTES, work = STEP_WORK;

    for (;;) {
        if (!stage_flush(s, &budget))
            return true;
        if (turn_over(s))
            turn_give(s);
        source_sync(s);
        if (s->ring.sent >= s->ring.ready) {
            turn_give(s);
            return false;
        }
        if (!turn_take(s))
            return false;
        if (budget == 0 || work == 0)
            return true;
        stage_fill(s, &work);
    }
}

_Static_assert((int)HYPERVISOR == (int)ACCOUNT_HYPERVISOR, "sources are who pays for them");

uint64_t source_step(struct source *s)
{
    struct ring *r = &s->ring;
    unsigned before;
    bool more;

    if (!console.live || s->resting)
        return UINT64_MAX;
    if (!console.uart) {
        r->sent = r->ready = r->head;
        return UINT64_MAX;
    }
    before = account_switch(number(s));
    more = drain(s);
    account_switch(before);
    if (more) {
        s->resting = true;
        return time_now() + ticks_from_us(STEP_US);
    }
    return r->ready < r->head ? s->flush_at : UINT64_MAX;
}
