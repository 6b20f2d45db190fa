"""What punches prove."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tfserver.errors import StoreUnavailable
from tfserver.people import recognising
from tfserver.people.recognising import LOGS_SECONDS, Recogniser

UTC = "2026-04-02T22:30:00.000Z"
UTC_MS = 1_775_169_000_000


def punch(**more: Any) -> tuple[str, str]:
    """Somebody passed at a terminal ten hours ahead of UTC."""
    usual = {"sn": "T1", "kind": "punch", "enrollid": 7, "mode": 8, "verify": None, "utc": UTC}
    usual |= {"time": "2026-04-03T08:30:00.000+10:00", "received": "2026-04-02T22:30:01.000Z"}
    return "1-0", msgspec.json.encode({**usual, **more}).decode()


class RecogniserTests(SynchronousTestCase):
    """Marks that are told, and those that are known."""

    def setUp(self) -> None:
        self.clock, self.holdings = Clock(), Face(recognised=None)
        self.rooms = Face(logged=None)
        self.holdings.__dict__["rooms"] = self.rooms
        holdings: Any = self.holdings
        self.recogniser = Recogniser(self.clock, holdings)

    def learn(self, *entries: tuple[str, str]) -> list[tuple[Any, ...]]:
        """What is told of a batch."""
        self.holdings.calls.clear()
        self.successResultOf(Deferred.fromCoroutine(self.recogniser.learn(entries)))
        return [tuple(mark) for (marks,) in self.holdings.asked("recognised") for mark in marks]

    def test_once_a_day(self) -> None:
        """The first punch of a day with a kind is told, on the terminal's day; the others are known."""
        self.assertEqual(self.learn(punch(), punch()), [("T1", 7, "face", "2026-04-03")])
        self.assertEqual(self.learn(punch()), [])
        self.assertEqual(
            self.learn(punch(enrollid=8), punch(sn="T2")),
            [("T1", 8, "face", "2026-04-03"), ("T2", 7, "face", "2026-04-03")],
        )
        later = {"time": "2026-04-04T08:30:00.000+10:00", "received": "2026-04-04T22:30:01.000Z"}
        self.assertEqual(self.learn(punch(**later), punch()), [("T1", 7, "face", "2026-04-04")])

    def test_kinds(self) -> None:
        """What the profile says counts; of a mode that nobody explained only 8 is sure."""
        for more, kind in (
            ({"verify": "Card", "mode": 8}, "card"),
            ({"verify": "fingerprint", "mode": 1}, "fp"),
            ({"verify": "something", "mode": 8}, None),
            ({"mode": 1}, None),
        ):
            self.assertEqual(self.learn(punch(enrollid=len(self.recogniser._known), **more))[0][2], kind)

    def test_only_people(self) -> None:
        """Doors and strangers prove nothing, nor does what can't be read."""
        odd = [punch(kind="door"), punch(kind="stranger"), ("2-0", "{"), ("3-0", '{"sn":1}')]
        self.assertEqual(self.learn(*odd), [])

    def test_clocks_ahead(self) -> None:
        """A clock that runs ahead, or shows nothing readable, makes nobody seen in the future."""
        ahead = punch(utc="2099-01-01T00:00:00.000Z", time="2099-01-01T00:00:00.000Z")
        self.assertEqual(self.learn(ahead), [("T1", 7, "face", "2026-04-02")])
        self.assertEqual(self.learn(punch(enrollid=8, utc=None, time=None))[0][3], "2026-04-02")

    def test_failure(self) -> None:
        """A store that is away holds up nothing, and what was not kept is told again."""
        for failure in (StoreUnavailable("away"), ValueError("ours")):
            self.holdings.given["recognised"] = failure
            self.assertEqual(len(self.learn(punch())), 1)
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), failure.__class__ is ValueError)
        self.holdings.given["recognised"] = None
        self.assertEqual(len(self.learn(punch())), 1)
        self.assertEqual(self.learn(punch()), [])

    def test_bound(self) -> None:
        """It remembers so many marks, and forgets the oldest."""
        self.patch(recognising, "MOST_REMEMBERED", 2)
        self.learn(*(punch(enrollid=enrollid) for enrollid in (1, 2, 3)))
        self.assertEqual(self.learn(punch(enrollid=3), punch(enrollid=2)), [])
        self.assertEqual(len(self.learn(punch(enrollid=1))), 1)

    def test_logs(self) -> None:
        """Records of all kinds are counted, once a minute, by when they were made."""
        self.learn(punch(), punch(kind="door", enrollid=0, utc=None))
        self.assertEqual(self.rooms.calls, [])
        self.clock.advance(LOGS_SECONDS)
        self.learn(punch(sn="T2"))
        self.assertEqual(self.rooms.asked("logged"), [({"T1": [UTC_MS, UTC_MS + 1000], "T2": [UTC_MS]},)])
        self.clock.advance(LOGS_SECONDS)
        self.learn()
        self.assertEqual(self.rooms.asked("logged")[1:], [({},)])

    def test_no_more_logs(self) -> None:
        """Of a flood so many are counted in all, and so many of one terminal."""
        self.patch(recognising, "MOST_LOGS", 5)
        self.patch(recognising, "MOST_OF_ONE", 3)
        self.learn(*(punch(sn=sn) for sn in ("T1", "T1", "T1", "T1", "T2", "T3", "T4", "T5")))
        for _ in range(2):
            self.clock.advance(LOGS_SECONDS)
            self.learn(punch(sn="T6"))
        counted = [{sn: len(found) for sn, found in told.items()} for (told,) in self.rooms.asked("logged")]
        self.assertEqual(counted, [{"T1": 3, "T2": 1, "T3": 1}, {"T6": 1}])
