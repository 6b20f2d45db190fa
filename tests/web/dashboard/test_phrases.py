"""Reasons of the API in the viewer's language."""

from __future__ import annotations

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.web.dashboard.texts import ROOT
from tfserver.people import scanning
from tfserver.store.completeness import completeness_of
from tfserver.web.dashboard.languages import language
from tfserver.web.dashboard.phrases import PHRASES, SLOT, said
from tfserver.wire.exchange import End
from tfserver.wire.reasons import _OF_PHOTOS

ARABIC, ENGLISH = language("ar"), language("en")
FOLDER = ROOT / "tfserver"
SHORT = 4
"""Pieces between slots that say nothing alone, such as a semicolon."""


def sources() -> str:
    """All texts of the sources, but for the pages that translate them."""
    found = [path.read_text("utf-8") for path in FOLDER.rglob("*.lua")]
    for path in FOLDER.rglob("*.py"):
        if "dashboard" not in path.parts:
            found += _texts(path)
    return "\n".join(found)


def _texts(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


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
        pieces = {piece for phrase in PHRASES for piece in SLOT.split(phrase)[::2] if len(piece) > SHORT}
        self.assertEqual(sorted(piece for piece in pieces if piece not in known), [])

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
