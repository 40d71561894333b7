"""Writing a card. What can't be taken back is shown and asked for first; what was written is read again.

A card that holds VMs' disks keeps them: its boot partition is written and what disks are new. The order is
such that whatever interrupts it, the disks that were there are still found afterwards.
"""
import fcntl
import os
import re
import stat
import struct
import subprocess

from . import bootpart, card, gpt
from .common import MIB, SECTOR, Refused, align, confirm, run, say, show_size, work_folder
from .project import BOARDS, judge

# Linux, include/uapi/linux/fs.h
BLKZEROOUT, BLKFLSBUF, BLKDISCARD, BLKRRPART = 0x127f, 0x1261, 0x1277, 0x125f
PIECE = 4 * MIB


class Device:
    """A card in a reader, or a file in its place."""

    def __init__(self, path):
        self.path = os.path.realpath(path)
        try:
            st = os.stat(self.path)
            self.block = stat.S_ISBLK(st.st_mode)
            self.number = f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}" if self.block else None
            if not self.block and not stat.S_ISREG(st.st_mode):
                raise Refused(f"{path} is no device of a card")
            with open(self.path, "r+b") as f:
                self.size = f.seek(0, os.SEEK_END)
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from None

    def parts(self):
        """Its GPT's partitions, None without one; are both copies of it whole?"""
        with open(self.path, "rb") as f:
            def read(at, size):
                f.seek(at)
                return f.read(size)
            parts, primary, backup = gpt.read_gpt(read, self.size)
            return parts, primary and backup

    def unsafe(self):
        """Why this should not be written to; None if nothing is against it."""
        if not self.block:
            return f"{self.path} is a file, not a card"
        return unsafe_device(self.path, self.number)


def device_numbers(number, sys):
    """A disk's number and those of its partitions."""
    folder = os.path.join(sys, "dev/block", number)
    numbers = [number]
    for name in sorted(os.listdir(folder)):
        if os.path.exists(os.path.join(folder, name, "partition")):
            numbers.append(attribute(os.path.join(folder, name, "dev")))
    return numbers


def attribute(path):
    try:
        with open(path, encoding="ascii", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return ""


def unsafe_device(path, number, sys="/sys", proc="/proc"):
    """As Device.unsafe(), by what the kernel says of the device."""
    folder = os.path.join(sys, "dev/block", number)
    if os.path.exists(os.path.join(folder, "partition")):
        return f"{path} is a partition: name the whole card"
    numbers = device_numbers(number, sys)
    for line in attribute(os.path.join(proc, "self/mountinfo")).splitlines():
        fields = line.split()
        if fields[2] in numbers:
            return f"{path} is mounted on {unescape(fields[4])}: unmount it first"
    for line in attribute(os.path.join(proc, "swaps")).splitlines()[1:]:
        swap = unescape(line.split()[0])
        if swap.startswith(path):
            return f"{swap} is in use as swap space"
    for each in numbers:
        holders = os.path.join(sys, "dev/block", each, "holders")
        if os.path.isdir(holders) and os.listdir(holders):
            return f"{path} is in use by {', '.join(os.listdir(holders))} (RAID, LVM or encryption)"
    if attribute(os.path.join(folder, "removable")) != "1" \
            and attribute(os.path.join(folder, "device/type")) != "SD":
        return f"{path} is not removable: it may be this PC's own disk"
    return None


def unescape(text):
    """Octal escapes as in /proc's files (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), text)


# ---- What goes where ----

class Flash:
    """What is kept, made, written. `layout` is that of the image, `disks` in its order."""

    def __init__(self, device, disks, layout, erase, grow):
        self.device, self.layout = device, layout
        self.end = (device.size - card.GPT_TAIL) // MIB * MIB
        self.found, self.table_whole = device.parts()
        self.ours = bool(self.found) and (self.found[0].name, self.found[0].start, self.found[0].size) == \
            layout.parts[0]
        self.fresh = erase or not self.ours
        self.sources = {name: (start, size) for name, start, size in layout.parts}  # in the image
        self.read_only = {disk.partition for disk in disks if disk.read_only}
        self.wanted = {disk.partition: disk.size for disk in disks}
        if self.fresh:
            self.parts = list(layout.parts)
            self.new = list(layout.parts[1:])
            if layout.end() > self.end:
                raise Refused(f"{device.path} has {show_size(device.size)}; {show_size(layout.end() + MIB)} are "
                              "needed")
        else:
            self.plan_update()
        if grow:
            self.grow_last()

    def plan_update(self):
        names = [part.name for part in self.found]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise Refused(f"the card has two partitions named {twice.pop()}: `--erase` starts anew")
        self.parts = [(part.name, part.start, part.size) for part in self.found]
        self.new = []
        for name, size in self.wanted.items():
            if name not in names:
                self.new.append((name, self.room(name, size), size))
                self.parts.append(self.new[-1])

    def room(self, name, size):
        """The first gap that is large enough."""
        at = MIB
        for _, start, length in sorted(self.parts, key=lambda part: part[1]):
            if start - at >= size:
                break
            at = max(at, align(start + length, MIB))
        if at + size > self.end:
            raise Refused(f"there is no room on the card for the new disk {name} ({show_size(size)}): it is "
                          f"full of the disks that it keeps; `--erase` starts anew, without them")
        return at

    def grow_last(self):
        """The disk that lies last gets the rest of the card, if it is new and may be written to."""
        name, start, size = max(self.parts, key=lambda part: part[1])
        if (name, start, size) in self.new and name not in self.read_only and self.end > start + size:
            for parts in (self.parts, self.new):
                parts[parts.index((name, start, size))] = (name, start, self.end - start)

    def show(self):
        print(f"{self.device.path}: {show_size(self.device.size)}")
        if self.fresh and self.found:
            for part in self.found:
                print(f"  ERASED   {part.name or f'partition {part.number}'} ({show_size(part.size)})")
        elif self.fresh:
            print("  ERASED   whatever is on it (no GPT is there)")
        else:
            self.show_kept()
        print(f"  written  {bootpart.NAME}")
        for name, _, size in self.new:
            grown = size - align(self.wanted[name], SECTOR)
            print(f"  written  {name} ({show_size(size)}{', the rest of the card' if grown else ''})")

    def show_kept(self):
        for part in self.found[1:]:
            text = f"  kept     {part.name} ({show_size(part.size)})"
            wanted = self.wanted.get(part.name)
            if wanted is None:
                text += "; no VM has it now"
            elif wanted > part.size:
                text += f"; {show_size(wanted)} are wanted, but a disk on the card keeps its size"
            print(text)


# ---- Writing and reading again ----

def zero(f, device, at, size):
    if size == 0:
        return
    if not device.block:
        f.flush()
        run("fallocate", "--punch-hole", "--keep-size", "--offset", str(at), "--length", str(size), device.path)
        return
    try:
        fcntl.ioctl(f, BLKZEROOUT, struct.pack("QQ", at, size))
    except OSError:
        f.seek(at)
        while size:
            size -= f.write(bytes(min(PIECE, size)))


def sections(src, start, size):
    """(first byte, bytes, is it data) that together are a part of a sparse file."""
    at = start
    for first, stop in card.data_ranges(src, start, start + size):
        if first > at:
            yield at, first - at, False
        yield first, stop - first, True
        at = stop
    if at < start + size:
        yield at, start + size - at, False


def write_part(device, image, source, target):
    """`source`, `target`: (first byte, bytes); what the target has more stays as it is, but for its ends."""
    with open(image, "rb") as src, open(device.path, "r+b", buffering=0) as dst:
        shift = target[0] - source[0]
        for at, size, data in sections(src, *source):
            if not data:
                zero(dst, device, at + shift, size)
                continue
            src.seek(at)
            dst.seek(at + shift)
            while size:
                piece = src.read(min(PIECE, size))
                if dst.write(piece) != len(piece):
                    raise Refused(f"{device.path}: writing stopped in the middle; the card may be full or broken")
                size -= len(piece)
        rest = target[1] - source[1]
        if rest:  # nothing that was there before shall look like a part of the new disk
            discard(dst, device, target[0] + source[1], rest)
            zero(dst, device, target[0] + source[1], min(rest, MIB))
            zero(dst, device, target[0] + target[1] - min(rest, MIB), min(rest, MIB))
        os.fsync(dst.fileno())


def discard(f, device, at, size):
    """Tell the card that this is free; it may or may not forget it."""
    if not device.block:
        zero(f, device, at, size)
        return
    try:
        fcntl.ioctl(f, BLKDISCARD, struct.pack("QQ", at, size))
    except OSError:
        pass


def read_again(device, image, source, target):
    """Is on the card what is in the image? The card is asked, not a cache."""
    with open(image, "rb") as src, open(device.path, "rb", buffering=0) as dst:
        if device.block:
            fcntl.ioctl(dst, BLKFLSBUF)
        os.posix_fadvise(dst.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        shift = target[0] - source[0]
        for at, size, data in sections(src, *source):
            ranges = [(at, at + size)]
            if not data:
                ranges = [(first - shift, stop - shift) for first, stop in
                          card.data_ranges(dst, at + shift, at + shift + size)]
            for first, stop in ranges:
                compare(device, src, dst, first, stop, shift)


def compare(device, src, dst, at, stop, shift):
    src.seek(at)
    dst.seek(at + shift)
    while at < stop:
        piece = src.read(min(PIECE, stop - at))
        if read_all(dst, len(piece)) != piece:
            raise Refused(f"{device.path}: what was written is not what is read back, within {len(piece)} bytes "
                          f"from byte {at + shift} on: the card or its reader is broken, or it is a fake")
        at += len(piece)


def read_all(f, size):
    data = b""
    while len(data) < size:
        piece = f.read(size - len(data))
        if not piece:
            break
        data += piece
    return data


def overrides_of(device, work):
    """The card's bulkhead.txt as a file here, None if it has none."""
    mine = os.path.join(work, bootpart.OVERRIDES)
    done = subprocess.run(["mcopy", "-n", "-i", f"{device.path}@@{MIB}", "::" + bootpart.OVERRIDES, mine],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          check=False)
    return mine if done.returncode == 0 else None


def check_overrides(device, blob):
    """Would the new configuration be accepted with what the card's owner wrote?"""
    with work_folder() as work:
        mine = overrides_of(device, work)
        why = judge(blob, max(BOARDS.values()), "--overrides", mine) if mine and os.path.getsize(mine) else None
    if why:
        raise Refused(f"with {bootpart.OVERRIDES} as it is on the card, the hypervisor would refuse: {why}")


def boot_partition(image, layout, device, keep_overrides, work):
    """The image's boot partition as a file, with the card's own overrides if it has some."""
    fat = os.path.join(work, "boot.fat")
    with open(fat, "wb") as f:
        f.truncate(bootpart.BYTES)
    _, start, size = layout.parts[0]
    with open(image, "rb") as src, open(fat, "r+b") as dst:
        for at, length, data in sections(src, start, size):
            if data:
                src.seek(at)
                dst.seek(at - start)
                dst.write(src.read(length))
    mine = overrides_of(device, work) if keep_overrides else None
    if mine:
        run("mcopy", "-o", "-i", fat, mine, "::" + bootpart.OVERRIDES)
        say(f"{bootpart.OVERRIDES} of the card is kept")
    return fat


def write(flash, image):
    device = flash.device
    if flash.fresh:  # no half-written card shall look like a whole one
        with open(device.path, "r+b", buffering=0) as f:
            zero(f, device, 0, MIB)
            zero(f, device, device.size // SECTOR * SECTOR - MIB, MIB)
            os.fsync(f.fileno())
    for name, start, size in flash.new:
        say(f"writing {name}")
        write_part(device, image, flash.sources[name], (start, size))
        read_again(device, image, flash.sources[name], (start, size))
    if flash.fresh or flash.new or not flash.table_whole:
        card.make_table(device.path, flash.parts)
    with work_folder() as work:
        say(f"writing {bootpart.NAME}")
        fat = boot_partition(image, flash.layout, device, not flash.fresh, work)
        here, there = (0, bootpart.BYTES), flash.layout.parts[0][1:]
        write_part(device, fat, here, there)
        read_again(device, fat, here, there)
    tell_kernel(device)


def tell_kernel(device):
    """Of the new table. Somebody may be using it all the same (--force): then not."""
    if device.block:
        with open(device.path, "rb") as f:
            try:
                fcntl.ioctl(f, BLKRRPART)
            except OSError:
                pass


def check_device(path, force):
    """The device, if nothing is against writing to it."""
    device = Device(path)
    why = device.unsafe()
    if why and not force:
        raise Refused(f"{why} (--force writes to it all the same)")
    if why:
        say(why)
    return device


def flash_card(device, image, plan, layout, yes, erase, grow):
    """All of `bulkhead flash` but building the image."""
    flash = Flash(device, plan.disks, layout, erase, grow)
    if not flash.fresh:
        with open(plan.dtb, "rb") as f:
            check_overrides(device, f.read())
    flash.show()
    confirm("Write this card?", yes)
    write(flash, image)
    say(f"{device.path} is ready; what was written has been read again and is right")
