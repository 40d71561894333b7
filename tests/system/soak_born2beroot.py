"""examples/born2beroot: Debian installs itself onto an empty disk in a VM; the disk then goes to the PC and back."""
import os
import re
import subprocess

import pexpect
from bulkhead import BOOT_LIMIT, BUILD, LOGIN_LIMIT, TOP, Board, Debian
from pc import BULKHEAD, MIB, Desk, partitions

LIMIT = 7200
INSTALL_LIMIT = 6000
NAME = "born2beroot"
PROMPT = r"Please unlock disk vda3_crypt: "
PASSPHRASE, ROOT, USER = "open-sesame-3", "correct-horse-1", "battery-staple-2"
EXAMPLE = os.path.join(TOP, "examples", "born2beroot")
MEDIUM = os.path.join(BUILD, "born2beroot.img")
CARD = ("build", "sdcard.img")
desk = None


class Hosted:
    """The same as a Board, under `run --hosted`: its console is that of the VM."""

    def __init__(self, name):
        self.port = pexpect.spawn(BULKHEAD, ["run", "--hosted", name], cwd=desk.folder, encoding="utf-8",
                                  codec_errors="replace", timeout=BOOT_LIMIT, maxread=65536)
        self.port.delaybeforesend = None
        self.seen = open(desk.path("hosted.log"), "w", encoding="utf-8", newline="")
        self.port.logfile_read = self.seen

    expect = Board.expect
    line = Board.line

    def off(self):
        self.port.close(force=True)
        self.seen.close()
        print(desk.read("hosted.log"), flush=True)


def setup():
    global desk
    desk = Desk()
    subprocess.run([os.path.join(EXAMPLE, "medium"), MEDIUM], check=True)
    desk.do("new", NAME, "--type", "custom", "--memory", "1024M", "--cpus", "2", "--disk", "8G", "--format", "vdi",
            "--iso", MEDIUM)


def teardown():
    if desk:
        desk.clear()


def log_in(machine, user, password):
    machine.expect(NAME + r" login: ", LOGIN_LIMIT)
    machine.line(user)
    machine.expect(r"Password: ", LOGIN_LIMIT)
    machine.line(password)
    machine.expect(user + "@" + NAME + r":[^\r\n]*[#$] ", LOGIN_LIMIT)


def shell(machine):
    """A Debian that answers commands, root being logged in."""
    debian = Debian(machine, 1, NAME)
    machine.line("stty -echo cols 200; PS1=; TERM=dumb; dmesg -n 1; bind 'set enable-bracketed-paste off'")
    debian.run("true")
    return debian


def look_around(debian):
    """Is it what the preseed asks for?"""
    rows = {row.split()[0]: row.split()[1:] for row in
            debian.run("lsblk --raw --noheadings --output NAME,TYPE,MOUNTPOINTS | grep -v ^vdb").splitlines()}
    assert rows["vda2"] == ["part", "/boot"] and rows["vda1"] == ["part", "/boot/efi"], rows
    assert rows["vda3_crypt"] == ["crypt"], rows
    assert rows["born2beroot--vg-root"] == ["lvm", "/"], rows
    assert rows["born2beroot--vg-home"] == ["lvm", "/home"], rows
    assert rows["born2beroot--vg-swap_1"] == ["lvm", "[SWAP]"], rows
    assert debian.run("vgs --noheadings --options vg_free --units m --nosuffix").split() == ["0"]
    assert debian.run("cryptsetup luksDump /dev/vda3 | grep -c '^Version:.*2'") == "1"
    assert debian.run("cat /etc/hostname; locale | grep ^LANG=; cat /etc/timezone") == \
        f"{NAME}\nLANG=en_US.UTF-8\nAsia/Seoul"
    assert debian.run("grep -E '^XKB(LAYOUT|VARIANT)' /etc/default/keyboard") == 'XKBLAYOUT="kr"\nXKBVARIANT="kr104"'
    assert debian.run("getent passwd bo | cut -d: -f 5,6,7").startswith("Bo Root")
    assert debian.run("systemctl is-active ssh") == "active"
    assert debian.run("dpkg-query -W -f '${db:Status-Status} ' man-db wget openssh-server").split() == ["installed"] * 3
    assert debian.status("dpkg-query -W popularity-contest")[1] != 0
    assert debian.run("dpkg --audit") == ""
    out, _ = debian.status("systemctl is-system-running --wait; systemctl --failed --no-legend", LOGIN_LIMIT)
    assert out.split("\n")[0].strip() == "running", out


def power_off(machine):
    machine.line("systemctl poweroff")
    machine.expect(r"reboot: Power down", LOGIN_LIMIT)


def test_it_installs_itself_and_asks_for_the_passphrase():
    desk.do("build")
    board = Board(desk.path(*CARD), snapshot=False)
    try:
        board.expect(r"install: Debian goes to /dev/vda \(8192 MiB\)", LOGIN_LIMIT)
        assert board.expect([r"install: restarting\r?\n", r"install: failed"], INSTALL_LIMIT) == 0
        board.expect(PROMPT, LOGIN_LIMIT)
        board.attach(1)
        board.line("wrong")
        board.expect(r"bad password", LOGIN_LIMIT)
        board.expect(PROMPT, LOGIN_LIMIT)
        board.line(PASSPHRASE)
        log_in(board, "root", ROOT)
        look_around(shell(board))
        power_off(board)
        board.expect(r"born2beroot: is off: it turned itself off", LOGIN_LIMIT)
    finally:
        board.off()


def test_its_disk_goes_to_the_pc_and_runs_there():
    start, size = partitions(desk.path(*CARD))[NAME + "-root"]
    assert size == 8 << 30
    subprocess.run(["dd", "if=" + desk.path(*CARD), "of=" + desk.path("card.raw"), "bs=1M", "conv=sparse",
                    f"skip={start // MIB}", f"count={size // MIB}", "status=none"], check=True)
    assert "EFI loader for arm64" in desk.do("import", NAME, "card.raw")
    desk.do("export", NAME, "out.vdi", "--format", "vdi")
    said = subprocess.run(["qemu-img", "check", "-f", "vdi", desk.path("out.vdi")], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    assert "No errors were found" in said, said
    assert os.stat(desk.path("out.vdi")).st_blocks * 512 < size // 2, "it is not dynamically allocated"
    desk.do("new", "again", "--type", "custom", "--boot", "firmware", "--memory", "1024M", "--cpus", "2", "--image",
            "out.vdi", "--format", "vdi")
    machine = Hosted("again")
    try:
        machine.expect(PROMPT, LOGIN_LIMIT)
        machine.line(PASSPHRASE)
        log_in(machine, "bo", USER)
        machine.line("lsblk --raw --noheadings --output NAME,TYPE")
        machine.expect(r"\nborn2beroot--vg-home lvm\r?\n")
    finally:
        machine.off()
    assert re.search(r"U-Boot 20.*GRUB", desk.read("hosted.log"), re.S)
