"""A VM's disk under QEMU's `virt` machine, without the hypervisor: prepared on the PC, then put on a card.

It is the very file that `build` writes to the card: what the VM changes here stays.
"""
import os
import platform
import shutil

from . import diskfile, guestfw
from .common import MIB, Refused, need, parse_size
from .project import BOARDS

FLASH_BYTES = 64 * MIB  # of each of the two (QEMU, hw/arm/virt.c)
MAX_SERIAL = 20  # virtio 1.2, 5.2.6: as at EL2, the beginning of the partition's name


def memory_mib(text):
    """A share of the board's RAM is one of the smallest board's."""
    if text.endswith("%"):
        return BOARDS[min(BOARDS)] * int(text[:-1]) // 100
    return parse_size(text, "memory") // MIB


def accelerator():
    """The PC's own processor where it is an arm64 one and may be used."""
    if platform.machine() == "aarch64" and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-cpu", "cortex-a72"]


def disk_arguments(vm, sources):
    """In the order of /dev/vda, vdb, ...: QEMU's own order of its virtio-mmio slots is another."""
    words = []
    for number, disk in enumerate(vm.disks):
        partition = disk.text("partition")
        path, fmt = sources.get(partition, (None, None))
        if not path:
            raise Refused(f"{vm.name}: disks/{disk.name} has no file on this PC: name one as its image")
        drive = f"if=none,id=disk{number},file={path.replace(',', ',,')},format={diskfile.FORMATS[fmt][0]}"
        if "read-only" in disk.properties:
            drive += ",readonly=on"
        words += ["-drive", drive, "-device", f"virtio-blk-device,drive=disk{number},"
                  f"bus=virtio-mmio-bus.{number},serial={partition[:MAX_SERIAL].replace(',', ',,')}"]
    return words


def environment_flash(plan):
    """The firmware's environment as the second flash memory of the machine, which must be full."""
    path = os.path.join(plan.work, "firmware.flash")
    shutil.copyfile(plan.vm_files[guestfw.NAMES[1]], path)
    os.truncate(path, FLASH_BYTES)
    return path


def command(vm, plan):
    """What starts it."""
    need("qemu-system-aarch64")
    sources = {disk.partition: (disk.source, disk.format) for disk in plan.disks}
    boot = [path for what, option in (("kernel", "-kernel"), ("binary", "-kernel"), ("initrd", "-initrd"))
            if vm.node.text(what) for path in (option, plan.vm_files[vm.node.text(what)])]
    if vm.node.text("boot") == "firmware":
        boot = ["-bios", plan.vm_files[guestfw.NAMES[0]], "-drive", "if=pflash,unit=1,format=raw,readonly=on,file=" +
                environment_flash(plan).replace(",", ",,")]
    if vm.node.text("bootargs"):
        boot += ["-append", vm.node.text("bootargs")]
    return ["qemu-system-aarch64", "-M", "virt,gic-version=2", *accelerator(), "-nodefaults", "-display", "none",
            "-serial", "mon:stdio", "-global", "virtio-mmio.force-legacy=false", "-no-reboot",
            "-smp", str(len(vm.cpus)), "-m", f"{memory_mib(vm.memory)}M", *boot, *disk_arguments(vm, sources)]


def start(vm, plan, more):
    words = command(vm, plan)
    print(f"bulkhead: {vm.name} on QEMU's virt machine; Ctrl-A X ends it",
          flush=True)
    os.execvp(words[0], words + more)
