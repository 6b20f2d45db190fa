"""What pages are looked at with is there, and believable."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.dashboard import look
from tests.dashboard.browser import ARABIC, PHONE, VIEWS, BrowserScene
from tests.dashboard.company import name_of
from tests.dashboard.places import HOSTILE, STATES, places
from tests.dashboard.stage import Stage, usual
from tests.dashboard.tiny_site import TinySite


class PlacesTests(SynchronousTestCase):
    """Terminals without a server."""

    def test_the_same_again(self) -> None:
        """A seed gives the same terminals, more of them the same ones first, all with own numbers."""
        first = list(places(500, 10**12))
        self.assertEqual(first, list(places(900, 10**12))[:500])
        self.assertEqual(len({one.sn for one in first}), 500)
        self.assertNotEqual(first, list(places(500, 10**12, seed=9)))

    def test_some_of_all(self) -> None:
        """A small fleet has terminals of each state, and names that pages have to be careful with."""
        found = list(places(20, 10**12))
        self.assertEqual({one.state for one in found}, set(STATES))
        self.assertLessEqual(set(HOSTILE), {one.name for one in found})


class StageTests(BrowserScene):
    """The whole of it, without a browser."""

    def setUp(self) -> None:
        """No browser is needed."""

    def stage(self, *sizes: int) -> Stage:
        """A running one."""
        stage = Stage(*sizes)
        self.addCleanup(stage.stop)
        return stage.start()

    def test_many(self) -> None:
        """Terminals of every state, live ones among them, people, punches, webhooks and claims."""
        stage = self.stage(42, 9, 100)
        wanted = Counter(one.state for one in places(40, 0))
        online = 2 + wanted["online"] + wanted["silent"]
        told = {"online": online, "offline": wanted["offline"]}
        self.assertEqual(stage.counted(), {**told, "pending": wanted["pending"], "denied": wanted["denied"]})
        self.assertEqual(len(stage.live), 2)
        punches = stage.server.punches()
        self.assertGreater(len(punches), 100)
        self.assertGreater(len({punch["sn"] for punch in punches}), 1)
        people = stage.server.get("/users?limit=100")[1]["users"]
        self.assertEqual([one["name"] for one in people], [name_of(n) for n in range(1, 10)])
        hooks = stage.server.get("/webhooks")[1]["webhooks"]
        self.assertEqual({one["state"] for one in hooks}, {"active", "paused"})
        self.assertEqual(len(stage.server.get("/quarantine")[1]["claimants"]), 2)

    def test_three(self) -> None:
        """Of three terminals two are live and one waits."""
        self.assertEqual(self.stage(3, 2, 20).counted(), {"online": 2, "pending": 1})

    def test_none(self) -> None:
        """Without terminals a server is as at its first start."""
        stage = self.stage(0, 9, 100)
        self.assertEqual((stage.counted(), stage.server.get("/users")[1]["users"]), ({}, []))


class ViewerTests(BrowserScene):
    """Who looks is who it is to be."""

    def test_signed_in(self) -> None:
        """A viewer with a token is signed in by a cookie; without one nobody is."""
        shared = usual()
        path = f"{shared.url}/api/v1/session"
        known, stranger = self.visit(shared.url, token=shared.token), self.visit(shared.url)
        self.assertEqual(known.context.request.get(path).json()["role"], "admin")
        self.assertEqual(stranger.context.request.get(path).status, 401)

    def test_language_and_zone(self) -> None:
        """Browsers ask for pages in their language, and tell the time of their zone."""
        site = TinySite()
        self.addCleanup(site.stop)
        seen = self.visit(site.url, PHONE.of(scheme="dark", **ARABIC))
        answer = seen.goto("/clean")
        self.assertEqual(answer.request.all_headers()["accept-language"], "ar")
        zone = seen.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
        dark = seen.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        self.assertEqual((zone, dark, seen.page.evaluate("innerWidth")), ("Asia/Riyadh", True, 390))


class LookTests(BrowserScene):
    """Pictures."""

    def test_pictures(self) -> None:
        """Each path is taken in each view, named after both, and what is wrong is counted."""
        site, folder = TinySite(), tempfile.mkdtemp(prefix="tfl-")
        self.addCleanup(site.stop)
        views = [PHONE, PHONE.of(scheme="dark", **ARABIC)]
        lines: list[str] = []
        self.patch(look.sys, "stdout", type("Heard", (), {"write": lines.append, "flush": lambda *_: None}))
        wrong = look.look(site.url, "", ["/clean", "/two"], views, Path(folder), checked=True)
        self.assertEqual(wrong, 2, lines)
        names = {path.name for path in Path(folder).iterdir()}
        self.assertEqual(names, {look.file_name(path, view) for path in ("/clean", "/two") for view in views})
        self.assertIn("clean.phone-dark-ar.png", names)

    def test_views(self) -> None:
        """There are eight ways to look, each with a name of its own."""
        self.assertEqual(len({view.name for view in VIEWS}), 8)
