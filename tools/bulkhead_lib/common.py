"""What every part needs: words for the user, sizes, other programs, files that change all at once."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
GUESTS = os.path.join(BUILD, "guests")
VMSCHECK = os.path.join(BUILD, "host", "vmscheck")
SECTOR = 512
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
UNITS = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": 1 << 40}


class Refused(Exception):
    """Bad input: the sentence that the user reads. Nothing has been changed."""


def say(text):
    print("bulkhead: " + text, flush=True)


def run(*command, **options):
    """A program whose output only matters when it fails; its output."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False, stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError:
        raise Refused(f"the program {command[0]} is missing: run tools/setup") from None
    if done.returncode != 0:
        raise Refused(f"{os.path.basename(command[0])} failed:\n{done.stdout.rstrip()}")
    return done.stdout


def need(*tools):
    """These programs are about to be used; sbin is not in every user's path."""
    if "/usr/sbin" not in os.environ["PATH"].split(":"):
        os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in tools:
        if not shutil.which(tool):
            raise Refused(f"the program {tool} is missing: run tools/setup")


def parse_size(text, what="size"):
    """Bytes of 8G, 512M, 1048576."""
    found = re.fullmatch(r"(\d{1,15})([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if not found or int(found[1]) == 0:
        raise Refused(f'{what}: "{text}" is not a size; allowed are MiB as 512M, GiB as 8G')
    return int(found[1]) * UNITS[found[2].upper()]


def show_size(size):
    """The largest unit that says it exactly, else rounded and in bytes."""
    for unit in "TGM":
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return f"{size / MIB:.1f}M ({size} bytes)"


def dts_size(size):
    """As `size` in a vms.dts."""
    if size % MIB:
        raise Refused(f"a size of {size} bytes is not a multiple of 1 MiB")
    return f"{size // GIB}G" if size % GIB == 0 else f"{size // MIB}M"


def align(value, to):
    return (value + to - 1) // to * to


def read_text(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {getattr(error, 'strerror', None) or 'is not text'}") from None


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def put_in_place(new, path):
    """A finished file takes the place of an old one, whatever happens to the machine meanwhile."""
    sync(new)
    os.replace(new, path)
    sync(os.path.dirname(os.path.abspath(path)))


def write_text(path, text):
    new = path + ".new"
    try:
        with open(new, "w", encoding="utf-8") as f:
            f.write(text)
        put_in_place(new, path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


def work_folder():
    return tempfile.TemporaryDirectory(prefix="bulkhead-")


def terminal():
    """Is there a person to ask?"""
    return sys.stdin.isatty() and sys.stdout.isatty()


def confirm(question, yes):
    """A yes, given beforehand or now."""
    if yes:
        return
    if not terminal():
        raise Refused("this needs a yes: there is no terminal to ask on; give --yes")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("nothing was changed")
