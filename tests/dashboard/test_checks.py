"""Each check finds what it is there for, on a page that has only that wrong."""

from __future__ import annotations

from unittest import mock

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.dashboard import browser
from tests.dashboard.browser import ARABIC, PHONE, BrowserScene, View
from tests.dashboard.checks import Checks
from tests.dashboard.tiny_site import TinySite
from tests.dashboard.visit import Visit


class TinyScene(BrowserScene):
    """A viewer at the tiny site."""

    def setUp(self) -> None:
        super().setUp()
        self.site = TinySite()
        self.addCleanup(self.site.stop)
        self.viewers: dict[View, Visit] = {}

    def at(self, path: str, view: View = browser.DESKTOP) -> Visit:
        """Somebody who has loaded this page, the same one for all pages of a view."""
        found = self.viewers.get(view) or self.visit(self.site.url, view)
        self.viewers[view] = found
        found.wrong.clear()
        found.goto(path)
        return found

    def assert_only(self, told: list[str], *words: str) -> None:
        """There are complaints, and each has one of these words."""
        self.assertTrue(told, "no complaint")
        self.assertEqual([line for line in told if not any(word in line for word in words)], [])
        for word in words:
            self.assertIn(word, "\n".join(told))


class ToldTests(TinyScene):
    """What a page does that a clean one does not."""

    def assert_told(self, path: str, *words: str) -> None:
        """A page is not clean, and all that is said of it is about these."""
        seen = self.at(path)
        seen.until(lambda: all(any(word in line for line in seen.wrong) for word in words), f"told {words}")
        error = self.assertRaises(AssertionError, seen.assert_clean)
        self.assert_only(str(error).splitlines()[1:], *words)

    def test_nothing_is_said_of_a_clean_page(self) -> None:
        """A page without a fault passes, on every size, in every colour and language."""
        for view in (PHONE, PHONE.of(**ARABIC), browser.DESKTOP.of(scheme="dark")):
            seen = self.at("/clean", view)
            seen.assert_clean()
            self.assertEqual(Checks(seen).everything(), [])

    def test_the_policy_is_in_force(self) -> None:
        """A script in the page breaks its policy: that is told, and the script does not run."""
        self.assert_told("/inline", "policy: script-src-elem", "console error: Executing inline script")
        self.assertEqual(self.at("/inline").page.title(), "Tiny")

    def test_console(self) -> None:
        """Errors in the console are told with their place."""
        self.assert_told("/console", "something is wrong (http://127.0.0.1")

    def test_exceptions(self) -> None:
        """So are exceptions that nobody caught."""
        self.assert_told("/throws", "error on the page: thrown later")

    def test_lost_requests(self) -> None:
        """Requests without an answer are told, and those refused by the server."""
        self.assert_told("/lost", "request failed: GET", "net::ERR_EMPTY_RESPONSE")
        self.assert_told("/missing", "404")

    def test_other_hosts(self) -> None:
        """A page that asks another host for anything is told of, though its policy forbids it."""
        self.assert_told(
            "/foreign", "asked another host: http://elsewhere.example", "policy: img-src", "Loading the"
        )

    def test_forgiven(self) -> None:
        """What a test brought about itself can be left out, and is counted."""
        seen = self.at("/missing")
        self.assertEqual(seen.forgive("status of 404"), 1)
        seen.assert_clean()


class LookedAtTests(TinyScene):
    """What is wrong with how a page is made."""

    def assert_found(self, path: str, check: str, *words: str, view: View = browser.DESKTOP) -> None:
        """A check complains of a page, in these words only."""
        self.assert_only(getattr(Checks(self.at(path, view)), check)(), *words)

    def test_pictures_without_words(self) -> None:
        """axe runs: a picture without a text for it is found, and shown."""
        self.assert_found("/picture", "accessibility", "image-alt (critical) at img: ")
        self.assert_found("/picture", "accessibility", '<img src="/picture.svg">')

    def test_contrast(self) -> None:
        """Text that is too faint is found."""
        self.assert_found("/faint", "accessibility", "color-contrast (serious) at .faint")

    def test_targets(self) -> None:
        """Buttons too small to be met with a finger are found."""
        self.assert_found("/small", "accessibility", "target-size (serious)", view=PHONE)

    def test_sideways(self) -> None:
        """A page that is wider than a phone is found, and what makes it so; on a large screen it is not."""
        self.assert_found(
            "/wide", "layout", "scrolls sideways by 3", 'stands out: <div class="wide">', view=PHONE
        )
        self.assertEqual(Checks(self.at("/wide")).layout(), [])

    def test_cut_text(self) -> None:
        """Text that is cut off is found, unless its title tells all of it."""
        self.assert_found("/cut", "layout", "cut off, and no title")
        self.assertEqual(Checks(self.at("/titled")).layout(), [])

    def test_spilled_text(self) -> None:
        """Text that stands out of its button is found."""
        self.assert_found("/tight", "layout", "more in it than room: <button", "more in it than room: <td")

    def test_structure(self) -> None:
        """A language, its direction, one main heading and a link to the content are asked for."""
        self.assert_found("/nameless", "structure", "html has no lang")
        self.assert_found("/wrong-way", "structure", 'lang ar and dir "ltr"')
        self.assert_found("/unfit", "structure", 'viewport "width=1000"')
        self.assert_found("/two", "structure", "2 h1 are seen")
        self.assert_found("/no-skip", "structure", "the first stop is no link past")
        self.assert_found("/lost-skip", "structure", "leads to #main, which is not there")

    def test_keyboard(self) -> None:
        """What no Tab leads to is found, where the focus is not seen, and where it is behind something."""
        self.assert_found("/jumped", "keyboard", "no Tab leads to it: <button", "no Tab leads to it: <span")
        self.assert_found("/blind", "keyboard", "not seen that it has the focus: <button")
        self.assert_found("/roof", "keyboard", "behind something, or out of sight: <button", "sight: <a")

    def test_long_pages(self) -> None:
        """Where not all stops are tried, those that Tab can reach are not complained of; others still are."""
        seen = Checks(self.at("/jumped")).keyboard(most=1)
        self.assert_only(seen, "<button tabindex", '<span role="button"')


class MissingTests(SynchronousTestCase):
    """Where there is no browser."""

    def test_skipped_loudly(self) -> None:
        """Its tests are skipped with what is missing and what helps; where one is required, they fail."""
        with mock.patch.object(browser, "PROGRAMS", ("no-such-browser",)):
            case = BrowserScene()
            with mock.patch.dict("os.environ"):
                browser.os.environ.pop(browser.REQUIRED, None)
                skipped = self.assertRaises(SkipTest, case.setUp)
                self.assertIn(
                    "DID NOT RUN: no Chromium (no-such-browser) on PATH: apt-get install", str(skipped)
                )
            with mock.patch.dict("os.environ", {browser.REQUIRED: "1"}):
                failed = self.assertRaises(case.failureException, case.setUp)
                self.assertIn("is set: no Chromium", str(failed))

    def test_packages_are_looked_for(self) -> None:
        """A package that is not installed is named."""
        with mock.patch.object(browser, "PACKAGES", ("no_such_package",)):
            self.assertIn("no package no_such_package: pip install", browser.what_is_missing())
