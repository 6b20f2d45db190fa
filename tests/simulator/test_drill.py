"""Runs from start to exit code (design §2.5: exit codes mean something)."""

from __future__ import annotations

from typing import Any

from tests.simulator.test_fleet import FleetCase
from tests.simulator.tiny_server import good_answer
from tfserver.simulator.drill import ALL_WELL, NO_CONNECTION, UNACKED, Drill, Phase, Schedule


class DrillTests(FleetCase):
    """Schedules and their exit codes."""

    def drill(self, schedule: Schedule, **plan: Any) -> Drill:
        """A drill that is started; its terminals are not connected yet."""
        self.lines: list[str] = []
        self.shown: list[dict[str, Any]] = []
        drill = Drill(self.made_fleet(**plan), schedule, self.clock, self.lines.append, self.shown.append)
        self.code = drill.start()
        return drill

    def test_backlog_only(self) -> None:
        """Without rate a run ends as soon as the backlog is acknowledged."""
        drill = self.drill(Schedule(wait_ack=True), backlog=50, terminals=2)
        self.pass_time(1)
        self.assertNoResult(self.code)
        self.open_all()
        self.pass_time(0.3)
        self.assertEqual(self.successResultOf(self.code), ALL_WELL)
        figures = drill.figures()
        self.assertEqual(
            [figures[key] for key in ("punches", "acked", "waiting", "online")], [100, 100, 0, 2]
        )

    def test_unacked(self) -> None:
        """When the time to wait is over and something is left, the exit code says so."""
        self.answer = lambda message: good_answer(message) if message["cmd"] == "reg" else None
        drill = self.drill(Schedule(wait_ack=True, timeout=10), backlog=5)
        self.open_all()
        self.pass_time(9.9)
        self.assertNoResult(self.code)
        self.pass_time(0.5)
        self.assertEqual(self.successResultOf(self.code), UNACKED)
        self.assertEqual(drill.figures()["waiting"], 5)

    def test_refused_is_not_settled(self) -> None:
        """A terminal that was never admitted has not done its work; people read why, once."""
        self.answer = lambda message: {"ret": "reg", "result": False, "reason": "waits for approval"}
        self.drill(Schedule(wait_ack=True, timeout=3))
        self.open_all()
        self.pass_time(3.5)
        self.assertEqual(self.successResultOf(self.code), UNACKED)
        self.assertEqual(self.lines, ["terminals refused: 1; server answered: waits for approval"])

    def test_no_connection(self) -> None:
        """A run that never had a connection ends with a code of its own, also without --wait-ack."""
        for schedule in (Schedule(timeout=5), Schedule(seconds=5), Schedule(wait_ack=True, timeout=5)):
            self.drill(schedule)
            self.pass_time(5.5)
            self.assertEqual(self.successResultOf(self.code), NO_CONNECTION)

    def test_punching_for_a_time(self) -> None:
        """People punch for the given time, then the rest is awaited; progress is shown each second."""
        drill = self.drill(Schedule(rate=10, seconds=5, wait_ack=True), terminals=2)
        self.open_all()
        self.pass_time(4.9)
        self.assertIs(drill.phase, Phase.PUNCHING)
        self.assertEqual(len(self.shown), 4)
        self.pass_time(0.5)
        self.assertEqual(self.successResultOf(self.code), ALL_WELL)
        self.assertTrue(49 <= drill.figures()["acked"] <= 51, drill.figures())
        self.assertTrue(5 <= drill.figures()["seconds"] <= 5.3)

    def test_without_wait_ack(self) -> None:
        """Who does not wait gets 0, whatever is left."""
        self.answer = lambda message: good_answer(message) if message["cmd"] == "reg" else None
        self.drill(Schedule(seconds=1), backlog=5)
        self.open_all()
        self.pass_time(1.2)
        self.assertEqual(self.successResultOf(self.code), ALL_WELL)

    def test_interrupt(self) -> None:
        """The first interruption ends the punching, the second the waiting."""
        self.answer = lambda message: good_answer(message) if message["cmd"] == "reg" else None
        drill = self.drill(Schedule(rate=10, wait_ack=True))
        self.open_all()
        self.pass_time(2)
        drill.interrupt()
        self.assertIs(drill.phase, Phase.WAITING)
        made = drill.figures()["punches"]
        self.pass_time(1)
        self.assertEqual(drill.figures()["punches"], made)
        drill.interrupt()
        self.assertEqual(self.successResultOf(self.code), UNACKED)
        drill.interrupt()

    def test_own_mistake(self) -> None:
        """An error of the simulator itself ends the run with it."""
        drill = self.drill(Schedule(rate=10))
        self.patch(drill._fleet, "_visit_some", lambda now, passed: 1 / 0)
        self.pass_time(0.1)
        self.failureResultOf(self.code, ZeroDivisionError)
