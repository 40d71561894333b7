"""What `new` and `set` need to know of a VM: from options, or by questions on a terminal.

Each answer is put into the configuration as it would become, and the hypervisor's own rules say what they
think of it: no rule is written down a second time here.
"""
import re

from . import debian
from .common import Refused, dts_size, parse_size, show_size, terminal
from .diskfile import FORMATS
from .project import BOARDS, MAX_CORES, judge

TYPES = {
    "debian-12": "Debian 12, installed and ready to log in",
    "debian-13": "Debian 13, the same",
    "custom": "a kernel or a program of your own, with or without a disk",
}
DEFAULTS = {"type": "debian-12", "memory": "384M", "disk": "4G", "format": "raw", "cpus": "2"}
LEAST_DEBIAN_DISK = 1 << 30


def free_cores(vms, but=None):
    """Cores that no VM has."""
    taken = {core for vm in vms if vm.name != but for core in vm.cpus}
    return [core for core in range(MAX_CORES) if core not in taken]


def show_cores(cores):
    return " ".join(str(core) for core in cores) or "none"


def parse_cpus(text, free):
    """"2": so many free cores. "2,3" or "3,": these."""
    if re.fullmatch(r"\d{1,2}", text.strip()):
        count = int(text)
        if not 0 < count <= len(free):
            raise Refused(f"cpus: {count} cores are asked for; {len(free)} are free (core {show_cores(free)})")
        return free[:count]
    if not re.fullmatch(r"\d{1,2}(,\d{1,2})*,?", text.strip()):
        raise Refused(f'cpus: "{text}": allowed are a number of cores, as 2, or a list, as 2,3 (of one: 3,)')
    return [int(core) for core in text.strip().strip(",").split(",")]


def parse_type(text):
    if text not in TYPES:
        raise Refused(f'type: "{text}"; allowed are {", ".join(TYPES)}')
    return text


def parse_format(text):
    if text.lower() not in FORMATS:
        raise Refused(f'format: "{text}"; allowed are {", ".join(FORMATS)}')
    return text.lower()


def parse_disk(text, kind):
    size = parse_size(text, "disk")
    dts_size(size)
    if kind in debian.TYPES and size < LEAST_DEBIAN_DISK:
        raise Refused(f"disk: Debian needs at least {show_size(LEAST_DEBIAN_DISK)}")
    return size


class Questions:
    """`wanted` is filled step by step; `candidate(wanted)` is the blob that it would become."""

    def __init__(self, project, vms, wanted, candidate):
        self.project, self.vms, self.wanted, self.candidate = project, vms, wanted, candidate

    def rules(self):
        why = judge(self.candidate(self.wanted), BOARDS[max(BOARDS)])
        if why:
            raise Refused(why)

    def take(self, field, text):
        """An answer into `wanted`, or Refused and as before."""
        before = self.wanted.get(field)
        parse = {"type": parse_type, "format": parse_format,
                 "cpus": lambda t: parse_cpus(t, free_cores(self.vms, self.wanted.get("name"))),
                 "disk": lambda t: parse_disk(t, self.wanted.get("type"))}
        try:
            self.wanted[field] = parse.get(field, str.strip)(text)
            self.rules()
        except Refused:
            self.wanted[field] = before
            raise

    def ask(self, field, question, default=None):
        """Until the rules like the answer."""
        while self.wanted.get(field) is None:
            answer = input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
            if not answer:
                continue
            try:
                self.take(field, answer)
            except Refused as why:
                print(f"  {why}")

    def ask_all(self):
        free = free_cores(self.vms)
        name = next(n for n in ("alpha", "beta", "gamma", "delta", "vm-1", "vm-2")
                    if n not in [vm.name for vm in self.vms])
        print(f"A new VM in {self.project.file}. Enter takes what is in brackets, Ctrl-C leaves "
              "everything as it is.")
        self.ask("name", "Name", name)
        if self.wanted.get("type") is None:
            for kind, what in TYPES.items():
                print(f"  {kind:10} {what}")
        self.ask("type", "Type", DEFAULTS["type"])
        if self.wanted["type"] == "custom" and not any(self.wanted.get(what) for what in ("kernel", "binary")) \
                and self.wanted.get("boot") != "firmware":
            self.ask("kernel", "File of its kernel (an arm64 Image)")
        self.ask("memory", "Memory, as 512M, 1G or 40% of the board's", DEFAULTS["memory"])
        if self.wants_disk():
            self.ask("disk", "Size of its disk", DEFAULTS["disk"])
            self.ask("format", f"Its file on this PC ({', '.join(FORMATS)})", DEFAULTS["format"])
        self.ask("cpus", f"Cores: how many, or which as 2,3 (free: {show_cores(free)})",
                 str(min(2, len(free))))

    def wants_disk(self):
        return not self.wanted.get("image") and self.wanted.get("disk") is None

    def missing(self):
        """What has no answer, and no person to ask."""
        need = ["name", "type", "memory", "cpus"]
        if self.wants_disk() and self.wanted.get("type") != "custom":
            need.append("disk")
        return [field for field in need if self.wanted.get(field) is None]


def complete(questions, given, defaults):
    """All answers: from `given`, then defaults if they were asked for, then questions."""
    for field in ("name", "type", "kernel", "initrd", "binary", "memory", "cpus", "disk", "format"):
        if given.get(field) is not None:
            questions.take(field, given[field])
    missing = questions.missing()
    if defaults:
        for field in [f for f in missing if f in DEFAULTS]:
            free = free_cores(questions.vms)
            questions.take(field, str(min(2, len(free))) if field == "cpus" else DEFAULTS[field])
        missing = questions.missing()
    if missing and terminal():
        questions.ask_all()
    elif missing:
        ways = {"name": "NAME", "type": f"--type {'|'.join(TYPES)}", "memory": "--memory 512M",
                "cpus": "--cpus 2", "disk": "--disk 4G"}
        raise Refused("missing: " + ", ".join(ways[field] for field in missing) +
                      " (there is no terminal to ask on; --defaults takes the usual for all but NAME)")
