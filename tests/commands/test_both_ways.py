"""The short way of a ``sendlog`` leads where the common one does, whatever the terminal and its clock."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from tests.commands.both_ways import (
    EXAMPLES,
    FRAMES,
    INTEGERS,
    LENIENT,
    Pairs,
    ReadingCase,
    Talk,
    odd_messages,
    pairs_of,
    sendlog,
    went_short,
    written,
)
from tests.commands.kept import AWAY, NOW, NOW_MS, SN, Desk
from tfserver.model import ClockEntry, rfc3339
from tfserver.store.punches import QuarantineFull
from tfserver.wire import times
from tfserver.wire.table import table

DAY_MS: Final = 86_400_000
SPRING: Final = datetime.fromisoformat("2026-03-29T01:00:00+00:00")
AUTUMN: Final = datetime.fromisoformat("2026-10-25T01:00:00+00:00")

YEAREND: Final = datetime.fromisoformat("2026-12-31T23:00:00+00:00")


def at(when: datetime) -> int:
    """Its milliseconds."""
    return times.milliseconds(when)


CLOCKS: Final[dict[str, tuple[ClockEntry, ...]]] = {
    "right": (ClockEntry(0, 0),),
    "a little fast": (ClockEntry(0, 0, 1500),),
    "elsewhere": (ClockEntry(0, 19_800, -119_999),),
    "put ahead": (ClockEntry(0, 0), ClockEntry(at(SPRING), 3600)),
    "put back": (ClockEntry(0, 3600), ClockEntry(at(AUTUMN), 0)),
    "a year": (ClockEntry(0, 0), ClockEntry(at(SPRING), 3600), ClockEntry(at(AUTUMN), 0, -400)),
    "around the world": (ClockEntry(0, 50_400), ClockEntry(NOW_MS - 3 * DAY_MS, -43_200)),
    "just set": (ClockEntry(0, 0), ClockEntry(NOW_MS, 0)),
    "was far off": (ClockEntry(0, 0, 500_000), ClockEntry(NOW_MS - 9 * DAY_MS, 0)),
    "is far off": (ClockEntry(0, 0), ClockEntry(NOW_MS - 9 * DAY_MS, 0, -820_540_800_000)),
    "two minutes off": (ClockEntry(0, 0, 120_000),),
}
PRESENTS: Final = (NOW, SPRING, SPRING + timedelta(minutes=1), SPRING + timedelta(days=3), AUTUMN, YEAREND)
ZONES: Final = ("UTC", "Asia/Kolkata", "Europe/Lisbon")


@st.composite
def desks(draw: Any) -> dict[str, Any]:
    """How a terminal stands: its clock, the present, its zone, and what is known of it."""
    return {
        "clock": draw(st.sampled_from(sorted(CLOCKS))),
        "now": draw(st.sampled_from(PRESENTS)) + timedelta(milliseconds=draw(st.integers(-1, 120_001))),
        "zone": draw(st.sampled_from(ZONES)),
        "registration": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "timezone": st.sampled_from(ZONES),
                    "echo": st.sampled_from((0, 3600, 19_800)),
                    "site": st.sampled_from(("north", "张")),
                },
            )
        ),
        "images": draw(st.sampled_from(("drop", "keep"))),
        "failure": draw(st.sampled_from((None, None, None, AWAY, QuarantineFull("full")))),
        "sn": draw(st.sampled_from((SN, SN, SN.lower()))),
    }


def _near(moment: datetime) -> Any:
    return st.integers(-3 * 86_400, 2 * 86_400).map(lambda seconds: moment + timedelta(seconds=seconds))


TIMES: Final = st.one_of(
    *(_near(moment).map(lambda when: when.strftime(times.WIRE)) for moment in (NOW, SPRING, AUTUMN)),
    st.integers(100, 140).map(lambda ahead: (NOW + timedelta(seconds=ahead)).strftime(times.WIRE)),
    st.sampled_from(("2000-01-01 00:00:05", "2009-12-31 23:59:59", "2010-01-01 00:00:00", "2010-1-1 5:30")),
    st.sampled_from(("9999-12-31 23:59:59", "0001-01-01 00:00:00", "2026-02-30 08:00:00", "2026/4/2")),
)
RECORDS: Final = st.fixed_dictionaries(
    {"enrollid": st.one_of(INTEGERS, st.sampled_from((0, 99_999_999))), "time": TIMES},
    optional={"mode": st.integers(-1, 13), "inout": st.integers(0, 1), "event": st.integers(0, 3)},
).map(pairs_of)
NUMBERS: Final = st.sampled_from((None, None, SN, SN, "", " ", f" {SN}", SN.lower(), "OTHER1", "\\u005a"))


@st.composite
def logs(draw: Any) -> bytes:
    """A ``sendlog`` as the documents have it, under any number."""
    frame: Pairs = [pair for pair in draw(FRAMES) if pair[0] != "sn"]
    sn = draw(NUMBERS)
    if sn is not None:
        frame.append(("sn", f'"{sn}"'))
    return sendlog([written(pairs) for pairs in draw(st.lists(RECORDS, max_size=4))], *frame)


ORDINARY: Final = sendlog(['{"enrollid":7,"time":"2026-04-02 08:15:00"}'], ("sn", f'"{SN}"'))
RIGHT: Final[dict[str, Any]] = {
    "clock": "right",
    "now": NOW,
    "zone": "UTC",
    "registration": {},
    "images": "drop",
    "failure": None,
    "sn": SN,
}


class AnyTerminalTests(ReadingCase):
    """Terminals of all kinds."""

    def desk(self) -> Desk:
        """What the terminal of this example finds here."""
        given = self.given
        desk = Desk(terminals__timezone=given["zone"], punches__images=given["images"])
        desk.admit(*CLOCKS[given["clock"]], **given["registration"])
        desk.context.sn = given["sn"]
        desk.now = given["now"]
        desk.punches.failure = given["failure"]
        return desk

    def compare(self, given: dict[str, Any], *payloads: bytes) -> None:
        """Both ways lead to the same."""
        self.given = given
        found = self.assert_same(*payloads)
        # what could not be kept is never acknowledged
        if given["failure"] is not None:
            self.assertEqual(found.batches, [])

    @EXAMPLES
    @given(desks(), st.lists(logs(), min_size=1, max_size=3))
    @example(RIGHT, [ORDINARY])
    @example({**RIGHT, "failure": AWAY}, [ORDINARY, ORDINARY])
    @example({**RIGHT, "failure": QuarantineFull("full")}, [ORDINARY])
    def test_plain(self, desk: dict[str, Any], payloads: list[bytes]) -> None:
        """Batches as the documents have them lead to the same records, answers and counts both ways."""
        self.compare(desk, *payloads)

    @EXAMPLES
    @given(desks(), odd_messages(), logs(), st.booleans())
    def test_odd(self, desk: dict[str, Any], odd: bytes, plain: bytes, odd_first: bool) -> None:
        """So do odd ones, before or behind a plain one."""
        self.compare(desk, *((odd, plain) if odd_first else (plain, odd)))

    def test_both_are_tried(self) -> None:
        """The short way is taken by ordinary terminals and left by those whose clock is not."""
        short = {
            name: [went_short(self.log_at(now, name), self.standing(name, now)) for now in PRESENTS]
            for name in CLOCKS
        }
        far = {"was far off", "is far off", "two minutes off"}
        self.assertEqual({name for name, taken in short.items() if not any(taken)}, far)
        self.assertEqual(
            {name for name, taken in short.items() if all(taken)}, {"right", "a little fast", "elsewhere"}
        )

    def log_at(self, now: datetime, clock: str) -> bytes:
        """A live punch by that clock."""
        shown = now + timedelta(seconds=CLOCKS[clock][-1].offset)
        return sendlog([f'{{"enrollid":7,"time":"{shown:%Y-%m-%d %H:%M:%S}"}}'])

    def standing(self, clock: str, now: datetime) -> Desk:
        """A terminal in a zone that has just the offset its clock has."""
        self.given = {**RIGHT, "clock": clock, "now": now}
        desk = self.desk()
        echo = CLOCKS[clock][-1].offset
        desk.context.registration = desk.context.registration.__class__(
            desk.context.registration.admission, echo=echo
        )
        return desk

    def test_cloudtime(self) -> None:
        """The short answer tells the time of its moment in the terminal's own zone."""
        self.given = {**RIGHT, "clock": "elsewhere", "zone": "Asia/Kolkata"}
        payload = sendlog(['{"enrollid":7,"time":"2026-04-02 13:45:00"}'], ("count", "1"), ("logindex", "0"))
        self.assertTrue(went_short(payload, self.desk()))
        expected = {"ret": "sendlog", "result": True, "count": 1, "logindex": 0}
        [answer] = self.assert_same(payload).answers
        self.assertEqual(answer, {**expected, "cloudtime": "2026-04-02 13:45:04"})

    def test_clock_to_be_set(self) -> None:
        """Where the zone has another offset by now, the batch goes the common way, which keeps it first."""
        self.given = {**RIGHT, "zone": "Europe/Lisbon"}
        self.assertFalse(went_short(ORDINARY, self.desk()))
        found = self.assert_same(ORDINARY)
        self.assertEqual([timeline[-1].offset for _, timeline, _ in found.clocks], [3600])
        self.assertEqual(found.answers[0]["cloudtime"], "2026-04-02 09:15:04")

    def test_offset_changes_meanwhile(self) -> None:
        """A terminal whose zone changes between two batches has its clock kept before it is set."""
        for words in (table, LENIENT):
            self.given = {**RIGHT, "zone": "Europe/Lisbon", "now": SPRING - timedelta(milliseconds=1)}
            talk = Talk(words, self.desk())
            shown = ("2026-03-29 00:59:59", "2026-03-29 00:59:58", "2026-03-29 02:00:01")
            for text, seconds in zip(shown, (0, 1, 1), strict=True):
                talk.desk.now += timedelta(seconds=seconds)
                talk.link.received(sendlog([f'{{"enrollid":7,"time":"{text}"}}']))
                talk.clock.advance(0)
            found = talk.outcome()
            told = [answer["cloudtime"][-8:] for answer in found.answers]
            self.assertEqual(told, ["00:59:59", "02:00:00", "02:00:01"])
            self.assertEqual([len(timeline) for _, timeline, _ in found.clocks], [2])
            bodies = [json.loads(record.body) for _, _, records, _ in found.batches for record in records]
            utc = [SPRING + timedelta(seconds=seconds) for seconds in (-1, -2, 1)]
            self.assertEqual([body["utc"] for body in bodies], [rfc3339(when) for when in utc])
