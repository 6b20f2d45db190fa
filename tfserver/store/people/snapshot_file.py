"""The file of a snapshot: a line of JSON, then sealed chunks, the last of which says that there is no more.

Sealed by a passphrase it opens anywhere, and nobody can erase a person in it. Sealed by the master key it
opens only at this server, and people in it are sealed under their own data keys as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tfserver.errors import StoreError, TfserverError
from tfserver.person import Made
from tfserver.store.people.snapshots import Copied, Part, Taken
from tfserver.store.vault import Vault

FORMAT: Final = "tfserver snapshot"
VERSION: Final = 1
LEAST_PASSPHRASE: Final = 12
MOST_CHUNK: Final = 16 * 1024 * 1024
"""Bytes of one person, unpacked: with all of its templates and its photo."""
_MOST_LINE: Final = 4096
_HEAD: Final = struct.Struct(">?I")
_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024, "dklen": 32}
_NOBODY: Final = 0


class FileError(TfserverError):
    """A file of a snapshot can't be read; the text says why."""


class Header(msgspec.Struct, frozen=True):
    """The first line. ``salt`` is that of the passphrase; ``key`` and ``sealed`` are the file's own key under
    the master key."""

    lock: Literal["passphrase", "master"]
    format: str = FORMAT
    version: int = VERSION
    salt: str = ""
    key: str = ""
    sealed: str = ""


class First(msgspec.Struct, frozen=True):
    """What is not about people."""

    taken: Taken
    answers: dict[str, dict[str, Any]]
    missing: dict[str, str]


class Somebody(msgspec.Struct, frozen=True, omit_defaults=True):
    """One person: open in a file with a passphrase, else sealed under its data key."""

    enrollid: int
    person: Copied | None = None
    credentials: tuple[tuple[int, str, Made], ...] = ()
    sealed: str = ""
    parts: dict[str, Part] = {}


class Last(msgspec.Struct, frozen=True):
    """There is no more: a file without it is not whole."""


def key_of(passphrase: str, salt: bytes) -> bytes:
    """The key that a passphrase makes. It takes a tenth of a second on purpose."""
    return hashlib.scrypt(passphrase.encode(), salt=salt, **_SCRYPT)


class Sealer:
    """Writes a file, chunk by chunk."""

    def __init__(self, header: Header, key: bytes) -> None:
        self.line = msgspec.json.encode(header) + b"\n"
        self._key = AESGCM(key)
        self._count = 0

    def chunk(self, what: First | Somebody | Last) -> bytes:
        """The next one; a ``Last`` is the last."""
        is_last = isinstance(what, Last)
        nonce, bound = _place(self.line, self._count, is_last)
        self._count += 1
        data = self._key.encrypt(nonce, zlib.compress(msgspec.json.encode(what)), bound)
        return _HEAD.pack(is_last, len(data)) + data


def passphrase_header() -> tuple[Header, bytes]:
    """The header of a file for a passphrase, and the salt in it."""
    salt = os.urandom(16)
    return Header("passphrase", salt=base64.b64encode(salt).decode()), salt


def master_header(vault: Vault) -> tuple[Header, bytes]:
    """The header of a file for this server alone, and the file's own key."""
    key, wrapped = os.urandom(32), vault.new_data_key(_NOBODY)
    sealed = vault.seal(wrapped, _NOBODY, 0, base64.b64encode(key).decode())
    return Header("master", key=wrapped, sealed=sealed), key


def read_header(data: bytes) -> tuple[Header, int]:
    """The first line of a file, and where the chunks begin. Raises FileError."""
    end = data.find(b"\n", 0, _MOST_LINE)
    try:
        header = msgspec.json.decode(data[:end], type=Header) if end > 0 else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        header = None
    if header is None or header.format != FORMAT:
        raise FileError("this is no snapshot of tfserver")
    if header.version != VERSION:
        raise FileError(f"the snapshot has format {header.version}, and this tfserver reads {VERSION}")
    return header, end + 1


def salt_in(header: Header) -> bytes:
    """The salt of the passphrase. Raises FileError."""
    try:
        return base64.b64decode(header.salt, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise FileError("the snapshot is damaged: its salt") from wrong


def master_key_of(header: Header, vault: Vault) -> bytes:
    """The file's own key. Raises FileError for a file of another server."""
    try:
        return base64.b64decode(vault.open(header.key, _NOBODY, 0, header.sealed))
    except (StoreError, binascii.Error, ValueError) as wrong:
        raise FileError(f"the snapshot is sealed to a master key that is not here: {wrong}") from wrong


def chunks(data: bytes, start: int, key: bytes) -> Iterator[First | Somebody | Last]:
    """What is in a file, one after another. Raises FileError where it is damaged, or the key is wrong."""
    line, opener, place, count = data[:start], AESGCM(key), start, 0
    while True:
        if place + _HEAD.size > len(data):
            raise FileError("the snapshot is damaged: it ends too early")
        is_last, size = _HEAD.unpack_from(data, place)
        nonce, bound = _place(line, count, is_last)
        try:
            packed = opener.decrypt(nonce, data[place + _HEAD.size : place + _HEAD.size + size], bound)
        except (InvalidTag, ValueError) as wrong:
            told = "wrong passphrase, or the snapshot is damaged" if count == 0 else "the snapshot is damaged"
            raise FileError(told) from wrong
        yield _decoded(packed, count, is_last)
        place, count = place + _HEAD.size + size, count + 1
        if is_last:
            if place != len(data):
                raise FileError("the snapshot is damaged: it goes on behind its end")
            return


def _decoded(packed: bytes, count: int, is_last: bool) -> First | Somebody | Last:
    kind: Any = Last if is_last else First if count == 0 else Somebody
    try:
        opener = zlib.decompressobj()
        text = opener.decompress(packed, MOST_CHUNK)
        if opener.unconsumed_tail:
            raise FileError(f"the snapshot has a person of more than {MOST_CHUNK} bytes")
        found: First | Somebody | Last = msgspec.json.decode(text, type=kind)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        raise FileError("the snapshot is damaged: what is in it can't be read") from wrong
    return found


def _place(line: bytes, count: int, is_last: bool) -> tuple[bytes, bytes]:
    """Nonce and bound data: a chunk opens only at its place in its file."""
    return count.to_bytes(12, "big"), hashlib.sha256(line).digest() + _HEAD.pack(is_last, count)
