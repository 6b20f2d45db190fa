"""All that the store keeps under its prefix, in one file, and back (docs/cli.md has the format).

Each key is copied as it is at one moment, by DUMP. What belongs to running processes is left out: heartbeats,
lost leases, lists of what is due, and which connection owns a terminal.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

import hiredis
import msgspec

from tfserver.errors import StoreError, TfserverError
from tfserver.store.blocking import Blocking, Command
from tfserver.store.fitness import SCHEMA, UNFINISHED
from tfserver.store.keys import Keys

FORMAT: Final = "tfserver backup"
VERSION: Final = 1
MOST_HEADER: Final = 4096
_KEYS_A_LOOK: Final = 100
_BYTES_A_CALL: Final = 1 << 20
_COMMANDS_A_CALL: Final = 500
_CHUNK: Final = 1 << 20
_ENTRY: Final = struct.Struct(">IqQ")
"""Before each key and value: length of the key, remaining life in ms (-1: for ever), length of the value."""
_DIGEST: Final = 32
_BULK: Final = 512 * 1024 * 1024
_OF_PROCESSES: Final = tuple(
    name("").encode() for keys in [Keys("")] for name in (keys.alive, keys.lost, keys.due)
)
_LAST: Final = (Keys("").punches.encode(), Keys("").quarantine.encode())
"""Copied behind the sets of known punches: what is known in a backup is also in its feed, so nothing that
comes again is taken for a repeat of something that is not there."""
_META: Final = Keys("").meta.encode()
_TERMINAL: Final = Keys("").terminal("").encode()

Tell = Callable[[int, int | None], None]


class BackupError(TfserverError):
    """A backup can't be made, read, or brought back; the text says why."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: what is in the file. ``master_key`` is the id of the key that credentials need."""

    format: str = FORMAT
    version: int = VERSION
    prefix: str
    schema: int
    reader: int
    master_key: str
    software: str
    time: str
    count: int = 0
    largest: int = 0


class Entry(NamedTuple):
    """One key, without its prefix. ``life`` is in ms, -1 without end."""

    name: bytes
    life: int
    value: bytes


def save(store: Blocking, prefix: str, path: str, time: str, tell: Tell) -> Header:
    """Write everything under a prefix to ``path`` (mode 0600), whole or not at all. Raises BackupError."""
    header = _described(store, prefix, time)
    folder, name = os.path.split(os.path.abspath(path))
    temporary = ""
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        with os.fdopen(fd, "w+b") as file:
            header = _write(file, store, header, tell)
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


def verify(file: BinaryIO) -> Header:
    """Read the whole file and see that nothing is missing or changed. Raises BackupError."""
    header = _read_header(file)
    size = os.fstat(file.fileno()).st_size - _DIGEST
    file.seek(max(0, size))
    if _digest(file, size) != file.read():
        raise BackupError("the backup is damaged: its SHA-256 is another")
    _read_header(file)
    for _ in _walk(file, header):
        pass
    return header


def refuse(store: Blocking, prefix: str, header: Header, key_id: str | None) -> None:
    """BackupError when this backup must not go there; ``key_id`` is that of the master key given, if any."""
    if header.reader > SCHEMA:
        raise BackupError(
            f"the backup has schema {header.schema}, readable from schema {header.reader} on, and this "
            f"tfserver knows schema {SCHEMA}: restore it with the tfserver that wrote it"
        )
    running = _first(store, Keys(prefix).alive("").encode())
    if running is not None:
        owner = running.removeprefix(Keys(prefix).alive("").encode()).decode("utf-8", "replace")
        raise BackupError(f"the server {owner} runs on this store, or did seconds ago: stop it and try again")
    kept = _text(store.ask("HGET", Keys(prefix).meta, "master_key"))
    for there, what in ((kept, "the store's"), (key_id, "the one given here")):
        if there and header.master_key and there != header.master_key:
            raise BackupError(
                f"the backup's credentials are sealed with master key {header.master_key}, and {what} is "
                f"{there}: give back the old one"
            )
    bound = _bulk_bound(store)
    if header.largest > bound:
        raise BackupError(
            f"one key of the backup has {header.largest} bytes, and the store takes {bound}: "
            f"CONFIG SET proto-max-bulk-len {header.largest + 1} there"
        )


def is_empty(store: Blocking, prefix: str) -> bool:
    """Whether nothing stands under a prefix."""
    return _first(store, prefix.encode()) is None


def restore(store: Blocking, prefix: str, file: BinaryIO, header: Header, tell: Tell) -> int:
    """Bring a verified backup in, in the place of all that stands under the prefix; returns how many keys.

    Until it is done no server starts on that store. Raises StoreError when nothing was changed, BackupError
    when it is half done.
    """
    meta = Keys(prefix).meta
    store.ask("HSET", meta, "schema", "of an unfinished restore", "reader", UNFINISHED)
    try:
        _clear(store, prefix, meta.encode())
        return _bring(store, prefix, file, header, tell)
    except StoreError as wrong:
        raise BackupError(
            f"{wrong}; the store is half restored: no server starts on it until it is restored again, in the "
            "place of what is there (--replace)"
        ) from wrong


def _bring(store: Blocking, prefix: str, file: BinaryIO, header: Header, tell: Tell) -> int:
    _read_header(file)
    found, last = 0, None
    calls = _Calls(store, header)
    for entry in _walk(file, header):
        if entry.name == _META:
            last = entry
        elif not entry.name.startswith(_OF_PROCESSES):
            calls.add(_restoring(prefix, entry), len(entry.value))
            if entry.name.startswith(_TERMINAL):
                calls.add(("HDEL", prefix.encode() + entry.name, "conn", "owner"), 0)
            found += 1
        tell(found, header.count)
    calls.flush()
    if last is not None:
        # Now it is whole, and servers may start.
        calls.add(_restoring(prefix, last), 0)
        calls.flush()
        found += 1
    return found


class _Calls:
    """Commands that are sent together."""

    def __init__(self, store: Blocking, header: Header) -> None:
        self._store = store
        self._header = header
        self._commands: list[Command] = []
        self._size = 0

    def add(self, command: Command, size: int) -> None:
        """Another, with a value of so many bytes."""
        self._commands.append(command)
        self._size += size
        if self._size >= _BYTES_A_CALL or len(self._commands) >= _COMMANDS_A_CALL:
            self.flush()

    def flush(self) -> None:
        """Send them."""
        commands, self._commands, self._size = self._commands, [], 0
        try:
            self._store.ask_all(commands)
        except StoreError as wrong:
            if "payload" not in str(wrong):
                raise
            written = self._header.software
            raise StoreError(
                f"{wrong}; it was written by {written}: restore into that one or a newer"
            ) from wrong


def _described(store: Blocking, prefix: str, time: str) -> Header:
    keys = Keys(prefix)
    found = store.ask("HMGET", keys.meta, "schema", "reader", "master_key")
    schema, reader, master_key = (_text(one) for one in found)
    if not reader:
        raise BackupError(f"no tfserver keeps anything under '{prefix}' in this store")
    if int(reader) == UNFINISHED:
        raise BackupError("the store holds half of a backup: the restore was not finished")
    info = dict(line.split(":", 1) for line in _text(store.ask("INFO", "server")).splitlines() if ":" in line)
    version = info.get("valkey_version") or info.get("redis_version", "?")
    software = f"{info.get('server_name', 'redis')} {version}"
    return Header(
        prefix=prefix,
        schema=int(schema),
        reader=int(reader),
        master_key=master_key,
        software=software,
        time=time,
    )


def _write(file: BinaryIO, store: Blocking, header: Header, tell: Tell) -> Header:
    # The numbers are known at the end only, so the line gets room for the longest.
    room = len(_line(msgspec.structs.replace(header, count=1 << 62, largest=1 << 62), 0))
    file.write(b" " * room)
    count, largest, total = 0, 0, int(store.ask("DBSIZE"))
    for entry in _entries(store, header.prefix.encode()):
        file.write(_ENTRY.pack(len(entry.name), entry.life, len(entry.value)))
        file.write(entry.name)
        file.write(entry.value)
        count, largest = count + 1, max(largest, len(entry.value))
        tell(count, total)
    header = msgspec.structs.replace(header, count=count, largest=largest)
    file.seek(0)
    file.write(_line(header, room))
    file.seek(0, os.SEEK_END)
    file.write(_digest(file, file.tell()))
    return header


def _line(header: Header, room: int) -> bytes:
    return msgspec.json.encode(header).ljust(room - 1) + b"\n"


def _entries(store: Blocking, prefix: bytes) -> Iterator[Entry]:
    for keys in _keys(store, prefix):
        names = [key.removeprefix(prefix) for key in keys]
        wanted = [name for name in names if not name.startswith(_OF_PROCESSES) and name not in _LAST]
        yield from _dumped(store, prefix, wanted)
    for name in _LAST:
        yield from _dumped(store, prefix, [name])


def _dumped(store: Blocking, prefix: bytes, names: list[bytes]) -> Iterator[Entry]:
    answers = store.ask_all([(word, prefix + name) for name in names for word in ("DUMP", "PTTL")])
    for name, value, life in zip(names, answers[::2], answers[1::2], strict=True):
        # Gone, or its life ended, since it was listed.
        if value is not None and life != -2:
            yield Entry(name, life, value)


def _keys(store: Blocking, prefix: bytes) -> Iterator[list[bytes]]:
    """All keys under a prefix, some at a time; one may come twice."""
    cursor: bytes = b"0"
    while True:
        cursor, keys = store.ask("SCAN", cursor, "MATCH", prefix + b"*", "COUNT", _KEYS_A_LOOK)
        yield [key for key in keys if key.startswith(prefix)]
        if cursor == b"0":
            return


def _first(store: Blocking, prefix: bytes) -> bytes | None:
    return next((key for keys in _keys(store, prefix) for key in keys), None)


def _clear(store: Blocking, prefix: str, but: bytes) -> None:
    for keys in _keys(store, prefix.encode()):
        gone = [key for key in keys if key != but]
        if gone:
            store.ask("UNLINK", *gone)


def _restoring(prefix: str, entry: Entry) -> Command:
    life = 0 if entry.life < 0 else max(1, entry.life)
    return ("RESTORE", prefix.encode() + entry.name, life, entry.value, "REPLACE")


def _bulk_bound(store: Blocking) -> int:
    [found] = store.try_all([("CONFIG", "GET", "proto-max-bulk-len")])
    is_told = not isinstance(found, hiredis.ReplyError) and len(found) == 2
    return int(found[1]) if is_told else _BULK


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


def _walk(file: BinaryIO, header: Header) -> Iterator[Entry]:
    """The entries behind the first line; BackupError where the file ends too early."""
    end = os.fstat(file.fileno()).st_size - _DIGEST
    for _ in range(header.count):
        left = end - file.tell() - _ENTRY.size
        if left < 0:
            raise BackupError("the backup is damaged: it ends too early")
        length, life, size = _ENTRY.unpack(file.read(_ENTRY.size))
        if length + size > left:
            raise BackupError("the backup is damaged: it ends too early")
        yield Entry(file.read(length), life, file.read(size))
    if file.tell() != end:
        raise BackupError("the backup is damaged: it goes on behind its end")
    file.seek(0, os.SEEK_END)


def _digest(file: BinaryIO, size: int) -> bytes:
    """SHA-256 of the first bytes; leaves the file where it was."""
    place, found = file.tell(), hashlib.sha256()
    file.seek(0)
    while size > 0 and (part := file.read(min(_CHUNK, size))):
        found.update(part)
        size -= len(part)
    file.seek(place)
    return found.digest()


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _sync(folder: str) -> None:
    # A rename is only on disk when the folder is.
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
