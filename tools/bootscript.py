"""The script that U-Boot runs from the card (boot.scr).

It leaves a device tree in which /chosen/bulkhead tells where each file was loaded, and enters the
hypervisor. A file that cannot be loaded is simply not told of: the hypervisor refuses the VM that needs it.
"""
import os
import re
import subprocess

HYPERVISOR_ADDRESS = 0x00800000  # above the boot stub and U-Boot's DTB, below the script itself
FILES_ADDRESS = 0x04000000       # files go from here upward
FILE_ALIGN = 0x00200000          # each in 2 MiB blocks of its own
DTB_ROOM = 0x20000               # the device tree grows by a node for each file

HEAD = """\
echo "Bulkhead: reading the card"
fdt addr ${{fdt_addr}}
fdt move ${{fdt_addr}} ${{fdt_addr_r}} {room:x}
fdt mknode /chosen bulkhead
setenv bh_card "${{devtype}} ${{devnum}}:${{distro_bootpart}}"
setenv bh_at {at:x}
"""

FILE = """\
echo "Bulkhead: loading {path}"
if load ${{bh_card}} ${{bh_at}} {path}; then
  fdt mknode /chosen/bulkhead {node}
  fdt set /chosen/bulkhead/{node} path "{path}"
  fdt set /chosen/bulkhead/{node} reg <0x${{bh_at}} 0x${{filesize}}>
  setexpr bh_at ${{bh_at}} + ${{filesize}}
  setexpr bh_at ${{bh_at}} + {add:x}
  setexpr bh_at ${{bh_at}} \\& {mask:x}
else
  echo "Bulkhead: cannot load {path}"
fi
"""

TAIL = """\
echo "Bulkhead: loading bulkhead.img"
if load ${{bh_card}} {entry:x} bulkhead.img; then
  booti {entry:x} - ${{fdt_addr_r}}
fi
echo "Bulkhead: bulkhead.img cannot be loaded or started"
"""


def text(files, entry=HYPERVISOR_ADDRESS):
    """The script for these files, in the order in which they are loaded."""
    parts = [HEAD.format(room=DTB_ROOM, at=FILES_ADDRESS)]
    for number, path in enumerate(files):
        if not re.fullmatch(r"[A-Za-z0-9._/+-]+", path):
            raise ValueError(f"boot file {path!r}: letters, digits and . _ - + / only")
        parts.append(FILE.format(path=path, node=f"file{number}", add=FILE_ALIGN - 1,
                                 mask=0xffffffff & ~(FILE_ALIGN - 1)))
    parts.append(TAIL.format(entry=entry))
    return "".join(parts)


def write(path, files, entry=HYPERVISOR_ADDRESS):
    """Make the script as U-Boot wants it; always the same for the same files."""
    source = os.path.splitext(path)[0] + ".cmd"
    with open(source, "w", encoding="ascii") as f:
        f.write(text(files, entry))
    subprocess.run(["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-n", "Bulkhead",
                    "-d", source, path], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, SOURCE_DATE_EPOCH="0"))
