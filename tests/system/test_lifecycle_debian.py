"""Devices that stock Debian knows how to live with: the power key, and the watchdog that systemd feeds."""
from bulkhead import BOOT_LIMIT, LOGIN_LIMIT, Board, Debian

LIMIT = 900
ALONE = True  # four busy cores
WATCHDOG = 60  # seconds, guests/debian/overlay/etc/systemd/system.conf.d/bulkhead.conf
SLACK = 60     # a busy emulator's

board = None
alpha = beta = None


def setup():
    global board, alpha, beta
    board = Board()
    alpha, beta = Debian(board, 1, "alpha"), Debian(board, 2, "beta")
    board.expect(r"\[bulkhead\] \d cores are up at EL2", BOOT_LIMIT)
    beta.login()
    alpha.login()


def teardown():
    if board:
        board.off()


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
