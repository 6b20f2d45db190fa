"""What snapshots are made from, and what they are made into again."""

from __future__ import annotations

from dataclasses import dataclass

from tfserver.errors import StoreError
from tfserver.person import Made
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.present import Present
from tfserver.store.people.restorations import Restorations
from tfserver.store.people.snapshots import Record, Snapshots
from tfserver.store.terminals import Terminals
from tfserver.store.users import Users


@dataclass(frozen=True, slots=True)
class Copies:
    """The faces of the store that taking, restoring and replacing need."""

    snapshots: Snapshots
    restorations: Restorations
    terminals: Terminals
    holdings: Holdings
    present: Present
    users: Users
    directory: Directory
    groups: Groups

    async def pushed(self, sn: str, enrollid: int, backupnum: int) -> Record | None:
        """A credential as this terminal told it last, None when it did not, or nothing of it may be kept."""
        try:
            found = await self.users.credential(sn, enrollid, backupnum)
        except StoreError:
            return None
        if found is None:
            return None
        record, origin = found
        return record, Made(sn, origin.model, origin.firmware, origin.fpalgo, origin.received)

    async def known(self, enrollid: int, backupnum: int) -> Record | None:
        """A credential as the directory has it, or None."""
        found = await self.directory.record(enrollid, backupnum)
        return None if found is None else (found[0], found[1].made)
