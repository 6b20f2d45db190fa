"""``settime`` and ``gettime`` (protocol §5.3)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, replied, said, wrong_fields
from tfserver.commands.clock import GetTime, SetTime


class ClockTests(SynchronousTestCase):
    """The terminal's clock."""

    def test_only_the_right_time(self) -> None:
        """The time is the terminal's own at the moment of sending, and nobody can give another."""
        self.assertEqual(SetTime().said("2026-04-02 12:05:00"), {"cloudtime": "2026-04-02 12:05:00"})
        self.assertEqual(said("settime"), {"cloudtime": "2026-04-02 12:05:00"})
        for name in ("cloudtime", "time"):
            self.assertEqual(wrong_fields("settime", **{name: "2000-01-01 00:00:00"}), [name])

    def test_reply(self) -> None:
        """A reply without ``result`` is read."""
        self.assertEqual(
            replied(GetTime, time="2026-04-02 12:05:01").shown(), {"time": "2026-04-02 12:05:01"}
        )

    def test_subjects(self) -> None:
        """Settings of the clock are in order with each other."""
        self.assertEqual((ordered("settime").subject(), ordered("gettime").subject()), ("clock", ""))
