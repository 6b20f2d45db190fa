"""Tokens of the HTTP API: Redis holds hashes only (design §2.1)."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from tfserver.errors import TfserverError
from tfserver.store.client import Client
from tfserver.store.principals import REVOKED, Kind, Principal, Role

PREFIX: Final = "tfs_"
MOST_TOKENS: Final = 1000
KEY_SECONDS: Final = 86_400
"""How long it is remembered that a token was made under an idempotency key."""
FRESH_SECONDS: Final = 1.0
"""How long what is known of a token counts, should the message that one was revoked not reach us."""


class Token(Principal, frozen=True):
    """What is known of a token; not every one has a name."""

    kind: ClassVar[Kind] = Kind.TOKEN


class NotIssued(TfserverError):
    """A token was not made: its idempotency key was used before, or there are too many."""


class NoSuchToken(TfserverError):
    """No token has this id."""


class LastToken(TfserverError):
    """Without this token nobody could manage tokens."""


def new_token(random: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """A fresh token as text."""
    return PREFIX + random(32)


class Tokens:
    """The tokens that are accepted; those found a moment ago are remembered. ``clock`` only goes on."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[Token, float]] = {}
        """By their hashes: what was found, and when it was asked for."""
        self._revoked = 0

    async def add(self, token: str, role: Role, now_ms: int) -> Token | None:
        """Accept a token from now on; adding it again changes nothing. None for one that was revoked."""
        digest = digest_of(token)
        entry = Token(digest[:8], role, now_ms)
        key = self._client.keys.tokens
        if await self._client.write("HSETNX", key, digest, msgspec.json.encode(entry)):
            return entry
        return _entry(await self._client.write("HGET", key, digest))

    async def issue(self, token: str, entry: Token, key: str = "") -> Token:
        """Accept a token that somebody asked for, once for each idempotency ``key``. Raises NotIssued."""
        digest = digest_of(token)
        entry = msgspec.structs.replace(entry, id=digest[:8])
        keys = self._client.keys
        args = ["issue", digest, msgspec.json.encode(entry), MOST_TOKENS, KEY_SECONDS if key else ""]
        found = await self._client.run("tokens", [keys.tokens, keys.idempotency(f"token/{key}")], args)
        if found == "reused":
            raise NotIssued("a token was made under this Idempotency-Key before; it is shown only once")
        if found == "full":
            raise NotIssued(f"there are {MOST_TOKENS} tokens already")
        return entry

    async def revoke(self, token_id: str) -> None:
        """Accept a token no longer, from now on and everywhere. Raises NoSuchToken, LastToken."""
        keys = self._client.keys
        args = ["revoke", token_id, keys.everybody, REVOKED]
        try:
            found = await self._client.run("tokens", [keys.tokens, keys.tokens], args)
        finally:
            # also when nobody knows whether it was done
            self.forget()
        if found == "missing":
            raise NoSuchToken(f"no token has the id '{token_id}'")
        if found == "last":
            raise LastToken("this is the last token that can manage tokens: make another first")

    async def find(self, token: str) -> Token | None:
        """What a token allows, or None for one that is not accepted."""
        return await self.accepted(digest_of(token))

    async def accepted(self, digest: str) -> Token | None:
        """What the token of a hash allows, or None for one that is not accepted."""
        asked_at, revoked = self._clock(), self._revoked
        known = self._known.get(digest)
        if known is not None and asked_at - known[1] < FRESH_SECONDS:
            return known[0]
        entry = _entry(await self._client.read("HGET", self._client.keys.tokens, digest))
        if entry is not None and revoked == self._revoked:
            if len(self._known) >= MOST_TOKENS:
                self._known.clear()
            self._known[digest] = entry, asked_at
        return entry

    def forget(self) -> None:
        """Some token was revoked, here or elsewhere: what is known counts no longer, nor what is on its
        way."""
        self._revoked += 1
        self._known.clear()

    async def all(self) -> list[Token]:
        """All tokens that are accepted, oldest first."""
        found = await self._client.read("HVALS", self._client.keys.tokens)
        entries = [entry for text in found if (entry := _entry(text))]
        return sorted(entries, key=lambda entry: (entry.created_ms, entry.id))


def _entry(text: str | None) -> Token | None:
    """What is known of a token; of one that was revoked nothing is."""
    return msgspec.json.decode(text, type=Token) if text else None


def digest_of(token: str) -> str:
    """What is kept and compared. Tokens are long and random, so a plain hash can't be searched backwards."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
