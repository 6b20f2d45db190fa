"""Languages: which one somebody gets, and that each is complete."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.web.dashboard.texts import FOLDER, catalogue, texts, untranslated
from tfserver.web.dashboard import languages
from tfserver.web.dashboard.terminal.orders import forms
from tfserver.web.dashboard.terminal.told import shown

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
OTHERS = [code for code in languages.CODES if code != languages.SOURCE]


def placeholders(text: str) -> set[str]:
    """What is put into a text."""
    return set(PLACEHOLDER.findall(text))


class CompleteTests(SynchronousTestCase):
    """Every text of the sources, in every language."""

    def setUp(self) -> None:
        """The texts."""
        self.texts = texts()

    def test_found(self) -> None:
        """Texts are found in templates and in Python."""
        self.assertGreater(len(self.texts), 60)
        self.assertIn("in quarantine", {text.one for text in self.texts})
        self.assertIn("Skip to the content", {text.one for text in self.texts})

    def test_found_in_commands(self) -> None:
        """What forms say of each command and field is found in its class, for all commands there are."""
        found = {text.one for text in self.texts}
        wanted = {text for form in forms() for text in shown(form)}
        self.assertIn("Open a door once.", wanted)
        self.assertIn("Which door.", wanted)
        self.assertEqual(sorted(wanted - found), [])

    def test_translated(self) -> None:
        """None is missing, empty or doubtful, in all the forms that the language counts by."""
        for code in OTHERS:
            kept = catalogue(code)
            wrong = []
            for text in self.texts:
                message = kept.get((text.one, text.plural) if text.plural else text.one)
                said = message.string if message else ""
                forms = list(said) if isinstance(said, tuple) else [said]
                wanted = kept.num_plurals if text.plural else 1
                if message is None or message.fuzzy or len(forms) != wanted or not all(forms):
                    wrong.append(f"{text.place}: {text.one!r}")
            self.assertEqual(wrong, [], f"{len(wrong)} texts are not translated into {code}")

    def test_placeholders(self) -> None:
        """What is put into a text is put into its translation too, and nothing else."""
        for code in OTHERS:
            kept = catalogue(code)
            for text in self.texts:
                message = kept.get((text.one, text.plural) if text.plural else text.one)
                said = message.string if message else ""
                wanted = placeholders(text.one) | placeholders(text.plural)
                for form in said if isinstance(said, tuple) else (said,):
                    # "one" and "two" are words in some languages
                    missing = wanted - placeholders(form) - ({"num"} if text.plural else set())
                    self.assertEqual((missing, placeholders(form) - wanted), (set(), set()), text)

    def test_nothing_left_over(self) -> None:
        """No catalogue has what the sources have no more."""
        known = {text.one for text in self.texts}
        for code in OTHERS:
            kept = catalogue(code)
            ids = [
                message.id[0] if isinstance(message.id, tuple) else message.id
                for message in kept
                if message.id
            ]
            self.assertEqual(([each for each in ids if each not in known], dict(kept.obsolete)), ([], {}))

    def test_no_words_outside(self) -> None:
        """No template shows words that nobody could translate."""
        found = {
            str(path.relative_to(FOLDER)): words
            for path in sorted((FOLDER / "templates").rglob("*.html"))
            if (words := untranslated(path.read_text("utf-8")))
        }
        self.assertEqual(found, {})

    def test_words_outside_are_found(self) -> None:
        """The search for such words finds them."""
        self.assertEqual(untranslated('<p title="Oh dear">{{ _("Yes") }} No</p>'), ["Oh dear", "No"])


class ChosenTests(SynchronousTestCase):
    """Which language somebody gets."""

    def test_order(self) -> None:
        """First what was chosen here, then the account's, then what the browser likes best, then English."""
        for cookie, own, accepted, code in (
            ("ar", "en", "en", "ar"),
            ("", "ar", "en", "ar"),
            ("xx", "", "ar-EG,en;q=0.5", "ar"),
            ("", "", "de,en;q=0.5,ar;q=0.9", "ar"),
            ("", "", "ar;q=0,en", "en"),
            ("", "", "de, fr", "en"),
            ("", "", "", "en"),
            ("", "", "ar;q=x,*;;=" + "," * 50, "en"),
        ):
            self.assertEqual(languages.chosen(cookie, own, accepted).code, code, (cookie, own, accepted))

    def test_direction_and_name(self) -> None:
        """Each is written in its direction and called what its speakers call it."""
        found = [(one.name, one.direction) for one in map(languages.language, languages.CODES)]
        self.assertEqual(found, [("English", "ltr"), ("العربية", "rtl")])

    def test_unknown(self) -> None:
        """There is no language without texts."""
        with self.assertRaises(ValueError):
            languages.language("xx")
