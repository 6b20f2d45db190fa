"""What the benchmarks' terminals say, and how their answers are checked."""

from __future__ import annotations

import json
import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import frames, messages


def unmasked(frame: bytes) -> bytes:
    """The payload of a masked frame, byte by byte as RFC 6455 says it."""
    size, at = frame[1] & 127, 2
    if size == 126:
        size, at = struct.unpack(">H", frame[2:4])[0], 4
    elif size == 127:
        size, at = struct.unpack(">Q", frame[2:10])[0], 10
    key, body = frame[at : at + 4], frame[at + 4 :]
    assert len(body) == size
    return bytes(byte ^ key[place % 4] for place, byte in enumerate(body))


class FrameTests(SynchronousTestCase):
    """Masking and splitting."""

    def test_masked(self) -> None:
        """Frames of each of the three length forms are masked as RFC 6455 says."""
        mask = frames.Mask(0xA7)
        for size in (0, 1, 3, 4, 125, 126, 65535, 65536):
            payload = bytes(place % 251 for place in range(size))
            for frame in (mask.frame(payload), mask.head(size) + mask.masked(payload)):
                self.assertEqual((frame[0], unmasked(frame)), (0x81, payload))

    def test_opcode(self) -> None:
        """A ping is a whole frame of its own kind."""
        self.assertEqual(frames.Mask(97).frame(b"", frames.PING), b"\x89\x80aaaa")

    def test_split(self) -> None:
        """Several frames at once come apart, in each of the three length forms, and half a frame waits."""
        short, medium, long = b"a" * 125, b"b" * 126, b"c" * 65536
        data = b"\x81\x7d" + short + b"\x81\x7e\x00\x7e" + medium
        data += b"\x8a\x7f" + struct.pack(">Q", 65536) + long + b"\x81\x05hal"
        found, rest = frames.split(data)
        self.assertEqual(found, [(1, short), (1, medium), (frames.PONG, long)])
        self.assertEqual(rest, b"\x81\x05hal")

    def test_split_at_each_byte(self) -> None:
        """Wherever a frame is cut, nothing is found before it is whole."""
        whole = b"\x81\x7e\x00\x7e" + b"x" * 126
        for cut in range(len(whole)):
            self.assertEqual(frames.split(whole[:cut]), ([], whole[:cut]))

    def test_odd_frames(self) -> None:
        """A fragment and a masked frame are no server's."""
        for data in (b"\x01\x01a", b"\x81\x81abcda"):
            self.assertRaises(ValueError, frames.split, data)


class MessageTests(SynchronousTestCase):
    """Records nobody has seen before, and answers that fit."""

    def said(self, records: int, number: int, now: str = "2026-04-02 08:15:00") -> dict[str, Any]:
        """The ``sendlog`` of this number, read out of its frame."""
        mask = frames.Mask(0x5C)
        sendlogs = messages.SendLogs(records, mask)
        sendlogs.tell_time("2026-04-02 08:14:59")
        sendlogs.tell_time(now)
        frame = sendlogs.frame(mask.masked(b"ZX1"), b"%d" % number)
        self.assertEqual(frame[0], 0x81)
        found: dict[str, Any] = json.loads(unmasked(frame))
        return found

    def test_records_are_unique(self) -> None:
        """No two records of a terminal agree in person and time, in one message or in several."""
        for records in (1, 3, 10, 11):
            seen = set()
            most = messages.SendLogs(records, frames.Mask(1)).most
            numbers = [*range(1, 200), most - 1, most]
            for number in numbers:
                message = self.said(records, number)
                self.assertEqual(
                    (message["cmd"], message["sn"], message["count"]), ("sendlog", "ZX1", records)
                )
                self.assertEqual((message["logindex"], len(message["record"])), (number, records))
                seen |= {(record["enrollid"], record["time"]) for record in message["record"]}
            self.assertEqual(len(seen), records * len(numbers))
            self.assertLess(max(enrollid for enrollid, _ in seen), messages.MOST_ENROLLED)
            self.assertEqual({time for _, time in seen}, {"2026-04-02 08:15:00"})

    def test_reg(self) -> None:
        """A terminal says who it is, each with its own number and identity."""
        first, second = (json.loads(messages.reg(place, "2026-04-02 08:15:00")) for place in (1, 70_000))
        self.assertEqual((first["cmd"], first["sn"]), ("reg", "ZXBM00000001"))
        for name in ("sn", "cpusn"):
            self.assertNotEqual(first[name], second[name])
        self.assertNotEqual(first["devinfo"]["mac"], second["devinfo"]["mac"])

    def test_acknowledged(self) -> None:
        """Any way to write the right reply is right; the compact one begins as expected."""
        right = {"ret": "sendlog", "result": True, "count": 10, "logindex": 7, "cloudtime": "x"}
        compact = json.dumps(right, separators=(",", ":")).encode()
        swapped = json.dumps(dict(reversed(right.items()))).encode()
        for reply in (compact, json.dumps(right).encode(), swapped):
            self.assertTrue(messages.acknowledges(reply, 10, 7), reply)
        self.assertTrue(compact.startswith(messages.acknowledgement(10, b"7")))

    def test_not_acknowledged(self) -> None:
        """Another count, index, word or result, a number for true, and no JSON are wrong."""
        right = {"ret": "sendlog", "result": True, "count": 10, "logindex": 7}
        others = [("ret", "reg"), ("result", False), ("result", 1), ("count", 1), ("logindex", 70)]
        for name, value in others:
            reply = json.dumps({**right, name: value, "cloudtime": "x"}, separators=(",", ":")).encode()
            self.assertFalse(messages.acknowledges(reply, 10, 7), reply)
            self.assertFalse(reply.startswith(messages.acknowledgement(10, b"7")), reply)
        for reply in (b"{", b"[]", b'{"ret":"sendlog","result":true,"count":10,"logindex":71,"x":0}'):
            self.assertFalse(messages.acknowledges(reply, 10, 7), reply)

    def test_admitted(self) -> None:
        """Only a positive reply to ``reg`` admits."""
        self.assertTrue(messages.admits(b'{"ret": "reg", "result": true, "cloudtime": "x"}'))
        self.assertFalse(messages.admits(b'{"ret":"reg","result":false,"reason":"full"}'))
