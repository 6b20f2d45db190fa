"""Tokens of the HTTP API: Redis holds hashes only (design §2.1)."""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from tfserver.store.client import Client

PREFIX: Final = "tfs_"


class Role(enum.StrEnum):
    """What a token allows: everything, to act, or to look."""

    ADMIN = "admin"
    OPERATOR = "operator"
    READER = "reader"


class Token(msgspec.Struct, frozen=True):
    """What is known of a token."""

    id: str
    role: Role
    created_ms: int


def new_token(random: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """A fresh token as text."""
    return PREFIX + random(32)


class Tokens:
    """The tokens that are accepted."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def add(self, token: str, role: Role, now_ms: int) -> Token:
        """Accept a token from now on; adding it again changes nothing."""
        digest = _digest(token)
        entry = Token(digest[:8], role, now_ms)
        key = self._client.keys.tokens
        if await self._client.write("HSETNX", key, digest, msgspec.json.encode(entry)):
            return entry
        return msgspec.json.decode(await self._client.write("HGET", key, digest), type=Token)

    async def find(self, token: str) -> Token | None:
        """What a token allows, or None for one that is not accepted."""
        found = await self._client.read("HGET", self._client.keys.tokens, _digest(token))
        return None if found is None else msgspec.json.decode(found, type=Token)


def _digest(token: str) -> str:
    """Tokens are long and random, so a plain hash can't be searched backwards."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
