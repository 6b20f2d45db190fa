"""Accounts of people on a real store: made, changed, proven by their passwords, signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tests.store.connected import until
from tests.store.hashing import CHEAP, RIGHT, at_once
from tests.store.test_sessions import SessionCase
from tfserver.errors import StoreUnavailable
from tfserver.store import accounts as module
from tfserver.store.accounts import (
    FRESH_SECONDS,
    NAME,
    Account,
    Accounts,
    BadName,
    ChangedMeanwhile,
    NameTaken,
    Proven,
    TooManyAccounts,
    folded,
)
from tfserver.store.passwords import Busy, Cost, Passwords, WeakPassword
from tfserver.store.principals import Role
from tfserver.store.sessions import Opened

OTHER = "seven grey herons nap"


def wanted(name: str = "ines", **more: Any) -> Account:
    """An account as somebody asks for it."""
    told: dict[str, Any] = {"role": Role.OPERATOR, "created_ms": 5, "created_by": "token a (Ana)", **more}
    return Account(id="", name=name, **told)


class AccountCase(SessionCase):
    """Two processes, and the account of Ines."""

    async def begin(self) -> None:
        """Start them and make it."""
        await super().begin()
        self.ines = await self.accounts.create(wanted(), RIGHT)

    async def proven(self, password: str = RIGHT, name: str = "ines") -> Proven:
        """What a right password gives."""
        found = await self.accounts.check(name, password)
        assert found is not None
        return found

    async def signed_in(self, password: str = RIGHT) -> tuple[str, Opened]:
        """A session of Ines and what opens it."""
        found = await self.here.enter(await self.proven(password))
        assert found is not None
        return found

    async def assert_out(self, *secrets: str) -> None:
        """These open nothing: here at once, there as soon as it is heard, and nothing of them is left."""
        for secret in secrets:
            self.assertIsNone(await self.here.find(secret))

            async def is_out(secret: str = secret) -> bool:
                return await self.there.find(secret) is None

            await until(is_out, "the other process heard of it")


class MadeTests(AccountCase):
    """Making accounts."""

    async def test_made(self) -> None:
        """An account is what was asked for, under a name in small letters and an id of its own."""
        await self.begin()
        made = await self.accounts.create(wanted("Bo.Chen@hotel.example", language="pt-BR"), OTHER)
        self.assertEqual(made.name, "bo.chen@hotel.example")
        self.assertNotEqual(made.id, self.ines.id)
        for name in (made.name, "BO.CHEN@hotel.example", " bo.chen@hotel.example "):
            self.assertEqual(await self.other_accounts.get(name), made)
        listed = [one.account for one in await self.other_accounts.all()]
        self.assertEqual(listed, [made, self.ines])
        self.assertEqual([one.signed_in_ms for one in await self.accounts.all()], [None, None])

    async def test_refused(self) -> None:
        """A name that is taken in any case, no name, a weak password: nothing is made."""
        await self.begin()
        await self.fails(self.accounts.create(wanted("INES"), OTHER), NameTaken)
        for name in ("", "-ines", "ines.", 'i"nes', "i nes", "inés", "x" * 65, "a/b"):
            await self.fails(self.accounts.create(wanted(name), OTHER), BadName)
        await self.fails(self.accounts.create(wanted("bo"), "short"), WeakPassword)
        self.assertEqual(len(await self.accounts.all()), 1)
        self.assertIsNotNone(await self.accounts.check("ines", RIGHT), "the first one's password is another")

    async def test_bounded(self) -> None:
        """So many and no more."""
        await self.begin()
        self.patch(module, "MOST_ACCOUNTS", 2)
        await self.accounts.create(wanted("bo"), OTHER)
        await self.fails(self.accounts.create(wanted("eve"), OTHER), TooManyAccounts)

    async def test_exist(self) -> None:
        """Whether there are any is told, and asked of the store once a second at most."""
        await self.begin()
        self.assertTrue(await self.accounts.exist())
        self.tell("CONFIG RESETSTAT")
        for _ in range(20):
            self.assertTrue(await self.accounts.exist())
        self.assertEqual(await self.calls(self.client, "exists"), 0)
        await self.accounts.delete("ines")
        self.assertFalse(await self.accounts.exist())
        await self.accounts.create(wanted("bo"), OTHER)
        self.assertTrue(await self.accounts.exist())

    async def test_only_hashes(self) -> None:
        """The store has no password, and what it has of it stands apart from the account."""
        await self.begin()
        await self.signed_in()
        held = {key: self.store.ask(f"DUMP {key}") for key in await self.client.read("KEYS", "*")}
        for text in [*held.values(), str(await self.accounts.all())]:
            self.assertNotIn("otters", text)
        self.assertNotIn("argon2", str(await self.client.read("HGETALL", "tf:accounts")))
        self.assertIn("$argon2id$", str(await self.client.read("HGETALL", "tf:passwords")))

    def test_names(self) -> None:
        """What is a name is one in a path, in the audit and in a script as well."""
        for name in ("a", "ines", "Ines-2", "i+n_e.s@x", "x" * 64):
            self.assertTrue(NAME.fullmatch(name), name)
        self.assertEqual(folded(" Ines "), "ines")


class CheckTests(AccountCase):
    """Names and passwords."""

    async def test_right(self) -> None:
        """The name in any case with its password, and nothing else."""
        await self.begin()
        for name in ("ines", "Ines", "INES "):
            self.assertEqual((await self.proven(name=name)).account, self.ines)
        for name, password in (("ines", OTHER), ("bo", RIGHT), ("", RIGHT), ("ines", ""), ("", "")):
            self.assertIsNone(await self.accounts.check(name, password))

    async def test_disabled(self) -> None:
        """Whoever is disabled has no right password."""
        await self.begin()
        await self.accounts.change("ines", {"disabled": True})
        self.assertIsNone(await self.accounts.check("ines", RIGHT))
        await self.accounts.change("ines", {"disabled": False})
        await self.proven()

    async def test_same_work(self) -> None:
        """A name that nobody has, and one that is disabled, cost one hash and the same calls of the store."""
        await self.begin()
        await self.accounts.create(wanted("eve", disabled=True), OTHER)
        found = []
        for name in ("ines", "eve", "nobody", "no name at all"):
            done: list[Any] = []
            counting = Passwords(_counted(done), CHEAP)
            accounts = Accounts(self.client, counting, self.clock.seconds)
            self.tell("CONFIG RESETSTAT")
            self.assertIsNone(await accounts.check(name, "wrong for all of them"))
            found.append((len(done), await self.calls(self.client, "hget")))
        self.assertEqual(found, [(1, 2)] * 4)

    async def test_hashed_anew(self) -> None:
        """A password that was hashed at another cost is hashed anew when it was right, and only then."""
        await self.begin()
        dearer = Accounts(self.client, Passwords(at_once, Cost(16, 1, 1)), self.clock.seconds)
        before = await self.kept()
        self.assertIsNone(await dearer.check("ines", OTHER))
        self.assertEqual(await self.kept(), before)
        proven = await dearer.check("ines", RIGHT)
        assert proven is not None
        self.assertIn("m=16,", await self.kept())
        self.assertEqual(proven.stands, await self.kept())
        self.assertIsNotNone(await self.here.enter(proven))
        await self.proven()

    async def kept(self) -> str:
        """What is kept of the password."""
        return str(await self.client.read("HGET", self.client.keys.passwords, "ines"))

    async def test_not_hashed_anew(self) -> None:
        """When that can't be done just now the password is right all the same."""
        await self.begin()
        for failure in (Busy(), StoreUnavailable("away")):
            passwords = Passwords(at_once, Cost(16, 1, 1))
            accounts = Accounts(self.client, passwords, self.clock.seconds)

            def refused(_: Any, failure: Exception = failure) -> Any:
                raise failure

            self.patch(passwords, "hash", refused)
            proven = await accounts.check("ines", RIGHT)
            assert proven is not None
            self.assertEqual(proven.stands, await self.kept())


class SignedInTests(AccountCase):
    """Sessions of accounts."""

    async def test_found(self) -> None:
        """A session opens everywhere what its account allows; when it signed in is known."""
        await self.begin()
        secret, opened = await self.signed_in()
        for sessions in (self.here, self.there):
            self.assertEqual(await sessions.find(secret), opened)
        self.assertEqual(opened.who, self.ines)
        listed = await self.accounts.listed("Ines")
        assert listed.signed_in_ms is not None
        self.assertLess(abs(opened.until_ms - listed.signed_in_ms - 12 * 3_600_000), 10)

    async def test_changed(self) -> None:
        """Another role or site counts with the next use: here at once, there as soon as it is heard."""
        await self.begin()
        secret, _ = await self.signed_in()
        self.assertIsNotNone(await self.there.find(secret))
        changed = await self.accounts.change("INES", {"role": Role.READER, "sites": ("north",)})
        found = await self.here.find(secret)
        assert found is not None
        self.assertEqual((found.who, found.who.sites), (changed, ("north",)))

        async def is_known() -> bool:
            there = await self.there.find(secret)
            return there is not None and there.who == changed

        await until(is_known, "the other process heard of it")

    async def test_without_a_message(self) -> None:
        """A process that hears nothing learns of it within a second."""
        await self.begin()
        secret, _ = await self.signed_in()
        self.assertIsNotNone(await self.there.find(secret))
        self.tell(f"HDEL {self.client.keys.accounts} ines")
        self.clock.advance(FRESH_SECONDS)
        self.assertIsNone(await self.there.find(secret))

    async def test_another_of_that_name(self) -> None:
        """A session that is left over is none of an account that was made anew under its name."""
        await self.begin()
        secret, _ = await self.signed_in()
        self.tell(f"HDEL {self.client.keys.accounts} ines")
        self.assertNotEqual((await self.accounts.create(wanted(), RIGHT)).id, self.ines.id)
        self.assertIsNone(await self.there.find(secret))

    async def test_changed_on_the_way(self) -> None:
        """An answer that was given before a change and comes after it is not remembered."""
        await self.begin()
        secret, _ = await self.signed_in()
        real, waiting = self.client.read, Deferred[None]()

        def read(*command: Any) -> Any:
            answer = real(*command)
            is_held = command[:2] == ("HGET", self.client.keys.accounts)
            return waiting.addCallback(lambda _: answer) if is_held else answer

        self.patch(self.client, "read", read)
        asked = Deferred.fromCoroutine(self.here.find(secret))
        await until(lambda: bool(waiting.callbacks), "it was asked")
        self.patch(self.client, "read", real)
        await self.accounts.change("ines", {"role": Role.READER})
        waiting.callback(None)
        await asked
        found = await self.here.find(secret)
        assert found is not None
        self.assertIs(found.who.role, Role.READER)

    async def test_ends(self) -> None:
        """Disabled, deleted or with another password it is signed out everywhere, for good."""

        async def disable() -> None:
            await self.accounts.change("ines", {"disabled": True})

        async def enable() -> None:
            await self.accounts.change("ines", {"disabled": False})

        async def delete() -> None:
            await self.accounts.delete("ines")

        async def make_again() -> None:
            await self.accounts.create(wanted(), RIGHT)

        async def change_password() -> None:
            await self.accounts.change("ines", {}, OTHER)

        async def change_it_back() -> None:
            await self.accounts.change("ines", {}, RIGHT)

        await self.begin()
        steps = [(disable, enable), (delete, make_again), (change_password, change_it_back)]
        for step, back in steps:
            secrets = [(await self.signed_in())[0] for _ in range(2)]
            for secret in secrets:
                self.assertIsNotNone(await self.there.find(secret))
            await step()
            await self.assert_out(*secrets)
            await back()
            await self.assert_out(*secrets)
            self.assertEqual([key for key in await self.client.read("KEYS", "*") if "session" in key], [])

    async def test_own_password(self) -> None:
        """Who changes the own password stays signed in where that was done, and nowhere else."""
        await self.begin()
        (mine, opened), (other, _) = await self.signed_in(), await self.signed_in()
        await self.accounts.renew_password(await self.proven(), OTHER, opened.digest)
        self.assertEqual(await self.here.find(mine), opened)
        await self.assert_out(other)
        self.assertIsNone(await self.accounts.check("ines", RIGHT))
        await self.proven(OTHER)

    async def test_own_password_overtaken(self) -> None:
        """A password that others changed meanwhile is not changed by who knew the one before."""
        await self.begin()
        proven = await self.proven()
        await self.accounts.change("ines", {}, OTHER)
        await self.fails(self.accounts.renew_password(proven, "another one again", ""), ChangedMeanwhile)
        await self.proven(OTHER)
        await self.fails(self.accounts.renew_password(proven, "short", ""), WeakPassword)

    async def test_proven_before(self) -> None:
        """Nobody signs in by what was right before the account was changed."""
        await self.begin()
        for step in (
            lambda: self.accounts.change("ines", {}, OTHER),
            lambda: self.accounts.change("ines", {"disabled": True}),
            lambda: self.accounts.delete("ines"),
        ):
            proven = Proven(self.ines, await self.kept())
            await step()
            self.assertIsNone(await self.here.enter(proven))
        self.ines = await self.accounts.create(wanted(), RIGHT)
        self.assertIsNone(await self.here.enter(proven._replace(stands=await self.kept())), "another Ines")

    async def kept(self) -> str:
        """What is kept of the password."""
        return str(await self.client.read("HGET", self.client.keys.passwords, "ines"))

    async def test_everywhere(self) -> None:
        """Signing out everywhere ends all sessions of an account, or of a token, and of no other."""
        await self.begin()
        mine = [(await self.signed_in())[0] for _ in range(3)]
        by_token = [(await self.opened())[0] for _ in range(2)]
        for secret in mine:
            self.assertIsNotNone(await self.there.find(secret))
        await self.here.end_all(self.ines)
        await self.assert_out(*mine)
        for secret in by_token:
            self.assertIsNotNone(await self.there.find(secret))
        assert self.entry is not None
        await self.here.end_all(self.entry)
        await self.assert_out(*by_token)

    async def test_list_outlives_them(self) -> None:
        """Sessions of a process with more hours are ended, too, when one with fewer began the last."""
        await self.begin()
        long, _ = await self.signed_in()
        before = int(await self.client.read("PTTL", self.client.keys.sessions(self.ines.id)))
        self.here._most_ms = 60_000
        await self.signed_in()
        left = int(await self.client.read("PTTL", self.client.keys.sessions(self.ines.id)))
        self.assertGreater(left, before - 60_000)
        await self.here.end_all(self.ines)
        await self.assert_out(long)


def _counted(done: list[Any]) -> Callable[..., Deferred[Any]]:
    """Notes what is done in threads."""

    def call(function: Any, *args: Any) -> Deferred[Any]:
        done.append(function)
        return at_once(function, *args)

    return call
