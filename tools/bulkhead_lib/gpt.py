"""Partition tables: GPT (UEFI 2.10, section 5.3) and the MBR's four entries (5.2)."""
import struct
import uuid
import zlib

from .common import SECTOR

MOST_ENTRIES = 128
ENTRY_BYTES = 128
ENTRY_SECTORS = MOST_ENTRIES * ENTRY_BYTES // SECTOR
BASIC_DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"
MBR_FAT32_LBA, MBR_GPT = 0x0c, 0xee


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


# ---- Making one ----

def make_entry(part):
    name = part.name.encode("utf-16-le")
    if len(name) > 72:
        raise ValueError(f"partition name {part.name}: at most 36 characters")
    return struct.pack("<16s16sQQQ72s", uuid.UUID(part.kind).bytes_le, uuid.UUID(part.unique).bytes_le,
                       part.start // SECTOR, part.end // SECTOR - 1, 0, name)


def make_header(mine, other, table_at, table, size, disk_guid):
    last_usable = size // SECTOR - ENTRY_SECTORS - 2

    def packed(checksum):
        return struct.pack("<8sIIII4Q16sQIII", b"EFI PART", 0x10000, 92, checksum, 0, mine, other,
                           ENTRY_SECTORS + 2, last_usable, uuid.UUID(disk_guid).bytes_le, table_at,
                           MOST_ENTRIES, ENTRY_BYTES, zlib.crc32(table))

    return packed(zlib.crc32(packed(0))).ljust(SECTOR, b"\0")


def make_mbr(fat):
    """Hybrid: the protective entry up to the partition `fat`, then that one for boot ROMs that know no GPT."""
    mbr = bytearray(SECTOR)
    struct.pack_into("<B3sB3sII", mbr, 446, 0, b"\x00\x02\x00", MBR_GPT, b"\xff\xff\xff", 1,
                     fat.start // SECTOR - 1)
    struct.pack_into("<B3sB3sII", mbr, 462, 0, b"\xfe\xff\xff", MBR_FAT32_LBA, b"\xfe\xff\xff",
                     fat.start // SECTOR, fat.size // SECTOR)
    mbr[510:] = b"\x55\xaa"
    return bytes(mbr)


def make(parts, size, disk_guid):
    """(bytes for the disk's first sectors, bytes for its last): both copies of a table of `parts`, the
    first of which is also in the MBR. To be written in the other order: one copy is whole at any time."""
    table = b"".join(make_entry(part) for part in parts).ljust(MOST_ENTRIES * ENTRY_BYTES, b"\0")
    last = size // SECTOR - 1
    primary = make_header(1, last, 2, table, size, disk_guid)
    backup = make_header(last, 1, last - ENTRY_SECTORS, table, size, disk_guid)
    return make_mbr(parts[0]) + primary + table, table + backup
