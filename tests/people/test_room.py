"""How much room there is, when there is none, and who could leave."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tfserver.capacity import Sample
from tfserver.model import Capacity, Terminal
from tfserver.people.room import EXPIRED, NEVER_SEEN, NOT_SEEN, Room, RoomBook
from tfserver.person import Held, HeldPerson, Holding, Known, Person, Proof, Reading, Validity

NOW_MS = 1_775_131_200_000
"""2026-04-02 12:00 UTC."""
TODAY = date(2026, 4, 2)
LONG_AGO = NOW_MS - 200 * 86_400_000
TERMINAL = Terminal("T1", timezone="Asia/Tokyo", capacity={"fp": Capacity(100, 80, 20)})


class Holdings:
    """What one terminal has."""

    def __init__(self) -> None:
        self.people: dict[int, HeldPerson] = {}
        self.credentials: dict[tuple[int, int], Held] = {}
        samples = [Sample(TODAY - timedelta(n), 80 - 2 * n, 100) for n in reversed(range(10))]
        self.rooms = Face(history={"fp": samples}, coming={"fp": 5})

    def now_ms(self) -> int:
        """The present."""
        return NOW_MS

    async def of(self, sn: str) -> Holding:
        """All of it."""
        return Holding(sn, Reading(NOW_MS, 1, 1), self.people, self.credentials)

    def has(self, enrollid: int, at: int = LONG_AGO, **more: Any) -> None:
        """Somebody with a fingerprint."""
        self.people[enrollid] = HeldPerson(**more)
        self.credentials[enrollid, 0] = Held(Proof.READ, "v", at)


class RoomTests(SynchronousTestCase):
    """The room of a terminal."""

    def setUp(self) -> None:
        self.holdings = Holdings()
        self.validity: dict[int, Validity] = {}

    def room(self, unseen_days: int = 90, limit: int = 100) -> Room:
        """What is told."""
        people = {one: Known(Person(enrollid=one, validity=found)) for one, found in self.validity.items()}
        holdings: Any = self.holdings
        directory: Any = Face(many=lambda asked: [people[one] for one in asked if one in people])
        told = RoomBook(holdings, directory).of(TERMINAL, unseen_days, limit)
        found: Room = self.successResultOf(Deferred.fromCoroutine(told))
        return found

    def leaves(self, **more: int) -> list[tuple[int, str]]:
        """Who could leave, and why."""
        return [(one.enrollid, one.why) for one in self.room(**more).removable]

    def test_kinds(self) -> None:
        """What is used and what is to come leave what is free; two a day fill twenty places in ten days."""
        found = self.room()
        fp = found.kinds["fp"]
        self.assertEqual((fp.used, fp.coming, fp.free, fp.a_day, fp.full_in_days), (80, 5, 15, 2, 10))
        self.assertEqual((fp.history[-1].day, fp.history[-1].used), ("2026-04-02", 80))
        self.assertEqual(found.read, "2026-04-02T12:00:00.000Z")

    def test_who_leaves_first(self) -> None:
        """Those whose time is over, then who was never seen, then who was not for long; each once."""
        self.holdings.has(1, seen="2026-04-01")
        self.holdings.has(2, seen="2025-11-01")
        self.holdings.has(3)
        self.holdings.has(4, at=NOW_MS)
        self.holdings.has(5)
        self.holdings.has(6, seen="2025-10-01")
        self.validity = {5: Validity(end="2026-01-31"), 1: Validity(end="2026-03-31"), 2: Validity()}
        told = [(5, EXPIRED), (1, EXPIRED), (3, NEVER_SEEN), (6, NOT_SEEN), (2, NOT_SEEN)]
        self.assertEqual(self.leaves(), told)
        self.assertEqual(self.leaves(limit=2), told[:2])
        self.assertEqual(self.leaves(unseen_days=3000), told[:2])
        self.assertEqual(
            (self.room().removable[0].since, self.room().removable[0].credentials), ("2026-01-31", 1)
        )

    def test_administrators_stay(self) -> None:
        """Nobody is told to remove who looks after the terminal."""
        self.holdings.has(1, admin=1)
        self.validity = {1: Validity(end="2026-01-31")}
        self.assertEqual(self.leaves(), [])

    def test_the_last_day_is_one(self) -> None:
        """A day without an hour lasts until midnight of the terminal, which is in Tokyo."""
        self.holdings.has(1, seen="2026-04-02")
        for end, is_over in (
            ("2026-04-02", False),
            ("2026-04-02 20:59:59", True),
            ("2026-04-02 21:00:01", False),
        ):
            self.validity = {1: Validity(end=end)}
            self.assertEqual(bool(self.leaves()), is_over, end)
