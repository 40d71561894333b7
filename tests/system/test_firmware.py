"""boot = "firmware": U-Boot, GRUB and Debian's own kernel, all from the VM's disk; a disk that does not boot."""
import re

from bulkhead import BOOT_LIMIT, LOGIN_LIMIT, Board, Debian, make_card

LIMIT = 900

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha {
			cpus = <0 1>;
			memory = "384M";
			boot = "firmware";
			sets-clock;
			disks { root { partition = "alpha-root"; image = "debian-12"; size = "1792M"; }; };
		};
		beta {
			cpus = <2>;
			memory = "64M";
			boot = "firmware";
			disks { empty { partition = "beta-empty"; size = "4M"; }; };
		};
	};
};
"""
board = None
alpha = None


def setup():
    global board, alpha
    board = Board(make_card("firmware", VMS))
    alpha = Debian(board, 1, "alpha")
    board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)


def teardown():
    if board:
        board.off()


def test_a_disk_that_does_not_boot_says_so():
    """Once, on its console and in the monitor; it is not tried for ever."""
    board.expect(r"\[beta\] U-Boot 20", BOOT_LIMIT)
    board.expect_all([r"\[beta\] No disk of this VM boots: ", r"\[bulkhead\] beta: is off: it turned itself off"])


def test_debian_starts_from_its_disk():
    board.expect(r"\[alpha\] alpha login: ", LOGIN_LIMIT)
    assert re.search(r"\[alpha\] U-Boot 20.*Welcome to GRUB!.*EFI stub: Booting Linux Kernel", board.printed(), re.S)
    alpha.login()
    assert alpha.run("findmnt -no SOURCE /") == "/dev/vda2"
    assert alpha.run("test -d /sys/firmware/efi && nproc") == "2"
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
    """GRUB's menu is what is in /boot at that moment; the clock has run on."""
    alpha.run("for f in vmlinuz initrd.img; do cp /boot/$f-$(uname -r) /boot/$f-9.9; done; sync", 300)
    board.line("reboot")
    board.expect(r"Booting `Debian GNU/Linux, Linux 9\.9'", LOGIN_LIMIT)
    board.expect(r"alpha login: ", LOGIN_LIMIT)
    alpha.login()
    assert "/boot/vmlinuz-9.9" in alpha.run("cat /proc/cmdline")
    assert 2000000000 <= int(alpha.run("date +%s")) < 2000003000
