"""gdb commands for a halted Bulkhead in the emulator. Loaded by tools/debug.

  bulkhead vms               every VM: state, cores, memory
  bulkhead vcpus             every vCPU: core, power, where its last exit was
  bulkhead stage2 VM IPA     the walk of VM's stage-2 tables for a guest-physical address
  bulkhead map VM            all that VM's stage 2 maps

Memory is read by machine address, so a core may be at any exception level when they are used.
"""
import struct

import gdb

VA_IMAGE = 0x4000000000    # arch/arm64/layout.h
PA_IMAGE = 0x00800000      # where U-Boot's script loads the image (tools/bootscript.py); booti leaves it
ENTRIES = 512              # of 64 bits in a 4 KiB table (Arm ARM D5.3)
ADDRESS = 0x0000fffffffff000
VALID, TABLE_OR_PAGE = 1, 2
LEVELS = {1: 30, 2: 21, 3: 12}  # level -> bits that an entry leaves to the next


def read_machine(address, size):
    """Bytes at a machine address: QEMU's stub reads physical memory when asked to."""
    gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)
        gdb.execute("maintenance flush dcache", to_string=True)


def to_machine(va):
    return int(va) - VA_IMAGE + PA_IMAGE


def fetch(va, kind):
    """The object of a type at an address in the image."""
    return gdb.Value(read_machine(to_machine(va), kind.sizeof), kind)


def fetch_symbol(expression):
    address = gdb.parse_and_eval("&" + expression)
    return fetch(address, address.type.target())


def text(chars):
    raw = bytes(int(chars[i]) & 0xff for i in range(chars.type.range()[1] + 1))
    return raw.split(b"\0")[0].decode("ascii", "replace")


class Vm:
    def __init__(self, value):
        self.value = value
        config = value["config"]
        self.name = text(fetch(config, config.type.target().unqualified())["name"]) \
            if int(config) else "(none)"

    def vcpus(self):
        return [self.value["vcpus"][i] for i in range(int(self.value["nvcpus"]))]

    def root(self):
        return to_machine(self.value["stage2"]["root"])


def all_vms():
    return [Vm(fetch_symbol(f"vms[{i}]")) for i in range(int(fetch_symbol("vm_count")))]


def vm_called(name):
    for number, vm in enumerate(all_vms()):
        if name in (vm.name, str(number)):
            return vm
    raise gdb.GdbError(f"no VM is called {name}")


def entry(table, index):
    return struct.unpack("<Q", read_machine(table + 8 * index, 8))[0]


def describe(descriptor, shift):
    """S2AP, MemAttr and XN of a stage-2 leaf (Arm ARM D5.3.3)."""
    access = ("none", "R", "W", "RW")[descriptor >> 6 & 3]
    kind = "device" if descriptor >> 2 & 0xc == 0 else "memory"
    return f"{access} {kind}{' XN' if descriptor >> 54 & 1 else ''}, block of {1 << shift:#x}"


def walk(table, ipa):
    for level, shift in LEVELS.items():
        descriptor = entry(table, ipa >> shift & (ENTRIES - 1))
        print(f"  level {level}: table {table:#x} entry {ipa >> shift & (ENTRIES - 1)}: {descriptor:#x}")
        if not descriptor & VALID:
            print("  not mapped")
            return
        if level == 3 or not descriptor & TABLE_OR_PAGE:
            base = descriptor & ADDRESS & -(1 << shift)
            print(f"  machine address {base | ipa & ((1 << shift) - 1):#x}: {describe(descriptor, shift)}")
            return
        table = descriptor & ADDRESS


def leaves(table, level=1, ipa=0):
    """(ipa, machine address, descriptor, shift) of each leaf."""
    shift = LEVELS[level]
    for index, descriptor in enumerate(struct.unpack(f"<{ENTRIES}Q", read_machine(table, 8 * ENTRIES))):
        here = ipa + (index << shift)
        if not descriptor & VALID:
            continue
        if level < 3 and descriptor & TABLE_OR_PAGE:
            yield from leaves(descriptor & ADDRESS, level + 1, here)
        else:
            yield here, descriptor & ADDRESS & -(1 << shift), descriptor, shift


def show_map(vm):
    """Runs of leaves that lie side by side are one line."""
    run = None
    for ipa, pa, descriptor, shift in leaves(vm.root()):
        size, what = 1 << shift, describe(descriptor, shift)
        if run and run[0] + run[2] == ipa and run[1] + run[2] == pa and run[3] == what:
            run[2] += size
            continue
        if run:
            print("  IPA {:#x} -> {:#x}, {:#x} bytes, {}".format(*run))
        run = [ipa, pa, size, what]
    if run:
        print("  IPA {:#x} -> {:#x}, {:#x} bytes, {}".format(*run))


def show_vms():
    for vm in all_vms():
        cores = " ".join(str(int(v["cpu"])) for v in vm.vcpus())
        print(f"{vm.name}: {vm.value['state']}, cores {cores}, VMID {int(vm.value['stage2']['vmid'])}, "
              f"stage 2 at {vm.root():#x}, started {int(vm.value['starts'])} times")


def show_vcpus():
    for vm in all_vms():
        for vcpu in vm.vcpus():
            line = f"{vm.name}.{int(vcpu['index'])}: core {int(vcpu['cpu'])}, {vcpu['power']}"
            if int(vcpu["regs"]):
                regs = fetch(vcpu["regs"], vcpu["regs"].type.target())
                line += f", last exit at pc {int(regs['pc']):#x} pstate {int(regs['pstate']):#x}"
            print(line)


class Bulkhead(gdb.Command):
    __doc__ = globals()["__doc__"]

    def __init__(self):
        super().__init__("bulkhead", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        words = gdb.string_to_argv(argument)
        if words == ["vms"]:
            show_vms()
        elif words == ["vcpus"]:
            show_vcpus()
        elif words[:1] == ["stage2"] and len(words) == 3:
            walk(vm_called(words[1]).root(), int(gdb.parse_and_eval(words[2])))
        elif words[:1] == ["map"] and len(words) == 2:
            show_map(vm_called(words[1]))
        else:
            print(self.__doc__)


gdb.execute("set max-value-size unlimited")
Bulkhead()
