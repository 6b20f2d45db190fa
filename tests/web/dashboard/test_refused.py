"""Errors as people at a browser see them, and as programs do."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

from tests.web.dashboard.looking import LookingCase
from tests.web.in_memory import READER
from tfserver.web.routes import PAGES

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
NOT_HERE = "no terminal 'NOSUCH1' has ever registered here"
HERE = "/?search=a%26b%3Dc%20%23d&state=online"


class RefusedTests(LookingCase):
    """Who asks gets an answer that they can read."""

    def place(self, path: str) -> str:
        """Where somebody is led who is not signed in."""
        answer = self.get(path, None, Accept=HTML)
        self.assertEqual(answer.status, 303)
        self.assertNotIn("www-authenticate", answer.headers)
        return answer.headers["location"]

    def test_back(self) -> None:
        """After signing in one is where one wanted to be, query and all."""
        place = urlsplit(self.place(HERE))
        self.assertEqual((place.netloc, place.path), ("", "/sign-in"))
        self.assertEqual(parse_qs(place.query), {"next": [HERE]})
        page = self.look(self.place(HERE), None)
        self.assertEqual({form.given["data-then"] for form in page.all("form")}, {HERE})

    def test_not_too_long(self) -> None:
        """An address that is too long to be kept leads to the fleet."""
        self.assertEqual(self.place(f"/?search={'x' * 2000}"), "/sign-in")

    def test_no_loop(self) -> None:
        """The page to sign in at leads nobody to itself, whatever they show."""
        for token in (None, READER, "tfs_nobody"):
            self.look("/sign-in", token)

    def test_expired(self) -> None:
        """A token that nobody knows is as none, on a page."""
        self.assertEqual(self.get("/", "tfs_nobody", Accept=HTML).status, 303)

    def test_nothing_there(self) -> None:
        """A path where nothing is: a page at a browser, a problem for a program."""
        path = f"/nosuch/{quote('<script>')}"
        page = self.look(path, None, 404, Accept=HTML)
        self.assertEqual(page.texts("h1"), ["There is nothing here"])
        self.assertEqual([each.given["href"] for each in page.all("a", **{"class": "button"})], ["/"])
        self.assert_problem(self.get(path, None), 404)
        self.assert_problem(self.get(path, None, Accept="application/json"), 404)

    def test_languages(self) -> None:
        """The page speaks the language of who asks, also where it says what the server makes of it."""
        page = self.look("/nosuch", None, 404, Accept=HTML, Accept_Language="ar")
        self.assertEqual(page.all("html")[0].given["dir"], "rtl")
        self.assertNotEqual(page.texts("h1"), ["There is nothing here"])
        self.assertIn("لا شيء في هذا العنوان", page.texts("p", dir="auto"))
        self.assertEqual(page.texts("p", lang="en"), [])

    def test_scripts_of_pages(self) -> None:
        """What a page's script sends is refused in the language of the page, field by field, and the answer
        says so. Programs read English, whatever they accept."""
        script = {"X_CSRF_Token": "", "Accept_Language": "ar"}
        told = "لم يسجَّل هنا جهاز '\u2068NOSUCH1\u2069' قط"
        for headers, language, detail in (
            (script, "ar", told),
            ({**script, "Accept_Language": "en"}, "en", NOT_HERE),
            ({"Accept_Language": "ar"}, None, NOT_HERE),
        ):
            answer = self.get("/api/v1/terminals/NOSUCH1", **headers)
            self.assert_problem(answer, 404)
            self.assertEqual(
                (answer.headers.get("content-language"), answer.body["detail"]), (language, detail)
            )
        answer = self.get("/api/v1/terminals?limit=x&nosuch=1", **script)
        fields = {each["field"]: each["message"] for each in answer.body["errors"]}
        self.assertIn("المتوقع عدد صحيح من", fields["limit"])
        self.assertIn("unknown parameter", fields["nosuch"])
        self.assertEqual(answer.headers["content-language"], "ar, en")
        self.assertEqual(answer.body["detail"], "; ".join(f"{name}: {fields[name]}" for name in fields))

    def test_programs(self) -> None:
        """Below the API it is JSON, also for a browser."""
        for path in ("/api/v1/terminals", "/api/v1/session"):
            self.assert_problem(self.get(path, None, Accept=HTML), 401)
        self.assert_problem(self.get("/api/v1/nosuch", None, Accept=HTML), 404)
        self.assert_problem(self.get("/api/v1/terminals?limit=x", READER, Accept=HTML), 422, "limit")

    def test_methods(self) -> None:
        """Pages are only looked at."""
        for route in PAGES:
            if "{" not in route.path:
                self.assertEqual(self.ask("POST", route.path, b"", READER, Accept=HTML).status, 405)
