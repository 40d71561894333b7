"""What EL2 executes until two VMs of 512 MiB on four cores run their first instructions, and for the restart of
one of them: by part, by function."""
import collections
import os
import re
import subprocess
import tempfile

import run

# Parts, and the functions that begin one (with their file where others have that name): what is called from there
# without a part of its own belongs to it.
PARTS = [
    ("the rest: entry, idle loop, exits, console", ["cpu_events_run", "console_interrupt", "arch_boot"]),
    ("board: device tree", ["read_board"]),
    ("board: console, GIC, clock, seeds", ["console_init", "say_hello", "prepare_board", "console_go_live"]),
    ("checksums of the boot files", ["loader_hash_files"]),
    ("card, partition table", ["open_card"]),
    ("configuration, tables", ["set_up_vms", "arch_finish_tables"]),
    ("cores", ["start_cores", "arch_start_secondaries", "arch_secondary", "secondary_main"]),
    ("guests: end of the life before", ["trap_hvc", "vm.c:stop", "come_in", "vm_collected"]),
    ("guests: memory, files", ["vm.c:load", "loader_run"]),
    ("guests: device trees", ["make_device_tree"]),
    ("guests: devices, start", ["vm.c:start", "start_vcpu"]),
]
PART_OF = {function: number for number, (_, functions) in enumerate(PARTS) for function in functions}
# Not counted among them.
WAITING = {"wait_us", "cpu_relax", "cpu_stop_check", "lock_wait"}
DATA = {"cache_zero", "cache_clean_invalidate", "memcpy", "memset"}
DATA_IN = "guests: memory, files"
PIO = {"move_block"}


class Places:
    """The functions that each instruction lies in, inlined ones too, innermost first, with their files."""

    def __init__(self, symbols):
        text = "".join(f"{run.VA_IMAGE + n:#x}\n" for n in range(0, symbols.bytes, 4))
        out = subprocess.run(["aarch64-linux-gnu-addr2line", "-a", "-f", "-i", "-e", run.ELF], input=text,
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        names = symbols.table()
        self.chains = []
        for entry in re.split(r"^0x[0-9a-f]+\n", out, flags=re.M)[1:]:
            lines = entry.splitlines()
            files = [os.path.basename(line).split(":")[0] for line in lines[1::2]]
            chain = list(zip(lines[::2], files))
            self.chains.append([(names[len(self.chains)] or "?", "?")] if chain[0][0] == "??" else chain)

    def part(self, number):
        """The part that begins with instruction `number`; those after the first count from 1, 0 is none."""
        for function, file in self.chains[number]:
            for name in (function, f"{file}:{function}"):
                if name in PART_OF:
                    return PART_OF[name] + 1
        return 0


class Split:
    def __init__(self, section, places):
        self.parts, self.functions = collections.Counter(), collections.Counter()
        self.data = self.waiting = 0
        for (phase, offset), n in section.by_phase.items():
            chain = [function for function, _ in places.chains[offset // 4]]
            part = PARTS[max(phase, 1) - 1][0]
            if WAITING & set(chain):
                self.waiting += n
            elif PIO & set(chain) or (part == DATA_IN and DATA & set(chain)):
                self.data += n
            else:
                self.parts[part] += n
                self.functions[part, chain[0]] += n

    def total(self):
        return sum(self.parts.values())


def measure(machine):
    """`machine`: run.Boot or run.Restart."""
    firmware = os.path.join(os.environ.get("BULKHEAD_CACHE", os.path.join(run.BUILD, "cache")), "firmware")
    places = Places(run.Symbols())

    class Parted(machine):
        def phase_of(self, number):
            return places.part(number)

    with tempfile.TemporaryDirectory() as work:
        _, counted = Parted(work, firmware).run()
    return Split(counted["boot"], places)


def show(split, functions):
    for name, _ in PARTS:
        if split.parts[name]:
            print(f"  {name:<46}{split.parts[name]:>12,}")
    print(f"  {'all':<46}{split.total():>12,}")
    print(f"  {'beside: zeroing, copying, programmed I/O':<46}{split.data:>12,}")
    print(f"  {'beside: waiting':<46}{split.waiting:>12,}")
    for (part, function), n in split.functions.most_common(functions):
        print(f"    {function:<32}{n:>12,}  {part}")


def print_splits(functions=0):
    print("boot of two VMs of 512 MiB on four cores, instructions at EL2:")
    show(measure(run.Boot), functions)
    print("restart of a VM of 512 MiB on two cores:")
    show(measure(run.Restart), functions)
