"""Why nothing is arriving from a terminal, in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import Admission, Capacity, Clock, Terminal, Twins
from tfserver.store.proven import Proof
from tfserver.web.dashboard.terminal.why import CASES, Facts, why

NOW = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
LATELY, HOURS_AGO, DAYS_AGO = "2026-04-02T07:59:00Z", "2026-04-02T05:00:00Z", "2026-03-29T05:00:00Z"
TWINS = Twins(["10.0.0.1", "10.0.0.2"], 60, LATELY)


def facts(proof: Proof | None = None, claims: int = 0, unready: str | None = None, **more: Any) -> Facts:
    """A terminal that all is well with, but for these."""
    known = {"admission": Admission.APPROVED, "online": True, "last_frame": LATELY, "last_punch": LATELY}
    return Facts(Terminal("A1", **{**known, **more}), proof or Proof(), NOW, claims, unready)


class WhyTests(SynchronousTestCase):
    """One case after another."""

    def test_each(self) -> None:
        """Each case is told when it is so, and named by the table."""
        away = {"online": False}
        found = {
            "pending": facts(admission=Admission.PENDING),
            "denied": facts(admission=Admission.DENIED),
            "quarantined": facts(admission=Admission.QUARANTINED),
            "twins": facts(twins=TWINS),
            "unready": facts(unready="the store is away"),
            "claimed": facts(claims=1, **away),
            "never": facts(last_frame=None, **away),
            "offline": facts(**away),
            "silent": facts(last_frame=HOURS_AGO),
            "frozen": facts(Proof(is_frozen=True)),
            "suspect": facts(clock=Clock.SUSPECT, clock_offset_ms=3_600_000),
            "disabled": facts(Proof(is_disabled=True)),
            "full": facts(capacity={"log": Capacity(100, 96, 4)}),
            "nobody": facts(last_punch=None),
            "quiet": facts(last_punch=DAYS_AGO),
            "well": facts(),
        }
        self.assertEqual([why(one).case.name for one in found.values()], list(found))
        self.assertEqual([case.name for case in CASES], list(found))

    def test_the_worst_first(self) -> None:
        """Of several the one is told that has to be mended first."""
        self.assertEqual(why(facts(admission=Admission.PENDING, online=False)).case.name, "pending")
        self.assertEqual(why(facts(unready="away", last_frame=HOURS_AGO)).case.name, "unready")
        self.assertEqual(why(facts(Proof(is_disabled=True), last_punch=DAYS_AGO)).case.name, "disabled")

    def test_what_is_told(self) -> None:
        """The sentence has the time, the number or the words that it is about."""
        self.assertEqual(why(facts(online=False)).told.at, LATELY)
        self.assertEqual(why(facts(twins=TWINS)).told.what, "10.0.0.1, 10.0.0.2")
        self.assertEqual(why(facts(capacity={"log": Capacity(100, 120, 0)})).told.number, 100)
        self.assertEqual(why(facts(clock=Clock.SUSPECT, clock_offset_ms=-90_000)).told.number, -90)
