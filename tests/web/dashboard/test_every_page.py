"""Rules that hold for every page, read off the table: a page without them fails here."""

from __future__ import annotations

from tests.web.dashboard.looking import LookingCase
from tests.web.every_route import EveryRouteCase, filled
from tests.web.in_memory import ADMIN, BOUND, TOKENS
from tfserver.errors import StoreUnavailable
from tfserver.store.tokens import Role
from tfserver.web.dashboard.people import frame as people
from tfserver.web.dashboard.punches import frame as punches
from tfserver.web.dashboard.system import frame as system
from tfserver.web.route import Scope
from tfserver.web.routes import PAGES, ROUTES

SHOWN = [route for route in PAGES if route.is_page]
BEHIND = [route for route in SHOWN if route.role is not None]
RANKS = (Role.READER, Role.OPERATOR, Role.ADMIN)
OPEN = {"/sign-in"}
LOADED = {
    "/assets/{version}/{asset}",
    "/live",
    "/fleet/numbers",
    "/people/people.csv",
    "/punches/punches.csv",
}
PLACES = (*people.PLACES, *punches.PLACES, *system.PLACES)
"""Within the parts of the dashboard."""
LANGUAGES = {"en": "ltr", "ar": "rtl"}


class EveryPageTests(EveryRouteCase, LookingCase):
    """Each page of the table, over stores in which there is one of each thing."""

    def test_table(self) -> None:
        """Pages only show; what is no page is loaded by pages; no name or path is the API's."""
        self.assertEqual({route.path for route in PAGES if not route.is_page}, LOADED)
        self.assertEqual({route.method for route in PAGES}, {"GET"})
        self.assertEqual({route.path for route in SHOWN if route.role is None}, OPEN)
        names = [route.name for route in (*ROUTES, *PAGES)]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual([route.path for route in PAGES if route.path.startswith("/api")], [])

    def test_shown(self) -> None:
        """Every page is whole, in every language, and written in its direction."""
        for route in SHOWN:
            for language, direction in LANGUAGES.items():
                page = self.look(filled(route.path), ADMIN, Accept_Language=language)
                self.assertEqual(page.all("html")[0].given["dir"], direction, route.path)

    def test_current(self) -> None:
        """Among the places of its part, that one is marked which the page belongs to."""
        for route in BEHIND:
            path = filled(route.path)
            around = [place.path for place in PLACES if f"{path}/".startswith(f"{place.path}/")]
            if not around:
                continue
            marked = {one.given["href"] for one in self.look(path, ADMIN).all("a", aria_current="page")}
            self.assertIn(max(around, key=len), marked, path)

    def test_not_signed_in(self) -> None:
        """Who is not signed in is led to where they can, and back."""
        for route in BEHIND:
            path = filled(route.path)
            answer = self.get(path, None)
            self.assertEqual(answer.status, 303, path)
            place = answer.headers["location"]
            self.assertEqual(place, "/sign-in" if path == "/" else f"/sign-in?next={path}")

    def test_roles(self) -> None:
        """Each page is for its role and above; others are told so on a page."""
        for route in BEHIND:
            assert route.role is not None
            for token, known in TOKENS.items():
                is_allowed = RANKS.index(known.role) >= RANKS.index(route.role)
                self.look(filled(route.path), token, 200 if is_allowed else 403)

    def test_elsewhere(self) -> None:
        """At other sites than its own a token sees nothing of what is there."""
        self.fill("south")
        for route in BEHIND:
            answer = self.get(filled(route.path), BOUND)
            if route.scope is Scope.TERMINAL:
                self.assertEqual(answer.status, 404, route.path)
            if route.scope is Scope.ALL_SITES:
                self.assertEqual(answer.status, 403, route.path)
            self.assertNotIn(b"found-me", answer.raw, route.path)

    def test_store_away(self) -> None:
        """Without the store there is a page that says so, or shows what is known without it."""
        for face in (self.tokens, self.terminals, self.audit, self.webhooks, self.punches, self.commander):
            face.given = dict.fromkeys(face.given, StoreUnavailable("away"))
        for route in BEHIND:
            answer = self.get(filled(route.path), ADMIN)
            self.assertEqual(answer.status, 503, route.path)
            self.read(answer)

    def test_unknown_parameter(self) -> None:
        """What a page can't be asked is told on a page."""
        for route in BEHIND:
            self.look(f"{filled(route.path)}?nosuch=1", ADMIN, 422)
