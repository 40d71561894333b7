"""The recipe that makes Debian systems (guests/debian), as `image` in a configuration and as --type of `new` name them."""
import os
import subprocess

from .common import MIB, TOP, Refused

PROGRAM = os.path.join(TOP, "guests", "debian", "build")
TYPES = {"debian-12": "12", "debian-13": "13"}
BOOTARGS = "root=/dev/vda ro rootfstype=ext4 console=ttyAMA0 modules_load=ramoops"


def suffix(kind):
    """What tells files of one release from those of another."""
    return "" if kind == "debian-12" else "-" + TYPES[kind]


def boot_files(kind):
    """Names of kernel and initrd, as the recipe makes them for VMs without a firmware."""
    return "vmlinuz" + suffix(kind), f"initrd{suffix(kind)}.img"


def make(kind, folder, disks):
    """Paths of root disks for (name, bytes or 0, host name, does a firmware boot it?), made in `folder`."""
    disks = [(name + suffix(kind), *more) for name, *more in disks]
    words = [f"{name}:{f'{size // MIB}M' if size else ''}:{host}" + (":efi" if firmware else "")
             for name, size, host, firmware in disks]
    command = [PROGRAM, "--release", TYPES[kind], folder] + words
    if subprocess.run(command, check=False).returncode != 0:
        raise Refused(f"{kind} could not be made, see above")
    return [os.path.join(folder, name + ("-disk.img" if firmware else "-root.ext4"))
            for name, _, _, firmware in disks]
