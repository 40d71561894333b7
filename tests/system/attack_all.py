"""All attack cases, each beside the witness: `make attack`. Names may be given: ATTACK="virtio-rings loop-both"."""
import os

from containment import Containment

LIMIT = 3600

scene = None


def setup():
    global scene
    scene = Containment("attack")


def teardown():
    if scene:
        scene.end()


def test_all_cases():
    scene.run_all(os.environ.get("ATTACK", "").split() or list(scene.cases))


def test_the_log_is_not_flooded():
    scene.check_log()


def test_nothing_else_on_the_card_has_changed():
    scene.beats()
    scene.board.pull()
    scene.check_disk()
