"""Reasons of the API in the viewer's language."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tests.web.dashboard.texts import ROOT
from tfserver.people import scanning
from tfserver.store.completeness import completeness_of
from tfserver.web.body import JsonBody
from tfserver.web.dashboard.languages import language
from tfserver.web.dashboard.phrases import PHRASES, SLOT, said, worded
from tfserver.web.dashboard.refusal_phrases import READ
from tfserver.web.problem import Problem
from tfserver.wire.exchange import End
from tfserver.wire.reasons import _OF_PHOTOS

ARABIC, ENGLISH = language("ar"), language("en")
FOLDER = ROOT / "tfserver"
REFUSING = {"Problem", "bad_input", "BadOrder", "KeyReused", "NotAllowed", "NotNow", "QueueFull"}
"""Who is called with a refusal."""
TO_PROGRAMS = {
    "X: X",
    "cursor: X",
    "expected 1 to 255 visible ASCII characters",
    "expected an id as it stood in the stream",
    "send 'Authorization: Bearer <token>'",
    "send X",
    "send the header Host, once",
    "site: X",
    "sites: X",
    "this comes as X",
    "who asked has gone",
}
"""Those that no page meets, and those that fields are put into."""


def sources() -> str:
    """All texts of the sources, but for the lists of phrases."""
    found = [path.read_text("utf-8") for path in FOLDER.rglob("*.lua")]
    for path in FOLDER.rglob("*.py"):
        if "phrases" not in path.name:
            found += _texts(path)
    return "\n".join(found)


def refusals() -> set[str]:
    """What is written down as a refusal, with an X for what is put in."""
    found = set()
    for path in FOLDER.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            if getattr(call.func, "id", getattr(call.func, "attr", "")) in REFUSING:
                found |= {text for text in map(_told, call.args) if " " in text}
    return found


def _told(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _texts(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


class Sample(msgspec.Struct):
    """A body with bounds."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] = "x"
    days: Annotated[int, msgspec.Meta(ge=1, le=7)] = 1
    role: str = ""


class PhraseTests(SynchronousTestCase):
    """What is translated, and what is not."""

    def arabic(self, text: str) -> str:
        """What somebody reads, without marks for directions."""
        shown = str(said(ARABIC, text))
        self.assertTrue(shown.startswith("<bdi>") and shown.endswith("</bdi>"), shown)
        return shown

    def test_all_are_said(self) -> None:
        """Each phrase is written so by somebody: a reason that changes has to change here too."""
        known = sources()
        pieces = {piece for phrase in set(PHRASES) - set(READ) for piece in SLOT.split(phrase)[::2]}
        # what is expected is often put together of this word and the rest
        self.assertEqual(sorted(each for each in pieces if each.removeprefix("expected ") not in known), [])

    def test_all_refusals_are_known(self) -> None:
        """Whatever the API writes down as a refusal that a page may meet is in the viewer's language."""
        found = refusals()
        self.assertGreater(len(found), 60)
        wrong = {text for text in found if worded(ARABIC, text) is None}
        self.assertEqual(sorted(wrong ^ TO_PROGRAMS), [])

    def test_read(self) -> None:
        """What a body has in place of what was expected is told in words, too."""
        for text in (
            b'{"role": 3}',
            b'{"name": "x", "days": 0}',
            b'{"name": "x", "days": 9}',
            b'{"name": ""}',
        ):
            with self.assertRaises(Problem) as caught:
                JsonBody(Sample).read(text)
            ((_, message),) = caught.exception.errors
            self.assertIn("المتوقع", worded(ARABIC, message) or message)

    def test_plain(self) -> None:
        """Where there is no markup, what stays English has a direction of its own by characters."""
        told = worded(ARABIC, "no person has the number <5>")
        self.assertEqual(told, "لا أحد يحمل الرقم \u2068<5>\u2069")
        self.assertEqual(worded(ENGLISH, "no reply in time"), "no reply in time")
        self.assertIsNone(worded(ARABIC, "never heard of"))

    def test_english(self) -> None:
        """In English a reason is what it is, as text."""
        self.assertEqual(said(ENGLISH, "reason <5>"), "<bdi>reason &lt;5&gt;</bdi>")

    def test_translated(self) -> None:
        """A phrase is one whatever stands in its slots, and reasons within reasons are translated too."""
        self.assertEqual(self.arabic("no reply in time"), "<bdi>لم يصل رد في الوقت المحدد</bdi>")
        shown = self.arabic("nothing was deleted: its logs could not be read: reason 7")
        self.assertIn("لم يُحذف شيء", shown)
        self.assertIn("تعذرت قراءة سجلاته", shown)
        self.assertIn('السبب <bdi lang="en" dir="ltr">7</bdi>', shown)

    def test_longest_first(self) -> None:
        """Of two that fit, that one counts of which more stands fast."""
        text = (
            "it is not connected since 10:00; when its logs were asked for last: it does not answer getnewlog"
        )
        self.assertIn("لا يجيب على", self.arabic(text))
        self.assertNotIn("asked", self.arabic(text))

    def test_unknown(self) -> None:
        """What nobody has translated stays as it is and says that it is English; none of it is markup."""
        for text in ("<b>no</b> way 100%", "x" * 1000, "", "%(why)s"):
            shown = self.arabic(text)
            self.assertIn('<bdi lang="en" dir="ltr">', shown)
            self.assertNotIn("<b>", shown)
        shown = self.arabic("the terminal refused: <b>no</b> %(x)s")
        self.assertIn("&lt;b&gt;no&lt;/b&gt; %(x)s", shown)

    def test_deep(self) -> None:
        """Reasons within reasons without end are cut short."""
        text = "nothing was deleted: " * 20 + "x"
        self.assertEqual(self.arabic(text).count("لم يُحذف شيء"), 3)

    def test_completeness(self) -> None:
        """Whatever a terminal's record is told to be is told in the viewer's language."""
        online = {"admission": "approved"}
        for fields, is_online in (
            ({"admission": "pending"}, False),
            ({"admission": "denied"}, False),
            ({"admission": "quarantined"}, True),
            (online, False),
            ({**online, "held": "it does not answer getalllog"}, False),
            (online, True),
            ({**online, "dirty": "2026-04-02"}, True),
            ({**online, "until": "5", "whole": "7"}, True),
        ):
            for heard in (None, "2026-04-02T08:00:00Z"):
                why = completeness_of(fields, is_online, heard).why
                self.assertNotIn('<bdi><bdi lang="en"', self.arabic(why), why)

    def test_lists(self) -> None:
        """What stands in lists of the sources is all there."""
        reasons = {*_OF_PHOTOS.values(), End.SILENT.value, End.LOST.value}
        reasons |= {scanning.TOO_LATE, scanning.NOT_THERE, scanning.GONE, scanning.WAITS, scanning.ANOTHER}
        reasons |= {scanning.NOT_KEPT, scanning.UNREADABLE, scanning.ERASED}
        self.assertEqual(sorted(reasons - set(PHRASES)), [])
