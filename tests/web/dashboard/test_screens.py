"""Templates made into pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from jinja2 import UndefinedError
from twisted.trial.unittest import SynchronousTestCase

from tests.web.dashboard.texts import FOLDER
from tfserver.model import Admission, Terminal
from tfserver.web.dashboard.languages import CODES, language
from tfserver.web.dashboard.screens import Screen, environment
from tfserver.web.dashboard.viewer import Viewer

NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
HOSTILE = "<b>\"'&"


class ScreenTests(SynchronousTestCase):
    """For somebody who speaks a language."""

    def said(self, source: str, code: str = "en", **context: object) -> str:
        """What a template says."""
        return environment(code).from_string(source).render(context)

    def test_escaped(self) -> None:
        """Whatever is put into a text is text, also into a translated one."""
        for source in ("{{ x }}", "{{ x | enclosed }}", "{{ _('Approve %(sn)s', sn=x) }}"):
            for code in CODES:
                self.assertIn("&lt;b&gt;&#34;&#39;&amp;", self.said(source, code, x=HOSTILE))
        self.assertEqual(self.said("{{ 'A1' | enclosed }}"), "<bdi>A1</bdi>")

    def test_nothing_is_left_out(self) -> None:
        """A template that names what is not there is a mistake, not an empty place."""
        with self.assertRaises(UndefinedError):
            self.said("{{ nosuch }}")

    def test_numbers(self) -> None:
        """Digits are those that terminals show, in every language."""
        self.assertEqual([self.said("{{ 12345 | number }}", code) for code in CODES], ["12,345"] * 2)

    def test_plurals(self) -> None:
        """Each language counts in its own way."""
        source = '{{ ngettext("%(num)s gap", "%(num)s gaps", n) }}'
        self.assertEqual([self.said(source, n=n) for n in (1, 2)], ["1 gap", "2 gaps"])
        self.assertEqual(len({self.said(source, "ar", n=n).replace(str(n), "") for n in (1, 2, 3, 11)}), 4)

    def test_compiled(self) -> None:
        """Every template can be read."""
        for name in environment("en").list_templates():
            self.assertIsNotNone(environment("en").get_template(name))

    def test_nothing_typed_in_an_address(self) -> None:
        """A browser that runs no script, or not yet, sends what was typed into a form to nobody's log."""
        texts = [path.read_text("utf-8") for path in (FOLDER / "templates").rglob("*.html")]
        forms = [form for text in texts for form in re.findall("<form[^>]*", text)]
        by_script = [form for form in forms if "data-method=" in form]
        self.assertGreater(len(by_script), 50)
        self.assertEqual([form for form in by_script if 'method="post"' not in form], [])

    def test_pieces(self) -> None:
        """A part of a page is as that page would show it at that moment, in the zone of who has none."""
        terminal = Terminal("A1", HOSTILE, admission=Admission.APPROVED, last_punch="2026-04-02T22:30:00Z")
        screen = Screen(Viewer(language("en")), NOW, "Europe/Rome")
        self.assertIn("Apr 3</span> 00:30:00", screen.piece("fleet/row.html", "row", terminal))
        later = screen.at(NOW.timestamp() + 86_400).piece("fleet/row.html", "row", terminal)
        self.assertIn('22:30:00Z">00:30:00</time>', later)
        self.assertIn("&lt;b&gt;", later)
        self.assertNotIn("<b>", later)
