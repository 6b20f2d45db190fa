"""Accounts of people: a name, what it may do, and what is kept of its password.

What is kept of passwords stands apart from all else and leaves this module only as proof of a right one.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from twisted.logger import Logger

from tfserver.errors import StoreError, TfserverError
from tfserver.store.client import Client
from tfserver.store.passwords import Busy, Passwords, check_strength
from tfserver.store.principals import REVOKED, Kind, Principal

NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9])?")
"""What an account may be called, in any case; it is kept in small letters."""
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
"""A language as BCP 47 writes it: ``ar``, ``pt-BR``."""
MOST_ACCOUNTS: Final = 1000
FRESH_SECONDS: Final = 1.0
"""How long what is known of an account counts, should the message that it changed not reach us."""
_MOST_TRIES: Final = 5


class Account(Principal, frozen=True):
    """What is known of an account. ``language`` is what its pages are to be in, empty for the browser's."""

    kind: ClassVar[Kind] = Kind.ACCOUNT

    language: str = ""
    disabled: bool = False


class Proven(NamedTuple):
    """An account whose password was right a moment ago, and the hash that it was right by."""

    account: Account
    stands: str


class Listed(NamedTuple):
    """An account, and when it signed in last (UTC, ms), None for never."""

    account: Account
    signed_in_ms: int | None


class BadName(TfserverError):
    """No account can be called so."""

    def __init__(self) -> None:
        told = "expected 1 to 64 letters without accents, digits, and . _ @ + - between them"
        super().__init__(told)
        self.problems = [("name", told)]


class NameTaken(TfserverError):
    """An account has this name already."""


class TooManyAccounts(TfserverError):
    """No more accounts fit."""


class NoSuchAccount(TfserverError):
    """No account has this name."""


class ChangedMeanwhile(TfserverError):
    """Others changed the account at the same moment."""


class Accounts:
    """The accounts of all processes; those found a moment ago are remembered. ``clock`` only goes on."""

    _log = Logger()

    def __init__(
        self, client: Client, passwords: Passwords, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._passwords = passwords
        self._clock = clock
        self._known: dict[str, tuple[Account, float]] = {}
        """By their names: what was found, and when it was asked for."""
        self._some_at: float | None = None
        """When it was asked last whether there are any, and there were."""
        self._changes = 0

    async def exist(self) -> bool:
        """Whether there is any account. Asked of the store once a second at most, once there is one."""
        now = self._clock()
        if self._some_at is not None and now - self._some_at < FRESH_SECONDS:
            return True
        found = bool(await self._client.read("EXISTS", self._client.keys.accounts))
        if found:
            self._some_at = now
        return found

    async def create(self, account: Account, password: str) -> Account:
        """Make an account; its id is made here. Raises NameTaken, TooManyAccounts, BadName, WeakPassword,
        Busy."""
        made = msgspec.structs.replace(account, id=secrets.token_hex(8), name=folded(account.name))
        if not NAME.fullmatch(made.name):
            raise BadName
        check_strength(password, made.name)
        keys = self._client.keys
        args = ["make", made.name, msgspec.json.encode(made), await self._passwords.hash(password)]
        found = await self._client.run("sessions", [keys.accounts, keys.passwords], [*args, MOST_ACCOUNTS])
        if found == "there":
            raise NameTaken(f"an account is called '{made.name}' already")
        if found == "full":
            raise TooManyAccounts(f"there are {MOST_ACCOUNTS} accounts already")
        return made

    async def get(self, name: str) -> Account:
        """What is known of an account now. Raises NoSuchAccount."""
        return _entry(await self._text(folded(name)))

    async def accepted(self, name: str, account_id: str) -> Account | None:
        """What the account of a session allows; None when it is gone, disabled, or another of that name."""
        account = await self._find(name)
        return account if account and account.id == account_id and not account.disabled else None

    async def all(self) -> list[Listed]:
        """All accounts by their names."""
        keys = self._client.keys
        signed_in = _pairs(await self._client.read("HGETALL", keys.sign_ins))
        entries = [_entry(text) for text in await self._client.read("HVALS", keys.accounts)]
        found = [Listed(entry, _ms(signed_in.get(entry.name))) for entry in entries]
        return sorted(found, key=lambda one: one.account.name)

    async def listed(self, name: str) -> Listed:
        """One of them. Raises NoSuchAccount."""
        account = await self.get(name)
        return Listed(account, _ms(await self._client.read("HGET", self._client.keys.sign_ins, account.name)))

    async def change(self, name: str, changes: dict[str, Any], password: str = "") -> Account:
        """Change some fields, and the password if one is given: with another one, or disabled, it is signed
        out everywhere. Raises NoSuchAccount, WeakPassword, Busy, ChangedMeanwhile."""
        name, kept = folded(name), ""
        if password:
            await self.get(name)
            check_strength(password, name)
            kept = await self._passwords.hash(password)
        for _ in range(_MOST_TRIES):
            text = await self._text(name)
            changed = msgspec.structs.replace(_entry(text), **changes)
            if await self._put(changed, text, msgspec.json.encode(changed), kept):
                return changed
        raise ChangedMeanwhile("others change this account just now: look at it again")

    async def renew_password(self, proven: Proven, password: str, session: str) -> None:
        """Another password in the place of the one that was right; its other sessions end. Raises as
        ``change`` does."""
        name = proven.account.name
        check_strength(password, name)
        kept = await self._passwords.hash(password)
        text = await self._text(name)
        if not await self._put(_entry(text), text, text, kept, proven.stands, session):
            raise ChangedMeanwhile("others change this account just now: sign in again")

    async def delete(self, name: str) -> None:
        """Let there be no such account, from now on and everywhere. Raises NoSuchAccount."""
        for _ in range(_MOST_TRIES):
            text = await self._text(folded(name))
            if await self._put(_entry(text), text, ""):
                return
        raise ChangedMeanwhile("others change this account just now: look at it again")

    async def check(self, name: str, password: str) -> Proven | None:
        """Whether this is the password of that account, which may sign in; Busy. It takes the same time for a
        name that nobody has, and for one that is none."""
        name, keys = folded(name), self._client.keys
        text = await self._client.read("HGET", keys.accounts, name)
        kept = await self._client.read("HGET", keys.passwords, name)
        is_right = await self._passwords.check(password, kept if text else None)
        if not is_right or _entry(text).disabled:
            return None
        if self._passwords.is_outdated(kept):
            kept = await self._rehashed(name, password, kept)
        return Proven(_entry(text), kept)

    def forget(self) -> None:
        """Some account has changed, here or elsewhere: what is known counts no longer, nor what is on its
        way."""
        self._changes += 1
        self._known.clear()
        self._some_at = None

    async def _rehashed(self, name: str, password: str, kept: str) -> str:
        """The same password at the present cost; as it was when that can't be done just now."""
        try:
            made = await self._passwords.hash(password)
            keys = self._client.keys
            done = await self._client.run(
                "sessions", [keys.accounts, keys.passwords], ["rehash", name, kept, made]
            )
        except (Busy, StoreError) as failed:
            self._log.info("the password of {name} is hashed anew another time: {why}", name=name, why=failed)
            return kept
        return made if done == "changed" else kept

    async def _put(
        self,
        account: Account,
        was: str,
        will: str | bytes,
        kept: str = "",
        stands: str = "",
        session: str = "",
    ) -> bool:
        """Change what the store has, if that is as it was."""
        keys = self._client.keys
        names = [keys.accounts, keys.passwords, keys.sign_ins, keys.sessions(account.id)]
        args = ["change", account.name, was, will, kept, stands, session]
        try:
            found = await self._client.run(
                "sessions", names, [*args, keys.session(""), keys.everybody, REVOKED]
            )
        finally:
            # also when nobody knows whether it was done
            self.forget()
        return bool(found == "changed")

    async def _find(self, name: str) -> Account | None:
        asked_at, changes = self._clock(), self._changes
        known = self._known.get(name)
        if known is not None and asked_at - known[1] < FRESH_SECONDS:
            return known[0]
        text = await self._client.read("HGET", self._client.keys.accounts, name)
        entry = _entry(text) if text else None
        if entry is not None and changes == self._changes:
            if len(self._known) >= MOST_ACCOUNTS:
                self._known.clear()
            self._known[name] = entry, asked_at
        return entry

    async def _text(self, name: str) -> str:
        text: str | None = await self._client.read("HGET", self._client.keys.accounts, name)
        if text is None:
            raise NoSuchAccount("no account is called so")
        return text


def folded(name: str) -> str:
    """A name as it is kept: people write theirs in any case."""
    return name.strip().casefold()


def _entry(text: str) -> Account:
    return msgspec.json.decode(text, type=Account)


def _ms(text: str | None) -> int | None:
    return None if text is None else int(text)


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
