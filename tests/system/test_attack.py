"""A named part of the attack cases, beside a witness: whatever a guest does ends in that guest. `make attack` runs all."""
from containment import Containment

LIMIT = 400

# Every way in: memory, calls, registers, states, caches, interrupts, timers, disk, console; every way to end.
SUBSET = """
    holes-sizes holes-writeback holes-fetch holes-walk holes-el0 ram-end device-fuzz psci-ids smccc-ids hvc-immediates
    cpu-on-hostile cpu-on-storm sysreg-read-el1 sysreg-write-el1 sysreg-read-el0 sysreg-write-el0 sys-instructions
    aarch32-el0 aarch32-cp15 aarch32-el1 undefined-random debug-registers single-step pmu set-way tlb-storm
    gicd-fuzz gicc-fuzz sgi-storm level-storm eoi-without-ack lr-overflow two-core-gicd timer-always timer-by-hand
    virtio-registers virtio-rings virtio-chains virtio-lengths virtio-index virtio-indirect virtio-moved virtio-reset
    virtio-two-core virtio-never-empty disk-beyond disk-read-only disk-flood console-escapes console-flood
    loop-both vectors-in-hole watchdog-unfed exit-storm requests-then-loop reset reset-in-flight cpu-off-all
""".split()

scene = None


def setup():
    global scene
    scene = Containment("attack")


def teardown():
    if scene:
        scene.end()


def test_the_witness_is_not_hurt():
    assert not set(SUBSET) - set(scene.cases), set(SUBSET) - set(scene.cases)
    scene.run_all(SUBSET)


def test_random_operations_on_a_busy_vm():
    scene.random_operations(200, seed=20)


def test_the_log_is_not_flooded():
    scene.check_log()


def test_nothing_else_on_the_card_has_changed():
    scene.beats()
    scene.board.pull()
    scene.check_disk()
