"""Ends and restarts of a small VM, beside another that reads its disk and must not notice.

One board: alpha is guests/phoenix, which does what its typed letters say, beta is guests/reader.
"""
import random
import re
import time

from bulkhead import BOOT_LIMIT, Board, make_card

LIMIT = 240
LIFE_LIMIT = 60  # seconds from an end to the next start, on a busy host
OPERATIONS = 200

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha {
			cpus = <0 1>; memory = "32M"; kernel = "phoenix.bin"; restart-limit = <16 1>;
			disks { d { partition = "alpha-disk"; size = "4M"; }; };
		};
		beta {
			cpus = <2 3>; memory = "32M"; kernel = "reader.bin";
			disks { d { partition = "beta-disk"; size = "4M"; }; };
		};
	};
};
"""

START = r"phoenix: start (\d+), (\d+) words not zero, 8192 sectors"
state = {"starts": 0}


def setup():
    state["board"] = board = Board(make_card("restart", VMS))
    board.expect(START, BOOT_LIMIT)
    check_start(first=True)
    board.expect(r"\[beta\] reader: second \d+", BOOT_LIMIT)
    state["memmap"] = memmap()


def teardown():
    if "board" in state:
        state["board"].off()


def memmap():
    """What no start or end of a VM may change."""
    return re.sub(r"\S*\x1b\[K", "", state["board"].monitor("memmap")).strip()


def check_start(first=False):
    """RAM was zero, and what is kept over restarts counts them."""
    kept, dirty = (int(g) for g in state["board"].match.groups())
    assert dirty == 0, f"{dirty} words of RAM were not zero"
    assert kept == (1 if first else state["starts"] + 1), (kept, state["starts"])
    state["starts"] = kept


def expect_start():
    state["board"].expect(START, LIFE_LIMIT)
    check_start()


def tell(letter, answer=None):
    """Type to alpha."""
    board = state["board"]
    board.attach(1)
    board.send(letter)
    if answer:
        board.expect(answer, LIFE_LIMIT)


def monitor(command):
    answer = state["board"].monitor(command)
    print(f"{command}: {answer.strip()}")
    return answer


def alpha_state():
    return re.search(r"alpha +(\w+)", state["board"].monitor("list")).group(1)


def alpha_becomes(wanted):
    end = time.monotonic() + LIFE_LIMIT
    while alpha_state() != wanted:
        assert time.monotonic() < end, f"alpha did not become {wanted}"


def bring_up():
    monitor("restart alpha")
    state["board"].all_view()
    expect_start()


def beta_is_well():
    """Its seconds follow each other, all of them with bytes and without an error."""
    board = state["board"]
    seen = []
    board.attach(2)
    for _ in range(3):
        board.expect(r"reader: second (\d+): (\d+) bytes, (\d+) errors", LIFE_LIMIT)
        seen.append([int(g) for g in board.match.groups()])
    assert all(b[0] == a[0] + 1 for a, b in zip(seen, seen[1:])), seen
    assert all(errors == 0 for _, _, errors in seen), seen
    assert any(read > 0 for _, read, _ in seen), seen


def test_reset_starts_it_again():
    board = state["board"]
    tell("r")
    board.expect(r"alpha: ends: it asked for a reset \(PSCI SYSTEM_RESET\)")
    board.expect(r"alpha: starts again in \d+ ms")
    expect_start()
    beta_is_well()


def test_kill_of_an_endless_loop():
    board = state["board"]
    tell("l", "phoenix: loops")
    monitor("kill alpha")
    alpha_becomes("off")
    monitor("start alpha")
    board.all_view()
    expect_start()


def test_restart_in_the_middle_of_disk_requests():
    for _ in range(5):
        tell("d", "phoenix: 64 requests")
        bring_up()
    beta_is_well()


def test_restart_while_it_waits():
    tell("w", "phoenix: waits")
    bring_up()


def test_pause_stops_its_time():
    board = state["board"]
    tell("b", r"phoenix: beat \d+ at (\d+) ms")
    monitor("pause alpha")
    alpha_becomes("paused")
    beta_is_well()  # takes its seconds
    before = int(re.findall(r"beat \d+ at (\d+) ms", board.printed())[-1])
    count = len(re.findall(r"beat \d+ at", board.printed()))
    beta_is_well()
    assert len(re.findall(r"beat \d+ at", board.printed())) == count, "it beats while it is paused"
    monitor("resume alpha")
    board.attach(1)
    board.expect(r"phoenix: beat \d+ at \d+ ms\r*\n", LIFE_LIMIT)
    wait_for = time.monotonic() + LIFE_LIMIT
    while len(beats := [int(t) for t in re.findall(r"beat \d+ at (\d+) ms", board.printed())]) <= count + 1:
        assert time.monotonic() < wait_for
        board.expect(r"phoenix: beat", LIFE_LIMIT)
    after = min(t for t in beats if t > before)
    assert after - before < 2000, f"its clock jumped from {before} ms to {after} ms"
    bring_up()


def test_crash_is_reported_and_it_comes_back():
    board = state["board"]
    tell("c")
    board.expect(r"alpha: crashed: .*its exception vectors are not in its memory", LIFE_LIMIT)
    board.expect(r"alpha: starts again in \d+ ms", LIFE_LIMIT)
    expect_start()
    assert "0x0000000060000200" in board.monitor("report alpha").lower().replace("pc", "")


def test_off_stays_off():
    tell("o")
    state["board"].expect(r"alpha: is off: it turned itself off \(PSCI SYSTEM_OFF\)", LIFE_LIMIT)
    assert alpha_state() == "off"
    assert "start it" in monitor("pause alpha")
    assert alpha_state() == "off"
    monitor("start alpha")
    state["board"].all_view()
    expect_start()


def test_random_operations():
    board = state["board"]
    chance = random.Random(7)
    for i in range(OPERATIONS):
        if chance.random() < 0.2:
            board.attach(1)
            board.send(chance.choice("rldbw"))
        board.monitor(chance.choice(["start", "stop", "restart", "pause", "resume", "kill"]) + " alpha")
    beta_is_well()
    monitor("kill alpha")
    alpha_becomes("off")
    monitor("start alpha")
    board.all_view()
    board.expect(START, LIFE_LIMIT)
    kept, dirty = (int(g) for g in board.match.groups())
    assert dirty == 0 and kept > state["starts"], (kept, dirty)
    state["starts"] = kept
    beta_is_well()


def test_nothing_of_the_hypervisors_tables_changed():
    assert memmap() == state["memmap"]
    beta_is_well()
