"""Imports of people: what was sent is kept sealed until it is over, and how far it is (docs/people.md)."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from tfserver.errors import TfserverError
from tfserver.model import rfc3339
from tfserver.store.archive.forms import Form
from tfserver.store.client import Client
from tfserver.store.vault import Vault

MOST_OPEN: Final = 4
"""Imports that are not over: each may take tens of megabytes of the store."""
MOST_KEPT: Final = 1000
MOST_TOLD: Final = 1000
"""Rows that are wrong of which it is told what is."""
UPLOAD_MS: Final = 600_000
"""How long what is not whole is kept."""
OPEN_MS: Final = 7 * 86_400_000
"""How long what is whole is kept, should nobody bring it in."""
KEY_SECONDS: Final = 86_400
DAY_MS: Final = 86_400_000
_FIELDS: Final = (
    *("asked", "state", "created", "begun", "ended", "why", "rows", "bytes", "reached", "told"),
    *("made", "changed", "same", "wrong", "pieces"),
)


class ImportState(enum.StrEnum):
    """How far an import is."""

    UPLOADING = "uploading"
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    STOPPED = "stopped"
    """At the first row that was wrong, as it was asked to."""
    CANCELLED = "cancelled"


OPEN: Final = frozenset({ImportState.UPLOADING, ImportState.WAITING, ImportState.WORKING})


class Asked(msgspec.Struct, frozen=True):
    """What stays of an import as it was asked for."""

    actor: str
    form: Form
    dry_run: bool
    on_error: Literal["skip", "stop"]


class RowError(msgspec.Struct, frozen=True):
    """What is wrong with a row; the field is empty for all of it."""

    row: int
    field: str
    message: str


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An import and what came of its rows so far. With ``dry_run`` it says what would come of them.
    ``reached`` is the last row that was looked at, by its number in the file (the first one of a CSV names
    the columns); ``told`` of how many errors something is told."""

    id: str
    state: ImportState
    actor: str
    form: Form
    dry_run: bool
    on_error: str
    created: str
    begun: str | None
    ended: str | None
    why: str
    bytes: int
    rows: int
    reached: int
    made: int
    changed: int
    same: int
    wrong: int
    told: int

    @property
    def looked_at(self) -> int:
        """How many of the rows have a result."""
        return self.made + self.changed + self.same + self.wrong


class TooManyImports(TfserverError):
    """Others have to be over first."""


class OtherImport(TfserverError):
    """The same idempotency key came with something else."""


class Imports:
    """All imports that are remembered; their reports live so many days."""

    def __init__(self, client: Client, vault: Vault, report_days: int) -> None:
        self._client = client
        self._vault = vault
        self._life = report_days * DAY_MS

    async def begin(self, asked: Asked, key: str = "", content: str = "") -> tuple[str, str]:
        """An import whose pieces are to come, and the data key they are sealed under. One that was begun
        under this idempotency key before comes back without, if it is the same: ``content`` is the same for
        the same file. Raises TooManyImports, OtherImport."""
        import_id = secrets.token_hex(10)
        wrapped = self._vault.new_data_key(int(import_id, 16))
        found = await self._keep(
            "begin",
            import_id,
            self._client.keys.import_of(""),
            msgspec.json.encode(asked),
            wrapped,
            KEY_SECONDS if key else "",
            MOST_OPEN,
            MOST_KEPT,
            UPLOAD_MS,
            self._vault.version_of(content),
            key=key,
        )
        if found[0] == "other":
            raise OtherImport("this idempotency key came with another file, or with other options")
        if found[0] == "full":
            raise TooManyImports(f"{MOST_OPEN} imports are not over yet; wait for one of them")
        return (found[1], "") if found[0] == "again" else (import_id, wrapped)

    async def put_piece(self, import_id: str, wrapped: str, number: int, text: str) -> bool:
        """Keep a piece, from number 1 on; False when nobody waits for it any more."""
        sealed = self._vault.seal(wrapped, int(import_id, 16), number, text)
        return bool(await self._run("piece", import_id, number, sealed))

    async def drop(self, import_id: str) -> None:
        """Forget what is not whole."""
        await self._run("drop", import_id)

    async def ready(self, import_id: str, rows: int, size: int) -> bool:
        """All of it is here; False when nobody waits for it any more."""
        return bool(await self._keep("ready", import_id, rows, size, OPEN_MS))

    async def piece(self, import_id: str, number: int) -> str | None:
        """Open a piece; None behind the last, and of an import that is over."""
        key = self._name(import_id)
        wrapped, sealed = await self._client.read("HMGET", key, "key", f"p:{number}")
        if wrapped is None or sealed is None:
            return None
        return self._vault.open(wrapped, int(import_id, 16), number, sealed)

    async def start(self, import_id: str) -> bool:
        """Work on it; one that changes nothing begins anew. False when it is over, or gone."""
        return bool(await self._run("start", import_id))

    async def judged(self, import_id: str) -> dict[int, str]:
        """What was to become of the rows of the batch that was begun last, unless that is done."""
        found = await self._client.write("HGET", self._name(import_id), "judged")
        return msgspec.json.decode(found, type=dict[int, str]) if found else {}

    async def judge(self, import_id: str, after: int, outcomes: Mapping[int, str]) -> bool:
        """Note what is to become of rows, before anything does; False when this is another's by now."""
        return bool(await self._run("judge", import_id, after, msgspec.json.encode(outcomes)))

    async def advance(
        self, import_id: str, after: int, reached: int, counts: Mapping[str, int], errors: Sequence[RowError]
    ) -> bool:
        """The rows behind ``after`` up to ``reached`` are done; False when this is another's by now."""
        numbers = [counts.get(name, 0) for name in ("made", "changed", "same", "wrong")]
        told = [msgspec.json.encode(error) for error in errors[:MOST_TOLD]]
        found = await self._keep("advance", import_id, after, reached, *numbers, MOST_TOLD, *told)
        return bool(found)

    async def end(self, import_id: str, state: ImportState, why: str = "") -> bool:
        """It is over: what was sent is forgotten, the report stays. False when it was over before."""
        return bool(await self._keep("end", import_id, state.value, why, self._life))

    async def open_since_before(self, moment_ms: int) -> int:
        """How many are not over that were begun by then."""
        return int(await self._run("open", "", self._client.keys.import_of(""), moment_ms))

    async def get(self, import_id: str) -> Import | None:
        """One import, or None."""
        found = await self._client.read("HMGET", self._name(import_id), *_FIELDS)
        return _import(import_id, found) if found[0] else None

    async def listing(self, limit: int) -> list[Import]:
        """The newest first."""
        ids = await self._client.read("ZREVRANGE", self._client.keys.imports, 0, limit - 1)
        found = [await self.get(import_id) for import_id in ids]
        return [one for one in found if one is not None]

    async def errors(self, import_id: str, after: int, limit: int) -> list[RowError]:
        """What is wrong, behind the first ``after`` of those."""
        fields = [f"e:{n}" for n in range(after + 1, after + 1 + limit)]
        found = await self._client.read("HMGET", self._name(import_id), *fields)
        return [msgspec.json.decode(text, type=RowError) for text in found if text]

    async def being_erased(self, enrollids: Sequence[int]) -> set[int]:
        """Those of them that are being erased; of one that was there is a mark that begins with a dash."""
        if not enrollids:
            return set()
        found = await self._client.read("HMGET", self._client.keys.erased, *enrollids)
        return {enrollid for enrollid, one in zip(enrollids, found, strict=True) if one and one[0] != "-"}

    def _name(self, import_id: str) -> str:
        return self._client.keys.import_of(import_id)

    def _keys(self, import_id: str, key: str = "") -> list[str]:
        keys = self._client.keys
        return [keys.import_of(import_id), keys.imports, keys.idempotency(f"import/{key}")]

    async def _run(self, verb: str, import_id: str, *args: Any) -> Any:
        return await self._client.run("imports", self._keys(import_id), [verb, import_id, *args])

    async def _keep(self, verb: str, import_id: str, *args: Any, key: str = "") -> Any:
        return await self._client.keep("imports", self._keys(import_id, key), [verb, import_id, *args])


def _import(import_id: str, found: Sequence[str | None]) -> Import:
    told = dict(zip(_FIELDS, found, strict=True))
    asked = msgspec.json.decode(told["asked"] or "", type=Asked)
    numbers = {
        name: int(told[name] or 0)
        for name in ("bytes", "rows", "reached", "made", "changed", "same", "wrong", "told")
    }
    return Import(
        id=import_id,
        state=ImportState(told["state"] or ""),
        actor=asked.actor,
        form=asked.form,
        dry_run=asked.dry_run,
        on_error=asked.on_error,
        created=_instant(told["created"]) or "",
        begun=_instant(told["begun"]),
        ended=_instant(told["ended"]),
        why=told["why"] or "",
        **numbers,
    )


def _instant(ms: str | None) -> str | None:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC)) if ms else None
