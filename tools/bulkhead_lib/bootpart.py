"""The card's first partition: a FAT file system with firmware, U-Boot, the hypervisor, the configuration
and the boot files of the VMs.
"""
import hashlib
import os

import bootscript  # tools/bootscript.py

from .common import BUILD, MIB, TOP, Refused, run

NAME = "bulkhead-boot"
BYTES = 256 * MIB
FAT_LABEL = "BULKHEAD"  # at most 11 characters
BOARD_DTBS = ["bcm2711-rpi-4-b.dtb", "bcm2711-rpi-400.dtb", "bcm2711-rpi-cm4-io.dtb"]
FIRMWARE_FILES = ["start4.elf", "fixup4.dat", "u-boot.bin", "firmware-copyright.txt",
                  "u-boot-copyright.txt", "linux-copyright.txt"] + BOARD_DTBS
GUEST_FIRMWARE = "firmware.bin"  # guestfw.py
HYPERVISOR = os.path.join(BUILD, "rpi4", "bulkhead.img")

# https://www.raspberrypi.com/documentation/computers/config_txt.html has each of these. U-Boot hangs on
# a Pi 4 without enable_uart; the pull-up keeps noise on an open RX pin from stopping its autoboot.
CONFIG_TXT = """\
arm_64bit=1
enable_uart=1
enable_gic=1
kernel=u-boot.bin
gpio=15=pu
[cm4]
device_tree=bcm2711-rpi-cm4-io.dtb
[all]
"""

OVERRIDES = "bulkhead.txt"
OVERRIDES_TXT = """\
# Lines here override what the card was built with, as of the next power-on:
#   alpha.memory=1024M
#   alpha.cpus=0,1
#   alpha.console=hidden
"""


def cache():
    return os.environ.get("BULKHEAD_CACHE") or os.path.join(BUILD, "cache")


def notices():
    """The terms of what is linked into the hypervisor, its own first."""
    return [("bulkhead-licence.txt", os.path.join(TOP, "LICENSE")),
            ("libfdt-copyright.txt", os.path.join(cache(), "libfdt", "COPYRIGHT")),
            ("newlib-copyright.txt", os.path.join(cache(), "newlib", "COPYRIGHT"))]


def firmware_folder():
    return os.path.join(cache(), "firmware")


def collect(work, dtb, vm_files, firmware=None, hypervisor=None):
    """(name there, file here) of all that lies on the partition; `vm_files` is {name: path}, in the order
    in which U-Boot loads them. What is made for it is put into `work`."""
    firmware = firmware or firmware_folder()
    seed = os.path.join(work, "seed.bin")
    if not os.path.exists(seed):
        with open(seed, "wb") as f:
            f.write(os.urandom(64))
    config = os.path.join(work, "config.txt")
    with open(config, "w", encoding="ascii") as f:
        f.write(CONFIG_TXT)
    script = os.path.join(work, "boot.scr")
    bootscript.write(script, ["vms.dtb", OVERRIDES, "seed.bin"] + list(vm_files))
    files = [(name, os.path.join(firmware, name)) for name in FIRMWARE_FILES] + notices()
    if GUEST_FIRMWARE in vm_files:
        files.append(("guest-firmware-copyright.txt", os.path.join(cache(), "guest-firmware", "u-boot-copyright.txt")))
    overrides = os.path.join(work, OVERRIDES)
    with open(overrides, "w", encoding="ascii") as f:
        f.write(OVERRIDES_TXT)
    files += [("config.txt", config), (OVERRIDES, overrides), ("boot.scr", script), ("seed.bin", seed), ("vms.dtb", dtb),
              ("bulkhead.img", hypervisor or HYPERVISOR)]
    taken = {name.lower() for name, _ in files}  # FAT ignores case
    for name, path in vm_files.items():
        if name.lower() in taken:
            raise Refused(f"boot file {name}: that name is taken")
        taken.add(name.lower())
        files.append((name, path))
    for name, path in files:
        if not os.path.isfile(path):
            raise Refused(f"{name} of the boot partition: there is no file {path}; has `make` built it?")
    if sum(os.path.getsize(path) for _, path in files) > BYTES * 9 // 10:
        raise Refused(f"the boot files are larger than the boot partition ({BYTES // MIB} MiB)")
    return files


def digest(files):
    total = hashlib.sha256()
    for name, path in files:
        with open(path, "rb") as f:
            total.update(name.encode() + b"\0" + hashlib.sha256(f.read()).digest())
    return total.hexdigest()


def make(fat, files):
    if os.path.exists(fat):
        os.unlink(fat)
    with open(fat, "wb") as f:
        f.truncate(BYTES)
    run("mkfs.vfat", "--invariant", "-F", "32", "-s", "4", "-n", FAT_LABEL, fat)
    # Large files last, each in one piece.
    for name, path in sorted(files, key=lambda item: os.path.getsize(item[1])):
        run("mcopy", "-i", fat, path, "::" + name)
