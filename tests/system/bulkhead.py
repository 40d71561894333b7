"""Drive a card image in the emulator through its one serial port, as a person would."""
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pexpect

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
CARD = os.path.join(BUILD, "rpi4", "sdcard.img")
ESCAPE = "\x1d"  # Ctrl-]

# Seconds. The emulator runs four cores on two; these are limits, not waits.
BOOT_LIMIT = 300
LOGIN_LIMIT = 600
COMMAND_LIMIT = 120
QMP_LIMIT = 60
NEVER = r"(?!)"  # matches nothing


class Board:
    """A Raspberry Pi 4 with a card in it, switched on."""

    def __init__(self, card=CARD, snapshot=True, arguments=(), options=()):
        self.folder = tempfile.mkdtemp(prefix="bulkhead-")
        self.qmp_path = os.path.join(self.folder, "qmp")
        command = [*options, card, "-qmp", f"unix:{self.qmp_path},server,nowait", *arguments]
        if snapshot:
            command.append("-snapshot")
        self.log = open(os.path.join(self.folder, "console"), "w+", encoding="utf-8", newline="")
        self.port = pexpect.spawn(os.path.join(TOP, "tools", "qemu-rpi4"), command, encoding="utf-8",
                                  codec_errors="replace", timeout=COMMAND_LIMIT, maxread=65536,
                                  dimensions=(50, 250))
        self.port.logfile_read = self.log
        self.port.delaybeforesend = None

    def pull(self):
        """Pull the plug, and keep what was printed."""
        if self.port.isalive():
            self.port.kill(signal.SIGKILL)
            self.port.wait()  # on a busy machine that takes longer than close() would wait
        self.port.close()

    def off(self):
        """Pull the plug."""
        self.pull()
        print(self.printed(), flush=True)
        self.log.close()
        shutil.rmtree(self.folder)

    def expect(self, patterns, limit=COMMAND_LIMIT):
        """Wait until a pattern (or one of a list) appears; its index. The match is in self.match."""
        try:
            index = self.port.expect(patterns, timeout=limit)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            seen = (self.port.before or "")[-600:] if isinstance(self.port.before, str) else ""
            raise AssertionError(f"{type(error).__name__} after {limit} s waiting for {patterns!r}; "
                                 f"last seen: {seen!r}") from None
        self.match = self.port.match
        return index

    def expect_all(self, patterns, limit=COMMAND_LIMIT):
        """Wait for each of them, in any order: the hypervisor's lines overtake those of a guest."""
        left = list(patterns)
        while left:
            left.pop(self.expect(left, limit))

    def absent(self, text):
        """Has `text` not been printed so far?"""
        return text not in self.printed()

    def printed(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", newline="") as f:
            return f.read().replace("\r", "")

    def send(self, text):
        self.port.send(text)

    def line(self, text):
        self.port.send(text + "\r")

    # ---- The three views ----

    def attach(self, number):
        self.send(f"{ESCAPE}{number}")
        self.expect(r"\[bulkhead\] attached to (\w[\w-]*); ")
        return self.match.group(1)

    def all_view(self):
        self.send(ESCAPE + "a")

    def monitor(self, command):
        """What the monitor answers to a command."""
        self.send(ESCAPE + "0")
        self.expect("bulkhead> ")
        self.line(command)
        # The hypervisor may say something at any moment, in the middle of what is typed.
        said = r"(?:\r*\x1b\[K\[bulkhead\][^\n]*\n(?:\r*bulkhead> [^\n]*?)?)*"
        self.expect(said.join(map(re.escape, command)) + said + r"\r*\n")
        self.expect("bulkhead> ")
        return self.port.before.replace("\r", "")

    # ---- The emulator's own controls ----

    def keep_reading(self):
        """What was printed, into pexpect's buffer: an emulator whose terminal is full stands still."""
        try:
            self.port.expect([pexpect.TIMEOUT, NEVER], timeout=0)
        except pexpect.EOF:
            pass

    def qmp(self, command, **arguments):
        self.keep_reading()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(QMP_LIMIT)
            s.connect(self.qmp_path)
            f = s.makefile("rw")
            f.readline()
            answer = None
            for request in ({"execute": "qmp_capabilities"},
                            {"execute": command, "arguments": arguments}):
                f.write(json.dumps(request) + "\n")
                f.flush()
                while True:
                    answer = json.loads(f.readline())
                    if "return" in answer or "error" in answer:
                        break
            assert "return" in answer, answer
            return answer["return"]

    def memory(self, address, size):
        """Bytes of machine memory."""
        path = os.path.join(self.folder, "memory")
        self.qmp("pmemsave", val=address, size=size, filename=path)
        with open(path, "rb") as f:
            return f.read()


class Debian:
    """A Debian guest, seen by attaching its console: one at a time holds the port."""

    def __init__(self, board, number, name):
        self.board = board
        self.number = number
        self.name = name
        self.token = 0

    def attach(self):
        assert self.board.attach(self.number) == self.name

    def login(self):
        self.attach()
        self.board.line("")
        self.board.expect(self.name + r" login: ", LOGIN_LIMIT)
        self.board.line("root")
        self.board.expect(r"root@" + self.name + r":[^\r\n]*# ", LOGIN_LIMIT)
        self.board.line("stty -echo cols 200; PS1=; TERM=dumb; dmesg -n 1; bind 'set enable-bracketed-paste off'")
        self.run("true")

    def run(self, command, limit=COMMAND_LIMIT):
        """Run a command in the attached shell; its output. A status other than 0 fails."""
        out, status = self.status(command, limit)
        assert status == 0, f"{self.name}: `{command}` ended with {status}: {out}"
        return out

    def status(self, command, limit=COMMAND_LIMIT):
        self.start(command)
        return self.finish(limit)

    def start(self, command):
        """Begin a command; finish() waits for it, even after other views were shown."""
        self.token += 1
        self.board.line(f"{{ echo; echo '<'{self.token}; {command}; echo \"{self.token}:$?\"'>'; }} 2>&1")

    def finish(self, limit=COMMAND_LIMIT):
        self.board.expect(rf"<{self.token}\r*\n(.*?){self.token}:(\d+)>", limit)
        return self.board.match.group(1).replace("\r", "").strip(), int(self.board.match.group(2))


def make_card(name, vms_source, files=()):
    """A card image for other VMs: build/test/NAME.img. `files`: (source, name on the boot partition)."""
    folder = os.path.join(BUILD, "test")
    os.makedirs(folder, exist_ok=True)
    dts = os.path.join(folder, name + ".dts")
    with open(dts, "w", encoding="utf-8") as f:
        f.write(vms_source)
    dtb = os.path.join(folder, name + ".dtb")
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", dtb, dts], check=True)
    card = os.path.join(folder, name + ".img")
    with open(os.path.join(folder, "cards.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # files of two tests at once share the builder's working files
        subprocess.run([os.path.join(TOP, "tools", "mksd"), dtb, card], check=True, cwd=TOP)
    return card


def wait_until(condition, limit, what):
    """Poll a condition that no line on the console announces."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.2)
