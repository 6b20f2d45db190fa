"""Who looks, and how they want to see it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from tests.web.in_memory import BOUND_TOKEN, OPERATOR, TOKENS
from tests.web.samples import an_account
from tfserver.store.principals import Principal
from tfserver.web.cookies import csrf_of
from tfserver.web.dashboard.viewer import Viewer, viewer_of


class ViewerTests(SynchronousTestCase):
    """Made from a request."""

    def viewer(
        self, who: Principal | None = None, cookie: str = "", accepted: str = "", **kept: str
    ) -> Viewer:
        """Somebody with these cookies; an underscore in a name is a hyphen."""
        request: Any = DummyRequest([b""])
        request.received_cookies = {
            name.replace("_", "-").encode(): value.encode() for name, value in kept.items()
        }
        if accepted:
            request.requestHeaders.setRawHeaders(b"Accept-Language", [accepted.encode()])
        return viewer_of(request, who, cookie)

    def test_nobody(self) -> None:
        """Somebody whom nobody knows may nothing, and has nothing to send along."""
        viewer = self.viewer()
        self.assertEqual((viewer.name, viewer.csrf, viewer.theme, viewer.is_everywhere), ("", "", "", False))
        self.assertFalse(viewer.may("reader"))

    def test_roles(self) -> None:
        """A role may what those below it may."""
        viewer = self.viewer(TOKENS[OPERATOR])
        self.assertEqual([viewer.may(role) for role in ("reader", "operator", "admin")], [True, True, False])

    def test_names(self) -> None:
        """Who has no name is called by their id."""
        self.assertEqual([self.viewer(who).name for who in (TOKENS[OPERATOR], BOUND_TOKEN)], ["o", "Bo"])

    def test_sites(self) -> None:
        """Who is bound to sites is not everywhere."""
        found = [self.viewer(who).is_everywhere for who in (TOKENS[OPERATOR], BOUND_TOKEN)]
        self.assertEqual(found, [True, False])

    def test_language(self) -> None:
        """The language of this browser's choice, else of the account, else as the browser likes."""
        account = an_account(language="ar")
        self.assertEqual(self.viewer(accepted="ar").language.code, "ar")
        self.assertEqual(self.viewer(accepted="ar", tf_language="en").language.code, "en")
        self.assertEqual(self.viewer(accepted="ar" * 1000).language.code, "en")
        self.assertEqual(self.viewer(account).language.code, "ar")

    def test_appearance(self) -> None:
        """Light, dark, or as the system has it: whatever else stands in the cookie is that."""
        found = [self.viewer(tf_theme=theme).theme for theme in ("dark", "light", "", "x", '"><script>')]
        self.assertEqual(found, ["dark", "light", "", "", ""])

    def test_csrf(self) -> None:
        """What changes have to send along belongs to the session, and is not what opens it."""
        viewer = self.viewer(TOKENS[OPERATOR], "secret-of-a-session")
        self.assertEqual(viewer.csrf, csrf_of("secret-of-a-session"))
        self.assertNotIn("secret", viewer.csrf)
