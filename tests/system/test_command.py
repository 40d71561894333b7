"""tools/bulkhead: VMs by options and by answers, rules, disks of all formats. No emulator."""
import json
import os
import subprocess
import zlib

import pexpect
from pc import MIB, PROBE, Desk, digest, partitions, pc_disk, raw_disk

LIMIT = 300
FORMATS = {"raw": "raw", "vdi": "vdi", "vhd": "vpc", "vmdk": "vmdk", "qcow2": "qcow2"}
DISK_BYTES = 24 * MIB + 5 * 512  # no multiple of anything larger than a sector
desk = None


def setup():
    global desk
    desk = Desk()


def teardown():
    if desk:
        desk.clear()


def fresh():
    """An empty folder for the next test."""
    global desk
    desk.clear()
    desk = Desk()


def test_new_list_show_rm():
    assert "there is no vms.dts" in desk.refused("list")
    assert "fits boards of every size" in desk.new("alpha", "--disk", "32M", "--format", "vdi")
    desk.do("new", "beta", "--type", "custom", "--binary", PROBE, "--memory", "1G", "--cpus", "2,3")
    rows = [line.split() for line in desk.do("list").splitlines()]
    assert rows[1] == ["alpha", "0", "64M", "root", "32M", "vms/alpha"], rows
    assert rows[2] == ["beta", "2", "3", "1G", "-", "vms/beta"], rows
    said = desk.do("show", "alpha")
    assert 'partition "alpha-root", vms/alpha/disk.vdi (vdi, 32M, ' in said
    assert digest(desk.path("vms/alpha/probe.bin")) == digest(PROBE)
    assert "needs a board with 2 GB or more" in desk.do("check")
    assert "beta: memory: 1024 MiB are asked for; the board has 948 MiB" in desk.refused("check", "--board", "1")
    before = desk.snapshot()
    assert "--yes" in desk.refused("rm", "beta")
    assert desk.snapshot() == before
    desk.do("rm", "beta", "--yes")
    assert not os.path.exists(desk.path("vms/beta")) and "beta" not in desk.read("vms.dts")
    assert "beta" not in desk.do("list")


def test_no_terminal_says_what_is_missing():
    fresh()
    before = desk.snapshot()
    said = desk.refused("new", "delta", "--memory", "64M")
    for word in ("--type", "--cpus", "--disk"):
        assert word in said, said
    assert "--memory" not in said and "NAME" not in said.split("(")[0], said
    assert "--kernel FILE or --binary FILE" in desk.refused("new", "delta", "--type", "custom", "--memory",
                                                            "64M", "--cpus", "1")
    assert desk.snapshot() == before


def test_rules_are_the_hypervisors():
    """Each refusal comes in EL2's words and leaves everything as it was."""
    fresh()
    desk.new("alpha")
    before = desk.snapshot()
    custom = ["--type", "custom", "--binary", PROBE]
    for words, said in (
            (["Bad", "--memory", "64M", "--cpus", "1"], 'vms "Bad": a name is a small letter'),
            (["bulkhead", "--memory", "64M", "--cpus", "1"], "bulkhead: name: is the hypervisor's own"),
            (["alpha", "--memory", "64M", "--cpus", "1"], "alpha: name: there are two VMs of this name"),
            (["eve", "--memory", "33M", "--cpus", "1"], 'eve: memory: "33M" is not a multiple of 2 MiB'),
            (["eve", "--memory", "lots", "--cpus", "1"], 'eve: memory: "lots" is not an amount'),
            (["eve", "--memory", "90G", "--cpus", "1"], "eve: memory: 92160 MiB are asked for"),
            (["eve", "--memory", "64M", "--cpus", "0,1"], 'eve: cpus: core 0 also belongs to "alpha"'),
            (["eve", "--memory", "64M", "--cpus", "7,"], "eve: cpus: there is no core 7"),
            (["eve", "--memory", "64M", "--cpus", "4"], "4 cores are asked for; 3 are free"),
            (["eve", "--memory", "64M", "--cpus", "some"], "allowed are a number of cores"),
            (["eve", "--memory", "64M", "--cpus", "1", "--disk", "3"], "not a multiple of 1 MiB"),
            (["eve", "--memory", "64M", "--cpus", "1", "--format", "zip"], 'format: "zip"')):
        assert said in desk.refused("new", *words, *custom), words
        assert desk.snapshot() == before, words
    assert "there is no file nowhere" in desk.refused("new", "eve", "--type", "custom", "--binary", "nowhere",
                                                     "--memory", "64M", "--cpus", "1")
    assert desk.snapshot() == before


def test_set_keeps_what_others_wrote():
    fresh()
    desk.new("alpha", "--disk", "32M", "--format", "vdi")
    desk.write("vms/alpha/vm.dts", desk.read("vms/alpha/vm.dts").replace(
        "cpus = <0>;", "/* the quiet\n\t * core */\n\tcpus = <0>; // not 1\n\tconsole = \"hidden\";"))
    listing = desk.read("vms.dts").replace("vms {", "vms { /* mine */\n\t\t// by hand\n")
    desk.write("vms.dts", listing)
    desk.do("set", "alpha", "--memory", "128M", "--cpus", "1,2")
    text = desk.read("vms/alpha/vm.dts")
    for kept in ("/* the quiet\n\t * core */\n", "cpus = <1 2>; // not 1", 'console = "hidden";',
                 'memory = "128M";', 'image = "disk.vdi";'):
        assert kept in text, (kept, text)
    assert desk.read("vms.dts") == listing
    before = desk.snapshot()
    assert "there is no core 9" in desk.refused("set", "alpha", "--cpus", "9,")
    assert "not a multiple" in desk.refused("set", "alpha", "--memory", "35M", "--cpus", "0,")
    assert "not made smaller" in desk.refused("set", "alpha", "--disk", "16M")
    assert desk.snapshot() == before
    desk.do("set", "alpha", "--disk", "40M")
    assert "(vdi, 40M, " in desk.do("show", "alpha")
    desk.new("beta")
    desk.do("rm", "beta", "--yes")
    assert desk.read("vms.dts") == listing


def test_vms_written_by_hand_are_left_alone():
    fresh()
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "guests", "vms.dts"), encoding="utf-8") as f:
        default = f.read()
    desk.write("vms.dts", default.replace("<2 3>", "<2>"))
    before = desk.snapshot()
    assert "with an editor" in desk.refused("set", "alpha", "--memory", "64M")
    assert "with an editor" in desk.refused("rm", "alpha", "--yes")
    assert desk.snapshot() == before
    desk.new("gamma")
    assert desk.read("vms.dts").replace('\t\t/include/ "vms/gamma/vm.dts"\n', "") == before_text(default)
    assert [line.split()[0] for line in desk.do("list").splitlines()] == ["NAME", "alpha", "beta", "gamma"]
    desk.write("vms.dts", default.replace("cpus = <0 1>", "cpus = <0 1"))
    assert "vms.dts:1" in desk.refused("check")  # dtc names the line


def before_text(default):
    return default.replace("<2 3>", "<2>")


def test_questions():
    """Step by step, with defaults; a wrong answer is told and asked again."""
    fresh()
    desk.new("alpha")
    port = desk.terminal("new", "--binary", PROBE)
    for question, answer in ((r"Name \[beta\]: ", "alpha"), (r"two VMs of this name\r\nName \[beta\]: ", ""),
                             (r"Type \[debian-12\]: ", "windows"),
                             (r"allowed are debian-12, debian-13, custom\r\nType \[debian-12\]: ", "custom"),
                             (r"Memory, .*\[384M\]: ", "7M"), (r"too little; .*\r\nMemory, .*: ", "96M"),
                             (r"Size of its disk \[4G\]: ", "x"), (r"not a size; .*\r\nSize of its disk .*: ", "16M"),
                             (r"on this PC .*\[raw\]: ", "qcow2"),
                             (r"free: 1 2 3\) \[2\]: ", "0,1"), (r'core 0 also belongs to "alpha".*: ', "")):
        port.expect(question)
        port.sendline(answer)
    port.expect("beta is made: vms/beta")
    port.expect(pexpect.EOF)
    port.close()
    assert port.exitstatus == 0
    text = desk.read("vms/beta/vm.dts")
    for line in ("cpus = <1 2>;", 'memory = "96M";', 'image = "disk.qcow2";', 'binary = "probe.bin";'):
        assert line in text, text
    before = desk.snapshot()
    port = desk.terminal("new")
    port.expect("Name .*: ")
    port.sendintr()
    port.expect("nothing was changed")
    port.expect(pexpect.EOF)
    assert desk.snapshot() == before
    port = desk.terminal("rm", "beta")
    port.expect(r"vms/beta/disk.qcow2 .*\[y/N\] ")
    port.sendline("")
    port.expect("nothing was changed")
    assert desk.snapshot() == before


def qemu_img(*args):
    return subprocess.run(["qemu-img", *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def following(fmt):
    names = list(FORMATS)
    return names[(names.index(fmt) + 1) % len(names)]


def test_round_trips():
    """A foreign file -> VM -> card, and -> a file of another format -> back: every byte and the size."""
    fresh()
    start = desk.path("start.raw")
    raw_disk(start, DISK_BYTES, [(0, MIB), (9 * MIB + 512, 70000), (DISK_BYTES - 512, 512)])
    wanted = digest(start)
    for fmt, driver in FORMATS.items():
        options = ["-o", "force_size=on"] if driver == "vpc" else []
        foreign = desk.path(f"foreign.{fmt}")
        qemu_img("convert", "-f", "raw", "-O", driver, *options, start, foreign)
        name = f"vm-{fmt}"
        desk.new(name, "--image", foreign, "--format", fmt)
        assert f'image = "disk.{fmt}";' in desk.read("vms", name, "vm.dts")
        desk.do("build", "--no-make")
        at, size = partitions(desk.path("build", "sdcard.img"))[f"{name}-root"]
        assert size == DISK_BYTES, (fmt, size)
        assert digest(desk.path("build", "sdcard.img"), at, size) == wanted, fmt
        for other in (fmt, following(fmt)):
            out = desk.path(f"out.{other}")
            desk.do("export", name, out, "--format", other)
            info = json.loads(qemu_img("info", "--output=json", "-f", FORMATS[other], out))
            assert info["virtual-size"] == DISK_BYTES, (fmt, other, info)
            back = desk.path("back.raw")
            qemu_img("convert", "-f", FORMATS[other], "-O", "raw", out, back)
            assert digest(back) == wanted, (fmt, other)
            desk.do("import", name, out)
            assert f"{DISK_BYTES} bytes" in desk.do("show", name)
            os.unlink(out)
        if fmt in ("vdi", "qcow2", "vmdk"):
            qemu_img("check", "-f", driver, desk.path("vms", name, "disk." + fmt))
        desk.do("rm", name, "--yes")


def test_a_disk_takes_only_the_space_that_it_needs():
    fresh()
    for fmt in FORMATS:
        desk.new(fmt, "--disk", "20G", "--format", fmt)
        path = desk.path("vms", fmt, "disk." + fmt)
        assert os.stat(path).st_blocks * 512 < 4 * MIB, fmt
        desk.do("rm", fmt, "--yes")


def test_import_sizes():
    """A disk grows or keeps its size; it never shrinks without a word."""
    fresh()
    desk.new("alpha", "--disk", "16M", "--format", "vdi")
    small, large = desk.path("small.raw"), desk.path("large.raw")
    raw_disk(small, 8 * MIB, [(0, 4096)])
    raw_disk(large, 20 * MIB, [(0, 4096)])
    assert "it keeps its size" in desk.do("import", "alpha", small)
    desk.do("export", "alpha", desk.path("out.raw"))
    assert os.path.getsize(desk.path("out.raw")) == 16 * MIB
    assert digest(desk.path("out.raw"), 0, 8 * MIB) == digest(small)
    desk.do("import", "alpha", large)
    assert "(vdi, 20M, " in desk.do("show", "alpha")
    assert "is there already" in desk.refused("export", "alpha", desk.path("out.raw"))


def test_what_is_inside():
    fresh()
    desk.new("alpha", "--disk", "16M", "--format", "vdi")
    arm, x86, bios = desk.path("arm.raw"), desk.path("x86.raw"), desk.path("bios.raw")
    pc_disk(arm, "BOOTAA64.EFI", 0xaa64)
    pc_disk(x86, "BOOTX64.EFI", 0x8664)
    raw_disk(bios, 32 * MIB, [(0, 440)])
    with open(bios, "r+b") as f:  # one active Linux partition in an MBR, with code before it
        f.seek(446)
        f.write(bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (40960).to_bytes(4, "little"))
        f.seek(510)
        f.write(b"\x55\xaa")
    before = desk.snapshot()
    for file, word in ((x86, "x86-64"), (bios, "BIOS")):
        said = desk.refused("import", "alpha", file)
        assert "another kind of computer" in said and word in said and "arm64" in said, said
        assert desk.snapshot() == before
    qemu_img("convert", "-f", "raw", "-O", "qcow2", x86, desk.path("x86.img"))  # whatever it is called
    assert "another kind of computer" in desk.refused("import", "alpha", desk.path("x86.img"))
    said = desk.do("import", "alpha", arm)
    assert "GPT with 2 partitions; EFI loader for arm64: EFI/BOOT/BOOTAA64.EFI" in said, said


def cut(source, target, size):
    with open(source, "rb") as f, open(target, "wb") as g:
        g.write(f.read(size))


def test_damaged_files_change_nothing():
    fresh()
    desk.new("alpha", "--disk", "16M", "--format", "qcow2")
    start = desk.path("start.raw")
    pc_disk(start, "BOOTAA64.EFI", 0xaa64)
    bad = []
    for fmt, driver in FORMATS.items():
        whole, short = desk.path(f"whole.{fmt}"), desk.path(f"short.{fmt}")
        if fmt == "raw":
            os.rename(start, whole)
        else:
            qemu_img("convert", "-f", "raw", "-O", driver, desk.path("whole.raw"), whole)
        cut(whole, short, os.path.getsize(whole) * 3 // 5)
        bad.append((short, "truncated"))
    table = desk.path("table.raw")
    cut(desk.path("whole.raw"), table, 64 * MIB)
    with open(table, "r+b") as f:
        f.seek(1024 + 32)
        f.write(b"\xff")
    bad.append((table, "only the backup of its partition table"))
    backed = desk.path("backed.qcow2")
    qemu_img("create", "-f", "qcow2", "-b", desk.path("whole.raw"), "-F", "raw", backed)
    bad.append((backed, "only the difference to another file"))
    desk.write("split.vmdk", "# Disk DescriptorFile\nRW 131072 FLAT \"/etc/passwd\" 0\n")
    bad.append((desk.path("split.vmdk"), "in several files"))
    desk.write("vms.vdi", "no disk at all\n" * 99)
    bad.append((desk.path("vms.vdi"), "is no VDI file"))
    open(desk.path("empty.raw"), "w", encoding="utf-8").close()
    bad.append((desk.path("empty.raw"), "is empty"))
    bad.append((desk.path("nowhere.raw"), "there is no such file"))
    before = desk.snapshot()
    for file, said in bad:
        words = desk.refused("import", "alpha", file)
        assert said in words, (file, words)
        assert desk.snapshot() == before, file
    # What was damaged after it was brought in stops the card from being built.
    disk = desk.path("vms", "alpha", "disk.qcow2")
    desk.do("import", "alpha", desk.path("whole.raw"))
    cut(disk, disk + ".cut", os.path.getsize(disk) * 3 // 5)
    os.replace(disk + ".cut", disk)
    assert "truncated" in desk.refused("check")
    assert "truncated" in desk.refused("build", "--no-make")
    assert not os.path.exists(desk.path("build", "sdcard.img"))


def test_boot_files_of_one_name():
    """There is one folder for all on the card: the same file twice is fine, two different ones are not."""
    fresh()
    desk.new("alpha")
    desk.new("beta")
    desk.do("build", "--no-make")
    with open(desk.path("vms", "beta", "probe.bin"), "ab") as f:
        f.write(b"more")
    assert "another VM has a different file of this name" in desk.refused("build", "--no-make")


def test_a_vm_that_starts_from_its_disk():
    """Firmware and environment come on the card, once; nothing else is to be named."""
    fresh()
    disk = desk.path("pc.raw")
    pc_disk(disk, "BOOTAA64.EFI", 0xaa64)
    common = ["--type", "custom", "--boot", "firmware", "--memory", "64M", "--cpus", "1"]
    desk.do("new", "alpha", *common, "--image", disk, "--format", "vdi")
    desk.do("new", "beta", *common, "--disk", "8M")
    assert 'boot = "firmware"' in desk.read("vms", "alpha", "vm.dts")
    assert "starts what the disk holds" in desk.refused("new", "gamma", *common, "--kernel", PROBE)
    desk.do("check")
    desk.do("build", "--no-make")
    at, _ = partitions(desk.path("build", "sdcard.img"))["bulkhead-boot"]
    fat = f"{desk.path('build', 'sdcard.img')}@@{at}"
    environment = subprocess.run(["mtype", "-i", fat, "::firmware.env"], check=True, stdout=subprocess.PIPE).stdout
    assert len(environment) == 256 << 10
    assert int.from_bytes(environment[:4], "little") == zlib.crc32(environment[4:])
    assert b"\0bootcmd=" in environment
    for name in ("alpha", "beta"):
        desk.do("rm", name, "--yes")


def host_name(path):
    return subprocess.run(["debugfs", "-R", "cat /etc/hostname", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True, text=True).stdout


def test_debian_with_a_disk_of_its_own():
    """Unless told otherwise it starts what is on it."""
    fresh()
    common = ["--type", "debian-12", "--memory", "384M", "--cpus", "2", "--disk", "2G"]
    desk.do("new", "frog", *common, "--hostname", "pond")
    disk = desk.path("vms", "frog", "disk.raw")
    assert os.path.getsize(disk) == 2 << 30
    esp, root = (partitions(disk)[name] for name in ("esp", "root"))
    assert host_name(f"{disk}?offset={root[0]}") == "pond\n"
    listing = subprocess.run(["mdir", "-b", "-/", "-i", f"{disk}@@{esp[0]}"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    assert {"::/EFI/BOOT/BOOTAA64.EFI", "::/EFI/debian/grub.cfg", "::/EFI/debian/copyright.txt"} <= set(listing.split())
    assert {"vm.dts", "disk.raw"} == set(os.listdir(desk.path("vms", "frog")))
    assert 'boot = "firmware"' in desk.read("vms", "frog", "vm.dts")
    desk.do("new", "toad", *common, "--boot", "kernel")
    assert host_name(desk.path("vms", "toad", "disk.raw")) == "toad\n"
    assert {"vm.dts", "disk.raw", "vmlinuz", "initrd.img"} == set(os.listdir(desk.path("vms", "toad")))
    desk.do("check")
    # A file system without a loader; a kernel that nobody named.
    before = [desk.read("vms", name, "vm.dts") for name in ("frog", "toad")]
    assert "toad: boot: a firmware finds nothing to start: disks/root: one ext4" in \
        desk.refused("set", "toad", "--boot", "firmware")
    assert "frog: kernel: " in desk.refused("set", "frog", "--boot", "kernel")
    assert [desk.read("vms", name, "vm.dts") for name in ("frog", "toad")] == before
    desk.do("set", "frog", "--boot", "kernel", "--kernel", desk.path("vms", "toad", "vmlinuz"),
            "--initrd", desk.path("vms", "toad", "initrd.img"), "--bootargs", "root=/dev/vda2")
    assert 'bootargs = "root=/dev/vda2"' in desk.read("vms", "frog", "vm.dts")
    desk.do("set", "frog", "--boot", "firmware")
    text = desk.read("vms", "frog", "vm.dts")
    assert 'boot = "firmware"' in text and "kernel" not in text and "bootargs" not in text, text
    desk.do("check")
