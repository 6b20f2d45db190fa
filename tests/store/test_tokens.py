"""Tokens: accepted by their hash, which is all that Redis holds."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.internet.task import Clock

from tests.store.connected import StoreCase, until
from tfserver.errors import StoreUnavailable
from tfserver.store import tokens as tokens_module
from tfserver.store.principals import REVOKED, Role
from tfserver.store.tokens import (
    FRESH_SECONDS,
    PREFIX,
    LastToken,
    NoSuchToken,
    NotIssued,
    Token,
    Tokens,
    new_token,
)


class TokenTests(StoreCase):
    """Tokens on a real store."""

    async def tokens(self) -> Tokens:
        """Tokens as a new process sees them."""
        self.client = await self.connect()
        return Tokens(self.client)

    async def test_found(self) -> None:
        """An added token is found with its role by every process; any other is not."""
        tokens, elsewhere = await self.tokens(), await self.tokens()
        for role in Role:
            token = new_token()
            self.assertIsNone(await tokens.find(token))
            added = await tokens.add(token, role, 1_775_000_000_000)
            assert added is not None
            self.assertEqual(added, Token(added.id, role, 1_775_000_000_000))
            self.assertEqual(await elsewhere.find(token), added)
            for other in (token[:-1], f"{token} ", token.upper(), token.removeprefix(PREFIX), "", "\ud800"):
                self.assertIsNone(await tokens.find(other))

    async def test_only_hashes(self) -> None:
        """Redis holds the hash of a token and no part of itself; the id is no part of it either."""
        tokens = await self.tokens()
        token = new_token()
        added = await tokens.add(token, Role.ADMIN, 1)
        assert added is not None
        held = str(await self.client.read("HGETALL", "tf:tokens"))
        self.assertIn("admin", held)
        for part in (token, token.removeprefix(PREFIX), token[4:16], token[-12:]):
            self.assertNotIn(part, held)
        self.assertNotIn(added.id, token)
        self.assertEqual(sorted(await self.client.read("KEYS", "*")), ["tf:meta", "tf:tokens"])

    async def test_added_again(self) -> None:
        """Adding a token again changes nothing, and the caller learns what it really allows."""
        tokens = await self.tokens()
        token = new_token()
        first = await tokens.add(token, Role.READER, 1)
        again = await tokens.add(token, Role.ADMIN, 2)
        self.assertEqual(await tokens.find(token), first)
        self.assertEqual(again, first)

    def test_new_tokens(self) -> None:
        """Tokens are long, random and recognisable."""
        made = {new_token() for _ in range(100)}
        self.assertEqual(len(made), 100)
        for token in made:
            self.assertTrue(token.startswith(PREFIX))
            self.assertGreaterEqual(len(token), len(PREFIX) + 43)


class RememberedTests(StoreCase):
    """What was found a moment ago counts, until some token is revoked."""

    async def tokens(self) -> tuple[Tokens, str, Token]:
        """Tokens as a new process sees them, and one that is accepted."""
        self.client = await self.connect()
        self.clock = Clock()
        tokens = Tokens(self.client, self.clock.seconds)
        secret = new_token()
        added = await tokens.issue(secret, wanted())
        return tokens, secret, added

    async def reads(self) -> int:
        """How often the store was asked."""
        return await self.calls(self.client, "hget")

    async def test_asked_once(self) -> None:
        """The store is asked once within the time that an answer counts, and again afterwards."""
        tokens, secret, added = await self.tokens()
        for advance, reads in ((0.0, 1), (FRESH_SECONDS - 0.01, 1), (0.01, 2), (FRESH_SECONDS - 0.01, 2)):
            self.clock.advance(advance)
            self.assertEqual(await tokens.find(secret), added)
            self.assertEqual(await self.reads(), reads)

    async def test_strangers_are_not_remembered(self) -> None:
        """What is no token is asked for each time: it may be made into one, and there are many."""
        tokens, _, _ = await self.tokens()
        for _ in range(3):
            self.assertIsNone(await tokens.find("tfs_x"))
        self.assertEqual(await self.reads(), 3)
        self.assertEqual(tokens._known, {})

    async def test_revoked_here(self) -> None:
        """In the process that revokes it counts no longer, from that moment on."""
        tokens, secret, added = await self.tokens()
        await tokens.find(secret)
        await tokens.revoke(added.id)
        self.assertIsNone(await tokens.find(secret))

    async def test_revoked_on_the_way(self) -> None:
        """An answer that was given before the revocation and comes after it is not remembered."""
        tokens, secret, added = await self.tokens()
        given, arrived, told = self.client.read, list[str](), Deferred[None]()

        def held(*command: Any) -> Deferred[Any]:
            found: Deferred[Any] = given(*command)
            found.addCallback(lambda text: arrived.append(text))
            return found.addCallback(lambda _: told.addCallback(lambda _: arrived[0]))

        self.patch(self.client, "read", held)
        finding = Deferred.fromCoroutine(tokens.find(secret))
        await until(lambda: bool(arrived), "it is answered")
        await tokens.revoke(added.id)
        told.callback(None)
        self.assertEqual(await finding, added)
        self.patch(self.client, "read", given)
        self.assertIsNone(await tokens.find(secret))

    async def test_revoked_elsewhere(self) -> None:
        """A revocation is told to all processes; who does not hear of it sees it when its second is over."""
        tokens, secret, added = await self.tokens()
        other = await self.connect()
        heard: list[str] = []
        other.listen([other.keys.everybody], lambda _, message: heard.append(message))
        await until(lambda: ":1\r\n" in self.store.ask("PUBSUB NUMSUB tf:wake"), "it is subscribed")
        clock, deaf_clock = Clock(), Clock()
        hears, deaf = Tokens(other, clock.seconds), Tokens(other, deaf_clock.seconds)
        for each in (hears, deaf):
            self.assertEqual(await each.find(secret), added)
        await tokens.revoke(added.id)
        await until(lambda: heard == [REVOKED], "it is told")
        hears.forget()
        self.assertIsNone(await hears.find(secret))
        self.assertEqual(await deaf.find(secret), added)
        deaf_clock.advance(FRESH_SECONDS)
        self.assertIsNone(await deaf.find(secret))

    async def test_not_known_whether_revoked(self) -> None:
        """When the store does not say whether it was revoked, it is asked again."""
        tokens, secret, added = await self.tokens()
        await tokens.find(secret)
        self.patch(self.client, "run", lambda *_: fail(StoreUnavailable("no answer")))
        with self.assertRaises(StoreUnavailable):
            await tokens.revoke(added.id)
        await tokens.find(secret)
        self.assertEqual(await self.reads(), 2)

    async def test_bounded(self) -> None:
        """No more are remembered than there may be."""
        tokens, _, _ = await self.tokens()
        self.patch(tokens_module, "MOST_TOKENS", 3)
        self.patch(
            self.client,
            "read",
            lambda *_: succeed(json.dumps({"id": "a", "role": "reader", "created_ms": 1})),
        )
        for _ in range(10):
            await tokens.find(new_token())
            self.assertLessEqual(len(tokens._known), 3)


def wanted(role: Role = Role.READER, **more: Any) -> Token:
    """What somebody asks for over HTTP."""
    return Token("", role, 1, **{"name": "n", "created_by": "token a", **more})


class IssueTests(StoreCase):
    """Tokens made and revoked over HTTP."""

    async def tokens(self) -> Tokens:
        """Tokens as a new process sees them."""
        self.client = await self.connect()
        return Tokens(self.client)

    async def issued(self, tokens: Tokens, role: Role = Role.ADMIN, **more: Any) -> tuple[str, Token]:
        """A token and what is known of it."""
        secret = new_token()
        return secret, await tokens.issue(secret, wanted(role, **more))

    async def test_issued(self) -> None:
        """An issued token is accepted with its name, sites and maker, and only its hash is kept."""
        tokens = await self.tokens()
        secret, entry = await self.issued(tokens, Role.OPERATOR, sites=("Lisbon",))
        self.assertEqual(await tokens.find(secret), entry)
        self.assertEqual((entry.name, entry.sites, entry.created_by), ("n", ("Lisbon",), "token a"))
        self.assertEqual(len(entry.id), 8)
        self.assertNotIn(secret[4:16], str(await self.client.read("HGETALL", "tf:tokens")))

    async def test_listed(self) -> None:
        """All accepted tokens are listed, the oldest first, revoked ones not."""
        tokens = await self.tokens()
        second = await tokens.issue(new_token(), Token("", Role.ADMIN, 2, created_by="token a"))
        _, first = await self.issued(tokens)
        _, third = await self.issued(tokens, Role.READER, created_by="")
        await tokens.revoke(third.id)
        self.assertEqual(await tokens.all(), [first, second])

    async def test_revoked_at_once(self) -> None:
        """A revoked token is accepted by no process any more."""
        tokens, elsewhere = await self.tokens(), await self.tokens()
        secret, entry = await self.issued(tokens, Role.READER)
        await tokens.revoke(entry.id)
        self.assertIsNone(await elsewhere.find(secret))
        with self.assertRaises(NoSuchToken):
            await tokens.revoke(entry.id)
        self.assertEqual(await self.client.read("HLEN", "tf:tokens"), 0)

    async def test_revoked_for_good(self) -> None:
        """A token that the start adds again from the data folder stays revoked."""
        tokens = await self.tokens()
        await self.issued(tokens)
        secret = new_token()
        added = await tokens.add(secret, Role.ADMIN, 1)
        assert added is not None
        await tokens.revoke(added.id)
        self.assertIsNone(await tokens.add(secret, Role.ADMIN, 2))
        self.assertIsNone(await tokens.find(secret))
        self.assertEqual(len(await tokens.all()), 1)

    async def test_last(self) -> None:
        """The last token that can manage tokens can't be revoked, whatever others there are."""
        tokens = await self.tokens()
        _, last = await self.issued(tokens)
        _, other = await self.issued(tokens)
        _, bound = await self.issued(tokens, sites=("Lisbon",))
        _, reader = await self.issued(tokens, Role.READER)
        await tokens.revoke(other.id)
        with self.assertRaises(LastToken):
            await tokens.revoke(last.id)
        for entry in (bound, reader):
            await tokens.revoke(entry.id)
        self.assertEqual(await tokens.all(), [last])

    async def test_last_two_at_once(self) -> None:
        """Of two that are revoked at the same time the last one stays."""
        tokens, elsewhere = await self.tokens(), await self.tokens()
        both = [(await self.issued(tokens))[1] for _ in range(2)]
        calls = [
            Deferred.fromCoroutine(of.revoke(entry.id))
            for of, entry in zip((tokens, elsewhere), both, strict=True)
        ]
        for call in calls:
            call.addErrback(lambda failure: failure.check(LastToken))
        self.assertEqual(set(await gatherResults(calls)), {None, LastToken})
        self.assertEqual(len(await tokens.all()), 1)

    async def test_idempotency(self) -> None:
        """Under one idempotency key one token is made, for each who asks."""
        tokens = await self.tokens()
        await tokens.issue(new_token(), wanted(), "a:k1")
        with self.assertRaises(NotIssued):
            await tokens.issue(new_token(), wanted(), "a:k1")
        await tokens.issue(new_token(), wanted(), "b:k1")
        await tokens.issue(new_token(), wanted())
        await tokens.issue(new_token(), wanted())
        self.assertEqual(len(await tokens.all()), 4)
        self.assertGreater(await self.client.read("TTL", "tf:key:token/a:k1"), 80_000)

    async def test_bounded(self) -> None:
        """There is a bound of tokens."""
        self.patch(tokens_module, "MOST_TOKENS", 2)
        tokens = await self.tokens()
        for _ in range(2):
            await self.issued(tokens)
        with self.assertRaises(NotIssued):
            await self.issued(tokens)

    async def test_of_an_older_version(self) -> None:
        """Tokens kept before there were names and sites are still accepted, and count as managers."""
        tokens = await self.tokens()
        secret = new_token()
        await tokens.add(secret, Role.ADMIN, 5)
        [(digest, _)] = (await self.client.read("HGETALL", "tf:tokens"),)
        old = json.dumps({"id": digest[:8], "role": "admin", "created_ms": 5})
        await self.client.write("HSET", "tf:tokens", digest, old)
        self.assertEqual(await tokens.find(secret), Token(digest[:8], Role.ADMIN, 5))
        with self.assertRaises(LastToken):
            await tokens.revoke(digest[:8])
