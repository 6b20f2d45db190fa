"""All that the store keeps under its prefix: out, and in again.

Each key is copied as it is at one moment, by DUMP. What belongs to running processes is left out: heartbeats,
lost leases, lists of what is due, and which connection owns a terminal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import hiredis

from tfserver.errors import StoreError
from tfserver.store.backup.file import BackupError, Entry, Header, Part, Tell
from tfserver.store.blocking import Blocking, Command
from tfserver.store.fitness import SCHEMA, UNFINISHED
from tfserver.store.keys import Keys

_KEYS_A_LOOK: Final = 100
_BYTES_A_CALL: Final = 1 << 20
_COMMANDS_A_CALL: Final = 500
_BULK: Final = 512 * 1024 * 1024
_OF_PROCESSES: Final = tuple(
    name("").encode()
    for keys in [Keys("")]
    for name in (keys.alive, keys.lost, keys.due, keys.session, keys.sessions)
)
_PUNCHES: Final = Keys("").punches
_ARCHIVED: Final = Keys("").archived
_LAST: Final = tuple(name.encode() for name in (_PUNCHES, Keys("").quarantine, _ARCHIVED))
"""Copied behind the sets of known punches: what is known in a backup is also in its feed, so nothing that
comes again is taken for a repeat of something that is not there. What was trimmed from the stream is told
behind it, so that it is looked for in the archive."""
_ERASURES: Final = Keys("").erasures.encode()
_ERASURE: Final = Keys("").erasure("").encode()
_FIRST: Final = (Keys("").erased.encode(), _ERASURES)
"""Copied before the people, as is each erasure: of one that a backup has the person is gone there too. One
that was ordered meanwhile it does not have, and then it is done again, by what the archive remembers."""
_INDEXES: Final = tuple(
    name.encode()
    for keys in [Keys("")]
    for name in (keys.people, keys.names, keys.external_ids, keys.collisions, keys.groups)
)
_MEMBERS: Final = Keys("").members("").encode()
"""Copied behind the people: who is in a list and not there is passed over, and the other way round
nobody would find somebody."""
_META: Final = Keys("").meta.encode()
_TERMINAL: Final = Keys("").terminal("").encode()
_IN_TURN: Final = frozenset({*_FIRST, *_INDEXES, *_LAST})
_ALL_IN_TURN: Final = (_ERASURE, _MEMBERS)
_LEASED: Final = (_ARCHIVED.encode(), Keys("").webhook("").encode())


def described(store: Blocking, prefix: str, time: str) -> Header:
    """The header of a backup of what stands under a prefix. Raises BackupError when that is nothing."""
    keys = Keys(prefix)
    found = store.ask("HMGET", keys.meta, "schema", "reader", "master_key", "leaving_keys")
    schema, reader, master_key, leaving = (_text(one) for one in found)
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
        more_keys=tuple(leaving.split()),
        software=software,
        time=time,
    )


def entries(store: Blocking, prefix: str) -> Iterator[Entry]:
    """All keys under a prefix: erasures before people, lists of people behind them, the streams of punches
    last."""
    start, lists = prefix.encode(), set(_INDEXES)
    ids = store.ask("ZRANGE", start + _ERASURES, 0, -1)
    yield from _dumped(store, start, [*_FIRST, *(_ERASURE + one for one in ids)])
    for keys in _keys(store, start):
        names = [key.removeprefix(start) for key in keys]
        lists.update(name for name in names if name.startswith(_MEMBERS))
        others = [name for name in names if name not in _IN_TURN and not name.startswith(_ALL_IN_TURN)]
        yield from _dumped(store, start, [name for name in others if not name.startswith(_OF_PROCESSES)])
    yield from _dumped(store, start, sorted(lists))
    for name in _LAST:
        yield from _dumped(store, start, [name])


def refuse(store: Blocking, prefix: str, header: Header, key_ids: Collection[str]) -> None:
    """BackupError when this backup must not go there; ``key_ids`` are those of the master keys given, if any
    are."""
    if header.reader > SCHEMA:
        raise BackupError(
            f"the backup has schema {header.schema}, readable from schema {header.reader} on, and this "
            f"tfserver knows schema {SCHEMA}: restore it with the tfserver that wrote it"
        )
    refuse_running(store, prefix)
    _refuse_without_key(_text(store.ask("HGET", Keys(prefix).meta, "master_key")), header, key_ids)
    bound = _bulk_bound(store)
    if header.largest > bound:
        raise BackupError(
            f"one key of the backup has {header.largest} bytes, and the store takes {bound}: "
            f"CONFIG SET proto-max-bulk-len {header.largest + 1} there"
        )


def _refuse_without_key(kept: str, header: Header, key_ids: Collection[str]) -> None:
    needed = [key_id for key_id in (header.master_key, *header.more_keys) if key_id]
    given = (", ".join(key_ids), "the one given here") if key_ids else (kept, "the store's")
    for key_id in needed if given[0] else ():
        if key_id not in (key_ids or (kept, *header.more_keys)):
            raise BackupError(
                f"the backup's credentials are sealed with master key {key_id}, and {given[1]} is "
                f"{given[0]}: give back the old one"
            )


def refuse_running(store: Blocking, prefix: str) -> None:
    """BackupError when a server runs on this store."""
    running = _first(store, Keys(prefix).alive("").encode())
    if running is not None:
        owner = running.removeprefix(Keys(prefix).alive("").encode()).decode("utf-8", "replace")
        raise BackupError(f"the server {owner} runs on this store, or did seconds ago: stop it and try again")


def is_empty(store: Blocking, prefix: str) -> bool:
    """Whether nothing stands under a prefix."""
    return _first(store, prefix.encode()) is None


class Restoring:
    """Brings keys in, in the place of all that stands under a prefix.

    Until ``finish`` no server starts on that store. Raises StoreError when nothing was changed, BackupError
    when it is half done.
    """

    def __init__(self, store: Blocking, prefix: str, header: Header) -> None:
        self._store = store
        self._prefix = prefix
        self._calls = _Calls(store, header)
        self._meta: Entry | None = None
        self.keys = 0

    def begin(self) -> None:
        """Forget what is there."""
        meta = Keys(self._prefix).meta
        self._store.ask("HSET", meta, "schema", "of an unfinished restore", "reader", UNFINISHED)
        with _half_done():
            _clear(self._store, self._prefix, meta.encode())

    def add(self, entry: Entry) -> None:
        """Another key."""
        if entry.name == _META:
            self._meta = entry
        elif not entry.name.startswith(_OF_PROCESSES):
            with _half_done():
                self._calls.add(_restoring(self._prefix, entry), len(entry.value))
                for fields in _leases(entry.name):
                    self._calls.add(("HDEL", self._prefix.encode() + entry.name, *fields), 0)
            self.keys += 1

    def follow(self, place: str) -> None:
        """The archive beside it goes up to this place: what a feed that ends before lacks is read there."""
        punches, archived = self._prefix + _PUNCHES, self._prefix + _ARCHIVED
        with _half_done():
            self._calls.flush()
            if _place(place) > _last_place(self._store, punches):
                behind = "{}-{}".format(*_place(place, 1))
                self._calls.add(("XADD", punches, place, "v", "1"), 0)
                self._calls.add(("XDEL", punches, place), 0)
                self._calls.add(("HSET", archived, "trimmed", behind), 0)

    def finish(self) -> None:
        """Everything else is there: servers may start."""
        with _half_done():
            self._calls.flush()
            if self._meta is not None:
                self._calls.add(_restoring(self._prefix, self._meta), 0)
                # older than what there was: the next server that starts begins a new generation
                self._calls.add(("HDEL", Keys(self._prefix).meta, "replid", "run"), 0)
                self._calls.flush()
                self.keys += 1


@contextlib.contextmanager
def _half_done() -> Iterator[None]:
    """A failure from here on leaves half of it."""
    try:
        yield
    except StoreError as wrong:
        raise BackupError(
            f"{wrong}; the store is half restored: no server starts on it until it is restored again, in the "
            "place of what is there (--replace)"
        ) from wrong


def restore(store: Blocking, prefix: str, found: Iterable[Entry], header: Header, tell: Tell) -> int:
    """Bring all keys among the entries in; returns how many. Raises as ``Restoring`` does."""
    restoring = Restoring(store, prefix, header)
    restoring.begin()
    for number, entry in enumerate(found, 1):
        if entry.part is Part.STATE:
            restoring.add(entry)
        tell(number, header.count)
    restoring.finish()
    return restoring.keys


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


def _dumped(store: Blocking, prefix: bytes, names: list[bytes]) -> Iterator[Entry]:
    answers = store.ask_all([(word, prefix + name) for name in names for word in ("DUMP", "PTTL")])
    for name, value, life in zip(names, answers[::2], answers[1::2], strict=True):
        # Gone, or its life ended, since it was listed.
        if value is not None and life != -2:
            yield Entry(Part.STATE, name, value, life)


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


def _leases(name: bytes) -> Iterator[tuple[str, str]]:
    """What of a key belongs to the process that has its turn, or its terminal."""
    if name.startswith(_TERMINAL):
        yield "conn", "owner"
    if name.startswith(_LEASED):
        yield "holder", "until"


def _place(text: str, more: int = 0) -> tuple[int, int]:
    ms, _, seq = text.partition("-")
    return int(ms), int(seq) + more


def _last_place(store: Blocking, stream: str) -> tuple[int, int]:
    """The last place there was in a stream."""
    if not store.ask("EXISTS", stream):
        return (0, 0)
    info = store.ask("XINFO", "STREAM", stream)
    return _place(_text(dict(zip(info[::2], info[1::2], strict=True))[b"last-generated-id"]))


def _bulk_bound(store: Blocking) -> int:
    [found] = store.try_all([("CONFIG", "GET", "proto-max-bulk-len")])
    is_told = not isinstance(found, hiredis.ReplyError) and len(found) == 2
    return int(found[1]) if is_told else _BULK


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
