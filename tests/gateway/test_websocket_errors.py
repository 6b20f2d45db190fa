"""What a client must not do, and how connections end (RFC 6455 §5, §7)."""

from __future__ import annotations

import tracemalloc

from tests.gateway.raw_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MASK,
    PING,
    PONG,
    TEXT,
    Received,
    close,
    fragments,
    frame,
    handshake,
    length,
    masked,
    text,
)
from tests.gateway.raw_peer import RawPeer, WireCase

LIMIT = 4 * 1024 * 1024


class ProtocolErrorTests(WireCase):
    """Frames that end the connection with 1002."""

    def fails(self, wire: bytes) -> RawPeer:
        """These bytes end the connection with 1002, and no message of them arrives."""
        peer = self.connected()
        peer.send(wire)
        self.assert_closed_with(peer, 1002)
        self.assertEqual(self.links[-1].messages, [])
        return peer

    def test_unmasked(self) -> None:
        """Frames of a client are masked (§5.1)."""
        for opcode in (TEXT, BINARY, PING, CLOSE):
            self.fails(frame(opcode, b"\x03\xe8", mask=None))

    def test_reserved_bits(self) -> None:
        """No extension gives the reserved bits a meaning, one by one or together (§5.2)."""
        for rsv in range(1, 8):
            self.fails(frame(TEXT, b"x", rsv=rsv))
        self.fails(frame(PING, b"x", rsv=4))

    def test_reserved_opcodes(self) -> None:
        """Opcodes 3-7 and 11-15 mean nothing (§5.2)."""
        for opcode in (*range(3, 8), *range(11, 16)):
            self.fails(frame(opcode, b"x"))

    def test_long_control_frames(self) -> None:
        """A control frame has at most 125 bytes (§5.5)."""
        for opcode in (PING, PONG, CLOSE):
            self.fails(frame(opcode, b"\x03\xe8" + b"x" * 124))

    def test_fragmented_control_frames(self) -> None:
        """A control frame is not fragmented (§5.5)."""
        for opcode in (PING, PONG, CLOSE):
            self.fails(frame(opcode, b"\x03\xe8", fin=False))

    def test_interleaved_messages(self) -> None:
        """A new message may not begin within a fragmented one (§5.4)."""
        self.fails(frame(TEXT, b"a", fin=False) + text("b"))
        self.fails(frame(BINARY, b"a", fin=False) + frame(TEXT, b"b", fin=False))

    def test_continuation_of_nothing(self) -> None:
        """A continuation needs a message that it continues (§5.4)."""
        self.fails(frame(CONTINUATION, b"a"))
        self.fails(frame(CONTINUATION, b"a", fin=False))

    def test_nothing_is_taken_afterwards(self) -> None:
        """What comes behind a protocol error is not taken, in the same segment or later."""
        peer = self.fails(frame(TEXT, b"x", rsv=1) + text("behind"))
        peer.send(text("later") + frame(PING, b"ping"))
        self.assertEqual(self.links[0].messages, [])
        self.assertEqual(peer.taken(), b"")

    def test_connection_ends(self) -> None:
        """After a protocol error the TCP connection ends within seconds, also when the peer says no more."""
        peer = self.fails(frame(TEXT, b"x", rsv=1))
        self.clock.pump([1] * 10)
        self.assertTrue(peer.is_closed)

    def test_earlier_messages_stay(self) -> None:
        """Messages before the error in the same segment are taken and answered."""
        peer = self.connected()
        peer.send(text("good") + frame(3, b"bad"))
        frames = peer.frames()
        self.assertEqual(frames[0], Received(TEXT, b"good"))
        self.assertEqual(frames[1].code, 1002)


class CloseTests(WireCase):
    """The closing handshake (§5.5.1, §7)."""

    def test_code_is_echoed(self) -> None:
        """The code of a close frame comes back, and the server ends the TCP connection."""
        for code in (1000, 1001, 1003, 1008, 1011, 3000, 4999):
            peer = self.connected()
            peer.send(close(code, b"bye"))
            self.assert_closed_with(peer, code)
            self.assertTrue(peer.is_closed)

    def test_invalid_codes(self) -> None:
        """A code that must not be sent is answered with 1002 (§7.4)."""
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535):
            peer = self.connected()
            peer.send(close(code))
            self.assert_closed_with(peer, 1002)

    def test_invalid_code_does_not_throw_the_answer_away(self) -> None:
        """The connection is not aborted with our close frame still in its buffer."""
        peer = self.connected()
        peer.send(close(1005))
        self.assertFalse(peer.transport.disconnected, "aborted: TCP drops what was not sent yet")

    def test_without_code(self) -> None:
        """A close frame without a code is answered by one without a code, or with 1000."""
        peer = self.connected()
        peer.send(close())
        [answer] = peer.frames()
        self.assertEqual(answer.opcode, CLOSE)
        self.assertIn(answer.code, (None, 1000))
        self.assertTrue(peer.is_closed)

    def test_half_a_code(self) -> None:
        """A close frame with a single byte is a protocol error."""
        peer = self.connected()
        peer.send(frame(CLOSE, b"\x03"))
        self.assert_closed_with(peer, 1002)

    def test_reason_that_is_no_text(self) -> None:
        """A reason that is not UTF-8 ends the connection with 1007 (§5.5.1)."""
        peer = self.connected()
        peer.send(close(1000, b"\xff\xfe"))
        self.assert_closed_with(peer, 1007)

    def test_data_behind_a_close_frame(self) -> None:
        """What comes behind a close frame is ignored, in the same segment or later."""
        peer = self.connected()
        peer.send(close(1000) + text("behind") + frame(PING))
        peer.send(text("later"))
        self.assertEqual(self.links[0].messages, [])
        self.assertEqual(len(peer.frames()), 1)

    def test_close_within_a_message(self) -> None:
        """A close frame between fragments closes; the half message is forgotten."""
        peer = self.connected()
        peer.send(frame(TEXT, b"half", fin=False) + close(1000))
        self.assert_closed_with(peer, 1000)
        self.assertEqual(self.links[0].messages, [])

    def test_our_codes(self) -> None:
        """The server closes with 1001, 1008 and 1011, which Autobahn's own ``sendClose`` refuses."""
        for code in (1000, 1001, 1008, 1011):
            peer = self.connected()
            peer.protocol.sendClose(code, "why")
            self.assertEqual(peer.frames(), [Received(CLOSE, code.to_bytes(2, "big") + b"why")])

    def test_our_close_is_answered(self) -> None:
        """When the peer answers our close frame, the server ends the TCP connection at once."""
        peer = self.connected()
        peer.protocol.sendClose(1001, "server is going away")
        peer.taken()
        self.assertFalse(peer.is_closed)
        peer.send(close(1001))
        self.assertTrue(peer.is_closed)
        self.assertEqual(peer.taken(), b"")

    def test_our_close_is_not_answered(self) -> None:
        """A peer that never answers our close frame is cut off after a few seconds."""
        peer = self.connected()
        peer.protocol.sendClose(1001, "server is going away")
        self.clock.pump([1] * 10)
        self.assertTrue(peer.is_closed)

    def test_lost_without_a_close_frame(self) -> None:
        """The link learns that the connection is gone, however it went."""
        peer = self.connected()
        peer.lose()
        self.assertTrue(self.links[0].is_lost)

    def test_mistake_of_ours(self) -> None:
        """An exception while a message is handled ends that connection with 1011 and is logged."""
        peer = self.connected()
        self.links[0].received = lambda _: 1 / 0  # type: ignore[method-assign,assignment]
        peer.send(text("x"))
        self.assert_closed_with(peer, 1011)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_mistake_at_the_opening(self) -> None:
        """An exception while a connection opens ends it with 1011, and later frames do no more harm."""
        peer = self.dial(factory=self.make_factory(lambda _: 1 / 0))
        peer.send(handshake())
        answer = peer.taken().partition(b"\r\n\r\n")[2]
        self.assertEqual(answer[2:4], (1011).to_bytes(2, "big"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class SizeTests(WireCase):
    """Messages beyond 4 MiB."""

    def flooded(self, peer: RawPeer, head: bytes, megabytes: int = 24) -> int:
        """Send this head and then the same segment over and over; how many bytes stayed in memory."""
        segment = b"x" * 65_536
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            peer.send(head)
            for _ in range(megabytes * 16):
                if peer.is_closed:
                    break
                peer.send(segment)
            return tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()

    def test_one_frame(self) -> None:
        """A frame that announces more than 4 MiB is refused with 1009 before its payload comes."""
        peer = self.connected()
        peer.send(b"\x81" + length(LIMIT + 1) + MASK)
        self.assert_closed_with(peer, 1009)

    def test_fragments(self) -> None:
        """A message that grows beyond 4 MiB by its fragments is refused with 1009."""
        peer = self.connected()
        for part in fragments(b"x" * (LIMIT + 1), 512 * 1024):
            peer.send(part)
        self.assert_closed_with(peer, 1009)
        self.assertEqual(self.links[0].messages, [])

    def test_huge_frame_is_not_kept(self) -> None:
        """The payload of a refused frame is thrown away as it comes."""
        peer = self.connected()
        kept = self.flooded(peer, b"\x81" + length(1 << 40) + MASK)
        self.assertLess(kept, LIMIT)
        self.assert_closed_with(peer, 1009)

    def test_huge_control_frame_is_not_kept(self) -> None:
        """The payload of a control frame that is far too long is thrown away as it comes."""
        peer = self.connected()
        kept = self.flooded(peer, bytes([0x80 | PING]) + length(1 << 40) + MASK)
        self.assertLess(kept, LIMIT)
        self.assert_closed_with(peer, 1002)

    def test_half_a_message_is_all_that_is_kept(self) -> None:
        """A message that never ends is kept up to 4 MiB and no further."""
        peer = self.connected()
        part = frame(CONTINUATION, b"x" * 65_000, fin=False)
        tracemalloc.start()
        try:
            peer.send(frame(TEXT, b"{", fin=False))
            for _ in range(300):
                peer.send(part)
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        self.assertLess(kept, 2 * LIMIT)
        self.assert_closed_with(peer, 1009)

    def test_others_live_on(self) -> None:
        """One connection's error is no other's."""
        good, bad = self.connected(), self.connected()
        bad.send(b"\x81" + length(LIMIT + 1) + masked(b"", MASK))
        good.send(text("still here"))
        self.assertEqual(good.frames(), [Received(TEXT, b"still here")])


class TextTests(WireCase):
    """Text that is no UTF-8 (protocol §7 #29)."""

    def test_invalid_text_is_not_closed(self) -> None:
        """Bytes that are no UTF-8 in a text frame reach the codec as they came."""
        peer = self.connected()
        for payload in ("门".encode("gb18030"), b"\xff\xfe\xfd", b"\xc3", b"\xed\xa0\x80"):
            peer.send(text(payload))
        self.assertEqual(len(self.links[0].messages), 4)
        self.assertEqual(self.links[0].messages[0], b"\xc3\xc5")
        self.assertFalse(peer.is_closed)
        self.assertEqual({found.opcode for found in peer.frames()}, {TEXT})
