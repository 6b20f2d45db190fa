"""``tfserver plan``, ``apply``, ``plans``, ``differences`` and ``capacity``."""

from __future__ import annotations

from typing import Any
from unittest import mock

from tests.cli.stub import Answer, StubCase, problem, terminal
from tfserver.cli import following

SN = "ZXDM26010042"


def head(sn: str = SN, **changed: Any) -> dict[str, Any]:
    """A terminal of a plan."""
    found = {
        "sn": sn, "items": 4, "refused": 1, "ops": {"credential": 2, "name": 1, "remove": 1}, "people": 3,
        "same": 1, "kept": 0, "commands": 4, "minutes": 1.25,
        "room": {"user": {"size": 10, "before": 2, "most": 5, "after": 4},
                 "fp": {"size": 4, "before": 2, "most": 3, "after": 3}},
        "warnings": [], "problem": "", "counts": {"planned": 4}, "stage": "", "told": "",
    }  # fmt: skip
    return {**found, **changed}


def plan(state: str = "ready", *heads: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A plan as the API tells of it."""
    terminals = list(heads) or [head()]
    found = {
        "id": "p1", "state": state, "made": "2026-04-02T07:00:00.000Z", "actor": "token o", "scope": {},
        "options": {}, "sns": [one["sn"] for one in terminals], "begun": None, "begun_by": "", "ended": None,
        "why": "", "next": None, "terminals": terminals,
        "totals": {"terminals": len(terminals), "unplanned": 0, "items": 4, "refused": 1, "commands": 4,
                   "minutes": 1.25, "ops": {}, "counts": terminals[0]["counts"]},
    }  # fmt: skip
    return {**found, **changed}


def step(n: int, **changed: Any) -> dict[str, Any]:
    """A step of a plan."""
    found = {
        "n": n, "op": "credential", "enrollid": 7, "backupnum": 0, "label": "fingerprint 0", "why": "missing",
        "order": n, "reason": None, "state": "planned", "told": "", "command": None, "at": None,
    }  # fmt: skip
    return {**found, **changed}


REFUSED = step(5, reason="fpalgo", state="refused", why="made with thbio1.0, and it reads thbio3.0")


class PlanCase(StubCase):
    """Nobody waits between looks."""

    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch.object(following, "LOOK_SECONDS", 0)
        patch.start()
        self.addCleanup(patch.stop)


class PlanTests(PlanCase):
    """Planning."""

    def answer(self, found: dict[str, Any], *steps: dict[str, Any]) -> None:
        """A plan with these steps."""
        self.stub.on("POST /sync/plan", Answer(201, found))
        self.stub.on("GET /sync/plans/p1", found)
        page = {"terminal": head(), "steps": list(steps), "next": None}
        self.stub.on(f"GET /sync/plans/p1/terminals/{SN}", page)

    def test_told(self) -> None:
        """A line for each terminal, and what can't be with its reason: for that the exit code is 1."""
        self.answer(plan(), REFUSED)
        done = self.ask("plan", "--group", "staff", "--foreign", "remove", "--site", "Lisbon")
        self.assertEqual((done.status, done.err), (1, ""))
        self.assertRegex(done.out, rf"(?m)^{SN} +2 +1 +1 +1 +4 +1\.2 +fp 3 of 4$")
        self.assertRegex(
            done.out, rf"(?m)^{SN} +7 +fingerprint 0 +made with thbio1.0, and it reads thbio3.0$"
        )
        self.assertIn("tfserver apply p1 --follow", done.out)
        asked = self.stub.asked[0].body
        self.assertEqual(
            (asked["groups"], asked["sites"], asked["foreign"]), (["staff"], ["Lisbon"], "remove")
        )
        self.assertNotIn("terminals", asked)

    def test_well(self) -> None:
        """Where everything can be done the exit code is 0, and no steps are asked for."""
        self.answer(plan("ready", head(refused=0)))
        self.assertEqual(self.ask("plan", "--terminal", SN).status, 0)
        self.assertEqual([asked.path for asked in self.stub.asked if "terminals" in asked.path], [])

    def test_reading(self) -> None:
        """While terminals are read it waits."""
        self.answer(plan(), REFUSED)
        self.stub.on("POST /sync/plan", Answer(202, plan("reading")))
        self.stub.on("GET /sync/plans/p1", plan("reading"), plan("reading"), plan())
        self.assertIn("is ready", self.ask("plan", "--tag", "gate").out)

    def test_pages(self) -> None:
        """All terminals come along, page after page, and all refusals."""
        self.answer(plan("ready", head()))
        pages = [plan("ready", head(), next=SN), plan("ready", head("ZZ", refused=0))]
        self.stub.on("GET /sync/plans/p1", *pages)
        more = [
            {"terminal": head(), "steps": [REFUSED], "next": 5},
            {"terminal": head(), "steps": [], "next": None},
        ]
        self.stub.on(f"GET /sync/plans/p1/terminals/{SN}", *more)
        found = self.ask("plan", "--tag", "gate", "--json").json
        self.assertEqual([one["sn"] for one in found["terminals"]], [SN, "ZZ"])
        self.assertEqual([one["n"] for one in found["refusals"]], [5])

    def test_nothing_named(self) -> None:
        """Terminals have to be named; nothing is asked else."""
        self.assertEqual(self.ask("plan").status, 2)
        self.assertEqual(self.stub.asked, [])

    def test_trouble(self) -> None:
        """A terminal that could not be planned makes the exit code 1, with why."""
        self.answer(plan("ready", head(refused=0, problem="its list could not be read")))
        done = self.ask("plan", "--terminal", SN)
        self.assertEqual(done.status, 1)
        self.assertIn("its list could not be read", done.out)


class ApplyTests(PlanCase):
    """Carrying out."""

    def setUp(self) -> None:
        super().setUp()
        self.running = {"id": "p1", "state": "applying", "begun": "x", "ended": None, "terminals": 1}
        self.stub.on("POST /sync/apply", Answer(202, self.running))

    def test_stopped(self) -> None:
        """One that is under way is stopped; nothing is begun."""
        self.stub.on("DELETE /sync/plans/p1", Answer(202, {**self.running, "state": "cancelled"}))
        done = self.ask("apply", "p1", "--stop")
        self.assertEqual((done.status, done.out, self.only().method), (0, "p1: cancelled\n", "DELETE"))

    def test_confirmed(self) -> None:
        """Removing people of others is said twice."""
        self.ask("apply", "p1", "--confirm", "p1")
        self.assertEqual(self.only().body, {"plan": "p1", "confirm": "p1"})

    def test_begun(self) -> None:
        """Without waiting it only begins."""
        done = self.ask("apply", "p1")
        self.assertEqual((done.status, done.out), (0, "p1: applying\n"))
        self.assertEqual(self.only().body, {"plan": "p1"})

    def test_followed(self) -> None:
        """It waits for the end, and all went well."""
        over = plan("done", head(refused=0, counts={"done": 4}), begun="x")
        self.stub.on("GET /sync/plans/p1", plan("applying"), plan("ready"), over)
        done = self.ask("apply", "p1", "--follow")
        self.assertEqual(done.status, 0, done.err)
        self.assertRegex(done.out, rf"(?m)^{SN} +4 +0 +0 +0 +0$")

    def test_not_all(self) -> None:
        """What failed is told with its words, and makes the exit code 1."""
        over = plan("done", head(refused=0, counts={"done": 3, "failed": 1}), begun="x")
        self.stub.on("GET /sync/plans/p1", over)
        steps = [step(1, state="done"), step(2, state="failed", told="it said true and did not keep it")]
        page = {"terminal": head(), "steps": steps, "next": None}
        self.stub.on(f"GET /sync/plans/p1/terminals/{SN}", page)
        done = self.ask("apply", "p1", "--follow")
        self.assertEqual(done.status, 1)
        self.assertEqual(done.out.count("did not keep it"), 1)

    def test_refused(self) -> None:
        """A plan that can't be applied is said."""
        self.stub.on("POST /sync/apply", problem(409, "the plan is cancelled"))
        self.assertEqual(self.ask("apply", "p1", "--follow").status, 1)


class PlansTests(PlanCase):
    """Looking at plans."""

    def test_list(self) -> None:
        """A line for each."""
        row = {**{k: plan()[k] for k in ("id", "state", "made", "actor", "why")}, "terminals": 3}
        self.stub.on("GET /sync/plans", {"plans": [row], "next": None})
        self.assertRegex(self.ask("plans").out, r"(?m)^p1 +ready +2026-04-02T07:00:00.000Z +3 +token o$")

    def test_show(self) -> None:
        """One, and one terminal of it step by step."""
        self.stub.on("GET /sync/plans/p1", plan())
        self.assertIn("plan p1 is ready", self.ask("plans", "show", "p1").out)
        page = {"terminal": head(), "steps": [step(1)], "next": None}
        self.stub.on(f"GET /sync/plans/p1/terminals/{SN}", page)
        self.assertRegex(self.ask("plans", "show", "p1", SN).out, r"(?m)^1 +credential +7 +fingerprint 0")


class DifferencesTests(StubCase):
    """How a terminal differs."""

    def person(self, enrollid: int, state: str, **changed: Any) -> dict[str, Any]:
        """Somebody there."""
        card = {
            "backupnum": 11,
            "label": "card",
            "state": state,
            "proof": "known",
            "recognised": "",
            "why": "",
        }
        found = {
            "enrollid": enrollid,
            "state": state,
            "ours": True,
            "differs": [],
            "credentials": [card],
            "why": "",
        }
        return {**found, **changed}

    def test_told(self) -> None:
        """Those who differ are told, page after page; exit code 1."""
        path = f"GET /terminals/{SN}/differences"
        first = {"read": None, "people": [self.person(7, "missing"), self.person(8, "same")], "next": 8}
        last = {"read": None, "people": [self.person(9, "different", differs=["name"])], "next": None}
        self.stub.on(path, first, last)
        done = self.ask("differences", SN)
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"(?m)^7 +missing +yes +card missing$")
        self.assertRegex(done.out, r"(?m)^9 +different +yes +name; card different$")
        self.assertNotRegex(done.out, r"(?m)^8 ")
        self.assertEqual([asked.query["after"] for asked in self.stub.asked], ["0", "8"])

    def test_same(self) -> None:
        """Where nothing differs the exit code is 0; ``--all`` tells of everybody."""
        page = {"read": None, "people": [self.person(8, "same")], "next": None}
        self.stub.on(f"GET /terminals/{SN}/differences", page)
        done = self.ask("differences", SN)
        self.assertEqual(done.status, 0)
        self.assertIn("nothing differs", done.out)
        self.assertRegex(self.ask("differences", SN, "--all").out, r"(?m)^8 +same")


class CapacityTests(StubCase):
    """How full terminals are."""

    def test_fleet(self) -> None:
        """A line for each kind of each terminal; one that is nearly full makes the exit code 1."""
        full = {"user": {"size": 100, "used": 95, "free": 5}, "fp": {"size": 0, "used": 0, "free": 0}}
        self.stub.on("GET /terminals", {"terminals": [terminal(SN, capacity=full)], "next": None})
        done = self.ask("capacity")
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, rf"(?m)^{SN} +user +95 +100 +5 +95 +attention$")
        self.assertNotIn("fp", done.out)
        self.stub.on("GET /terminals", {"terminals": [terminal(SN)], "next": None})
        self.assertEqual(self.ask("capacity").status, 0)
        self.assertIn("nothing is that full", self.ask("capacity", "--full").out)

    def test_one(self) -> None:
        """Of one terminal also when it will be full, and who could leave it."""
        room = {
            "size": 100,
            "used": 80,
            "free": 20,
            "coming": 3,
            "a_day": 2.0,
            "full_in_days": 8.5,
            "history": [],
        }
        leaver = {"enrollid": 7, "why": "expired", "since": "2026-01-01", "credentials": 2}
        found = {"sn": SN, "read": None, "kinds": {"user": room}, "removable": [leaver]}
        self.stub.on(f"GET /terminals/{SN}/capacity", found)
        done = self.ask("capacity", SN, "--unseen-days", "30")
        self.assertEqual((done.status, self.only().query), (0, {"unseen_days": "30"}))
        self.assertRegex(done.out, r"(?m)^user +80 +100 +20 +3 +80 +8 days$")
        self.assertRegex(done.out, r"(?m)^7 +expired +2026-01-01 +2$")
