"""A Debian 12 installs another kernel, reboots into it, and GRUB's menu has the old one; beside it a Debian 13."""
import glob
import os
import re
import subprocess

from bulkhead import BOOT_LIMIT, BUILD, LOGIN_LIMIT, TOP, Board, Debian, make_card

LIMIT = 1800
ALONE = True  # four busy cores
INSTALL_LIMIT = 1500

VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha {
			cpus = <0 1>;
			memory = "384M";
			boot = "firmware";
			disks {
				root { partition = "alpha-root"; image = "debian-12"; size = "1792M"; };
				packages { partition = "packages"; image = "upgrade-packages.ext4"; read-only; };
			};
		};
		beta {
			cpus = <2 3>;
			memory = "384M";
			boot = "firmware";
			disks { root { partition = "beta-root"; image = "debian-13"; size = "1792M"; }; };
		};
	};
};
"""
MENU_UP = "\x1b[A"
board = None
alpha = beta = None
state = {}


def fetch_kernels():
    """Debian's own packages of both kernels, on a disk."""
    folder = os.path.join(BUILD, "test", "upgrade-packages")
    disk = folder + ".ext4"
    if os.path.exists(disk):
        return
    fetch = os.path.join(TOP, "tools", "debian-apt")
    subprocess.run([fetch, "fetch", folder, "linux-image-arm64+"], check=True)
    subprocess.run([fetch, "fetch-from", "bookworm-backports:arm64", folder, "linux-image-arm64+"], check=True)
    assert len(glob.glob(folder + "/*.deb")) == 2, os.listdir(folder)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", folder, disk + ".new", "320M"],
                   check=True)
    os.rename(disk + ".new", disk)


def setup():
    global board, alpha, beta
    fetch_kernels()
    board = Board(make_card("upgrade", VMS))
    alpha, beta = Debian(board, 1, "alpha"), Debian(board, 2, "beta")
    board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
    board.expect_all([r"\[alpha\] alpha login: ", r"\[beta\] beta login: "], LOGIN_LIMIT)
    beta.login()
    state["beta"] = beta.run("cat /proc/sys/kernel/random/boot_id")
    alpha.login()
    state["old"] = alpha.run("uname -r")


def teardown():
    if board:
        board.off()


def test_debian_13_is_as_debian_12():
    beta.attach()
    assert beta.run("cat /etc/debian_version").startswith("13")
    assert beta.run("uname -r").startswith("6.12.")
    out, _ = beta.status("systemctl is-system-running --wait; systemctl --failed --no-legend", 300)
    assert out.split("\n")[0].strip() == "running", out
    assert beta.run("dmesg --level=emerg,alert,crit,err") == ""
    assert beta.run("cat /sys/class/watchdog/watchdog0/state") == "active"
    assert beta.run("cat /sys/module/pstore/parameters/backend") == "ramoops"
    assert beta.run("findmnt -no SOURCE /; nproc").split() == ["/dev/vda2", "2"]


def test_another_kernel_is_installed():
    alpha.attach()
    alpha.run("mount -o ro /dev/vdb /mnt && ls /mnt/*.deb")
    print(alpha.run("dpkg -i /mnt/linux-image-6.12*.deb && sync && ls /boot", INSTALL_LIMIT))


def is_back(release):
    """alpha alone, on that kernel."""
    board.expect(r"alpha login: ", LOGIN_LIMIT)
    alpha.login()
    state["now"] = alpha.run("uname -r")
    assert state["now"].startswith(release), state["now"]
    out, _ = alpha.status("systemctl is-system-running --wait; systemctl --failed --no-legend", 300)
    assert out.split("\n")[0].strip() == "running", out
    beta.attach()
    assert beta.run("cat /proc/sys/kernel/random/boot_id") == state["beta"]
    alpha.attach()


def test_a_reboot_starts_it():
    board.line("reboot")
    board.expect(r"Booting `Debian GNU/Linux, Linux 6\.12\.", LOGIN_LIMIT)
    is_back("6.12.")


def test_the_menu_has_the_old_one():
    board.line("reboot")
    board.expect(r"Welcome to GRUB!", LOGIN_LIMIT)  # an earlier key is U-Boot's
    board.send("\x1b")
    board.expect(r"GNU GRUB +version")
    board.expect(r"\*Debian GNU/Linux, Linux 6\.12\.")
    board.send(MENU_UP)
    board.expect(r"\*Debian GNU/Linux, Linux " + re.escape(state["old"]))
    board.line("")
    board.expect(r"Booting `Debian GNU/Linux, Linux " + re.escape(state["old"]))
    is_back(state["old"])
