"""Sessions of browsers on a real store."""

from __future__ import annotations

import hashlib
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from tests.store.connected import StoreCase, until
from tests.store.hashing import CHEAP, at_once
from tfserver.errors import StoreUnavailable
from tfserver.store import sessions as module
from tfserver.store.accounts import Accounts
from tfserver.store.passwords import Passwords
from tfserver.store.principals import REVOKED, Role
from tfserver.store.sessions import (
    FRESH_SECONDS,
    IDLE_SECONDS,
    LATELY_SECONDS,
    TOUCH_SECONDS,
    Opened,
    Sessions,
)
from tfserver.store.tokens import Token, Tokens, new_token


class SessionCase(StoreCase):
    """Two processes on one store, and a token."""

    hours = 12.0

    async def begin(self) -> None:
        """Start both, and make the token."""
        self.clock = Clock()
        self.client = await self.connect()
        self.tokens = Tokens(self.client, self.clock.seconds)
        self.accounts = Accounts(self.client, Passwords(at_once, CHEAP), self.clock.seconds)
        self.here = Sessions(self.client, self.tokens, self.accounts, self.hours, self.clock.seconds)
        other = await self.connect()
        self.other_tokens = Tokens(other, self.clock.seconds)
        self.other_accounts = Accounts(other, Passwords(at_once, CHEAP), self.clock.seconds)
        self.there = Sessions(other, self.other_tokens, self.other_accounts, self.hours, self.clock.seconds)
        self.token = new_token()
        self.entry = await self.tokens.add(self.token, Role.OPERATOR, 1)
        other.listen([other.keys.everybody], self.heard)
        await until(lambda: bool(other._listening.pool), "it listens")

    def heard(self, _: str, message: str) -> None:
        """The other process is told."""
        if message == REVOKED:
            self.other_tokens.forget()
            self.other_accounts.forget()
            self.there.forget()

    async def opened(self, token: str = "") -> tuple[str, Opened]:
        """A new session and what opens it."""
        found = await self.here.begin(token or self.token)
        assert found is not None
        return found

    async def left(self, digest: str) -> int:
        """How long its key lives (ms)."""
        return int(await self.client.read("PTTL", self.client.keys.session(digest)))


class SessionTests(SessionCase):
    """What a session is."""

    async def test_found(self) -> None:
        """A session opens everywhere what its token allows; nothing else opens it."""
        await self.begin()
        secret, opened = await self.opened()
        self.assertEqual(opened.who, self.entry)
        for sessions in (self.here, self.there):
            self.assertEqual(await sessions.find(secret), opened)
            for other in (secret[:-1], secret + "x", secret.upper(), "", opened.digest, self.token):
                self.assertIsNone(await sessions.find(other))

    async def test_used_lately(self) -> None:
        """While the store can't be asked it is known who used a session here not long ago, until it ends."""
        await self.begin()
        secret, opened = await self.opened()
        now = opened.until_ms - 1
        self.assertIsNone(self.here.used_lately(secret, now))
        await self.here.find(secret)
        self.assertEqual(self.here.used_lately(secret, now), opened)
        self.assertIsNone(self.here.used_lately(secret + "x", now))
        self.assertIsNone(self.here.used_lately(secret, opened.until_ms))
        self.clock.advance(LATELY_SECONDS + 1)
        self.assertIsNone(self.here.used_lately(secret, now))
        await self.here.find(secret)
        self.here.forget()
        self.assertIsNone(self.here.used_lately(secret, now))

    async def test_only_hashes(self) -> None:
        """Redis holds neither what opens a session nor the token."""
        await self.begin()
        secret, opened = await self.opened()
        self.assertGreaterEqual(len(secret), 43)
        self.assertEqual(opened.digest, hashlib.sha256(secret.encode()).hexdigest())
        keys = sorted(await self.client.read("KEYS", "*"))
        assert self.entry is not None
        mine = [f"tf:session:{opened.digest}", f"tf:sessions:{self.entry.id}"]
        self.assertEqual([key for key in keys if "session" in key], mine)
        held = str(await self.client.read("GET", mine[0])) + str(keys)
        held += str(await self.client.read("ZRANGE", mine[1], 0, -1))
        for text in (secret, self.token):
            self.assertNotIn(text, held)

    async def test_wrong_token(self) -> None:
        """A token that is not accepted opens none, also when it was revoked a moment ago elsewhere."""
        await self.begin()
        self.assertIsNone(await self.here.begin(new_token()))
        self.assertIsNotNone(await self.tokens.find(self.token))
        self.tell(f"DEL {self.client.keys.tokens}")
        self.assertIsNone(await self.here.begin(self.token), "what was remembered of the token was enough")

    async def test_ends_of_life(self) -> None:
        """It ends after the hours that are set, and earlier when nobody uses it."""
        await self.begin()
        _, opened = await self.opened()
        found = await self.client.read("TIME")
        now_ms = int(found[0]) * 1000
        self.assertLess(abs(opened.until_ms - now_ms - self.hours * 3_600_000), 5000)
        left = await self.left(opened.digest)
        self.assertTrue(IDLE_SECONDS * 1000 - 5000 < left <= IDLE_SECONDS * 1000, left)

    async def test_used(self) -> None:
        """Who uses it may go on using it; that is written down once a minute."""
        await self.begin()
        secret, opened = await self.opened()
        key = self.client.keys.session(opened.digest)
        await self.here.find(secret)
        self.tell(f"PEXPIRE {key} 60000")
        self.clock.advance(FRESH_SECONDS + 0.1)
        await self.here.find(secret)
        self.assertLessEqual(await self.left(opened.digest), 60_000)
        self.clock.advance(TOUCH_SECONDS)
        await self.here.find(secret)
        self.assertGreater(await self.left(opened.digest), IDLE_SECONDS * 1000 - 5000)

    async def test_gone(self) -> None:
        """What the store has let go is no session any more, at the latest when it is asked again."""
        await self.begin()
        secret, opened = await self.opened()
        self.assertIsNotNone(await self.there.find(secret))
        self.tell(f"DEL {self.client.keys.session(opened.digest)}")
        self.clock.advance(FRESH_SECONDS)
        self.assertIsNone(await self.there.find(secret))
        await self.here.use(opened.digest)
        self.assertEqual(await self.left(opened.digest), -2, "a use brought it back")

    async def test_signed_out(self) -> None:
        """Signing out counts here at once and elsewhere as soon as it is heard; other sessions stay."""
        await self.begin()
        secret, opened = await self.opened()
        second, _ = await self.opened()
        self.assertIsNotNone(await self.there.find(secret))
        await self.here.end(opened)
        self.assertIsNone(await self.here.find(secret))

        async def is_out() -> bool:
            return await self.there.find(secret) is None

        await until(is_out, "the other process heard of it")
        self.assertIsNotNone(await self.there.find(second))

    async def test_revoked(self) -> None:
        """A token that is revoked takes its sessions along, at once and everywhere; others stay."""
        await self.begin()
        other = new_token()
        await self.tokens.issue(other, Token("", Role.ADMIN, 2, created_by="somebody"))
        secret, _ = await self.opened()
        kept, _ = await self.opened(other)
        assert self.entry is not None
        self.assertIsNotNone(await self.there.find(secret))
        await self.tokens.revoke(self.entry.id)
        self.assertIsNone(await self.here.find(secret))

        async def is_out() -> bool:
            return await self.there.find(secret) is None

        await until(is_out, "the other process heard of it")
        self.assertIsNotNone(await self.here.find(kept))

    async def test_many(self) -> None:
        """A token has so many sessions and no more: the one that began first goes."""
        await self.begin()
        self.patch(module, "MOST_OF_ONE", 3)
        secrets = []
        for _ in range(5):
            secrets.append((await self.opened())[0])
            # so that they end in the order they began in
            await self.client.read("TIME")
        kept = [await self.there.find(secret) is not None for secret in secrets]
        self.assertEqual(sum(kept), 3)
        self.assertTrue(kept[-1])
        held = [key for key in await self.client.read("KEYS", "*") if "tf:session:" in key]
        self.assertEqual(len(held), 3)


class RememberedTests(SessionCase):
    """What a process remembers."""

    async def test_once_a_second(self) -> None:
        """The store is asked for a session once a second, however often it is used."""
        await self.begin()
        secret, _ = await self.opened()
        await self.here.find(secret)
        self.tell("CONFIG RESETSTAT")
        for _ in range(50):
            self.assertIsNotNone(await self.here.find(secret))
        self.assertEqual(await self.calls(self.client, "get"), 0)
        self.clock.advance(FRESH_SECONDS)
        await self.here.find(secret)
        self.assertEqual(await self.calls(self.client, "get"), 1)

    async def test_ended_meanwhile(self) -> None:
        """An answer that was on its way when a session ended is not remembered."""
        await self.begin()
        secret, opened = await self.opened()
        real, waiting = self.client.read, Deferred[None]()

        def read(*command: Any) -> Any:
            answer = real(*command)
            return waiting.addCallback(lambda _: answer) if command[0] == "GET" else answer

        self.patch(self.client, "read", read)
        asked = Deferred.fromCoroutine(self.here.find(secret))
        self.patch(self.client, "read", real)
        await self.here.end(opened)
        waiting.callback(None)
        await asked
        self.assertIsNone(await self.here.find(secret))

    async def test_not_written_down(self) -> None:
        """When its use can't be written down it is used all the same, and the next use tries again."""
        await self.begin()
        secret, _ = await self.opened()
        real = self.client._written
        tried: list[Any] = []

        def write(*command: Any) -> Any:
            tried.append(command)
            return fail(StoreUnavailable("away"))

        self.patch(self.client, "_written", write)
        for _ in range(2):
            self.assertIsNotNone(await self.here.find(secret))
        self.assertEqual(len(tried), 2)
        self.patch(self.client, "_written", real)
