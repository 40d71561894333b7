"""How long EL2 keeps a core, in instructions: attack cases on one core, in an emulator that counts them.

STAYS="virtio-rings disk-flood" picks cases. With -icount an instruction takes a nanosecond and cores take turns, so a case counts that has the machine to itself.
"""
import os
import re

from bulkhead import BOOT_LIMIT, Board, make_card
from containment import VMS

LIMIT = 1200
BOUND_US = 20  # 20,000 instructions
MONITOR_US = 36  # docs/architecture.md has both
START_US = 400

CASES = """
    holes-sizes holes-writeback holes-fetch holes-walk holes-el0 device-fuzz psci-ids smccc-ids cpu-on-hostile
    sysreg-read-el1 sysreg-write-el1 sys-instructions aarch32-cp15 undefined-random single-step gicd-fuzz gicc-fuzz
    level-storm eoi-without-ack lr-overflow timer-by-hand timer-physical virtio-registers virtio-rings virtio-chains
    virtio-lengths virtio-index virtio-indirect virtio-moved virtio-reset disk-beyond disk-read-only disk-flood disk-odd
    console-escapes console-flood
""".split()

ALONE_ON_THE_BOARD = re.sub(r"\t\t(witness|churn) \{.*?\n\t\t\};\n", "", VMS, flags=re.S)
COUNTED = ("-icount", "shift=0,sleep=off,align=off")

board = None


def setup():
    global board
    board = Board(make_card("stays", ALONE_ON_THE_BOARD), arguments=COUNTED)
    board.expect(r"\[attack\] attack> ", BOOT_LIMIT)


def teardown():
    if board:
        board.off()


def told(what, where=None):
    """Microseconds, on any of the VM's first two cores, since `stats reset`; the monitor's own core has no VM."""
    stats = (where or board).monitor("stats")
    us = max(int(us) for us in re.findall(r"^core [01] .*longest (\d+), longest wait", stats, re.M))
    print(f"{what:22} {us * 1000:9} instructions at most")
    return us


def longest(case):
    """Microseconds. The operator's own keys have been served by the time that the case begins."""
    board.attach(1)
    board.line(f"later {case}")
    board.expect(f"later {case}")
    board.monitor("stats reset")
    board.all_view()
    board.expect(rf"\[attack\] {case}: (ok|wrong[^\r\n]*)", 300)
    assert board.match.group(1) == "ok", board.match.group(0)
    return told(case)


def test_attaching_a_console():
    """Its history is shown again: after a flood, so all of it is there."""
    board.attach(1)
    board.line("console-flood")
    board.expect("console-flood: ok", 300)
    board.monitor("stats reset")
    board.attach(1)
    assert told("(attach)") <= BOUND_US


def test_the_monitor():
    """Where every core has a VM it is on one of theirs. (On one that has none a stay is as long as nothing happens.)"""
    full = Board(make_card("monitor", ALONE_ON_THE_BOARD.replace("cpus = <0 1>", "cpus = <0 1 2 3>")), arguments=COUNTED)
    try:
        full.expect(r"\[attack\] attack> ", BOOT_LIMIT)
        for command in ("help", "list", "log", "memmap", "stats attack", "report attack"):
            full.monitor("stats reset")
            full.monitor(command)
            assert told(f"({command})", full) <= MONITOR_US, command
    finally:
        full.off()


def test_a_start():
    board.monitor("stats reset")
    board.monitor("restart attack")
    board.all_view()
    board.expect(r"\[attack\] attack> ", 300)
    assert told("(start)") <= START_US


def test_a_crash():
    """Reports of both cores, and the start after it."""
    board.attach(1)
    board.line("later vectors-in-hole")
    board.expect("later vectors-in-hole")
    board.monitor("stats reset")
    board.all_view()
    board.expect(r"\[bulkhead\] attack: crashed", 300)
    board.expect(r"\[attack\] attack> ", 300)
    assert told("(crash and start)") <= START_US


def test_no_stay_is_longer_than_the_bound():
    picked = os.environ.get("STAYS", "").split() or CASES
    long = {case: us for case, us in ((case, longest(case)) for case in picked) if us > BOUND_US}
    assert not long, long
