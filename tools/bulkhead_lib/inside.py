"""What a disk holds: partition table, loader, for which processor. Nothing of it is run or trusted."""
import os
import struct
import subprocess

from . import diskfile, gpt
from .common import MIB, SECTOR, Refused, need, show_size, work_folder

# UEFI 2.10, table 5.7; The Discoverable Partitions Specification.
ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
BIOS_BOOT = "21686148-6449-6e6f-744e-656564454649"
ROOTS = {
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "x86-64", "44479540-f297-41b2-9af7-d131d5f0458a": "x86",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "arm64", "69dad710-2ce4-4e3c-b16c-21a1d49abed3": "32-bit arm",
}
# Microsoft, PE Format, "Machine Types"; UEFI 2.10, 3.5.1.1: the file name for each.
PE_MACHINES = {0xaa64: "arm64", 0x8664: "x86-64", 0x14c: "x86", 0x1c2: "32-bit arm", 0x1c4: "32-bit arm",
               0x5064: "64-bit RISC-V"}
ELF_MACHINES = {183: "arm64", 62: "x86-64", 3: "x86", 40: "32-bit arm", 243: "RISC-V"}
PROGRAMS = ("/usr/bin/env", "/bin/true", "/usr/bin/true", "/sbin/init")
HEAD = 96 * 1024  # as much of a disk or partition as tells what it is


class Inside:
    """What was found. `machine`: for which processor, None if nothing says."""

    def __init__(self):
        self.table = None
        self.parts = []
        self.loaders = {}  # machine: path on the EFI system partition
        self.systems = set()
        self.filesystem = None
        self.bios = False
        self.empty = False

    def text(self):
        if self.empty:
            return "nothing yet (all zeros where a partition table would be)"
        if self.filesystem and not self.parts:
            found = f"one {self.filesystem} file system over the whole disk, no partition table"
        elif self.table:
            found = f"{self.table} with {len(self.parts)} partition" + "s" * (len(self.parts) != 1)
        else:
            found = "no partition table and no file system known here"
        for machine, path in self.loaders.items():
            found += f"; EFI loader for {machine}: {path}"
        if not self.loaders and (self.parts or not self.filesystem):
            found += "; no EFI loader"
        if self.systems:
            found += "; programs for " + ", ".join(sorted(self.systems))
        return found

    def boots_by_firmware(self):
        return "arm64" in self.loaders

    def refusal(self):
        """Why this disk can never start here; None if it can, or if nothing says."""
        if self.boots_by_firmware() or "arm64" in self.systems:
            return None
        foreign = sorted((set(self.loaders) | self.systems) - {"arm64"})
        if foreign:
            why = f"its {'loader is' if self.loaders else 'programs are'} for {', '.join(foreign)}"
        elif self.bios:
            why = "it starts by a PC's BIOS, which only x86 PCs have"
        else:
            return None
        return (f"this disk holds a system for another kind of computer ({why}); a Raspberry Pi's cores "
                "are arm64 and cannot run it. What is needed is the arm64 edition of that system")


def filesystem(head):
    """(what it is, bytes that it says it has or None)."""
    if head[0x438:0x43a] == b"\x53\xef":  # Linux, Documentation/filesystems/ext4/super.rst
        blocks, = struct.unpack_from("<I", head, 0x404)
        shift, = struct.unpack_from("<I", head, 0x418)
        return "ext4", blocks << (10 + min(shift, 6))
    if head[:4] == b"XFSB":
        return "XFS", None
    if head[0x10040:0x10048] == b"_BHRfS_M":
        return "Btrfs", None
    if head[0x8001:0x8006] == b"CD001":
        return "ISO 9660", None
    if head[:6] == b"LUKS\xba\xbe":
        return "LUKS (encrypted)", None
    if head[0x1fe:0x200] == b"\x55\xaa" and (head[0x52:0x57] == b"FAT32" or head[0x36:0x39] == b"FAT"):
        return "FAT", None
    return None, None


class Reader:
    """Pieces of the disk in a file. A raw one is read where it is, others through files of their own."""

    def __init__(self, path, fmt, work):
        self.path, self.fmt, self.work = path, fmt, work
        self.size = diskfile.virtual_size(path, fmt)

    def read(self, at, size):
        """Bytes; fewer where the disk ends."""
        if self.fmt == "raw":
            with open(self.path, "rb") as f:
                f.seek(at)
                return f.read(size)
        target = self.copy(at // SECTOR * SECTOR, size + at % SECTOR)
        if not target:
            return b""
        with open(target, "rb") as f:
            return f.read()[at % SECTOR:at % SECTOR + size]

    def copy(self, at, size):
        target = os.path.join(self.work, "piece")
        if os.path.exists(target):
            os.unlink(target)
        return target if diskfile.piece(self.path, self.fmt, at, size, target) else None

    def place(self, part, mark):
        """A partition as another program finds it: FILE, or FILE, `mark` and its offset."""
        if self.fmt == "raw" and "?" not in self.path:
            return self.path + (f"{mark}{part.start}" if part.start else "")
        return self.copy(part.start, part.size)


def pe_machine(data):
    """Of a PE file's beginning, None if it is none."""
    if data[:2] != b"MZ" or len(data) < 0x40:
        return None
    at, = struct.unpack_from("<I", data, 0x3c)
    if data[at:at + 4] != b"PE\0\0" or len(data) < at + 6:
        return None
    machine, = struct.unpack_from("<H", data, at + 4)
    return PE_MACHINES.get(machine, f"a processor numbered {machine:#x}")


def output_of(*command):
    """A program's output, b"" if it fails: the file system may be anything."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          stdin=subprocess.DEVNULL).stdout


def loaders(fat, work):
    """{machine: path} of the programs in EFI/BOOT of a FAT file system."""
    found = {}
    listing = output_of("mdir", "-b", "-i", fat, "::/EFI/BOOT").decode("utf-8", "replace")
    for line in listing.splitlines():
        path = line.strip()
        if not path.lower().endswith(".efi") or not os.path.basename(path).lower().startswith("boot"):
            continue
        copy = os.path.join(work, "loader.efi")
        output_of("mcopy", "-n", "-o", "-i", fat, path, copy)
        if os.path.exists(copy):
            with open(copy, "rb") as f:
                machine = pe_machine(f.read(4096))
            os.unlink(copy)
            if machine:
                found[machine] = path.removeprefix("::/")
    return found


def programs(ext4):
    """For which processor the programs on an ext4 file system are: their ELF headers say."""
    for path in PROGRAMS:
        head = output_of("debugfs", "-R", f"cat {path}", ext4)[:20]
        if head[:4] == b"\x7fELF":
            machine, = struct.unpack_from("<H", head, 18)
            return {ELF_MACHINES.get(machine, f"a processor numbered {machine}")}
    return set()


def check_parts(path, parts, size):
    for part in parts:
        if part.end > size:
            raise Refused(f"{path} is truncated: its partition {part.number} ends at {part.end} bytes, the "
                          f"disk has {size}")


def look(path, fmt):
    """What is on the disk in this file; Refused for one that is visibly not all there."""
    need("qemu-img", "mdir", "debugfs")
    found = Inside()
    with work_folder() as work:
        disk = Reader(path, fmt, work)
        head = disk.read(0, HEAD)
        found.empty = not any(head)
        found.parts, primary, backup = gpt.read_gpt(disk.read, disk.size)
        if found.parts is not None:
            found.table = "GPT"
            check_parts(path, found.parts, disk.size)
            if not primary:
                raise Refused(f"{path} is damaged: only the backup of its partition table is whole")
            if not backup:
                raise Refused(f"{path} is damaged or truncated: the backup of its partition table is not "
                              "at its end")
        elif head[SECTOR:SECTOR + 8] == b"EFI PART":
            raise Refused(f"{path} is damaged: neither its partition table nor the backup is whole")
        else:
            found.filesystem, said = filesystem(head)
            if said and said > disk.size:
                raise Refused(f"{path} is truncated: its {found.filesystem} file system has "
                              f"{show_size(said)}, the disk {show_size(disk.size)}")
            # An installation medium's ISO 9660 has the partitions of a disk as well.
            mbr = found.filesystem in (None, "ISO 9660")
            found.parts = gpt.read_mbr(head[:SECTOR]) if mbr else []
            found.table = "MBR" if found.parts else None
            check_parts(path, found.parts, disk.size)
        look_at_parts(found, disk, head)
    return found


def look_at_parts(found, disk, head):
    if found.filesystem == "ext4":
        found.systems = programs(disk.place(gpt.Part(0, 0, disk.size, None), "?offset="))
    for part in found.parts:
        if part.kind in (ESP, 0xef):
            found.loaders.update(loaders(disk.place(part, "@@"), disk.work))
        found.bios = found.bios or part.kind == BIOS_BOOT
        if part.kind in ROOTS:
            found.systems.add(ROOTS[part.kind])
        elif part.size > MIB and not found.loaders and \
                filesystem(disk.read(part.start, HEAD))[0] == "ext4":
            found.systems |= programs(disk.place(part, "?offset="))
    # Code in the MBR beside partitions, and none for EFI: a BIOS' loader.
    found.bios = found.bios or (bool(found.parts) and not found.loaders and any(head[:440]))
