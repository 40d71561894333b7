"""A thousand restarts in a row leave the hypervisor's own tables as they were, and the neighbour alone.

RESTARTS=100 does fewer.
"""
import os
import random
import time

import test_restart as one
from bulkhead import Board

LIMIT = 3600
RESTARTS = int(os.environ.get("RESTARTS", "1000"))

setup, teardown = one.setup, one.teardown


def test_a_thousand_restarts():
    board: Board = one.state["board"]
    chance = random.Random(11)
    began = time.monotonic()
    for i in range(RESTARTS):
        if i % 10 == 0:  # in the middle of something
            one.tell(chance.choice("dbw"), r"(uses its disk|beat|waits)")
        board.monitor("restart alpha")
        board.attach(1)
        one.expect_start()
        if i % 100 == 99 or i == RESTARTS - 1:
            one.beta_is_well()
            assert one.memmap() == one.state["memmap"]
            print(f"{i + 1} restarts in {time.monotonic() - began:.0f} s", flush=True)
