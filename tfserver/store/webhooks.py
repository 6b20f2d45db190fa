"""Webhooks as people see them: what was asked for, where each stands, how it fares (docs/webhooks.md).

The secret that signs is sealed at rest and never told again. What delivers has a face of its own,
``store/deliveries.py``; the steps of both are one script.
"""

from __future__ import annotations

import enum
import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from tfserver.config import Webhooks as WebhookSettings
from tfserver.errors import StoreError, TfserverError
from tfserver.model import Kind, rfc3339
from tfserver.store.client import Client
from tfserver.store.masterkey import learn
from tfserver.store.vault import Vault

TERMINAL: Final = "terminal"
"""The kind of what happens to terminals themselves: up, down, pending, full, …"""
KINDS: Final = (*(str(kind) for kind in Kind), TERMINAL)
MOST_BATCH: Final = 1000
ROTATION_HOURS: Final = 24
"""So long both secrets sign after a change."""
PLACE: Final = re.compile(r"\d{1,15}-\d{1,15}")
MOVED_A_CALL: Final = 500


class State(enum.StrEnum):
    """Whether a webhook is delivered to: ``stopped`` is the receiver's own wish (410)."""

    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


class NoSuchWebhook(TfserverError):
    """No webhook has this id."""


class MadeBefore(TfserverError):
    """A webhook was made under this idempotency key, and still is there."""


class TooManyWebhooks(TfserverError):
    """There are ``webhooks.most`` already."""


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook to be made. ``after`` is the place in the feed that its first message stands behind; without
    one it begins with what comes next."""

    url: str
    secret: str
    kinds: tuple[str, ...] = ()
    """Of KINDS; none: all."""
    sites: tuple[str, ...] = ()
    """None: all, and what has none."""
    batch: int = 1
    """How many messages a request brings at most; 1: each by itself, not in a list."""
    after: str | None = None
    actor: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different. A new secret signs beside the old one for ``ROTATION_HOURS``; ``state`` is
    ``active`` or ``paused``."""

    url: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    kinds: tuple[str, ...] | UnsetType = UNSET
    sites: tuple[str, ...] | UnsetType = UNSET
    batch: int | UnsetType = UNSET
    state: State | UnsetType = UNSET


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a webhook fares. Times are RFC 3339; never a body, only statuses and words."""

    cursor: str
    """The place of the last record that was accepted, or is not for it."""
    behind_seconds: float
    """How long the oldest record or event waits that was not looked at yet."""
    failing_since: str | None = None
    attempts: int = 0
    """How often in a row the receiver did not take what stands first."""
    next_try: str | None = None
    last_success: str | None = None
    last_failure: str | None = None
    last_status: int | None = None
    """What the receiver answered last; None when nothing came."""
    last_error: str = ""
    delivered: int = 0
    """Messages that were accepted."""
    dead: int = 0
    """Messages that went to the dead letters, ever."""
    redelivering: int = 0
    """Dead letters that wait to be sent again."""
    missed_events: str | None = None
    """When events of terminals were last found gone before they were delivered."""
    missed_punches: str | None = None
    """When records were last found gone by retention before they were delivered."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as people see it."""

    id: str
    url: str
    kinds: tuple[str, ...]
    sites: tuple[str, ...]
    batch: int
    state: State
    created: str
    created_by: str
    old_secret_until: str | None
    """Until when the secret before the present one signs as well."""
    health: Health


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the receiver refused for good: ``id`` is its place among the dead letters,
    ``message_id`` the ``webhook-id`` it was sent with, ``message`` the body."""

    id: str
    at: str
    message_id: str
    status: int
    why: str
    message: msgspec.Raw


class Webhooks:
    """All webhooks."""

    def __init__(self, client: Client, vault: Vault, settings: WebhookSettings) -> None:
        self._client = client
        self._vault = vault
        self._settings = settings

    async def add(self, new: NewWebhook, key: str = "") -> Webhook:
        """Make a webhook; it is delivered to within a second or so. Under an idempotency ``key`` there is
        only one, because its secret is told only once. Raises TooManyWebhooks, MadeBefore."""
        webhook_id = hashlib.sha256(key.encode()).hexdigest()[:16] if key else secrets.token_hex(8)
        made = await self._add(webhook_id, new, key)
        if made == "master":
            await learn(self._client, self._vault)
            made = await self._add(webhook_id, new, key)
        if made == "known":
            raise MadeBefore("a webhook was made under this Idempotency-Key; its secret is shown only once")
        if made == "full":
            raise TooManyWebhooks(f"there are {self._settings.most} webhooks already (webhooks.most)")
        if made != "added":
            raise StoreError("the master key was changed more often than its secret could be sealed")
        return await self._found(webhook_id)

    async def _add(self, webhook_id: str, new: NewWebhook, key: str) -> Any:
        wrapped, sealed = seal_new(self._vault, webhook_id, new.secret)
        fields = {
            "url": new.url,
            "kinds": ",".join(new.kinds),
            "sites": msgspec.json.encode(new.sites),
            "batch": new.batch,
            "created_by": new.actor,
            "key": wrapped,
            "secret": sealed,
        }
        flat = [part for pair in fields.items() for part in pair]
        return await self._run("add", webhook_id, self._settings.most, new.after or "", *flat)

    async def all(self) -> list[Webhook]:
        """All of them, the oldest first."""
        found = await self._look()
        return sorted(found, key=lambda webhook: (webhook.created, webhook.id))

    async def get(self, webhook_id: str) -> Webhook | None:
        """One of them, or None."""
        found = await self._look(webhook_id)
        return found[0] if found else None

    async def change(self, webhook_id: str, change: Change) -> Webhook:
        """Make it different; a new address, secret or state is tried at once. Raises NoSuchWebhook."""
        fields: dict[str, Any] = {}
        secret: str | UnsetType = change.secret
        for name in ("url", "batch", "state"):
            if (value := getattr(change, name)) is not UNSET:
                fields[name] = value
        if change.kinds is not UNSET:
            fields["kinds"] = ",".join(change.kinds)
        if change.sites is not UNSET:
            fields["sites"] = msgspec.json.encode(change.sites)
        if secret is not UNSET:
            wrapped = await self._client.read("HGET", self._client.keys.webhook(webhook_id), "key")
            if wrapped is None:
                raise NoSuchWebhook(f"no webhook has the id '{webhook_id}'")
            fields["secret"] = seal(self._vault, wrapped, webhook_id, secret)
        flat = [part for pair in fields.items() for part in pair]
        if await self._run("change", webhook_id, ROTATION_HOURS * 3_600_000, *flat) == "missing":
            raise NoSuchWebhook(f"no webhook has the id '{webhook_id}'")
        return await self._found(webhook_id)

    async def delete(self, webhook_id: str) -> None:
        """Forget it, and its dead letters. Raises NoSuchWebhook."""
        if await self._run("delete", webhook_id) == "missing":
            raise NoSuchWebhook(f"no webhook has the id '{webhook_id}'")

    async def dead_letters(
        self, webhook_id: str, limit: int, after: str
    ) -> tuple[list[DeadLetter], str | None]:
        """Up to ``limit`` refused messages behind the cursor ``after`` (``0-0``: from the oldest), and the
        cursor of those behind them, None when there are no more. Raises NoSuchWebhook."""
        await self._found(webhook_id)
        name = self._client.keys.dead(webhook_id)
        found = await self._client.read("XRANGE", name, f"({after}", "+", "COUNT", limit + 1)
        letters = [_dead_letter(place, entry) for place, entry in found[:limit]]
        return letters, letters[-1].id if len(found) > limit else None

    async def redeliver(self, webhook_id: str, letters: Sequence[str] = ()) -> int:
        """Send dead letters again, by their ids (none: all); how many there are. What is refused again is a
        dead letter again. Raises NoSuchWebhook."""
        moved = 0
        parts = [letters[n : n + MOVED_A_CALL] for n in range(0, len(letters), MOVED_A_CALL)] or [()]
        for part in parts:
            while True:
                found = await self._run("redeliver", webhook_id, MOVED_A_CALL, *part)
                if found == "missing":
                    raise NoSuchWebhook(f"no webhook has the id '{webhook_id}'")
                moved += int(found)
                if part or int(found) < MOVED_A_CALL:
                    break
        return moved

    async def _found(self, webhook_id: str) -> Webhook:
        found = await self.get(webhook_id)
        if found is None:
            raise NoSuchWebhook(f"no webhook has the id '{webhook_id}'")
        return found

    async def _look(self, webhook_id: str = "") -> list[Webhook]:
        arguments = script_arguments(self._client, "look", webhook_id)
        found = await self._client.read_script("webhooks", *arguments)
        return [_webhook(*one) for one in found]

    async def _run(self, verb: str, webhook_id: str, *args: Any) -> Any:
        return await self._client.run("webhooks", *script_arguments(self._client, verb, webhook_id, *args))


def script_arguments(client: Client, verb: str, webhook_id: str, *args: Any) -> tuple[list[str], list[Any]]:
    """Keys and arguments of a step of ``scripts/webhooks.lua``."""
    keys = client.keys
    names = [keys.webhooks, keys.punches, keys.news, keys.meta]
    return names, [keys.webhook(""), keys.dead(""), keys.again(""), verb, webhook_id, *args]


def seal_new(vault: Vault, webhook_id: str, secret: str) -> tuple[str, str]:
    """A data key for a webhook, wrapped, and its first secret sealed under it."""
    wrapped = vault.new_data_key(int(webhook_id, 16))
    return wrapped, seal(vault, wrapped, webhook_id, secret)


def seal(vault: Vault, wrapped: str, webhook_id: str, secret: str) -> str:
    """A secret sealed for one webhook: another's can't be put in its place."""
    return vault.seal(wrapped, int(webhook_id, 16), 0, secret)


def unseal(vault: Vault, wrapped: str, webhook_id: str, sealed: str) -> str:
    """The secret again; StoreError when it was tampered with."""
    return vault.open(wrapped, int(webhook_id, 16), 0, sealed)


def _dead_letter(place: str, entry: list[str]) -> DeadLetter:
    fields = dict(zip(entry[::2], entry[1::2], strict=True))
    ms = int(place.partition("-")[0])
    kept = msgspec.json.decode(fields["d"])
    return DeadLetter(
        id=place,
        at=_time(ms) or "",
        message_id=kept["message_id"],
        status=kept["status"],
        why=kept["why"],
        message=msgspec.Raw(fields["m"].encode()),
    )


def _webhook(webhook_id: str, behind: str, redelivering: str, flat: list[str]) -> Webhook:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    health = Health(
        cursor=fields["punches"],
        behind_seconds=int(behind) / 1000,
        failing_since=_time(fields.get("failing_since")),
        attempts=int(fields.get("attempts", 0)),
        next_try=_time(fields.get("next_try")),
        last_success=_time(fields.get("last_success")),
        last_failure=_time(fields.get("last_failure")),
        last_status=int(fields.get("last_status") or 0) or None,
        last_error=fields.get("last_error", ""),
        delivered=int(fields.get("delivered", 0)),
        dead=int(fields.get("dead", 0)),
        redelivering=int(redelivering),
        missed_events=_time(fields.get("missed_news")),
        missed_punches=_time(fields.get("missed_punches")),
    )
    return Webhook(
        id=webhook_id,
        url=fields["url"],
        kinds=tuple(kinds_of(fields["kinds"])),
        sites=tuple(msgspec.json.decode(fields["sites"])),
        batch=int(fields["batch"]),
        state=State(fields["state"]),
        created=_time(fields["created"]) or "",
        created_by=fields["created_by"],
        old_secret_until=_time(fields.get("previous_until")),
        health=health,
    )


def kinds_of(text: str) -> list[str]:
    """Kinds as they stand in the hash."""
    return text.split(",") if text else []


def _time(ms: str | int | None) -> str | None:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC)) if ms else None
