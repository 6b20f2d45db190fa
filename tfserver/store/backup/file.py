"""The file of a backup: a line of JSON, entries with their lengths in front, SHA-256 of all (docs/cli.md)."""

from __future__ import annotations

import contextlib
import enum
import hashlib
import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

import msgspec

from tfserver.errors import TfserverError

FORMAT: Final = "tfserver backup"
VERSION: Final = 2
MOST_HEADER: Final = 4096
_CHUNK: Final = 1 << 20
_ENTRY: Final = struct.Struct(">cIqQ")
"""Before each name and value: the part, length of the name, remaining life in ms (-1: for ever), length of
the value."""
_DIGEST: Final = 32

Tell = Callable[[int, int | None], None]


class BackupError(TfserverError):
    """A backup can't be made, read, or brought back; the text says why."""


class Part(enum.Enum):
    """What an entry belongs to."""

    STATE = b"k"
    """A key of the store, as DUMP gives it."""
    ARCHIVE = b"r"
    """Rows of the archive."""
    SECRET = b"f"
    """A file with a secret, by its name in the data folder."""


class Entry(NamedTuple):
    """One thing that is kept. ``life`` is in ms, -1 without end."""

    part: Part
    name: bytes
    value: bytes
    life: int = -1


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: what is in the file.

    ``master_key`` is the id of the key that credentials need, ``more_keys`` are those that some still need
    because the master key was being changed, ``archive`` that of the database whose rows are
    in it, if any are, and ``secrets`` names the files with secrets.
    """

    format: str = FORMAT
    version: int = VERSION
    prefix: str
    schema: int
    reader: int
    master_key: str
    software: str
    time: str
    archive: str = ""
    secrets: tuple[str, ...] = ()
    more_keys: tuple[str, ...] = ()
    count: int = 0
    rows: int = 0
    largest: int = 0
    """Bytes of the largest key of the store."""


def write(path: str, header: Header, entries: Iterable[Entry], tell: Tell, total: int | None) -> Header:
    """Write a backup to ``path`` (mode 0600), whole or not at all. Raises BackupError."""
    folder, name = os.path.split(os.path.abspath(path))
    temporary = ""
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        with os.fdopen(fd, "w+b") as file:
            header = _write(file, header, entries, tell, total)
            file.flush()
            os.fsync(fd)
        os.rename(temporary, path)
        _sync(folder)
    except BaseException as wrong:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(wrong, OSError):
            raise BackupError(f"can't write {path}: {wrong.strerror}") from wrong
        raise
    return header


def _write(file: BinaryIO, header: Header, entries: Iterable[Entry], tell: Tell, total: int | None) -> Header:
    # The numbers are known at the end only, so the line gets room for the longest.
    room = len(_line(msgspec.structs.replace(header, count=1 << 62, rows=1 << 62, largest=1 << 62), 0))
    file.write(b" " * room)
    count, rows, largest = 0, 0, 0
    for entry in entries:
        file.write(_ENTRY.pack(entry.part.value, len(entry.name), entry.life, len(entry.value)))
        file.write(entry.name)
        file.write(entry.value)
        count += 1
        if entry.part is Part.STATE:
            largest = max(largest, len(entry.value))
        elif entry.part is Part.ARCHIVE:
            rows += int(entry.name)
        tell(count, total)
    header = msgspec.structs.replace(header, count=count, rows=rows, largest=largest)
    file.seek(0)
    file.write(_line(header, room))
    file.seek(0, os.SEEK_END)
    file.write(_digest(file, file.tell()))
    return header


def _line(header: Header, room: int) -> bytes:
    return msgspec.json.encode(header).ljust(room - 1) + b"\n"


def verify(file: BinaryIO) -> Header:
    """Read the whole file and see that nothing is missing or changed. Raises BackupError."""
    header = _read_header(file)
    size = os.fstat(file.fileno()).st_size - _DIGEST
    file.seek(max(0, size))
    if _digest(file, size) != file.read():
        raise BackupError("the backup is damaged: its SHA-256 is another")
    for _ in walk(file, header):
        pass
    return header


def walk(file: BinaryIO, header: Header) -> Iterator[Entry]:
    """The entries of a file; BackupError where it ends too early."""
    _read_header(file)
    end = os.fstat(file.fileno()).st_size - _DIGEST
    for _ in range(header.count):
        left = end - file.tell() - _ENTRY.size
        if left < 0:
            raise BackupError("the backup is damaged: it ends too early")
        part, length, life, size = _ENTRY.unpack(file.read(_ENTRY.size))
        if length + size > left:
            raise BackupError("the backup is damaged: it ends too early")
        name, value = file.read(length), file.read(size)
        try:
            yield Entry(Part(part), name, value, life)
        except ValueError as wrong:
            raise BackupError(f"the backup is damaged: it has a part {part!r}") from wrong
    if file.tell() != end:
        raise BackupError("the backup is damaged: it goes on behind its end")
    file.seek(0, os.SEEK_END)


def _read_header(file: BinaryIO) -> Header:
    file.seek(0)
    line = file.readline(MOST_HEADER)
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        raise BackupError("this is no backup of tfserver") from wrong
    if header.format != FORMAT:
        raise BackupError("this is no backup of tfserver")
    if header.version != VERSION:
        raise BackupError(f"the backup has format {header.version}, and this tfserver reads {VERSION}")
    return header


def _digest(file: BinaryIO, size: int) -> bytes:
    """SHA-256 of the first bytes; leaves the file where it was."""
    place, found = file.tell(), hashlib.sha256()
    file.seek(0)
    while size > 0 and (part := file.read(min(_CHUNK, size))):
        found.update(part)
        size -= len(part)
    file.seek(place)
    return found.digest()


def _sync(folder: str) -> None:
    # A rename is only on disk when the folder is.
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
