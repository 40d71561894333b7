"""The emulated board as the benchmarks use it, and what the counter (count.c) says of a run."""
import collections
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TOP, "build")
ELF = os.path.join(BUILD, "rpi4", "bulkhead.elf")
GUEST = os.path.join(BUILD, "guests", "bench.bin")
LIMIT = 300            # seconds for one run
ROUNDS, READS = 4096, 256  # guests/bench/bench.c
VA_IMAGE = 0x4000000000    # arch/arm64/layout.h
TICK = 16  # instructions: the model's counter runs at 62.5 MHz, whatever CNTFRQ says

HYPERVISOR, FILES = 0x00800000, 0x04000000
BARE_GUEST, BARE_DTB = 0x00200000, 0x01000000
BARE_TREE = """/dts-v1/;
/ {
	#address-cells = <2>; #size-cells = <2>;
	memory@0 { device_type = "memory"; reg = <0 0 0 0x3b400000>; };
	chosen { bootargs = "bare gicd=%d gicc=%d uart=%d"; };
};
""" % (0xff841000, 0xff842000, 0xfe201000)

BOOT_VM = """%s {
			cpus = <%s>; memory = "512M"; kernel = "bench.bin"; bootargs = "%s";
			disks { data { partition = "bench%s"; size = "16M"; }; };
		};"""
BOOT_VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms { %s %s };
};
"""

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		bench {
			cpus = <0 1>; memory = "32M"; kernel = "bench.bin";
			disks { data { partition = "bench"; size = "16M"; }; };
		};
	};
};
"""

# Rows of guests/bench/rows.S that the counter numbers.
MARKS = {16: "hvc_psci_version", 17: "hypercall", 18: "smc_psci_version", 19: "gicd_typer_read",
         20: "gicd_isenabler0_read", 21: "gicd_isenabler0_write", 22: "gicd_spi_disable_enable", 23: "sgi_self",
         24: "spi_pend", 25: "uart_status", 26: "counter_reads", 27: "gicc_accesses", 28: "wfi", 29: "timer",
         30: "ipi", 31: "idle_second", 32: "disk_read", 33: "boot"}

def die(text):
    sys.exit("bench: " + text)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        die(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def launcher():
    """tools/qemu-rpi4 as a module: it knows the board."""
    loader = importlib.machinery.SourceFileLoader("qemu_rpi4", os.path.join(TOP, "tools", "qemu-rpi4"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("qemu_rpi4", loader))
    loader.exec_module(module)
    return module


def compile_tree(source, path):
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path], input=source, text=True, check=True)
    return path


class Machine:
    """One run of the emulator, to the guest's last line."""
    vms, partitions = VMS, ("bench",)

    def __init__(self, work, firmware):
        self.work = work
        self.firmware = firmware
        self.board = launcher()
        self.loaders = []

    def path(self, name):
        return os.path.join(self.work, name)

    def load(self, path, address):
        self.loaders += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]

    def board_tree(self):
        dtb = self.path("board.dtb")
        shutil.copy(os.path.join(self.firmware, self.board.BOARD_DTB), dtb)
        os.chmod(dtb, 0o644)
        self.board.complete_tree(dtb, 2048, "mini")
        for seed, size in (("kaslr-seed", 8), ("rng-seed", 32)):  # the same every time
            run("fdtput", "-t", "bx", dtb, "/chosen", seed, *["5a"] * size)
        return dtb

    def stub(self, kernel):
        self.board.KERNEL = kernel
        self.load(self.board.make_stub(self.work), 0)

    def is_over(self):
        return "bench: end" in self.text(self.path("console"))

    def boot(self, serials, extra):
        command = ["qemu-system-aarch64", "-M", "raspi4b", "-display", "none", "-monitor", "none",
                   "-global", "arm_gic.has-security-extensions=on",
                   "-icount", "shift=0,sleep=off,align=off"] + serials + extra + self.loaders
        out = self.path("console")
        with open(out, "w+", encoding="utf-8", errors="replace") as f:
            emulator = subprocess.Popen(command, stdout=f, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            try:
                end = time.monotonic() + LIMIT
                while not self.is_over():
                    if emulator.poll() is not None or time.monotonic() > end:
                        die(f"the guest did not come to its end ({emulator.returncode}):\n{self.text(out)[-2000:]}")
                    time.sleep(0.1)
            finally:
                emulator.kill()
                emulator.wait()
        return self.text(out)

    @staticmethod
    def text(path):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()


class Bare(Machine):
    def run(self):
        shim, obj = self.path("el1.bin"), self.path("el1.o")
        run("aarch64-linux-gnu-as", f"--defsym=GUEST={BARE_GUEST}", f"--defsym=GUEST_DTB={BARE_DTB}", "-o", obj,
            os.path.join(HERE, "el1.S"))
        run("aarch64-linux-gnu-objcopy", "-O", "binary", obj, shim)
        self.stub(self.board.KERNEL)
        self.load(shim, self.board.KERNEL)
        self.load(GUEST, BARE_GUEST)
        self.load(compile_tree(BARE_TREE, self.path("bare.dtb")), BARE_DTB)
        text = self.boot(["-serial", "stdio", "-serial", "null"], [])
        ticks = int(re.search(r"bench: calibration (\d+) ticks", text).group(1))
        if round((2 << 20) / ticks, 2) != TICK:  # two instructions a round (bench.c)
            die(f"a tick of the counter is {(2 << 20) / ticks} instructions, not {TICK}")
        return times(text)


class Hypervised(Machine):
    phase_of = None  # an instruction's, by its number

    def phases(self, symbols):
        """The counter's argument."""
        if not self.phase_of:
            return ""
        path = self.path("phases")
        with open(path, "wb") as f:
            f.write(bytes(self.phase_of(i) for i in range(symbols.bytes // 4)))
        return f",phases={path}"

    def tree_with_files(self, files):
        """As boot.scr leaves it (tools/bootscript.py)."""
        dtb, at = self.board_tree(), FILES
        for number, (name, path) in enumerate(files):
            node = f"/chosen/bulkhead/file{number}"
            run("fdtput", "-cp", dtb, node)
            run("fdtput", "-t", "s", dtb, node, "path", name)
            run("fdtput", "-t", "x", dtb, node, "reg", f"{at:x}", f"{os.path.getsize(path):x}")
            self.load(path, at)
            at += (os.path.getsize(path) + 0x1fffff) // 0x200000 * 0x200000
        return dtb

    def card(self):
        image = self.path("card.img")
        with open(image, "wb") as f:
            f.truncate(64 << 20)
        for number, name in enumerate(self.partitions, 1):
            run("sgdisk", f"--new={number}:0:+16M", f"--change-name={number}:{name}", image)
        return ["-drive", f"if=none,id=card,file={image},format=raw",
                "-device", "sd-card,drive=card,bus=/generic-sdhci/sd-bus"]

    def run(self):
        vms = compile_tree(self.vms, self.path("vms.dtb"))
        self.stub(HYPERVISOR)
        self.load(os.path.join(BUILD, "rpi4", "bulkhead.img"), HYPERVISOR)
        dtb = self.tree_with_files([("vms.dtb", vms), ("bench.bin", GUEST)])
        self.load(dtb, self.board.DTB)
        symbols = Symbols()
        counts = self.path("counts")
        plugin = ["-plugin", f"{BUILD}/host/count.so,base={VA_IMAGE:#x},bytes={symbols.bytes},out={counts}" + self.phases(symbols)]
        text = self.boot(["-serial", "null", "-serial", "stdio"], self.card() + plugin)
        return times(text), sections(self.text(counts), symbols)


class Boot(Hypervised):
    """Two VMs, to the first instructions of both."""
    vms = BOOT_VMS % (BOOT_VM % ("one", "0 1", "boot", ""), BOOT_VM % ("two", "2 3", "boot", "2"))
    partitions = ("bench", "bench2")

    def is_over(self):
        counts = self.path("counts")
        return os.path.exists(counts) and len(re.findall(r"^mark 33$[^m]*^all \d+$", self.text(counts), re.M)) == 2


class Restart(Boot):
    """One VM, from its first instruction, a reset, to the first instruction of its next life."""
    vms = BOOT_VMS % (BOOT_VM % ("one", "0 1", "restart", ""), "")


class Symbols:
    """Functions of the hypervisor, by address."""

    def __init__(self):
        out = run("aarch64-linux-gnu-nm", "-n", ELF)
        found = re.findall(r"^(\w+) [tT] ([\w.]+)$", out, re.M)
        # What the compiler appends (.part.0, .constprop.1) is of the same function.
        self.at = [(int(address, 16) - VA_IMAGE, name.split(".")[0]) for address, name in found]
        self.bytes = dict((name, at) for at, name in self.at)["__text_end"]

    def table(self):
        """The function that each instruction belongs to."""
        names = [None] * (self.bytes // 4)
        for (at, name), (end, _) in zip(self.at, self.at[1:]):
            for i in range(at // 4, min(end, self.bytes) // 4):
                names[i] = name
        return names


class Section:
    """What EL2 executed during one row."""

    def __init__(self):
        self.functions = collections.Counter()
        self.offsets = collections.Counter()
        self.by_phase = collections.Counter()  # (phase, offset)
        self.everything = 0

    def total(self, without=()):
        return sum(n for f, n in self.functions.items() if f not in without)


def sections(text, symbols):
    names, found, now, phase = symbols.table(), {}, None, 0
    vectors = dict((name, at) for at, name in symbols.at)["vectors"]
    for line in text.splitlines():
        word, number = line.split()
        if word == "mark":
            now = found[MARKS[int(number)]] = Section()
        elif word == "phase":
            phase = int(number)
        elif word == "all":
            now.everything = int(number)
        else:
            now.functions[names[int(word) // 4]] += int(number)
            now.offsets[int(word)] += int(number)
            now.by_phase[phase, int(word)] = int(number)
    for section in found.values():  # from a lower exception level: synchronous, IRQ (Arm ARM D1.10.2)
        section.exits = sum(section.offsets.get(vectors + at, 0) for at in (0x400, 0x480, 0x580))
    return found


def times(text):
    """Instructions a round, by row."""
    found = {}
    for name, row, reference in re.findall(r"bench: row (\w+) (\d+) (\d+)", text):
        found[name] = round((int(row) - int(reference)) * TICK / ROUNDS, 1)
    disk = re.search(r"bench: disk (\d+) of (\d+) reads", text)
    if disk and disk.group(1) != disk.group(2):
        die(f"{disk.group(0)} went well")
    return found


