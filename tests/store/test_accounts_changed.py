"""Accounts that several change at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.test_accounts import OTHER, AccountCase
from tfserver.store.accounts import Accounts, ChangedMeanwhile, NoSuchAccount
from tfserver.store.principals import Role


class ChangeTests(AccountCase):
    """Several who change something at once."""

    async def test_both_count(self) -> None:
        """Two changes of different fields are both kept."""
        await self.begin()
        changes: list[tuple[Accounts, dict[str, Any]]] = [
            (self.accounts, {"role": Role.ADMIN}),
            (self.other_accounts, {"language": "ar"}),
            (self.accounts, {"templates": True}),
        ]
        await gatherResults([Deferred.fromCoroutine(one.change("ines", told)) for one, told in changes])
        found = await self.accounts.get("ines")
        self.assertEqual((found.role, found.language, found.templates), (Role.ADMIN, "ar", True))

    async def test_never_quiet(self) -> None:
        """Who is overtaken again and again is told so."""
        await self.begin()
        real = self.accounts._text

        async def overtaken(name: str) -> str:
            text = await real(name)
            return text + " "

        self.patch(self.accounts, "_text", overtaken)
        await self.fails(self.accounts.change("ines", {"language": "ar"}), ChangedMeanwhile)
        await self.fails(self.accounts.delete("ines"), ChangedMeanwhile)

    async def test_missing(self) -> None:
        """What is not there can't be changed, deleted or shown, and no name is repeated."""
        await self.begin()
        calls: list[Callable[[], Any]] = [
            lambda: self.accounts.change("bo", {"language": "ar"}),
            lambda: self.accounts.change("bo", {}, OTHER),
            lambda: self.accounts.delete("bo"),
            lambda: self.accounts.get("bo"),
            lambda: self.accounts.listed("bo"),
        ]
        for call in calls:
            await self.fails(call(), NoSuchAccount)
