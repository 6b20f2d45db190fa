"""Signing in and out, language and appearance, in a real browser."""

from __future__ import annotations

from tests.dashboard.browser import BrowserScene
from tests.dashboard.stage import usual

PASSWORD = "seven quiet harbours"


class SigningInTests(BrowserScene):
    """Somebody whom nobody knows yet."""

    def setUp(self) -> None:
        """A server with one account."""
        super().setUp()
        self.stage = usual()
        body = {"name": "ines", "password": PASSWORD, "role": "operator"}
        status, _ = self.stage.server.post("/accounts", body)
        self.assertIn(status, (201, 409))

    def test_by_name(self) -> None:
        """Who is not signed in is led to where they can, told when it is wrong, and led on from there."""
        visit = self.visit(self.stage.url)
        visit.goto("/?state=online")
        self.assertIn("/sign-in?next=", visit.page.url)
        visit.page.get_by_label("Name").fill("ines")
        visit.page.get_by_label("Password").fill("not this one, surely")
        visit.page.get_by_role("button", name="Sign in", exact=True).click()
        visit.page.wait_for_selector(".notice.bad")
        self.assertEqual(visit.forgive("401"), 1)
        visit.page.get_by_label("Password").fill(PASSWORD)
        visit.page.get_by_role("button", name="Sign in", exact=True).click()
        visit.page.wait_for_url("**/?state=online")
        self.assertEqual(visit.page.locator(".menu summary").inner_text(), "ines")
        visit.page.locator(".menu summary").click()
        visit.page.get_by_role("button", name="Sign out").click()
        visit.page.wait_for_url("**/sign-in")
        visit.goto("/")
        self.assertIn("/sign-in", visit.page.url)
        visit.assert_clean()

    def test_from_another_site(self) -> None:
        """Who follows a link from elsewhere is signed in, though browsers keep the cookie back at first."""
        visit = self.visit(self.stage.url, token=self.stage.token)
        other = self.stage.url.replace("127.0.0.1", "localhost")
        visit.page.goto(f"{other}/sign-in")
        visit.page.evaluate("(place) => { location.href = place }", f"{self.stage.url}/?state=online")
        visit.page.wait_for_url(f"{self.stage.url}/?state=online")
        visit.page.wait_for_selector("table.fleet")
        visit.forgive("asked another host")
        visit.assert_clean()

    def test_language_and_appearance(self) -> None:
        """What is chosen stays chosen, on every page."""
        visit = self.visit(self.stage.url, token=self.stage.token)
        visit.goto("/")
        visit.page.locator(".menu summary").click()
        visit.page.get_by_role("button", name="العربية").click()
        visit.page.wait_for_selector("html[lang=ar][dir=rtl]")
        visit.page.locator(".menu summary").click()
        visit.page.get_by_role("button", name="داكن").click()
        visit.page.wait_for_selector("html[data-theme=dark]")
        visit.goto("/?state=online")
        self.assertEqual(visit.page.locator("html").get_attribute("lang"), "ar")
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(ground, "rgb(17, 21, 27)")
        visit.assert_clean()
