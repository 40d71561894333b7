"""Three small guests on one card and one serial port: nobody pays for another, nobody starves another."""
import re

from bulkhead import BOOT_LIMIT, Board, make_card

LIMIT = 240
ALONE = True  # it compares who gets how much
SECONDS = 8   # of a measurement, by the guests' own clocks

# Core 3 is nobody's: keys are received there, and the monitor works there.
VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha { cpus = <0>; memory = "32M"; kernel = "talker.bin"; };
		beta {
			cpus = <1>; memory = "32M"; kernel = "reader.bin"; bootargs = "keys";
			disks { d { partition = "beta-disk"; size = "8M"; }; };
		};
		gamma {
			cpus = <2>; memory = "32M"; kernel = "reader.bin"; bootargs = "keys";
			disks { d { partition = "gamma-disk"; size = "8M"; }; };
		};
	};
};
"""
NUMBERS = {"alpha": 1, "beta": 2, "gamma": 3}
board = None


def setup():
    global board
    board = Board(make_card("sharing", VMS))
    left = {"alpha": r"\[alpha\] talker> ", "beta": r"\[beta\] reader: second 1:",
            "gamma": r"\[gamma\] reader: second 1:"}
    while left:
        names = list(left)
        del left[names[board.expect([left[name] for name in names], BOOT_LIMIT)]]


def teardown():
    if board:
        board.off()


def keys(name, text):
    assert board.attach(NUMBERS[name]) == name
    board.send(text)


def seconds_of(names, count):
    """{name: bytes in each of the next `count` seconds}; no request failed."""
    done = {name: [] for name in names}
    while any(len(seconds) < count for seconds in done.values()):
        board.expect(rf"\[({'|'.join(names)})\] reader: second \d+: (\d+) bytes, (\d+) errors")
        name, amount, errors = board.match.groups()
        assert errors == "0", f"{name}: {errors} errors"
        done[name].append(int(amount))
    return {name: seconds[:count] for name, seconds in done.items()}


def accounts():
    """{core: {"stays": n, who: microseconds}}, from the monitor."""
    cores = {}
    for core, sums, stays in re.findall(r"^core (\d) \([^)]*\) at EL2, in us: (.*); (\d+) stays",
                                        board.monitor("list"), re.M):
        cores[int(core)] = {who: int(us) for who, us in re.findall(r"(\w+) (\d+)", sums)}
        cores[int(core)]["stays"] = int(stays)
    assert sorted(cores) == [0, 1, 2, 3], cores
    return cores


def test_idle_vm_does_not_pay_for_a_busy_one():
    """Beta floods card and console. None of it is work of alpha's core, which sleeps."""
    keys("beta", "rf")
    board.all_view()
    quietest = None
    for _ in range(3):  # a busy host may stop an emulated core while it happens to be at EL2
        before = accounts()
        board.all_view()
        seconds_of(["beta"], SECONDS)
        after = accounts()
        spent = {core: {who: after[core][who] - before[core][who] for who in after[core]}
                 for core in after}
        print(spent)
        assert all(spent[0][who] == 0 for who in ("beta", "gamma", "hypervisor")), spent[0]
        assert spent[1]["alpha"] == 0 and spent[1]["gamma"] == 0, spent[1]
        assert spent[2]["alpha"] == 0 and spent[2]["beta"] == 0, spent[2]
        assert spent[1]["beta"] > SECONDS * 100000 and spent[1]["stays"] > 1000, "no load at all"
        assert spent[0]["stays"] < 50, spent[0]
        quietest = min(quietest or spent[0]["alpha"], spent[0]["alpha"])
    assert quietest < SECONDS * 1000, f"{quietest} us at EL2 on an idle core"  # 0.1 %
    keys("beta", "iq")


def share(names):
    got = {name: sum(amounts) for name, amounts in seconds_of(names, SECONDS).items()}
    part = got[names[0]] / max(1, sum(got.values()))
    print(f"{got}: {100 * part:.1f} %")
    assert min(got.values()) > 0 and 0.4 <= part <= 0.6, got


def test_two_readers_share_the_card():
    keys("beta", "r")
    keys("gamma", "r")
    board.all_view()
    seconds_of(["beta", "gamma"], 1)
    share(["beta", "gamma"])


def test_reader_and_writer_share_the_card():
    keys("beta", "r")
    keys("gamma", "w")
    board.all_view()
    seconds_of(["beta", "gamma"], 1)
    share(["beta", "gamma"])
    keys("beta", "i")
    keys("gamma", "i")


def longest_run(lines, name):
    """Most lines in a row that are all this VM's."""
    runs = "".join("x" if line.startswith(f"[{name}] ") else " " for line in lines)
    return max(map(len, runs.split()), default=0)


def test_flood_delays_nobody_else():
    """While both have something to say they take turns; no line of alpha's is lost or torn."""
    keys("beta", "f")
    keys("alpha", "b")
    board.all_view()
    runs = []
    for _ in range(4):
        board.expect(r"\[alpha\] burst (\d+) line 1 of 50\r*\n")
        number = board.match.group(1)
        board.expect(rf"\[alpha\] burst {number} line 50 of 50\r*\n")
        lines = re.split(r"\r*\n", board.port.before)
        said = [line for line in lines if line.startswith("[alpha] ")]
        assert said == [f"[alpha] burst {number} line {i} of 50" for i in range(2, 50)], said
        runs.append((longest_run(lines, "alpha"), longest_run(lines, "beta")))
    print(f"longest runs of alpha's and of beta's lines: {runs}")
    # A turn is a line, or 256 bytes; a busy host may keep one of them from its turn in some rounds.
    assert min(a for a, _ in runs) <= 12 and min(b for _, b in runs) <= 12, runs
    keys("alpha", "q")
    keys("beta", "q")
    board.all_view()
