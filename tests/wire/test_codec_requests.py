"""From a frame to its class: lenient numbers, aliases, misplaced keys (protocol §2.1, §4.1, §7)."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from twisted.trial.unittest import SynchronousTestCase

from tfserver.commands.device import Reg
from tfserver.commands.logs import SendLog
from tfserver.commands.users import SendUser
from tfserver.wire import codec
from tfserver.wire.codec import Frame
from tfserver.wire.message import RawReply, Reply, Request, Unknown

R = TypeVar("R", bound=Request)
DEVINFO = {"modelname": "AiFace", "usersize": 3000, "time": "2026-04-02 08:15:03"}


def frame_of(message: dict[str, Any]) -> Frame:
    """A message as it is read from the wire."""
    found = codec.decode(json.dumps(message).encode())
    assert isinstance(found, Frame)
    return found


def read(kind: type[R], **message: Any) -> tuple[R, tuple[str, ...]]:
    """A request filled from a message, and what of it could not be read."""
    request, unreadable = codec.read(kind, frame_of({"cmd": kind.word(), **message}))
    assert isinstance(request, kind)
    return request, unreadable


class RegTests(SynchronousTestCase):
    """``devinfo`` wherever it stands."""

    def test_nested(self) -> None:
        """``devinfo`` as documented is kept as sent."""
        request, unreadable = read(Reg, sn="ZX1", devinfo=DEVINFO)
        self.assertEqual((request.devinfo, unreadable), (DEVINFO, ()))

    def test_flattened(self) -> None:
        """Quirk 7: keys of ``devinfo`` at the top level are found, without those of the envelope."""
        request, _ = read(Reg, sn="ZX1", cpusn="9", **DEVINFO)
        self.assertEqual(request.devinfo, DEVINFO)

    def test_partly_flattened(self) -> None:
        """Quirk 7: what stands in both places counts as it stands inside."""
        request, _ = read(Reg, sn="ZX1", devinfo={"usersize": 3000}, usersize=1, fpsize=500)
        self.assertEqual(request.devinfo, {"usersize": 3000, "fpsize": 500})

    def test_missing(self) -> None:
        """Quirk 7: a ``reg`` of its serial number alone is complete."""
        for devinfo in ({}, None, "", [], 7):
            request, unreadable = read(Reg, sn="ZX1", devinfo=devinfo)
            self.assertEqual((request.sn, request.devinfo, unreadable), ("ZX1", {}, ()))

    def test_spaces_and_nulls_inside(self) -> None:
        """Keys inside ``devinfo`` lose their spaces, and nulls count as missing."""
        request, _ = read(Reg, sn="ZX1", devinfo={" firmware ": "v6", "mac": None})
        self.assertEqual(request.devinfo, {"firmware": "v6"})

    def test_numbers_as_texts(self) -> None:
        """A processor or serial number that comes as a number is read as text."""
        request, unreadable = read(Reg, sn=12345678, cpusn=88412077, devinfo={})
        self.assertEqual((request.sn, request.cpusn, unreadable), ("12345678", "88412077", ()))


class RecordTests(SynchronousTestCase):
    """``record`` in all its forms."""

    def test_missing(self) -> None:
        """A batch whose ``record`` is missing or null is empty."""
        for message in ({}, {"record": None}, {"count": 0, "record": None}):
            self.assertEqual(read(SendLog, **message)[0].record, [])

    def test_one_object(self) -> None:
        """One object where a list is due is a list of one."""
        self.assertEqual(read(SendLog, record={"enrollid": 7})[0].record, [{"enrollid": 7}])

    def test_aliases(self) -> None:
        """Quirk 27: ``log``, ``logs``, ``records`` and ``data`` stand for ``record``."""
        for alias in ("log", "logs", "records", "data"):
            request, unreadable = read(SendLog, **{alias: [{"enrollid": 7}]})
            self.assertEqual((request.record, unreadable), ([{"enrollid": 7}], ()))

    def test_the_right_name_goes_before(self) -> None:
        """Quirk 27: an alias beside ``record`` changes nothing."""
        self.assertEqual(read(SendLog, record=[1], data=[2])[0].record, [1])

    def test_count_is_not_believed(self) -> None:
        """Quirk 10: a ``count`` that is wrong or missing leaves the list as it is."""
        for count in (0, 99, "many", None):
            self.assertEqual(
                read(SendLog, count=count, record=[{"enrollid": 7}])[0].record, [{"enrollid": 7}]
            )

    def test_reson(self) -> None:
        """Quirk 27: ``reson`` stands for ``reason``, and never hides the right one."""
        self.assertEqual(
            codec.reply_of(frame_of({"ret": "x", "result": False, "reson": 4})).fields["reason"], 4
        )
        both = codec.reply_of(frame_of({"ret": "x", "result": False, "reson": 4, "reason": 5}))
        self.assertEqual(both.fields, {"reason": 5})


class NumberTests(SynchronousTestCase):
    """Numbers as texts, and what can't be read at all."""

    def test_numbers_as_texts(self) -> None:
        """Quirk 6: numbers that come as texts are read as numbers, whatever spaces stand around them."""
        request, unreadable = read(SendUser, enrollid=7, admin=" 2 ", record="9")
        self.assertEqual((request.admin, unreadable), (2, ()))
        self.assertEqual(read(SendLog, logindex="41")[0].logindex, 41)

    def test_unreadable_number(self) -> None:
        """What is no number is named; everything else of the message is kept."""
        request, unreadable = read(SendUser, sn="ZX1", enrollid=7, name="Ines M", admin="boss", record=5)
        self.assertEqual((request.admin, unreadable), (0, ("admin",)))
        self.assertEqual((request.sn, request.name, request.record), ("ZX1", "Ines M", 5))

    def test_unreadable_optional_number(self) -> None:
        """What is no number never passes for one, also where a number may be missing."""
        for junk in ([1], {"a": 1}, "many", 1.5):
            request, unreadable = read(SendLog, logindex=junk, record=[{"enrollid": 7}])
            self.assertEqual((request.logindex, unreadable), (None, ("logindex",)))
            self.assertEqual(request.record, [{"enrollid": 7}])

    def test_number_for_a_name(self) -> None:
        """A name that is a number becomes its text."""
        self.assertEqual(read(SendUser, name=12.0)[0].name, "12")

    def test_unknown_word(self) -> None:
        """A request nobody described keeps all its fields."""
        request, _ = codec.read(Unknown, frame_of({"cmd": "dance", "sn": "ZX1", "step": 3}))
        self.assertEqual((request.sn, request.rest), ("ZX1", {"step": 3}))

    def test_rest(self) -> None:
        """Fields nobody described are kept beside those of the class (quirk 9)."""
        request, _ = read(SendUser, enrollid=7, aliasid="x", fpflag=1)
        self.assertEqual(request.rest, {"aliasid": "x", "fpflag": 1})
        request, _ = read(SendUser, enrollid="7", admin="0", aliasid="x")
        self.assertEqual(request.rest, {"aliasid": "x"})


class Volume(Reply):
    """A reply with numbers."""

    volume: int | None = None
    language: int | None = None


class ReplyTests(SynchronousTestCase):
    """Replies to our commands."""

    def reply(self, **message: Any) -> RawReply:
        """A reply as it is read from the wire."""
        return codec.reply_of(frame_of(message))

    def test_missing_result(self) -> None:
        """A reply with data and without ``result`` is a success, as that of ``gettime``."""
        reply = self.reply(ret="gettime", time="2026-04-02 09:00:00")
        self.assertEqual((reply.result, reply.fields), (True, {"time": "2026-04-02 09:00:00"}))

    def test_forms_of_result(self) -> None:
        """``result`` may be 1/0 or a text; of what is neither true nor false nobody knows what it says."""
        for value in (True, 1, "true", "TRUE ", "1"):
            self.assertIs(self.reply(ret="x", result=value).result, True, value)
        for value in (False, 0, "false", "0"):
            self.assertIs(self.reply(ret="x", result=value).result, False, value)
        for odd in ("ok", 2, [], {}):
            self.assertIsNone(self.reply(ret="x", result=odd, time="y").result, odd)

    def test_neither_result_nor_data(self) -> None:
        """A reply that has neither ``result`` nor data says nothing; a serial number is no data."""
        for more in ({}, {"sn": "ZX1"}, {"result": None}, {"result": None, "sn": "ZX1"}):
            self.assertIsNone(self.reply(ret="x", **more).result, more)
        self.assertIs(self.reply(ret="x", reason=1).result, True)

    def test_read(self) -> None:
        """A reply class is filled leniently: what can't be read keeps its default, what else came is rest."""
        raw = self.reply(ret="x", result=True, sn="ZX1", volume="7", language=[], ntp=1)
        found = codec.read_reply(Volume, raw)
        self.assertEqual((found.volume, found.language), (7, None))
        self.assertEqual(found.rest, {"sn": "ZX1", "ntp": 1})
        plain = codec.read_reply(Volume, self.reply(ret="x", volume=7, language=3))
        self.assertEqual((plain.volume, plain.language, plain.rest), (7, 3, {}))

    def test_cmd_for_ret(self) -> None:
        """Quirk 8: a reply under ``cmd`` gives the same reply."""
        reply = self.reply(cmd="getnewlog", count=0, record=[])
        self.assertEqual(reply, RawReply("getnewlog", True, {"count": 0, "record": []}))


class PictureTests(SynchronousTestCase):
    """Quirk 23."""

    def test_data_url(self) -> None:
        """Quirk 23: the ``data:`` prefix of a picture is cut off in any case and for any kind of picture."""
        for prefix in ("data:image/jpeg;base64,", "DATA:image/png;BASE64,", "data:image/x-y+z;base64,"):
            self.assertEqual(codec.without_data_url(prefix + "/9j/4AAQ=="), "/9j/4AAQ==")

    def test_without(self) -> None:
        """A picture without it, or with something else in front, is untouched."""
        for picture in ("/9j/4AAQ==", "", "data:text/plain;base64,QQ==", "x data:image/png;base64,QQ=="):
            self.assertEqual(codec.without_data_url(picture), picture)
