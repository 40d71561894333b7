"""examples/born2beroot: Debian installs itself onto an empty disk; the disk goes through a VDI and runs on the board."""
import json
import os
import re
import subprocess

import pexpect
from bulkhead import BOOT_LIMIT, BUILD, LOGIN_LIMIT, TOP, Board, Debian
from pc import BULKHEAD, Desk

LIMIT = 3600
INSTALL_LIMIT = 3000
NAME = "born2beroot"
PROMPT = r"Please unlock disk vda3_crypt: "
PASSPHRASE, ROOT, USER = "open-sesame-3", "correct-horse-1", "battery-staple-2"
EXAMPLE = os.path.join(TOP, "examples", "born2beroot")
MEDIUM = os.path.join(BUILD, "born2beroot.img")
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


def test_it_installs_itself():
    """From the medium, as the disk is empty; the machine ends where it would restart."""
    machine = Hosted(NAME)
    try:
        machine.expect(r"install: Debian goes to /dev/vda \(8192 MiB\)", LOGIN_LIMIT)
        assert machine.expect([r"install: restarting\r?\n", r"install: failed"], INSTALL_LIMIT) == 0
        machine.expect(pexpect.EOF, LOGIN_LIMIT)
    finally:
        machine.off()


def test_it_asks_for_the_passphrase():
    """Now the disk comes first, though the medium is still in."""
    machine = Hosted(NAME)
    try:
        machine.expect(PROMPT, LOGIN_LIMIT)
        machine.line("wrong")
        machine.expect(r"bad password", LOGIN_LIMIT)
        machine.expect(PROMPT, LOGIN_LIMIT)
        machine.line(PASSPHRASE)
        log_in(machine, "bo", USER)
        machine.line("cat /proc/cmdline")
        machine.expect(r"root=/dev/mapper/born2beroot--vg-root .*console=ttyAMA0")
    finally:
        machine.off()
    assert re.search(r"U-Boot 20.*GRUB", desk.read("hosted.log"), re.S)


def test_its_disk_goes_to_another_program_and_back():
    desk.do("export", NAME, "out.vdi", "--format", "vdi")
    said = subprocess.run(["qemu-img", "check", "-f", "vdi", desk.path("out.vdi")], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    assert "No errors were found" in said, said
    assert diskfile_size("out.vdi") == 8 << 30
    assert os.stat(desk.path("out.vdi")).st_blocks * 512 < 4 << 30, "it is not dynamically allocated"
    desk.do("rm", NAME, "--yes")
    assert "EFI loader for arm64" in desk.do(
        "new", "again", "--type", "custom", "--boot", "firmware", "--memory", "1024M", "--cpus", "2", "--image",
        "out.vdi", "--format", "vdi")


def diskfile_size(name):
    said = subprocess.run(["qemu-img", "info", "--output=json", desk.path(name)], check=True, stdout=subprocess.PIPE)
    return json.loads(said.stdout)["virtual-size"]


def test_it_runs_on_the_board():
    desk.do("build")
    board = Board(desk.path("build", "sdcard.img"), snapshot=False)
    try:
        board.expect(PROMPT, LOGIN_LIMIT)
        board.attach(1)
        board.line(PASSPHRASE)
        log_in(board, "root", ROOT)
        look_around(shell(board))
        board.line("systemctl poweroff")
        board.expect(r"again: is off: it turned itself off", LOGIN_LIMIT)
    finally:
        board.off()
