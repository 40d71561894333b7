"""Files that hold a disk: raw, VDI, VHD, VMDK, qcow2, by qemu-img.

A file that is made appears under its name only when it is complete and has been compared with where it
came from. What qemu-img would read as zeros without a word (the missing end of a VDI, say) is refused.
"""
import json
import os
import struct
import subprocess

from .common import MIB, SECTOR, Refused, align, need, put_in_place, run, show_size

# As the user calls it: (as qemu-img calls it, extensions, the first is the one for new files)
FORMATS = {
    "raw": ("raw", (".raw", ".img", ".ext4", ".iso")),
    "vdi": ("vdi", (".vdi",)),
    "vhd": ("vpc", (".vhd", ".vpc")),
    "vmdk": ("vmdk", (".vmdk",)),
    "qcow2": ("qcow2", (".qcow2",)),
}
VHD_FOOTER = 512    # Microsoft's VHD specification 1.0: footer at the end, of dynamic disks a copy at 0
VHD_BLOCK_NONE = 0xffffffff
VDI_MAGIC = struct.pack("<I", 0xbeda107f)  # at 0x40 (VirtualBox, VDICore.h)
UNREADABLE = {  # what a user may bring, and what to do about it
    b"vhdxfile": "a VHDX: make a VHD of it first (qemu-img convert -O vpc -o force_size=on)",
    b"# Disk DescriptorFile": "a VMDK in several files: make one file of it first (qemu-img convert -O vmdk)",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
    b"\xfd7zXZ\0": "compressed by xz: unpack it first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it first",
    b"PK\x03\x04": "a ZIP archive: unpack it first",
}


def by_name(path):
    """The format that a file's name says; what says none is raw."""
    extension = os.path.splitext(path)[1].lower()
    for name, (_, extensions) in FORMATS.items():
        if extension in extensions:
            return name
    return "raw"


def by_contents(path):
    """The format that a file's first and last bytes say; Refused for what is no disk file."""
    try:
        with open(path, "rb") as f:
            head = f.read(SECTOR)
            size = f.seek(0, os.SEEK_END)
            f.seek(max(0, size - VHD_FOOTER))
            tail = f.read(VHD_FOOTER)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    if not head:
        raise Refused(f"{path} is empty")
    for magic, what in UNREADABLE.items():
        if head.startswith(magic):
            raise Refused(f"{path} is {what}")
    if head.startswith(b"QFI\xfb"):
        return "qcow2"
    if head[0x40:0x44] == VDI_MAGIC:
        return "vdi"
    if head.startswith(b"KDMV"):
        return "vmdk"
    if head.startswith(b"conectix") or tail.startswith(b"conectix"):
        return "vhd"
    return "raw"


def recognise(path, wanted=None):
    """The format of a file that a user brings, or Refused if its name and contents disagree."""
    if not os.path.isfile(path):
        raise Refused(f"{path}: there is no such file")
    found = by_contents(path)
    said = wanted or by_name(path)
    if wanted == "raw" or found == said:
        return said
    if said != "raw":
        raise Refused(f"{path} is no {said.upper()} file: its beginning or end is not one's (damaged, "
                      f"truncated, or in truth {found})")
    return found


def options(path, fmt, **more):
    """A file as qemu-img's --image-opts name it."""
    driver = FORMATS[fmt][0]
    parts = {"driver": driver, **more, "file.driver": "file", "file.filename": os.path.abspath(path)}
    if fmt == "vhd" and creator(path) != b"vpc ":
        parts["force_size_calc"] = "current_size"  # the size that is written, not that of its CHS geometry
    return ",".join(f"{key}={str(value).replace(',', ',,')}" for key, value in parts.items())


def creator(path):
    with open(path, "rb") as f:
        f.seek(-VHD_FOOTER, os.SEEK_END)
        return f.read(32)[28:]


def information(path, fmt):
    need("qemu-img")
    return json.loads(run("qemu-img", "info", "--output=json", "--image-opts", options(path, fmt)))


def virtual_size(path, fmt=None):
    """Bytes of the disk in a file."""
    fmt = fmt or by_name(path)
    return os.path.getsize(path) if fmt == "raw" else information(path, fmt)["virtual-size"]


def check(path, fmt):
    """Refused, in plain words, unless the whole disk is in this one file."""
    if fmt == "raw":
        return
    # What lies outside the file is looked for first: nothing else is opened for it.
    if fmt == "qcow2":
        check_qcow2(path)
    elif fmt == "vdi":
        check_vdi(path)
    elif fmt == "vhd":
        check_vhd(path)
        return  # qemu-img has no check of its own for it
    elif os.path.getsize(path) % SECTOR:  # a VMDK is made of whole sectors (VMware, Virtual Disk Format 5.0)
        raise Refused(f"{path} is truncated: its last sector is not whole")
    done = subprocess.run(["qemu-img", "check", "-q", "--image-opts", options(path, fmt)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False)
    if done.returncode not in (0, 3):  # 3: only space that is lost
        detail = done.stdout.strip().splitlines()
        raise Refused(f"{path} is damaged or truncated" + (f": {detail[0]}" if detail else ""))


def truncated(path, have, need_bytes):
    raise Refused(f"{path} is truncated: it has {have} bytes, its own tables speak of {need_bytes}")


def check_qcow2(path):
    """Header of QEMU's docs/interop/qcow2.txt: no backing file, no data elsewhere, no encryption."""
    with open(path, "rb") as f:
        head = f.read(104).ljust(104, b"\0")
    version, backing = struct.unpack_from(">IQ", head, 4)
    encrypted, = struct.unpack_from(">I", head, 32)
    incompatible, = struct.unpack_from(">Q", head, 72)
    if backing:
        raise Refused(f"{path} holds only the difference to another file: make one file of both first "
                      "(qemu-img convert -O qcow2)")
    if version >= 3 and incompatible & 4:
        raise Refused(f"{path} has its data in another file: make one file of both first "
                      "(qemu-img convert -O qcow2)")
    if encrypted:
        raise Refused(f"{path} is encrypted")


def check_vdi(path):
    """Do all blocks of the map lie in the file? Offsets as in VirtualBox' VDICore.h, version 1.1."""
    have = os.path.getsize(path)
    with open(path, "rb") as f:
        head = f.read(SECTOR).ljust(SECTOR, b"\0")
    data_at, = struct.unpack_from("<I", head, 0x158)
    block, _extra, _count, used = struct.unpack_from("<4I", head, 0x178)
    if have < data_at + used * block:
        truncated(path, have, data_at + used * block)


def vhd_sum(data, at):
    """One's complement of the sum of all bytes but the checksum itself."""
    return ~(sum(data) - sum(data[at:at + 4])) & 0xffffffff


def check_vhd(path):
    """Footer, and of dynamic disks the header and every block of the table."""
    have = os.path.getsize(path)
    with open(path, "rb") as f:
        f.seek(max(0, have - VHD_FOOTER))
        footer = f.read(VHD_FOOTER)
        if not footer.startswith(b"conectix"):
            raise Refused(f"{path} is truncated: the footer of a VHD is missing at its end")
        header_at, = struct.unpack_from(">Q", footer, 16)
        size, = struct.unpack_from(">Q", footer, 48)
        kind, checksum = struct.unpack_from(">II", footer, 60)
        if checksum != vhd_sum(footer, 64):
            raise Refused(f"{path} is damaged: its footer has a wrong checksum")
        if kind == 2:  # fixed: the disk, then the footer
            if have < size + VHD_FOOTER:
                truncated(path, have, size + VHD_FOOTER)
            return
        if kind != 3:
            raise Refused(f"{path} holds only the difference to another file: merge them first")
        f.seek(header_at)
        header = f.read(1024)
        if len(header) < 1024 or header[:8] != b"cxsparse" or \
                struct.unpack_from(">I", header, 36)[0] != vhd_sum(header, 36):
            raise Refused(f"{path} is damaged: its header is not a VHD's")
        table_at, = struct.unpack_from(">Q", header, 16)
        count, block = struct.unpack_from(">II", header, 28)
        f.seek(table_at)
        table = f.read(4 * count)
    if not block or block % SECTOR or len(table) < 4 * count or count * block < size:
        raise Refused(f"{path} is damaged: its table of blocks is incomplete")
    bitmap = align(block // SECTOR // 8, SECTOR)
    used = [entry for entry in struct.unpack(f">{count}I", table) if entry != VHD_BLOCK_NONE]
    if used and max(used) * SECTOR + bitmap + block > have - VHD_FOOTER:
        truncated(path, have, max(used) * SECTOR + bitmap + block + VHD_FOOTER)


# ---- Making files ----

def extra_options(fmt):
    # Without it a VHD's size is rounded to what CHS geometry can say.
    return ["-o", "force_size=on"] if fmt == "vhd" else []


def create(path, fmt, size):
    """An empty disk. It takes no space to speak of."""
    need("qemu-img")
    run("qemu-img", "create", "-q", "-f", FORMATS[fmt][0], *extra_options(fmt), path, str(size))


def make(source, source_format, path, fmt, size=None):
    """The disk of `source` as a new file of a format, of at least `size` bytes, compared with `source`.
    Either all of it is at `path` in the end, or nothing has changed there."""
    need("qemu-img")
    new, between = path + ".new", path + ".raw.new"
    have = virtual_size(source, source_format)
    size = align(max(size or 0, have), SECTOR)
    try:
        if fmt == "raw" or size == have:
            target = new
            convert(source, source_format, target, fmt)
        else:  # only a raw file can be made longer whatever its format
            target = between
            convert(source, source_format, target, "raw")
        if fmt == "raw":
            os.truncate(target, size)
        elif target == between:
            os.truncate(between, size)
            convert(between, "raw", new, fmt)
        if virtual_size(new, fmt) != size:
            raise Refused(f"{path}: a {fmt} file of exactly {show_size(size)} could not be made")
        done = subprocess.run(["qemu-img", "compare", "-q", "--image-opts",
                               options(source, source_format), options(new, fmt)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise Refused(f"{path}: what was written is not what was read: {done.stdout.strip()}")
        put_in_place(new, path)
    finally:
        for file in (new, between):
            if os.path.exists(file):
                os.unlink(file)


def convert(source, source_format, target, fmt):
    run("qemu-img", "convert", "-q", "--image-opts", "-O", FORMATS[fmt][0], *extra_options(fmt),
        options(source, source_format), target)


def piece(source, fmt, start, size, target):
    """A part of a disk as a raw file; what lies beyond the disk's end is left out."""
    size = min(align(size, SECTOR), virtual_size(source, fmt) // SECTOR * SECTOR - start)
    if start < 0 or size <= 0:
        return False
    driver = options(source, fmt)
    inner = ",".join("file." + part for part in driver.replace(",,", "\0").split(","))
    inner = inner.replace("\0", ",,")
    run("qemu-img", "convert", "-q", "--image-opts", "-O", "raw",
        f"driver=raw,offset={start},size={size},{inner}", target)
    return True


def write_into(source, fmt, image, offset):
    """The disk's contents into a part of another file that holds zeros there."""
    size = virtual_size(source, fmt)
    target = options(image, "raw", offset=offset, size=size)
    run("qemu-img", "convert", "-q", "-n", "--target-is-zero", "--image-opts", "--target-image-opts",
        options(source, fmt), target)


def grow(path, fmt, size):
    """Make the disk in a file longer; never shorter."""
    have = virtual_size(path, fmt)
    if size < have:
        raise Refused(f"{path} has {show_size(have)}; a disk is not made smaller (asked for: "
                      f"{show_size(size)})")
    if fmt == "raw":
        os.truncate(path, size)
    elif size > have:
        make(path, fmt, path, fmt, size)


def in_use_bytes(path):
    return os.stat(path).st_blocks * 512


def describe(path):
    """For lists: format, size of the disk, space that its file takes."""
    fmt = by_name(path)
    return f"{fmt}, {show_size(virtual_size(path, fmt))}, {in_use_bytes(path) / MIB:.0f}M used on this PC"
