"""Webhooks as the process sees them that delivers: leases, cursors, and what became of each step.

A lease belongs to one process and lives by the store's clock. Each step is one script call that needs the
lease and the cursor as it was read, so of two processes that believe it is their turn only one moves on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from twisted.logger import Logger

from tfserver.config import Webhooks as WebhookSettings
from tfserver.errors import StoreError, StoreUnavailable
from tfserver.store.client import Client
from tfserver.store.vault import Vault
from tfserver.store.webhooks import kinds_of, script_arguments, unseal

PUNCHES: Final = "punches"
NEWS: Final = "news"
BEGINNING: Final = "0-0"
LEASE_MS: Final = 10_000
WAIT_SECONDS: Final = 5.0
SEALED_SECONDS: Final = 60.0
"""What people are told of the next try when a secret can't be opened."""
_log: Final = Logger()
Entry = tuple[str, str]
"""A place and the JSON that stands there."""


class LeaseLost(Exception):
    """Somebody else delivers now, or the webhook is gone: nothing was written."""


class Held(NamedTuple):
    """A webhook that is ours to deliver to: ``wait`` seconds remain until its next try, ``again`` dead
    letters wait to be sent again."""

    id: str
    version: int
    wait: float
    again: int


class Tended(NamedTuple):
    """All that are ours, and the store's clock (ms)."""

    now_ms: int
    held: list[Held]


class Standing(NamedTuple):
    """All that delivering needs to know of a webhook. ``refused`` messages in a row went to the dead letters;
    ``cursors`` by the names PUNCHES and NEWS."""

    version: int
    url: str
    kinds: frozenset[str]
    sites: frozenset[str]
    batch: int
    secrets: list[str]
    old_secret_seconds: float
    """How long the second of the secrets, if there is one, still signs."""
    attempts: int
    refused: int
    cursors: dict[str, str]


class Refused(msgspec.Struct, frozen=True):
    """A message that goes to the dead letters, with why; ``place`` is where it stood in its feed."""

    place: str
    message_id: str
    status: int
    why: str
    message: str = ""

    def parts(self) -> tuple[bytes, str]:
        """Why, as JSON, and the message."""
        told = {"place": self.place, "message_id": self.message_id, "status": self.status, "why": self.why}
        return msgspec.json.encode(told), self.message


class Step(NamedTuple):
    """A move of a cursor: so many messages were accepted with this status, these were refused."""

    cursor: str
    before: str
    after: str
    accepted: int = 0
    status: int = 0
    refused: Sequence[Refused] = ()


class Failure(NamedTuple):
    """What a receiver answered, None when nothing came, and that in words."""

    status: int | None
    why: str


class Letter(NamedTuple):
    """A dead letter that is to be sent again; ``origin`` is the place where it stood in its feed."""

    place: str
    origin: str
    message_id: str
    message: str


class Deliveries:
    """The steps of one process; ``holder`` is the name of this run of it."""

    def __init__(self, client: Client, vault: Vault, settings: WebhookSettings, holder: str) -> None:
        self._client = client
        self._vault = vault
        self._settings = settings
        self._holder = holder

    async def tend(self) -> Tended:
        """Take what nobody delivers to, renew what is ours; all that is ours now."""
        now, found = await self._run("tend", "", LEASE_MS)
        return Tended(int(now), [Held(one[0], int(one[1]), int(one[2]) / 1000, int(one[3])) for one in found])

    async def release(self, webhook_id: str) -> None:
        """Let another process go on at once."""
        await self._run("release", webhook_id)

    async def standing(self, webhook_id: str) -> Standing:
        """Where it stands. Raises LeaseLost."""
        left, flat = self._checked(await self._run("standing", webhook_id))
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        sealed = [fields["secret"], *([fields["previous"]] if int(left) > 0 else [])]
        signing = await self._secrets(webhook_id, fields, sealed)
        return Standing(
            version=int(fields["version"]),
            url=fields["url"],
            kinds=frozenset(kinds_of(fields["kinds"])),
            sites=frozenset(msgspec.json.decode(fields["sites"])),
            batch=int(fields["batch"]),
            secrets=signing,
            old_secret_seconds=int(left) / 1000,
            attempts=int(fields.get("attempts", 0)),
            refused=int(fields.get("refused", 0)),
            cursors={name: fields[name] for name in (PUNCHES, NEWS)},
        )

    async def _secrets(self, webhook_id: str, fields: dict[str, str], sealed: list[str]) -> list[str]:
        """What signs; when that can't be opened, people are told where they look for it."""
        try:
            return [unseal(self._vault, fields["key"], webhook_id, text) for text in sealed]
        except StoreError as wrong:
            why = f"its secret can't be opened: {wrong}"
            if fields.get("last_error") != why:
                _log.error("webhook {id} is not delivered to: {why}", id=webhook_id, why=why)
                await self.failed(webhook_id, int(fields["version"]), SEALED_SECONDS, Failure(None, why))
            raise StoreUnavailable(why) from wrong

    async def advance(self, webhook_id: str, step: Step) -> None:
        """Move a cursor, with all that follows of it, in one step. Raises LeaseLost."""
        args = [*step[:5], self._settings.dead_letters]
        for refused in step.refused:
            args += refused.parts()
        self._checked(await self._run("advance", webhook_id, *args))

    async def failed(self, webhook_id: str, version: int, seconds: float, told: Failure) -> bool:
        """The receiver did not take it: the next try is in so many seconds. False when the webhook was
        changed since that version: then it is tried as it is now. Raises LeaseLost."""
        args = [version, round(seconds * 1000), told.status or "", told.why]
        return bool(self._checked(await self._run("failed", webhook_id, *args)) == "ok")

    async def stop(self, webhook_id: str, version: int, told: Failure) -> bool:
        """The receiver wants no more: nobody holds it any longer. Answers as ``failed``. Raises LeaseLost."""
        args = [version, told.status or "", told.why]
        return bool(self._checked(await self._run("stop", webhook_id, *args)) == "ok")

    async def missed(self, webhook_id: str, cursor: str) -> None:
        """Some of what is behind a cursor is gone. Raises LeaseLost."""
        self._checked(await self._run("missed", webhook_id, cursor))

    async def news(self, after: str, limit: int) -> tuple[list[Entry], bool]:
        """Up to ``limit`` events of terminals behind a place, and whether some behind it may be gone."""
        name = self._client.keys.news
        found = await self._client.read("XRANGE", name, after, "+", "COUNT", limit + 1)
        is_gap = bool(found) and found[0][0] != after and after != BEGINNING
        if found and found[0][0] == after:
            found = found[1:]
        return [(place, entry[entry.index("d") + 1]) for place, entry in found[:limit]], is_gap

    async def arrived(self, places: dict[str, str]) -> set[str]:
        """Wait until there is something behind one of these places, by the names of the cursors, and name
        those; none when there was nothing for WAIT_SECONDS. Where no place is given, what is new counts."""
        streams = (self._client.keys.punches, self._client.keys.news)
        command = ("XREAD", "COUNT", 1, "BLOCK", round(WAIT_SECONDS * 1000), "STREAMS", *streams)
        behind = (places.get(PUNCHES, "$"), places.get(NEWS, "$"))
        found = await self._client.wait(WAIT_SECONDS, *command, *behind)
        return {NEWS if name == streams[1] else PUNCHES for name, _ in found or ()}

    async def letters(self, webhook_id: str, limit: int) -> list[Letter]:
        """The first dead letters that are to be sent again."""
        found = await self._client.read(
            "XRANGE", self._client.keys.again(webhook_id), "-", "+", "COUNT", limit
        )
        return [_letter(place, entry) for place, entry in found]

    async def sent_again(self, webhook_id: str, letter: Letter, status: int) -> None:
        """A dead letter was accepted. Raises LeaseLost."""
        self._checked(await self._run("again", webhook_id, letter.place, "sent", status))

    async def refused_again(self, webhook_id: str, letter: Letter, refused: Refused) -> None:
        """A dead letter was refused again: it is one for good. Raises LeaseLost."""
        why, most = refused.parts()[0], self._settings.dead_letters
        args = [letter.place, "refused", refused.status, most, why]
        self._checked(await self._run("again", webhook_id, *args))

    async def _run(self, verb: str, webhook_id: str, *args: Any) -> Any:
        arguments = script_arguments(self._client, verb, webhook_id, self._holder, *args)
        return await self._client.run("webhooks", *arguments)

    def _checked(self, answer: Any) -> Any:
        if answer == "lost":
            raise LeaseLost
        return answer


def _letter(place: str, entry: list[str]) -> Letter:
    fields = dict(zip(entry[::2], entry[1::2], strict=True))
    told = msgspec.json.decode(fields["d"])
    return Letter(place, told["place"], told["message_id"], fields["m"])
