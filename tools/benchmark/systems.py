"""EL2's share of all instructions while two Debian systems boot, and while one of them computes: the default card, in
the emulator, counted one by one by count.c. Not under icount, so two runs differ a little. The exits are the
hypervisor's own count."""
import os
import sys
import tempfile

import run

sys.path.insert(0, os.path.join(run.TOP, "tests", "system"))

from bulkhead import BOOT_LIMIT, LOGIN_LIMIT, Board, Debian  # noqa: E402  (in tests/system)

PIO = ["move_block"]
# One core for another, most of it for one that the host has put aside; one core for the clock.
WAITING = ["lock_wait", "cpu_relax", "cpu_stop_check", "wait_us"]
DIGEST_MIB = 256
LIMIT = 1200
ZERO, BOOTED, COMPUTED = 1, 40, 41  # count.c


def marker(number):
    """A program for the guest: MOVZ XZR, #number, then exit(0), as an ELF file (ELF-64 specification, figures 2, 6),
    in pieces for printf: a console takes no line of any length."""
    code = b"".join(word.to_bytes(4, "little") for word in (
        0xd280001f | number << 5, 0xd2800ba8, 0xd2800000, 0xd4000001))
    base, start = 0x400000, 64 + 56

    def field(value, size):
        return value.to_bytes(size, "little")

    header = (b"\x7fELF\x02\x01\x01" + bytes(9) + field(2, 2) + field(183, 2) + field(1, 4) + field(base + start, 8) +
              field(64, 8) + bytes(12) + field(64, 2) + field(56, 2) + field(1, 2) + bytes(6))
    segment = (field(1, 4) + field(5, 4) + field(0, 8) + field(base, 8) * 2 + field(start + len(code), 8) * 2 +
               field(0x1000, 8))
    text = [f"\\x{byte:02x}" for byte in header + segment + code]
    return ["".join(text[at:at + 16]) for at in range(0, len(text), 16)]


def exits(board, name):
    """The first line of what the monitor says about a VM."""
    return next(line.strip() for line in board.monitor(f"stats {name}").splitlines() if "exits" in line)


def share(what, section):
    pio, waiting = (sum(section.functions[f] for f in functions) for functions in (PIO, WAITING))
    work = section.total() - pio - waiting
    print(f"{what}: {section.everything:,} instructions in all, {section.exits:,} exits; EL2:")
    for kind, n in (("work", work), ("besides, data moved by programmed I/O", pio), ("besides, waiting", waiting)):
        print(f"  {kind:<40}{n:>14,}{n / section.everything:>10.4%}")
    for name, n in section.functions.most_common(12):
        print(f"    {name:<32}{n:>14,}{n / section.everything:>10.4%}")


def drive(board):
    guests = [Debian(board, 1, "alpha"), Debian(board, 2, "beta")]
    board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
    board.expect_all([rf"\[{g.name}\] {g.name} login: " for g in guests], LOGIN_LIMIT)
    for guest in guests:
        guest.login()
        guest.run("systemctl is-system-running --wait; true", LIMIT)
    alpha = guests[0]
    alpha.attach()
    for number in (ZERO, BOOTED, COMPUTED):
        for piece in marker(number):
            alpha.run(f"printf '{piece}' >> /root/mark{number}")
        alpha.run(f"chmod +x /root/mark{number}")
    alpha.run(f"/root/mark{BOOTED}")
    before = {guest.name: exits(board, guest.name) for guest in guests}
    alpha.attach()
    alpha.run(f"/root/mark{ZERO}; head -c {DIGEST_MIB}M /dev/zero | sha256sum; /root/mark{COMPUTED}", LIMIT)
    return before


def print_systems():
    symbols = run.Symbols()
    run.MARKS.update({BOOTED: "booted", COMPUTED: "computed"})
    with tempfile.TemporaryDirectory() as work:
        counts = os.path.join(work, "counts")
        board = Board(arguments=("-plugin", f"{run.BUILD}/host/count.so,base={run.VA_IMAGE:#x},bytes={symbols.bytes},out={counts}"))
        try:
            said = drive(board)
        finally:
            board.pull()
        found = run.sections(run.Machine.text(counts), symbols)
    share("two Debian systems, from EL2's first instruction to multi-user", found["booted"])
    for name, text in said.items():
        print(f"  {name}: {text}")
    share(f"SHA-256 of {DIGEST_MIB} MiB in alpha, beta idle", found["computed"])
