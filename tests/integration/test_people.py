"""People on terminals, from end to end: real servers and terminals of all three dialects."""

from __future__ import annotations

from typing import Any

from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until
from tfserver.store.errands import LEASE_MS

DIALECTS = ("classic", "documented", "aiface")
CARD, PASSWORD = 11, 10
PEOPLE = range(101, 109)


class PeopleScene(Scene):
    """Two servers on one store, a terminal of each dialect with five people of its own, and a group."""

    def setUp(self) -> None:
        redis = self.store()
        self.one = self.server(*OPEN, store=redis)
        self.two = self.server(*OPEN, store=redis)
        self.simulators = {dialect: self.terminal(dialect) for dialect in DIALECTS}
        self.sns = [f"T{dialect[0].upper()}00000001" for dialect in DIALECTS]
        wait_until(self.are_online, "all terminals are online")
        self.put("/groups/staff", {"everywhere": True})
        for enrollid in PEOPLE:
            self.put(f"/users/{enrollid}", {"name": f"Person {enrollid}", "groups": ["staff"]})
            self.put(f"/users/{enrollid}/credentials/{CARD}", {"record": 4_000_000_000 + enrollid})
            self.put(f"/users/{enrollid}/credentials/{PASSWORD}", {"record": 1000 + enrollid})

    def terminal(self, dialect: str, *options: str) -> RealSimulator:
        """One that pushes no punches, and writes down what it holds."""
        usual = ("--terminals", "1", "--dialect", dialect, "--people", "5", "--rate", "0", "--seconds", "600")
        simulator = RealSimulator(self.two.url, *usual, "--sn-prefix", f"T{dialect[0].upper()}", *options)
        self.addCleanup(simulator.remove)
        return simulator.write_holds().start()

    def are_online(self) -> bool:
        """Whether the servers see all of them."""
        found = self.one.get("/terminals?state=online")[1]["terminals"]
        return {one["sn"] for one in found} == set(self.sns)

    def put(self, path: str, body: dict[str, Any]) -> None:
        """A PUT that has to succeed."""
        status, answer = self.one.put(path, body)
        self.assertEqual(status, 200, answer)

    def planned(self, server: PlacedServer, **wanted: Any) -> dict[str, Any]:
        """A plan for all terminals, as soon as it is made."""
        status, plan = server.post("/sync/plan", {"terminals": self.sns, "read": "always", **wanted})
        self.assertIn(status, (201, 202), plan)
        return self.until(server, plan["id"], "ready")

    def until(self, server: PlacedServer, plan_id: str, state: str, seconds: float = 20) -> dict[str, Any]:
        """A plan as it is when it is so far."""
        plan: dict[str, Any] = {}

        def is_so() -> bool:
            plan.update(server.get(f"/sync/plans/{plan_id}")[1])
            return bool(plan["state"] == state)

        wait_until(is_so, f"the plan is {state}", seconds)
        return plan

    def held(self, dialect: str) -> dict[int, set[int]]:
        """Which slots of whom a terminal has, as it says itself."""
        [people] = self.simulators[dialect].holds().values()
        return {int(one): set(map(int, told["credentials"])) for one, told in people.items()}


class SyncTests(PeopleScene):
    """From a plan to terminals that have everybody."""

    def test_everybody(self) -> None:
        """What was planned is there afterwards, nobody of theirs is gone, and a second plan is empty."""
        before = {dialect: self.held(dialect) for dialect in DIALECTS}
        plan = self.planned(self.one)
        self.assertEqual(plan["totals"]["ops"], {"credential": 3 * 2 * len(PEOPLE)})
        status, begun = self.one.post("/sync/apply", {"plan": plan["id"]})
        self.assertEqual((status, begun["state"]), (202, "applying"))
        done = self.until(self.two, plan["id"], "done")
        self.assertEqual(done["totals"]["counts"], {"done": plan["totals"]["items"]})
        for dialect in DIALECTS:
            self.assertEqual(
                self.held(dialect), {**before[dialect], **{one: {CARD, PASSWORD} for one in PEOPLE}}
            )
        again = self.planned(self.two)
        self.assertEqual((again["totals"]["items"], again["totals"]["refused"]), (0, 0))

    def test_killed(self) -> None:
        """A server that is killed over a plan is followed by the other, and all of it is done."""
        plan = self.planned(self.one)
        self.one.post("/sync/apply", {"plan": plan["id"]})
        self.one.kill()
        done = self.until(self.two, plan["id"], "done", LEASE_MS / 1000 + 20)
        self.assertEqual(done["totals"]["counts"], {"done": plan["totals"]["items"]})
        self.assertEqual(self.planned(self.two)["totals"]["items"], 0)
