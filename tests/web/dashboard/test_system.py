"""The pages of the system, as people read them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.web.dashboard.html import Page
from tests.web.dashboard.looking import LookingCase
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER
from tests.web.running import OWN, a_store, an_archive
from tests.web.samples import a_dead_letter, a_record, a_webhook
from tfserver.config import Archive, Settings, Store
from tfserver.errors import StoreUnavailable
from tfserver.health import Process, Processes
from tfserver.store.inquiries import Found
from tfserver.store.principals import Role
from tfserver.store.sessions import Opened
from tfserver.store.tokens import Token
from tfserver.store.vitals import Beat
from tfserver.web.dashboard.system.configuration import MASK, rows_of
from tfserver.web.exchange import ADMIT_SECONDS

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""
AWAY = "connection lost: refused"


def said(page: Page) -> str:
    """All that stands on a page."""
    return " ".join(page.texts("main"))


def methods(page: Page) -> set[tuple[str, str]]:
    """What its forms change, without signing out."""
    forms = [each.given for each in page.all("form") if each.given.get("data-path") != "/api/v1/session"]
    return {(form["data-method"], form["data-path"]) for form in forms if "data-method" in form}


class OverviewTests(LookingCase):
    """Processes, store and archive."""

    def test_well(self) -> None:
        """What is well is told, with what an operator compares it by."""
        told = said(self.look("/system", OPERATOR))
        for one in (
            "Punches are taken.",
            "redis://store.example:6379",
            "valkey 9.1.0",
            "300 MiB of 1,024 MiB",
        ):
            self.assertIn(one, told)
        for one in ("gate-1", "0af30af3", "shows this page", "20%", "10 ms", "nothing waits", "for ever"):
            self.assertIn(one, told)

    def test_store_away(self) -> None:
        """While the store is away the page tells that, and what is known without it."""
        self.unready = f"store: {AWAY}"
        self.health.given["store"] = a_store(problem=AWAY, measured=None)
        self.health.given["processes"] = Processes([Process(OWN, None, None)], OWN, False)
        page = self.look("/system", OPERATOR)
        self.assertEqual(len(page.all("p", role="alert")), 1)
        for one in (AWAY, "No punch is taken just now.", "valkey 9.1.0", "The store does not answer"):
            self.assertIn(one, said(page))

    def test_archive_behind(self) -> None:
        """How far the archive is behind, why, and how long things are kept."""
        behind = {"problem": HOSTILE, "is_up": False, "lag": 1200, "lag_seconds": 7200.0}
        self.health.given["archive"] = an_archive(**behind, keep_days={"punch": 400})
        told = said(self.look("/system", OPERATOR))
        for one in (HOSTILE, "1200 punches, the first for 2 hours", "400 days", "does not take them over"):
            self.assertIn(one, told)

    def test_process_silent(self) -> None:
        """A process that is gone, or does not answer, is told with what is known of it."""
        every = [Process("b/1", Beat("b/1", None, 7), None), Process(HOSTILE, Beat(HOSTILE, 3000, 4), None)]
        self.health.given["processes"] = Processes(every, OWN, False)
        page = self.look("/system", OPERATOR)
        rows = page.texts("tr")
        self.assertIn("gone 7 did not answer", rows[1])
        self.assertIn("3 seconds ago 4 did not answer", rows[2])
        self.assertEqual(page.all("img"), [])

    def test_places(self) -> None:
        """Each is led only to what they may see."""
        places = {
            token: [each.given["href"].rpartition("/")[2] for each in self._inside(token)]
            for token in (OPERATOR, ADMIN, BOUND)
        }
        self.assertEqual(places[OPERATOR], ["system", "webhooks", "handshakes", "backfills"])
        self.assertEqual(places[BOUND], ["system", "webhooks", "audit", "backfills"])
        self.assertEqual(len(places[ADMIN]), 8)
        self.assertNotIn("System", self.look("/", READER).texts("a"))

    def _inside(self, token: str) -> list[Any]:
        links = self.look("/system", token).all("a")
        return [each for each in links if each.given["href"].startswith("/system")][1:]


class WebhookTests(LookingCase):
    """Who is told."""

    def test_roles(self) -> None:
        """Operators see how webhooks fare; only administrators are offered to change any."""
        self.webhooks.given.update(all=[a_webhook()], get=a_webhook(), dead_letters=([a_dead_letter()], None))
        place = f"/system/webhooks/{a_webhook().id}"
        self.assertEqual(methods(self.look("/system/webhooks", OPERATOR)), set())
        self.assertEqual(methods(self.look(place, OPERATOR)), set())
        path = f"/api/v1/webhooks/{a_webhook().id}"
        self.assertEqual(methods(self.look("/system/webhooks", ADMIN)), {("POST", "/api/v1/webhooks")})
        changes = {("PATCH", path), ("DELETE", path), ("POST", f"{path}/redeliver")}
        self.assertEqual(methods(self.look(place, ADMIN)), changes)

    def test_private_path(self) -> None:
        """What stands in an address is for administrators."""
        self.webhooks.given["all"] = [a_webhook()]
        path = a_webhook().url.partition("://")[2].partition("/")[2]
        self.assertIn(path, said(self.look("/system/webhooks", ADMIN)))
        self.assertNotIn(path, said(self.look("/system/webhooks", OPERATOR)))

    def test_sites(self) -> None:
        """A webhook of other sites is not there."""
        self.webhooks.given.update(all=[a_webhook("south")], get=a_webhook("south"))
        self.assertIn("Nobody is told", said(self.look("/system/webhooks", BOUND)))
        self.look(f"/system/webhooks/{a_webhook().id}", BOUND, 404)

    def test_pages(self) -> None:
        """Refused messages are paged, from the oldest."""
        self.webhooks.given.update(get=a_webhook(), dead_letters=([a_dead_letter()], "7-0"))
        place = f"/system/webhooks/{a_webhook().id}"
        links = [each.given["href"] for each in self.look(f"{place}?cursor=5-0", ADMIN).all("a")]
        self.assertIn(f"{place}?cursor=7-0", links)
        self.assertEqual(self.webhooks.asked("dead_letters")[-1][1:], (50, "5-0"))


class AuditTests(LookingCase):
    """Who did what."""

    def test_hostile(self) -> None:
        """What others wrote into the audit is text."""
        record = {"actor": HOSTILE, "what": HOSTILE, "sn": "A1", "outcome": HOSTILE, "detail": {"a": HOSTILE}}
        self.audit.given["page"] = lambda before, *_: [a_record("5-0", **record)] if before == "+" else []
        page = self.look("/system/audit", ADMIN)
        self.assertIn(HOSTILE, page.texts("bdi"))
        self.assertEqual((page.all("img"), len(page.all("pre"))), ([], 1))
        self.assertIn("/terminals/A1", [each.given["href"] for each in page.all("a")])

    def test_filters(self) -> None:
        """Filters stay in the fields and in the way to older records."""
        self.audit.given["page"] = [a_record(f"{at}-0", actor="token Ana") for at in range(9, 4, -1)]
        page = self.look("/system/audit?actor=Ana&since=1970-01-01T00:00:00Z&limit=2", ADMIN)
        self.assertEqual([each.given["value"] for each in page.all("input", name="actor")], ["Ana"])
        older = [each.given["href"] for each in page.all("a", rel="next")]
        self.assertEqual(older, ["/system/audit?actor=Ana&since=1970-01-01T00%3A00%3A00Z&limit=2&cursor=8-0"])

    def test_bad_query(self) -> None:
        """What can't be meant is told."""
        self.look("/system/audit?since=yesterday", ADMIN, 422)
        self.look("/system/audit?limit=1000", ADMIN, 422)


class TokenTests(LookingCase):
    """Tokens of programs."""

    def test_list(self) -> None:
        """Tokens with names of others, each with a way to revoke it; never a token itself."""
        self.accepted["x"] = Token("77", Role.READER, 5, HOSTILE, ("north",), HOSTILE)
        page = self.look("/system/tokens", ADMIN)
        self.assertIn(("DELETE", "/api/v1/tokens/77"), methods(page))
        self.assertIn(HOSTILE, page.texts("bdi"))
        self.assertTrue(
            all(each.given["data-confirm"] for each in page.all("form", data_method="DELETE")[1:])
        )
        self.assertEqual(page.texts("code", data_secret=""), [""])
        self.assertEqual(page.all("img"), [])


class ConfigurationTests(LookingCase):
    """Settings as they were loaded."""

    def test_masked(self) -> None:
        """Nothing of a password is shown, however it was written into an address."""
        addresses = (
            "redis://ana:s3cret@h:1/0",
            "redis://:s3/cr@et@h:1",
            "sentinel://u:s3cret@a:1,b:2/m",
            "postgresql://h/d?user=a&password=s3cret",
            "postgresql://u:s3#c@h/d",
        )
        for address in addresses:
            settings = Settings(store=Store(url=address), archive=Archive(url=address))
            told = {row.name: row.value for row in rows_of(settings)}
            for name in ("store.url", "archive.url"):
                self.assertNotIn("s3", told[name], address)
                self.assertIn(MASK, told[name])

    def test_changed(self) -> None:
        """Only what somebody chose, with its default; where a password stands is no secret."""
        rows = rows_of(Settings(store=Store(password_file="/etc/tf/word", read_seconds=7.0)))
        changed = {row.name: (row.value, row.default) for row in rows if row.is_changed}
        wanted = {"store.password_file": ("/etc/tf/word", "''"), "store.read_seconds": ("7.0", "5.0")}
        self.assertEqual(changed, wanted)

    def test_page(self) -> None:
        """Every setting stands there with what it is for, or only those that were chosen."""
        told = said(self.look("/system/configuration", ADMIN))
        self.assertIn("store.durability", told)
        self.assertIn("The weakest durability under which punches are acknowledged.", told)
        self.assertIn("Everything is as it is", said(self.look("/system/configuration?only=changed", ADMIN)))


class OtherTests(LookingCase):
    """Accounts, failed connections and backfills."""

    def test_accounts(self) -> None:
        """Accounts, and all that can be done to one."""
        self.assertIn(("POST", "/api/v1/accounts"), methods(self.look("/system/accounts", ADMIN)))
        page = self.look("/system/accounts/ines", ADMIN)
        found = {method for method, _ in methods(page)}
        self.assertEqual(found, {"PATCH", "DELETE"})
        self.assertEqual([each for each in page.all("input", type="password") if each.given.get("value")], [])

    def test_own(self) -> None:
        """A token has neither password nor language; signing out everywhere is there for all."""
        page = self.look("/account", READER)
        self.assertEqual(methods(page), {("DELETE", "/api/v1/sessions")})
        self.assertIn("signed in with a token", said(page))

    def test_handshakes(self) -> None:
        """Where connections came from that failed, and why; only from an address that was searched for."""
        row = {"times": 3, "first": "1970-01-01T00:00:00.000Z", "last": "1970-01-01T00:00:01.000Z"}
        rows = [
            {**row, "address": "192.0.2.7", "why": HOSTILE, "process": "p"},
            {**row, "address": "198.51.100.1", "why": "closed", "process": "p"},
        ]
        self.inquiries.given["ask"] = Found(rows, False)
        page = self.look("/system/handshakes?address=192.0", OPERATOR)
        self.assertEqual(len(page.texts("tr")), 2)
        for one in (HOSTILE, "Not every process answered", "192.0.2.7"):
            self.assertIn(one, said(page))

    def test_backfills(self) -> None:
        """Readers see how far backfills are; making one is for operators."""
        self.assertEqual(methods(self.look("/system/backfills", OPERATOR)), {("POST", "/api/v1/backfills")})
        self.look("/system/backfills", READER, 403)


class AwayTests(LookingCase):
    """A browser that was signed in when the store went away."""

    def test_system(self) -> None:
        """It sees how the store is, and nothing else; who was not signed in sees that it is away."""
        who = Token("o", Role.OPERATOR, 1)
        self.sessions.given["find"] = StoreUnavailable(AWAY)
        self.sessions.__dict__["used_lately"] = lambda secret, now_ms: (
            Opened(who, 9, "d") if secret == "mine" else None
        )
        self.look("/system", None, 200, Cookie="tfs=mine", Sec_Fetch_Site="none")
        self.look("/system", None, 503, Cookie="tfs=other")
        self.sessions.given["find"] = lambda secret: Deferred()
        waiting = self.begin("GET", "/system", b"", None, Cookie="tfs=mine")
        self.clock.advance(ADMIT_SECONDS)
        self.assertEqual(waiting.answer().status, 200)
        self.sessions.given["find"] = StoreUnavailable(AWAY)
        for path in ("/system/webhooks", "/"):
            self.look(path, None, 503, Cookie="tfs=mine")
        self.assertEqual(self.get("/api/v1/webhooks", None, Cookie="tfs=mine").status, 503)
        foreign = self.get("/system", None, Cookie="tfs=mine", Sec_Fetch_Site="cross-site")
        self.assertEqual(foreign.status, 303)
