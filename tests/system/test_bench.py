"""What each path to EL2 costs does not grow: tools/bench, against its baseline."""
import json
import os
import subprocess

from bulkhead import BUILD, TOP

LIMIT = 300


def test_no_row_is_worse_than_the_baseline():
    done = subprocess.run([os.path.join(TOP, "tools", "bench")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-2000:]


def test_rows_are_written_down():
    with open(os.path.join(BUILD, "bench.json"), encoding="utf-8") as f:
        rows = {row["name"]: row for row in json.load(f)["rows"]}
    assert rows["hvc_psci_version"]["best_peer"] == 190
    assert rows["gicd_typer_read"]["bare"] == 1
    for name in ("exits_eoi", "exits_wfi", "exits_counter", "exits_gicc"):
        assert rows[name]["bulkhead"] == 0, rows[name]
