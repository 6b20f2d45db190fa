"""Somebody who looks at pages: each is read, and has to be what every page is."""

from __future__ import annotations

from tests.web.dashboard.html import Page
from tests.web.in_memory import READER, Answer, PagesCase
from tfserver.web.policy import PAGE


class LookingCase(PagesCase):
    """Pages over stand-ins."""

    def look(self, path: str, token: str | None = READER, status: int = 200, **headers: str) -> Page:
        """A page as it is shown to a token."""
        answer = self.get(path, token, **headers)
        self.assertEqual(answer.status, status, answer.raw[-2000:])
        return self.read(answer)

    def read(self, answer: Answer) -> Page:
        """An answer as a page: whole, with a title, one heading, a language, and nothing inline."""
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(answer.headers["content-security-policy"], PAGE)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        page = Page(answer.raw.partition(b"\r\n\r\n")[2].decode())
        self.assertEqual(page.open_at_end, [])
        self.assertEqual(len(page.texts("h1")), 1)
        self.assertTrue(all(page.texts("title")))
        self.assertEqual(
            [each.given["lang"] for each in page.all("html")], [answer.headers["content-language"]]
        )
        self.assertEqual([each for each in page.all("script") if not each.given.get("src")], [])
        inline = [
            each
            for each in page.elements
            if "style" in each.given or any(n.startswith("on") for n in each.given)
        ]
        self.assertEqual((inline, page.all("style")), ([], []))
        ids = [each.given["id"] for each in page.elements if "id" in each.given]
        self.assertEqual(len(set(ids)), len(ids))
        return page
