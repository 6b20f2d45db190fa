"""People from files on real processes: over a kill -9, while punches come, and out again."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.real.client import RealClient, log
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.store import wait_until

CSV, NDJSON = "text/csv", "application/x-ndjson"
SN = "IMPORTS0001"


class ImportScene(Scene):
    """Processes over one store."""

    def process(self, name: str) -> PlacedServer:
        """A running process."""
        return self.server(*OPEN, "--instance", name, store=self.redis)

    def setUp(self) -> None:
        """One process."""
        self.redis = self.store()
        self.one = self.process("one")
        self.seconds = itertools.count(1)

    def take(self, data: str, query: str = "", media: str = CSV) -> str:
        """Send a file; the id of its import."""
        status, body = self.one.ask("POST", f"/imports{query}", data.encode(), content_type=media)
        self.assertEqual(status, 202, body)
        return str(body["id"])

    def over(self, import_id: str, server: PlacedServer | None = None) -> dict[str, Any]:
        """An import when it is over."""
        found: dict[str, Any] = {}

        def is_over() -> bool:
            found.update((server or self.one).get(f"/imports/{import_id}")[1])
            return found["state"] not in ("waiting", "working")

        wait_until(is_over, "the import is over", 60)
        return found

    def people(self, many: int) -> str:
        """A file with so many people."""
        rows = (f"{n};Person {n};P-{n:05d};{n + 1000}\n" for n in range(1, many + 1))
        return "enrollid;name;external_id;card\n" + "".join(rows)

    def push(self, terminal: RealClient, second: int) -> None:
        """One punch of person 7."""
        record = log(7, f"2026-04-02 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}")
        answer = terminal.ask(cmd="sendlog", count=1, logindex=second, record=[record])
        self.assertTrue(answer["result"], answer)


class ImportTests(ImportScene):
    """From a file to the directory."""

    def test_killed(self) -> None:
        """A dry run changes nothing. Then another process goes on with what one began that was killed; each
        row has one result, as the dry run said, also those that are wrong."""
        self.over(self.take("enrollid;name\n1;before\n"))
        rows = self.people(3000) + "3001;Wrong;P-00007;1\n3002;Wrong;P-03002;no card\n7;Again;;\n"
        foreseen = self.over(self.take(rows, "?dry_run=true"))
        self.assertEqual(self.one.get("/users/2")[0], 404)
        import_id = self.take(rows)
        wait_until(lambda: self.one.get(f"/imports/{import_id}")[1]["made"] > 100, "it goes on")
        self.one.kill()
        other = self.process("other")
        found = self.over(import_id, other)
        counts = [found[name] for name in ("state", "rows", "made", "changed", "same", "wrong")]
        self.assertEqual(counts, ["done", 3003, 2999, 1, 0, 3], found)
        wrong = [(one["row"], one["field"]) for one in found["errors"]]
        self.assertEqual(wrong, [(3002, "external_id"), (3003, "card"), (3004, "enrollid")])
        self.assertEqual(found["errors"], foreseen["errors"])
        self.assertEqual([foreseen[name] for name in ("made", "changed", "same", "wrong")], [2999, 1, 0, 3])
        status, person = other.get("/users/2999")
        self.assertEqual((status, person["external_id"], len(person["credentials"])), (200, "P-02999", 1))

    def test_out_and_in(self) -> None:
        """What was exported and is sent again changes nothing."""
        self.over(self.take(self.people(450)))
        for media in (CSV, NDJSON):
            answer = self.one.exchange("GET", "/users", None, accept=media)
            self.assertEqual(answer.headers["content-type"].split(";")[0], media)
            found = self.over(self.take(answer.body, "?dry_run=true", media))
            self.assertEqual((found["same"], found["wrong"]), (450, 0), found)


class ExternalIdTests(ImportScene):
    """Punches of people whom other systems know."""

    def test_fixed(self) -> None:
        """A punch gets the external id that its person has in that moment, also in another process and after
        a start; it keeps it for ever."""
        other = self.process("other")
        terminal = self.quiet(other, SN)
        self.push(terminal, 0)
        self.one.put("/users/7", {"external_id": "P-007"})
        wait_until(lambda: self.told(terminal) == "P-007", "the other process knows it")
        self.one.put("/users/7", {"external_id": "P-7"})
        wait_until(lambda: self.told(terminal) == "P-7", "the other process knows the new one")
        again = self.process("again")
        self.push(self.quiet(again, f"{SN}A"), 0)
        self.one.delete("/users/7")
        wait_until(lambda: self.told(terminal) is None, "the other process knows that it is gone")
        ids = [one["external_id"] for one in self.one.punches()]
        self.assertEqual((ids[0], {*ids}), (None, {None, "P-007", "P-7"}))
        [alone] = [one for one in self.one.punches() if one["sn"] == f"{SN}A"]
        self.assertEqual(alone["external_id"], "P-7")

    def told(self, terminal: RealClient) -> str | None:
        """The external id of a new punch of person 7."""
        self.push(terminal, next(self.seconds))
        found: str | None = self.one.punches()[-1]["external_id"]
        return found


class PersonalDataTests(ImportScene):
    """All that is kept of a person."""

    def test_everything(self) -> None:
        """Directory, terminal, punches and audit; records only to whom it may."""
        self.over(self.take('{"enrollid":7,"name":"Ana","card":4711,"external_id":"P-7"}\n', "", NDJSON))
        terminal = self.quiet(self.one, SN)
        user = {"enrollid": 7, "name": "Ana", "backupnum": 0, "admin": 0, "record": "x" * 100}
        self.assertTrue(terminal.ask(cmd="senduser", **user)["result"])
        self.push(terminal, 1)
        self.assertEqual(self.one.get("/users/7/credentials/11/record")[0], 403)
        answer = self.one.exchange("GET", "/users/7/data", None)
        found = [json.loads(line) for line in answer.body.splitlines()]
        kinds = [one["data"] for one in found]
        for kind in ("person", "credential", "told", "told_credential", "held", "punch", "audit"):
            self.assertIn(kind, kinds)
        self.assertEqual((kinds[-1], "record" in answer.body and "4711" in answer.body), ("end", False))
        made = self.one.post("/tokens", {"name": "hr", "role": "admin", "templates": True})[1]
        bearer = {"authorization": f"Bearer {made['token']}"}
        self.assertEqual(self.one.get("/users/7/credentials/11/record", **bearer)[1]["record"], "4711")
        opened = self.one.exchange("GET", "/users/7/data?records=true", None, **bearer).body
        self.assertIn('"record":"4711"', opened)
        whole = [one["what"] for one in self.one.get("/audit")[1]["audit"] if one["outcome"] == "done"]
        self.assertEqual(sorted(whole)[:3], ["create_token", "get_record", "get_user_data"])
