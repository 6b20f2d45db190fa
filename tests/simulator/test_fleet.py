"""Many terminals on one ticker, with connections and time made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.tiny_server import good_answer
from tfserver.simulator.fleet import HANDSHAKE, Fleet, Listener
from tfserver.simulator.making import Plan, make_terminals
from tfserver.simulator.moods import read_moods
from tfserver.simulator.report import Report


class Wire:
    """A connection that exists only here; with ``answer`` it is also the server behind it."""

    def __init__(self, listener: Listener, answer: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        self.listener = listener
        self.answer = answer
        self.sent: list[dict[str, Any]] = []
        self.pings = 0
        self.ended = ""

    def open(self) -> None:
        """The handshake is over."""
        self.listener.opened(self)

    def send(self, payload: bytes) -> None:
        """The terminal says something and gets its answer."""
        message = json.loads(payload)
        self.sent.append(message)
        answer = self.answer(message) if "cmd" in message else None
        if answer is not None:
            self.listener.received(json.dumps(answer).encode())

    def ping(self) -> None:
        """A heartbeat, answered."""
        self.pings += 1
        self.listener.heard()

    def close(self) -> None:
        """A polite end."""
        self.end("closed")

    def abort(self) -> None:
        """A rude end."""
        self.end("aborted")

    def end(self, why: str) -> None:
        """The connection is gone."""
        self.ended = why
        self.listener.closed(why)


class FleetCase(SynchronousTestCase):
    """Makes a fleet whose connections are opened by `tick`."""

    def setUp(self) -> None:
        """Time begins at 1000."""
        self.clock = Clock()
        self.clock.advance(1000)
        self.wires: list[Wire] = []
        self.report = Report()
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = good_answer
        self.given_up = 0

    def dial(self, listener: Listener) -> Callable[[], None]:
        """A connection that opens when the test says so."""
        wire = Wire(listener, lambda message: self.answer(message))
        self.wires.append(wire)

        def give_up() -> None:
            self.given_up += 1
            wire.end("given up")

        return give_up

    def made_fleet(self, handshakes: int = 50, **plan: Any) -> Fleet:
        """A fleet that is not started."""
        terminals = make_terminals(Plan(dialect="documented", **plan), self.clock.seconds(), 0, Random(1))
        return Fleet(terminals, self.dial, self.clock, Random(1), self.report, handshakes)

    def fleet(self, handshakes: int = 50, **plan: Any) -> Fleet:
        """A fleet that is started but not connected."""
        fleet = self.made_fleet(handshakes, **plan)
        fleet.start()
        return fleet

    def open_all(self) -> None:
        """Open every connection that was dialled and is not open."""
        for wire in self.wires:
            if not wire.sent and not wire.ended:
                wire.open()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps of a tick."""
        self.clock.pump([0.01] * round(seconds * 100))


class ConnectingTests(FleetCase):
    """How the terminals come and come back."""

    def test_everybody_registers(self) -> None:
        """All terminals connect, with serial numbers of their own."""
        fleet = self.fleet(terminals=3)
        self.open_all()
        self.assertEqual({wire.sent[0]["sn"] for wire in self.wires}, {f"SIMT0000000{n}" for n in (1, 2, 3)})
        self.assertEqual(fleet.standing()["online"], 3)

    def test_few_at_a_time(self) -> None:
        """Not more connections are being opened than allowed."""
        self.fleet(handshakes=2, terminals=5)
        self.pass_time(0.1)
        self.assertEqual(len(self.wires), 2)
        self.open_all()
        self.pass_time(0.1)
        self.assertEqual(len(self.wires), 4)

    def test_handshake_has_an_end(self) -> None:
        """A connection that does not open is given up and tried again."""
        self.fleet()
        self.pass_time(HANDSHAKE + 1)
        self.assertEqual((self.given_up, len(self.wires)), (1, 2))

    def test_reconnect_with_the_same_batch(self) -> None:
        """After a lost connection the terminal comes back soon, with what was not acknowledged."""
        self.answer = lambda message: good_answer(message) if message["cmd"] == "reg" else None
        fleet = self.fleet(backlog=3)
        self.open_all()
        self.wires[0].end("cable cut")
        self.pass_time(1)
        self.answer = good_answer
        self.open_all()
        self.assertEqual(self.wires[1].sent[1], self.wires[0].sent[1])
        self.assertTrue(fleet.settled)
        figures = self.report.figures(fleet.standing(), 1)
        self.assertEqual([figures[key] for key in ("sent", "resent", "acked", "lost")], [3, 3, 3, 1])

    def test_backoff_grows(self) -> None:
        """A server that cannot be reached is tried ever less often, down to every 5 to 7.5 seconds."""
        self.fleet()
        for _ in range(60):
            if not self.wires[-1].ended:
                self.wires[-1].end("refused")
            self.pass_time(1)
        self.assertTrue(10 <= len(self.wires) <= 15, len(self.wires))

    def test_refused_and_closed(self) -> None:
        """A server that refuses and closes is left alone for 5 seconds; the refused one stays counted."""
        self.answer = lambda message: {"ret": "reg", "result": False, "reason": "no"}
        fleet = self.fleet()
        self.open_all()
        self.wires[0].end("closed by server")
        self.pass_time(4.9)
        self.assertEqual((len(self.wires), fleet.standing()["refused"]), (1, 1))
        self.pass_time(0.2)
        self.assertEqual(len(self.wires), 2)

    def test_silent_server(self) -> None:
        """A batch that is not answered in 20 seconds makes the terminal cut the connection."""
        self.answer = lambda message: good_answer(message) if message["cmd"] == "reg" else None
        self.fleet(backlog=3)
        self.open_all()
        self.pass_time(19)
        self.assertEqual(self.wires[0].ended, "")
        self.pass_time(2)
        self.assertEqual(self.wires[0].ended, "aborted")

    def test_rubbish(self) -> None:
        """What is no JSON object is counted and changes nothing."""
        fleet = self.fleet()
        self.open_all()
        for payload in (b"", b"[1]", b"{", b"\xff"):
            self.wires[0].listener.received(payload)
        self.assertEqual(self.report.complaints["message is not a JSON object"], 4)
        self.assertEqual(fleet.standing()["online"], 1)

    def test_heartbeat(self) -> None:
        """Each terminal pings every 3 seconds."""
        self.fleet(terminals=4)
        self.open_all()
        self.pass_time(31)
        for wire in self.wires:
            self.assertTrue(7 <= wire.pings <= 10, wire.pings)


class AwayTests(FleetCase):
    """Terminals without network."""

    def test_away(self) -> None:
        """They lose their connections and open none until they return; they punch meanwhile."""
        fleet = self.fleet(terminals=2)
        self.pass_time(0.1)
        self.open_all()
        fleet.leave_or_return()
        fleet.rate = 10
        self.assertEqual([wire.ended for wire in self.wires], ["aborted"] * 2)
        self.pass_time(20)
        self.assertEqual((len(self.wires), fleet.standing()["waiting"] > 0), (2, True))
        fleet.leave_or_return()
        self.pass_time(0.1)
        self.assertEqual(len(self.wires), 4)

    def test_while_dialling(self) -> None:
        """A connection that is being opened is given up."""
        fleet = self.fleet()
        self.pass_time(0.1)
        fleet.leave_or_return()
        self.pass_time(20)
        self.assertEqual((self.given_up, len(self.wires)), (1, 1))


class MoodTests(FleetCase):
    """What moods do to a connection."""

    def command(self, wire: Wire, **message: Any) -> list[dict[str, Any]]:
        """Send a command, and what the terminal has said since."""
        before = len(wire.sent)
        wire.listener.received(json.dumps(message).encode())
        return wire.sent[before:]

    def test_late(self) -> None:
        """The answer comes after so many seconds, to a tick, and what was done is counted at once."""
        self.fleet(moods=read_moods("late=0.5:opendoor"))
        self.open_all()
        self.assertEqual(self.command(self.wires[0], cmd="opendoor")[0]["cmd"], "sendlog")
        self.assertEqual(self.report.obeyed, {"opendoor": 1})
        self.pass_time(0.48)
        self.assertNotIn("ret", self.wires[0].sent[-1])
        self.pass_time(0.03)
        self.assertEqual(self.wires[0].sent[-1]["ret"], "opendoor")

    def test_late_answers_overtake(self) -> None:
        """Answers come in the order in which they are due, not in which they were asked for."""
        self.fleet(moods=read_moods("late=2:gettime,late=1:getdevinfo"))
        self.open_all()
        for word in ("gettime", "getdevinfo"):
            self.command(self.wires[0], cmd=word)
        self.pass_time(3)
        self.assertEqual([message["ret"] for message in self.wires[0].sent[1:]], ["getdevinfo", "gettime"])

    def test_late_dies_with_the_connection(self) -> None:
        """A late answer is never given on the next connection."""
        self.fleet(moods=read_moods("late=3:gettime"))
        self.open_all()
        self.command(self.wires[0], cmd="gettime")
        self.wires[0].end("cable cut")
        self.pass_time(1)
        self.open_all()
        self.pass_time(5)
        self.assertEqual([message.get("ret") for wire in self.wires for message in wire.sent], [None, None])

    def test_drops(self) -> None:
        """The connection is cut, and the terminal comes back."""
        self.fleet(moods=read_moods("drops:setdevinfo"))
        self.open_all()
        self.assertEqual(self.command(self.wires[0], cmd="setdevinfo", volume=7), [])
        self.assertEqual(self.wires[0].ended, "aborted")
        self.pass_time(1)
        self.open_all()
        self.assertEqual(self.wires[1].sent[0]["cmd"], "reg")

    def test_rubbish(self) -> None:
        """What is unreadable goes out as it is."""
        fleet = self.fleet(moods=read_moods("rubbish:gettime"))
        self.open_all()
        sent: list[bytes] = []
        self.patch(self.wires[0], "send", sent.append)
        fleet.members[0].received(b'{"cmd":"gettime"}')
        self.assertEqual(len(sent), 1)
        self.assertRaises(ValueError, json.loads, sent[0])


class PunchingTests(FleetCase):
    """The rate."""

    def test_rate(self) -> None:
        """So many punches a second over all terminals together, evenly over them, all different."""
        fleet = self.fleet(terminals=4)
        self.open_all()
        fleet.rate = 40
        self.pass_time(10)
        made = [len(member.terminal.memory.logs) for member in fleet.members]
        self.assertTrue(399 <= sum(made) <= 400, made)
        self.assertTrue(max(made) - min(made) <= 1, made)
        self.assertTrue(fleet.settled)
        sent = [
            json.dumps(log) + wire.sent[0]["sn"]
            for wire in self.wires
            for m in wire.sent[1:]
            for log in m["record"]
        ]
        self.assertEqual(len(set(sent)), sum(made))

    def test_repeatable(self) -> None:
        """The same seed makes the same fleet and punches."""
        runs = []
        for _ in range(2):
            self.setUp()
            fleet = self.fleet(terminals=2, backlog=5)
            self.open_all()
            fleet.rate = 10
            self.pass_time(3)
            runs.append([wire.sent for wire in self.wires])
        self.assertEqual(runs[0], runs[1])

    def test_enrolments(self) -> None:
        """New people are pushed at their own rate."""
        fleet = self.fleet(terminals=2)
        self.open_all()
        fleet.enrol_rate = 2
        self.pass_time(5.1)
        self.assertEqual(self.report.counts["users_acked"], 10)

    def test_punches_while_offline(self) -> None:
        """People punch also without connection; all comes with the next one."""
        fleet = self.fleet()
        fleet.rate = 5
        self.pass_time(2.1)
        self.assertEqual(fleet.standing()["waiting"], 10)
        self.open_all()
        self.assertTrue(fleet.settled)


class StopTests(FleetCase):
    """The end."""

    def test_stop(self) -> None:
        """All connections are closed politely, attempts given up, and no time is kept any more."""
        fleet = self.fleet(terminals=3)
        self.wires[0].open()
        self.wires[1].open()
        self.successResultOf(fleet.stop())
        self.assertEqual([wire.ended for wire in self.wires], ["closed", "closed", "given up"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stubborn_server(self) -> None:
        """A server that does not finish the closing handshake is cut off after two seconds."""
        fleet = self.fleet()
        self.open_all()
        self.patch(self.wires[0], "close", lambda: None)
        stopped = fleet.stop()
        self.pass_time(1.9)
        self.assertNoResult(stopped)
        self.pass_time(0.2)
        self.successResultOf(stopped)
        self.assertEqual(self.wires[0].ended, "aborted")
