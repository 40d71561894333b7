"""A small guest that crashes, hangs and resets by a key: what is seen of it, while its neighbour goes on."""
import re

from bulkhead import BOOT_LIMIT, ESCAPE, Board, make_card, wait_until

LIMIT = 420

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha { cpus = <0 1>; memory = "32M"; kernel = "crasher.bin"; };
		beta { cpus = <2>; memory = "32M"; kernel = "reader.bin"; bootargs = "nodisk"; };
	};
};
"""

HOLE = 0x70000000  # guests/crasher

state = {}


def setup():
    state["board"] = Board(make_card("report", VMS))
    expect_prompt(BOOT_LIMIT)


def teardown():
    if "board" in state:
        state["board"].off()


def expect_prompt(limit=60):
    state["board"].expect(r"\[alpha\] crasher> ", limit)


def expect_start():
    """A line says so, then its first words come; an older prompt is not meant."""
    state["board"].expect(r"\[bulkhead\] alpha: starting on core 0", 60)
    expect_prompt()


def wait_for_start():
    """In the monitor: what said so may be over."""
    wait_until(lambda: re.search(r"(?m)^1  alpha +running ", state["board"].monitor("list")), 60, "alpha runs")


def press(key):
    """A key for the crasher; at once back to the view of all, which is to show what follows."""
    board = state["board"]
    assert board.attach(1) == "alpha"
    board.send(f"{key}{ESCAPE}a")
    board.expect("all VMs; ")


def beta_goes_on():
    board = state["board"]
    board.all_view()
    board.expect(r"\[beta\] reader: second (\d+): ")
    before = int(board.match.group(1))
    board.expect(r"\[beta\] reader: second (\d+): ")
    assert int(board.match.group(1)) == before + 1, "a beat is missing"


def row(command, pattern):
    answer = state["board"].monitor(command)
    found = re.search(pattern, answer)
    assert found, f"{pattern!r} is not in {answer!r}"
    return found


def test_nothing_to_report_at_first():
    row("report alpha", "alpha has not crashed since the board started")
    row("list", r"(?m)^1  alpha +running +0,1 +32 MiB +\d+ s +0 +\d+ ")
    state["board"].all_view()


def test_crash_is_told_reported_and_over():
    board = state["board"]
    press("c")
    for pattern in (r"\[bulkhead\] alpha: crashed: it took an exception, and its exception vectors",
                    r"\[bulkhead\] alpha: `report alpha` in the monitor has all of this:",
                    r"\[bulkhead\] alpha: vCPU 0 on core 0: instruction abort, translation fault at EL1, "
                    rf"interrupts masked; pc {HOLE + 0x200:x} ",
                    r"\[bulkhead\] alpha:   called from [0-9a-f]{16}",
                    r"\[bulkhead\] alpha: vCPU 1 on core 1: off"):
        board.expect(pattern, 60)
    expect_start()  # by itself: the policy's default
    report = board.monitor("report alpha").replace("\r", "")
    for pattern in (r"alpha: it took an exception", r"start number 1$", r"^exits: \d+ interrupts, ",
                    r"^disk: 0 requests", rf"its own last exception: .*, pc {HOLE + 0x1230:x} FAR {HOLE + 0x1230:x}$",
                    rf"  vbar_el1  {HOLE:016x}", r"  x30       0000000040[0-9a-f]{6}",
                    r"^vCPU 1 on core 1: off$", r"^\|crasher: these are its last words$",
                    r"^\|crasher> crash$"):
        assert re.search(pattern, report, re.M), (pattern, report)
    frames = re.search(r"called from((?: [0-9a-f]{16})+)\n", report)
    assert frames and len(frames.group(1).split()) >= 2, report  # crash(), guest_main(), ...
    assert all(0x40000000 <= int(f, 16) < 0x42000000 for f in frames.group(1).split()), report
    row("list", r"(?m)^1  alpha +running +0,1 +32 MiB +\d+ s +1 +\d+ ")
    beta_goes_on()


def test_reset_leaves_the_report_as_it_was():
    press("r")
    expect_start()
    row("report alpha", r"(?m)start number 1\r*$")
    beta_goes_on()


def test_hang_is_killed_and_reported():
    board = state["board"]
    press("h")
    board.expect(r"\[alpha\] .*hang")
    row("stats alpha", r"exits: (\d+) interrupts")
    assert "bulkhead>" not in board.monitor("kill alpha")
    board.all_view()
    report = board.monitor("report alpha")
    assert "it was killed from the monitor" in report, report
    assert re.search(r"vCPU 0 on core 0: stopped while running at EL1, interrupts masked; pc 40", report), report
    assert "crasher> hang" in report
    row("kill alpha", "alpha is off: start it")
    row("kill gamma", "no VM is called gamma; there are: alpha beta")
    board.monitor("start alpha")
    wait_for_start()
    beta_goes_on()


def test_report_outlives_a_reset_of_the_board():
    """As a person's reset button would, or the board's watchdog: RAM stays."""
    board = state["board"]
    board.all_view()
    board.qmp("system_reset")
    board.expect("Starting kernel", BOOT_LIMIT)
    expect_start()
    row("report alpha", "it was killed from the monitor")
    row("report alpha", "before the board was last reset")
    row("report beta", "beta has not crashed since the board started")
    board.all_view()
    beta_goes_on()


def test_stats():
    answer = state["board"].monitor("stats")
    for core in range(4):
        assert re.search(rf"core {core} \(.*\) at EL2, in us: .*; \d+ stays, longest \d+, "
                         r"longest wait for a lock \d+", answer), answer
    assert int(row("stats alpha", r"(\d+) in all").group(1)) > 0
    tables = row("memmap", r"hash of all tables ([0-9a-f]{8})").group(1)
    state["board"].monitor("restart alpha")
    wait_for_start()
    assert row("memmap", r"hash of all tables ([0-9a-f]{8})").group(1) == tables
