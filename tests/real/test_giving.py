"""Tests of what tests find wrong with orders."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.real.giving import Given, Giver, unordered
from tests.real.store import wait_until


def did(*times: float, sn: str = "A", cmd: str = "opendoor") -> list[dict[str, Any]]:
    """What a terminal wrote down."""
    return [{"sn": sn, "cmd": cmd, "at": at} for at in times]


class Compared(SynchronousTestCase):
    """One order, given between 10 and 11."""

    order = Given("A", "opendoor", 10.0, 11.0, "1")

    def test_right(self) -> None:
        """Done once and told so, or not done and told so."""
        self.assertEqual(unordered([self.order], {"1": "done"}, did(10.5), "opendoor"), {})
        self.assertEqual(unordered([self.order], {"1": "expired"}, [], "opendoor"), {})
        self.assertEqual(unordered([self.order], {"1": "unknown"}, did(15.9), "opendoor"), {})
        self.assertEqual(unordered([self.order], {"1": "expired"}, did(10.5, cmd="reboot"), "opendoor"), {})

    def test_stale(self) -> None:
        """A door that opens when nobody asks any more, or before."""
        for late in (16.5, 9.0):
            self.assertEqual(unordered([self.order], {"1": "done"}, did(late), "opendoor"), {"stale": 1})

    def test_doubled(self) -> None:
        """Done twice, or after an end that says that it did not happen."""
        self.assertEqual(unordered([self.order], {"1": "done"}, did(10.5, 10.6), "opendoor"), {"doubled": 1})
        self.assertEqual(unordered([self.order], {"1": "expired"}, did(10.5), "opendoor"), {"doubled": 1})
        self.assertEqual(
            unordered([self.order], {"1": "done"}, did(10.5, sn="B"), "opendoor"),
            {"stale": 1, "doubled": 1, "untrue": 1},
        )

    def test_untrue(self) -> None:
        """Told to be done, and was not."""
        self.assertEqual(unordered([self.order], {"1": "done"}, [], "opendoor"), {"untrue": 1})

    def test_unanswered(self) -> None:
        """What was not answered may have been put, and done once."""
        order = Given("A", "opendoor", 10.0, 11.0, "")
        self.assertEqual(unordered([order], {}, did(12.0), "opendoor"), {})
        self.assertEqual(unordered([order], {}, did(12.0, 12.1), "opendoor"), {"doubled": 1})

    def test_given(self) -> None:
        """Refused ones were never given; those without an answer perhaps."""
        answers = iter([(202, {"id": "1"}), (409, {}), (0, None), (503, {})])
        asked: list[str] = []

        def ask(path: str, body: Any) -> tuple[int, Any]:
            asked.append(path)
            return next(answers, (404, {}))

        giver = Giver(ask, ["A"], 1, ["opendoor"]).start()
        wait_until(lambda: len(asked) >= 5, "it has asked again")
        self.assertEqual([order.id for order in giver.stop()], ["1", "", ""])
