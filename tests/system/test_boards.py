"""What a board or its boot loader may do otherwise: another tree, another console, another address.

The firmware's part is played by tools/qemu-rpi4, which takes the tree out of the card: so another tree is another card.
"""
import os
import re
import shutil
import subprocess
import sys

from bulkhead import BOOT_LIMIT, BUILD, TOP, Board, make_card, wait_until

sys.path.insert(0, os.path.join(TOP, "tools"))
import bootscript  # noqa: E402

LIMIT = 300
FOLDER = os.path.join(BUILD, "test", "boards")
FAT = "@@1M"  # mksd's first partition
TREE = "bcm2711-rpi-4-b.dtb"
OTHER_ADDRESS = 0x03000000  # what is below belongs to U-Boot, what is above to the boot files

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms { alpha { cpus = <0 1 2 3>; memory = "1200M"; kernel = "reader.bin"; bootargs = "nodisk"; }; };
};
"""


def setup():
    os.makedirs(FOLDER, exist_ok=True)
    make_card("boards/good", VMS)


def teardown():
    shutil.rmtree(FOLDER, ignore_errors=True)


def tool(*command, data=None):
    return subprocess.run(command, check=True, input=data, stdout=subprocess.PIPE).stdout


def changed_card(name, data):
    """The card with another file of that name on its boot partition."""
    card, path = os.path.join(FOLDER, "changed.img"), os.path.join(FOLDER, name)
    tool("cp", "--sparse=always", os.path.join(FOLDER, "good.img"), card)
    with open(path, "wb") as f:
        f.write(data)
    tool("mcopy", "-o", "-i", card + FAT, path, "::" + name)
    return card


def tree():
    """The board's own, as source."""
    return tool("mtype", "-i", os.path.join(FOLDER, "good.img") + FAT, "::" + TREE)


def last_words(source, said):
    """A board with that tree can't be used, and says why."""
    dtb = tool("dtc", "-q", "-I", "dts", "-O", "dtb", data=source.encode())
    board = Board(changed_card(TREE, dtb))
    try:
        board.expect(said, BOOT_LIMIT)
    finally:
        board.off()


def as_source(dtb):
    return tool("dtc", "-q", "-I", "dtb", "-O", "dts", data=dtb).decode()


def test_another_enable_method_is_named():
    """The last core alone would be released by PSCI."""
    source = as_source(tree())
    at = source.rindex('enable-method = "spin-table"')
    last_words(source[:at] + source[at:].replace("spin-table", "psci", 1),
               r'core 3: enable-method "psci" in the device tree; only "spin-table" is known')


def test_a_tree_without_cores_is_named():
    """Refused before the console is set up: said on the UART as the firmware left it."""
    last_words(as_source(tree()).replace('device_type = "cpu"', 'device_type = "other"'),
               r"\[bulkhead\] cannot start: the board's device tree describes no cores\r*\n\[bulkhead\] stopped")


def check_keys_are_heard_while_a_vm_loads(board):
    """Every core has a VM, so the keys come to the one that now zeroes much memory, step by step."""
    def state():
        return re.search(r"^1 +alpha +(\w+) ", board.monitor("list"), re.M).group(1)

    board.monitor("restart alpha")
    wait_until(lambda: state() != "stopping", 60, "alpha's cores have come in")
    assert state() == "loading"
    board.monitor("kill alpha")
    wait_until(lambda: state() == "off", 60, "alpha is off")


def test_another_console_and_another_address():
    """The PL011 as stdout-path; entered at another 2 MiB-aligned address."""
    path = os.path.join(FOLDER, "boot.scr")
    bootscript.write(path, ["vms.dtb", "seed.bin", "reader.bin"], OTHER_ADDRESS)
    with open(path, "rb") as f:
        board = Board(changed_card("boot.scr", f.read()), options=["--uart", "pl011"])
    try:
        board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
        board.expect(r"\[alpha\] reader: second \d+: ", BOOT_LIMIT)
        map_ = board.monitor("memmap")
        assert re.search(rf"^0x0*{OTHER_ADDRESS:x}-0x\w+ .*hypervisor", map_, re.M), map_
        check_keys_are_heard_while_a_vm_loads(board)
    finally:
        board.off()
