"""Two stock Debian systems side by side: the very card that a user flashes."""
import os
import re
import subprocess
import time

import pexpect

from bulkhead import BOOT_LIMIT, BUILD, CARD, Board, Debian

LIMIT = 900
ALONE = True  # four busy cores

WORK = os.path.join(BUILD, "test", f"debian-{os.getpid()}.img")  # another run may be on its way
board = None
guests = []


def start():
    global board, guests
    board = Board(WORK, snapshot=False)
    guests = [Debian(board, 1, "alpha"), Debian(board, 2, "beta")]
    board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
    # Both at once, before anybody is attached: the view of all shows each one's prompt.
    switched_on = time.monotonic()
    left = {"alpha", "beta"}
    while left:
        board.expect(r"\[(alpha|beta)\] (alpha|beta) login: ", 600)
        assert board.match.group(1) == board.match.group(2)
        left.discard(board.match.group(1))
    print(f"both logins {time.monotonic() - switched_on:.0f} s after the hypervisor's start")
    for guest in guests:
        guest.login()


def setup():
    os.makedirs(os.path.dirname(WORK), exist_ok=True)
    subprocess.run(["cp", "--sparse=always", CARD, WORK], check=True)
    start()


def teardown():
    if board:
        board.off()
    if os.path.exists(WORK):
        os.remove(WORK)


def on_both(command, limit=120):
    """Run it in both guests at the same time; both outputs."""
    for guest in guests:
        guest.attach()
        guest.start(command)
    answers = []
    for guest in guests:
        guest.attach()
        out, status = guest.finish(limit)
        assert status == 0, f"{guest.name}: `{command}` ended with {status}: {out}"
        answers.append(out)
    return answers


def test_systems_are_running():
    for guest in guests:
        guest.attach()
        out, _ = guest.status("systemctl is-system-running --wait; systemctl --failed --no-legend")
        assert out.split("\n")[0].strip() == "running", f"{guest.name}: {out}"


def test_each_starts_from_its_own_disk():
    """Its firmware, GRUB, and the kernel of its own /boot; U-Boot on the board loads none."""
    printed = board.printed()
    for guest in guests:
        said = rf"\[{guest.name}\] U-Boot 20.*\[{guest.name}\] EFI stub: Booting Linux Kernel"
        assert re.search(said, printed, re.S), said
    assert "Bulkhead: loading firmware.bin" in printed and "Bulkhead: loading vmlinuz" not in printed


def test_two_cores_each():
    assert on_both("nproc") == ["2", "2"]


def test_kernel_is_the_packages():
    for guest in guests:
        guest.attach()
        guest.run("[ \"$(sha256sum < /boot/vmlinuz-$(uname -r) | cut -c1-64)\" = "
                  "\"$(cut -c1-64 /usr/share/bulkhead/vmlinuz.sha256)\" ]")
    built = subprocess.run(["sha256sum", os.path.join(BUILD, "guests", "vmlinuz")], check=True,
                           capture_output=True, text=True).stdout[:64]
    assert on_both("cut -c1-64 /usr/share/bulkhead/vmlinuz.sha256") == [built, built]


def test_root_is_its_own_partition():
    for guest in guests:
        guest.attach()
        assert guest.run("findmnt -no SOURCE /") == "/dev/vda2"
        assert guest.run("cat /sys/block/vda/serial") == f"{guest.name}-root"
        assert "rw" in guest.run("findmnt -no OPTIONS /").split(",")


def test_no_errors_in_the_kernel_log():
    with open(os.path.join(os.path.dirname(BUILD), "guests", "debian", "dmesg-allowed.txt"),
              encoding="utf-8") as f:
        allowed = [line.split("#")[0].strip() for line in f]
    allowed = [a for a in allowed if a]
    for guest in guests:
        guest.attach()
        lines = guest.run("dmesg --level=emerg,alert,crit,err").split("\n")
        bad = [x for x in lines if x.strip() and not any(re.search(a, x) for a in allowed)]
        assert not bad, f"{guest.name}: {bad}"


PATTERN = "dd if=/dev/urandom of=/root/random bs=1M count={} 2>/dev/null && sync && sha256sum < /root/random"

hashes = {}


def write_in_both(mebibytes, limit):
    for name, out in zip(("alpha", "beta"), on_both(PATTERN.format(mebibytes), limit)):
        hashes[name] = out.split()[0]
    assert hashes["alpha"] != hashes["beta"]


def test_data_written_in_both_at_once():
    write_in_both(32, 600)


def clock_of(guest):
    """A guest's clock, ours at the same moment, and how far that may be off; seconds. Of many exchanges the
    quickest tells (as NTP does it): the guest's clock was read somewhere between question and answer."""
    guest.attach()
    guest.token += 1  # attaching shows earlier output again
    tag = f"@{guest.token}:"
    # Not before the shell has left its line editor, which takes a carriage return as it is.
    board.line(f"echo {tag}go; while read x && [ $x ]; do echo {tag}$x:$EPOCHREALTIME@; done")
    board.expect(tag + r"go\r*\n")
    best = None
    for i in range(300):
        sent = time.monotonic()
        board.line(f"{i}")
        board.expect(tag + rf"{i}:(\d+)[.,](\d+)@")
        half = (time.monotonic() - sent) / 2
        clock = int(board.match.group(1)) + int(board.match.group(2)) / 1e6
        if best is None or half < best[2]:
            best = (clock, sent + half, half)
        if half < 0.001:
            break
    board.line("")
    return best


def test_clocks_advance_together():
    """Over 60 s both guests' clocks advance within 10 ms of each other."""
    before = [clock_of(guest) for guest in guests]
    end = time.monotonic() + 60
    while time.monotonic() < end:  # keep reading: a full pipe would stop the emulator
        board.port.expect([pexpect.TIMEOUT, "no such line"], timeout=1)
    after = [clock_of(guest) for guest in guests]
    print(f"clocks, ours, bounds: {before} {after}")
    # Guests are asked one after the other, and the emulator's counter need not run at the rate it names: per
    # second of ours.
    rate = [(a[0] - b[0]) / (a[1] - b[1]) for a, b in zip(after, before)]
    assert min(rate) > 0.5, rate
    assert 60 * abs(rate[0] - rate[1]) < 0.010, rate


def test_panic_is_over_and_remembered():
    """A kernel panics and resets itself: its VM comes back alone, and has its last words (ramoops)."""
    alpha, beta = guests
    beta.attach()
    beta.run("lsmod | grep ramoops; sysctl -qw kernel.panic=1")
    board.line("echo c > /proc/sysrq-trigger")
    board.expect(r"Kernel panic - not syncing: sysrq triggered crash")
    board.expect(r"\[bulkhead\] beta: starts again", 300)
    board.expect(r"beta login: ", 600)
    beta.login()
    words = beta.run("cat /sys/fs/pstore/dmesg-ramoops-*")
    assert "Kernel panic - not syncing: sysrq triggered crash" in words, words[-500:]
    alpha.attach()
    assert float(alpha.run("cut -d ' ' -f 1 /proc/uptime")) > 60


def test_data_survives_a_restart():
    assert hashes, "nothing was written"
    board.off()
    start()
    for guest in guests:
        guest.attach()
        assert guest.run("sha256sum < /root/random", 300).split()[0] == hashes[guest.name]
