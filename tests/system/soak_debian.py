"""Two Debians write a lot at once, and find it again after the plug was pulled."""
import test_debian

LIMIT = 1800
ALONE = True

setup = test_debian.setup
teardown = test_debian.teardown


def test_data_written_in_both_at_once():
    test_debian.write_in_both(256, 1200)


def test_data_survives_a_restart():
    test_debian.test_data_survives_a_restart()
