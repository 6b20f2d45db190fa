"""A ``sendlog`` read in one strict step is the same as one read leniently, whatever stands in it."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.both_ways import (
    EXAMPLES,
    FRAME_KEYS,
    FRAMES,
    ODD,
    RECORD_KEYS,
    RECORDS,
    TIME,
    Pairs,
    ReadingCase,
    odd_messages,
    sendlog,
    went_short,
    written,
)
from tests.commands.kept import SN
from tests.wire.conversation import Conversation, admitted, asked, sent
from tests.wire.test_codec_property import CUT, mutated
from tfserver.commands.logs import PlainLog
from tfserver.commands.records import PlainRecord
from tfserver.wire import times
from tfserver.wire.message import Response
from tfserver.wire.table import table


class AnyLogTests(ReadingCase):
    """Generated messages."""

    @EXAMPLES
    @given(st.lists(RECORDS, max_size=4), FRAMES)
    def test_plain(self, records: list[Pairs], frame: Pairs) -> None:
        """What is as the documents have it takes the short way, which leads where the long one does."""
        payload = sendlog([written(pairs) for pairs in records], *frame)
        assert table.plain is not None
        self.assertEqual(len(table.plain.decode(payload).record), len(records))
        found = self.assert_same(payload)
        self.assertEqual(sum(len(kept) for _, _, kept, _ in found.batches), len(records))
        receipt = {key: int(value) for key, value in frame if key != "sn"}
        self.assertEqual({**found.answers[0], **receipt}, found.answers[0])

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
            self.assertFalse(went_short(payload.encode(), self.desk()), payload)
            self.assert_same(payload.encode())

    def test_short_way(self) -> None:
        """What is so goes the short way: no handler is asked."""
        for payload in (
            sendlog([written(GOOD)]),
            sendlog([written(GOOD), written(GOOD[:2])], ("sn", '""'), ("count", "2"), ("logindex", "0")),
            sendlog([written(GOOD)], ("sn", f'"{SN}"')) + b"\n",
        ):
            self.assertTrue(went_short(payload, self.desk()), payload)
            self.assert_same(payload)

    def test_long_times(self) -> None:
        """A time without end is cut both ways, and none of it is remembered."""
        before = times._ordinary.cache_info().currsize
        for n in range(100):
            record = written([("enrollid", "7"), ("time", f'"{n}{"x" * 5000}"')])
            ((_, _, (kept,), _),) = self.assert_same(sendlog([record])).batches
            self.assertEqual(len(kept.time), 4096)
        self.assertEqual(times._ordinary.cache_info().currsize, before)


class ConversationTests(SynchronousTestCase):
    """The short way through a conversation."""

    def test_taken(self) -> None:
        """An admitted terminal's plain message is taken at once, its records read already."""
        taken = admitted().session.take_plain(sendlog([written(GOOD)], ("sn", f'"{SN}"')))
        assert isinstance(taken, PlainLog)
        self.assertEqual([type(record) for record in taken.record], [PlainRecord])

    def test_before_reg(self) -> None:
        """Before a ``reg``, and after one that was refused, a plain message is refused."""
        conversation = Conversation()
        take = conversation.session.take_plain
        self.assertIsNone(take(EMPTY))
        tells = conversation.says(EMPTY)
        self.assertEqual((asked(tells), sent(tells)[0]["result"]), ([], False))
        conversation.asks("reg", sn=SN)
        self.assertIsNone(take(EMPTY))
        self.assertEqual(conversation.says(EMPTY), [])
        tells = conversation.answer(Response(False))
        self.assertEqual([message["result"] for message in sent(tells)], [False, False])
        self.assertIsNone(take(EMPTY))
        self.assertEqual(asked(conversation.says(EMPTY)), [])

    def test_numbers(self) -> None:
        """Another terminal's number is refused; the own one in other letters is not."""
        conversation = admitted()
        take = conversation.session.take_plain
        other, own = sendlog([], ("sn", '"OTHER1"')), sendlog([], ("sn", f'"{SN.lower()}"'))
        self.assertEqual((take(other), take(own)), (None, None))
        tells = conversation.says(other)
        self.assertEqual((asked(tells), sent(tells)[0]["result"]), ([], False))
        self.assertEqual(asked(conversation.says(own)), ["sendlog"])

    def test_order(self) -> None:
        """A plain message overtakes nothing that waits, and nothing overtakes one."""
        conversation = admitted()
        take = conversation.session.take_plain
        conversation.asks("heartbeat")
        for n in (1, 2):
            payload = sendlog([], ("logindex", str(n)))
            self.assertIsNone(take(payload))
            self.assertEqual(conversation.says(payload), [])
        answered = [sent(conversation.answer())[0].get("logindex") for _ in range(3)]
        self.assertEqual(answered, [None, 1, 2])
        self.assertIsNotNone(take(EMPTY))
        self.assertIsNone(take(EMPTY))
        self.assertEqual((conversation.says(EMPTY), conversation.asks("heartbeat")), ([], []))
        self.assertEqual(asked(conversation.session.served()), ["sendlog"])
        self.assertEqual(asked(conversation.answer()), ["heartbeat"])

    def test_bad_frames(self) -> None:
        """A plain message is a good frame: unreadable ones are counted anew behind it."""
        conversation = admitted()
        for _ in range(3):
            for _ in range(19):
                self.assertEqual(len(conversation.says(b"{rubbish, rubbish")), 1)
            self.assertIsNotNone(conversation.session.take_plain(EMPTY))
            self.assertEqual(conversation.session.served(), [])

    def test_after_the_end(self) -> None:
        """A lost conversation takes nothing more, and has nothing more to do when it is served."""
        for payloads in ([], [EMPTY], [EMPTY] * 18):
            conversation = admitted()
            if payloads:
                self.assertIsNotNone(conversation.session.take_plain(EMPTY))
            for payload in payloads[1:]:
                conversation.says(payload)
            conversation.session.lost()
            self.assertIsNone(conversation.session.take_plain(EMPTY))
            self.assertEqual(conversation.says(EMPTY), [])
            self.assertEqual(conversation.session.served(), [])
