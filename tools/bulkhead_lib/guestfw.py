"""The firmware of a VM with boot = "firmware": Debian's U-Boot for QEMU's `virt`, and its environment.

U-Boot takes the environment from what it holds for flash memory (include/configs/qemu-arm.h there): CRC-32 of the
rest, little-endian, then NAME=VALUE, each with its NUL, the last one with two (env/common.c).
"""
import os
import struct
import zlib

from .bootpart import GUEST_FIRMWARE, cache
from .common import TOP, run

NAMES = [GUEST_FIRMWARE, "firmware.env"]  # core/config.c has the same
ENVIRONMENT_BYTES = 0x40000

# The first EFI system partition with a boot loader, on the disks in their order: a medium is the last. An ISO has one
# that is not marked bootable, as its second. A key typed before stops at the prompt; so does nothing else.
# ${fdtcontroladdr} is the tree that the hypervisor made.
BOOT = """\
virtio scan
for d in 0 1 2 3; do
  if virtio dev $d; then
    setenv parts
    part list virtio $d -bootable parts
    for p in $parts 1 2; do
      if load virtio $d:$p $kernel_addr_r EFI/BOOT/BOOTAA64.EFI; then
        bootefi $kernel_addr_r $fdtcontroladdr
      fi
    done
  fi
done
echo "No disk of this VM boots: none has an EFI system partition with a working EFI/BOOT/BOOTAA64.EFI"
poweroff
"""
VARIABLES = {
    "bootdelay": "0",
    "stdin": "serial",
    "stdout": "serial",
    "stderr": "serial",
    "kernel_addr_r": "0x40400000",
    "bootcmd": BOOT,
}


def environment():
    text = b"".join(f"{name}={value}".encode() + b"\0" for name, value in VARIABLES.items())
    body = text.ljust(ENVIRONMENT_BYTES - 4, b"\0")
    return struct.pack("<I", zlib.crc32(body)) + body


def folder(work):
    """A folder with both files."""
    fetched = os.path.join(cache(), "guest-firmware")
    if not os.path.isdir(fetched):
        run(os.path.join(TOP, "tools", "fetch-sources"), "guest-firmware", fetched)
    made = os.path.join(work, "guest-firmware")
    os.makedirs(made, exist_ok=True)
    with open(os.path.join(fetched, NAMES[0]), "rb") as f:
        program = f.read()
    for name, data in zip(NAMES, (program, environment())):
        with open(os.path.join(made, name), "wb") as f:
            f.write(data)
    return made
