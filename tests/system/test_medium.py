"""A medium in a VM: what the command says of it, and which disk the firmware starts."""
import os
import signal
import subprocess

import pexpect
from bulkhead import BOOT_LIMIT, TOP, Board
from pc import BULKHEAD, MIB, Desk, digest, iso, partitions, pe

LIMIT = 300
HOSTED_LIMIT = 120
CACHE = os.environ.get("BULKHEAD_CACHE") or os.path.join(os.path.dirname(BULKHEAD), "..", "build", "cache")
desk = None


def setup():
    global desk
    desk = Desk()


def teardown():
    if desk:
        desk.clear()


def grub(word):
    """An EFI system partition's files: Debian's GRUB, and a menu that says a word and ends the machine."""
    with open(os.path.join(CACHE, "guest-firmware", "grubaa64.efi"), "rb") as f:
        return {"EFI/BOOT/BOOTAA64.EFI": f.read(),
                "EFI/debian/grub.cfg": f"echo started from the {word}\nsleep 1\nhalt\n".encode()}


def hosted(name):
    """Its console, until the machine is off."""
    port = pexpect.spawn(BULKHEAD, ["run", "--hosted", name], cwd=desk.folder, encoding="utf-8",
                         codec_errors="replace", timeout=HOSTED_LIMIT,
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
    try:
        port.expect(pexpect.EOF)
    finally:
        print(port.before, flush=True)
        port.close(force=True)
    return port.before


def test_the_preseed_of_the_example():
    """debconf takes it; the medium's installer refuses what it could not follow, in words."""
    example = os.path.join(TOP, "examples", "born2beroot")
    preseed = os.path.join(example, "born2beroot.cfg")
    subprocess.run(["debconf-set-selections", "--checkonly", preseed], check=True)
    os.makedirs(desk.path("tasks"))
    for task in ("standard", "ssh-server"):
        desk.write(os.path.join("tasks", task), "")
    with open(preseed, encoding="utf-8") as f:
        good = f.read()
    for old, new, said in (
            ("", "", None), ("method string crypto", "method string lvm", 'method is "lvm"; this medium does: crypto'),
            ("choose_recipe select home", "choose_recipe select multi", 'choose_recipe is "multi"'),
            ("passphrase password open-sesame-3", "passphrase password open", "passphrase-again differ"),
            ("username string bo\n", "username string\n", "passwd/username has no value"),
            ("Asia/Seoul", "Asia/Atlantis", "there is no Asia/Atlantis"),
            ("standard, ssh-server", "standard, gnome-desktop", "the medium has no packages for gnome-desktop"),
            ("d-i partman/confirm boolean true\n", "", 'partman/confirm is ""')):
        desk.write("preseed.cfg", good.replace(old, new, 1))
        done = subprocess.run([os.path.join(example, "install"), "--check", desk.path("preseed.cfg")], text=True,
                              env=dict(os.environ, MEDIUM=desk.folder), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        assert (done.returncode, done.stdout) == (0, "") if said is None else \
            done.returncode == 1 and said in done.stdout, (new, done)


def test_put_in_and_taken_out():
    iso(desk.path("debian.iso"), grub("medium"))
    iso(desk.path("pc.iso"), {"EFI/BOOT/BOOTX64.EFI": pe(0x8664)})
    said = desk.do("new", "alpha", "--type", "custom", "--disk", "8M", "--memory", "128M", "--cpus", "1", "--iso",
                   "debian.iso")
    assert "EFI loader for arm64: EFI/BOOT/BOOTAA64.EFI" in said
    assert "  boot: firmware\n" in desk.do("show", "alpha")
    assert 'partition "alpha-iso-' in desk.do("show", "alpha")
    before = desk.snapshot()
    assert "a system for another kind of computer (its loader is for x86-64)" in desk.refused(
        "set", "alpha", "--iso", "pc.iso")
    assert "there is no such file" in desk.refused("set", "alpha", "--iso", "no.iso")
    with open(desk.path("debian.iso"), "rb") as f, open(desk.path("half.iso"), "wb") as half:
        half.write(f.read(8 * MIB))
    before["half.iso"] = digest(desk.path("half.iso"))
    assert "is truncated: its partition 1 ends" in desk.refused("set", "alpha", "--iso", "half.iso")
    assert desk.snapshot() == before
    desk.do("set", "alpha", "--iso", "none")
    assert "medium" not in desk.read("vms", "alpha", "vm.dts")
    assert "alpha has no medium in it" in desk.refused("set", "alpha", "--iso", "none")
    desk.do("set", "alpha", "--iso", "debian.iso")
    assert desk.snapshot() == before


def test_it_is_on_the_card_after_the_disk():
    desk.do("build")
    found = partitions(desk.path("build", "sdcard.img"))
    assert list(found)[1] == "alpha-root" and list(found)[2].startswith("alpha-iso-"), found
    start, size = found[list(found)[2]]
    assert digest(desk.path("build", "sdcard.img"), start, size) == digest(desk.path("debian.iso"))


def test_an_empty_disk_leaves_it_to_the_medium():
    """On the board, where it is a read-only disk."""
    board = Board(desk.path("build", "sdcard.img"))
    try:
        board.expect(r"started from the medium", BOOT_LIMIT)
        board.expect(r"\[bulkhead\] alpha: is off: it turned itself off")
    finally:
        board.off()


def test_hosted_starts_the_medium_too():
    assert "started from the medium" in hosted("alpha")


def test_a_disk_with_a_loader_comes_first():
    iso(desk.path("vms", "alpha", "disk.raw"), grub("disk"))
    said = hosted("alpha")
    assert "started from the disk" in said and "medium" not in said
