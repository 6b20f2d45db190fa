"""Passwords of people, hashed by Argon2id in threads, one after another: each takes a processor for long."""

from __future__ import annotations

import base64
import secrets
import unicodedata
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import argon2
from twisted.internet.defer import Deferred, DeferredSemaphore

from tfserver.errors import TfserverError

LEAST: Final = 12
MOST: Final = 256
"""Characters. NIST SP 800-63B §5.1.1.2 asks for 8 at least and room for 64, and for no rules of what stands
in it but that others would not guess it."""
LEAST_DIFFERENT: Final = 5
LEAST_BESIDE_NAME: Final = 6
AT_ONCE: Final = 1
"""However many sign in, all other processors are left to terminals."""
MOST_WAITING: Final = 16
"""Some four seconds; whoever comes then is told to come again."""
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32

InThread = Callable[..., "Deferred[Any]"]
"""Calls a function in a thread: ``deferToThread``."""


class Cost(NamedTuple):
    """What a guess costs: memory and passes as RFC 9106 §4 recommends them where memory is short, in one lane
    for one processor. OWASP's Password Storage Cheat Sheet asks for 19 MiB and two passes at least."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 1


class Busy(TfserverError):
    """Too many passwords are looked at just now."""

    def __init__(self) -> None:
        super().__init__("too many people sign in just now: come again in a moment")


class WeakPassword(TfserverError):
    """A password that others would guess, or that can't be one."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.problems = [("password", told)]


class Passwords:
    """Makes and checks what is kept of passwords: texts that begin with ``$argon2id$``."""

    def __init__(self, in_thread: InThread, cost: Cost | None = None) -> None:
        found = cost or Cost()
        self._in_thread = in_thread
        self._turn = DeferredSemaphore(AT_ONCE)
        self._hasher = argon2.PasswordHasher(
            found.passes, found.memory_kib, found.lanes, _HASH_BYTES, _SALT_BYTES
        )
        self._nobodys = _of_nobody(found)

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises Busy."""
        found: str = await self._called(self._hasher.hash, _plain(password))
        return found

    async def check(self, password: str, kept: str | None) -> bool:
        """Whether it is the password of which this is kept. Raises Busy. Where nothing is kept it takes the
        same time to say no; so it does for one that is too long for any."""
        if len(password) > MOST:
            password, kept = "", None
        return bool(await self._called(self._verified, _plain(password), kept)) and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether a password was hashed at another cost than it would be now."""
        return self._hasher.check_needs_rehash(kept)

    def _verified(self, password: bytes, kept: str | None) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _called(self, function: Callable[..., Any], *args: Any) -> Any:
        if len(self._turn.waiting) >= MOST_WAITING:
            raise Busy
        done: Deferred[Any] = Deferred()
        # whoever gives up waiting does not end the thread, and it is its turn until it has ended
        self._turn.run(self._in_thread, function, *args).addCallbacks(done.callback, done.errback)
        return await done


def check_strength(password: str, name: str) -> None:
    """WeakPassword for one that is too short or too long, that is little more than the name, or always the
    same few characters."""
    if len(password) > MOST:
        raise WeakPassword(f"expected at most {MOST} characters")
    plain = _plain(password).decode("utf-8", "replace")
    if len(plain) < LEAST:
        raise WeakPassword(f"expected at least {LEAST} characters: some words that nobody would put together")
    if len(set(plain)) < LEAST_DIFFERENT:
        raise WeakPassword(f"expected at least {LEAST_DIFFERENT} different characters")
    if len(plain.casefold().replace(name.casefold(), "")) < LEAST_BESIDE_NAME:
        raise WeakPassword("expected something else than the name")


def _plain(password: str) -> bytes:
    """The same however a keyboard puts letters together (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _of_nobody(cost: Cost) -> str:
    """What no password hashes to, at this cost."""
    parts = (secrets.token_bytes(size) for size in (_SALT_BYTES, _HASH_BYTES))
    salt, digest = (base64.b64encode(part).decode().rstrip("=") for part in parts)
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"
