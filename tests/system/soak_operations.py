"""Two hundred commands of the monitor, at random, to two Debian guests that work on their disks, beside a witness.

OPERATIONS=20 does fewer, SEED=n others. Each life looks whether what the lives before flushed is there (victim.pl).
"""
import os
import random
import re
import time

from bulkhead import LOGIN_LIMIT, NEVER, wait_until
from victims import NAMES, Victims

import pexpect

LIMIT = 3600
ALONE = True  # three busy cores
OPERATIONS = int(os.environ.get("OPERATIONS", "200"))
SEED = int(os.environ.get("SEED", "3"))
VERBS = ("start", "stop", "restart", "pause", "resume", "kill")
REST = 10  # seconds at most between two, so that many find a system at work

victims = None
state = {}


def setup():
    global victims
    victims = Victims("operations", 384, "initrd.img", "ro modules_load=ramoops", "sysinit.target")
    state["memmap"] = victims.memmap()
    at_work()


def teardown():
    if victims:
        victims.end()


def lives(name):
    """How many lives have found their records whole, and what the last one found."""
    found = victims.told(rf"victim: {name} has (\d+) records, all whole\n")
    return len(found), int(found[-1]) if found else 0


def at_work():
    """Both work on their disks."""
    before = {name: lives(name)[0] for name in NAMES}
    victims.board.all_view()

    def both():
        victims.board.keep_reading()
        victims.nothing_wrong()
        return all(lives(name)[0] > before[name] for name in NAMES)

    wait_until(both, LOGIN_LIMIT, "both have looked at their disks")


def rest(seconds):
    """The systems go on meanwhile, and are seen."""
    victims.board.all_view()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        victims.board.port.expect([pexpect.TIMEOUT, NEVER], timeout=min(1, seconds))


def test_operations_at_random():
    chance = random.Random(SEED)
    told = {}
    for n in range(OPERATIONS):
        name, verb = chance.choice(list(NAMES)), chance.choice(VERBS)
        answer = victims.ask(f"{verb} {name}")
        assert "no such command" not in answer, answer
        against = re.search(rf"{name} is (\w+): ", answer)
        kind = f"{verb}, refused when {against.group(1)}" if against else verb
        told[kind] = told.get(kind, 0) + 1
        rest(chance.random() * REST)
        victims.nothing_wrong()
        if n % 10 == 9:
            print(f"{n + 1} operations", flush=True)
            victims.beats()
    for kind, times in sorted(told.items()):
        print(f"{times:4} {kind}", flush=True)
    for name in NAMES:
        print(f"{name}: {lives(name)[0]} lives looked at their records, the last found {lives(name)[1]}", flush=True)


def test_no_state_is_a_dead_end():
    for name in NAMES:
        victims.ask(f"kill {name}")
        wait_until(lambda name=name: victims.state(name) in ("off", "crashed"), 60, f"{name} is off")
        victims.ask(f"start {name}")
    at_work()
    victims.beats(2)
    assert victims.memmap() == state["memmap"]


def test_what_was_flushed_is_there():
    for name in NAMES:
        victims.ask(f"kill {name}")
    print(f"the witness: {victims.beat + 1} beats, none missing, nothing wrong")
    victims.board.pull()
    victims.check_disk()
    for name in NAMES:
        victims.check_file_system(name, recover=True)
        assert victims.check_records(name) >= lives(name)[1] > 0
