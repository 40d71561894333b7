"""The three views of the console: who is heard, what is shown of a guest that says hostile things."""
import re

from bulkhead import BOOT_LIMIT, ESCAPE, Board, make_card

LIMIT = 120

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha { cpus = <0>; memory = "32M"; kernel = "talker.bin"; };
		beta { cpus = <1>; memory = "32M"; kernel = "reader.bin"; bootargs = "nodisk"; };
		gamma { cpus = <2>; memory = "32M"; kernel = "talker.bin"; console = "hidden"; };
	};
};
"""
PREFIX = re.compile(r"\[(alpha|beta|bulkhead)\] ")
RESET = "\x1b[0m"
SGR = re.compile(r"\x1b\[[0-9;:]*m")
board = None


def setup():
    global board
    board = Board(make_card("console", VMS))
    # A prompt, which is no whole line, is seen too.
    board.expect(r"\[alpha\] talker> ", BOOT_LIMIT)
    board.expect(r"\[beta\] reader: second 2:")


def teardown():
    if board:
        board.off()


def test_every_line_has_a_prefix():
    board.expect(r"\[beta\] reader: second \d+:.*\n")
    live = board.printed().split("4 cores are up at EL2\n", 1)[1]
    lines = live.split("\n")[:-1]
    assert len(lines) > 5 and all(PREFIX.match(line) for line in lines), lines
    assert re.search(r"^\[alpha\] talker is here$", live, re.M), live
    assert board.absent("[gamma]"), "a hidden console is shown"


def test_keys_that_nobody_reads_get_a_hint():
    board.send("hello")
    board.expect(r"\[bulkhead\] nobody is attached, so nobody reads this\. Ctrl-\] 1: attach alpha, "
                 r"Ctrl-\] \?: help\r*\n")


def test_help_and_wrong_keys():
    board.send(ESCAPE + "?")
    for line in (r"keys, each after Ctrl-\]:", "  1  attach alpha", "  2  attach beta",
                 "  a  all VMs", "  0  the hypervisor's monitor"):
        board.expect(r"\[bulkhead\] " + line)
    board.send(ESCAPE + "9")
    board.expect(r"\[bulkhead\] there is no VM 9; Ctrl-\] \?: help")
    board.send(ESCAPE + "x")
    board.expect(r"\[bulkhead\] no such key; Ctrl-\] \?: help")


def test_attached_is_raw_and_replays():
    assert board.attach(1) == "alpha"
    board.expect(r"\ntalker is here\r+\ntalker> ")  # said long ago
    board.send("k")
    board.expect(r"\Ak\r+\n")
    board.send("\x03\x1b[A\t\x7f" + ESCAPE + ESCAPE + "\xe9\r")
    expected = [0x03, 0x1b, ord("["), ord("A"), 0x09, 0x7f, 0x1d, 0xc3, 0xa9]
    board.expect(r"end of keys\r+\n")
    assert re.findall(r"key (\w+)", board.port.before) == [f"{key:x}" for key in expected]
    # Nobody else is heard meanwhile; beta's seconds are not lost on beta.
    assert "beta" not in board.port.before
    assert board.attach(3) == "gamma"  # also a hidden one
    board.expect(r"talker is here\r+\ntalker> ")


def test_full_screen_ends_with_the_view():
    assert board.attach(1) == "alpha"
    board.expect(r"talker> ")
    board.send("r")
    # As it was sent, byte for byte.
    board.expect("\x1b\\[\\?1049h\x1b\\[2J\x1b\\[5;10H\x1b\\[31mfull screen\x1b\\[0m")
    board.all_view()
    board.expect(r"\[bulkhead\] all VMs")
    undone = board.port.before
    for sequence in ("\x1b[?1049l", "\x1b[0m", "\x1b[r", "\x1b[?25h", "\x1b[?7h", "\x1b(B", "\x0f"):
        assert sequence in undone, (sequence, undone)
    # Replayed on return without the questions that a terminal would answer.
    assert board.attach(1) == "alpha"
    board.expect("\x1b\\[5;10H\x1b\\[31mfull screen\x1b\\[0m")
    board.send("q")
    board.expect(r"talker> ")
    board.all_view()


def check_shown(text):
    """What a guest's lines may be in the view of all."""
    lines = text.split("\n")
    for line in lines:
        assert PREFIX.match(line), f"no prefix: {line!r}"
        owner = PREFIX.match(line).group(1)
        rest = line[PREFIX.match(line).end():]
        assert "forged" not in rest or owner == "alpha", f"another's name: {line!r}"
        assert not re.search(r"\[(beta|bulkhead)\] ", rest), f"another's prefix: {line!r}"
        plain = SGR.sub("", rest)
        bad = [c for c in plain if (c < " " and c != "\b") or "\x7f" <= c <= "\x9f" or c in "\u202e\u200b\ufffd"]
        assert not bad, f"{bad}: {line!r}"
        # No further back than the guest's own text.
        depth = 0
        for c in plain:
            depth += -1 if c == "\b" else 1
            assert depth >= 0, f"backspace into the prefix: {line!r}"
        if SGR.search(rest):
            assert SGR.findall(rest)[-1] == RESET and rest.endswith(RESET), f"colour stays: {line!r}"


def test_hostile_guest_forges_nothing():
    assert board.attach(1) == "alpha"
    board.send("h")
    board.all_view()
    board.expect(r"\[alpha\] round (\d+) begins\r*\n")
    number = board.match.group(1)
    board.expect(rf"\[alpha\] round {number} ends\r*\n")
    shown = board.port.before.replace("\r", "").rstrip("\n")
    print(repr(shown))
    check_shown(shown)
    # It was not dropped either: each attempt is there, as alpha's.
    said = "\n".join(line for line in shown.split("\n") if line.startswith("[alpha] "))
    for attempt in range(1, 11):
        assert re.search(rf"forged {attempt}\b", said), attempt
    for text in ("owned", "Zm9y", "$qm", "never reset"):
        assert (text in said) == (text == "never reset"), text
    assert len([line for line in said.split("\n") if "forged 9" in line]) > 1  # broken into several
    board.expect(r"\[beta\] reader: second \d+: 0 bytes")


def test_replay_makes_no_terminal_answer():
    """Attached it is a terminal of the guest's own; what is replayed asks it nothing."""
    assert board.attach(1) == "alpha"
    board.expect(r"round \d+ begins")
    board.expect(r"queries \x1b\[c\x1b\[6n")  # said just now: as it is
    board.send("q")
    board.expect(r"ends\r+\nq\r+\ntalker> ")
    assert board.attach(3) == "gamma"
    assert board.attach(1) == "alpha"
    board.expect(r"ends\r+\nq\r+\ntalker> ")
    assert "queries " in board.port.before
    for question in ("\x1b[c", "\x1b[6n", "\x1b[5n", "\x1bZ", "\x05", "\x1b[>q", "\x1bP$qm"):
        assert question not in board.port.before, repr(question)
    board.all_view()


def test_monitor():
    """Each command, and one that is none."""
    said = board.monitor("help")
    for command in ("help", "list", "log", "memmap", "version"):
        assert re.search(rf"^ +{command} ", said, re.M), (command, said)
    listed = board.monitor("list")
    for number, name in ((1, "alpha"), (2, "beta"), (3, "gamma")):
        assert re.search(rf"^{number} +{name} +running +{number - 1} +32 MiB +\d+ s +0 +\d+ +0\+0 MiB", listed, re.M), listed
    assert re.search(r"^core 3 \(no VM\) at EL2", listed, re.M), listed
    log = board.monitor("log")
    assert "Bulkhead" in log and "beta: starting on core 1" in log, log
    memory = board.monitor("memmap")
    for owner in ("hypervisor", "VM alpha", "VM beta", "VM gamma", "board device tree",
                  "boot file talker.bin"):
        assert owner in memory, (owner, memory)
    assert re.search(r"Bulkhead \S+ on Raspberry Pi 4", board.monitor("version"))
    assert "no such command: nonsense" in board.monitor("nonsense")
    board.all_view()
    board.expect(r"\[beta\] reader: second \d+:")
