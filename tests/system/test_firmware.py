"""boot = "firmware": Debian's own kernel by GRUB from the VM's disk, a new one after a reboot; disks that do not boot,
a boot loader that crashes, and one that attacks."""
import os
import re

from bulkhead import BOOT_LIMIT, BUILD, LOGIN_LIMIT, Board, Debian, make_card, wait_until
from pc import pc_disk

LIMIT = 900

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha {
			cpus = <0>;
			memory = "384M";
			boot = "firmware";
			sets-clock;
			disks { root { partition = "alpha-root"; image = "debian-12"; size = "1792M"; }; };
		};
		beta {
			cpus = <1>;
			memory = "64M";
			boot = "firmware";
			disks {
				empty { partition = "beta-empty"; size = "4M"; };
				noise { partition = "beta-noise"; image = "firmware-noise.img"; };
				fat { partition = "beta-fat"; image = "firmware-fat.img"; };
			};
		};
		gamma {
			cpus = <2>;
			memory = "64M";
			boot = "firmware";
			disks { hostile { partition = "gamma"; image = "firmware-hostile.img"; }; };
		};
		delta {
			cpus = <3>;
			memory = "64M";
			boot = "firmware";
			restart-limit = <3 600>;
			disks { crash { partition = "delta"; image = "firmware-crash.img"; }; };
		};
	};
};
"""
ESP = 1 << 20   # where pc_disk() lays it
ENTRY = 0x1000  # of the programs that guests/efi makes
board = None
alpha = None
tables = None


def make_disks():
    """A loader that is none; a file system that is none; a loader that attacks; one whose first instruction is
    undefined."""
    def path(name):
        return os.path.join(BUILD, "test", f"firmware-{name}.img")

    with open(os.path.join(BUILD, "guests", "probe.efi"), "rb") as f:
        hostile = f.read()
    os.makedirs(os.path.join(BUILD, "test"), exist_ok=True)
    pc_disk(path("noise"), "BOOTAA64.EFI", b"\x5a" * 65536)
    pc_disk(path("fat"), "BOOTAA64.EFI", hostile)
    with open(path("fat"), "r+b") as f:  # its boot sectors, FATs and root directory
        f.seek(ESP)
        f.write(b"\xff" * (2 << 20))
    pc_disk(path("hostile"), "BOOTAA64.EFI", hostile)
    pc_disk(path("crash"), "BOOTAA64.EFI", hostile[:ENTRY] + bytes(4) + hostile[ENTRY + 4:])


def memmap():
    return re.search(r"hash of all tables ([0-9a-f]{8})", board.monitor("memmap")).group(1)


def setup():
    global board, alpha, tables
    make_disks()
    board = Board(make_card("firmware", VMS))
    alpha = Debian(board, 1, "alpha")
    board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
    board.expect_all([r"\[alpha\] alpha login: ",
                      r"\[beta\] No disk of this VM boots: ", r"\[bulkhead\] beta: is off: it turned itself off",
                      r"\[gamma\] probe: \d+ accesses, \d+ aborts, \d+ wrong\r*\n",
                      r"\[bulkhead\] gamma: is off: it turned itself off",
                      r"\[bulkhead\] delta: stays down: restarted 3 times in 600 s"], LOGIN_LIMIT)
    tables = memmap()
    board.all_view()


def teardown():
    if board:
        board.off()


def test_disks_that_do_not_boot_are_each_tried_once():
    printed = board.printed()
    assert len(re.findall(r"\[beta\] U-Boot 20", printed)) == 1
    assert re.search(r"^2\s+beta\s+off", board.monitor("list"), re.M)
    board.all_view()


def test_a_loader_that_crashes_is_not_tried_for_ever():
    printed = board.printed()
    assert len(re.findall(r"\[delta\] U-Boot 20", printed)) == 4
    assert len(re.findall(r'\[delta\] "Synchronous Abort" handler', printed)) == 4


def test_a_hostile_loader_finds_nothing():
    """What the firmware had is there, to be read: its environment. All else aborts."""
    printed = board.printed()
    assert "[gamma] probe: a firmware's environment at 4000000" in printed
    assert "[gamma] probe: leaves out 4000000+40000" in printed
    accesses, aborts, wrong = re.search(r"probe: (\d+) accesses, (\d+) aborts, (\d+) wrong", printed).groups()
    assert accesses == aborts and int(accesses) > 5000000 and wrong == "0", (accesses, aborts, wrong)


def test_restarts_in_the_middle_of_a_firmware():
    for moment in range(10):
        board.monitor("restart delta")
        wait_until(lambda: re.search(r"(?m)^4 +delta +running ", board.monitor("list")), 60, "delta runs")
        for _ in range(moment):
            board.monitor("version")
    board.monitor("kill delta")
    assert memmap() == tables
    board.all_view()


def test_debian_starts_from_its_disk():
    assert re.search(r"\[alpha\] U-Boot 20.*Welcome to GRUB!.*EFI stub: Booting Linux Kernel", board.printed(), re.S)
    alpha.login()
    assert alpha.run("findmnt -no SOURCE /") == "/dev/vda2"
    assert alpha.run("test -d /sys/firmware/efi && nproc") == "1"
    assert alpha.run("grep -c ramoops /sys/module/pstore/parameters/backend") == "1"
    out, _ = alpha.status("systemctl is-system-running --wait; systemctl --failed --no-legend", 300)
    assert out.split("\n")[0].strip() == "running", out


def test_it_has_a_clock():
    """It began with that of the hypervisor's build, and this VM may set it."""
    rtc, system = (int(x) for x in alpha.run("cat /sys/class/rtc/rtc0/since_epoch; date +%s").split())
    # systemd moves a system's time on to that of its own files, which may be newer than the hypervisor's build.
    assert -60 < system - rtc < 3600, (rtc, system)
    assert system > 1750000000, "no clock: time began in 1970, or with the file system"
    alpha.run("date -s @2000000000 && hwclock --systohc --utc --noadjfile")
    assert 2000000000 <= int(alpha.run("cat /sys/class/rtc/rtc0/since_epoch")) < 2000001000


def test_a_reboot_starts_the_newest_kernel_on_the_disk():
    """GRUB's menu is what is in /boot at that moment, 6.9 before 6.10; the clock has run on."""
    alpha.run("for v in 6.9 6.10; do for f in vmlinuz initrd.img; do ln /boot/$f-$(uname -r) /boot/$f-$v.0-2-arm64; "
              "done; done; sync", 300)
    board.line("reboot")
    board.expect(r"Booting `Debian GNU/Linux, Linux 6\.10\.0-2-arm64'", LOGIN_LIMIT)
    board.expect(r"alpha login: ", LOGIN_LIMIT)
    alpha.login()
    assert "/boot/vmlinuz-6.10.0-2-arm64" in alpha.run("cat /proc/cmdline")
    assert 2000000000 <= int(alpha.run("date +%s")) < 2000003000
