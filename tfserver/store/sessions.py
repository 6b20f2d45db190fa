"""Browsers that are signed in: what opens a session is known to the browser alone, Redis holds its hash.

A session is a token's or an account's: what that may do is looked up with every use, so a token that is
revoked and an account that is disabled take their sessions along, everywhere and at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from tfserver.errors import StoreError
from tfserver.store.accounts import Accounts, Proven
from tfserver.store.client import Client
from tfserver.store.principals import REVOKED, Principal
from tfserver.store.tokens import Tokens, digest_of

MOST_OF_ONE: Final = 100
"""Sessions of one token or account; another ends the one that began first."""
IDLE_SECONDS: Final = 3600
"""A session that nobody uses for so long is over."""
FRESH_SECONDS: Final = 1.0
TOUCH_SECONDS: Final = 60.0
"""How often it is written down that a session is used."""
MOST_KNOWN: Final = 1000
LATELY_SECONDS: Final = 900.0
"""How long a session counts that the store can't be asked about, for what changes nothing."""


class Opened(NamedTuple):
    """A session: whose it is, until when at most (UTC, ms), and the hash it is known by."""

    who: Principal
    until_ms: int
    digest: str


class _Entry(msgspec.Struct, frozen=True):
    """What Redis holds: the hash of the token, or name and id of the account, and until when at most."""

    until: int
    token: str = ""
    account: str = ""
    id: str = ""


class _Known(NamedTuple):
    """What was found, and when it was asked for."""

    entry: _Entry
    at: float


class Sessions:
    """The sessions of all processes; those used a moment ago are remembered. ``clock`` only goes on."""

    def __init__(
        self,
        client: Client,
        tokens: Tokens,
        accounts: Accounts,
        hours: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._accounts = accounts
        self._most_ms = round(hours * 3_600_000)
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._touched: dict[str, float] = {}
        self._used: dict[str, tuple[Opened, float]] = {}
        """What was found at the last use of each, and when."""
        self._ended = 0

    async def begin(self, token: str) -> tuple[str, Opened] | None:
        """Open a session of a token; gives what opens it. None when the token is not accepted any more."""
        found = await self._tokens.find(token)
        if found is None:
            return None
        return await self._begin("begin", found, [self._client.keys.tokens], [digest_of(token)])

    async def enter(self, proven: Proven) -> tuple[str, Opened] | None:
        """Open a session of an account whose password was right; gives what opens it. None when that is so no
        longer."""
        account, keys = proven.account, self._client.keys
        held = [keys.accounts, keys.passwords, keys.sign_ins]
        return await self._begin("enter", account, held, [account.name, account.id, proven.stands])

    async def _begin(
        self, step: str, who: Principal, held: list[str], shown: list[str]
    ) -> tuple[str, Opened] | None:
        secret = secrets.token_urlsafe(32)
        digest, keys = digest_of(secret), self._client.keys
        names = [keys.session(digest), keys.sessions(who.id), *held]
        bounds = [self._most_ms, IDLE_SECONDS * 1000, MOST_OF_ONE, keys.session("")]
        until = await self._client.run("sessions", names, [step, digest, *bounds, *shown])
        return None if until is None else (secret, Opened(who, int(until), digest))

    async def find(self, secret: str) -> Opened | None:
        """The session that this opens, or None. It is used by that."""
        return await self.use(digest_of(secret))

    async def use(self, digest: str) -> Opened | None:
        """The session of a hash, or None. It is used by that."""
        entry = await self._entry(digest)
        who = None if entry is None else await self._who(entry)
        if entry is None or who is None:
            return None
        await self._touch(digest)
        opened = Opened(who, entry.until, digest)
        if len(self._used) >= MOST_KNOWN:
            self._used.clear()
        self._used[digest] = opened, self._clock()
        return opened

    def used_lately(self, secret: str, now_ms: float) -> Opened | None:
        """The session that this opens as it was found a while ago, or None: for who looks why the store is
        away, and nothing else."""
        opened, at = self._used.get(digest_of(secret), (None, 0.0))
        if opened is None or self._clock() - at > LATELY_SECONDS:
            return None
        return opened if now_ms < opened.until_ms else None

    async def end(self, opened: Opened) -> None:
        """Sign out, here and everywhere."""
        keys = self._client.keys
        names = [keys.session(opened.digest), keys.sessions(opened.who.id)]
        await self._end(names, ["end", opened.digest])

    async def end_all(self, who: Principal) -> None:
        """Sign out of all of them."""
        keys = self._client.keys
        await self._end([keys.sessions(who.id)], ["end all", keys.session(""), ""])

    async def _end(self, names: list[str], args: list[str]) -> None:
        try:
            await self._client.run("sessions", names, [*args, self._client.keys.everybody, REVOKED])
        finally:
            # also when nobody knows whether it was done
            self.forget()

    async def _who(self, entry: _Entry) -> Principal | None:
        """Whose session it is, None for somebody who is not accepted any more."""
        if entry.account:
            return await self._accounts.accepted(entry.account, entry.id)
        return await self._tokens.accepted(entry.token)

    def forget(self) -> None:
        """Something has ended, here or elsewhere: what is known counts no longer, nor what is on its way."""
        self._ended += 1
        self._known.clear()
        self._used.clear()

    async def _entry(self, digest: str) -> _Entry | None:
        asked_at, ended = self._clock(), self._ended
        known = self._known.get(digest)
        if known is not None and asked_at - known.at < FRESH_SECONDS:
            return known.entry
        text = await self._client.read("GET", self._client.keys.session(digest))
        if text is None:
            return None
        entry = msgspec.json.decode(text, type=_Entry)
        if ended == self._ended:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[digest] = _Known(entry, asked_at)
        return entry

    async def _touch(self, digest: str) -> None:
        now = self._clock()
        if now - self._touched.get(digest, -TOUCH_SECONDS) < TOUCH_SECONDS:
            return
        if len(self._touched) >= MOST_KNOWN:
            self._touched.clear()
        self._touched[digest] = now
        keys = self._client.keys
        try:
            await self._client.run(
                "sessions",
                [keys.session(digest)],
                ["touch", IDLE_SECONDS * 1000],
            )
        except StoreError:
            # whoever asks may read all the same; the next use tries again
            self._touched.pop(digest, None)
