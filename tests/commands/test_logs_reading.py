"""Single log records: what is read leniently, what is put aside, and what never is kept (protocol §4.2)."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import MOMENT, Desk
from tfserver.commands.logs import LogRecord, SendLog, read_batch, read_record
from tfserver.wire import codec

TIME = "2026-04-02 08:15:00"
GOOD: dict[str, Any] = {"enrollid": 7, "time": TIME, "mode": 1, "inout": 0, "event": 0}
JPEG = "/9j/4AAQSkZJRgABAQEAYABgAAD" + "A" * 3000


def batch(*records: Any, **options: Any) -> Any:
    """A batch read as a handler reads it."""
    return read_batch(SendLog(record=list(records)), Desk(**options).admit().context, MOMENT)


class RecordTests(SynchronousTestCase):
    """Lenient reading."""

    def test_documented(self) -> None:
        """A documented record is read as it stands."""
        log = read_record({**GOOD, "mode": 8, "inout": 1, "event": 3, "temp": 36.5})
        self.assertEqual(log, LogRecord(7, TIME, 8, 1, 3, 36.5))

    def test_texts(self) -> None:
        """Quirk 6: numbers as texts, with spaces and leading zeros, are numbers."""
        texts = {"enrollid": "0017", " time ": f" {TIME} ", "mode": " 8", "inout": "1", "event": "2.0"}
        self.assertEqual(read_record({**texts, "temp": "36.5"}), LogRecord(17, TIME, 8, 1, 2, 36.5))

    def test_missing(self) -> None:
        """A missing or null integer is 0, a missing temperature none."""
        for more in ({}, {"mode": None, "inout": None, "event": None, "temp": None, "image": None}):
            self.assertEqual(read_record({"enrollid": 7, "time": TIME, **more}), LogRecord(7, TIME))

    def test_unreadable_integers(self) -> None:
        """An integer that can't be read is 0 and stays to be seen; the punch is kept."""
        log = read_record({**GOOD, "mode": "face", "inout": 1.5, "event": [1], "temp": "warm"})
        self.assertEqual((log.mode, log.inout, log.event, log.temp), (0, 0, 0, None))
        self.assertEqual(log.extra, {"mode": "face", "inout": 1.5, "event": [1], "temp": "warm"})

    def test_temperatures(self) -> None:
        """Quirk 24: the three scales of temperature mean the same, and 0 means none."""
        for temp in (36.5, "36.5", 365, "365", 3650):
            self.assertEqual(read_record({**GOOD, "temp": temp}).temp, 36.5)
        self.assertIsNone(read_record({**GOOD, "temp": 0}).temp)

    def test_times_that_are_none(self) -> None:
        """A time in any form is kept as it was told, also if it is no time: dates never cost a record."""
        for time in ("2026/4/2 8:15", "0000-00-00 00:00:00", "soon", 20260402, 1.5):
            self.assertEqual(read_record({"enrollid": 7, "time": time}).time, str(time))

    def test_extras(self) -> None:
        """Quirk 9: what nobody described is kept, under keys without spaces."""
        log = read_record({**GOOD, " name": "Ines M", "aliasid": "x", "note": {"msg": "a"}, "verifymode": 13})
        expected = {"name": "Ines M", "aliasid": "x", "note": {"msg": "a"}, "verifymode": 13}
        self.assertEqual(log.extra, expected)

    def test_many_extras(self) -> None:
        """Forty extras of a record are kept, no more."""
        log = read_record({**GOOD, **{f"k{n}": n for n in range(100)}})
        self.assertEqual(len(log.extra), 40)

    def test_hopeless(self) -> None:
        """What has no time or no person, or is no object, says which of it is missing."""
        for record, why in (
            ("07", "not an object"),
            (None, "not an object"),
            ([GOOD], "not an object"),
            ({"enrollid": 7}, "time: missing"),
            ({"enrollid": 7, "time": None}, "time: missing"),
            ({"enrollid": 7, "time": "  "}, "time: missing"),
            ({"enrollid": 7, "time": {"a": 1}}, "time: missing"),
            ({"enrollid": 7, "time": True}, "time: missing"),
            ({"time": TIME}, "enrollid: missing"),
            ({"time": TIME, "enrollid": None}, "enrollid: missing"),
            ({"time": TIME, "enrollid": "x"}, "enrollid: "),
            ({"time": TIME, "enrollid": 2**63}, "enrollid: beyond 64 bits"),
            ({"time": TIME, "enrollid": [7]}, "enrollid: not an integer"),
        ):
            error = self.assertRaises(ValueError, read_record, record)
            self.assertTrue(str(error).startswith(why), f"{record}: {error}")


class BatchTests(SynchronousTestCase):
    """A bad record never spoils the others."""

    def test_bad_among_good(self) -> None:
        """Good records are kept in their order, bad ones put aside with their reason and as they came."""
        bad = {"time": TIME, "mode": 1, "name": "Ines M"}
        found = batch(GOOD, bad, "junk", {**GOOD, "enrollid": 8}, None)
        self.assertEqual([log.enrollid for log in found.logs], [7, 8])
        self.assertEqual([entry.why for entry in found.bad], ["enrollid: missing", *["not an object"] * 2])
        self.assertEqual([json.loads(entry.raw) for entry in found.bad], [bad, "junk", None])

    def test_bad_image(self) -> None:
        """A bad record is put aside without its picture and with long values by their size only."""
        for key in ("image", " image "):
            found = batch({"mode": 1, key: "/9j/4AAQ", "face": JPEG})
            size = len(JPEG) + 2
            expected = {"mode": 1, "face": {"redacted": True, "bytes": size}}
            self.assertEqual(json.loads(found.bad[0].raw), expected)

    def test_bad_and_no_object(self) -> None:
        """A bad record that is a picture or a list of them is put aside by its size only."""
        for record in (JPEG, [JPEG], [{"image": JPEG}], [[JPEG]]):
            self.assertNotIn(b"/9j/", batch(record).bad[0].raw)

    def test_bad_and_long(self) -> None:
        """What is put aside is bounded and still text, wherever it had to be cut."""
        for pad in range(4):
            (entry,) = batch("x" * pad + "张" * 5000).bad
            self.assertLessEqual(len(entry.raw), 4096)
            entry.raw.decode()

    def test_deep(self) -> None:
        """A record as deep as it can be read is kept or put aside, and its neighbour is kept."""
        for depth in range(20, 1010, 9):
            for head in (f'"enrollid":8,"time":"{TIME}",', ""):
                deep = f'{{{head}"note":{"[" * depth}{"]" * depth}}}'
                frame = codec.decode(f'{{"cmd":"sendlog","record":[{json.dumps(GOOD)},{deep}]}}'.encode())
                if isinstance(frame, codec.Frame):
                    found = self._some_calls_deeper(10, frame.fields["record"])
                    self.assertEqual(found.logs[0].enrollid, 7)

    def _some_calls_deeper(self, calls: int, records: list[Any]) -> Any:
        """A handler stands deeper in the stack than the codec when it writes what it was given."""
        return self._some_calls_deeper(calls - 1, records) if calls else batch(*records)

    def test_huge_numbers(self) -> None:
        """Numbers of any length in any place never cost the batch."""
        for digits in (25, 400, 5000):
            number = "9" * digits
            for key in ("mode", "temp", "event", "k", "time", "enrollid"):
                record = {**GOOD, key: "N"}
                text = json.dumps({"cmd": "sendlog", "record": [record, GOOD]}).replace('"N"', number, 1)
                frame = codec.decode(text.encode())
                assert isinstance(frame, codec.Frame)
                self.assertEqual(batch(*frame.fields["record"]).logs[-1].enrollid, 7)

    def test_empty(self) -> None:
        """An empty batch is an empty batch."""
        self.assertEqual(batch(), ([], [], [], []))


class PictureTests(SynchronousTestCase):
    """Pictures are dropped unless somebody wants them, and never stand in the punch."""

    def _kept(self, image: Any, images: str) -> str:
        """The picture kept beside a punch that came with one."""
        (record,) = batch({**GOOD, "image": image}, punches__images=images).records
        self.assertNotIn(b"/9j/", record.body)
        self.assertNotIn(b"image", record.body)
        return str(record.picture)

    def test_dropped(self) -> None:
        """Pictures are dropped by default."""
        self.assertEqual(self._kept(JPEG, "drop"), "")

    def test_kept(self) -> None:
        """Quirk 23: a kept picture loses its ``data:`` prefix and stands beside the punch, not in it."""
        for image in (JPEG, f"data:image/jpeg;base64,{JPEG}"):
            self.assertEqual(self._kept(image, "keep"), JPEG)

    def test_no_picture(self) -> None:
        """A picture that is no text is none."""
        for image in ("", None, 0, [JPEG], {"a": JPEG}):
            self.assertEqual(self._kept(image, "keep"), "")

    def test_nothing_long(self) -> None:
        """Long values under other names stand in the punch by their size only, however they are wrapped."""
        for value in (JPEG, [JPEG], {"msg": JPEG}, [[{"image": JPEG}]]):
            (record,) = batch({**GOOD, "face": value}).records
            size = len(json.dumps(value, separators=(",", ":")))
            self.assertEqual(json.loads(record.body)["extra"], {"face": {"redacted": True, "bytes": size}})
            self.assertNotIn(b"/9j/", record.body)

    def test_pictures_by_other_names(self) -> None:
        """A small picture under ``image`` in another case or inside ``note`` stands in no punch either."""
        for more in ({"Image": "/9j/4AAQ"}, {"IMAGE": "/9j/4AAQ"}, {"note": {"image": "/9j/4AAQ"}}):
            (record,) = batch({**GOOD, **more}).records
            self.assertNotIn(b"/9j/", record.body)

    def test_long_numbers_for_integers(self) -> None:
        """A picture where a number is due stands in the punch by its size only."""
        for key in ("mode", "inout", "event", "temp"):
            (record,) = batch({**GOOD, key: JPEG}).records
            extra = json.loads(record.body)["extra"]
            self.assertEqual(extra[key], {"redacted": True, "bytes": len(JPEG) + 2})
            self.assertNotIn(b"/9j/", record.body)
