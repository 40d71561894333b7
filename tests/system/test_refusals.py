"""Cards that are damaged, or ask for what is not there: refused in a sentence, and the rest runs.

Four boots of small guests; the last one's card is pulled.
"""
import os
import random
import re
import shutil
import struct
import subprocess
import zlib

from bulkhead import BOOT_LIMIT, BUILD, Board, make_card

LIMIT = 300
FOLDER = os.path.join(BUILD, "test", "refusals")  # of its own: cards are made in several tests at once
FAT = "@@1M"                                      # mksd's first partition
SECTOR = 512
CUT_BYTES = 1 << 20

VM = """\
{name} {{
	cpus = <{cpu}>;
	memory = "{memory}";
	kernel = "{kernel}";
	bootargs = "{bootargs}";
	{disks}
}};
"""


def vm(name, cpu, kernel="reader.bin", memory="32M", bootargs="nodisk", partition=None):
    size = 'size = "8M"; '
    disks = f'disks {{ d {{ partition = "{partition}"; {size}}}; }};' if partition else ""
    return VM.format(name=name, cpu=cpu, memory=memory, kernel=kernel, bootargs=bootargs, disks=disks)


def vms(*which):
    return '/dts-v1/;\n/ {\ncompatible = "bulkhead,vms-1";\nvms {\n' + "".join(which) + "};\n};\n"


def usual(partition="elsewhere"):
    """One that needs nothing of the card, one with a disk, and two that something may be wrong with."""
    return vms(vm("good", 0), vm("disky", 1, bootargs="disk", partition="small"),
               vm("cut", 2, kernel="cut.bin", memory="64M"), vm("lost", 3, partition=partition))


def at_folder(name):
    return os.path.join(FOLDER, name)


def in_folder(name, data):
    with open(at_folder(name), "wb") as f:
        f.write(data)
    return at_folder(name)


def compiled(source):
    path = at_folder("other.dtb")
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path, "-"], input=source.encode(),
                   check=True)
    return path


def setup():
    os.makedirs(FOLDER, exist_ok=True)
    shutil.copy(os.path.join(BUILD, "guests", "reader.bin"), at_folder("cut.bin"))
    make_card("refusals/good", usual("other"))


def teardown():
    shutil.rmtree(FOLDER, ignore_errors=True)


def copy_of_card():
    """A card to damage: no builder would make it."""
    card = at_folder("damaged.img")
    subprocess.run(["cp", "--sparse=always", at_folder("good.img"), card], check=True)
    return card


def put(card, source, name):
    subprocess.run(["mcopy", "-o", "-i", card + FAT, source, "::" + name], check=True)


class On:
    """A board that is switched off again."""

    def __init__(self, card):
        self.board = Board(card)

    def __enter__(self):
        return self.board

    def __exit__(self, *_):
        self.board.off()


def expect_all(board, patterns):
    """Each once, in any order."""
    patterns = list(patterns)
    while patterns:
        del patterns[board.expect(patterns, BOOT_LIMIT)]


def goes_on(board, name):
    """The VM still says something, twice."""
    for _ in range(2):
        board.expect(rf"\[{name}\] reader: second \d+: ")


def state(board, name):
    """A VM's row in the monitor's `list`, and the row that says why it does not run."""
    found = re.search(rf"^.*\b{name} +(\w+) [^\n]*\n([^\n]*)", board.monitor("list"), re.M)
    assert found, f"{name} is not listed"
    return found.group(1), found.group(2)


def whole_configuration_refused(card, message):
    with On(card) as board:
        board.expect(r"\[bulkhead\] configuration refused: " + message, BOOT_LIMIT)
        listed = board.monitor("list")
        assert "no VM: the configuration was refused" in listed, listed
        assert board.absent("reader:")


def test_too_much_memory_is_refused():
    card = copy_of_card()
    put(card, compiled(vms(vm("good", 0), vm("greedy", 1, memory="8G"))), "vms.dtb")
    whole_configuration_refused(card, r"greedy: memory: 8192 MiB are asked for; the board has \d+ MiB")


def test_random_bytes_as_configuration():
    """Behind the devicetree's magic number and the right size (Devicetree Specification 0.4, 5.2)."""
    noise = random.Random(1).randbytes(4096)
    card = copy_of_card()
    put(card, in_folder("noise", struct.pack(">II", 0xd00dfeed, len(noise)) + noise[8:]), "vms.dtb")
    whole_configuration_refused(card, "vms.dtb is not a compiled vms.dts: ")


def move_partition_off_the_card(card, number):
    """With good checksums, so that U-Boot takes the table (UEFI 2.10, 5.3.2 and 5.3.3)."""
    with open(card, "r+b") as f:
        f.seek(SECTOR)
        header = bytearray(f.read(92))
        entries_at, count, size = struct.unpack_from("<QII", header, 72)
        f.seek(entries_at * SECTOR)
        entries = bytearray(f.read(count * size))
        struct.pack_into("<Q", entries, (number - 1) * size + 40, 1 << 40)
        struct.pack_into("<I", header, 88, zlib.crc32(entries))
        struct.pack_into("<I", header, 16, 0)
        struct.pack_into("<I", header, 16, zlib.crc32(header))
        f.seek(entries_at * SECTOR)
        f.write(entries)
        f.seek(SECTOR)
        f.write(header)


def refused_alone(board, messages):
    """Each VM that something is wrong with says what, and is down; both ways to ask agree."""
    for name, message in messages.items():
        word, why = state(board, name)
        assert word == "refused" and message in why, (name, word, why)
    board.all_view()


def test_corrupt_gpt_and_missing_file():
    """No partition of such a table is trusted; a VM that needs none runs. One's kernel is not there."""
    messages = {"disky": 'disky: disks/d: partition: the card has no partition named "small"',
                "cut": 'cut: kernel: no file "cut.bin" was loaded from the boot partition',
                "lost": 'lost: disks/d: partition: the card has no partition named "other"'}
    card = copy_of_card()
    move_partition_off_the_card(card, 2)
    subprocess.run(["mdel", "-i", card + FAT, "::cut.bin"], check=True)
    with On(card) as board:
        board.expect(r'\[bulkhead\] SD card: GPT partition "small" lies outside the card', BOOT_LIMIT)
        expect_all(board, [r"\[bulkhead\][^\r\n]* " + re.escape(m) for m in messages.values()])
        goes_on(board, "good")
        refused_alone(board, messages)
        assert state(board, "good")[0] == "running"


def test_truncated_kernel_unknown_partition_pulled_card():
    messages = {"cut": 'cut: kernel: "cut.bin" is truncated',
                "lost": 'lost: disks/d: partition: the card has no partition named "elsewhere"'}
    card = copy_of_card()
    with open(os.path.join(BUILD, "guests", "vmlinuz"), "rb") as f:
        put(card, in_folder("short", f.read(CUT_BYTES)), "cut.bin")
    put(card, compiled(usual("elsewhere")), "vms.dtb")
    with On(card) as board:
        expect_all(board, [r"\[bulkhead\][^\r\n]* " + re.escape(m) for m in messages.values()])
        goes_on(board, "good")
        refused_alone(board, messages)
        pull_card(board)


def pull_card(board):
    """Its reader gets errors and nothing else; the other VM and the monitor do not notice."""
    board.expect(r"\[disky\] reader: second \d+: [1-9]\d* bytes, 0 errors")
    board.qmp("eject", device="card", force=True)
    expect_all(board, [r"\[bulkhead\] SD card: read of \d+ sectors at \d+ failed: ",
                       r"\[bulkhead\] SD card: it stopped answering \(.*\); from now on every request fails"])
    # Once it is given up nobody waits for it any more.
    board.expect(r"\[disky\] reader: second \d+: 0 bytes, [1-9]\d{2,} errors")
    goes_on(board, "good")
    for name in ("good", "disky"):
        assert state(board, name)[0] == "running", name
    board.all_view()
    goes_on(board, "good")
    goes_on(board, "disky")
    assert board.printed().count("SD card: read of") < 10  # says it, and does not flood
    assert board.printed().count("SD card: it stopped answering") == 1
