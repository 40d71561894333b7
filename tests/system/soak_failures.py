"""Fifty crashes, fifty hangs and fifty `reboot -f` of Debian guests, two at a time, beside a witness.

EACH=2 does two of each. A system fails by itself, as early as it has looked at its disk (victim.pl), so that the time goes
into failures: it is Debian's kernel, initrd and systemd, with one unit instead of a login, and no check of its disk but
the journal's (and ours, in the end).
"""
import os
import re
import time

from victims import NAMES, Victims, build_quick_initrd

LIMIT = 5400
ALONE = True  # three busy cores
STALL = 300   # seconds without any end of a VM
EACH = int(os.environ.get("EACH", "50"))
LIVES = (3 * EACH + 1) // 2
KINDS = ("crash", "hang", "reboot")  # victim.pl

END = r"\[bulkhead\] (alpha|beta): (ends|was stopped|crashed|is off: it turned itself off|stays down)([^\r\n]*)\r*\n"
WHY = {"crash": ("was stopped", ": its watchdog was not fed for 4 s"),
       "hang": ("was stopped", ": its watchdog was not fed for 2 s"),
       "reboot": ("ends", ": it asked for a reset (PSCI SYSTEM_RESET)")}

victims = None
state = {}


def setup():
    global victims
    state["began"] = time.monotonic()
    build_quick_initrd()
    victims = Victims("failures", 256, "quick.img", f"rw systemd.unit=victim.service victim.lives={LIVES}")
    state["memmap"] = victims.memmap()
    victims.board.all_view()


def teardown():
    if victims:
        victims.end()


def kind_of(name, life):
    return KINDS[(life + ord(name[0])) % 3]


def ends():
    """{name: [(what, why), ...]} so far."""
    found = {name: [] for name in NAMES}
    for name, what, why in victims.told(END.replace(r"\r*", "")):
        found[name].append((what, why))
    return found


def check_report(name, life):
    """It tells what the system's last words were, and where its core was."""
    report = victims.ask(f"report {name}")
    kind = kind_of(name, life)
    assert WHY[kind][1][2:] in report and f"{name} now fails by {kind}" in report, (life, report)
    if kind == "crash":
        assert "Kernel panic - not syncing: sysrq triggered crash" in report, (life, report)
    else:
        assert re.search(r"vCPU 0 on core \d: stopped while running at EL1, interrupts masked; pc 480000", report), \
            (life, report)


def look(counts):
    """At what ended since the last look."""
    for name, list_of in ends().items():
        for life in range(counts[name] + 1, min(len(list_of), LIVES) + 1):
            what, why = list_of[life - 1]
            kind = kind_of(name, life)
            assert (what, why) == WHY[kind], f"{name}, life {life}: {what}{why} instead of {kind}"
            if what == "was stopped":
                check_report(name, life)
            counts[name] = life
            print(f"{time.monotonic() - state['began']:6.0f} s: {name}, life {life}: {kind}", flush=True)
        assert len(list_of) <= LIVES + 1, list_of[LIVES:]


def test_failures_end_in_their_vm():
    counts = dict.fromkeys(NAMES, 0)
    looked = 0
    while any(len(list_of) <= LIVES for list_of in ends().values()):
        if all(min(len(list_of), LIVES) == counts[name] for name, list_of in ends().items()):
            victims.board.all_view()
            victims.board.expect([END, r"victim: WRONG[^\r\n]*\r*\n"], STALL)
        victims.nothing_wrong()
        look(counts)
        if sum(counts.values()) >= looked + 10:
            looked = sum(counts.values())
            victims.beats()
    victims.nothing_wrong()
    told = ends()
    for name in NAMES:
        assert told[name][LIVES][0] == "is off: it turned itself off", told[name][LIVES:]
        assert victims.restarts_of(name) == LIVES, name
    print(f"{2 * LIVES} failures in {time.monotonic() - state['began']:.0f} s", flush=True)


def test_nothing_is_left_behind():
    assert victims.memmap() == state["memmap"]
    late = victims.beats(2)
    print(f"the witness: {victims.beat + 1} beats, none missing, nothing wrong; late by {late} ms at most")


def test_what_was_flushed_is_there():
    victims.board.pull()
    victims.check_disk()
    for name in NAMES:
        victims.check_file_system(name, recover=False)
        assert victims.check_records(name) == LIVES
