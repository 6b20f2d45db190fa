"""Snapshots on their way to files and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from tfserver.credentials import problem_with, slots_of
from tfserver.errors import StoreError
from tfserver.people.copies import Copies
from tfserver.people.taking import WORDS
from tfserver.store.people import snapshot_file as file
from tfserver.store.people.snapshot_file import FileError, First, Last, Sealer, Somebody
from tfserver.store.people.snapshots import MOST_MISSING, Record, Snapshot, SnapshotState, Taken, new_id
from tfserver.store.vault import Vault

CHUNK_BYTES: Final = 128 * 1024
PEOPLE_A_TURN: Final = 20
MOST_PEOPLE: Final = 100_000

InThread = Callable[..., Awaitable[bytes]]
"""Calls a function in a thread, with arguments."""


class Outgoing:
    """A snapshot as a file, in chunks that are made when they are asked for (``web.exports``)."""

    def __init__(self, snapshot: Snapshot, stores: Copies, vault: Vault, key: InThread, words: str) -> None:
        self._snapshot = snapshot
        self._stores = stores
        self._vault = vault
        self._in_thread = key
        self._passphrase = words
        self._sealer: Sealer
        self._left: list[tuple[int, list[int]]] = []
        self._ready = b""
        self._is_over = False

    async def open(self, after: str) -> None:
        """Begin."""
        if self._passphrase:
            header, salt = file.passphrase_header()
            key = await self._in_thread(file.key_of, self._passphrase, salt)
        else:
            header, key = file.master_header(self._vault)
        self._sealer = Sealer(header, key)
        snapshots, name = self._stores.snapshots, self._snapshot.id
        self._left = list((await snapshots.people(name)).items())
        answers = {word: await snapshots.answer(name, word) or {} for word in self._snapshot.answers}
        names = {field.name for field in msgspec.structs.fields(Taken)}
        taken = Taken(**{field: getattr(self._snapshot, field) for field in names})
        self._ready = self._sealer.line + self._sealer.chunk(First(taken, answers, self._snapshot.missing))

    async def next(self) -> bytes | None:
        """The next bytes, None behind the last."""
        if self._is_over:
            return None
        found, self._ready = self._ready, b""
        while len(found) < CHUNK_BYTES and self._left:
            one = await self._somebody(*self._left.pop(0))
            if one is not None:
                found += self._sealer.chunk(one)
        if not self._left:
            self._is_over = True
            found += self._sealer.chunk(Last())
        return found

    async def _somebody(self, enrollid: int, slots: list[int]) -> Somebody | None:
        snapshots, name = self._stores.snapshots, self._snapshot.id
        person = await snapshots.person(name, enrollid)
        if person is None:
            return None
        parts = await snapshots.parts(name, enrollid, slots)
        if not self._passphrase:
            sealed = await snapshots.sealed_person(name, enrollid)
            return Somebody(enrollid, sealed=sealed, parts={str(slot): part for slot, part in parts.items()})
        credentials = []
        for slot, part in parts.items():
            record = await snapshots.record(name, enrollid, slot)
            credentials += [] if record is None else [(slot, record, part.made)]
        return Somebody(enrollid, person, tuple(credentials))


class Incoming:
    """Reads files of snapshots."""

    _log = Logger()

    def __init__(
        self, reactor: Any, stores: Copies, vault: Vault, in_thread: InThread = deferToThread
    ) -> None:
        self._reactor = reactor
        self._stores = stores
        self._vault = vault
        self._in_thread = in_thread

    async def begin(self, data: bytes, passphrase: str, actor: str, made: str) -> Snapshot:
        """Take a file; it is read on behind the answer. Raises FileError."""
        header, start = file.read_header(data)
        if header.lock == "passphrase":
            if not passphrase:
                raise FileError("this snapshot wants its passphrase")
            key = await self._in_thread(file.key_of, passphrase, file.salt_in(header))
        else:
            key = file.master_key_of(header, self._vault)
        rest = file.chunks(data, start, key)
        first = next(rest)
        if not isinstance(first, First):
            raise FileError("the snapshot is damaged: it does not say what it is")
        taken = msgspec.structs.replace(first.taken, id=new_id(), actor=actor, made=made, source="file")
        snapshots = self._stores.snapshots
        await snapshots.add(taken)
        for word, answer in first.answers.items():
            if word in WORDS:
                await snapshots.keep_answer(taken.id, word, answer)
        for what, why in islice(first.missing.items(), MOST_MISSING):
            await snapshots.miss(taken.id, what[:64], why[:200])
        Deferred.fromCoroutine(self._read(taken.id, rest)).addErrback(self._failed, taken.id)
        found = await snapshots.get(taken.id)
        assert found is not None
        return found

    async def _read(self, snapshot_id: str, rest: Iterator[First | Somebody | Last]) -> None:
        snapshots, people = self._stores.snapshots, 0
        try:
            for found in rest:
                if isinstance(found, Somebody):
                    people += 1
                    await self._keep(snapshot_id, found)
                if people > MOST_PEOPLE:
                    raise FileError(f"the snapshot has more than {MOST_PEOPLE} people")
                if people % PEOPLE_A_TURN == 0:
                    await task.deferLater(self._reactor, 0)
        except FileError as wrong:
            await snapshots.finish(snapshot_id, SnapshotState.FAILED, str(wrong))
            return
        await snapshots.finish(snapshot_id, SnapshotState.DONE)

    async def _keep(self, snapshot_id: str, somebody: Somebody) -> None:
        snapshots, enrollid = self._stores.snapshots, somebody.enrollid
        if not 0 < enrollid < 10**15:
            raise FileError(f"the snapshot is damaged: {enrollid} is nobody's number")
        if somebody.person is not None:
            records = _records(somebody)
            outcome = await snapshots.keep_person(snapshot_id, enrollid, somebody.person, records)
        else:
            parts = {int(slot): part for slot, part in somebody.parts.items() if slot.isdigit()}
            outcome = await snapshots.keep_sealed(snapshot_id, enrollid, somebody.sealed, parts)
        if outcome == "erased":
            await snapshots.miss(snapshot_id, str(enrollid), "this person was erased")
        elif outcome == "gone":
            raise FileError("it was removed meanwhile")

    def _failed(self, failure: Any, snapshot_id: str) -> None:
        if failure.check(StoreError):
            # nobody finishes it: the errand that looks after it says so
            self._log.warn("the upload {id} broke off: {why}", id=snapshot_id, why=str(failure.value))
        else:
            self._log.failure("our own mistake in the upload {id}", failure=failure, id=snapshot_id)


def _records(somebody: Somebody) -> dict[int, Record]:
    """Of the credentials those that can be one."""
    found: dict[int, Record] = {}
    for slot, record, made in somebody.credentials:
        if slots_of(slot) is None or problem_with(slot, record) is not None:
            raise FileError(f"the snapshot is damaged: credential {somebody.enrollid}/{slot}")
        found[slot] = record, made
    return found
