"""The steps that change a person: each is one script; what it brings is sealed under the data key there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tfserver.credentials import TABLE, label_of, slots_of
from tfserver.errors import StoreError
from tfserver.model import UNRECOGNISED, rfc3339
from tfserver.store.client import Client
from tfserver.store.masterkey import learn
from tfserver.store.vault import Vault

ERASED: Final = 2
SLOTS: Final = tuple(n for slots in TABLE for n in range(slots.first, slots.last + 1))
"""All slots that the directory knows; what terminals tell of others is kept as theirs alone."""
_REKEYED, _OTHER_MASTER, _NOT_SENT = 0, -1, -2
_AGAIN: Final = (_REKEYED, _OTHER_MASTER, _NOT_SENT)
_TRIES: Final = 3


def is_person(enrollid: int) -> bool:
    """Whether a number can be somebody's; one stands for everybody that terminals don't know."""
    return enrollid >= 1 and enrollid != UNRECOGNISED


class Steps:
    """Those that seal nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def now(self) -> str:
        """The present moment."""
        return rfc3339(datetime.fromtimestamp(self._client.reactor.seconds(), UTC))

    async def ask(
        self, verb: str, enrollid: int, asked: dict[str, Any], wrapped: str = "", sealed: str = ""
    ) -> Any:
        """One step (scripts/person); what is None is not said."""
        keys = self._client.keys
        names = [keys.user(enrollid), keys.meta, keys.people, keys.names, keys.external_ids]
        names += (keys.collisions, keys.groups, keys.erased)
        said = msgspec.json.encode({name: value for name, value in asked.items() if value is not None})
        args = [verb, enrollid, self.now(), keys.members(""), keys.user(0)[:-1], wrapped, sealed, said]
        args.append(keys.everybody)
        return await self._client.keep("person", names, args)


class Sealing(Steps):
    """Those that bring a record, too."""

    def __init__(self, client: Client, vault: Vault) -> None:
        super().__init__(client)
        self._vault = vault

    async def ask_with(
        self, verb: str, enrollid: int, asked: dict[str, Any], credential: tuple[int, str] | None
    ) -> int:
        """A step that may bring a credential ``(backupnum, record)``, sealed; one that is here already is not
        sent again."""
        asked, count = {**asked, **self._described(credential)}, ""
        if credential is not None:
            count = f"n:{asked['slot']}:{asked['version']}"
        for _ in range(_TRIES):
            key = self._client.keys.user(enrollid)
            known, is_here = await self._client.write("HMGET", key, "key", count)
            wrapped, sealed = known or self._vault.new_data_key(enrollid), ""
            if credential is not None and not (known and is_here):
                sealed = self._vault.seal(wrapped, enrollid, *credential)
            found: int = await self.ask(verb, enrollid, asked, wrapped, sealed)
            if found not in _AGAIN:
                return found
            if found == _OTHER_MASTER:
                await learn(self._client, self._vault)
        raise StoreError(f"user {enrollid} got new data keys faster than it could be kept")

    def _described(self, credential: tuple[int, str] | None) -> dict[str, Any]:
        if credential is None:
            return {}
        backupnum, record = credential
        return {
            "slot": str(backupnum),
            "version": self._vault.version_of(record),
            "bytes": len(record),
            "label": label_of(backupnum),
            "is_defined": slots_of(backupnum) is not None,
        }
