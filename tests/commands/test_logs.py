"""``sendlog``: acknowledged when it is kept, and when a door is decided (protocol §4.2, design §3)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import AWAY, NOW, NOW_MS, SN, Desk
from tfserver.commands.logs import MOST_BAD, SendLog, sendlog
from tfserver.errors import StoreUnavailable
from tfserver.model import ClockEntry, Decided, Direction
from tfserver.store.punches import QuarantineFull
from tfserver.wire.message import Response
from tfserver.wire.times import WIRE


def record(enrollid: Any = 7, ago: float = 4, **more: Any) -> dict[str, Any]:
    """A punch so many seconds ago, by a clock in UTC."""
    return {"enrollid": enrollid, "time": (NOW - timedelta(seconds=ago)).strftime(WIRE), "mode": 8, **more}


class HandlerCase(SynchronousTestCase):
    """Tests that push a batch."""

    def push(self, desk: Desk, *records: Any, logindex: int | None = 41) -> Response:
        """The answer to a batch."""
        request = SendLog(sn=SN, logindex=logindex, record=list(records))
        return self.successResultOf(Deferred.fromCoroutine(sendlog(request, desk.context)))

    def access(self, policy: str, *records: Any, known: tuple[int, ...] = (7,)) -> int | None:
        """What the terminal is told about the door."""
        desk = Desk(terminals__access=policy).admit()
        desk.users.known = set(known)
        response = self.push(desk, *records)
        self.assertTrue(response.result)
        self.assertLessEqual(set(response.fields), {"access"})
        found: int | None = response.fields.get("access")
        return found


class KeepingTests(HandlerCase):
    """What becomes of a batch."""

    def test_kept(self) -> None:
        """Good and bad records of a batch go to the store together, under the terminal and its receipt."""
        desk = Desk().admit()
        self.assertEqual(self.push(desk, record(), "junk", record(8), logindex=0), Response())
        ((sn, logindex, records, bad),) = desk.punches.batches
        self.assertEqual((sn, logindex, len(records), len(bad)), (SN, 0, 2, 1))

    def test_too_many_bad(self) -> None:
        """A message of more unreadable records than are kept is refused; nothing of it reaches the store."""
        desk = Desk().admit()
        found = self.failureResultOf(
            Deferred.fromCoroutine(sendlog(SendLog(sn=SN, record=[0] * (MOST_BAD + 1)), desk.context))
        )
        found.trap(QuarantineFull)
        self.assertEqual(desk.punches.batches, [])
        self.assertTrue(self.push(desk, *[0] * MOST_BAD).result)

    def test_meaning(self) -> None:
        """The way by the terminal's rule, what its kind calls a mode, and a double tap: labels beside what
        was sent."""
        profiles = {"bells": {"verify": {8: "palm"}}}
        desk = Desk(punches__repeat_seconds=60, profiles=profiles)
        desk.admit(direction=Direction(into=(0,), out=(1,)), model_profile="bells")
        self.push(desk, record(ago=20), record(ago=4, inout=1), record(8, ago=4), record(0, ago=4, mode=8))
        first, again, other, door = (json.loads(one.body) for one in desk.punches.batches[0][2])
        self.assertEqual(
            [one.get("direction") for one in (first, again, other, door)], ["in", "out", "in", None]
        )
        self.assertEqual(
            [one.get("repeat_of") for one in (first, again, other, door)], [None, first["uid"], None, None]
        )
        self.assertEqual((again["inout"], again["mode"], again["verify"]), (1, 8, "palm"))
        self.assertEqual(door["verify"], None)

    def test_no_meaning(self) -> None:
        """Without rules nothing is said that was not sent."""
        desk = Desk().admit()
        self.push(desk, record(), record(ago=3))
        told = json.loads(desk.punches.batches[0][2][1].body)
        self.assertFalse({"direction", "repeat_of"} & told.keys())
        self.assertEqual(told["verify"], "face")

    def test_settled(self) -> None:
        """A rule that people give meanwhile holds from then on; who punched just before is still known."""
        desk = Desk(punches__repeat_seconds=60).admit()
        self.push(desk, record(ago=20))
        desk.context.settle(Decided(direction=Direction(always="out")))
        self.push(desk, record(ago=4))
        first, again = (json.loads(records[0].body) for _, _, records, _ in desk.punches.batches)
        self.assertEqual((first.get("direction"), again["direction"]), (None, "out"))
        self.assertEqual(again["repeat_of"], first["uid"])

    def test_undatable(self) -> None:
        """What has no instant repeats nothing."""
        desk = Desk(punches__repeat_seconds=60).admit()
        self.push(desk, record(time="yesterday"), record(time="today"))
        for one in desk.punches.batches[0][2]:
            self.assertNotIn("repeat_of", json.loads(one.body))

    def test_only_bad(self) -> None:
        """A batch of bad records alone is kept in the quarantine and acknowledged, or it would stick."""
        desk = Desk().admit()
        self.assertEqual(self.push(desk, "junk"), Response())
        self.assertEqual(len(desk.punches.batches[0][3]), 1)

    def test_empty(self) -> None:
        """An empty batch is acknowledged without the store."""
        desk = Desk().admit()
        desk.punches.failure = AWAY
        self.assertEqual(self.push(desk), Response())

    def test_store_away(self) -> None:
        """What could not be kept is never acknowledged."""
        desk = Desk(terminals__access="known").admit()
        desk.punches.failure = AWAY
        for records in ([record()], ["junk"], [record(), "junk"]):
            request = SendLog(record=records)
            self.failureResultOf(Deferred.fromCoroutine(sendlog(request, desk.context)), StoreUnavailable)

    def test_clock_is_remembered_first(self) -> None:
        """Without the clock being kept, no ``cloudtime`` of another offset may go out."""
        desk = Desk(terminals__timezone="Asia/Tokyo").admit()
        desk.terminals.failure = AWAY
        request = SendLog(record=[record()])
        self.failureResultOf(Deferred.fromCoroutine(sendlog(request, desk.context)), StoreUnavailable)
        self.assertEqual(desk.punches.batches, [])

    def test_old_offset(self) -> None:
        """Records are dated by the offset in force when they were made, not by the one now being set."""
        desk = Desk(terminals__timezone="Europe/Lisbon").admit()
        self.push(desk, record(7, ago=-3))
        self.assertEqual(desk.terminals.clocks, [(SN, (ClockEntry(0, 0), ClockEntry(NOW_MS, 3600)), None)])
        body = desk.punches.batches[0][2][0].body
        self.assertIn(b'"utc":"2026-04-02T08:15:07.000Z"', body)
        self.assertIn(b'"clock":"ok"', body)

    def test_counted(self) -> None:
        """The counters tell what became of the records, without saying whose they were."""
        desk = Desk().admit()
        self.push(desk, record(), record(8), "junk")
        text = desk.context.services.metrics.exposition().decode()
        self.assertIn('tfserver_punches_total{kind="new"} 2.0', text)
        self.assertIn('tfserver_punches_total{kind="bad"} 1.0', text)
        self.assertNotIn(SN, text)

    def test_echo(self) -> None:
        """``count`` and ``logindex`` are the receipt, and the answer sets the clock."""
        self.assertEqual((SendLog.echo, SendLog.tells_time), (("count", "logindex"), True))


class AccessTests(HandlerCase):
    """``access``: only for one live record of a person, never for a backlog."""

    def test_policies(self) -> None:
        """Nothing is said by default; else known people pass, or nobody does."""
        self.assertIsNone(self.access("none", record()))
        self.assertEqual(self.access("known", record()), 1)
        self.assertEqual(self.access("known", record(8)), 0)
        self.assertEqual(self.access("deny", record()), 0)

    def test_numbers_as_texts(self) -> None:
        """A known person whose number comes as a text passes."""
        self.assertEqual(self.access("known", record("0007")), 1)

    def test_strangers(self) -> None:
        """An unrecognised person never passes, not even if somebody has that number."""
        self.assertEqual(self.access("known", record(99_999_999), known=(99_999_999,)), 0)

    def test_door_events(self) -> None:
        """A door event decides nothing."""
        self.assertIsNone(self.access("known", record(0), known=(0,)))
        self.assertIsNone(self.access("deny", record(0)))

    def test_backlog(self) -> None:
        """Several records, good, bad or the same twice, are a backlog."""
        for records in ([record(), record(7, 3)], [record(), record()], [record(), "junk"], ["junk"], []):
            self.assertIsNone(self.access("known", *records))
            self.assertIsNone(self.access("deny", *records))

    def test_age(self) -> None:
        """A record of thirty seconds ago is live, an older one is not; nor is one from so far ahead."""
        for ago, access in (
            (0, 1),
            (30, 1),
            (31, None),
            (3600, None),
            (-30, 1),
            (-31, None),
            (-86_400, None),
        ):
            self.assertEqual(self.access("known", record(7, ago)), access, ago)

    def test_suspect(self) -> None:
        """A record whose time can't be trusted opens nothing."""
        self.assertIsNone(self.access("known", {"enrollid": 7, "time": "soon"}))
        desk = Desk(terminals__access="known").admit(ClockEntry(0, 0, 500_000))
        desk.users.known = {7}
        self.assertEqual(self.push(desk, record(7, -500)), Response())

    def test_local_time(self) -> None:
        """Whether a record is live is told by the instant, not by the text."""
        desk = Desk(terminals__access="known", terminals__timezone="Asia/Tokyo").admit(ClockEntry(0, 32_400))
        desk.users.known = {7}
        self.assertEqual(self.push(desk, record(7, 4 - 32_400)).fields, {"access": 1})
        self.assertEqual(self.push(desk, record(7, 4)).fields, {})

    def test_guessed_zone(self) -> None:
        """An offset that nobody confirmed is good enough to tell a live record."""
        desk = Desk(terminals__access="known").admit(ClockEntry(0, 3600), echo=3600)
        desk.users.known = {7}
        self.assertEqual(self.push(desk, record(7, 4 - 3600)).fields, {"access": 1})

    def test_nobody_to_ask(self) -> None:
        """If the person can't be looked up the door stays shut, and the punch is acknowledged: it is kept."""
        desk = Desk(terminals__access="known").admit()
        desk.users.failure = AWAY
        self.assertEqual(self.push(desk, record()), Response(fields={"access": 0}))
        self.assertEqual(len(desk.punches.batches), 1)

    def test_number_not_boolean(self) -> None:
        """``access`` is sent as a number."""
        self.assertIs(type(self.access("known", record())), int)
