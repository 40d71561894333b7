"""Two Debian systems that are ended over and over, alpha and beta, beside a witness that must not notice.

They are the systems that a user gets, with one unit more (victim.pl) and a patient watchdog.
"""
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import tempfile

from bulkhead import BOOT_LIMIT, BUILD, TOP, Board, make_card
from containment import BEAT, Containment, build_witness, partitions

NAMES = {"alpha": 1, "beta": 3}  # their places in the configuration
VICTIM = """
		{name} {{
			cpus = <{core}>;
			memory = "{memory}M";
			kernel = "vmlinuz";
			initrd = "{initrd}";
			bootargs = "root=/dev/vda {arguments} rootfstype=ext4 console=ttyAMA0 quiet cma=4M";
			restart-limit = <0 1>;
			disks {{ root {{ partition = "{name}-root"; image = "debian-12"; size = "1792M"; }}; }};
		}};
"""
WITNESS = """
		witness {
			cpus = <2>;
			memory = "128M";
			kernel = "vmlinuz";
			initrd = "witness.img";
			bootargs = "console=ttyAMA0 quiet cma=4M";
			disks { d { partition = "witness"; size = "16M"; }; };
		};
"""
UNIT = """
[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=perl /etc/victim.pl
StandardError=journal+console
"""
# On a busy host a minute may pass in which a guest hardly runs; its counter goes on. (What fails by itself shortens it.)
MANAGER = """
[Manager]
DefaultTimeoutStartSec=300s
DefaultDeviceTimeoutSec=300s
RuntimeWatchdogSec=150s
"""
RECORD_BYTES = 32768

# The emulated card moves a megabyte a second, so what a life runs comes in its initrd: a second archive, from which
# these are laid over the very same files of the root file system. (The rest is guests/debian's script of that name.)
PROGRAMS = ["lib/systemd/systemd", "lib/systemd/systemd-executor", "lib/systemd/systemd-shutdown",
            "lib/systemd/system-generators/systemd-fstab-generator", "bin/perl", "bin/systemctl"]
LIBRARIES = ("lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu/systemd")
LAY_OVER = """#!/bin/sh
case ${1-} in
prereqs)
    exit 0
    ;;
esac

mkdir /run/quick
mount -t tmpfs -o mode=755 quick /run/quick
cp -a /quick/. /run/quick/
while read -r number path; do
    mount -o bind "/run/quick/$number" "${rootmnt:?}/usr/$path"
done < /run/quick/list
mount -n -o move /dev "${rootmnt:?}/dev"
rm -rf /dev
ln -s "$rootmnt/dev" /dev
"""


def with_libraries(usr, programs):
    """These files, and all shared libraries that they name, in turn."""
    found = [path for path in programs if os.path.exists(os.path.join(usr, path))]
    for path in found:
        out = subprocess.run(["aarch64-linux-gnu-readelf", "-d", os.path.join(usr, path)], check=True, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", out):
            there = [f"{folder}/{name}" for folder in LIBRARIES if os.path.exists(os.path.join(usr, folder, name))]
            found += [library for library in there if library not in found]
    return found


def build_quick_initrd():
    """build/guests/quick.img: Debian's initrd, and behind it what the programs of a life are."""
    loader = importlib.machinery.SourceFileLoader("witness_build", os.path.join(TOP, "guests", "witness", "build"))
    archive = importlib.util.module_from_spec(importlib.util.spec_from_loader("witness_build", loader))
    loader.exec_module(archive)
    guests = os.path.join(BUILD, "guests")
    with tempfile.TemporaryDirectory() as folder:
        for path in ("lib/systemd", "lib/aarch64-linux-gnu", "bin"):
            inside = os.path.join(folder, os.path.dirname(path))
            os.makedirs(inside, exist_ok=True)
            subprocess.run(["debugfs", "-R", f"rdump /usr/{path} {inside}", os.path.join(guests, "alpha-root.ext4")],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        paths = with_libraries(folder, PROGRAMS)
        with open(os.path.join(guests, "initrd.img"), "rb") as f:
            data = archive.pad(f.read())
        data += archive.entry("quick", 0o040755)
        for number, path in enumerate(paths):
            with open(os.path.join(folder, path), "rb") as f:
                data += archive.entry(f"quick/{number}", 0o100755, f.read())
    listed = "".join(f"{number} {path}\n" for number, path in enumerate(paths))
    data += archive.entry("quick/list", 0o100644, listed.encode())
    data += archive.entry("scripts/init-bottom/bulkhead", 0o100755, LAY_OVER.encode())
    data += archive.entry("TRAILER!!!", 0)
    with open(os.path.join(guests, "quick.img"), "wb") as f:
        f.write(data)


def configuration(memory, initrd, arguments):
    first, second = (VICTIM.format(name=name, core=core, memory=memory, initrd=initrd, arguments=arguments)
                     for core, name in enumerate(NAMES))
    return '/dts-v1/;\n/ {\n\tcompatible = "bulkhead,vms-1";\n\tvms {' + first + WITNESS + second + "\t};\n};\n"


class Victims(Containment):
    """The board with both and the witness, switched on."""

    WRITTEN = ("witness", "alpha-root", "beta-root")

    def __init__(self, name, memory, initrd, arguments, wanted_by=None):  # pylint: disable=super-init-not-called
        build_witness()
        self.original = make_card(name, configuration(memory, initrd, arguments))
        self.card = os.path.join(BUILD, "test", f"{name}-{os.getpid()}.img")
        subprocess.run(["cp", "--sparse=always", self.original, self.card], check=True)
        self.disks = {vm: f"{self.card}?offset={partitions(self.card)[vm + '-root'][0]}" for vm in NAMES}
        for disk in self.disks.values():
            self.equip(disk, wanted_by)
        self.beat = -1
        self.board = Board(self.card, snapshot=False)
        self.board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
        self.board.expect(r"\[witness\] " + BEAT, BOOT_LIMIT)

    def end(self):
        super().end()
        for name in NAMES:
            if os.path.exists(f"{self.card}.{name}"):
                os.remove(f"{self.card}.{name}")

    # ---- Their disks, with the emulator off ----

    @staticmethod
    def equip(disk, wanted_by):
        files = {"/etc/systemd/system/victim.service": UNIT, "/etc/systemd/system.conf.d/bulkhead.conf": MANAGER}
        with open(os.path.join(TOP, "tests", "system", "victim.pl"), encoding="utf-8") as f:
            files["/etc/victim.pl"] = f.read()
        commands = ""
        with tempfile.TemporaryDirectory() as folder:
            for n, (path, text) in enumerate(files.items()):
                source = os.path.join(folder, str(n))
                with open(source, "w", encoding="utf-8") as f:
                    f.write(text)
                commands += f"rm {path}\nwrite {source} {path}\n"
            if wanted_by:
                wants = f"/etc/systemd/system/{wanted_by}.wants"
                commands += f"mkdir {wants}\nsymlink {wants}/victim.service ../victim.service\n"
            subprocess.run(["debugfs", "-w", "-f", "-", disk], input=commands, text=True, check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for path, text in files.items():
                read = subprocess.run(["debugfs", "-R", f"cat {path}", disk], check=True, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
                assert read == text, f"{path} was not written"

    def check_file_system(self, name, recover):
        """As e2fsck sees it; `recover`: after its journal was replayed, as a mount would do it, in a copy: e2fsck opens
        the file anew then, without the offset."""
        if recover:
            offset, size = partitions(self.card)[f"{name}-root"][:2]
            self.disks[name] = f"{self.card}.{name}"
            subprocess.run(["dd", f"if={self.card}", f"of={self.disks[name]}", "bs=1M", "iflag=skip_bytes,count_bytes",
                            f"skip={offset}", f"count={size}", "conv=sparse", "status=none"], check=True)
            done = subprocess.run(["e2fsck", "-p", self.disks[name]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False)
            assert done.returncode in (0, 1), done.stdout
        done = subprocess.run(["e2fsck", "-fn", self.disks[name]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        print(done.stdout, flush=True)
        assert done.returncode == 0, f"{name}: {done.stdout}"

    def check_records(self, name):
        """Read from outside; the last one's number."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["debugfs", "-R", f"rdump /victim {folder}", self.disks[name]], check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            there = sorted(int(n) for n in os.listdir(os.path.join(folder, "victim")) if n.isdigit())
            assert there and there == list(range(there[0], there[-1] + 1)), f"{name}: {there}"
            for number in there:
                line = f"{name} {number}\n".encode()
                with open(os.path.join(folder, "victim", str(number)), "rb") as f:
                    assert f.read() == (line * 8192)[:RECORD_BYTES], f"{name}: record {number}"
        print(f"{name}: {len(there)} records up to {there[-1]}, all whole", flush=True)
        return there[-1]

    # ---- What is seen of them ----

    def see_witness(self):
        """In the view of all: whoever is attached to one VM is not told what becomes of others."""
        self.board.all_view()

    def measure_anew(self):
        pass

    def told(self, pattern):
        """All that the console has shown of it so far, in any view."""
        return re.findall(pattern, self.board.printed())

    def nothing_wrong(self):
        found = self.told(r"victim: WRONG[^\n]*")
        assert not found, found

    def restarts_of(self, name):
        return int(re.search(rf"^\d+\s+{name}\s.* MiB +\d+ s +(\d+)", self.ask("list"), re.M).group(1))

    def memmap(self):
        """What no start or end of a VM may change."""
        return re.sub(r"\S*\x1b\[K[^\n]*\n", "", self.board.monitor("memmap")).strip()
