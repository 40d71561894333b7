"""Debian's own installer, from a medium in a VM, as far as it gets without its udebs."""
import gzip
import os
import subprocess

from bulkhead import BOOT_LIMIT, LOGIN_LIMIT, TOP, Board
from pc import Desk, iso
from test_medium import CACHE, grub

LIMIT = 1800
INSTALLER = os.path.join(CACHE, "debian-installer")
PRESEED = os.path.join(TOP, "examples", "born2beroot", "born2beroot.cfg")
MENU = b"""linux /linux console=ttyAMA0 quiet %s
initrd /initrd.gz
boot
"""
desk = None
board = None


def setup():
    global desk, board
    desk = Desk()
    if not os.path.isdir(INSTALLER):
        subprocess.run([os.path.join(TOP, "tools", "fetch-sources"), "debian-installer", INSTALLER], check=True)
    make_all()
    board = Board(desk.path("build", "sdcard.img"))


def teardown():
    if board:
        board.off()
    if desk:
        desk.clear()


def cpio(name, data):
    """An archive with one file, as the kernel takes them for an initrd (Documentation/driver-api/early-userspace)."""
    out = b""
    for number, (file, mode, contents) in enumerate(((name, 0o100644, data), ("TRAILER!!!", 0, b"")), 1):
        fields = [number, mode, 0, 0, 1, 0, len(contents), 0, 0, 0, 0, len(file) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + file.encode() + b"\0"
        out += bytes(-len(out) % 4) + contents
        out += bytes(-len(out) % 4)
    return out


def make_vm(name, words, preseed=b""):
    """A VM with an empty disk and the installer as its medium."""
    files = grub("installer")
    files["EFI/debian/grub.cfg"] = MENU % words
    for file in ("linux", "initrd.gz"):
        with open(os.path.join(INSTALLER, file), "rb") as f:
            files[file] = f.read()
    files["initrd.gz"] += preseed
    iso(desk.path(name + ".iso"), files)
    desk.do("new", name, "--type", "custom", "--disk", "4G", "--memory", "512M", "--cpus", "1", "--iso", name + ".iso")


def make_all():
    make_vm("plain", b"")
    with open(PRESEED, "rb") as f:
        make_vm("auto", b"auto=true priority=critical", gzip.compress(cpio("preseed.cfg", f.read())))
    desk.do("build")


def test_its_first_menu():
    board.expect(r"\[bulkhead\] 4 cores are up", BOOT_LIMIT)
    board.attach(1)
    board.expect(r"Select a language", LOGIN_LIMIT)


def test_it_takes_the_preseed():
    """Language, place and keyboard are answered: the first question is about what a VM without a network lacks."""
    board.attach(2)
    found = board.expect([r"No Ethernet card was detected|No network interfaces detected", r"Select a language",
                          r"Keymap to use", r"[Ff]ailed"], LOGIN_LIMIT)
    assert found == 0, board.match.group()
