"""The commands about VMs: new, list, show, set, rm, check."""
import os
import shutil

from . import ask, debian, diskfile, dts, inside, medium
from .common import GUESTS, Refused, align, confirm, dts_size, parse_size, put_in_place, say, \
    show_size, terminal, write_text
from .project import BOARDS, TEMPLATE, judge, smallest_board

MAIN_DISK = "root"


def describe_fit(gb):
    return "fits boards of every size" if gb == min(BOARDS) else f"needs a board with {gb} GB or more"


# ---- new ----

def make_node(wanted, free):
    """A VM's node from the answers so far; what is missing is filled with what breaks no rule."""
    vm = dts.Node(wanted.get("name") or "new")
    vm.put("cpus", wanted.get("cpus") or free[:1] or [0], cells=True)
    vm.put("memory", wanted.get("memory") or "32M")
    kind, firmware = wanted.get("type"), by_firmware(wanted)
    if firmware:
        vm.put("boot", "firmware")
    for field in ("kernel", "initrd", "binary"):
        if wanted.get(field):
            vm.put(field, os.path.basename(wanted[field]))
    if kind in debian.TYPES and not firmware:
        for field, name in zip(("kernel", "initrd"), debian.boot_files(kind)):
            vm.put(field, name)
        vm.put("bootargs", wanted.get("bootargs") or debian.BOOTARGS)
    elif wanted.get("bootargs"):
        vm.put("bootargs", wanted["bootargs"])
    if not firmware and not vm.get("kernel") and not vm.get("binary"):
        vm.put("kernel", "kernel")
    if wanted.get("console"):
        vm.put("console", wanted["console"])
    if kind in debian.TYPES or wanted.get("disk") or wanted.get("image"):
        disk = vm.node("disks").node(MAIN_DISK)
        disk.put("partition", f"{vm.name}-{MAIN_DISK}"[:36])
        disk.put("image", disk_name(wanted))
    if wanted.get("iso"):
        medium.put(vm, wanted["iso"])
    return vm


def by_firmware(wanted):
    """Does it start what its own disk holds? A Debian does, unless told otherwise."""
    return (wanted.get("boot") or ("firmware" if wanted.get("type") in debian.TYPES else "kernel")) == "firmware"


def disk_name(wanted):
    return "disk" + diskfile.FORMATS[wanted.get("format") or "raw"][1][0]


def file_of(vm):
    return "\n".join(vm.lines()) + "\n"


def vm_folder(project, wanted):
    folder = os.path.abspath(wanted.get("folder") or os.path.join(project.folder, "vms", wanted["name"]))
    if os.path.lexists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        raise Refused(f"{folder} is there already and not empty")
    if any(c in folder for c in '"\\\n'):
        raise Refused(f"folder: {folder!r} has a character that a vms.dts cannot hold")
    return folder


def fill_debian(wanted, work):
    """Disk, kernel and initrd of a Debian, by the recipe of the default card."""
    firmware = by_firmware(wanted)
    disk = wanted["name"], wanted["disk"], wanted.get("hostname") or wanted["name"], firmware
    made, = debian.make(wanted["type"], work, [disk])
    for name in debian.boot_files(wanted["type"]) if firmware else ():
        os.unlink(os.path.join(work, name))  # the disk has its own
    target = os.path.join(work, disk_name(wanted))
    if target.endswith(".raw"):
        os.replace(made, target)
    else:
        diskfile.make(made, "raw", target, wanted["format"])
        os.unlink(made)
    os.unlink(made + ".made")


def fill_custom(wanted, work):
    for field in ("kernel", "initrd", "binary"):
        if wanted.get(field):
            shutil.copyfile(wanted[field], os.path.join(work, os.path.basename(wanted[field])))
    target = os.path.join(work, disk_name(wanted))
    if wanted.get("image"):
        bring(wanted["image"], wanted.get("image_format"), target, wanted.get("disk"))
    elif wanted.get("disk"):
        diskfile.create(target, wanted.get("format") or "raw", wanted["disk"])


def bring(source, source_format, target, size=None):
    """A user's disk becomes the file `target`, in the format of its name; it is looked into first."""
    fmt = diskfile.recognise(source, source_format)
    diskfile.check(source, fmt)
    found = inside.look(source, fmt)
    say(f"{source}: {fmt}, {show_size(diskfile.virtual_size(source, fmt))}: {found.text()}")
    if found.refusal():
        raise Refused(f"{source}: {found.refusal()}")
    have = diskfile.virtual_size(source, fmt)
    if size and size < have:
        raise Refused(f"{source} has {show_size(have)}; a disk is not made smaller (asked for: "
                      f"{show_size(size)})")
    if have % 512:
        say(f"{source} ends within a sector of 512 bytes; the disk gets {align(have, 512)} bytes")
    diskfile.make(source, fmt, target, diskfile.by_name(target), size)
    return found


def new(project, given, defaults=False):
    vms = project.vms() if project.exists() and project_has_vms(project) else []
    text = project.text() if project.exists() else TEMPLATE
    free = ask.free_cores(vms)
    if not free:
        owners = ", ".join(f"{vm.name} has {ask.show_cores(vm.cpus)}" for vm in vms)
        raise Refused(f"all cores have a VM already ({owners}): `bulkhead set` or `bulkhead rm` frees some")
    wanted = {field: given.get(field) for field in
              ("image", "image_format", "folder", "hostname", "bootargs", "console", "boot")}

    def candidate(answers):
        vm = make_node(answers, free)
        return project.compile(dts.add_include(text, project.file, "new"), {"new": file_of(vm)})

    if given.get("iso"):
        wanted["iso"] = medium.look(given["iso"])
        if not any(given.get(what) for what in ("boot", "kernel", "binary")):
            wanted["boot"] = "firmware"
    ask.complete(ask.Questions(project, vms, wanted, candidate), given, defaults)
    check_new(wanted)
    board = smallest_board(candidate(wanted))
    folder = vm_folder(project, wanted)
    build_folder(wanted, make_node(wanted, free), folder)
    try:
        write_text(project.file, dts.add_include(text, project.file,
                                                 os.path.relpath(folder, project.folder)+ "/vm.dts"))
    except Refused:
        shutil.rmtree(folder)
        raise
    say(f"{wanted['name']} is made: {os.path.relpath(folder)}; {describe_fit(board)}")


def project_has_vms(project):
    return bool(dts.includes(project.text(), project.file)) or judge_text(project) is None


def judge_text(project):
    return judge(project.compile(), BOARDS[max(BOARDS)])


def check_new(wanted):
    """What belongs together, before anything is made."""
    custom = wanted["type"] == "custom"
    if custom and wanted.get("boot") != "firmware" and not wanted.get("kernel") and not wanted.get("binary"):
        raise Refused("missing: --kernel FILE or --binary FILE, what the VM starts, or --boot firmware")
    for field in ("kernel", "initrd", "binary"):
        if not custom and wanted.get(field):
            raise Refused(f"{field}: a {wanted['type']} brings its own")
        if wanted.get(field) and not os.path.isfile(wanted[field]):
            raise Refused(f"{field}: there is no file {wanted[field]}")
    if wanted.get("image") and not custom:
        raise Refused(f"image: that is for --type custom; {wanted['type']} makes a disk of its own")
    if wanted.get("hostname") and custom:
        raise Refused("hostname: that is for Debian; a custom VM's name is in its own disk")


def build_folder(wanted, vm, folder):
    """All of a VM's folder beside its place, then at its place."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    work = folder + ".new"
    shutil.rmtree(work, ignore_errors=True)
    os.mkdir(work)
    try:
        (fill_debian if wanted["type"] in debian.TYPES else fill_custom)(wanted, work)
        write_text(os.path.join(work, "vm.dts"), file_of(vm))
        if os.path.isdir(folder):
            os.rmdir(folder)
        os.rename(work, folder)
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


# ---- list, show, check ----

def list_vms(project):
    rows = [("NAME", "CORES", "MEMORY", "DISKS", "FOLDER")]
    for vm in project.vms():
        disks = ", ".join(disk_line(vm, disk, short=True) for disk in vm.disks) or "-"
        rows.append((vm.name, ask.show_cores(vm.cpus), vm.memory or "?", disks,
                     os.path.relpath(vm.folder) if vm.file else f"in {os.path.basename(project.file)}"))
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    for row in rows:
        print("  ".join([cell.ljust(width) for cell, width in zip(row, widths)] + [row[4]]))


def find_file(vm, name, *more):
    """A file that a VM names: in its own folder, then elsewhere. None: nowhere."""
    for folder in (vm.folder, *more, GUESTS):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    return None


def disk_line(vm, disk, short=False):
    image, size = disk.text("image"), disk.text("size")
    path = image and find_file(vm, image)
    if short:
        try:
            return f"{disk.name} {size or (path and show_size(diskfile.virtual_size(path))) or '?'}"
        except Refused:
            return f"{disk.name} (unreadable)"
    line = f'{disk.name}: partition "{disk.text("partition")}"'
    if "read-only" in disk.properties:
        line += ", read-only"
    if path:
        line += f", {os.path.relpath(path)} ({diskfile.describe(path)})"
    elif image:
        line += f", made from {image} when the card is built"
    return line + (f", size {size}" if size else "")


def show(project, name):
    vm = project.vm(name)
    print(f"{vm.name}")
    print(f"  file: {os.path.relpath(vm.file or project.file)}")
    print(f"  cores: {ask.show_cores(vm.cpus)}")
    for field in ("memory", "boot", "kernel", "initrd", "binary", "bootargs", "console"):
        if vm.node.text(field):
            print(f"  {field}: {vm.node.text(field)}")
    for disk in vm.disks:
        print("  disk " + disk_line(vm, disk))


def check(project, board=None):
    """The rules, and the files that the VMs name. A board (GB) that it must fit, or any."""
    blob = project.compile()
    gb = smallest_board(blob, board or max(BOARDS))
    for vm in project.vms(blob):
        for what, name in vm.boot_files():
            if not find_file(vm, name, project.folder):
                raise Refused(f"{vm.name}: {what}: no file {name} in {os.path.relpath(vm.folder)}")
        for disk in vm.disks:
            image = disk.text("image")
            path = image and find_file(vm, image, project.folder)
            if path:
                diskfile.check(path, diskfile.by_name(path))
            elif image and image not in ask.TYPES:
                raise Refused(f"{vm.name}: disks/{disk.name}: image: no file {image} in "
                              f"{os.path.relpath(vm.folder)}")
    say(f"{project.file} is accepted; {describe_fit(gb)}")


# ---- set ----

def change(project, name, given):
    """New values for a VM's properties; its disk only grows."""
    vm = project.own(name)
    file = dts.VmFile(project_text(vm), vm.file)
    if given.get("cpus") is not None:
        file.vm.put("cpus", ask.parse_cpus(given["cpus"], ask.free_cores(project.vms(), name)), cells=True)
    for field in ("memory", "bootargs", "console"):
        if given.get(field) is not None:
            file.vm.put(field, given[field] or None)
    if given.get("boot"):
        change_boot(project, vm, file.vm, given)
    if given.get("iso") is not None:
        medium.change(file.vm, given["iso"])
    files = new_boot_files(vm, file.vm, given)
    growing = grow_disk(vm, file.vm, given["disk"]) if given.get("disk") else None
    blob = project.compile(project.text(), {project.include_of(vm): file.text()})
    board = smallest_board(blob)
    for source, target in files:
        shutil.copyfile(source, target + ".new")
        put_in_place(target + ".new", target)
    if growing:
        diskfile.grow(*growing)
    write_text(vm.file, file.text())
    say(f"{name} is changed; {describe_fit(board)}")


def change_boot(project, vm, node, given):
    """With a firmware no file is started, and a disk must be there that it can boot, or an empty one, or a medium."""
    firmware = given["boot"] == "firmware"
    node.put("boot", "firmware" if firmware else None)
    if not firmware:
        return
    for field in ("kernel", "initrd", "bootargs", "binary"):
        node.put(field, None)
    if given.get("iso") not in (None, medium.NONE):
        return
    why = f"{vm.name} has no disk"
    for disk in vm.disks:
        path = disk.text("image") and find_file(vm, disk.text("image"), project.folder)
        found = inside.look(path, diskfile.by_name(path)) if path else None
        if not found or found.empty or found.boots_by_firmware():
            return
        why = f"disks/{disk.name}: {found.text()}"
    raise Refused(f"{vm.name}: boot: a firmware finds nothing to start: {why}")


def project_text(vm):
    with open(vm.file, encoding="utf-8") as f:
        return f.read()


def new_boot_files(vm, node, given):
    """(from, to) of the files that are to be copied; an empty name takes a property out."""
    copies = []
    for field in ("kernel", "initrd", "binary"):
        path = given.get(field)
        if path is None:
            continue
        node.put(field, os.path.basename(path) or None)
        if path:
            if not os.path.isfile(path):
                raise Refused(f"{field}: there is no file {path}")
            target = os.path.join(vm.folder, os.path.basename(path))
            if not (os.path.exists(target) and os.path.samefile(path, target)):
                copies.append((path, target))
    return copies


def pick_disk(vm, name=None):
    """The disk of this name, else the first."""
    for disk in vm.disks:
        if name in (None, disk.name):
            return disk
    raise Refused(f'{vm.name} has no disk "{name}"' if name else f"{vm.name} has no disk")


def grow_disk(vm, node, text):
    """`text`: SIZE of the first disk, or DISK=SIZE. What diskfile.grow() wants, None for a partition."""
    name, _, amount = text.rpartition("=")
    disk = pick_disk(vm, name or None)
    size = parse_size(amount, "disk")
    image = disk.text("image")
    path = image and find_file(vm, image)
    have = diskfile.virtual_size(path) if path else parse_size(disk.text("size") or "1")
    if disk.text("size"):
        have = max(have, parse_size(disk.text("size")))
        node.node("disks").node(disk.name).put("size", dts_size(size))
    if size < have:
        raise Refused(f"disks/{disk.name} has {show_size(have)}; a disk is not made smaller (asked for: "
                      f"{show_size(size)})")
    return (path, diskfile.by_name(path), size) if path and not disk.text("size") else None


# ---- rm ----

def own_files(vm):
    """What this command put into a VM's folder: its text, boot files, disks."""
    names = [os.path.basename(vm.file)] + [name for _, name in vm.boot_files()] + \
            [disk.text("image") for disk in vm.disks if disk.text("image")]
    paths = [os.path.join(vm.folder, name) for name in names if os.path.basename(name) == name]
    return [path for path in paths if os.path.isfile(path)]


def remove(project, name, yes, keep_files):
    vm = project.own(name)
    files = own_files(vm)
    if not keep_files and not yes:
        if not terminal():
            raise Refused(f"rm {name} deletes {len(files)} files in {os.path.relpath(vm.folder)}, its disks "
                          "too: give --yes, or --keep-files")
        for path in files:
            print(f"  {os.path.relpath(path)} ({show_size(os.path.getsize(path))})")
        confirm(f"Delete these files of {name}?", False)
    write_text(project.file, dts.remove_include(project.text(), project.file, project.include_of(vm)))
    if keep_files:
        say(f"{name} is taken out of {project.file}; its files stay in {os.path.relpath(vm.folder)}")
        return
    for path in files:
        os.unlink(path)
    try:
        os.rmdir(vm.folder)
        say(f"{name} is removed")
    except OSError:
        say(f"{name} is removed; {os.path.relpath(vm.folder)} has other files, which stay")


# ---- import, export ----

def import_disk(project, name, source, source_format=None, disk_name_=None):
    """A file's disk becomes the VM's. It takes the file's size, or keeps its own where that is larger."""
    vm = project.own(name)
    disk = pick_disk(vm, disk_name_)
    target = os.path.join(vm.folder, disk.text("image") or "disk.raw")
    if disk.text("image") in ask.TYPES or os.path.dirname(disk.text("image") or ""):
        raise Refused(f"{name}: disks/{disk.name} is made from {disk.text('image')} each time the card is "
                      "built; name a file there first")
    size = parse_size(disk.text("size")) if disk.text("size") else None
    before = diskfile.virtual_size(target) if os.path.isfile(target) else 0
    found = bring_larger(source, source_format, target, max(size or 0, before))
    if size or not disk.text("image"):
        file = dts.VmFile(project_text(vm), vm.file)
        node = file.vm.node("disks").node(disk.name)
        node.put("image", os.path.basename(target))
        node.put("size", None)
        write_text(vm.file, file.text())
    after = diskfile.virtual_size(target)
    say(f"{name}: disks/{disk.name} is now the disk of {source}, {show_size(after)}")
    if vm.node.text("kernel") and found.boots_by_firmware():
        say(f"{name} starts the file {vm.node.text('kernel')}, not what is on its disk: `bulkhead set {name} --boot "
            "firmware` changes that")


def bring_larger(source, source_format, target, size):
    """As bring(), into a disk that keeps its size where it has more: told, not silently."""
    fmt = diskfile.recognise(source, source_format)
    have = align(diskfile.virtual_size(source, fmt), 512)
    if have < size:
        say(f"the VM's disk has {show_size(size)}, {source} {show_size(have)}: it keeps its size, the rest "
            "is zeros")
    return bring(source, source_format, target, max(size, have))


def export_disk(project, name, target, fmt=None, disk_name_=None):
    vm = project.vm(name)
    disk = pick_disk(vm, disk_name_)
    source = disk.text("image") and find_file(vm, disk.text("image"), project.folder)
    if not source:
        raise Refused(f"{name}: disks/{disk.name} has no file on this PC yet")
    fmt = fmt or diskfile.by_name(target)
    if os.path.exists(target):
        raise Refused(f"{target} is there already")
    diskfile.check(source, diskfile.by_name(source))
    diskfile.make(source, diskfile.by_name(source), target, fmt)
    say(f"{target}: {diskfile.FORMATS[fmt][0]}, {show_size(diskfile.virtual_size(target, fmt))}")
