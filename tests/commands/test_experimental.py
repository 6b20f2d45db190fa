"""Rows: off unless allowed, and made into commands like any other (protocol §5.1-§5.7)."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import PROFILE
from tfserver.commands.experimental import ANY, ROWS
from tfserver.order import Danger
from tfserver.wire import codec
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.ordering import decode
from tfserver.wire.table import table, vocabulary

ALLOWED = Profile(allow=frozenset(row.word for row in ROWS))
EXAMPLES: dict[str, Any] = {
    "enrollid": 7,
    "backupnum": 0,
    "stn": True,
    "days": 30,
    "index": 1,
    "count": 2,
    "shiftid": 1,
    "doornum": 1,
    "path": "/",
    "filename": "log.txt",
    "record": "YWJj",
    "url": "https://example.org/f",
    "md5": "0" * 32,
    "voiceindex": 1,
    "show": True,
    "verifymode": 8,
    "ctrl": 1,
}


class RowCase(SynchronousTestCase):
    """Tests that order by rows."""

    def order(self, word: str, **fields: Any) -> Command[Any]:
        """One that is right."""
        found, problems = decode(word, fields, ALLOWED)
        assert found is not None, problems
        return found

    def wrong(self, word: str, **fields: Any) -> list[str]:
        """Which fields are wrong."""
        problems: Problems = decode(word, fields, ALLOWED)[1]
        return [field for field, _ in problems]


class AllowTests(RowCase):
    """Who may send them."""

    def test_off(self) -> None:
        """Each is refused with the setting that allows it, whatever its fields are."""
        for row in ROWS:
            found, ((field, told),) = decode(row.word, {}, PROFILE)
            self.assertEqual((found, field), (None, "cmd"))
            for words in (row.word, "profiles.<name>.allow", "model_profile"):
                self.assertIn(words, told)

    def test_one_allowed(self) -> None:
        """One word is allowed at a time."""
        profile = Profile(allow=frozenset({"getdevcap"}))
        self.assertEqual(decode("getdevcap", {}, profile)[1], [])
        self.assertEqual([field for field, _ in decode("getreg", {}, profile)[1]], ["cmd"])


class MadeTests(RowCase):
    """The classes made of rows."""

    def test_each(self) -> None:
        """Every row makes a command that can be ordered and written."""
        for row in ROWS:
            fields = {name: EXAMPLES[name] for name in row.fields if name in EXAMPLES}
            order = self.order(row.word, **fields)
            self.assertEqual((order.word(), order.said("")), (row.word, fields))
            self.assertEqual((order.danger, order.admin_only), (row.danger, row.admin_only))
            self.assertIs(order.reply_type(), Reply)
            codec.encode_command(order.word(), order.said(""))

    def test_unknown_fields(self) -> None:
        """A row with known fields takes no others, a row without takes any."""
        self.assertEqual(self.wrong("getdevcap", x=1), ["x"])
        found = self.order(
            "setshift", name="early", spans=[{"from": "06:00", "to": "14:00"}], flags={"a": [1]}
        )
        expected = {"name": "early", "spans": [{"from": "06:00", "to": "14:00"}], "flags": {"a": [1]}}
        self.assertEqual(found.said(""), expected)
        for row in ROWS:
            if ANY not in row.fields:
                self.assertIn("nonsense", self.wrong(row.word, nonsense=1), row.word)

    def test_bounded(self) -> None:
        """Nothing is nested without end, and nothing of the message itself is replaced."""
        for fields in (
            {"a": [[1]]},
            {"a": {"b": {"c": 1}}},
            {"a": None},
            {"ret": "x"},
            {"sn": "ZX1"},
            {"a b": 1},
        ):
            self.assertEqual(self.wrong("setshift", **fields), list(fields))

    def test_secrets_inside(self) -> None:
        """A password is sealed at the top, and refused where it would not be."""
        order = self.order("setdepartment", password="geheim")
        self.assertEqual(order.secrets(), {"password": "geheim"})
        for value in ({"password": "geheim"}, [{"Pwd": "geheim"}]):
            ((field, told),) = decode("setdepartment", {"a": value}, ALLOWED)[1]
            self.assertEqual(field, "a")
            self.assertNotIn("geheim", told)

    def test_addresses(self) -> None:
        """One with a password is sealed at the top and shown without it; further inside it is refused."""
        address = "https://ann:geheim@example.org/f"
        for order in (self.order("setotaserver", url=address), self.order("forceota", url=address, n=1)):
            self.assertEqual(order.secrets(), {"url": address})
            self.assertEqual(order.shown()["url"], "https://***@example.org/f")
            self.assertEqual(order.said("")["url"], address)
        for value in ([address], {"to": address}, [{"to": address}]):
            ((field, told),) = decode("setdepartment", {"a": value}, ALLOWED)[1]
            self.assertEqual(field, "a")
            self.assertNotIn("geheim", told)

    def test_other_addresses(self) -> None:
        """Any other lies open as it is."""
        address = "https://example.org:8443/f?to=a:b@c"
        order = self.order("setotaserver", url=address)
        self.assertEqual((order.secrets(), order.shown()), ({}, {"url": address}))
        self.assertEqual(self.wrong("setdepartment", a=[address]), [])

    def test_people(self) -> None:
        """Nobody has the number of the unknown, and slots are those that are defined."""
        self.assertEqual(self.wrong("checkuserid", enrollid=99_999_999), ["enrollid"])
        self.assertEqual(self.wrong("canceladduser", enrollid=7, backupnum=12), ["backupnum"])

    def test_texts(self) -> None:
        """A URL and a checksum are what they are, to their last letter."""
        right = {"url": "https://example.org/f", "md5": "0" * 32}
        self.assertEqual(self.wrong("upgrade", **right), [])
        for name, wrong in (("url", "ftp://x"), ("url", "http://x\n"), ("md5", "0" * 32 + "\n"), ("md5", "")):
            self.assertEqual(self.wrong("upgrade", **{**right, name: wrong}), [name])

    def test_lockctrl(self) -> None:
        """Just one of the two spellings."""
        self.assertEqual(self.order("lockctrl", fuc=3, doornum=1).said(""), {"fuc": 3, "doornum": 1})
        self.assertEqual(self.wrong("lockctrl"), ["ctrl"])
        self.assertEqual(self.wrong("lockctrl", ctrl=1, fuc=3), ["ctrl"])
        self.assertEqual(self.wrong("lockctrl", fuc=5), ["fuc"])

    def test_subjects(self) -> None:
        """What reads has none; what is about a person, a door or everybody says so."""
        for word, fields, subject in (
            ("getdevcap", {}, ""),
            ("checkuserid", {"enrollid": 7}, ""),
            ("deleteuserface", {"enrollid": 7}, "user 7"),
            ("cleandatebase", {}, "users"),
            ("lockctrl", {"ctrl": 1}, "door"),
            ("setshift", {"a": 1}, "setshift"),
        ):
            self.assertEqual(self.order(word, **fields).subject(), subject)

    def test_reads_have_no_subject(self) -> None:
        """No row that only asks holds others up."""
        for row in ROWS:
            if row.word.startswith(("get", "check")):
                self.assertEqual((row.subject, row.danger), ("", Danger.ORDINARY), row.word)

    def test_shown(self) -> None:
        """Pictures and pieces of files in replies are told by their size."""
        for name in ("record", "image"):
            raw = codec.reply_of(codec.Frame("getfile", False, {"ret": "getfile", name: "c2VjcmV0"}))
            self.assertNotIn("c2VjcmV0", json.dumps(codec.read_reply(Reply, raw).shown()))


class BothWaysTests(SynchronousTestCase):
    """Words that both sides say."""

    def test_still_answered(self) -> None:
        """What a terminal asks under such a word is answered as before."""
        for word in ("checklive", "icecandidate", "callcancel"):
            self.assertIsNotNone(vocabulary.find(word))
            self.assertTrue(table.row_of(word) or table.type_of(word).word() == word, word)
