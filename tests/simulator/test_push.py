"""What terminals push, and when a push counts as acknowledged."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, Scripted, acknowledged, admitted, asked, said, terminal_of
from tests.simulator.tiny_server import CLOUDTIME, good_answer
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, OLDEST
from tfserver.simulator.tells import Complaint, Drop, LogsAcked, LogsSent, Rejected, UserAcked
from tfserver.simulator.terminal import Terminal

YES = {"ret": "reg", "result": True, "cloudtime": CLOUDTIME, "nosenduser": False}


def begun(backlog: int = 5, batch: int = 2, **plan: Any) -> tuple[Terminal, dict[str, Any]]:
    """A terminal that has just sent the first batch of its backlog, and that message."""
    terminal = terminal_of(backlog=backlog, batch=batch, **plan)
    terminal.opened(NOW)
    (message,) = said(terminal.received(YES, NOW))
    return terminal, message


class SendlogTests(SynchronousTestCase):
    """Batches of logs (protocol §4.2)."""

    def test_shape(self) -> None:
        """The message has the documented fields; the first ``logindex`` is 0."""
        _, message = begun()
        self.assertEqual(list(message), ["cmd", "sn", "count", "logindex", "record"])
        self.assertEqual((message["count"], message["logindex"], len(message["record"])), (2, 0, 2))
        self.assertEqual(list(message["record"][0]), ["enrollid", "time", "mode", "inout", "event"])

    def test_one_after_the_other(self) -> None:
        """The next batch comes only after the acknowledgement, with the next position."""
        terminal, message = begun()
        self.assertEqual(said(terminal.punch(NOW, Random(1))), [])
        told = terminal.received(good_answer(message) or {}, NOW + 0.25)
        (acked,) = [tell for tell in told if isinstance(tell, LogsAcked)]
        self.assertEqual((acked.sn, len(acked.logs), acked.waited), ("ZXDM00000001", 2, 0.25))
        self.assertEqual([following["logindex"] for following in said(told)], [2])
        self.assertIn(LogsSent(2, 1), told)

    def test_only_an_exact_echo_counts(self) -> None:
        """Without the same ``count`` and ``logindex`` nothing is acknowledged, and the batch comes again."""
        good: dict[str, Any] = {"ret": "sendlog", "result": True, "count": 2, "logindex": 0}
        for change in (
            {"count": 1},
            {"logindex": 1},
            {"count": None},
            {"logindex": None},
            {"logindex": False},
        ):
            terminal, message = begun()
            answer = {key: value for key, value in {**good, **change}.items() if value is not None}
            told = terminal.received(answer, NOW)
            self.assertEqual([type(tell) for tell in told], [Complaint])
            self.assertEqual(terminal.memory.logs.waiting, 5)
            self.assertEqual(said(terminal.tick(NOW + 2)), [message])

    def test_false_is_sent_again(self) -> None:
        """After ``result:false`` the same batch comes again, two seconds later."""
        terminal, message = begun()
        refusal = {"ret": "sendlog", "result": False, "reason": 1}
        self.assertEqual(terminal.received(refusal, NOW), [Rejected("sendlog", "1")])
        self.assertEqual(said(terminal.tick(NOW + 1.9)), [])
        told = terminal.tick(NOW + 2)
        self.assertEqual(said(told), [message])
        self.assertIn(LogsSent(2, 2), told)

    def test_silence(self) -> None:
        """Without an answer for 20 seconds the terminal drops the connection."""
        terminal, _ = begun()
        terminal.heard(NOW + 10)
        self.assertNotIn(Drop("sendlog not answered in 20 s"), terminal.tick(NOW + 19.9))
        self.assertIn(Drop("sendlog not answered in 20 s"), terminal.tick(NOW + 20))

    def test_same_batch_after_reconnect(self) -> None:
        """A lost connection brings the very same batch again, also when more logs have come meanwhile."""
        terminal, message = begun(backlog=1)
        terminal.punch(NOW, Random(1))
        terminal.lost()
        terminal.opened(NOW + 3)
        told = terminal.received(YES, NOW + 3)
        self.assertEqual(said(told), [message])
        self.assertIn(LogsSent(1, 2), told)

    def test_to_the_end(self) -> None:
        """A backlog is acknowledged batch by batch until the terminal is settled."""
        terminal, message = begun()
        told = terminal.received(good_answer(message) or {}, NOW)
        self.assertFalse(terminal.settled)
        while said(told):
            told = acknowledged(terminal, told)
        self.assertTrue(terminal.settled)

    def test_cleared_batch(self) -> None:
        """Logs erased by ``cleanlog`` are not sent again; positions begin at 0."""
        terminal, _ = begun()
        asked(terminal, {"cmd": "cleanlog"})
        terminal.received({"ret": "sendlog", "result": False, "reason": 1}, NOW)
        self.assertEqual(said(terminal.tick(NOW + 2)), [])
        (message,) = said(terminal.punch(NOW + 3, Random(1)))
        self.assertEqual((message["logindex"], message["count"]), (0, 1))
        self.assertEqual(terminal.memory.logs.erased, 5)

    def test_late_ack_of_a_cleared_batch(self) -> None:
        """An acknowledgement for logs that were erased meanwhile moves no pointer."""
        terminal, message = begun()
        asked(terminal, {"cmd": "cleanlog"})
        terminal.punch(NOW, Random(1))
        told = terminal.received(good_answer(message) or {}, NOW)
        self.assertEqual([len(tell.logs) for tell in told if isinstance(tell, LogsAcked)], [2])
        self.assertEqual((terminal.memory.logs.waiting, terminal.memory.logs.erased), (1, 3))


class DialectTests(SynchronousTestCase):
    """The differences of ``sendlog`` (protocol §1.6, §4.2)."""

    def test_serial_number_and_position(self) -> None:
        """Lower case in classic logs; neither ``sn`` nor ``logindex`` in the oldest."""
        expected = ((CLASSIC, "zxdm00000001", 0), (DOCUMENTED, "ZXDM00000001", 0), (OLDEST, None, None))
        for dialect, sn, logindex in expected:
            (message,) = said(admitted(dialect).punch(NOW, Random(1)))
            self.assertEqual((message.get("sn"), message.get("logindex")), (sn, logindex))

    def test_oldest_needs_no_position_back(self) -> None:
        """What was not sent need not be echoed."""
        terminal = admitted(OLDEST)
        terminal.punch(NOW, Random(1))
        terminal.received({"ret": "sendlog", "result": True, "count": 1}, NOW)
        self.assertTrue(terminal.settled)

    def test_aiface_record(self) -> None:
        """AiFace adds name, text id and note; every fourth person's live punch brings a picture."""
        terminal = admitted(AIFACE, users=8)
        pictures = 0
        for _ in range(8):
            told = terminal.punch(NOW, Random(1))
            (record,) = said(told)[0]["record"]
            self.assertEqual(record["aliasid"], str(record["enrollid"]))
            self.assertEqual(record["note"], {})
            pictures += record.get("image", "").startswith("/9j/")
            acknowledged(terminal, told)
        self.assertEqual(pictures, 2)

    def test_no_picture_in_backlog(self) -> None:
        """An old log has no picture, whoever it is."""
        terminal = terminal_of(AIFACE, backlog=40, batch=1, users=4)
        terminal.opened(NOW)
        told = terminal.received({**YES, "nosenduser": True}, NOW)
        while said(told):
            self.assertNotIn("image", said(told)[0]["record"][0])
            told = acknowledged(terminal, told)
        self.assertTrue(terminal.settled)


class SenduserTests(SynchronousTestCase):
    """New people (protocol §4.3)."""

    def test_enrolment(self) -> None:
        """A new person is pushed once, and again until it is acknowledged."""
        terminal = admitted()
        terminal.users.allowed = True
        (message,) = said(terminal.enrol(NOW))
        self.assertEqual(list(message), ["cmd", "sn", "enrollid", "name", "backupnum", "admin", "record"])
        self.assertEqual((message["cmd"], message["enrollid"], message["backupnum"]), ("senduser", 6, 0))
        terminal.received({"ret": "senduser", "result": False, "reason": 1}, NOW)
        self.assertEqual(said(terminal.tick(NOW + 2)), [message])
        told = terminal.received({"ret": "senduser", "result": True}, NOW + 2)
        self.assertEqual(told, [UserAcked()])
        self.assertTrue(terminal.settled)

    def test_aiface_pushes_each_credential(self) -> None:
        """All credentials come after reg, one by one, with the extras of AiFace."""
        terminal = terminal_of(AIFACE, users=3)
        terminal.opened(NOW)
        told, seen = terminal.received(YES, NOW), []
        while said(told):
            (message,) = said(told)
            seen.append((message["enrollid"], message["backupnum"], message["aliasid"], message["enable"]))
            told = acknowledged(terminal, told)
        self.assertEqual(seen, [(1, 50, "1", 1), (2, 50, "2", 1), (3, 50, "3", 1), (3, 11, "3", 1)])
        self.assertEqual(terminal.users.waiting, 0)

    def test_deleted_before_pushed(self) -> None:
        """A person that was deleted again is not pushed."""
        terminal = terminal_of(users=1)
        terminal.enrol(NOW)
        asked(terminal, {"cmd": "deleteuser", "enrollid": 2, "backupnum": 13})
        terminal.opened(NOW)
        self.assertEqual(said(terminal.received(YES, NOW)), [])
        self.assertTrue(terminal.settled)

    def test_forbidden(self) -> None:
        """With ``nosenduser`` new people stay at the terminal, and nobody waits for them."""
        terminal = admitted()
        self.assertEqual(said(terminal.enrol(NOW)), [])
        self.assertTrue(terminal.settled)


class PunchTests(SynchronousTestCase):
    """No two logs of a terminal are the same (protocol §4.2)."""

    def test_unique_within_a_second(self) -> None:
        """When everybody has punched in a second, the next punch is a second later."""
        terminal = terminal_of(users=3)
        for _ in range(7):
            terminal.memory.punch(NOW, {"fp": 1}, Scripted())  # type: ignore[arg-type]
        logs = terminal.memory.logs.everything()
        self.assertEqual([log.enrollid for log in logs], [1, 2, 3, 1, 2, 3, 1])
        self.assertEqual([log.second - logs[0].second for log in logs], [0, 0, 0, 1, 1, 1, 2])

    def test_unique_after_the_clock_went_back(self) -> None:
        """Also when ``cloudtime`` repeats an hour, and after ``cleanlog``."""
        terminal = admitted(users=4)
        seen = set()
        for turn in range(4):
            terminal.received({**YES, "cloudtime": CLOUDTIME}, NOW + turn)
            for _ in range(50):
                terminal.punch(NOW + turn, Random(7))
            seen.update(terminal.memory.logs.everything())
            asked(terminal, {"cmd": "cleanlog"})
        self.assertEqual(len(seen), 200)

    def test_repeatable(self) -> None:
        """The same seed makes the same punches."""
        made = []
        for _ in range(2):
            terminal, random = admitted(), Random(3)
            for _ in range(20):
                terminal.punch(NOW, random)
            made.append(terminal.memory.logs.everything())
        self.assertEqual(made[0], made[1])

    def test_nobody_can(self) -> None:
        """Nobody punches at a disabled or empty terminal, nor does a disabled person."""
        terminal = admitted(users=1)
        asked(terminal, {"cmd": "disabledevice"})
        self.assertIsNone(terminal.punch(NOW, Random(1)))
        asked(terminal, {"cmd": "enabledevice"})
        asked(terminal, {"cmd": "enableuser", "enrollid": 1, "enflag": 0})
        self.assertIsNone(terminal.punch(NOW, Random(1)))
        asked(terminal, {"cmd": "enableuser", "enrollid": 1, "enflag": 1})
        self.assertIsNotNone(terminal.punch(NOW, Random(1)))
        asked(terminal, {"cmd": "cleanuser"})
        self.assertIsNone(terminal.punch(NOW, Random(1)))
