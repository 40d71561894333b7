"""The user's PC: a folder of its own, tools/bulkhead run in it, disk files made by hand."""
import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile

import pexpect

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BULKHEAD = os.path.join(TOP, "tools", "bulkhead")
PROBE = os.path.join(TOP, "build", "guests", "probe.bin")
MIB = 1 << 20
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Desk:
    """A folder in which a test works; gone afterwards."""

    def __init__(self):
        # Beside other output, not in /tmp: disk images may be larger than its file system.
        base = os.path.join(TOP, "build", "test")
        os.makedirs(base, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="desk-", dir=base)

    def clear(self):
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def call(self, *args):
        """(exit code, everything it said) of the command, without a terminal."""
        done = subprocess.run([BULKHEAD, *args], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(f"$ bulkhead {' '.join(args)}\n{done.stdout}", flush=True)
        return done.returncode, done.stdout

    def do(self, *args):
        code, said = self.call(*args)
        assert code == 0, f"bulkhead {args} ended with {code}: {said}"
        return said

    def refused(self, *args):
        """What it says when it refuses: in words, and without a trace of Python."""
        code, said = self.call(*args)
        assert code == 1 and "bulkhead: " in said and "Traceback" not in said, (code, said)
        return said

    def terminal(self, *args):
        """The same on a terminal, to be talked to."""
        # Who was started in the background ignores Ctrl-C, and so would its children.
        port = pexpect.spawn(BULKHEAD, list(args), cwd=self.folder, encoding="utf-8", timeout=60,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        port.delaybeforesend = None
        return port

    def new(self, name, *more):
        """A small VM with little disk."""
        return self.do("new", name, "--type", "custom", "--binary", PROBE, "--memory", "64M", "--cpus", "1",
                       *more)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def snapshot(self):
        """Every file with its contents, to see that a refusal changed nothing."""
        return {os.path.relpath(os.path.join(folder, name), self.folder): digest(os.path.join(folder, name))
                for folder, _, names in os.walk(self.folder) for name in names}


def digest(path, start=0, size=None):
    """SHA-256 of a file or a part of it."""
    total = hashlib.sha256()
    with open(path, "rb") as f:
        f.seek(start)
        left = os.path.getsize(path) - start if size is None else size
        while left:
            piece = f.read(min(4 * MIB, left))
            assert piece, f"{path} ends early"
            total.update(piece)
            left -= len(piece)
    return total.hexdigest()


def raw_disk(path, size, pieces):
    """A sparse disk with random bytes at (offset, bytes)."""
    with open(path, "wb") as f:
        for at, count in pieces:
            f.seek(at)
            f.write(os.urandom(count))
        f.truncate(size)


def pe(machine):
    """What a firmware would call an EFI program for this machine (PE Format, COFF file header)."""
    program = bytearray(1024)
    program[:2] = b"MZ"
    struct.pack_into("<I", program, 0x3c, 128)
    program[128:132] = b"PE\0\0"
    struct.pack_into("<H", program, 132, machine)
    return bytes(program)


def pc_disk(path, loader, program, size=64 * MIB):
    """A disk as an installer leaves it: GPT, EFI system partition with a loader (its bytes, or for which machine it
    is to look), one more partition."""
    fat = path + ".fat"
    esp(fat, {"EFI/BOOT/" + loader: program if isinstance(program, bytes) else pe(program)})
    for command in (["truncate", "-s", str(size), path],
                    ["sgdisk", "--clear", "--new=1:2048:+34M", "--typecode=1:EF00", "--new=2:0:0", path],
                    ["dd", "if=" + fat, "of=" + path, "bs=1M", "seek=1", "conv=notrunc"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.unlink(fat)


def esp(path, files):
    """The file system of an EFI system partition with {name: contents} in it."""
    part = path + ".part"
    mib = 34 + sum(map(len, files.values())) // MIB
    commands = [["truncate", "-s", f"{mib}M", path], ["mkfs.vfat", "-F", "32", path],
                ["mmd", "-i", path, "::EFI", "::EFI/BOOT", "::EFI/debian"]]
    for name, data in files.items():
        with open(part, "wb") as f:
            f.write(data)
        for command in commands + [["mcopy", "-i", path, part, "::" + name]]:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        commands = []
    os.unlink(part)


def iso(path, files):
    """As Debian's media are: ISO 9660 (its mark, no more), whose MBR has an EFI system partition as the second."""
    fat = path + ".fat"
    esp(fat, files)
    with open(path, "wb") as f, open(fat, "rb") as src:
        table = bytearray(512)
        size = os.path.getsize(fat) // 512
        for row, (kind, first, count) in enumerate(((0x83, 0, 2048 + size), (0xef, 2048, size))):
            struct.pack_into("<B3xB3xII", table, 446 + 16 * row, 0x80 if row == 0 else 0, kind, first, count)
        table[510:] = b"\x55\xaa"
        f.write(table)
        f.seek(0x8001)
        f.write(b"CD001")
        f.seek(MIB)
        f.write(src.read())
    os.unlink(fat)


def partitions(image):
    """{name: (first byte, bytes)} of a GPT, as sgdisk reads it."""
    listing = subprocess.run(["sgdisk", "--print", image], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for number, first, last, name in re.findall(r"^ +(\d+) +(\d+) +(\d+) +\S+ \w+ +\w{4} +(.*)$", listing, re.M):
        assert number
        found[name.strip()] = (int(first) * 512, (int(last) - int(first) + 1) * 512)
    return found
