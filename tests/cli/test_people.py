"""``tfserver people``, ``groups``, ``erase`` and ``erasure``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

from tests.cli.stub import Answer, StubCase, problem
from tfserver.cli import following

GONE = problem(404, "no person has the number 7")


def person(enrollid: int = 7, **changed: Any) -> dict[str, Any]:
    """A person as the API tells of it."""
    found = {
        "enrollid": enrollid, "name": "Ines M", "external_id": "E1", "admin": 0,
        "validity": {"until": "2026-12-31"}, "access": None, "groups": ["staff"], "note": "", "source": "api",
        "created": "2026-04-02T07:00:00.000Z", "changed": "2026-04-02T07:00:00.000Z", "version": 3,
        "credentials": [{"backupnum": 11, "label": "card", "kind": "card", "version": "v1", "bytes": 10,
                         "made": {}}],
        "collisions": [],
    }  # fmt: skip
    return {**found, **changed}


def group(**changed: Any) -> dict[str, Any]:
    """A group as the API tells of it."""
    found = {
        "name": "staff", "title": "", "sites": ["Lisbon"], "tags": [], "terminals": [], "everywhere": False,
        "access": None, "validity": {}, "continuous": True, "version": 2, "members": 5,
    }  # fmt: skip
    return {**found, **changed}


class PeopleTests(StubCase):
    """Looking at people, and changing them."""

    def test_list(self) -> None:
        """A line for each person; a beginning of a name, a group and an external id are looked for."""
        self.stub.on("GET /users", {"users": [person()], "next": None})
        done = self.ask("people", "In")
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertRegex(done.out, r"(?m)^7 +Ines M +E1 +staff +2026-12-31 +card$")
        self.assertEqual(self.stub.asked[0].query, {"prefix": "In", "limit": "1000"})
        self.ask("people", "--group", "staff")
        self.assertEqual(self.stub.asked[1].query["group"], "staff")
        self.ask("people", "list", "--external-id", "E1")
        self.assertEqual(self.stub.asked[2].query["external_id"], "E1")

    def test_limit(self) -> None:
        """No page is asked for that nobody wants."""
        self.stub.on("GET /users", {"users": [person(n) for n in range(1, 6)], "next": "5"})
        self.assertEqual(len(self.ask("people", "--limit", "3", "--json").json), 3)
        self.assertEqual(len(self.stub.asked), 1)

    def test_show(self) -> None:
        """Everything; with ``--json`` as the API tells it."""
        self.stub.on("GET /users/7", person())
        self.assertRegex(self.ask("people", "show", "7").out, r"(?m)^validity\.until +2026-12-31$")
        self.assertEqual(self.ask("people", "show", "7", "--json").json, [person()])

    def test_show_places(self) -> None:
        """What somebody has, what is told otherwise and what stands where is in tables, not in JSON."""
        there = {"backupnum": 11, "label": "card", "proof": "read", "same": True, "at": "2026-04-03",
                 "recognised": None}  # fmt: skip
        places = [
            {"sn": "A", "ours": True, "name": "Ines M", "admin": 0, "seen": None, "credentials": [there]},
            {"sn": "B", "ours": False, "name": "Ines", "admin": 0, "seen": None, "credentials": []},
        ]
        other = {"sn": "C", "what": "name", "ours": "Ines M", "theirs": "Rui", "at": "2026-04-02"}
        self.stub.on("GET /users/7", person(terminals=places, collisions=[other]))
        out = self.ask("people", "show", "7").out
        self.assertNotIn("{", out)
        self.assertRegex(out, r"(?m)^card +10\b")
        self.assertRegex(out, r"(?m)^A +Ines M +yes +card +read +yes +2026-04-03$")
        self.assertRegex(out, r"(?m)^B +Ines +no$")
        self.assertRegex(out, r"(?m)^C +name +Ines M +Rui +2026-04-02$")

    def test_set_new(self) -> None:
        """Whoever is not there is made, and only if nobody else made it meanwhile."""
        self.stub.on("GET /users/7", GONE)
        self.stub.on("PUT /users/7", person())
        done = self.ask(
            "people", "set", "7", "--name", "Ines M", "--group", "a", "--group", "b", "--admin", "1"
        )
        self.assertEqual(done.status, 0, done.err)
        put = self.stub.asked[1]
        self.assertEqual(put.body, {"version": 0, "name": "Ines M", "admin": 1, "groups": ["a", "b"]})

    def test_set_changes(self) -> None:
        """What is left out stays, an empty text takes away; the version is the one that was seen."""
        self.stub.on("GET /users/7", person())
        self.stub.on("PUT /users/7", person())
        self.ask("people", "set", "7", "--until", "", "--from", "2026-05-01", "--external-id", "")
        body = self.stub.asked[1].body
        self.assertEqual((body["name"], body["groups"], body["version"]), ("Ines M", ["staff"], 3))
        self.assertEqual((body["validity"], body["external_id"]), ({"from": "2026-05-01"}, None))
        self.assertNotIn("credentials", body)

    def test_set_weekzone(self) -> None:
        """A week zone is set; 0 is that of the groups again."""
        self.stub.on("PUT /users/7", person())
        for before, given, expected in (
            (None, "2", {"weekzone": 2}),
            ({"weekzone": 2, "group": 1}, "0", {"weekzone": 0, "group": 1}),
            ({"weekzone": 2}, "0", None),
        ):
            self.stub.on("GET /users/7", person(access=before))
            self.ask("people", "set", "7", "--weekzone", given)
            self.assertEqual(self.stub.asked[-1].body["access"], expected)

    def test_outdated(self) -> None:
        """Somebody who was changed meanwhile is not overwritten."""
        self.stub.on("GET /users/7", person())
        self.stub.on("PUT /users/7", problem(409, "person 7 has version 4 by now: look again"))
        done = self.ask("people", "set", "7", "--name", "X")
        self.assertEqual(done.status, 1)
        self.assertIn("version 4", done.err)

    def test_remove(self) -> None:
        """Each is taken out, and that is said."""
        for number in (7, 8):
            self.stub.on(f"DELETE /users/{number}", Answer(204, ""))
        self.assertEqual(self.ask("people", "remove", "7", "8").out, "7: removed\n8: removed\n")

    def test_collisions(self) -> None:
        """Each contradiction is a line, and makes the exit code 1; without any all is well."""
        other = {"sn": "B", "what": "name", "ours": "Ines M", "theirs": "Rui", "at": "2026-04-02"}
        self.stub.on("GET /users", {"users": [person(collisions=[other])], "next": None})
        done = self.ask("people", "collisions")
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"(?m)^7 +B +name +Ines M +Rui +2026-04-02$")
        self.assertEqual(self.stub.asked[0].query["collided"], "true")
        self.stub.on("GET /users", {"users": [], "next": None})
        self.assertEqual((self.ask("people", "collisions").status), 0)

    def test_adopt(self) -> None:
        """A terminal is right."""
        self.stub.on("POST /users/7/adopt", person())
        self.assertEqual(self.ask("people", "adopt", "7", "B").status, 0)
        self.assertEqual(self.only().body, {"sn": "B"})

    def test_bad_number(self) -> None:
        """Nobody has the number 0, or a name for a number."""
        for number in ("0", "x", "-1"):
            self.assertEqual(self.ask("people", "show", number).status, 2)
        self.assertEqual(self.stub.asked, [])


class GroupsTests(StubCase):
    """Groups of people."""

    def test_list(self) -> None:
        """A line for each, with where its people belong."""
        groups = [group(), group(name="all", everywhere=True), group(name="none", sites=[])]
        self.stub.on("GET /groups", {"groups": groups})
        out = self.ask("groups").out
        self.assertRegex(out, r"(?m)^staff +5 +at Lisbon +yes")
        self.assertRegex(out, r"(?m)^all +5 +everywhere")
        self.assertRegex(out, r"(?m)^none +5 +nowhere")

    def test_show(self) -> None:
        """A group comes with the numbers of its people, page after page."""
        self.stub.on("GET /groups/staff", group())
        pages = ({"members": [7, 8], "next": "8"}, {"members": [9], "next": None})
        self.stub.on("GET /groups/staff/members", *pages)
        self.assertEqual(self.ask("groups", "show", "staff", "--json").json[0]["people"], [7, 8, 9])

    def test_set(self) -> None:
        """What is left out stays; lists are replaced; switches go both ways."""
        self.stub.on("GET /groups/staff", group())
        self.stub.on("PUT /groups/staff", group())
        self.ask("groups", "set", "staff", "--tag", "gate", "--not-continuous", "--title", "Staff")
        body = self.stub.asked[1].body
        self.assertEqual((body["sites"], body["tags"], body["continuous"]), (["Lisbon"], ["gate"], False))
        self.assertEqual((body["title"], body["version"]), ("Staff", 2))
        self.assertNotIn("members", body)

    def test_set_new(self) -> None:
        """One that is not there is made."""
        self.stub.on("GET /groups/staff", problem(404, "no group is called 'staff'"))
        self.stub.on("PUT /groups/staff", group())
        self.assertEqual(self.ask("groups", "set", "staff", "--everywhere").status, 0)
        self.assertEqual(self.stub.asked[1].body, {"version": 0, "everywhere": True})

    def test_members(self) -> None:
        """People come and go; those whom nobody knows are told, with exit code 1."""
        moved = {"added": 1, "removed": 0, "unknown": [9], "full": []}
        self.stub.on("POST /groups/staff/members", moved)
        done = self.ask("groups", "add", "staff", "7", "9")
        self.assertEqual((done.status, self.only().body), (1, {"add": [7, 9]}))
        self.assertIn("not in the directory: 9", done.out)
        self.stub.on("POST /groups/staff/members", {"added": 0, "removed": 1, "unknown": [], "full": []})
        done = self.ask("groups", "drop", "staff", "7")
        self.assertEqual((done.status, done.out), (0, "staff: 0 came, 1 went\n"))

    def test_remove(self) -> None:
        """A group is forgotten."""
        self.stub.on("DELETE /groups/staff", Answer(204, ""))
        self.assertEqual(self.ask("groups", "remove", "staff").out, "staff: removed\n")


class FilesTests(StubCase):
    """People from files, and to files."""

    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch.object(following, "LOOK_SECONDS", 0)
        patch.start()
        self.addCleanup(patch.stop)

    def imported(self, state: str, **changed: Any) -> dict[str, Any]:
        """An import as the API tells of it."""
        found = {
            "id": "i1", "state": state, "actor": "token o", "form": "csv", "dry_run": False,
            "on_error": "skip", "created": "x", "begun": None, "ended": None, "why": "", "bytes": 9,
            "rows": 3, "reached": 0, "made": 1, "changed": 1, "same": 0, "wrong": 0, "told": 0,
        }  # fmt: skip
        return {**found, **changed}

    def file(self, name: str = "staff.csv") -> str:
        """A file with people."""
        path = Path(self.mktemp()).with_name(name).absolute()
        path.write_bytes(b"enrollid,name\r\n7,Ines\r\n")
        return str(path)

    def test_imported(self) -> None:
        """A file goes as it is, and what came of its rows is told."""
        self.stub.on("POST /imports", Answer(202, self.imported("waiting")))
        over = self.imported("done", errors=[])
        self.stub.on("GET /imports/i1", self.imported("working", errors=[]), over)
        done = self.ask("people", "import", self.file(), "--dry-run", "--stop")
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("1 made, 1 changed, 0 as they are, 0 rows wrong", done.out)
        asked = self.stub.asked[0]
        self.assertEqual(
            (asked.query, asked.body[:8]), ({"dry_run": "true", "on_error": "stop"}, b"enrollid")
        )
        self.assertEqual(self.stub.headers[0]["Content-Type"], "text/csv")

    def test_wrong_rows(self) -> None:
        """Each wrong row is told with its column; exit code 1."""
        self.stub.on("POST /imports", Answer(202, self.imported("waiting")))
        error = {"row": 2, "field": "valid_until", "message": "expected a day or a moment that exists"}
        self.stub.on("GET /imports/i1", self.imported("done", wrong=1, errors=[error]))
        done = self.ask("people", "import", self.file("staff.jsonl"))
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"(?m)^2 +valid_until +expected a day or a moment that exists$")
        self.assertEqual(self.stub.headers[0]["Content-Type"], "application/x-ndjson")

    def test_what_is_it(self) -> None:
        """A file that says nothing of its format is asked about, one that is not there is told."""
        self.assertEqual(self.ask("people", "import", self.file("staff.txt")).status, 2)
        self.assertEqual(self.ask("people", "import", "/nowhere/staff.csv").status, 1)
        self.assertEqual(self.stub.asked, [])

    def test_exported(self) -> None:
        """All people as the server writes them, or all that is kept of one."""
        self.stub.on("GET /users", "enrollid,name\r\n7,Ines\r\n")
        self.assertEqual(self.ask("people", "export", "--group", "staff").out, "enrollid,name\r\n7,Ines\r\n")
        self.assertEqual((self.only().accept, self.only().query), ("text/csv", {"group": "staff"}))
        self.stub.on("GET /users/7/data", '{"end":true}\n')
        self.assertEqual(self.ask("people", "export", "7", "--records").out, '{"end":true}\n')
        self.assertEqual(self.stub.asked[1].query, {"records": "true"})
        self.assertEqual(self.ask("people", "export", "--records").status, 2)


class ErasingTests(StubCase):
    """Forgetting people."""

    def report(self, ended: str | None = None, proven: bool = False) -> dict[str, Any]:
        """A report as the API tells of it."""
        place = {
            "place": "terminal", "sn": "B", "state": "waiting", "at": None, "told": "not online", "proof": "",
        }  # fmt: skip
        return {
            "id": "e1", "enrollid": 7, "actor": "token a", "reason": "left", "ordered": "x",
            "state": "open" if ended is None else "done", "ended": ended, "proven": proven,
            "counts": {"waiting": 1}, "places": [place], "sha256": None if ended is None else "ab",
        }  # fmt: skip

    def test_erased(self) -> None:
        """What is to be done at which place is told; it goes on by itself: exit code 4."""
        self.stub.on("POST /erasures", Answer(202, self.report()))
        done = self.ask("erase", "7", "--reason", "left", "--confirm", "7")
        self.assertEqual(done.status, 4, done.err)
        self.assertRegex(done.out, r"(?m)^B +waiting +not online$")
        self.assertEqual(self.only().body, {"enrollid": 7, "reason": "left", "confirm": "7"})

    def test_not_confirmed(self) -> None:
        """Without the number again, or a reason, nothing is asked."""
        self.assertEqual(self.ask("erase", "7", "--reason", "left").status, 2)
        self.assertEqual(self.ask("erase", "7", "--confirm", "7").status, 2)
        self.assertEqual(self.stub.asked, [])

    def test_report(self) -> None:
        """The exit code says whether it is over and proven."""
        for ended, proven, status in (("x", True, 0), ("x", False, 1), (None, False, 4)):
            self.stub.on("GET /erasures/e1", self.report(ended, proven))
            self.assertEqual(self.ask("erasure", "e1").status, status)

    def test_all(self) -> None:
        """Without an id all are told."""
        self.stub.on("GET /erasures", {"erasures": [self.report()], "next": None})
        self.assertRegex(self.ask("erasure").out, r"(?m)^e1 +7 +open +x +token a +1 waiting$")
