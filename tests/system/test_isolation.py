"""Nothing of the machine has two owners: the tables that the hardware walks, and a guest that tries everything.

One board for all: alpha reads and writes what its device tree does not name; beta looks after 64 MiB of its own.
"""
import os
import re
import struct
import subprocess

from bulkhead import BOOT_LIMIT, BUILD, TOP, Board, make_card

LIMIT = 600
VERDICT_LIMIT = 500

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha { cpus = <0 1>; memory = "64M"; kernel = "probe.bin"; };
		beta { cpus = <2 3>; memory = "10%"; kernel = "reader.bin"; bootargs = "nodisk witness=64"; };
	};
};
"""

ELF = os.path.join(BUILD, "rpi4", "bulkhead.elf")
PAGE = 0x1000
BLOCK = 0x200000
DESCRIPTOR_ADDRESS = 0x0000fffffffff000
DESCRIPTOR_S2_DEVICE_XN = 1 << 54 | 1 << 2  # never executable, Device-nGnRE
DESCRIPTOR_S2_TYPE = 1 << 54 | 15 << 2

# arch/arm64/layout.h
VA_IMAGE, VA_RAM, VA_WINDOW = 0x4000000000, 0x7000000000, 0x1000000000
GUEST_RAM = 0x40000000
# Guest address of each page of the interface that hardware emulates for guests, and where the BCM2711 has it.
GICV = {0x08010000: 0xff846000, 0x08011000: 0xff847000}
# Pages of emulated devices that a guest's tree names: GICD, GICC, PL011, PL031, PL061, watchdog.
DEVICES = {0x08000000: 1, 0x08010000: 2, 0x09000000: 1, 0x09010000: 1, 0x09030000: 1, 0x09060000: 1,
           0x09061000: 1}
# What the firmware calls RAM (tools/qemu-rpi4, 2 GiB).
RAM = [(0, 0x3b400000), (0x40000000, 0x80000000)]

state = {}


def setup():
    state["card"] = make_card("isolation", VMS)
    state["known"] = debug_information()
    state["checksum"] = witness(64)
    state["board"] = Board(state["card"])
    state["board"].expect(r"reader: second \d+", BOOT_LIMIT)
    found = re.search(r"^(0x\w+)-(0x\w+) .* board device tree", state["board"].monitor("memmap"), re.M)
    state["known"]["dtb"] = (int(found.group(1), 16), int(found.group(2), 16) + 1)
    state["board"].all_view()


def teardown():
    if "board" in state:
        state["board"].off()


def witness(mib):
    """The checksum that guests/reader reports of its pattern: a changed word changes it."""
    total, mask = 0, (1 << 64) - 1
    for i in range(mib << 17):
        total = (total ^ (i + 1) * 0x2545f4914f6cdd1d & mask) * 0x9e3779b97f4a7c15 & mask
    return f"{total:x}"


# ---- The hypervisor's memory ----

SIZES = ["vms[0]", "cores", "cores[0]", "machine.files[0]", "core_stacks[0]"]
PLACES = ["vms", "vm_count", "cores", "core_stacks", "machine.files", "machine.nfiles", "early.image_pa",
          "__image_end"]
OFFSETS = {"vm": ["nvcpus", "vcpus", "stage2.root"], "vcpu": ["cpu"], "core": ["root", "index"],
           "boot_file": ["path", "pa", "size"]}


def debug_information():
    """Where things are, from the image's own debug information."""
    wanted = {f"sizeof {e}": f"sizeof({e})" for e in SIZES}
    wanted["sizeof vcpu"] = "sizeof(struct vcpu)"
    wanted.update((f"&{e}", f"(unsigned long)&{e}") for e in PLACES)
    for kind, fields in OFFSETS.items():
        wanted.update((f"{kind}.{f}", f"(unsigned long)&((struct {kind} *)0)->{f}") for f in fields)
    command = ["gdb-multiarch", "-nx", "-batch"]
    for key, expression in wanted.items():
        command += ["-ex", f'printf "{key} = %lu\\n", {expression}']
    out = subprocess.run(command + [ELF], check=True, stdout=subprocess.PIPE, text=True).stdout
    with open(os.path.join(TOP, "arch", "arm64", "layout.h"), encoding="utf-8") as f:
        layout = re.findall(r"^#define (GUARD_BYTES|EMERGENCY_BYTES) +(\w+)$", f.read(), re.M)
    known = {key: int(value) for key, value in re.findall(r"^(.+) = (\d+)$", out, re.M)}
    assert set(known) == set(wanted), set(wanted) - set(known)
    known.update((name, int(value, 16)) for name, value in layout)
    return known


def image_address(board, known):
    """Where in machine memory the image is: it has written that down itself, at just one such place."""
    at = known["&early.image_pa"] - VA_IMAGE
    found = [pa for pa in range(BLOCK, 64 * BLOCK, BLOCK)
             if struct.unpack("<Q", board.memory(pa + at, 8))[0] == pa]
    assert len(found) == 1, found
    return found[0]


class Leaf:
    """A block or page of a table, and where its descriptor is."""

    def __init__(self, start, size, descriptor, place):
        self.start, self.size, self.place = start, size, place
        self.out = descriptor & DESCRIPTOR_ADDRESS & ~(size - 1)
        self.end = self.out + size
        self.descriptor = descriptor

    def __repr__(self):
        return f"{self.start:#x}->{self.out:#x}+{self.size:#x}"

    def overlaps(self, start, end):
        return self.out < end and start < self.end


class Image:
    """The hypervisor as it lies in machine memory."""

    def __init__(self, base, data, known):
        self.base, self.data, self.known = base, data, known

    def number(self, va, form="<Q"):
        return struct.unpack_from(form, self.data, va - VA_IMAGE)[0]

    def leaves(self, table, level=1, start=0):
        """All leaves of the table at that machine address: 4 KiB granule, from level 1 (Arm ARM D5.2.6)."""
        assert self.base <= table <= self.base + len(self.data) - PAGE, f"a table outside the image: {table:#x}"
        span = 1 << (39 - 9 * level)
        for i in range(512):
            place = table - self.base + 8 * i
            descriptor = struct.unpack_from("<Q", self.data, place)[0]
            if not descriptor & 1:
                continue
            if level < 3 and descriptor & 2:
                yield from self.leaves(descriptor & DESCRIPTOR_ADDRESS, level + 1, start + i * span)
            else:
                assert level < 3 or descriptor & 2, f"reserved descriptor {descriptor:#x}"
                yield Leaf(start + i * span, span, descriptor, place)

    def vm(self, number):
        return self.known["&vms"] + number * self.known["sizeof vms[0]"]

    def vm_count(self):
        return self.number(self.known["&vm_count"], "<I")

    def stage2(self, number):
        root = self.number(self.vm(number) + self.known["vm.stage2.root"])
        return list(self.leaves(root - VA_IMAGE + self.base))

    def cores_of(self, number):
        vm = self.vm(number)
        return [self.number(vm + self.known["vm.vcpus"] + i * self.known["sizeof vcpu"] + self.known["vcpu.cpu"], "B")
                for i in range(self.number(vm + self.known["vm.nvcpus"], "<I"))]

    def core_tables(self):
        """{core: its EL2 leaves}"""
        tables = {}
        for slot in range(self.known["sizeof cores"] // self.known["sizeof cores[0]"]):
            core = self.known["&cores"] + slot * self.known["sizeof cores[0]"]
            root = self.number(core + self.known["core.root"])
            if root:
                tables[self.number(core + self.known["core.index"], "<I")] = list(self.leaves(root))
        return tables

    def boot_files(self):
        """[(name, machine address, size)]"""
        files = []
        for i in range(self.number(self.known["&machine.nfiles"], "<I")):
            at = self.known["&machine.files"] + i * self.known["sizeof machine.files[0]"]
            name = at + self.known["boot_file.path"] - VA_IMAGE
            files.append((self.data[name:name + 32].split(b"\0")[0].decode(),
                          self.number(at + self.known["boot_file.pa"]), self.number(at + self.known["boot_file.size"])))
        return files

    def kept(self):
        """[(what, first byte, end)] of what belongs to no VM."""
        return [("page 0 to 1 MiB", 0, 0x100000), ("the hypervisor", self.base, self.base + len(self.data)),
                ("the board's device tree", *self.known["dtb"])] + \
               [(name, pa, pa + size) for name, pa, size in self.boot_files()]


def read_image(board, known):
    base = image_address(board, known)
    return Image(base, bytearray(board.memory(base, known["&__image_end"] - VA_IMAGE)), known)


# ---- What must hold of the tables ----

def check_interrupt_interface(name, leaves):
    found = {leaf.start: leaf.out for leaf in leaves}
    assert found == GICV and all(leaf.size == PAGE for leaf in leaves), f"{name}: not RAM: {leaves}"
    for leaf in leaves:
        assert leaf.descriptor & DESCRIPTOR_S2_TYPE == DESCRIPTOR_S2_DEVICE_XN, f"{name}: {leaf.descriptor:#x}"


def check_ram(image, rams):
    owned = sorted((leaf.out, leaf.end, name) for name, leaves in rams.items() for leaf in leaves)
    for (_, end, one), (start, _, other) in zip(owned, owned[1:]):
        assert end <= start, f"{start:#x} is mapped twice: by {one} and {other}"
    for name, leaves in rams.items():
        for leaf in leaves:
            assert any(low <= leaf.out and leaf.end <= high for low, high in RAM), f"{name}: {leaf} is not RAM"
            for what, start, end in image.kept():
                assert not leaf.overlaps(start, end), f"{name}: {leaf} is in {what}, {start:#x}..{end:#x}"


def check_cores(image, rams):
    tables = image.core_tables()
    assert sorted(tables) == [0, 1, 2, 3], tables.keys()
    for name, own in rams.items():
        for core in image.cores_of(name):
            window = [leaf for leaf in tables[core] if VA_RAM <= leaf.start < VA_RAM + VA_WINDOW]
            expected = sorted((leaf.start - GUEST_RAM, leaf.out, leaf.size) for leaf in own)
            assert sorted((leaf.start - VA_RAM, leaf.out, leaf.size) for leaf in window) == expected, \
                f"core {core} of {name}: its window is not the VM's RAM: {window}"
            places = {id(leaf) for leaf in window}
            for leaf in tables[core]:
                if id(leaf) not in places:
                    check_no_ram(core, leaf, rams)


def check_permissions(image):
    """W^X, and a hole below every stack (Arm ARM D5.4.5: AP[2], bit 7, is read-only; XN is bit 54)."""
    rows = image.known["sizeof cores"] // image.known["sizeof cores[0]"]
    stacks = [image.known["&core_stacks"] + i * image.known["sizeof core_stacks[0]"] for i in range(rows)]
    guards = [at + offset for at in stacks for offset in (0, image.known["GUARD_BYTES"] + image.known["EMERGENCY_BYTES"])]
    for core, leaves in image.core_tables().items():
        for leaf in leaves:
            assert leaf.descriptor & (1 << 7 | 1 << 54), f"core {core}: {leaf} can be written and executed"
            assert not any(leaf.start <= guard < leaf.start + leaf.size for guard in guards), f"core {core}: {leaf} is a guard page"
        assert any(not leaf.descriptor >> 54 & 1 for leaf in leaves)


def check_no_ram(core, leaf, rams):
    for name, leaves in rams.items():
        assert not any(leaf.overlaps(other.out, other.end) for other in leaves), \
            f"core {core}: {leaf} is RAM of {name}, outside the window"


def check(image):
    rams = {}
    for vm in range(image.vm_count()):
        leaves = image.stage2(vm)
        rams[vm] = [leaf for leaf in leaves if leaf.start >= GUEST_RAM]
        check_interrupt_interface(vm, [leaf for leaf in leaves if leaf.start < GUEST_RAM])
    check_ram(image, rams)
    check_cores(image, rams)
    check_permissions(image)


def refuses_descriptor(image, place, descriptor):
    """Does the check see it when that one is there?"""
    data = bytearray(image.data)
    struct.pack_into("<Q", data, place, descriptor)
    try:
        check(Image(image.base, data, image.known))
    except AssertionError as error:
        print(f"{descriptor:#x} at {place:#x}: {error}")
        return True
    return False


def refuses(image, leaf, out):
    """Does the check see it when this leaf leads elsewhere?"""
    return refuses_descriptor(image, leaf.place, leaf.descriptor & ~DESCRIPTOR_ADDRESS | out)


def test_no_page_has_two_owners():
    board = state["board"]
    image = read_image(board, state["known"])
    assert image.vm_count() == 2
    assert image.cores_of(0) == [0, 1] and image.cores_of(1) == [2, 3]
    alpha = [leaf for leaf in image.stage2(0) if leaf.start >= GUEST_RAM]
    assert sum(leaf.size for leaf in alpha) == 64 << 20, alpha
    names = {name: pa for name, pa, _ in image.boot_files()}
    assert set(names) == {"vms.dtb", "bulkhead.txt", "seed.bin", "probe.bin", "reader.bin"}, names
    # The kernels lie where the hypervisor believes (booting.rst: the magic number of an Image).
    for name in ("probe.bin", "reader.bin"):
        assert board.memory(names[name] + 56, 4) == b"ARM\x64", name
    check(image)


def test_the_check_sees_a_second_owner():
    """The same tables with one entry that leads elsewhere must not pass."""
    image = read_image(state["board"], state["known"])
    alpha, beta = ([leaf for leaf in image.stage2(vm) if leaf.start >= GUEST_RAM] for vm in (0, 1))
    kept = [start // BLOCK * BLOCK for _, start, _ in image.kept()]
    for out in [beta[0].out, alpha[1].out, 0x3b400000, 0xfe000000] + kept:
        assert refuses(image, alpha[0], out), hex(out)
    gicv = image.stage2(0)[0]
    assert refuses(image, gicv, 0xff844000) and refuses(image, gicv, alpha[0].out)
    for leaf in image.core_tables()[0]:
        if not VA_IMAGE <= leaf.start < VA_IMAGE + (1 << 30):
            other = beta[0].out if leaf.size == PAGE or leaf.start >= VA_RAM else beta[-1].out
            assert refuses(image, leaf, other), leaf
            if leaf.start >= VA_RAM:
                break


def test_the_check_sees_a_writable_text_and_a_lost_guard():
    image = read_image(state["board"], state["known"])
    leaves = image.core_tables()[0]
    text = next(leaf for leaf in leaves if not leaf.descriptor >> 54 & 1)
    assert refuses_descriptor(image, text.place, text.descriptor & ~(1 << 7))
    stack = next(leaf for leaf in leaves if leaf.start == state["known"]["&core_stacks"] + PAGE)
    assert refuses_descriptor(image, stack.place - 8, stack.descriptor)


def test_probe_gets_an_abort_everywhere():
    board = state["board"]
    board.expect(r"probe: (\d+) accesses, (\d+) aborts, (\d+) wrong", VERDICT_LIMIT)
    accesses, aborts, wrong = (int(board.match.group(i)) for i in (1, 2, 3))
    left = {int(base, 16): int(size, 16) for base, size in
            re.findall(r"probe: leaves out (\w+)\+(\w+)", board.printed())}
    assert left == {GUEST_RAM: 64 << 20, **{base: n * PAGE for base, n in DEVICES.items()}}, left
    # A read and a write of each other page of 8 GiB; then by 2 MiB.
    pages = (8 << 30) // PAGE - sum(left.values()) // PAGE
    assert accesses == 2 * (pages + ((1 << 40) - (8 << 30)) // BLOCK), accesses
    assert aborts == accesses and wrong == 0, (aborts, wrong)
    # Beta goes on. That alpha turned itself off may have been said before its own last line.
    for _ in range(3):
        board.expect(rf"reader: second \d+: 0 bytes, 0 errors, checksum {state['checksum']}\r*\n")
    said = re.findall(r"reader: second \d+.* checksum (\w+)\n", board.printed())
    assert len(said) > 5 and set(said) == {state["checksum"]}, f"beta's 64 MiB changed: {set(said)}"
    assert re.search(r"^\[bulkhead\] alpha:? is off.*SYSTEM_OFF", board.printed(), re.M)
    assert re.search(r"^2\s+beta\s+running", board.monitor("list"), re.M)
    check(read_image(board, state["known"]))
