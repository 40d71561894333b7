"""Devices that stock Debian knows how to live with: the power key, and the watchdog that systemd feeds. alpha is
started without a firmware, from a kernel on the card's boot partition."""
from bulkhead import BOOT_LIMIT, LOGIN_LIMIT, Board, Debian, make_card

LIMIT = 900
ALONE = True  # four busy cores
WATCHDOG = 60  # seconds, guests/debian/overlay/etc/systemd/system.conf.d/bulkhead.conf
SLACK = 60     # a busy emulator's
VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		alpha {
			cpus = <0 1>;
			memory = "384M";
			kernel = "vmlinuz";
			initrd = "initrd.img";
			bootargs = "root=/dev/vda ro rootfstype=ext4 console=ttyAMA0 modules_load=ramoops";
			disks { root { partition = "alpha-root"; image = "debian-12"; size = "1792M"; }; };
		};
		beta {
			cpus = <2 3>;
			memory = "384M";
			boot = "firmware";
			disks { root { partition = "beta-root"; image = "debian-12"; size = "1792M"; }; };
		};
	};
};
"""

board = None
alpha = beta = None


def setup():
    global board, alpha, beta
    board = Board(make_card("lifecycle", VMS))
    alpha, beta = Debian(board, 1, "alpha"), Debian(board, 2, "beta")
    board.expect(r"\[bulkhead\] \d cores are up at EL2", BOOT_LIMIT)
    beta.login()
    alpha.login()


def teardown():
    if board:
        board.off()


def test_a_kernel_from_the_card():
    """Not of alpha's disk, and with the command line of its configuration."""
    alpha.attach()
    assert alpha.run("findmnt -no SOURCE /") == "/dev/vda"
    assert alpha.run("test ! -d /sys/firmware/efi && cat /proc/cmdline").startswith("root=/dev/vda ro rootfstype=ext4 ")
    assert "Bulkhead: loading vmlinuz" in board.printed()


def test_watchdog_is_fed():
    for guest in (alpha, beta):
        guest.attach()
        folder = "/sys/class/watchdog/watchdog0/"
        assert guest.run(f"cat {folder}identity {folder}state {folder}timeout").split("\n") == \
            ["SBSA Generic Watchdog", "active", str(WATCHDOG)]
        # It counts down, and is set back before it is half through.
        guest.run(f"last=99; for i in $(seq 90); do left=$(cat {folder}timeleft); "
                  "[ $left -gt $last ] && break; last=$left; sleep 1; done; "
                  f"[ $left -gt $last ] && [ $last -ge {WATCHDOG // 2 - 15} ]", 150)


def test_power_key_is_an_orderly_end():
    board.monitor("stop alpha")
    board.all_view()
    board.expect_all([r"\[alpha\] .*reboot: Power down", r"\[bulkhead\] alpha: is off: it turned itself off"], LOGIN_LIMIT)


def test_hung_kernel_comes_back():
    beta.attach()
    board.line("echo c > /proc/sysrq-trigger")
    board.expect("end Kernel panic")
    board.all_view()
    board.expect(r"\[bulkhead\] beta: .*its watchdog was not fed for 60 s", WATCHDOG + SLACK)
    board.expect(r"\[beta\] beta login: ", LOGIN_LIMIT)
