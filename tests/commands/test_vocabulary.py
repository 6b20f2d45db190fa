"""The whole vocabulary: every sample of the protocol page, danger by danger, and what a new command takes."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from docs import command_page
from tests.commands.decided import PROFILE, problems
from tests.wire.test_samples import FROM_TERMINALS, samples
from tfserver.order import Danger
from tfserver.wire import codec
from tfserver.wire.expectation import description
from tfserver.wire.message import Command, Reply
from tfserver.wire.ordering import MORE, decode, restored
from tfserver.wire.table import vocabulary


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


ROOT: Final = Path(__file__).parents[2]
CLOUDTIME: Final = "2026-04-02 12:05:00"
CORE: Final = words(
    """getuserlist getuserinfo setuserinfo deleteuser getusername setusername enableuser cleanuser cleanadmin
    setuserprofile getuserprofile adduser getnewlog getalllog cleanlog settime gettime getdevinfo setdevinfo
    reboot initsys opendoor getdevlock setdevlock getuserlock setuserlock deleteuserlock cleanuserlock
    getholiday setholiday getquestionnaire setquestionnaire"""
)
"""Every command that protocol §5 marks as core."""
EXPERIMENTAL: Final = words(
    """getallusers checkregstatus canceladduser getuserids getunuserdid checkuserid deleteuserface
    cleaninactiveuser cleanlogphoto getdevcap checklive getreg initmenu cleandatebase lockctrl getdoorstatus
    deleteholiday cleanholiday getshift setshift getbelltime setbelltime getdir getfile writefile upgrade
    forceota setotaserver getotaserver setscreensaver setvoice keypad setcompanyname getcompanyname
    setdepartment getdepartment cleanquestionnaire verify enablewebrtc callaccept viewready answer
    icecandidate callcancel talklock monitorcall setviselection"""
)
"""Every other one of protocol §5 that is not said to be left alone."""
ADDED: Final = {"stn", "count", "cloudtime"}
"""What is not ordered but said: for pages, before lists, for the clock."""


def kind_of(word: str) -> type[Command[Any]]:
    """The class of a word."""
    found = vocabulary.find(word)
    assert found is not None, word
    return found


class WordTests(SynchronousTestCase):
    """Which commands there are."""

    def test_words(self) -> None:
        """All of protocol §5 are here, core ones and others told apart, and nothing else."""
        core = {kind.word() for kind in vocabulary if kind.core}
        self.assertEqual(core, CORE | {"enabledevice", "disabledevice"})
        self.assertEqual({kind.word() for kind in vocabulary if not kind.core}, EXPERIMENTAL)

    def test_every_module_is_found(self) -> None:
        """A new file in the folder is imported with it, without being named anywhere."""
        told = "import sys, tfserver.commands; print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
        )
        modules = pkgutil.iter_modules(tfserver.commands.__path__, "tfserver.commands.")
        self.assertLessEqual({module.name for module in modules}, set(done.stdout.split()))

    def test_every_field_is_described(self) -> None:
        """Forms and docs are read off the classes: no field is without words, and no class."""
        for kind in vocabulary:
            self.assertTrue(kind.__doc__, kind)
            for field in msgspec.structs.fields(kind):
                if field.encode_name != MORE:
                    self.assertTrue(description(field.type), f"{kind.word()}.{field.encode_name}")


class SampleTests(SynchronousTestCase):
    """Appendix A."""

    def commands(self) -> list[dict[str, Any]]:
        """The page's commands."""
        return [sample for sample in samples() if "cmd" in sample and sample["cmd"] not in FROM_TERMINALS]

    def test_all_core_words(self) -> None:
        """There is a sample of each core command, so that the next test speaks for all."""
        self.assertEqual({sample["cmd"] for sample in self.commands()}, CORE)

    def test_said(self) -> None:
        """Each is said exactly as the page writes it, byte for byte, from the fields that people give."""
        for sample in self.commands():
            kind = kind_of(sample["cmd"])
            given = {name: value for name, value in sample.items() if name not in {"cmd", *ADDED}}
            paged = {"stn": sample["stn"]} if kind.list_field else {}
            told = restored(kind.word(), given).said(sample.get("cloudtime", ""))
            written = codec.encode_command(kind.word(), {**paged, **told})
            self.assertEqual(written.decode(), json.dumps(sample, ensure_ascii=False, separators=(",", ":")))

    def test_sealed(self) -> None:
        """Each says the same after its secrets waited elsewhere, as text."""
        for sample in self.commands():
            given = {name: value for name, value in sample.items() if name not in {"cmd", *ADDED}}
            order = restored(sample["cmd"], given)
            again = restored(sample["cmd"], {**order.fields(), **order.secrets()})
            self.assertEqual(again.said(CLOUDTIME), order.said(CLOUDTIME))

    def test_right(self) -> None:
        """Each is right but for the one photo, of which the page shows the beginning only."""
        for sample in self.commands():
            given = {name: value for name, value in sample.items() if name not in {"cmd", *ADDED}}
            _, wrong = decode(sample["cmd"], given, PROFILE)
            photo = sample["cmd"] == "setuserinfo" and sample["backupnum"] == 50
            self.assertEqual([field for field, _ in wrong], ["record"] if photo else [], sample)

    def test_replies(self) -> None:
        """Each positive reply is read as it stands: what the class describes, and the rest beside it."""
        for sample in samples():
            kind = vocabulary.find(sample.get("ret", ""))
            if kind is None or sample.get("result") is False:
                continue
            raw = codec.reply_of(codec.Frame(sample["ret"], False, sample))
            reply = codec.read_reply(kind.reply_type(), raw)
            names = {field.encode_name: field.name for field in msgspec.structs.fields(kind.reply_type())}
            for name, value in raw.fields.items():
                found = getattr(reply, names[name]) if name in names else reply.rest[name]
                # credentials that came as numbers are text
                self.assertEqual(str(found) if name == "record" else found, _read(name, value), sample)

    def test_reply_fields_are_in_the_samples(self) -> None:
        """Replies with data in the page have a class that names it."""
        for word, field in (
            *(("getusername", "name"), ("getuserprofile", "profile"), ("getuserinfo", "record")),
            *(("gettime", "time"), ("getdevinfo", "volume"), ("getdevlock", "InputAlarm")),
            *(("getuserlock", "weekzone4"), ("getholiday", "holidays"), ("getquestionnaire", "schedules")),
            *(("getuserlist", "users"), ("getnewlog", "new"), ("getalllog", "known")),
        ):
            self.assertIn(field, kind_of(word).reply_type().__struct_fields__)


def _read(name: str, value: Any) -> Any:
    return str(value) if name == "record" else value


class RuleTests(SynchronousTestCase):
    """Danger, time and who may (design §2.4)."""

    def of(self, danger: Danger) -> set[str]:
        """The words of a danger class."""
        return {kind.word() for kind in vocabulary if kind.danger is danger}

    def test_doors(self) -> None:
        """What opens doors."""
        self.assertEqual(self.of(Danger.DOOR), {"opendoor", "lockctrl", "talklock"})

    def test_destructive(self) -> None:
        """What deletes things of everybody, each of them for admins only."""
        words = {word for word in CORE | EXPERIMENTAL if word.startswith("clean")}
        self.assertEqual(self.of(Danger.DESTRUCTIVE), words | {"initsys", "initmenu"})
        for word in self.of(Danger.DESTRUCTIVE):
            self.assertTrue(kind_of(word).admin_only, word)

    def test_once(self) -> None:
        """What must not be said twice."""
        found = self.of(Danger.ONCE)
        self.assertLessEqual({"reboot", "adduser", "enabledevice", "disabledevice"}, found)
        self.assertLessEqual({"upgrade", "forceota", "writefile", "setotaserver"}, found)

    def test_reads_are_ordinary(self) -> None:
        """What only asks may be asked again, and changes nothing."""
        for word in CORE | EXPERIMENTAL:
            if word.startswith(("get", "check")):
                self.assertIs(kind_of(word).danger, Danger.ORDINARY, word)

    def test_admin_only(self) -> None:
        """What the page says never to expose."""
        for word in (
            "upgrade",
            "writefile",
            "cleandatebase",
            "initsys",
            "cleanuser",
            "forceota",
            "setotaserver",
        ):
            self.assertTrue(kind_of(word).admin_only, word)
        for word in ("opendoor", "setuserinfo", "getuserinfo", "reboot", "setdevinfo", "enabledevice"):
            self.assertFalse(kind_of(word).admin_only, word)

    def test_slow(self) -> None:
        """What takes a full terminal long has a minute (protocol §1.4), all else twenty seconds."""
        slow = {kind.word() for kind in vocabulary if kind.core and kind.within == 60}
        expected = {"setuserinfo", "cleanuser", "initsys", "cleanlog", "getnewlog", "getalllog"}
        self.assertEqual(slow, expected)
        self.assertEqual({kind.within for kind in vocabulary}, {20, 60})

    def test_connection(self) -> None:
        """After a restart nobody waits for a reply."""
        self.assertEqual({kind.word() for kind in vocabulary if kind.ends_connection}, {"reboot", "initsys"})

    def test_aliases(self) -> None:
        """The document's slip."""
        self.assertEqual(
            {kind.word(): kind.aliases for kind in vocabulary if kind.aliases},
            {"getdevlock": ("setdevlock",)},
        )

    def test_paged(self) -> None:
        """Lists that come page by page."""
        paged = {kind.word() for kind in vocabulary if kind.list_field}
        self.assertEqual(paged, {"getuserlist", "getnewlog", "getalllog"})

    def test_clock(self) -> None:
        """Only ``settime`` tells the time, and it can't be told which."""
        self.assertEqual([kind.word() for kind in vocabulary if kind.tells_time], ["settime"])
        self.assertEqual([field for field, _ in problems("settime", cloudtime=CLOUDTIME)], ["cloudtime"])


class SmellReply(Reply):
    """What it smelt."""

    strength: int | None = None


class SniffAround(Command[SmellReply]):
    """Smell whether somebody is there."""

    danger: ClassVar[Danger] = Danger.ONCE

    seconds: Annotated[int, Meta(ge=1, le=9, description="How long.")]


class OneClassTests(SynchronousTestCase):
    """A new command is one class in one file."""

    def setUp(self) -> None:
        """Enter it, as its decorator does."""
        vocabulary.enter(SniffAround)
        self.addCleanup(lambda: vocabulary.find("sniffaround") and vocabulary.remove(SniffAround))

    def test_ordered(self) -> None:
        """It is decoded, checked, said, and its reply read."""
        self.assertEqual(decode("sniffaround", {"seconds": 3}, PROFILE), (SniffAround(3), []))
        expected = [("seconds", "expected a whole number from 1 to 9")]
        self.assertEqual(decode("sniffaround", {"seconds": 10}, PROFILE), (None, expected))
        self.assertEqual(SniffAround(3).said(""), {"seconds": 3})
        raw = codec.reply_of(codec.Frame("sniffaround", False, {"ret": "sniffaround", "strength": "9"}))
        self.assertEqual(codec.read_reply(SniffAround.reply_type(), raw).shown(), {"strength": 9})

    def test_documented(self) -> None:
        """It stands in the page."""
        row = (
            "| `sniffaround` | Smell whether somebody is there. | once | 5 min | operator "
            "| `seconds`*: a whole number from 1 to 9. How long. | `strength` |"
        )
        self.assertIn(row, command_page.page().splitlines())

    def test_removed(self) -> None:
        """Without it nothing is left of it."""
        vocabulary.remove(SniffAround)
        self.assertEqual(decode("sniffaround", {"seconds": 3}, PROFILE)[1], [("cmd", "unknown command")])
        self.assertNotIn("sniffaround", command_page.page())


class PageTests(SynchronousTestCase):
    """``docs/commands.md``."""

    def test_every_word(self) -> None:
        """Each command has one line."""
        lines = [line for line in command_page.page().splitlines() if line.startswith("| `")]
        self.assertEqual(len(lines), len(CORE | EXPERIMENTAL) + 2)
        # seven cells, whatever the texts hold
        self.assertEqual({line.replace(r"\|", "").count("|") for line in lines}, {8})

    def test_inner_fields(self) -> None:
        """The fields of objects in lists stand there too."""
        self.assertIn("`dayzone[].day[].section`*: hours as HH:MM~HH:MM.", command_page.page())

    def test_open(self) -> None:
        """A command that takes other fields says so, under no odd name."""
        self.assertIn("and any other", command_page.line(kind_of("setdevinfo")))
        self.assertNotIn(MORE, command_page.page())

    def test_durations(self) -> None:
        """Seconds are told in the largest unit."""
        found = [command_page.duration(seconds) for seconds in (5, 60, 300, 90, 86_400)]
        self.assertEqual(found, ["5 s", "1 min", "5 min", "90 s", "24 h"])
