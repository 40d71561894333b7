"""A VM's installation medium: a read-only disk behind the others, that its firmware starts when none of them can."""
import os
import zlib

from . import diskfile, inside
from .common import Refused, say, show_size

NODE = "medium"
NONE = "none"  # the answer that takes it out


def look(path):
    """A medium that a user names, after a look into it: its path, as a vms.dts has it."""
    path = os.path.abspath(path)
    fmt = diskfile.recognise(path)
    if fmt != diskfile.by_name(path):
        raise Refused(f"iso: {path}: is a {fmt} file, its name should say so")
    diskfile.check(path, fmt)
    found = inside.look(path, fmt)
    say(f"{path}: {show_size(diskfile.virtual_size(path, fmt))}: {found.text()}")
    if found.refusal():
        raise Refused(f"iso: {path}: {found.refusal()}")
    if not found.boots_by_firmware():
        say("nothing on it starts here by itself: no EFI/BOOT/BOOTAA64.EFI was found")
    return path


def partition_name(vm, path):
    """On the card; another medium is another partition, as `flash` keeps those that it knows by name."""
    st = os.stat(path)
    return f"{vm[:20]}-iso-{zlib.crc32(f'{path} {st.st_size} {st.st_mtime_ns}'.encode()):08x}"


def put(vm, path):
    """Into the source of a VM's node, as its last disk; instead of the one that was there."""
    eject(vm)
    disk = vm.node("disks").node(NODE)
    disk.put("partition", partition_name(vm.name, path))
    disk.put("image", path)
    disk.put("read-only", True)


def eject(vm):
    """Was there one?"""
    disks = vm.node("disks")
    return disks.drop(NODE) | (not disks.items and vm.drop("disks"))


def change(vm, text):
    """What `set --iso` says, done to the source of a VM's node."""
    if text in ("", NONE):
        if not eject(vm):
            raise Refused(f"iso: {vm.name} has no medium in it")
        return
    put(vm, look(text))
    if vm.get("boot") != "firmware":
        say(f'{vm.name} starts its kernel, not what is on the medium: that takes boot = "firmware"')
