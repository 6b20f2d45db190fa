"""Whole conversations in bytes: a terminal, the protocol, a link and its fleet (protocol §1)."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.gateway.raw_frames import CLOSE, PING, PONG, TEXT, close, fragments, frame, text
from tests.gateway.raw_peer import RawPeer, WireCase
from tests.gateway.stand_ins import SN, Stand
from tfserver.errors import StoreUnavailable
from tfserver.gateway.fleet import Fleet
from tfserver.store.shelf import Kept

REG = json.dumps({"cmd": "reg", "sn": SN, "devinfo": {}})
PUNCH = json.dumps(
    {
        "cmd": "sendlog",
        "sn": SN,
        "count": 1,
        "logindex": 0,
        "record": [{"enrollid": 17, "time": "2026-04-02 08:15:00", "mode": 1, "inout": 0, "event": 0}],
    }
)
PLAIN = json.dumps(json.loads(PUNCH), separators=(",", ":"))
"""The same exactly as the documents have it, which goes the short way."""


class ConversationCase(WireCase):
    """Raw bytes against links over a store that agrees to everything; ``punch`` is how a punch is written."""

    punch = PUNCH

    def setUp(self) -> None:
        """A fleet that has started."""
        super().setUp()
        self.stand = Stand()
        self.clock = self.stand.clock
        self.fleet = Fleet(self.clock, self.stand.services, self.clock.seconds)
        self.successResultOf(Deferred.fromCoroutine(self.fleet.start()))
        self.factory = self.make_factory(self.link, self.stand.settings)
        self._connections = 0

    def link(self, connection: Any) -> Any:
        """A link of the fleet, as the gateway makes it."""
        self._connections += 1
        link = self.stand.link(connection, self.fleet, f"c{self._connections}")
        self.fleet.add(link)
        return link

    def registered(self) -> RawPeer:
        """A terminal that was admitted."""
        peer = self.connected()
        peer.send(text(REG))
        self.assertTrue(self.answers(peer)[0]["result"])
        return peer

    def push(self, peer: RawPeer) -> None:
        """A terminal pushes a punch, and the turn of the reactor is over."""
        peer.send(text(self.punch))
        self.clock.advance(0)

    def answers(self, peer: RawPeer) -> list[dict[str, Any]]:
        """The messages the server sent since the last time; nothing else was sent."""
        frames = peer.frames()
        self.assertEqual({found.opcode for found in frames} - {TEXT}, set(), frames)
        return [json.loads(found.payload) for found in frames]


class TalkTests(ConversationCase):
    """Requests and answers."""

    def test_reg_and_punch(self) -> None:
        """A terminal registers and pushes a punch; the receipt is repeated, also a logindex of 0."""
        peer = self.registered()
        self.push(peer)
        [answer] = self.answers(peer)
        self.assertEqual(
            (answer["ret"], answer["result"], answer["count"], answer["logindex"]), ("sendlog", True, 1, 0)
        )

    def test_any_framing(self) -> None:
        """The same punch is taken from a binary frame, from fragments, and behind a ping."""
        for wire in (
            frame(2, self.punch.encode()),
            b"".join(fragments(self.punch.encode(), 1)),
            frame(PONG) + text(self.punch),
        ):
            peer = self.registered()
            peer.send(wire)
            self.clock.advance(0)
            self.assertTrue(json.loads(peer.frames()[-1].payload)["result"])

    def test_all_in_one_segment(self) -> None:
        """Registration and punches in one segment are answered one after another, in order."""
        peer = self.connected()
        peer.send(text(REG) + text(self.punch) + text('{"cmd":"heartbeat"}'))
        self.clock.advance(0)
        self.assertEqual([answer["ret"] for answer in self.answers(peer)], ["reg", "sendlog", "heartbeat"])

    def test_gb18030(self) -> None:
        """A name in GB18030 is not closed with 1007; it arrives as it was meant (protocol §7 #29)."""
        peer = self.registered()
        user = {
            "cmd": "senduser",
            "sn": SN,
            "enrollid": 17,
            "name": "张三丰",
            "backupnum": 11,
            "record": 4711,
        }
        peer.send(text(json.dumps(user, ensure_ascii=False).encode("gb18030")))
        self.assertTrue(self.answers(peer)[0]["result"])
        [(_, enrollid, profile, _, _)] = self.stand.users.asked("put")
        self.assertEqual((enrollid, profile.name), (17, "张三丰"))

    def test_rubbish(self) -> None:
        """Frames that are no messages get no answer; 20 of them in a row end the connection with 1008."""
        peer = self.registered()
        for _ in range(19):
            peer.send(text('{"neither":"cmd"}'))
        peer.send(text("v\0"))
        self.assertEqual(peer.frames(), [])
        peer.send(text('{"neither":"cmd"}'))
        self.assert_closed_with(peer, 1008)

    def test_store_away(self) -> None:
        """Without a store punches are refused, the connection stays, and later they are taken."""
        peer = self.registered()
        self.stand.punches.given["append"] = StoreUnavailable("away")
        self.push(peer)
        self.assertFalse(self.answers(peer)[0]["result"])
        self.stand.punches.given["append"] = Kept(1, 0, 0)
        self.push(peer)
        self.assertTrue(self.answers(peer)[0]["result"])


class EndTests(ConversationCase):
    """How conversations end on the wire."""

    def test_newest_wins(self) -> None:
        """The older connection of a terminal is closed with 1008, and the newer one works."""
        old, new = self.registered(), self.registered()
        self.assert_closed_with(old, 1008)
        old.send(close(1008))
        old.lose()
        self.push(new)
        self.assertTrue(self.answers(new)[0]["result"])
        self.assertIs(self.fleet.by_sn[SN], new.protocol._link)

    def test_drain(self) -> None:
        """Terminals are told 1001 when the server goes away."""
        peer = self.registered()
        Deferred.fromCoroutine(self.fleet.drain(10))
        self.assert_closed_with(peer, 1001)

    def test_no_reg(self) -> None:
        """A connection without a reg is closed with 1008, and the next one too."""
        for _ in range(2):
            peer = self.connected()
            for _ in range(60):
                peer.send(frame(PONG))
                self.clock.advance(1)
            self.assert_closed_with(peer, 1008)

    def test_silence(self) -> None:
        """A silent terminal is pinged; it is cut off when it does not answer."""
        peer = self.registered()
        self.clock.pump([1] * 31)
        [ping] = peer.frames()
        self.assertEqual(ping.opcode, PING)
        peer.send(frame(PONG, ping.payload))
        self.clock.pump([1] * 60)
        self.assertFalse(peer.is_closed)
        self.clock.pump([1] * 60)
        self.assertTrue(peer.is_closed)

    def test_answer_to_a_peer_that_closed(self) -> None:
        """A terminal that closes while its punches are being kept is no mistake of ours."""
        peer = self.registered()
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        self.push(peer)
        peer.send(close(1000))
        appending.callback(Kept(1, 0, 0))
        self.assertEqual([found.opcode for found in peer.frames()], [CLOSE])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_answer_after_our_close(self) -> None:
        """An answer that is ready after the connection was taken over is no mistake of ours."""
        old = self.registered()
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        self.push(old)
        self.registered()
        self.flushLoggedErrors()
        appending.callback(Kept(1, 0, 0))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_requests_after_our_close(self) -> None:
        """What a terminal sends after we closed is not acknowledged."""
        peer = self.registered()
        Deferred.fromCoroutine(self.fleet.drain(10))
        self.assert_closed_with(peer, 1001)
        self.push(peer)
        self.assertEqual(peer.frames(), [])
        self.assertEqual(self.stand.punches.calls, [])

    def test_reader_that_does_not_read(self) -> None:
        """A terminal that reads no answers is not read from until it does."""
        peer = self.registered()
        peer.transport.producer.pauseProducing()
        self.assertEqual(peer.transport.producerState, "paused")
        peer.transport.producer.resumeProducing()
        self.assertEqual(peer.transport.producerState, "producing")


class ShortTalkTests(TalkTests):
    """Requests and answers, punches by the short way."""

    punch = PLAIN

    def test_short_way(self) -> None:
        """These punches do go the short way, and are answered at the end of the turn, not before."""
        peer = self.registered()
        peer.send(text(self.punch))
        self.assertEqual((peer.frames(), self.stand.punches.calls), ([], []))
        self.assertIsNotNone(peer.protocol._link.plain)
        self.clock.advance(0)
        self.assertTrue(self.answers(peer)[0]["result"])


class ShortEndTests(EndTests):
    """How conversations end on the wire, punches by the short way."""

    punch = PLAIN
