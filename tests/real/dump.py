"""All that a store, an archive and a backup hold, searched for texts in whatever form they stand there."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.real.store import RealStore, wait_until
from tfserver.store.address import Address
from tfserver.store.backup.file import Part, verify, walk
from tfserver.store.blocking import Blocking

PLAIN: Final = ("--rdbcompression", "no")
"""Settings of a store whose files hide nothing by making it short."""
_READS: Final[dict[bytes, tuple[Any, ...]]] = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"list": ("LRANGE", 0, -1),
    b"stream": ("XRANGE", "-", "+"),
}


def forms(text: str) -> set[bytes]:
    """A text as it is, in JSON, in base64 (behind anything), in hexadecimal."""
    raw = text.encode()
    found = {raw, json.dumps(text)[1:-1].encode(), text.replace("/", "\\/").encode()}
    found |= {raw.hex().encode(), raw.hex().upper().encode()}
    for before in range(3):
        # the letters at both ends depend on what stands beside
        coded = base64.b64encode(b"\0" * before + raw)
        found.add(coded[(before * 4 + 2) // 3 + (before > 0) : len(coded) - 4])
    return {form for form in found if len(form) > 7}


def standing(store: RealStore) -> Iterator[tuple[str, bytes]]:
    """Every key with its name, its value, and as DUMP gives it; then every file."""
    with Blocking(Address("unix", path=store.socket)) as blocking:
        for name in blocking.ask("KEYS", "*"):
            command, *rest = _READS[blocking.ask("TYPE", name)]
            where = name.decode("utf-8", "replace")
            yield where, b"\n".join([name, *_flat(blocking.ask(command, name, *rest))])
            yield f"DUMP {where}", blocking.ask("DUMP", name)
        blocking.ask("SAVE")
        yield from _files(store)
        before = set(_names(store))
        blocking.ask("BGREWRITEAOF")
        wait_until(lambda: set(_names(store)) != before and not _is_rewriting(blocking), "it is rewritten")
    yield from _files(store)


def in_backup(path: str) -> Iterator[tuple[str, bytes]]:
    """The file as it is, and its entries opened."""
    yield "backup", Path(path).read_bytes()
    with open(path, "rb") as file:
        for entry in walk(file, verify(file)):
            value = zlib.decompress(entry.value) if entry.part is Part.ARCHIVE else entry.value
            yield f"backup {entry.name!r}", value


def _names(store: RealStore) -> list[str]:
    return sorted(str(path) for path in Path(store.folder).rglob("*") if path.is_file())


def _files(store: RealStore) -> Iterator[tuple[str, bytes]]:
    for name in _names(store):
        yield os.path.basename(name), Path(name).read_bytes()


def _is_rewriting(blocking: Blocking) -> bool:
    return b"aof_rewrite_in_progress:1" in blocking.ask("INFO", "persistence")


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    elif value is not None:
        yield value if isinstance(value, bytes) else str(value).encode()
