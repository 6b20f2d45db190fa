"""Punches whose time is in doubt: how sure they are, and by which terminals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.store.archive.archives import punch
from tests.store.archiving import ArchivingCase
from tfserver.model import ClockEntry, rfc3339
from tfserver.store.archive.filter import Filter
from tfserver.store.doubt import DOUBTED, Confidence, Doubted, by_terminal, confidence_of
from tfserver.wire.times import milliseconds, when

NOW = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
HOUR = 3600
ALL = Filter(clocks=DOUBTED, by_received=True)


class ConfidenceTests(SynchronousTestCase):
    """The rule, over what the wire makes of a terminal's time."""

    def confidence(self, text: str, *timeline: ClockEntry) -> Confidence:
        """Of a punch with this time, under this timeline."""
        read = when(text, timeline, NOW)
        return confidence_of(
            {"clock": read.clock, "time": read.time, "utc": read.utc, "offset_ms": read.offset_ms}
        )

    def test_exact(self) -> None:
        """A clock that we set, even when it drifts a little."""
        for drift in (0, 90_000):
            self.assertIs(self.confidence("2026-04-02 07:00:00", ClockEntry(0, 0, drift)), Confidence.EXACT)

    def test_measured(self) -> None:
        """A clock that was found far off: the instant is corrected by that."""
        wrong = ClockEntry(0, 2 * HOUR, -7 * 60_000)
        self.assertIs(self.confidence("2026-04-02 09:50:00", wrong), Confidence.MEASURED)

    def test_right_until_it_failed(self) -> None:
        """A backlog that would be in the future if it was corrected is a guess."""
        now = milliseconds(NOW)
        line = (ClockEntry(0, 0, -30 * 86_400_000), ClockEntry(now, 0))
        self.assertIs(self.confidence("2026-04-01 08:00:00", *line), Confidence.DOUBTFUL)
        self.assertIs(self.confidence("2026-03-01 07:00:00", *line), Confidence.MEASURED)

    def test_doubtful(self) -> None:
        """An hour that came twice, dates that can't be."""
        change = milliseconds(NOW - timedelta(hours=2))
        line = (ClockEntry(0, 2 * HOUR), ClockEntry(change, HOUR))
        self.assertIs(self.confidence("2026-04-02 07:30:00", *line), Confidence.DOUBTFUL)
        for text in ("2000-01-01 00:00:00", "2030-01-01 00:00:00"):
            self.assertIs(self.confidence(text, ClockEntry(0, 0)), Confidence.DOUBTFUL)

    def test_unknown(self) -> None:
        """No instant, or a clock of which nobody knows how it ran."""
        self.assertIs(self.confidence("yesterday", ClockEntry(0, 0)), Confidence.UNKNOWN)
        self.assertIs(self.confidence("2026-04-02 07:00:00"), Confidence.UNKNOWN)
        guessed = {
            "clock": "unknown",
            "time": "2026-04-02T10:00:00+03:00",
            "utc": rfc3339(NOW),
            "offset_ms": 0,
        }
        self.assertIs(confidence_of(guessed), Confidence.UNKNOWN)
        self.assertIs(confidence_of({}), Confidence.UNKNOWN)


class TerminalTests(ArchivingCase):
    """What is told of each terminal."""

    async def found(self, **more: Any) -> list[Doubted]:
        """Of all that fit."""
        return await by_terminal(self.feed, self.archive, Filter(clocks=DOUBTED, by_received=True, **more))

    async def test_counted(self) -> None:
        """Number, first, last and worst offset, of what is archived and what is not yet."""
        await self.begin(stream_most=1)
        await self.add(0, 5, sn="A")
        await self.add(1, sn="A", clock="suspect", offset_ms=200_000)
        await self.add(2, sn="B", clock="unknown", utc=None, offset_ms=None)
        await self.add(3, sn="A", clock="suspect", offset_ms=-300_000)
        expected = [
            Doubted("A", 2, at(1), at(3), -300_000),
            Doubted("B", 1, at(2), at(2), None),
        ]
        self.assertEqual(await self.found(), expected)
        await self.archive_all()
        await self.archived.trim_all()
        self.assertEqual(await self.found(), expected)
        await self.add(4, sn="A", clock="suspect", offset_ms=900_000)
        await self.add(6, sn="C", clock="suspect")
        self.assertEqual(
            await self.found(),
            [Doubted("A", 3, at(1), at(4), 900_000), expected[1], Doubted("C", 1, at(6), at(6), 0)],
        )
        self.assertEqual(await self.found(sn="B"), expected[1:])
        self.assertEqual(await self.found(sites=("elsewhere",)), [])

    async def test_span(self) -> None:
        """Bounds are on the instant, or on when it came where there is none."""
        await self.begin()
        await self.add(1, sn="A", clock="suspect")
        await self.add(2, sn="B", clock="unknown", utc=None, received=at(50))
        await self.archive_all()
        bound = milliseconds(datetime.fromisoformat(at(50)))
        self.assertEqual([one.sn for one in await self.found(since_ms=bound)], ["B"])
        self.assertEqual([one.sn for one in await self.found(until_ms=bound)], ["A"])


def at(number: int) -> str:
    """The instant of a punch with this number."""
    return str(punch(number)["utc"])
