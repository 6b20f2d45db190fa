"""Frames made to hurt: deep, large, and slow to mend. Reading them never raises and never takes seconds."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from tfserver.wire import codec
from tfserver.wire.codec import Frame, Rubbish
from tfserver.wire.message import Response
from tfserver.wire.table import table

assert tfserver.commands, "fills the handler table"

MOST_CPU_SECONDS = 5.0
"""Far more than any of these takes when the work grows with the size, far less than when with its square."""


def in_list(depth: int, inner: bytes = b"") -> bytes:
    """Lists in lists."""
    return b"[" * depth + inner + b"]" * depth


def in_objects(depth: int) -> bytes:
    """Objects in objects."""
    return b'{"a":' * depth + b"1" + b"}" * depth


class AbuseTests(SynchronousTestCase):
    """What a broken or hostile terminal may send before anybody knows it."""

    def decode(self, payload: bytes) -> Frame | Rubbish | codec.Noise:
        """Read within the time."""
        began = time.process_time()
        found = codec.decode(payload)
        self.assertLess(time.process_time() - began, MOST_CPU_SECONDS)
        return found

    def test_deep_nesting(self) -> None:
        """Nesting of any depth is read or put aside; it never ends in an exception."""
        for depth in (39, 40, 41, 500, *range(900, 1010, 5), 20_000, 100_000):
            for inner in (in_list(depth), in_objects(depth), in_list(depth, b'"\\ud800"'), b"[" * depth):
                for tail in (b"}", b",}"):
                    found = self.decode(b'{"cmd":"x","a":' + inner + tail)
                    self.assertIsInstance(found, Frame | Rubbish)

    def test_deep_requests(self) -> None:
        """A request as deep as can be read is also filled into its class, and written again."""
        for depth in range(20, 1010, 7):
            for word, key in (("reg", "devinfo"), ("sendlog", "record"), ("senduser", "record"), ("x", "y")):
                frame = codec.decode(f'{{"cmd":"{word}","{key}":'.encode() + in_objects(depth) + b"}")
                if isinstance(frame, Frame):
                    request, _ = codec.read(table.type_of(word), frame)
                    _ten_calls_deeper(10, request)

    def test_shallow_nesting_stays(self) -> None:
        """Nesting that firmware really uses is untouched, also when the frame had to be mended."""
        for tail in (b"}", b",}"):
            found = self.decode(b'{"cmd":"x","a":' + in_objects(20) + tail)
            assert isinstance(found, Frame)
            self.assertEqual(msgspec.json.encode(found.fields["a"]), in_objects(20))

    def test_exact_depth(self) -> None:
        """Nesting is cut at its bound and not before, in lists and objects, wherever in a page it stands."""
        for depth in range(codec.MAX_DEPTH - 3, codec.MAX_DEPTH + 4):
            for nested in (in_list(depth, b'"["'), in_objects(depth)):
                page = b",".join([b'{"enrollid":1}'] * 60 + [nested] + [b"{}"] * 60)
                found = self.decode(b'{"ret":"x","record":[' + page + b"]}")
                assert isinstance(found, Frame)
                kept = msgspec.json.encode(found.fields["record"]) == b"[" + page + b"]"
                # the page and its list are two more
                self.assertEqual(kept, depth + 2 <= codec.MAX_DEPTH, depth)

    def test_brackets_in_texts(self) -> None:
        """What only looks nested is not touched."""
        text = "[{" * codec.MAX_DEPTH
        for value in (text, [text], {text: text}):
            found = self.decode(msgspec.json.encode({"ret": "x", "a": value}))
            assert isinstance(found, Frame)
            self.assertEqual(found.fields["a"], value)
        self.assertIsInstance(self.decode(msgspec.json.encode(text)), Rubbish)

    def test_megabyte_photo(self) -> None:
        """A frame of a megabyte with a photo in it is read, clean or not."""
        photo = b"/9j/" * 262_144
        for tail in (b'"}', b'",}', b'"} \x00', b'","sn":"\xd5\xc5"}'):
            found = self.decode(b'{"cmd":"sendlog","image":"' + photo + tail)
            assert isinstance(found, Frame)
            self.assertEqual(found.fields["image"], photo.decode())

    def test_megabyte_of_records(self) -> None:
        """A megabyte of small records with a comma behind the last is read."""
        record = b'{"enrollid":7,"time":"2026-04-02 08:16:10","mode":1},'
        found = self.decode(b'{"cmd":"sendlog","record":[' + record * 20_000 + b"]}")
        assert isinstance(found, Frame)
        self.assertEqual(len(found.fields["record"]), 20_000)

    def test_slow_to_mend(self) -> None:
        """Quotes without an end, commas, backslashes, spaces and braces: mending grows with the size only."""
        patterns: tuple[tuple[bytes, int], ...] = (
            *((b'\\"', 60_000), (b'"', 120_000), (b' "', 60_000), (b"\\", 120_000)),
            *((b",", 120_000), (b", ", 60_000), (b"{", 120_000), (b"[1,", 40_000)),
            *((b"," + b" " * 3000, 40), (b'","', 40_000), (b'{"a":"', 20_000), (b"\xff", 120_000)),
        )
        for start in (b'{"cmd":"x","a":', b'{"cmd":"x","a":"', b""):
            for pattern, times in patterns:
                self.decode(start + pattern * times)

    def test_too_many_parts(self) -> None:
        """Millions of empty parts, and names without end that have to be mended, are put aside unread: each
        costs more than the bytes that it takes."""
        size = codec.MOST_PARTS + 1
        for part in (b"{},", b"[],", b'{"a":1e999999},', b'{"a":"\\ud800"},'):
            found = self.decode(b'{"cmd":"sendlog","record":[' + part * size + b"{}]}")
            assert isinstance(found, Rubbish)
            self.assertEqual(found.why, "too many parts")
        names = b",".join(b'"k%d":1' % n for n in range(codec.MOST_MENDED_QUOTES // 2))
        found = self.decode(b'{"cmd":"sendlog",' + names + b",}")
        assert isinstance(found, Rubbish)
        self.assertEqual(found.why, "too much to mend")

    def test_odd_values(self) -> None:
        """Numbers of millions of digits, those beyond all floats, doubled names, halves of letters and NUL
        are read as something that can be written again."""
        values = (b"9" * 1_000_000, b"1." + b"9" * 1_000_000, b"1e999999", b"-1e999999", b"1e-999999", b"-0")
        values += (b"1e308", b'"\\u0000"', b'"\x00"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"')
        for value in values:
            for tail in (b"}", b",}"):
                found = self.decode(b'{"cmd":"sendlog","count":' + value + b',"a":' + value + tail)
                assert isinstance(found, Frame), value[:20]
                request, _ = codec.read(table.type_of("sendlog"), found)
                _ten_calls_deeper(1, request)
        found = self.decode(b'{"cmd":"x",' + b'"sn":"a",' * 100_000 + b'"sn":"b"}')
        assert isinstance(found, Frame)
        self.assertEqual(found.fields["sn"], "b")

    def test_slow_data_url(self) -> None:
        """Looking for a ``data:`` prefix costs nothing on a large picture without one."""
        picture = "data:image/" * 100_000
        self.assertEqual(codec.without_data_url(picture), picture)


def _ten_calls_deeper(calls: int, request: Any) -> None:
    """A handler stands deeper in the stack than the codec when it writes what it was given."""
    if calls:
        return _ten_calls_deeper(calls - 1, request)
    codec.encode_response("x", Response(fields=msgspec.structs.asdict(request)), {}, None)
    return None
