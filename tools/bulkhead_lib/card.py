"""The SD card image of a configuration.

GPT with a hybrid MBR (for boot ROMs that know no GPT); partition 1 is for booting (bootpart.py), then one
for each disk of a VM, with the name the configuration gives it.

What exists is kept: only the boot partition or the disks whose source changed are written again. A new
layout (other partitions or sizes) starts from an empty card.
"""
import filecmp
import json
import os
import uuid

from . import bootpart, debian, diskfile, fdt, gpt, guestfw
from .common import GUESTS, MIB, SECTOR, Refused, align, need, parse_size, run, say
from .project import BOARDS, smallest_board, vmscheck

GPT_TAIL = MIB  # room for the backup header and entries
LEAST_BYTES = 4 << 30


def guid(name):
    """The same card gets the same identifiers each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "bulkhead:" + name))


class Disk:
    """One partition for a VM's disk and what it starts out with."""

    def __init__(self, line):
        self.partition, image, size, self.vm, mode = line.split("\t")
        self.image = image
        self.size = parse_size(size) if size else 0
        self.read_only = mode == "ro"
        self.source = None  # file, or None for an empty partition
        self.format = "raw"

    def use(self, path):
        self.source = path
        self.format = diskfile.by_name(path)
        diskfile.check(path, self.format)

    def key(self):
        if not self.source:
            return "empty"
        st = os.stat(self.source)
        return f"{os.path.abspath(self.source)} {st.st_size} {st.st_mtime_ns}"

    def settle_size(self):
        have = diskfile.virtual_size(self.source, self.format) if self.source else 0
        if not self.size and not have:
            raise Refused(f"disk {self.partition} of {self.vm}: an empty disk needs a size")
        if self.size and have > self.size:
            raise Refused(f"disk {self.partition} of {self.vm}: {self.source} is larger than its size")
        self.size = align(self.size or have, SECTOR)


def find(name, folders, what):
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise Refused(f"{what}: no file {name} in {', '.join(folders)}")


class Plan:
    """What goes on the card: boot files and disks. `folders_of(vm)` says where a VM's files may be. With
    `only`, one VM's."""

    def __init__(self, dtb, folders_of, only=None):
        self.dtb = dtb
        self.work = os.path.dirname(os.path.abspath(dtb))
        with open(dtb, "rb") as f:
            blob = f.read()
        self.board = smallest_board(blob)
        nodes = [vm for vm in fdt.read(blob).child("vms").children if only in (None, vm.name)]
        used = {disk.text("partition") for vm in nodes for disk in vm.child("disks").children}
        lines = run(vmscheck(), dtb, "--ram", str(max(BOARDS.values())), "--list-disks").splitlines()
        self.disks = [disk for disk in map(Disk, lines) if disk.partition in used]
        self.firmware = {vm.name for vm in nodes if vm.text("boot") == "firmware"}
        self.build_recipes()
        self.vm_files = {}
        for vm in nodes:
            self.add_files(vm, folders_of(vm.name))
        for disk in self.disks:
            if disk.image and not disk.source:
                disk.use(find(disk.image, folders_of(disk.vm), f"disk of {disk.vm}"))
            disk.settle_size()

    def add_files(self, vm, folders):
        names = [vm.text(what) for what in ("kernel", "initrd", "binary") if vm.text(what)]
        if vm.name in self.firmware:
            folders = [guestfw.folder(self.work)]
            names = guestfw.NAMES
        for name in names:
            path = find(name, folders, f"{vm.name}: boot file")
            if not filecmp.cmp(self.vm_files.setdefault(name, path), path, shallow=False):
                raise Refused(f"{vm.name}: {name}: another VM has a different file of this name, and there "
                              "is one folder for all on the card: give one of the two another name")

    def build_recipes(self):
        """Run each recipe once, for all VMs that want it."""
        os.makedirs(GUESTS, exist_ok=True)
        for recipe in debian.TYPES:
            wanted = [d for d in self.disks if d.image == recipe]
            made = wanted and debian.make(recipe, GUESTS, [(d.vm, d.size, d.vm, d.vm in self.firmware) for d in wanted])
            for disk, path in zip(wanted, made):
                disk.source = path


class Layout:
    """Where everything lies: (name, first byte, bytes) for each partition."""

    def __init__(self, disks, minimum):
        self.parts = [(bootpart.NAME, MIB, bootpart.BYTES)]
        for disk in disks:
            self.parts.append((disk.partition, align(self.end(), MIB), disk.size))
        # The emulator's card model takes only powers of two.
        self.total = 1 << (max(align(self.end(), MIB) + GPT_TAIL, minimum) - 1).bit_length()

    def end(self):
        return self.parts[-1][1] + self.parts[-1][2]


def make_table(image, parts):
    """A new table on an image or device that is there: (name, first byte, bytes) of each partition."""
    rows = [gpt.Part(number, start, size, gpt.BASIC_DATA if number == 1 else gpt.LINUX, name, guid(name))
            for number, (name, start, size) in enumerate(parts, 1)]
    with open(image, "r+b", buffering=0) as f:
        size = f.seek(0, os.SEEK_END)
        head, tail = gpt.make(rows, size, guid("disk"))
        for at, data in ((size // SECTOR * SECTOR - len(tail), tail), (0, head)):
            f.seek(at)
            f.write(data)
            os.fsync(f.fileno())
    check_table(image, parts)


def check_table(image, parts):
    """Another program reads it as it was meant."""
    if "No problems found" not in run("sgdisk", "--verify", image):
        raise Refused("the partition table is not as it should be")
    for number, (name, start, size) in enumerate(parts, 1):
        info = run("sgdisk", f"--info={number}", image)
        if f"First sector: {start // SECTOR} " not in info or f"name: '{name}'" not in info \
                or f"Partition size: {size // SECTOR} " not in info:
            raise Refused(f"partition {number} ({name}) was not made as asked:\n{info}")


def data_ranges(f, start, end):
    """(first byte, byte after the last) of what is no hole; all of it where that can't be known."""
    at = start
    while at < end:
        try:
            at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            stop = os.lseek(f.fileno(), at, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != 6:  # ENXIO: only a hole is left; else no holes are known here
                yield at, end
            return
        if at < end:
            yield at, min(stop, end)
        at = stop


def copy_sparse(source, image, offset, size):
    """Lay a file into the image: its data only, holes (and what follows it) become holes."""
    run("fallocate", "--punch-hole", "--offset", str(offset), "--length", str(size), image)
    if not source:
        return
    with open(source, "rb") as src, open(image, "r+b") as dst:
        for at, stop in data_ranges(src, 0, os.fstat(src.fileno()).st_size):
            src.seek(at)
            dst.seek(offset + at)
            while at < stop:
                piece = src.read(min(4 * MIB, stop - at))
                dst.write(piece)
                at += len(piece)


def lay_disk(disk, image, offset, size):
    copy_sparse(disk.source if disk.format == "raw" else None, image, offset, size)
    if disk.source and disk.format != "raw":
        diskfile.write_into(disk.source, disk.format, image, offset)


class State:
    """What the image holds, kept beside it: absent while the image is being written."""

    def __init__(self, image, layout):
        self.path = image + ".state"
        self.now = {"layout": layout.parts, "total": layout.total, "parts": {}}
        self.old = {}
        try:
            with open(self.path, encoding="utf-8") as f:
                self.old = json.load(f)
        except (OSError, ValueError):
            pass
        same = json.loads(json.dumps(self.now))
        if self.old.get("layout") != same["layout"] or self.old.get("total") != layout.total \
                or not os.path.exists(image) or os.path.getsize(image) != layout.total:
            self.old = {}

    def is_new(self):
        return not self.old

    def changed(self, name, key):
        self.now["parts"][name] = key
        return self.old.get("parts", {}).get(name) != key

    def begin(self):
        if os.path.exists(self.path):
            os.unlink(self.path)

    def commit(self):
        with open(self.path, "w", encoding="utf-8") as f:
            json.dump(self.now, f)


def write(image, plan, layout, files):
    """Bring the image up to date; with `files` on its boot partition."""
    state = State(image, layout)
    boot_changed = state.changed(bootpart.NAME, bootpart.digest(files))
    disks = [(disk, part) for disk, part in zip(plan.disks, layout.parts[1:])
             if state.changed(disk.partition, disk.key())]
    if not boot_changed and not disks:
        say(f"{os.path.relpath(image)} is up to date")
        return
    state.begin()
    if state.is_new():
        say(f"new card of {layout.total // MIB} MiB, {len(layout.parts)} partitions")
        if os.path.exists(image):
            os.unlink(image)
        with open(image, "wb") as f:
            f.truncate(layout.total)
        make_table(image, layout.parts)
    if boot_changed:
        say(f"writing {bootpart.NAME}")
        fat = os.path.join(os.path.dirname(image), "boot.fat")
        bootpart.make(fat, files)
        copy_sparse(fat, image, layout.parts[0][1], layout.parts[0][2])
    for disk, (name, start, size) in disks:
        say(f"writing {name} ({size // MIB} MiB)")
        lay_disk(disk, image, start, size)
    state.commit()
    say(f"{os.path.relpath(image)} is ready")


def build(image, dtb, folders_of, size=LEAST_BYTES, firmware=None, hypervisor=None):
    """The card image of a compiled configuration; (plan, layout)."""
    need("sgdisk", "mkfs.vfat", "mcopy", "mkimage", "qemu-img", "fallocate")
    image = os.path.abspath(image)
    work = os.path.dirname(image)
    os.makedirs(work, exist_ok=True)
    plan = Plan(dtb, lambda vm: folders_of(vm) + [GUESTS, work])
    layout = Layout(plan.disks, size)
    files = bootpart.collect(work, dtb, plan.vm_files, firmware, hypervisor)
    write(image, plan, layout, files)
    return plan, layout
