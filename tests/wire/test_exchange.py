"""One command in flight: every transition, and which reply is its own (protocol §1.3, §1.4)."""

from __future__ import annotations

import math
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.wire.exchanging import WITHIN, asking, ends, is_cut, reply, said, strays, timed_out
from tfserver.wire import exchange as exchange_module
from tfserver.wire.exchange import (
    FENCE_SECONDS,
    FENCES,
    STAGES,
    Asking,
    Cue,
    Cut,
    End,
    Exchange,
    Finished,
    Say,
    Stage,
)


class Walked(dict[Any, Any]):
    """A table that remembers which of its rows were looked up."""

    def __init__(self, rows: dict[Any, Any]) -> None:
        super().__init__(rows)
        self.seen: set[Any] = set()

    def __getitem__(self, row: Any) -> Any:
        self.seen.add(row)
        return super().__getitem__(row)


def _asked() -> Exchange:
    found = Exchange()
    found.submit(asking(), 0.0)
    return found


def _fenced() -> Exchange:
    found, now = timed_out("opendoor")
    found.submit(asking(), now)
    return found


DRIVEN: dict[Cue, Any] = {
    Cue.SUBMITTED: lambda exchange: exchange.submit(asking("gettime"), 100.0),
    Cue.SUBMITTED_LATE: lambda exchange: exchange.submit(asking(), 100.0),
    Cue.FENCE_HELD: lambda exchange: exchange.receive(reply(FENCES[0], result=True), 30.0),
    Cue.REPLIED: lambda exchange: exchange.receive(reply(result=True), 10.0),
    Cue.SILENCE: lambda exchange: exchange.tick(1000.0),
    Cue.UNSAID: lambda exchange: exchange.unsaid(),
    Cue.LOST: lambda exchange: exchange.lost(),
}
PLACED: dict[Stage, Any] = {
    Stage.FREE: lambda: timed_out("opendoor")[0],
    Stage.FENCED: _fenced,
    Stage.ASKED: _asked,
}


class StagesTests(SynchronousTestCase):
    """The table of stages."""

    def test_every_row(self) -> None:
        """Each row of the table is walked, and leads where it says; none is left out."""
        walked = Walked(STAGES)
        for (stage, cue), following in STAGES.items():
            exchange = PLACED[stage]()
            self.assertIs(exchange.stage, stage)
            watched = self.patch(exchange_module, "STAGES", walked)
            DRIVEN[cue](exchange)
            watched.restore()
            self.assertIs(exchange.stage, following, (stage, cue))
        self.assertEqual(walked.seen, set(STAGES))

    def test_nothing_leaves_the_end(self) -> None:
        """After the loss of the connection nothing happens any more."""
        exchange = Exchange()
        exchange.lost()
        self.assertEqual(exchange.lost(), [])
        self.assertEqual(exchange.tick(1e9), [])
        self.assertFalse(exchange.is_free)
        self.assertEqual(strays(exchange.receive(reply(), 0.0)), [("stray reply", "opendoor")])
        self.assertNotIn(Stage.OVER, {stage for stage, _ in STAGES})

    def test_one_in_flight(self) -> None:
        """While a command or its fence is said no other can be given."""
        for exchange in (_asked(), _fenced()):
            self.assertFalse(exchange.is_free)
            self.assertRaises(KeyError, exchange.submit, asking("gettime"), 0.0)


class SaidTests(SynchronousTestCase):
    """What is written."""

    def test_as_given(self) -> None:
        """A command is said as it is, until the moment it names; what cuts is said at once."""
        given = Asking("reboot", b"payload", 5.0, until=7.0)
        self.assertEqual(Exchange().submit(given, 0.0), [Say(b"payload", 7.0, False)])
        door = Asking("opendoor", b"door", 5.0, until=7.0, cuts=True)
        self.assertEqual(Exchange().submit(door, 0.0), [Say(b"door", 7.0, True)])

    def test_replied(self) -> None:
        """The reply ends the exchange, and the next command can be given."""
        exchange = _asked()
        [finished] = exchange.receive(reply(result=True, sn="X"), 1.0)
        assert isinstance(finished, Finished) and finished.reply is not None
        self.assertEqual((finished.end, finished.reply.result), (End.REPLIED, True))
        self.assertEqual(finished.reply.fields, {"sn": "X"})
        self.assertEqual(said(exchange.submit(asking(), 2.0)), ["opendoor"])

    def test_refusal_is_a_reply(self) -> None:
        """A refusal ends the exchange as any other reply."""
        [finished] = _asked().receive(reply(result=False, reason=1), 1.0)
        assert isinstance(finished, Finished) and finished.reply is not None
        self.assertEqual((finished.end, finished.reply.result), (End.REPLIED, False))

    def test_deadline(self) -> None:
        """It is given up when its seconds are over, not a moment before, and only once."""
        exchange = _asked()
        self.assertEqual(exchange.tick(math.nextafter(WITHIN, 0)), [])
        self.assertEqual(exchange.tick(WITHIN), [Finished(End.SILENT)])
        self.assertEqual(exchange.tick(1e9), [])

    def test_nothing_of_the_last_one_is_left(self) -> None:
        """The deadline of a command that was answered does not end the next one."""
        exchange = _asked()
        exchange.receive(reply(result=True), 19.0)
        exchange.submit(asking("gettime"), 19.5)
        self.assertEqual(exchange.tick(20.0), [])
        self.assertEqual(ends(exchange.tick(39.5)), [End.SILENT])

    def test_door_without_answer_cuts(self) -> None:
        """What cuts ends the connection before its end is told: nothing is written after it."""
        exchange = Exchange()
        exchange.submit(asking(cuts=True, within=5.0), 0.0)
        steps = exchange.tick(5.0)
        self.assertEqual([type(step) for step in steps], [Cut, Finished])
        self.assertEqual(ends(steps), [End.SILENT])

    def test_door_with_answer(self) -> None:
        """What cuts and is answered ends nothing."""
        exchange = Exchange()
        exchange.submit(asking(cuts=True, within=5.0), 0.0)
        self.assertFalse(is_cut(exchange.receive(reply(result=True), 4.9)))
        self.assertEqual(exchange.tick(1e9), [])


class UnsaidTests(SynchronousTestCase):
    """What was not written, and what was lost."""

    def test_too_late_at_the_write(self) -> None:
        """What could not be written any more was certainly not sent, and no late reply of it is awaited."""
        exchange = _asked()
        self.assertEqual(exchange.unsaid(), [Finished(End.UNSENT)])
        self.assertEqual(exchange.tick(1e9), [])
        self.assertEqual(said(exchange.submit(asking(), 1.0)), ["opendoor"])

    def test_too_late_behind_the_fence(self) -> None:
        """A command whose fence took too long was certainly not sent."""
        exchange = _fenced()
        [say] = exchange.receive(reply(FENCES[0], result=True), 30.0)
        self.assertIsInstance(say, Say)
        self.assertEqual(exchange.unsaid(), [Finished(End.UNSENT)])
        self.assertTrue(exchange.is_free)

    def test_fence_not_written(self) -> None:
        """A command whose fence could not be written was not sent, and the word stays in doubt."""
        exchange = _fenced()
        self.assertEqual(exchange.unsaid(), [Finished(End.UNSENT)])
        self.assertEqual(said(exchange.submit(asking(), 40.0)), [FENCES[0]])

    def test_lost(self) -> None:
        """A lost connection: nothing to tell when free, certainly not sent behind a fence, else lost."""
        self.assertEqual(Exchange().lost(), [])
        self.assertEqual(timed_out("opendoor")[0].lost(), [])
        self.assertEqual(_fenced().lost(), [Finished(End.UNSENT)])
        self.assertEqual(_asked().lost(), [Finished(End.LOST)])

    def test_lost_behind_the_fence(self) -> None:
        """Once its fence is answered a command counts as sent."""
        exchange = _fenced()
        exchange.receive(reply(FENCES[0], result=True), 30.0)
        self.assertEqual(exchange.lost(), [Finished(End.LOST)])

    def test_fence_says_until_when(self) -> None:
        """Neither fence nor command may be written after the command's own end."""
        exchange, now = timed_out("opendoor")
        [fence] = exchange.submit(asking(until=33.0, cuts=True), now)
        [command] = exchange.receive(reply(FENCES[0]), now + 1)
        assert isinstance(fence, Say) and isinstance(command, Say)
        self.assertEqual((fence.until, command.until, command.at_once), (33.0, 33.0, True))

    def test_fence_is_given_its_time(self) -> None:
        """The fence and the command have their seconds one after the other."""
        exchange, now = timed_out("opendoor")
        exchange.submit(asking(), now)
        held = now + FENCE_SECONDS - 0.1
        self.assertEqual(exchange.tick(held), [])
        exchange.receive(reply(FENCES[0]), held)
        self.assertEqual(exchange.tick(held + WITHIN - 0.1), [])
        self.assertEqual(ends(exchange.tick(held + WITHIN)), [End.SILENT])


class MatchingTests(SynchronousTestCase):
    """Whether a reply is the one that is due."""

    def ends_with(self, command: Asking, frame: Any) -> bool:
        """Whether this reply ends this command; if not, it stays in flight."""
        exchange = Exchange()
        exchange.submit(command, 0.0)
        steps = exchange.receive(frame, 1.0)
        self.assertEqual(exchange.is_free, ends(steps) == [End.REPLIED])
        self.assertEqual(bool(strays(steps)), not exchange.is_free)
        return exchange.is_free

    def test_by_word(self) -> None:
        """A reply under another word is not the one, whatever it says."""
        self.assertTrue(self.ends_with(asking(), reply("opendoor", result=True)))
        self.assertFalse(self.ends_with(asking(), reply("gettime", result=True)))
        self.assertFalse(self.ends_with(asking("getdevlock"), reply("setdevlock", result=False)))

    def test_spaces(self) -> None:
        """Spaces around the word are nothing (protocol §1.3)."""
        self.assertTrue(self.ends_with(asking("getuserinfo"), reply(" getuserinfo ", result=True)))

    def test_aliases(self) -> None:
        """A reply under a word that firmware says by mistake is the one."""
        command = asking("getdevlock", aliases=("setdevlock",))
        self.assertTrue(self.ends_with(command, reply("getdevlock", result=True)))
        self.assertTrue(self.ends_with(command, reply("setdevlock", result=False)))

    def test_echo(self) -> None:
        """A reply about another person or slot is not the one; what is not repeated contradicts nothing."""
        command = asking("setuserinfo", echo={"enrollid": 7, "backupnum": 50})
        for fields in (
            {},
            {"enrollid": 7},
            {"enrollid": 7, "backupnum": 50},
            {"enrollid": "7", "backupnum": " 050 "},
            {"enrollid": None},
            {"enrollid": "seven"},
            {"enrollid": {"x": 1}},
        ):
            self.assertTrue(self.ends_with(command, reply("setuserinfo", result=True, **fields)), fields)
        for fields in (
            {"enrollid": 8},
            {"enrollid": "8"},
            {"enrollid": 7, "backupnum": 11},
            {"backupnum": 0},
        ):
            self.assertFalse(self.ends_with(command, reply("setuserinfo", result=True, **fields)), fields)

    def test_contradiction_is_named(self) -> None:
        """What is odd about a reply that is not the one is told, and the right one still ends it."""
        exchange = Exchange()
        exchange.submit(asking("setuserinfo", echo={"enrollid": 7}), 0.0)
        found = strays(exchange.receive(reply("setuserinfo", result=True, enrollid=8), 1.0))
        self.assertEqual(found, [("reply about somebody else", "setuserinfo")])
        self.assertEqual(
            ends(exchange.receive(reply("setuserinfo", result=True, enrollid=7), 2.0)), [End.REPLIED]
        )

    def test_unreadable_result(self) -> None:
        """A reply whose result can't be read is the reply all the same: nobody knows what it says."""
        exchange = _asked()
        [finished] = exchange.receive(reply(result="perhaps"), 1.0)
        assert isinstance(finished, Finished) and finished.reply is not None
        self.assertEqual((finished.end, finished.reply.result), (End.REPLIED, None))

    def test_nobody_waits(self) -> None:
        """A reply while nothing is in flight is noted and no more."""
        exchange = Exchange()
        self.assertEqual(strays(exchange.receive(reply(), 0.0)), [("stray reply", "opendoor")])
        self.assertTrue(exchange.is_free)
