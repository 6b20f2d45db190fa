"""Tokens: accepted by their hash, which is all that Redis holds."""

from __future__ import annotations

from tests.store.connected import StoreCase
from tfserver.store.tokens import PREFIX, Role, Token, Tokens, new_token


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
            self.assertEqual(added, Token(added.id, role, 1_775_000_000_000))
            self.assertEqual(await elsewhere.find(token), added)
            for other in (token[:-1], f"{token} ", token.upper(), token.removeprefix(PREFIX), "", "\ud800"):
                self.assertIsNone(await tokens.find(other))

    async def test_only_hashes(self) -> None:
        """Redis holds the hash of a token and no part of itself; the id is no part of it either."""
        tokens = await self.tokens()
        token = new_token()
        added = await tokens.add(token, Role.ADMIN, 1)
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
