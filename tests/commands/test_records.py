"""A ``sendlog`` read in one strict step is the same as one read leniently, whatever stands in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import SN, Desk
from tests.wire.conversation import Conversation, admitted, asked, sent
from tests.wire.test_codec_property import CUT, mutated
from tfserver.commands.logs import SendLog
from tfserver.commands.records import PlainRecord
from tfserver.store.punches import Bad, Record
from tfserver.wire import times
from tfserver.wire.message import Response, Unknown
from tfserver.wire.session import Ask, Note, Send, Session
from tfserver.wire.table import HandlerTable, table

EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=400)
TIME: Final = "2026-04-02 08:15:04"
Pairs = list[tuple[str, str]]
"""An object of JSON: its keys, perhaps some of them twice, and their values as they are written."""


def lenient_table() -> HandlerTable:
    """The table of the house without any shortcut."""
    found = HandlerTable()
    for word in table.words():
        kind, row = table.type_of(word), table.row_of(word)
        if row is not None:
            found.row(row)
        elif kind is not Unknown:
            found.handles(kind)(table.handler_of(kind()))
    return found


LENIENT: Final = lenient_table()


class Outcome(NamedTuple):
    """What became of a message: what was noted, answered and kept."""

    notes: list[Note]
    answers: list[bytes]
    batches: list[tuple[str, int | None, list[Record], list[Bad]]]
    clocks: list[Any]


class ReadingCase(SynchronousTestCase):
    """Messages of an admitted terminal, read by either table."""

    def outcome(self, words: HandlerTable, payload: bytes) -> Outcome:
        """What becomes of one message."""
        desk, session = Desk().admit(), Session(words, 0.0)
        session.receive(json.dumps({"cmd": "reg", "sn": SN}).encode(), 0.0)
        session.answer(Response(), 0.0, TIME)
        tells = session.receive(payload, 0.0)
        for ask in [tell for tell in tells if isinstance(tell, Ask)]:
            handled = words.handler_of(ask.request)(ask.request, desk.context)
            tells = tells + session.answer(
                self.successResultOf(Deferred.fromCoroutine(handled)), 0.0, desk.context.cloudtime()
            )
        return Outcome(
            [tell for tell in tells if isinstance(tell, Note)],
            [tell.payload for tell in tells if isinstance(tell, Send)],
            desk.punches.batches,
            desk.terminals.clocks,
        )

    def assert_same(self, payload: bytes) -> Outcome:
        """Both ways lead to the same; what that is."""
        found = self.outcome(table, payload)
        self.assertEqual(found, self.outcome(LENIENT, payload))
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


class AnyLogTests(ReadingCase):
    """Generated messages."""

    @EXAMPLES
    @given(st.lists(RECORDS, max_size=4), FRAMES)
    def test_plain(self, records: list[Pairs], frame: Pairs) -> None:
        """What is as the documents have it takes the short way, which leads where the long one does."""
        payload = sendlog([written(pairs) for pairs in records], *frame)
        told = table.read_plain(payload)
        assert told is not None
        self.assertIsInstance(told[0], SendLog)
        found = self.assert_same(payload)
        self.assertEqual(sum(len(kept) for _, _, kept, _ in found.batches), len(records))
        receipt = {key: int(value) for key, value in frame if key != "sn"}
        self.assertEqual({**json.loads(found.answers[0]), **receipt}, json.loads(found.answers[0]))

    @EXAMPLES
    @given(odd_messages())
    def test_odd(self, payload: bytes) -> None:
        """What is not so leads to the same as well, whichever way it takes."""
        self.assert_same(payload)

    @EXAMPLES
    @given(st.lists(RECORDS, min_size=1, max_size=2), FRAMES, st.lists(CUT, min_size=1, max_size=3))
    def test_mutated(self, records: list[Pairs], frame: Pairs, cuts: list[tuple[int, int, bytes]]) -> None:
        """So does a plain message with bytes cut out and put in behind its beginning."""
        payload = sendlog([written(pairs) for pairs in records], *frame)
        head = len(b'{"cmd":"sendlog",')
        self.assert_same(payload[:head] + mutated(payload[head:], cuts))


GOOD: Final[Pairs] = [("enrollid", "7"), ("time", f'"{TIME}"'), ("mode", "1"), ("inout", "0"), ("event", "0")]
EMPTY: Final = sendlog([])


class OddLogTests(ReadingCase):
    """Each oddity by itself."""

    def test_values(self) -> None:
        """Every odd value in every place of a record leads to the same both ways."""
        for at, (key, _) in enumerate(GOOD):
            for value in ODD:
                short = [pair for pair in GOOD[:2] if pair[0] != key]
                for record in ([*GOOD[:at], (key, value), *GOOD[at + 1 :]], [*short, (key, value)]):
                    self.assert_same(sendlog([written(record)], ("sn", f'"{SN}"'), ("logindex", "0")))

    def test_receipts(self) -> None:
        """Every odd value as a number, receipt or list of records leads to the same both ways."""
        for key in ("sn", "count", "logindex", "record", "cmd"):
            for value in ODD:
                self.assert_same(sendlog([written(GOOD)], (key, value)))
                self.assert_same(sendlog([written(GOOD)], ("count", "1"), ("logindex", "0"), (key, value)))

    def test_twice(self) -> None:
        """Of a key that comes twice the last counts both ways, also if it can't be read."""
        for key, _ in GOOD:
            for value in ("9", '"9"', "null", '"2026-04-02 09:00:00"', '""'):
                for record in ([*GOOD, (key, value)], [(key, value), *GOOD]):
                    self.assert_same(sendlog([written(record)], ("count", "1")))

    def test_keys(self) -> None:
        """Keys in any spelling and beyond those described lead to the same both ways."""
        for key in RECORD_KEYS:
            self.assert_same(sendlog([written([*GOOD, (key, "7")]), written(GOOD)]))
        for key in FRAME_KEYS:
            self.assert_same(sendlog([written(GOOD)], (key, "7")))

    def test_long_way(self) -> None:
        """What is not as the documents have it is never read strictly."""
        good = written(GOOD)
        for payload in (
            f'{{"sn":"{SN}","cmd":"sendlog","record":[{good}]}}',
            f'{{"cmd": "sendlog","record":[{good}]}}',
            f'{{"cmd":"sendlog","record":[{good}],"name":"x"}}',
            f'{{"cmd":"sendlog","record":[{good}],"count":1.0}}',
            f'{{"cmd":"sendlog","record":[{good}],"logindex":"1"}}',
            f'{{"cmd":"sendlog","record":[{good}],"cmd":"reg"}}',
            f'{{"cmd":"sendlog","record":{good}}}',
            '{"cmd":"sendlog","count":0}',
            *(
                f'{{"cmd":"sendlog","record":[{written([*GOOD, pair])}]}}'
                for pair in (("temp", "0"), ("image", '""'))
            ),
            *(
                f'{{"cmd":"sendlog","record":[{good},{{"enrollid":7,"time":{time}}}]}}'
                for time in (
                    '""',
                    '" "',
                    f'" {TIME}"',
                    f'"{TIME}\\u00a0"',
                    f'"{"x" * 41}"',
                    "null",
                    "20260402",
                )
            ),
        ):
            self.assertIsNone(table.read_plain(payload.encode()), payload)
            self.assert_same(payload.encode())

    def test_long_times(self) -> None:
        """A time without end is cut both ways, and none of it is remembered."""
        before = times.told("2026-04-02 08:15:00"), times._told.cache_info().currsize
        for n in range(100):
            record = written([("enrollid", "7"), ("time", f'"{n}{"x" * 5000}"')])
            ((_, _, (kept,), _),) = self.assert_same(sendlog([record])).batches
            self.assertEqual(len(kept.time), 4096)
        self.assertEqual((times.told("2026-04-02 08:15:00"), times._told.cache_info().currsize), before)


class ConversationTests(SynchronousTestCase):
    """The short way through a conversation."""

    def test_taken(self) -> None:
        """An admitted terminal's plain message is asked at once, its records read already."""
        [ask] = admitted().says(sendlog([written(GOOD)], ("sn", f'"{SN}"')))
        assert isinstance(ask, Ask)
        self.assertEqual([type(record) for record in ask.request.record], [PlainRecord])  # type: ignore[attr-defined]

    def test_before_reg(self) -> None:
        """Before a ``reg``, and after one that was refused, a plain message is refused."""
        conversation = Conversation()
        tells = conversation.says(EMPTY)
        self.assertEqual((asked(tells), sent(tells)[0]["result"]), ([], False))
        conversation.asks("reg", sn=SN)
        self.assertEqual(conversation.says(EMPTY), [])
        tells = conversation.answer(Response(False))
        self.assertEqual([message["result"] for message in sent(tells)], [False, False])
        self.assertEqual(asked(conversation.says(EMPTY)), [])

    def test_numbers(self) -> None:
        """Another terminal's number is refused; the own one in other letters is not."""
        conversation = admitted()
        tells = conversation.says(sendlog([], ("sn", '"OTHER1"')))
        self.assertEqual((asked(tells), sent(tells)[0]["result"]), ([], False))
        self.assertEqual(asked(conversation.says(sendlog([], ("sn", f'"{SN.lower()}"')))), ["sendlog"])

    def test_order(self) -> None:
        """A plain message overtakes nothing that waits."""
        conversation = admitted()
        conversation.asks("heartbeat")
        for n in (1, 2):
            self.assertEqual(conversation.says(sendlog([], ("logindex", str(n)))), [])
        answered = [sent(conversation.answer())[0].get("logindex") for _ in range(3)]
        self.assertEqual(answered, [None, 1, 2])

    def test_bad_frames(self) -> None:
        """A plain message is a good frame: unreadable ones are counted anew behind it."""
        conversation = admitted()
        for _ in range(3):
            for _ in range(19):
                self.assertEqual(len(conversation.says(b"{rubbish, rubbish")), 1)
            conversation.says(EMPTY)
            conversation.answer()

    def test_after_the_end(self) -> None:
        """A lost conversation takes nothing more."""
        conversation = admitted()
        conversation.session.lost()
        self.assertEqual(conversation.says(EMPTY), [])
