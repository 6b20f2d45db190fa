"""The quick way to the time of a record, from its parts, says exactly what the general way says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import SUSPECT_DRIFT_MS, Clock, ClockEntry
from tfserver.wire import times

EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=1000)
FIRST: Final = datetime(2011, 1, 1)
LAST: Final = datetime(9997, 12, 31, 23, 59, 59)
"""Between these only the form of a text decides which way it goes."""
NEAR_MS: Final = SUSPECT_DRIFT_MS - 1
DRIFTS: Final = st.integers(-NEAR_MS, NEAR_MS)
MINUTES: Final = st.integers(-1439, 1439)
OFFSETS: Final = st.one_of(
    st.integers(-48, 56).map(lambda quarters: quarters * 900),
    MINUTES.map(lambda minutes: minutes * 60),
    st.integers(-86_399, 86_399),
)
MOMENTS: Final = st.one_of(
    st.datetimes(FIRST, LAST),
    st.datetimes(datetime(2023, 12, 30), datetime(2024, 3, 2)),
    st.datetimes(datetime(2009, 12, 29), datetime(2011, 1, 3)),
    st.datetimes(datetime(9996, 12, 29), datetime(9999, 12, 31, 23, 59, 59)),
    st.datetimes(),
).map(lambda moment: moment.replace(microsecond=0))
LETTERS: Final = st.sampled_from("0123456789-:/. TWZ+\x00\t٣３é\ud800")
ODD: Final = (
    "",
    " ",
    "soon",
    "2026-W14-4 08:15:04",
    "2026-093 08:15:04",
    "2026-04-31 08:15:04",
    "2026-02-29 08:15:04",
    "2024-02-29 08:15:04",
    "2026-00-10 08:15:04",
    "2026-13-10 08:15:04",
    "2026-04-02 24:00:00",
    "2026-04-02 23:60:00",
    "2026-04-02 23:59:60",
    "2026-04-02T08:15:04",
    "2026/04/02 08:15:04",
    "2026-04-02 08.15.04",
    "2026-04-02 08:15:4 ",
    "2026-4-02  08:15:04",
    "2026-04-02\t08:15:04",
    "2026-04-02 8:15:04Z",
    " 2026-04-02 8:15:04",
    "20260402   08:15:04",
    "+026-04-02 08:15:04",
    "2026-04-02 -1:15:04",
    "2026-04-02 +8:15:04",
    "2026-04-0٣ 08:15:04",
    "2026-04-02 08:15:0３",
    "2026-04-02 08:15:04 ",
    "2026-04-02 08:15:04.5",
    "0000-00-00 00:00:00",
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59",
)


def written(moment: datetime) -> str:
    """A moment in the documented form, also before the year 1000."""
    return moment.isoformat(" ", "seconds")


def near_miss(moment: datetime, place: int, letter: str, inserted: bool) -> str:
    """The documented form with one letter more, or another."""
    text = written(moment)
    return text[:place] + letter + text[place + (not inserted) :]


TEXTS: Final = st.one_of(
    MOMENTS.map(written),
    st.builds(near_miss, MOMENTS, st.integers(0, 19), LETTERS, st.booleans()),
    st.sampled_from(ODD),
    st.text(max_size=times.MOST_TEXT),
    st.text("0123456789-: ", min_size=19, max_size=19),
)


class DocumentedTests(SynchronousTestCase):
    """``documented`` and ``when``."""

    @EXAMPLES
    @given(TEXTS, OFFSETS, DRIFTS)
    def test_same(self, text: str, offset: int, drift: int) -> None:
        """Whatever the quick way makes of a text, the general way makes of it as well."""
        self.same(text, offset, drift)

    @EXAMPLES
    @given(st.datetimes(FIRST, LAST), MINUTES, DRIFTS)
    @example(FIRST, -1439, 0)
    @example(LAST, 1439, 0)
    @example(datetime(2024, 2, 29, 23, 59, 59), -60, 5)
    @example(datetime(2024, 3, 1), 60, 5)
    def test_taken(self, moment: datetime, minutes: int, drift: int) -> None:
        """A time in the documented form goes the quick way under any offset of whole minutes."""
        self.assertTrue(self.same(written(moment), minutes * 60, drift))

    def same(self, text: str, offset: int, drift: int) -> bool:
        """Whether the quick way said anything; it said what the general way says, in the same kinds."""
        found = times.documented(text, offset, drift)
        if found is None:
            return False
        expected = times.when(text, (ClockEntry(0, offset, drift),), times.LATEST)
        self.assertEqual(repr(found), repr(expected))
        self.assertEqual(found, expected)
        self.assertIs(found.clock, Clock.OK)
        return True

    def test_odd(self) -> None:
        """Of odd texts only a leap day goes the quick way; none is a mistake of ours."""
        for offset in (0, 19_800, -3600, 17):
            taken = [text for text in ODD if self.same(text, offset, 0)]
            self.assertEqual(taken, ["2024-02-29 08:15:04"] if offset != 17 else [], offset)

    def test_each_minute_of_a_day(self) -> None:
        """Each minute and each second has its own place, under offsets that end the day at any of them."""
        day = datetime(2026, 3, 1)
        for minutes in (0, 345, -210, 1439, -1439):
            for minute in range(1440):
                text = written(day + timedelta(minutes=minute, seconds=minute % 60))
                self.assertTrue(self.same(text, minutes * 60, 0), text)

    def test_days_of_years(self) -> None:
        """Each day of two years, one of them a leap year, has its neighbours, at both of its edges."""
        for number in range(731):
            day = date(2023, 12, 31) + timedelta(days=number)
            for clock, minutes in (("00:00:00", 1), ("23:59:59", -1)):
                self.assertTrue(self.same(f"{day} {clock}", minutes * 60, 0), day)

    def test_edges(self) -> None:
        """Where the time of day decides whether a time is trusted, the general way decides it."""
        for text in ("2010-12-31 23:59:59", "9998-01-01 00:00:00"):
            self.assertFalse(self.same(text, 0, 0), text)

    def test_remembered_for_each_offset(self) -> None:
        """A day that was read under one offset is read anew under another."""
        found = [times.documented("2026-04-02 00:30:00", hours * 3600, 0) for hours in (0, 2, 0, -2)]
        shown = [(one.utc, one.utc_ms - found[0].utc_ms) for one in found if one and found[0]]
        self.assertEqual(
            shown,
            [
                ("2026-04-02T00:30:00.000Z", 0),
                ("2026-04-01T22:30:00.000Z", -7_200_000),
                ("2026-04-02T00:30:00.000Z", 0),
                ("2026-04-02T02:30:00.000Z", 7_200_000),
            ],
        )
