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

state = {"life": 0}  # alpha's starts so far; it says the number with each line, so no replay misleads


def setup():
    state["board"] = board = Board(make_card("restart", VMS))
    expect_start(BOOT_LIMIT)
    board.expect(r"\[beta\] reader: second \d+: \d+ bytes, \d+ errors", BOOT_LIMIT)
    state["memmap"] = memmap()


def teardown():
    if "board" in state:
        state["board"].off()


def memmap():
    """What no start or end of a VM may change."""
    return re.sub(r"\S*\x1b\[K", "", state["board"].monitor("memmap")).strip()


def expect_start(limit=LIFE_LIMIT):
    """The next life begins, with RAM all zero; the number of it was in the part that is kept."""
    board = state["board"]
    state["life"] += 1
    board.expect(rf"phoenix {state['life']}: starts, (\d+) words not zero, 8192 sectors", limit)
    assert board.match.group(1) == "0", f"{board.match.group(1)} words of RAM were not zero"


def said(what):
    """A pattern for what alpha says in this life."""
    return rf"phoenix {state['life']}: {what}"


def tell(letter, answer=None):
    """Type to alpha."""
    board = state["board"]
    board.attach(1)
    board.send(letter)
    if answer:
        board.expect(said(answer), LIFE_LIMIT)


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
    state["board"].attach(1)  # its first words may have been said already
    expect_start()


def beta_seconds():
    found = re.findall(r"reader: second (\d+): (\d+) bytes, (\d+) errors", state["board"].printed())
    return {int(n): (int(read), int(errors)) for n, read, errors in found}


def beta_is_well():
    """Its next three seconds follow each other, with bytes and without an error."""
    board = state["board"]
    board.all_view()  # which replays nothing
    board.expect(r"\[beta\] reader: second \d+: ", LIFE_LIMIT)
    last = int(re.search(r"\d+", board.match.group()).group())
    board.expect(rf"reader: second {last + 3}: \d+ bytes, \d+ errors", LIFE_LIMIT)
    seconds = beta_seconds()
    assert all(seconds[n][1] == 0 for n in seconds), seconds
    assert sum(seconds[n][0] for n in range(last + 1, last + 4)) > 0, seconds


def test_reset_starts_it_again():
    board = state["board"]
    tell("r")
    board.expect(r"alpha: ends: it asked for a reset \(PSCI SYSTEM_RESET\)")
    board.expect(r"alpha: starts again in \d+ ms")
    expect_start()
    beta_is_well()


def test_kill_of_an_endless_loop():
    board = state["board"]
    tell("l", "loops")
    monitor("kill alpha")
    alpha_becomes("off")
    monitor("start alpha")
    board.attach(1)  # its first words may have been said already
    expect_start()


def test_restart_in_the_middle_of_disk_requests():
    for _ in range(5):
        tell("d", "16 requests")
        bring_up()
    beta_is_well()


def test_restart_while_it_waits():
    tell("w", "waits")
    bring_up()


def beats():
    return [int(t) for t in re.findall(said(r"beat \d+ at (\d+) ms"), state["board"].printed())]


def test_pause_stops_its_time():
    board = state["board"]
    tell("b", r"beat 3 at")
    monitor("pause alpha")
    alpha_becomes("paused")
    beta_is_well()
    before = beats()
    beta_is_well()  # takes its seconds
    assert beats() == before, "it beats while it is paused"
    monitor("resume alpha")
    board.attach(1)
    board.expect(said(rf"beat {len(set(before)) + 3} at"), LIFE_LIMIT)
    after = min(t for t in beats() if t > max(before))
    assert after - max(before) < 1500, f"its clock jumped from {max(before)} ms to {after} ms"
    bring_up()


def test_crash_is_reported_and_it_comes_back():
    board = state["board"]
    tell("c")
    board.expect(r"alpha: crashed: .*its exception vectors are not in its memory", LIFE_LIMIT)
    board.expect(r"alpha: starts again in \d+ ms", LIFE_LIMIT)
    expect_start()
    assert re.search(r"vCPU 0 .*instruction abort.* pc 0*60000200 ", board.monitor("report alpha"))


def test_off_stays_off():
    tell("o")
    state["board"].expect(r"alpha: is off: it turned itself off \(PSCI SYSTEM_OFF\)", LIFE_LIMIT)
    assert alpha_state() == "off"
    assert "start it" in monitor("pause alpha")
    assert alpha_state() == "off"
    monitor("start alpha")
    state["board"].attach(1)
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
    board.attach(1)  # its lives so far
    board.monitor("version")
    seen = max(int(n) for n in re.findall(r"phoenix (\d+): starts", board.printed()))
    monitor("start alpha")
    board.attach(1)
    state["life"] = 0
    while state["life"] <= seen:
        board.expect(r"phoenix (\d+): starts, 0 words not zero, 8192 sectors\r*\n", LIFE_LIMIT)
        state["life"] = int(board.match.group(1))
    beta_is_well()


def test_nothing_of_the_hypervisors_tables_changed():
    assert memmap() == state["memmap"]
    beta_is_well()
