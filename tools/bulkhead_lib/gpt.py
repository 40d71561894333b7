"""Reading partition tables: GPT (UEFI 2.10, section 5.3) and the MBR's four entries (5.2)."""
import struct
import uuid
import zlib

from .common import SECTOR

HEAD_BYTES = 34 * SECTOR   # protective MBR, header, 128 entries
TAIL_BYTES = 33 * SECTOR   # the backup: entries, then its header
MOST_ENTRIES = 128
ENTRY_BYTES = 128


class Part:
    def __init__(self, number, start, size, kind, name="", unique=None):
        self.number, self.start, self.size = number, start, size  # bytes
        self.kind = kind      # type GUID in lower case, or an MBR type as a number
        self.name = name
        self.unique = unique  # GUID

    @property
    def end(self):
        return self.start + self.size


def header(sector, lba):
    """The fields of a valid header that lies at `lba`, else None."""
    if sector[:8] != b"EFI PART":
        return None
    size, checksum = struct.unpack_from("<II", sector, 12)
    if not 92 <= size <= SECTOR:
        return None
    if zlib.crc32(sector[:16] + b"\0\0\0\0" + sector[20:size]) != checksum:
        return None
    mine, other = struct.unpack_from("<2Q", sector, 24)
    entries, count, each, crc = struct.unpack_from("<QIII", sector, 72)
    if mine != lba or each != ENTRY_BYTES or not 0 < count <= MOST_ENTRIES:
        return None
    return entries, count, crc, other


def entries(data, fields):
    """Partitions of an array of entries; None if its checksum is wrong."""
    _, count, crc, _ = fields
    data = data[:count * ENTRY_BYTES]
    if len(data) < count * ENTRY_BYTES or zlib.crc32(data) != crc:
        return None
    parts = []
    for n in range(count):
        kind, unique, first, last, _, name = struct.unpack_from("<16s16sQQQ72s", data, n * ENTRY_BYTES)
        if any(kind):
            parts.append(Part(n + 1, first * SECTOR, (last - first + 1) * SECTOR,
                              str(uuid.UUID(bytes_le=kind)),
                              name.decode("utf-16-le", "replace").split("\0")[0],
                              str(uuid.UUID(bytes_le=unique))))
    return parts


def read_gpt(read, size):
    """(partitions, is the primary one good, is the backup good); partitions None: no GPT.
    `read(at, bytes)` reads the disk of `size` bytes. The backup is where the primary says, as on a disk
    that was made longer, or at the end."""
    def table(lba):
        fields = header(read(lba * SECTOR, SECTOR), lba) if 0 < lba < size // SECTOR else None
        if not fields or fields[0] * SECTOR >= size:
            return None, 0
        return entries(read(fields[0] * SECTOR, fields[1] * ENTRY_BYTES), fields), fields[3]

    last = size // SECTOR - 1
    primary, other = table(1)
    backup, _ = table(last if primary is None else other)
    return backup if primary is None else primary, primary is not None, backup is not None


def read_mbr(sector):
    """Partitions of an MBR, [] where there is none."""
    if sector[510:512] != b"\x55\xaa":
        return []
    parts = []
    for n in range(4):
        status, kind, start, count = struct.unpack_from("<B3xB3xII", sector, 446 + 16 * n)
        if status not in (0, 0x80):
            return []  # a boot sector of something else
        if kind and count:
            parts.append(Part(n + 1, start * SECTOR, count * SECTOR, kind))
    return parts
