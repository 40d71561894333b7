"""Entered where it can't run, the hypervisor says so on the UART that the device tree names.

QEMU's `virt` board starts an arm64 Image at EL1 or EL2 on a core of our choice, with a PL011 and a device
tree of its own: nothing of a Raspberry Pi, which is the point.
"""
import os

import pexpect

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = os.path.join(TOP, "build", "rpi4", "bulkhead.img")
LIMIT = 60


def last_words(machine, cpu):
    qemu = pexpect.spawn("qemu-system-aarch64", [
        "-M", machine, "-cpu", cpu, "-m", "256", "-nic", "none", "-display", "none", "-monitor", "none",
        "-serial", "stdio", "-kernel", IMAGE], encoding="utf-8", timeout=30)
    try:
        qemu.expect(r"\[bulkhead\] (cannot start: [^\r\n]*)\r+\n\[bulkhead\] stopped")
        return qemu.match.group(1)
    finally:
        qemu.close(force=True)


def test_entered_at_el1():
    said = last_words("virt,gic-version=2", "cortex-a72")
    assert "exception level EL1, needs EL2" in said, said


def test_entered_on_an_unknown_core():
    said = last_words("virt,virtualization=on,gic-version=2", "cortex-a53")
    assert "MIDR_EL1 is 0x410fd034" in said and "Cortex-A72" in said, said
