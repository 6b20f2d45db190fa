"""Snapshots of terminals, giving them back, and letting one terminal replace another, for those who ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from tfserver.errors import TfserverError
from tfserver.model import Admission, Terminal, canonical_sn, rfc3339
from tfserver.people.copies import Copies
from tfserver.people.packing import Incoming, Outgoing
from tfserver.people.replacing import taken_of
from tfserver.store.errands import Errands
from tfserver.store.people.restorations import Restoration, What, Wish, new_restoration_id
from tfserver.store.people.snapshots import Snapshot, SnapshotState, new_id
from tfserver.store.vault import Vault

UPLOAD_SECONDS: Final = 600.0
"""An upload that is not read by then never will be."""

BEGIN_SECONDS: Final = 10.0
"""Should the one who begins a restoration die just then, it begins after so long all the same."""


class NotPossible(TfserverError):
    """It can't be done as things are."""


class NoSuchSnapshot(TfserverError):
    """There is no such snapshot, restoration or terminal."""


class SnapshotDesk:
    """What people ask about snapshots. ``snapshots`` and ``restorations`` are the errands of both."""

    def __init__(
        self,
        reactor: Any,
        stores: Copies,
        vault: Vault,
        snapshots: Errands,
        restorations: Errands,
        incoming: Incoming,
        in_thread: Callable[..., Any],
    ) -> None:
        self._reactor = reactor
        self._stores = stores
        self._vault = vault
        self._snapshots = snapshots
        self._restorations = restorations
        self._incoming = incoming
        self._in_thread = in_thread

    async def take(self, sn: str, actor: str) -> Snapshot:
        """Begin a snapshot; one that is under way already is that one. Raises NoSuchSnapshot, NotPossible."""
        terminal = await self._approved(sn)
        found, _ = await self._stores.snapshots.listing(sn, 1, "")
        if found and found[0].state is SnapshotState.OPEN and found[0].source == "terminal":
            await self._snapshots.add(found[0].id)
            return found[0]
        taken = taken_of(terminal, new_id(), actor, self._now())
        await self._stores.snapshots.add(taken)
        await self._snapshots.add(taken.id)
        return await self.one(taken.id)

    async def restore(self, sn: str, snapshot_id: str, what: tuple[What, ...], actor: str) -> Restoration:
        """Begin to give a terminal what a snapshot has. Raises NoSuchSnapshot, NotPossible."""
        terminal, snapshot = await self._approved(sn), await self.one(snapshot_id)
        if snapshot.state is not SnapshotState.DONE:
            raise NotPossible(
                f"snapshot {snapshot_id} is {snapshot.state.value}: only a whole one is restored"
            )
        wish = Wish(id=new_restoration_id(), sn=terminal.sn, actor=actor, made=self._now(), what=what)
        return await self._begin(wish, snapshot_id)

    async def replace(self, sn: str, of: str, deny: bool, actor: str) -> Restoration:
        """Begin to let a terminal replace another. Raises NoSuchSnapshot, NotPossible."""
        terminal = await self._approved(sn)
        if canonical_sn(sn) == canonical_sn(of):
            raise NotPossible("a terminal can't replace itself")
        is_known = await self._stores.terminals.get(of) is not None
        if not is_known and await self._stores.snapshots.latest(of) is None:
            raise NoSuchSnapshot(f"nothing is known of a terminal '{of}'")
        wish = Wish(
            id=new_restoration_id(),
            sn=terminal.sn,
            actor=actor,
            made=self._now(),
            of=canonical_sn(of),
            deny=deny,
        )
        return await self._begin(wish, None)

    async def _begin(self, wish: Wish, snapshot_id: str | None) -> Restoration:
        # first of all, so that none stays begun and undone
        await self._restorations.add(wish.id, seconds=BEGIN_SECONDS)
        found = await self._stores.restorations.begin(wish, snapshot_id)
        if found != wish.id:
            raise NotPossible(f"restoration {found} of terminal {wish.sn} is not over yet")
        await self._restorations.add(wish.id)
        return await self.restoration(wish.id)

    async def one(self, snapshot_id: str) -> Snapshot:
        """A snapshot. Raises NoSuchSnapshot."""
        found = await self._stores.snapshots.get(snapshot_id)
        if found is None:
            raise NoSuchSnapshot(f"there is no snapshot {snapshot_id}")
        return found

    async def restoration(self, restoration_id: str) -> Restoration:
        """A restoration. Raises NoSuchSnapshot."""
        found = await self._stores.restorations.get(restoration_id)
        if found is None:
            raise NoSuchSnapshot(f"there is no restoration {restoration_id}")
        return found

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Snapshot], str | None]:
        """Snapshots of a terminal, the newest first."""
        return await self._stores.snapshots.listing(sn, limit, before)

    async def restorations_of(self, sn: str, limit: int) -> list[Restoration]:
        """The newest restorations of a terminal."""
        return await self._stores.restorations.listing(sn, limit)

    async def remove(self, snapshot: Snapshot) -> None:
        """Forget a snapshot; one that is being taken ends there."""
        await self._snapshots.remove(snapshot.id)
        await self._stores.snapshots.remove(snapshot)

    def outgoing(self, snapshot: Snapshot, passphrase: str) -> Outgoing:
        """A snapshot as a file. Without a passphrase only this server opens it."""
        return Outgoing(snapshot, self._stores, self._vault, self._in_thread, passphrase)

    async def upload(self, data: bytes, passphrase: str, actor: str) -> Snapshot:
        """Take such a file. Raises ``snapshot_file.FileError``."""
        found = await self._incoming.begin(data, passphrase, actor, self._now())
        await self._snapshots.add(found.id, seconds=UPLOAD_SECONDS)
        return found

    async def _approved(self, sn: str) -> Terminal:
        found = await self._stores.terminals.get(sn)
        if found is None:
            raise NoSuchSnapshot(f"no terminal '{sn}' has ever registered here")
        if found.admission is not Admission.APPROVED:
            raise NotPossible(f"terminal {sn} is {found.admission.value}: only approved ones take orders")
        return found

    def _now(self) -> str:
        return rfc3339(datetime.fromtimestamp(self._reactor.seconds(), UTC))
