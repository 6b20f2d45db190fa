"""The page to sign in at."""

from __future__ import annotations

from tests.web.dashboard.looking import LookingCase
from tfserver.errors import StoreUnavailable


class SignInTests(LookingCase):
    """Who nobody knows yet."""

    def test_by_name(self) -> None:
        """People sign in by name and password and go on to where they wanted; a token does as well."""
        page = self.look("/sign-in?next=/punches%3Fsite%3Dnorth", None)
        self.assertEqual([each.given["data-then"] for each in page.all("form")], ["/punches?site=north"] * 2)
        fields = [each.given["name"] for each in page.all("input")]
        self.assertEqual(fields, ["name", "password", "token"])

    def test_first_account(self) -> None:
        """As long as there is no account, only the first token does, and leads to where accounts are made."""
        self.accounts.given["exist"] = False
        page = self.look("/sign-in", None)
        self.assertEqual([each.given["data-then"] for each in page.all("form")], ["/system/accounts"])
        self.assertEqual([each.given["name"] for each in page.all("input")], ["token"])

    def test_store_away(self) -> None:
        """Without the store the page is there all the same."""
        self.accounts.given["exist"] = StoreUnavailable("away")
        self.assertEqual(len(self.look("/sign-in", None).all("form")), 2)

    def test_places_of_others(self) -> None:
        """Nobody is led to another site once signed in."""
        for place in (
            "//evil.example/",
            "https://evil.example",
            "/\\evil.example",
            "javascript:x",
            "/%0d%0ax",
            "/%09/evil.example",
            "%20//evil.example",
            "/%E2%80%AE",
            "x",
        ):
            page = self.look(f"/sign-in?next={place}", None)
            self.assertEqual({each.given["data-then"] for each in page.all("form")}, {"/"}, place)

    def test_long_places(self) -> None:
        """A long address is gone back to; one that nobody leads to does not stand in the way."""
        page = self.look(f"/sign-in?next=/%3Fsearch%3D{'a' * 900}", None)
        self.assertEqual({each.given["data-then"] for each in page.all("form")}, {f"/?search={'a' * 900}"})

    def test_braces(self) -> None:
        """Scripts put what the API answers in place of names in braces: none are in a place of ours."""
        page = self.look("/sign-in?next=/%3Fsearch%3D{csrf}%26order=name", None)
        self.assertEqual(
            {each.given["data-then"] for each in page.all("form")}, {"/?search=%7Bcsrf%7D&order=name"}
        )

    def test_from_elsewhere(self) -> None:
        """Who comes from another site is looked at once more: the browser kept the cookie back."""
        page = self.look("/sign-in?next=/x", None, Sec_Fetch_Site="cross-site")
        self.assertEqual(page.all("section")[0].given["data-again"], "/x")
        page = self.look("/sign-in?next=/x", None, Sec_Fetch_Site="same-origin")
        self.assertNotIn("data-again", page.all("section")[0].given)

    def test_open_line(self) -> None:
        """Over a line that can be read on the way nobody is asked for a password unwarned."""
        page = self.look("/sign-in", None)
        told = [each.text for each in page.all("p") if each.given.get("class") == "notice bad"]
        self.assertTrue(any("can be read on the way" in text for text in told))
