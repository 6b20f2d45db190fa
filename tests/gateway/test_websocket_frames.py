"""Frames, byte for byte: lengths, fragments, control frames, segments (RFC 6455 §5)."""

from __future__ import annotations

import itertools
import json

from tests.gateway.raw_frames import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Received,
    fragments,
    frame,
    length,
    text,
)
from tests.gateway.raw_peer import WireCase

HELLO = json.dumps({"cmd": "reg", "sn": "ZXDM26010042", "devinfo": {"name": "Tür 中"}}).encode()


class DataTests(WireCase):
    """Whole messages."""

    def test_text_and_binary(self) -> None:
        """A message means the same in a text frame and in a binary frame (protocol §7 #4)."""
        peer = self.connected()
        peer.send(frame(TEXT, HELLO))
        peer.send(frame(BINARY, HELLO))
        self.assert_echoed(peer, HELLO, HELLO)

    def test_our_frames(self) -> None:
        """What the server sends is one unmasked text frame without reserved bits."""
        peer = self.connected()
        peer.send(text(HELLO))
        self.assertEqual(peer.frames(), [Received(TEXT, HELLO, fin=True, rsv=0, masked=False)])

    def test_lengths(self) -> None:
        """All three forms of a length are read and written at both of their ends."""
        peer = self.connected()
        sizes = (0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 200_000)
        messages = [bytes([97 + size % 26]) * size for size in sizes]
        for message in messages:
            peer.send(text(message))
        self.assert_echoed(peer, *messages)

    def test_shortest_length_form(self) -> None:
        """Our own lengths are written with the fewest bytes (§5.2)."""
        peer = self.connected()
        for size, head in ((125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e"), (65_535, b"\x81\x7e\xff\xff")):
            peer.send(text(b"x" * size))
            self.assertEqual(peer.taken()[: len(head)], head)
        peer.send(text(b"x" * 65_536))
        self.assertEqual(peer.taken()[:10], b"\x81\x7f" + (65_536).to_bytes(8, "big"))

    def test_masks(self) -> None:
        """Every mask is undone, also one of zeros, also at lengths that are no multiple of four."""
        peer = self.connected()
        messages = [HELLO[:size] for size in range(1, 10)]
        for message, mask in itertools.product(messages, (b"\0\0\0\0", b"\xff\x00\xff\x01", b"abcd")):
            peer.send(frame(TEXT, message, mask=mask))
        self.assert_echoed(peer, *(message for message in messages for _ in range(3)))

    def test_whole_limit(self) -> None:
        """A message of exactly 4 MiB is accepted, in one frame and in fragments."""
        peer = self.connected()
        message = b"y" * (4 * 1024 * 1024)
        peer.send(text(message))
        peer.send(b"".join(fragments(message, 1024 * 1024)))
        self.assertEqual([len(found) for found in self.links[0].messages], [len(message)] * 2)
        self.assertFalse(peer.is_closed)


class SegmentTests(WireCase):
    """TCP knows no frames."""

    def test_split_everywhere(self) -> None:
        """A frame may be cut by TCP at every one of its bytes."""
        for wire, message in ((text("abcdef"), b"abcdef"), (text(b"z" * 126), b"z" * 126)):
            for at in range(1, len(wire)):
                peer = self.connected()
                peer.send(wire[:at])
                self.assertEqual(self.links[-1].messages, [])
                peer.send(wire[at:])
                self.assert_echoed(peer, message)

    def test_split_everywhere_around_a_ping(self) -> None:
        """Fragments with a ping between them may be cut by TCP at every byte."""
        first, second = fragments(b"abcd", 2)
        wire = first + frame(PING, b"pp") + second
        for at in range(1, len(wire)):
            peer = self.connected()
            peer.send(wire[:at])
            peer.send(wire[at:])
            self.assertEqual(peer.frames(), [Received(PONG, b"pp"), Received(TEXT, b"abcd")], at)

    def test_byte_by_byte(self) -> None:
        """Frames of all lengths may come byte by byte."""
        peer = self.connected()
        messages = [b"", b"a", b"b" * 125, b"c" * 126, b"d" * 300]
        for byte in b"".join(text(message) for message in messages):
            peer.send(bytes([byte]))
        self.assert_echoed(peer, *messages)

    def test_many_in_one_segment(self) -> None:
        """A segment may hold many frames, and the beginning of the next."""
        peer = self.connected()
        messages = [f"message {number}".encode() for number in range(500)]
        wire = b"".join(text(message) for message in messages)
        peer.send(wire[:-5])
        self.assertEqual(len(self.links[0].messages), 499)
        peer.send(wire[-5:])
        self.assert_echoed(peer, *messages)


class FragmentTests(WireCase):
    """Messages in several frames (§5.4)."""

    def test_one_byte_each(self) -> None:
        """A message may come in frames of one byte each."""
        peer = self.connected()
        for part in fragments(HELLO, 1):
            self.assertEqual(self.links[0].messages, [])
            peer.send(part)
        self.assert_echoed(peer, HELLO)

    def test_many(self) -> None:
        """A large message may come in many fragments, as text and as binary."""
        message = bytes(range(32, 127)) * 2000
        for opcode in (TEXT, BINARY):
            peer = self.connected()
            peer.send(b"".join(fragments(message, 97, opcode)))
            self.assert_echoed(peer, message)

    def test_empty_fragments(self) -> None:
        """Fragments may be empty: the first, those between, and the last."""
        peer = self.connected()
        parts = [
            frame(TEXT, fin=False),
            frame(CONTINUATION, fin=False),
            frame(CONTINUATION, b"abc", fin=False),
        ]
        peer.send(b"".join([*parts, frame(CONTINUATION)]))
        self.assert_echoed(peer, b"abc")

    def test_cut_character(self) -> None:
        """A character of several bytes may be cut by a fragment's end."""
        peer = self.connected()
        peer.send(b"".join(fragments("中文Ü".encode(), 1)))
        self.assert_echoed(peer, "中文Ü".encode())

    def test_control_frames_between(self) -> None:
        """A ping between fragments is answered at once and does not disturb the message."""
        peer = self.connected()
        first, second, third = fragments(b"abcdef", 2)
        peer.send(first + frame(PING, b"now"))
        self.assertEqual(peer.frames(), [Received(PONG, b"now")])
        peer.send(second + frame(PONG, b"unasked") + third)
        self.assert_echoed(peer, b"abcdef")

    def test_two_messages(self) -> None:
        """Nothing of one fragmented message is left for the next."""
        peer = self.connected()
        peer.send(b"".join(fragments(b"first", 2) + fragments(b"second", 3)) + text("third"))
        self.assert_echoed(peer, b"first", b"second", b"third")


class ControlTests(WireCase):
    """Pings and pongs (§5.5)."""

    def test_ping(self) -> None:
        """A ping is answered by a pong with the same payload, from none to 125 bytes."""
        peer = self.connected()
        for payload in (b"", b"x", bytes(range(125))):
            peer.send(frame(PING, payload))
            self.assertEqual(peer.frames(), [Received(PONG, payload)])
        self.assertEqual(self.links[0].heard_times, 3)

    def test_many_pings(self) -> None:
        """Each of many pings in one segment is answered, in order."""
        peer = self.connected()
        payloads = [f"{number}".encode() for number in range(100)]
        peer.send(b"".join(frame(PING, payload) for payload in payloads))
        self.assertEqual(peer.frames(), [Received(PONG, payload) for payload in payloads])

    def test_unsolicited_pong(self) -> None:
        """A pong that nobody asked for is a sign of life and no more (§5.5.3)."""
        peer = self.connected()
        peer.send(frame(PONG, b"hello") + frame(PONG))
        self.assertEqual(peer.frames(), [])
        self.assertEqual(self.links[0].heard_times, 2)
        peer.send(text("on"))
        self.assert_echoed(peer, b"on")


class LengthFieldTests(WireCase):
    """Lengths that are wrong (§5.2)."""

    def test_not_the_fewest_bytes(self) -> None:
        """A length told in more bytes than it needs is a protocol error."""
        for size, form in ((0, 16), (125, 16), (0, 64), (126, 64), (65_535, 64)):
            peer = self.connected()
            peer.send(frame(TEXT, b"x" * size, form=form))
            self.assert_closed_with(peer, 1002)
            self.assertEqual(self.links[-1].messages, [])

    def test_highest_bit(self) -> None:
        """A length beyond 63 bits ends the connection."""
        peer = self.connected()
        peer.send(b"\x81\xff" + (2**63 + 5).to_bytes(8, "big") + b"mask" + b"x")
        frames = peer.frames()
        self.assertIn(frames[0].code, (1002, 1009))
        self.assertEqual(self.links[-1].messages, [])

    def test_forms_used_here(self) -> None:
        """The frame builder itself writes the three forms of the RFC."""
        self.assertEqual(length(5), b"\x85")
        self.assertEqual(length(200), b"\xfe\x00\xc8")
        self.assertEqual(length(70_000), b"\xff" + (70_000).to_bytes(8, "big"))
