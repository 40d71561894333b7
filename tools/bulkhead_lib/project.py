"""A vms.dts with its VMs: which there are, in which folders, and whether the rules allow them.

The rules are the hypervisor's own, compiled for the PC (tools/vmscheck.c): what is refused here is what
would be refused at boot, in the same words.
"""
import os
import subprocess

from . import dts, fdt
from .common import TOP, VMSCHECK, Refused, need, read_text, run, work_folder

TEMPLATE = """\
/dts-v1/;

/*
 * The VMs of this card. `bulkhead new` adds a line to vms, `bulkhead rm` takes one out; the rest of this
 * file stays as it is. docs/configuration.md explains every property.
 */
/ {
	compatible = "bulkhead,vms-1";

	vms {
	};
};
"""
# A board's RAM in GB, and what its firmware leaves of it in MiB (docs/boards.md).
BOARDS = {1: 948, 2: 1972, 4: 3956, 8: 8052}
MAX_CORES = 4


def vmscheck():
    """The checker, built when it is not there yet."""
    if not os.path.exists(VMSCHECK):
        run("make", "-s", "-C", TOP, os.path.relpath(VMSCHECK, TOP))
    return VMSCHECK


class Vm:
    """A VM as compiled, and where its files are."""

    def __init__(self, node, file, folder):
        self.name = node.name
        self.node = node
        self.file = file      # its own vm.dts, None when it stands in vms.dts itself
        self.folder = folder  # where its boot files and disks are looked for first
        self.cpus = node.cells("cpus")
        self.memory = node.text("memory")
        self.disks = node.child("disks").children

    def boot_files(self):
        return [(what, self.node.text(what)) for what in ("kernel", "initrd", "binary")
                if self.node.text(what)]


class Project:
    def __init__(self, file):
        self.file = file
        self.folder = os.path.dirname(os.path.abspath(file))

    def exists(self):
        return os.path.exists(self.file)

    def text(self):
        if not self.exists():
            raise Refused(f"there is no {self.file}: `bulkhead new` makes the first VM")
        return read_text(self.file)

    def path_of(self, include):
        return os.path.join(self.folder, include)

    def flat(self, text=None, files=None):
        """The source with its VMs in it; `files` stands in for files that are not written yet."""
        text = self.text() if text is None else text
        for name, start, end in reversed(dts.includes(text, self.file)):
            text = text[:start] + ((files or {}).get(name) or read_text(self.path_of(name))) + text[end:]
        return text

    def compile(self, text=None, files=None):
        """The blob of a flat source; or of the files themselves, whose lines dtc's messages then name."""
        need("dtc")
        # What is there twice is for vmscheck to refuse, in its words.
        twice = ("no-duplicate_node_names", "no-duplicate_property_names")
        command = ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "-"] + \
                  [word for check in twice for word in ("-W", check, "-E", check)]
        if text is None and files is None:
            command.append(self.file)
            source = None
            self.text()
        else:
            source = self.flat(text, files).encode()
        done = subprocess.run(command, input=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode != 0:
            raise Refused(done.stderr.decode(errors="replace").strip() or "dtc failed")
        return done.stdout

    def vms(self, blob=None):
        """All VMs, in the file's order."""
        tree = fdt.read(blob or self.compile())
        owners = {}
        for name, _, _ in dts.includes(self.text(), self.file):
            path = self.path_of(name)
            owners[dts.VmFile(read_text(path), path).vm.name] = path
        return [Vm(node, owners.get(node.name),
                   os.path.dirname(owners[node.name]) if node.name in owners else self.folder)
                for node in tree.child("vms").children]

    def vm(self, name):
        for vm in self.vms():
            if vm.name == name:
                return vm
        raise Refused(f'there is no VM "{name}" in {self.file}')

    def own(self, name):
        """A VM that this command may change: it has a file of its own."""
        vm = self.vm(name)
        if not vm.file:
            raise Refused(f"{name} stands in {self.file} itself: change it there, with an editor; this "
                          "command changes VMs that have a vm.dts of their own")
        return vm

    def include_of(self, vm):
        for name, _, _ in dts.includes(self.text(), self.file):
            if os.path.samefile(self.path_of(name), vm.file):
                return name
        raise Refused(f"{self.file} does not include {vm.file}")


def judge(blob, ram_mib, *more):
    """What the rules say of a configuration on a board with this much RAM; None: it is accepted."""
    with work_folder() as work:
        path = os.path.join(work, "vms.dtb")
        with open(path, "wb") as f:
            f.write(blob)
        done = subprocess.run([vmscheck(), path, "--ram", str(ram_mib), *more], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return None
    return done.stderr.strip().removeprefix(path + ": ") or "vmscheck failed"


def smallest_board(blob, at_most=max(BOARDS)):
    """The smallest board (GB) on which the rules allow this; Refused in their words when there is none."""
    why = judge(blob, BOARDS[at_most])
    if why:
        raise Refused(why)
    return next(gb for gb in BOARDS if gb == at_most or judge(blob, BOARDS[gb]) is None)
