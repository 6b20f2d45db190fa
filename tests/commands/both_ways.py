"""A conversation by the short way and by the common one, and messages that may go either."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import SN, Desk
from tests.gateway.stand_ins import Watcher, Wire
from tfserver.gateway.link import Link
from tfserver.gateway.turn import Turn
from tfserver.store.shelf import Bad, Record
from tfserver.wire import times
from tfserver.wire.codec import Frame, Rubbish
from tfserver.wire.message import Request, Response
from tfserver.wire.session import Ask, Note, Session, Tell
from tfserver.wire.table import HandlerTable, table

EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=400)
TIME: Final = "2026-04-02 08:15:04"
LENIENT: Final = table.without_plain()
Pairs = list[tuple[str, str]]
"""An object of JSON: its keys, perhaps some of them twice, and their values as they are written."""


class Listener(Session):
    """A session that remembers what it noted, and what it asked of handlers."""

    def __init__(self, words: HandlerTable) -> None:
        super().__init__(words, 0.0)
        self.noted: list[Note] = []
        self.asked: list[Request] = []

    def _heard(self, tells: list[Tell]) -> list[Tell]:
        self.noted += [tell for tell in tells if isinstance(tell, Note)]
        self.asked += [tell.request for tell in tells if isinstance(tell, Ask)]
        return tells

    def _take(self, frame: Frame) -> list[Tell]:
        return self._heard(super()._take(frame))

    def _rubbish(self, frame: Rubbish) -> list[Tell]:
        return self._heard(super()._rubbish(frame))


class Outcome(NamedTuple):
    """What became of messages: what was noted, sent, kept and counted."""

    notes: list[Note]
    sent: list[Any]
    batches: list[tuple[str, int | None, list[Record], list[Bad]]]
    clocks: list[Any]
    counted: dict[str, Any]

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The answers, read."""
        return [json.loads(event) for event in self.sent if isinstance(event, bytes)]


class Talk:
    """A terminal that was admitted, on a link over a desk."""

    def __init__(self, words: HandlerTable, desk: Desk) -> None:
        self.desk, self.clock, self.wire = desk, Clock(), Wire()
        self.session = Listener(words)
        self.session.receive(json.dumps({"cmd": "reg", "sn": SN}).encode(), 0.0)
        self.session.answer(Response(), 0.0, TIME)
        self.session.asked.clear()
        watcher, services = Watcher(), desk.context.services
        turn = Turn(self.clock, words.plain, services.metrics, watcher.asking)
        self.link = Link(self.wire, desk.context, words, self.session, watcher, turn, self.clock.seconds)

    def outcome(self) -> Outcome:
        """What became of all of it."""
        self.clock.advance(0)
        metrics = self.desk.context.services.metrics
        counted = {
            "punches": +metrics.punches,
            "notes": +metrics.notes,
            "failures": (metrics.store_failures, metrics.quarantine_full),
            "answers": Counter(
                {
                    (word, result): number
                    for word, answers in metrics.answers.items()
                    for result, number in ((True, answers.positive), (False, answers.negative))
                    if number
                }
            ),
        }
        desk = self.desk
        return Outcome(
            self.session.noted, self.wire.events, desk.punches.batches, desk.terminals.clocks, counted
        )


def went_short(payload: bytes, desk: Desk) -> bool:
    """Whether a message goes all of the short way: no handler is asked, and its punches are kept."""
    talk = Talk(table, desk)
    talk.link.received(payload)
    return bool(talk.outcome().batches) and not talk.session.asked


class ReadingCase(SynchronousTestCase):
    """Messages of an admitted terminal, read by either table."""

    def desk(self) -> Desk:
        """What the terminal finds here."""
        return Desk().admit()

    def outcome(self, words: HandlerTable, *payloads: bytes) -> Outcome:
        """What becomes of messages that come in one turn."""
        talk = Talk(words, self.desk())
        for payload in payloads:
            talk.link.received(payload)
        return talk.outcome()

    def assert_same(self, *payloads: bytes) -> Outcome:
        """Both ways lead to the same; what that is."""
        found = self.outcome(table, *payloads)
        self.assertEqual(found, self.outcome(LENIENT, *payloads))
        return found


def written(pairs: Pairs, comma: str = ",", colon: str = ":") -> str:
    """An object as a terminal writes it."""
    return "{" + comma.join(f'"{key}"{colon}{value}' for key, value in pairs) + "}"


def sendlog(records: Sequence[str], *more: tuple[str, str]) -> bytes:
    """A message as the documents have it."""
    return written([("cmd", '"sendlog"'), *more, ("record", f"[{','.join(records)}]")]).encode()


def pairs_of(value: dict[str, Any]) -> Pairs:
    """An object with its values written."""
    return [(key, json.dumps(inner)) for key, inner in value.items()]


INTEGERS: Final = st.one_of(st.integers(-3, 20), st.integers(-(2**63), 2**63 - 1))
TIMES: Final = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.strftime(times.WIRE)),
    st.sampled_from(("2026/4/2 8:15", "2026-04-02T08:15:00Z", "0000-00-00 00:00:00", "soon", "张", "a\x00b")),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda text: text == text.strip()
    ),
)
RECORDS: Final = st.fixed_dictionaries(
    {"enrollid": INTEGERS, "time": TIMES},
    optional={"mode": INTEGERS, "inout": INTEGERS, "event": INTEGERS},
).map(pairs_of)
FRAMES: Final = st.fixed_dictionaries(
    {},
    optional={
        "sn": st.sampled_from((SN, "")),
        "count": st.integers(-(2**70), 2**70),
        "logindex": st.one_of(INTEGERS, st.integers(-(2**70), 2**70)),
    },
).map(pairs_of)

ODD: Final = (
    *(
        "null",
        "true",
        "false",
        '"7"',
        '" 7 "',
        '"0007"',
        '"x"',
        "7.0",
        "-0",
        "-0.0",
        "1e3",
        "1.5",
        "1E400",
        "NaN",
    ),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("18446744073709551615", "18446744073709551616", "36893488147419103232", "9" * 400, "07", "+7"),
    *("[]", "{}", "[7]", '{"a":1}', "[[[[]]]]", "[" * 60 + "]" * 60, '{"enrollid":7,"time":"soon"}'),
    *(
        '""',
        '" "',
        '"\\u00a0"',
        '"\\u0000"',
        '"\\ud800"',
        '"\x01"',
        '"张"',
        '"a',
        f'"{"x" * 41}"',
        f'"{"张" * 5000}"',
    ),
    *(f'"{TIME}"', f'" {TIME}"', f'"{TIME} "', f'"{TIME}\\t"', f'"\\u3000{TIME}"', '"2026/4/2 8:15"'),
    *(f'"{SN}"', f'" {SN}"', f'"{SN.lower()}"', '"OTHER1"', '"sendlog"', '"reg"'),
)
"""Values that stand where they should not, or are written as nobody expects; some are no JSON at all."""
RECORD_KEYS: Final = (
    *("enrollid", "time", "time", "time"),
    *("enrollid", "time", "mode", "inout", "event", "temp", "image", "name", "verifymode", "note"),
    *(" time ", "time ", "Time", "enroll\\u0069d", "EnrollID", "extra", ""),
)
FRAME_KEYS: Final = (
    *("cmd", "ret", "sn", "count", "logindex", "record", "records", "log", "data", "token", "image"),
    *(" sn ", "logindex ", "log\\u0069ndex", "COUNT", "rest", "(rest)"),
)


def spoilt(kinds: Any, keys: tuple[str, ...]) -> Any:
    """Objects into which odd pairs were put, from which pairs were taken, or whose order is another."""
    changes = st.lists(
        st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from(keys), st.sampled_from(ODD)), max_size=2
    )
    return st.builds(_changed, kinds, changes, st.booleans())


def _changed(pairs: Pairs, changes: list[tuple[int, bool, str, str]], back_to_front: bool) -> Pairs:
    found = pairs[::-1] if back_to_front else list(pairs)
    for at, in_place, key, value in changes:
        found[at : at + 1 if in_place else at] = [(key, value)]
    return found


@st.composite
def odd_messages(draw: Any) -> bytes:
    """A ``sendlog`` that somewhere is not as the documents have it, or nearly so."""
    comma, colon = draw(st.sampled_from((*[(",", ":")] * 6, (", ", ": "), (",\n", " :"))))
    records = [
        written(pairs, comma, colon) for pairs in draw(st.lists(spoilt(RECORDS, RECORD_KEYS), max_size=3))
    ]
    records += draw(st.lists(st.sampled_from(ODD), max_size=1))
    frame = draw(spoilt(FRAMES, FRAME_KEYS))
    frame.insert(draw(st.integers(0, len(frame))), ("record", f"[{comma.join(records)}]"))
    frame.insert(draw(st.sampled_from((*[0] * 7, 1))), ("cmd", '"sendlog"'))
    after = draw(st.sampled_from((*[""] * 9, " ", "\n", "\0", "{}", ",")))
    message: str = written(frame, comma, colon) + after
    return message.encode("utf-8", "surrogatepass")
