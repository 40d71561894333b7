"""A fault of the hypervisor's own: every core stops, the console says what happened, and so does the next boot.

One instruction of a monitor command is overwritten through the emulator's debug port, so one core alone faults.
"""
import os
import re
import socket
import subprocess

from bulkhead import BOOT_LIMIT, BUILD, Board, make_card, wait_until

LIMIT = 600

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha { cpus = <0 1>; memory = "64M"; kernel = "reader.bin"; bootargs = "nodisk"; };
		beta { cpus = <2 3>; memory = "64M"; kernel = "reader.bin"; bootargs = "nodisk"; };
	};
};
"""

ELF = os.path.join(BUILD, "rpi4", "bulkhead.elf")
VA_IMAGE, PA_IMAGE = 0x4000000000, 0x00800000  # arch/arm64/layout.h; the boot script's

board = None
debug_port = None


def setup():
    global board, debug_port
    card = make_card("el2-fault", VMS)
    debug_port = os.path.join(BUILD, "test", f"el2-fault-{os.getpid()}.gdb")
    board = Board(card, arguments=["-gdb", f"unix:{debug_port},server=on,wait=off"])
    board.expect(r"\[alpha\] reader: second \d+", BOOT_LIMIT)


def teardown():
    if board:
        board.off()
    if debug_port and os.path.exists(debug_port):
        os.remove(debug_port)


def symbol(name):
    out = subprocess.run(["aarch64-linux-gnu-nm", ELF], check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(re.search(rf"^(\w+) [tT] {name}$", out, re.M).group(1), 16)


def request(port, text):
    """One packet of gdb's remote protocol, and its answer."""
    port.sendall(f"${text}#{sum(text.encode()) & 0xff:02x}".encode())
    got = b""
    while not re.search(rb"\$([^#]*)#..", got):
        got += port.recv(4096)
    port.sendall(b"+")
    return re.search(rb"\$([^#]*)#..", got).group(1).decode()


def overwrite(address, data):
    """Machine memory, as no guest can."""
    with socket.socket(socket.AF_UNIX) as port:
        port.settimeout(30)
        port.connect(debug_port)
        request(port, "?")
        assert request(port, "Qqemu.PhyMemMode:1") == "OK"
        assert request(port, f"M{address:x},{len(data):x}:{data.hex()}") == "OK"
        request(port, "D")


def places():
    """Where each core is."""
    said = board.qmp("human-monitor-command", **{"command-line": "info registers -a"})
    return [int(pc, 16) for pc in re.findall(r"\bPC=([0-9a-f]+)", said)]


def test_one_core_faults_and_all_stop():
    target = symbol(r"help\w*")
    overwrite(target - VA_IMAGE + PA_IMAGE, bytes(4))  # UDF (Arm ARM C6.2)
    board.send("\x1d0")
    board.expect("bulkhead> ")
    board.line("help")
    board.expect(r"x0  [0-9a-f]{16}")
    board.expect(r"core \d: undefined instruction at EL2, pc (0x[0-9a-f]+):")
    assert int(board.match.group(1), 16) == target
    board.expect("all cores are stopped; the board is not reset")
    board.expect("no way to reset itself")
    halt = symbol("cpu_halt")
    wait_until(lambda: all(halt <= pc < halt + 12 for pc in places()), 10, "all cores are in cpu_halt")
    assert len(places()) == 4


def test_the_next_boot_says_why():
    board.qmp("system_reset")
    board.expect(r"the last run ended: core \d: undefined instruction at EL2", BOOT_LIMIT)
    board.expect(r"\[alpha\] reader: second \d+", BOOT_LIMIT)
    board.qmp("system_reset")
    board.expect("the last run ended: the board was reset without a word", BOOT_LIMIT)
