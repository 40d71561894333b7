"""tools/bulkhead flash, onto files and loop devices in place of cards; run --hosted."""
import os
import re
import subprocess
import sys
import unittest

import pexpect
from bulkhead import Board
from pc import MIB, TOP, Desk, digest, partitions, raw_disk

sys.path.insert(0, os.path.join(TOP, "tools"))
from bulkhead_lib import flash  # noqa: E402

LIMIT = 300
CARD_BYTES = 700 * MIB + 3 * 512  # no power of two, no multiple of anything
READER = os.path.join(TOP, "build", "guests", "reader.bin")
desk = None


def setup():
    global desk
    desk = Desk()
    raw_disk(desk.path("a.raw"), 40 * MIB, [(0, MIB), (7 * MIB + 512, 9000)])
    desk.new("alpha", "--image", desk.path("a.raw"), "--format", "qcow2")
    desk.new("beta", "--disk", "24M")
    desk.do("build", "--no-make")


def teardown():
    if desk:
        desk.clear()


def new_card(size=CARD_BYTES):
    """A used card: what was on it must not shine through."""
    path = desk.path("card")
    raw_disk(path, size, [(at * MIB, 64 * 1024) for at in range(0, 600, 25)] + [(size - MIB, MIB)])
    return path


def flash_it(card, *more):
    return desk.do("flash", card, "--no-make", "--force", "--yes", *more)


def boot_digest(card):
    at, size = partitions(card)["bulkhead-boot"]
    return digest(card, at, size)


def test_a_new_card():
    card = new_card()
    said = flash_it(card)
    assert "ERASED   whatever is on it" in said and "has been read again and is right" in said, said
    image = desk.path("build", "sdcard.img")
    here, there = partitions(image), partitions(card)
    assert list(there) == ["bulkhead-boot", "alpha-root", "beta-root"]
    assert there["alpha-root"] == here["alpha-root"]
    for name in there:
        assert digest(card, there[name][0], here[name][1]) == digest(image, *here[name]), name
    start, size = there["beta-root"]
    assert start == here["beta-root"][0] and start + size == (CARD_BYTES - MIB) // MIB * MIB, "grown to the end"
    verified = subprocess.run(["sgdisk", "--verify", card], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "No problems found" in verified, verified
    with open(card, "rb") as f:
        f.seek(446 + 16 + 4)
        assert f.read(1) == b"\x0c", "FAT in the hybrid MBR"
        f.seek(start)
        assert not any(f.read(24 * MIB)), "an empty disk is zeros"


def scribble(card, name, offset=1000):
    """What a VM does to its disk."""
    at, size = partitions(card)[name]
    with open(card, "r+b") as f:
        f.seek(at + offset)
        f.write(os.urandom(5000))
    return digest(card, at, size)


def test_a_card_in_use_keeps_its_disks():
    """New memory and a new VM, and the disks that are there are not touched; --erase does."""
    card = new_card()
    flash_it(card, "--no-grow")
    kept = {name: scribble(card, name) for name in ("alpha-root", "beta-root")}
    before, boot = partitions(card), boot_digest(card)
    desk.do("set", "alpha", "--memory", "96M")
    desk.new("gamma", "--image", desk.path("a.raw"))
    said = flash_it(card)
    for line in ("kept     alpha-root (40M)", "kept     beta-root (24M)", "written  gamma-root"):
        assert line in said, said
    after = partitions(card)
    for name, wanted in kept.items():
        assert after[name] == before[name] and digest(card, *after[name]) == wanted, name
    assert boot_digest(card) != boot
    assert digest(card, after["gamma-root"][0], 40 * MIB) == digest(desk.path("a.raw"))
    # What the owner wrote on the card stays, and is obeyed by the rules.
    put_overrides(card, "alpha.memory=128M\n")
    assert "bulkhead.txt of the card is kept" in flash_it(card)
    said = subprocess.run(["mtype", "-i", card + "@@1M", "::bulkhead.txt"], stdout=subprocess.PIPE, check=True)
    assert said.stdout == b"alpha.memory=128M\n"
    put_overrides(card, "alpha.memory=9M\n")
    before = digest(card)
    assert "bulkhead.txt: alpha: memory: \"9M\" is too little" in \
        desk.refused("flash", card, "--no-make", "--force", "--yes")
    assert digest(card) == before
    put_overrides(card, "# none\n")
    # A VM that is gone leaves its disk; one that wants more does not get it here.
    desk.do("rm", "beta", "--yes")
    desk.do("set", "alpha", "--disk", "48M")
    said = flash_it(card)
    assert "kept     beta-root (24M); no VM has it now" in said, said
    assert "kept     alpha-root (40M); 48M are wanted" in said, said
    assert digest(card, *partitions(card)["beta-root"]) == kept["beta-root"]
    # Gamma was grown: there is no room for one more.
    desk.new("delta", "--disk", "16M")
    before = digest(card)
    assert "no room on the card for the new disk delta-root" in \
        desk.refused("flash", card, "--no-make", "--force", "--yes")
    assert digest(card) == before
    said = flash_it(card, "--erase")
    assert "ERASED   beta-root (24M)" in said, said
    assert list(partitions(card)) == ["bulkhead-boot", "alpha-root", "gamma-root", "delta-root"]
    for name in ("gamma", "delta"):
        desk.do("rm", name, "--yes")
    desk.new("beta", "--disk", "24M")


def test_a_damaged_table_is_mended_and_disks_stay():
    card = new_card()
    flash_it(card)
    kept = scribble(card, "alpha-root")
    with open(card, "r+b") as f:  # the primary header
        f.seek(512 + 60)
        f.write(b"\xff")
    assert "kept     alpha-root" in flash_it(card)
    assert digest(card, *partitions(card)["alpha-root"]) == kept
    checked = subprocess.run(["sgdisk", "--verify", card], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "No problems found" in checked, checked


def test_refusals_write_nothing():
    card = new_card()
    before = digest(card)
    assert "is a file, not a card" in desk.refused("flash", card, "--no-make", "--yes")
    assert "needs a yes" in desk.refused("flash", card, "--no-make", "--force")
    assert "there is no" in desk.refused("flash", card + "x", "--no-make").replace("No such file", "there is no")
    port = desk.terminal("flash", card, "--no-make", "--force")
    port.expect(r"ERASED .*written  beta-root \(.*, the rest of the card\).*Write this card\? \[y/N\] ")
    port.sendline("n")
    port.expect("nothing was changed")
    port.expect(pexpect.EOF)
    assert digest(card) == before
    small = new_card(300 * MIB)
    before = digest(small)
    assert "are needed" in desk.refused("flash", small, "--no-make", "--force", "--yes")
    assert digest(small) == before


def test_a_card_that_forgets_is_noticed():
    """A fake: what is written to a part of it is not there when it is read again."""
    card = new_card()
    image = desk.path("build", "sdcard.img")
    here = partitions(image)["alpha-root"]
    device = flash.Device(card)
    flash.write_part(device, image, here, here)
    flash.read_again(device, image, here, here)
    for at in (here[0] + 4096, here[0] + 30 * MIB):  # within data, within a hole
        with open(card, "r+b") as f:
            f.seek(at)
            old = f.read(1)
            f.seek(at)
            f.write(bytes([old[0] ^ 1]))
        try:
            flash.read_again(device, image, here, here)
            raise AssertionError("not noticed")
        except flash.Refused as why:
            assert "is not what is read back" in str(why)
        with open(card, "r+b") as f:
            f.seek(at)
            f.write(old)
    flash.read_again(device, image, here, here)


def make_tree(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    return root


def test_what_the_kernel_says_of_a_device():
    """Mounted, swap, in use by others, not removable: by files as in /sys and /proc."""
    disk, part = "sys/dev/block/8:16", "sys/dev/block/8:16/sdb1"
    root = make_tree(desk.path("kernel"), {
        disk + "/removable": "1\n", disk + "/dev": "8:16\n", part + "/partition": "1\n", part + "/dev": "8:17\n",
        "sys/dev/block/8:17/partition": "1\n", "proc/self/mountinfo": "", "proc/swaps": "Filename Type\n",
        "sys/dev/block/179:0/device/type": "SD\n", "sys/dev/block/179:0/removable": "0\n"})

    def said(path="/dev/sdb", number="8:16"):
        return flash.unsafe_device(path, number, os.path.join(root, "sys"), os.path.join(root, "proc"))

    assert said() is None
    assert said("/dev/mmcblk0", "179:0") is None
    assert "is a partition" in said("/dev/sdb1", "8:17")
    mounted = {"proc/self/mountinfo": "30 1 8:17 / /media/my\\040card rw - vfat /dev/sdb1 rw\n"}
    make_tree(root, mounted)
    assert "mounted on /media/my card" in said()
    make_tree(root, {"proc/self/mountinfo": "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
                     "proc/swaps": "Filename Type\n/dev/sdb1 partition 1 0 -2\n"})
    assert "swap" in said()
    make_tree(root, {"proc/swaps": "Filename Type\n", "sys/dev/block/8:17/holders/dm-0": ""})
    assert "in use by dm-0" in said()
    os.unlink(os.path.join(root, "sys/dev/block/8:17/holders/dm-0"))
    make_tree(root, {disk + "/removable": "0\n"})
    assert "not removable" in said()


def test_a_loop_device():
    """A real block device: refused as not removable, and when mounted; written when forced."""
    card = new_card(600 * MIB)
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root")
    made = subprocess.run(["losetup", "--find", "--show", card], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if made.returncode:
        raise unittest.SkipTest("no loop device here")
    loop, folder = made.stdout.strip(), desk.path("mounted")
    try:
        before = digest(card)
        assert "is not removable" in desk.refused("flash", loop, "--no-make", "--yes")
        assert digest(card) == before
        flash_it(loop)
        assert list(partitions(loop)) == ["bulkhead-boot", "alpha-root", "beta-root"]
        assert digest(loop, *partitions(loop)["alpha-root"]) == \
            digest(desk.path("build", "sdcard.img"), *partitions(loop)["alpha-root"])
        subprocess.run(["mkfs.ext4", "-q", "-F", loop], check=True)
        os.mkdir(folder)
        if subprocess.run(["mount", loop, folder], check=False).returncode == 0:
            try:
                assert f"is mounted on {folder}" in desk.refused("flash", loop, "--no-make", "--yes")
            finally:
                subprocess.run(["umount", folder], check=True)
    finally:
        subprocess.run(["losetup", "--detach", loop], check=True)


def test_hosted():
    """The VM's own disk file under QEMU alone; what it writes there is what the card gets."""
    desk.do("new", "host", "--type", "custom", "--kernel", READER, "--bootargs", "write seconds=2", "--memory",
            "64M", "--cpus", "1", "--disk", "16M", "--format", "vdi")
    disk = desk.path("vms", "host", "disk.vdi")
    before = digest(disk)
    port = desk.terminal("run", "--no-make", "--hosted", "host")
    port.expect(r"reader: 32768 sectors", timeout=120)
    port.expect(r"second 1: [1-9]\d* bytes, 0 errors", timeout=60)
    port.expect(pexpect.EOF, timeout=60)
    assert digest(disk) != before
    subprocess.run(["qemu-img", "check", "-q", disk], check=True)
    desk.do("export", "host", desk.path("host.raw"))
    desk.do("build", "--no-make")
    image = desk.path("build", "sdcard.img")
    assert digest(image, *partitions(image)["host-root"]) == digest(desk.path("host.raw"))
    assert "no file on this PC" in hosted_without_file()


def hosted_without_file():
    text = desk.read("vms", "host", "vm.dts").replace('image = "disk.vdi";', 'size = "16M";')
    desk.write("vms/host/vm.dts", text)
    said = desk.refused("run", "--no-make", "--hosted", "host")
    desk.do("rm", "host", "--yes")
    return said




def test_a_flashed_card_boots():
    """On the emulated board, where a disk from a qcow2 file has its size to the sector."""
    desk.do("new", "reader", "--type", "custom", "--kernel", READER, "--bootargs", "seconds=3", "--memory",
            "64M", "--cpus", "1", "--disk", "16M", "--format", "qcow2")
    card = new_card(512 * MIB)
    flash_it(card, "--no-grow")
    put_overrides(card, "reader.memory=128M\r\nreader.cpus = 3 # the last\r\n")
    board = Board(card)
    try:
        board.expect(r"\[reader\] reader: 32768 sectors", LIMIT)
        board.expect(r"\[reader\] reader: second 1: [1-9]\d* bytes, 0 errors")
        row = next(line for line in board.monitor("list").splitlines() if "reader" in line)
        assert re.search(r"\b3\b.*\b128\b", row), row
    finally:
        board.off()
    desk.do("rm", "reader", "--yes")


def put_overrides(card, text):
    """As an editor on a PC would save it."""
    desk.write("bulkhead.txt", text)
    subprocess.run(["mcopy", "-o", "-i", card + "@@1M", desk.path("bulkhead.txt"), "::bulkhead.txt"], check=True)
