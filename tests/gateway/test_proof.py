"""Which days are in doubt, and that logs are deleted only when each of them is here."""

from __future__ import annotations

import math
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.answering import SILENT, UNKNOWN, AskedCase, log
from tests.gateway.stand_ins import SN, START, Stand, Watcher, Wire
from tfserver.commands.context import Context
from tfserver.commands.reading import CleanLog
from tfserver.config import CatchUp
from tfserver.errors import StoreUnavailable
from tfserver.gateway import proof
from tfserver.gateway.courier import Courier
from tfserver.model import Clock, ClockEntry
from tfserver.order import Danger, OrderEvent
from tfserver.store.models import MOST_SILENCES, Learnt
from tfserver.store.outbox import Outcome, Taken
from tfserver.store.proven import Proof

NOW = round(START.timestamp() * 1000)
HOUR, DAY = 3_600_000, 86_400_000
AWAY = StoreUnavailable("away")
BRACKET = ["disabledevice", "getalllog", "cleanlog", "enabledevice"]


class DaysTests(SynchronousTestCase):
    """Which days records that may be missing can be dated. It is 2026-04-02 08:15 UTC."""

    def setUp(self) -> None:
        """A terminal whose clock runs at UTC."""
        stand = Stand()
        self.terminals = stand.terminals
        self.context: Context = stand.link(Wire(), Watcher(), "c1").context
        self.context.sn = SN
        self.context.timeline = (ClockEntry(0, 0),)

    def days(self, **known: Any) -> tuple[str, str]:
        """The days in doubt by what is known."""
        first, last, _ = proof.days_in_doubt(self.context, Proof(**known))
        return first, last

    def test_never_proven(self) -> None:
        """Without a proof some days back are in doubt."""
        self.assertEqual(self.days(), ("2026-03-26", "2026-04-03"))

    def test_since_the_proof(self) -> None:
        """Else the day of the last proof and those after it."""
        self.assertEqual(self.days(proven_ms=NOW - 30 * DAY), ("2026-03-03", "2026-04-03"))

    def test_day_at_the_terminal(self) -> None:
        """It is the day that the terminal shows."""
        self.context.timeline = (ClockEntry(0, 16 * 3600),)
        self.assertEqual(self.days(proven_ms=NOW), ("2026-04-03", "2026-04-04"))

    def test_suspect(self) -> None:
        """Of a clock that can't be trusted the day before is in doubt too."""
        self.assertEqual(self.days(proven_ms=NOW, clock=Clock.SUSPECT), ("2026-04-01", "2026-04-03"))

    def test_moved_to_another_zone(self) -> None:
        """What was recorded after a change of the zone is dated by the new one: it may be a day earlier."""
        self.context.timeline = (ClockEntry(0, 14 * 3600), ClockEntry(NOW - HOUR, -11 * 3600))
        self.assertEqual(self.days(proven_ms=NOW - 2 * HOUR), ("2026-04-01", "2026-04-03"))

    def test_zone_of_long_ago(self) -> None:
        """A zone that was given up before the proof does not matter."""
        self.context.timeline = (ClockEntry(0, -48 * 3600), ClockEntry(NOW - 2 * HOUR, 0))
        self.assertEqual(self.days(proven_ms=NOW - HOUR)[0], "2026-04-02")

    def test_clock_that_lost_power(self) -> None:
        """What was recorded while the clock was years behind is looked for where it is dated."""
        self.context.timeline = (ClockEntry(0, 0, -9000 * DAY), ClockEntry(NOW - HOUR, 0))
        self.assertEqual(self.days(proven_ms=NOW - DAY)[0], "2001-08-10")
        self.context.timeline = (ClockEntry(0, 0, -(10**6) * DAY), ClockEntry(NOW - HOUR, 0))
        self.assertEqual(self.days(proven_ms=NOW - DAY)[0], proof.EARLIEST)

    def test_clock_in_the_future(self) -> None:
        """The same of a clock that was years ahead."""
        self.context.timeline = (ClockEntry(0, 0, 1000 * DAY), ClockEntry(NOW - HOUR, 0))
        self.assertEqual(self.days(proven_ms=NOW - DAY), ("2026-04-01", "2028-12-28"))
        self.context.timeline = (ClockEntry(0, 0, 10**7 * DAY), ClockEntry(NOW - HOUR, 0))
        self.assertEqual(self.days(proven_ms=NOW - DAY)[1], proof.LATEST)

    def test_our_own_clock_was_put_back(self) -> None:
        """A proof from the future does not make the days in doubt fewer than today."""
        self.assertEqual(self.days(proven_ms=NOW + 9 * DAY), ("2026-04-02", "2026-04-03"))

    def test_doubt_is_kept(self) -> None:
        """Doubt is kept at the terminal; an earlier day that stands there is the one that counts."""
        days = self.successResultOf(Deferred.fromCoroutine(proof.doubted(self.context)))
        self.assertEqual((days.first, self.terminals.proofs[SN].dirty), ("2026-03-26", "2026-03-26"))
        self.terminals.proofs[SN] = Proof(dirty="2026-01-05", proven_ms=NOW)
        days = self.successResultOf(Deferred.fromCoroutine(proof.doubted(self.context)))
        self.assertEqual(days[:2], ("2026-01-05", "2026-04-03"))

    def test_terminal_that_was_deleted(self) -> None:
        """Nothing can be kept of a terminal that is not known any more; the days are told all the same."""
        self.terminals.given["mark_dirty"] = ""
        days = self.successResultOf(Deferred.fromCoroutine(proof.doubted(self.context)))
        self.assertEqual(days.first, "2026-03-26")


class CleanCase(AskedCase):
    """A terminal whose logs are to be deleted."""

    catchup = CatchUp(enabled=False)
    taken = Taken("o1", "cleanlog", {}, 300.0, 1, Danger.DESTRUCTIVE)

    def setUp(self) -> None:
        """Five logs on it."""
        super().setUp()
        self.outcome: Outcome | None = None
        self.stand.outbox.given["progress"] = True
        self.device = self.terminal()
        self.device.logs = [log(n, f"2026-04-02 08:00:0{n}") for n in range(5)]

    def clean(self, seconds: float = 2, until: float = math.inf) -> Outcome:
        """What became of it after some time."""

        async def job(courier: Courier) -> None:
            """What the courier does with the order."""
            self.outcome = await proof.clean(courier, CleanLog(), until, self.taken)

        self.fleet.post.courier_of(self.device.link).own(job)
        self.run_for(seconds)
        assert self.outcome is not None
        return self.outcome

    def assert_nothing_deleted(self, outcome: Outcome, event: OrderEvent = OrderEvent.NOT_SENT) -> None:
        """It was certainly not sent, and people can use the terminal."""
        self.assertIs(outcome.event, event)
        self.assertNotIn("cleanlog", self.device.words())
        self.assertEqual(self.terminals.disabled, set())


class CleanTests(CleanCase):
    """Logs that are deleted."""

    def test_all_read_before(self) -> None:
        """All logs are read and kept first, while nobody can punch; then deleted, and people let in."""
        outcome = self.clean()
        self.assertIs(outcome.event, OrderEvent.SAID_TRUE)
        self.assertEqual(self.device.firsts(), BRACKET)
        self.assertEqual(len(self.kept.known), 5)
        [asked, *_] = [command for command in self.device.asked if command["cmd"] == "getalllog"]
        self.assertEqual(asked.keys(), {"cmd", "stn"})
        self.assertEqual(self.terminals.disabled, set())

    def test_it_is_a_proof(self) -> None:
        """With that nothing is in doubt any more."""
        self.terminals.proofs[SN] = Proof(dirty="2026-03-01")
        self.clean()
        self.assertEqual(self.known.dirty, "")
        self.assertIsNotNone(self.known.proven_ms)

    def test_marked_before_it_is_said(self) -> None:
        """That people are kept away is kept before it is said."""
        marked: list[bool] = []

        def disabled(command: dict[str, Any]) -> dict[str, Any]:
            """It obeys."""
            marked.append(SN in self.terminals.disabled)
            return {"sn": SN}

        self.device.replies["disabledevice"] = disabled
        self.clean()
        self.assertEqual(marked, [True])

    def test_does_not_know_to_be_disabled(self) -> None:
        """Firmware that refuses to keep people away is cleaned all the same, and need not let them in."""
        self.device.replies["disabledevice"] = UNKNOWN
        self.assertIs(self.clean().event, OrderEvent.SAID_TRUE)
        self.assertEqual(self.device.firsts(), BRACKET[:3])
        self.assertEqual(self.terminals.disabled, set())

    def test_disabled_before(self) -> None:
        """One that refuses to be disabled and was disabled before is enabled."""
        self.device.replies["disabledevice"] = UNKNOWN
        self.terminals.proofs[SN] = Proof(is_disabled=True)
        self.clean()
        self.assertEqual(self.device.firsts(), BRACKET)

    def test_silent_about_disabling(self) -> None:
        """Silence to it is waited for once; perhaps it obeyed, so it is enabled."""
        self.device.replies["disabledevice"] = SILENT
        self.assertIs(self.clean(25).event, OrderEvent.SAID_TRUE)
        self.assertEqual(self.device.firsts(), BRACKET)

    def test_known_to_be_silent(self) -> None:
        """Where the kind does not know it, it is not said at all."""
        self.models.given["get"] = Learnt(None, {"disabledevice": MOST_SILENCES})
        self.assertIs(self.clean().event, OrderEvent.SAID_TRUE)
        self.assertEqual(self.device.firsts(), ["getalllog", "cleanlog"])

    def test_told_while_it_goes_on(self) -> None:
        """A long reading is told, so that nobody takes the order for lost."""

        def slow(command: dict[str, Any]) -> dict[str, Any]:
            """Three seconds a page."""
            self.stand.clock.rightNow += 3
            return self.device._own(command)

        self.device.replies["getalllog"] = slow
        self.clean()
        [first, *_] = self.stand.outbox.asked("progress")
        self.assertEqual(first[:2], ("c1", self.taken))
        self.assertEqual(first[2]["records"], 4)


class NotCleanedTests(CleanCase):
    """Logs that are not deleted."""

    def test_not_whole(self) -> None:
        """A list that may be incomplete is no proof."""
        self.device.replies["getalllog"] = {"count": 9, "from": 0, "to": 2, "record": self.device.logs[:2]}
        outcome = self.clean()
        self.assert_nothing_deleted(outcome)
        self.assertIn("for certain", str(outcome.error))
        self.assertEqual(self.device.firsts()[-1], "enabledevice")

    def test_refused(self) -> None:
        """A terminal that does not give its logs keeps them; it is told why."""
        self.device.replies["getalllog"] = {"result": False, "reason": 1, "msg": "device busy"}
        outcome = self.clean()
        self.assert_nothing_deleted(outcome)
        self.assertIn("device busy", str(outcome.error))

    def test_silent(self) -> None:
        """One that does not answer keeps them too."""
        self.device.replies["getalllog"] = SILENT
        outcome = self.clean(70)
        self.assert_nothing_deleted(outcome)
        self.assertIn("no reply in time", str(outcome.error))
        self.assertEqual(self.device.firsts()[-1], "enabledevice")

    def test_not_kept(self) -> None:
        """Logs that could not be kept are not deleted."""
        self.kept.failure = AWAY
        outcome = self.clean()
        self.assert_nothing_deleted(outcome)
        self.assertIn("the store is away", str(outcome.error))

    def test_store_away(self) -> None:
        """Without a store nothing is even begun."""
        for name in ("proof", "mark_disabled"):
            was = self.terminals.given[name]
            self.terminals.given[name] = AWAY
            outcome = self.clean()
            self.assertIn(outcome.event, (OrderEvent.NOT_SENT, OrderEvent.PUT_BACK))
            self.assertEqual(self.device.firsts()[:-1], [])
            self.terminals.given[name] = was

    def test_proof_not_kept(self) -> None:
        """When it can't be proven that the terminal is still ours, nothing is deleted."""
        for failure in (AWAY, False):
            self.terminals.given["prove"] = failure
            self.assert_nothing_deleted(self.clean())

    def test_lost(self) -> None:
        """A connection that is lost deletes nothing; the mark stays, for whoever has the terminal next."""

        def lose(command: dict[str, Any]) -> dict[str, Any]:
            """It is gone."""
            self.device.link.lost()
            return {}

        self.device.replies["getalllog"] = lose
        outcome = self.clean()
        self.assertIs(outcome.event, OrderEvent.NOT_SENT)
        self.assertNotIn("cleanlog", self.device.words())
        self.assertEqual(self.terminals.asked("clear_disabled"), [])

    def test_too_late(self) -> None:
        """When the order's seconds are over after the reading, nothing is deleted, and people are let in."""

        def slow(command: dict[str, Any]) -> dict[str, Any]:
            """It takes its time."""
            self.stand.clock.rightNow += 30
            return self.device._own(command)

        self.device.replies["getalllog"] = slow
        self.assert_nothing_deleted(self.clean(5, until=60.0), OrderEvent.TOO_LATE)
        self.assertEqual(self.device.firsts()[-1], "enabledevice")

    def test_too_late_to_read(self) -> None:
        """When they are over before the first log was asked for, nothing is read."""

        def slow(command: dict[str, Any]) -> dict[str, Any]:
            """It takes its time."""
            self.stand.clock.rightNow += 10
            return {"sn": SN}

        self.device.replies["disabledevice"] = slow
        outcome = self.clean(until=5.0)
        self.assert_nothing_deleted(outcome, OrderEvent.TOO_LATE)
        self.assertEqual(self.device.firsts(), ["disabledevice", "enabledevice"])

    def test_too_late_before(self) -> None:
        """When they are over before anything was said, nothing is said but that people are let in."""
        self.run_for(10)
        outcome = self.clean(until=5.0)
        self.assertIs(outcome.event, OrderEvent.TOO_LATE)
        self.assertEqual(self.device.firsts(), ["enabledevice"])

    def test_ended_meanwhile(self) -> None:
        """An order that somebody ended while the logs were read deletes nothing."""
        self.stand.outbox.given["progress"] = False

        def slow(command: dict[str, Any]) -> dict[str, Any]:
            """Three seconds a page."""
            self.stand.clock.rightNow += 3
            return self.device._own(command)

        self.device.replies["getalllog"] = slow
        self.assert_nothing_deleted(self.clean(), OrderEvent.PUT_BACK)

    def test_ended_at_the_last_moment(self) -> None:
        """The same when it was ended just before the deletion: this process may have stood still."""
        self.stand.outbox.given["progress"] = False
        self.assert_nothing_deleted(self.clean(), OrderEvent.PUT_BACK)
        self.assertEqual(len(self.kept.known), 5)

    def test_mistake_of_ours(self) -> None:
        """Whatever goes wrong meanwhile, people are let in."""
        self.kept.failure = ZeroDivisionError("a bug")
        with self.assertRaises(AssertionError):
            self.clean()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.device.firsts()[-1], "enabledevice")
        self.assertNotIn("cleanlog", self.device.words())


class EndOfBracketTests(CleanCase):
    """What the terminal said to the deletion itself, and to letting people in."""

    def test_refused(self) -> None:
        """A terminal that refuses to delete has refused the order."""
        self.device.replies["cleanlog"] = {"result": False, "reason": 1}
        self.assertIs(self.clean().event, OrderEvent.SAID_FALSE)
        self.assertEqual(self.device.firsts(), BRACKET)

    def test_silent(self) -> None:
        """What came of a deletion that was not answered is not known."""
        self.device.replies["cleanlog"] = SILENT
        self.assertIs(self.clean(70).event, OrderEvent.NOT_LEARNED)
        self.assertEqual(self.device.firsts(), BRACKET)

    def test_not_let_in(self) -> None:
        """Who does not answer that people are let in is told once more; else the mark stays."""
        self.device.replies["enabledevice"] = SILENT
        self.assertIs(self.clean(70).event, OrderEvent.SAID_TRUE)
        self.assertEqual(self.device.words().count("enabledevice"), 2)
        self.assertEqual(self.terminals.disabled, {SN})

    def test_mark_not_cleared(self) -> None:
        """A store that is away by then changes nothing of the outcome; the mark stays."""
        self.terminals.given["clear_disabled"] = AWAY
        self.assertIs(self.clean().event, OrderEvent.SAID_TRUE)
        self.device.replies["disabledevice"] = UNKNOWN
        self.assertIs(self.clean().event, OrderEvent.SAID_TRUE)
        self.assertEqual(self.terminals.disabled, {SN})
