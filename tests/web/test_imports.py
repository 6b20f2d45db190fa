"""``/imports``: files with people, taken and told of."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.web.import_samples import an_import
from tests.web.imported import CSV, NDJSON, ImportedCase
from tests.web.in_memory import BOUND, OPERATOR, READER, Answer, Connection
from tfserver.people.tabular import Unreadable
from tfserver.store.archive.forms import Form
from tfserver.store.people.imports import Asked, OtherImport, TooManyImports
from tfserver.web.api.imports import MOST_BYTES
from tfserver.web.site import MOST_LARGE

PATH = "/api/v1/imports"
FILE = b"enrollid;name\r\n7;Ana\r\n"


class BeginTests(ImportedCase):
    """Taking files."""

    def take(self, data: bytes = FILE, query: str = "", media: str = CSV, **headers: str) -> Answer:
        """Send a file."""
        return self.post(f"{PATH}{query}", data, Content_Type=media, **headers)

    def test_taken(self) -> None:
        """A file is taken at once, and where its import is told on."""
        answer = self.take()
        self.assertEqual((answer.status, answer.headers["location"]), (202, f"{PATH}/0af3"), answer.raw)
        self.assertEqual((answer.body["id"], answer.body["state"]), ("0af3", "waiting"))
        asked = Asked("token o", Form.CSV, False, "skip")
        self.assertEqual(self.imports.asked("begin"), [(asked, FILE, "")])
        self.take(b"{}", "?dry_run=true&on_error=stop", f"{NDJSON}; charset=utf-8", Idempotency_Key="k")
        asked = Asked("token o", Form.NDJSON, True, "stop")
        self.assertEqual(self.imports.asked("begin")[1], (asked, b"{}", "o:k"))

    def test_audited_without_content(self) -> None:
        """The audit knows that there was an import, and nothing of what stood in it."""
        self.take()
        [told] = self.audit.asked("write")
        self.assertEqual(told[1], "import_users")
        self.assertEqual(told[4], {"import": "0af3", "rows": 0, "dry_run": False})

    def test_refused(self) -> None:
        """What can't be read is 422 and names its column; too many at a time are 429."""
        self.imports.given["begin"] = Unreadable(("shoe_size", "unknown column"))
        self.assert_problem(self.take(), 422, "shoe_size")
        self.imports.given["begin"] = OtherImport("this idempotency key came with another file")
        self.assert_problem(self.take(Idempotency_Key="k"), 422)
        self.imports.given["begin"] = TooManyImports("4 imports are not over yet")
        self.assert_problem(self.take(), 429)
        self.assertEqual([told[3].split(":")[0] for told in self.audit.asked("write")], ["refused"] * 2)

    def test_wrong(self) -> None:
        """Which kind of file it is has to be said, and nothing else is taken."""
        for media in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
            self.assert_problem(self.take(media=media), 415)
        self.assert_problem(self.take(b""), 422, "body")
        self.assert_problem(self.take(query="?dry_run=yes"), 422, "dry_run")
        self.assert_problem(self.take(query="?on_error=go"), 422, "on_error")
        self.assertEqual(self.imports.calls, [])

    def test_who(self) -> None:
        """Readers and tokens of some sites bring nobody in."""
        for token in (READER, BOUND):
            self.assert_problem(self.post(PATH, FILE, token, Content_Type=CSV), 403)


class LargeTests(ImportedCase):
    """Files of many megabytes."""

    def test_large(self) -> None:
        """A file may be larger than other bodies, up to its own bound."""
        data = b"x" * (2 * 1024 * 1024)
        self.assertEqual(self.post(PATH, data, OPERATOR, Content_Type=CSV).status, 202)
        self.assertEqual(self.imports.asked("begin")[0][1], data)
        answer = self.ask("POST", PATH, b"x" * (MOST_BYTES + 1), OPERATOR, Content_Type=CSV)
        self.assert_problem(answer, 413)

    def test_elsewhere(self) -> None:
        """On no other path, and with no method that takes less."""
        for method, path in (("POST", "/api/v1/tokens"), ("PUT", PATH), ("POST", "/api/v1/nothing")):
            answer = self.ask(method, path, b"x" * (2 * 1024 * 1024), OPERATOR, Content_Type=CSV)
            self.assert_problem(answer, 413)

    def test_few_at_a_time(self) -> None:
        """Only so many are read at a time, whoever sends them; a place is free when its sender leaves."""
        sending = [self.begin_large() for _ in range(MOST_LARGE)]
        self.assertEqual([one.data for one in sending], [b""] * MOST_LARGE)
        self.assert_problem(self.begin_large().answer(), 503)
        self.assertEqual(self.post("/api/v1/backfills", {}, OPERATOR).status, 422)
        sending[0].leave()
        self.assertEqual(self.begin_large().data, b"")

    def test_place_until_it_is_answered(self) -> None:
        """The place is kept until the file is in the store."""
        waiting: list[Deferred[Any]] = [Deferred() for _ in range(MOST_LARGE)]
        left = iter(waiting)
        self.imports.given["begin"] = lambda *_: next(left)
        data = b"x" * (2 * 1024 * 1024)
        for _ in range(MOST_LARGE):
            self.begin("POST", PATH, data, OPERATOR, Content_Type=CSV)
        self.assertEqual(self.site.large_bodies.taken, MOST_LARGE)
        waiting[0].callback(an_import())
        self.assertEqual(self.site.large_bodies.taken, MOST_LARGE - 1)
        for one in waiting[1:]:
            one.callback(an_import())

    def begin_large(self) -> Any:
        """Somebody who has sent the first half of a large file."""
        connection = Connection(self.site)
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\nConnection: close\r\n\r\n"
        connection.say(head.encode(), b"x" * 2_000_000)
        return connection


class LookTests(ImportedCase):
    """What is told of imports."""

    def test_one(self) -> None:
        """How far it is, and what is wrong with its rows."""
        answer = self.get(f"{PATH}/0af3?after=2&limit=5")
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertEqual(answer.body["errors"], [{"row": 3, "field": "card", "message": "expected a number"}])
        self.assertLessEqual({"rows", "made", "changed", "same", "wrong", "state"}, set(answer.body))
        self.assertEqual(self.imports.asked("errors"), [("0af3", 2, 5)])
        self.assert_problem(self.get(f"{PATH}/nosuch"), 404)
        self.assert_problem(self.get(f"{PATH}/0af3?limit=1001"), 422, "limit")

    def test_listing(self) -> None:
        """The newest, so many."""
        self.assertEqual([one["id"] for one in self.get(f"{PATH}?limit=7").body["imports"]], ["0af3"])
        self.assertEqual(self.imports.asked("listing"), [(7,)])

    def test_cancel(self) -> None:
        """One that is under way stops; one that is over is a conflict."""
        self.assertEqual(self.delete(f"{PATH}/0af3", OPERATOR).status, 204)
        self.assertEqual(self.imports.asked("cancel"), [("0af3",)])
        self.imports.given["cancel"] = False
        self.assert_problem(self.delete(f"{PATH}/0af3", OPERATOR), 409)
        self.assert_problem(self.delete(f"{PATH}/nosuch", OPERATOR), 404)
