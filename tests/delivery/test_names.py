"""Hosts, looked up and judged."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import TestCase

from tfserver.delivery import names
from tfserver.delivery.addresses import AddressRefused
from tfserver.delivery.names import HostUnknown, Names, addresses_of


class NamesTests(TestCase):
    """Over a name server that stands in."""

    timeout = 30

    def setUp(self) -> None:
        """A name server that says what a test wants, and waits where it should."""
        self.found: dict[str, Any] = {}
        self.asked: list[str] = []
        self.may_answer = threading.Event()
        self.addCleanup(self.may_answer.set)

    def lookup(self, host: str, port: int) -> list[str]:
        """In a thread."""
        self.asked.append(host)
        found = self.found[host]
        if found == "silence":
            self.may_answer.wait(20)
            return ["93.184.216.34"]
        if isinstance(found, Exception):
            raise found
        answer: list[str] = found
        return answer

    def names(self, allow_private: bool = False) -> Names:
        """Names that ask it."""
        return Names(reactor, allow_private, self.lookup)

    async def test_found(self) -> None:
        """All addresses come in the order they were told, up to a bound."""
        self.found["hr.example"] = [f"93.184.216.{n}" for n in range(9)]
        found = await self.names().addresses("hr.example", 443)
        self.assertEqual(found, [f"93.184.216.{n}" for n in range(names.MOST_ADDRESSES)])

    async def test_literal(self) -> None:
        """An address is not looked up, but judged."""
        self.assertEqual(await self.names().addresses("93.184.216.34", 443), ["93.184.216.34"])
        with self.assertRaises(AddressRefused) as raised:
            await self.names().addresses("::1", 443)
        self.assertIn("::1 is a loopback address", str(raised.exception))
        self.assertEqual(self.asked, [])

    async def test_judged(self) -> None:
        """One address inside is enough to refuse a host, also beyond those that would be tried."""
        self.found["hr.example"] = [*(f"93.184.216.{n}" for n in range(8)), "10.0.0.1"]
        with self.assertRaises(AddressRefused) as raised:
            await self.names().addresses("hr.example", 443)
        self.assertIn("hr.example leads inside: 10.0.0.1 is a private address", str(raised.exception))
        await self.names(allow_private=True).addresses("hr.example", 443)

    async def test_unknown(self) -> None:
        """A host that is not there, has no address or can't be asked for is unknown."""
        wrong: tuple[Any, ...] = (
            OSError(-2, "Name or service not known"),
            [],
            UnicodeError("label too long"),
        )
        for found in wrong:
            self.found["hr.example"] = found
            with self.assertRaises(HostUnknown) as raised:
                await self.names().addresses("hr.example", 443)
            self.assertIn("hr.example", str(raised.exception))

    async def test_silence(self) -> None:
        """A host that nobody answers for delays no other, and is asked for once at a time."""
        self.found = {"silent.example": "silence", "hr.example": ["93.184.216.34"]}
        asked = self.names()
        first, second, third = (
            Deferred.fromCoroutine(asked.addresses("silent.example", 443)) for _ in range(3)
        )
        self.assertEqual(await asked.addresses("hr.example", 443), ["93.184.216.34"])
        third.cancel()
        await self.assertFailure(third, CancelledError)
        self.may_answer.set()
        self.assertEqual(await first, ["93.184.216.34"])
        self.assertEqual(await second, ["93.184.216.34"])
        self.assertEqual(self.asked.count("silent.example"), 1)

    async def test_bound(self) -> None:
        """So many are looked up at once, and no more."""
        self.patch(names, "MOST_LOOKUPS", 1)
        self.found = {"silent.example": "silence", "hr.example": ["93.184.216.34"]}
        asked = self.names()
        first = Deferred.fromCoroutine(asked.addresses("silent.example", 443))
        with self.assertRaises(HostUnknown):
            await asked.addresses("hr.example", 443)
        self.may_answer.set()
        await first
        self.assertEqual(await asked.addresses("hr.example", 443), ["93.184.216.34"])

    def test_system(self) -> None:
        """The system's own answer: each address once; short forms of an address are seen through."""
        self.assertEqual(addresses_of("127.0.0.1", 443), ["127.0.0.1"])
        self.assertEqual(addresses_of("127.1", 443), ["127.0.0.1"])
        self.assertEqual(addresses_of("2130706433", 443), ["127.0.0.1"])
        with self.assertRaises(OSError):
            addresses_of("nowhere.invalid", 443)
