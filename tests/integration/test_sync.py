"""Plans on real processes: people get to terminals of three dialects, over kills and absences."""

from __future__ import annotations

from typing import Any

from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until
from tfserver.people.carrying.steps import NOT_KEPT

SETTINGS = "terminals: {timezone: UTC}\ncatchup: {enabled: false}\npeople: {converge_seconds: 1}\n"
LONG = 60.0
PASSWORD, CARD = 10, 11


class SyncScene(Scene):
    """One process, and a terminal of each dialect with nobody on it."""

    timeout = 180

    def begin(self, *options: str, terminals: int = 3) -> RealSimulator:
        """Everything runs, and every terminal is online."""
        self.redis = self.store()
        self.here = self.process("here")
        usual = ("--terminals", str(terminals), "--dialect", "mixed", "--users", "0", "--rate", "0")
        simulator = RealSimulator(self.here.url, *usual, *options).write_obeyed().write_holds()
        self.addCleanup(simulator.remove)
        simulator.start()
        wait_until(lambda: len(self.online()) == terminals, "the terminals are online")
        return simulator

    def process(self, name: str) -> PlacedServer:
        """A running process."""
        return self.server("-c", self.file("s.yaml", SETTINGS), *OPEN, "--instance", name, store=self.redis)

    def online(self, server: PlacedServer | None = None) -> list[str]:
        """The terminals that are online."""
        status, body = (server or self.here).get("/terminals?state=online&limit=100")
        return [one["sn"] for one in body["terminals"]] if status == 200 else []

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """What the process answers, which has to be this status."""
        ask = getattr(self.here, method)
        found, answer = ask(path) if body is None else ask(path, body)
        self.assertEqual(found, status, answer)
        return answer

    def enter(self, count: int, **group: Any) -> None:
        """So many people of a group that belongs everywhere, each with a password and a card."""
        self.ask("put", "/groups/staff", {"everywhere": True, **group})
        for number in range(1, count + 1):
            self.ask("put", f"/users/{number}", {"name": f"Person {number}", "groups": ["staff"]})
            self.ask("put", f"/users/{number}/credentials/{CARD}", {"record": str(7000 + number)})
            self.ask("put", f"/users/{number}/credentials/{PASSWORD}", {"record": str(1000 + number)})

    def plan(self, **options: Any) -> dict[str, Any]:
        """A plan for all terminals, once it is made."""
        status, made = self.here.post("/sync/plan", {"groups": ["staff"], **options})
        self.assertIn(status, (201, 202), made)
        wait_until(lambda: self.look(made["id"])["state"] == "ready", "the plan is made", LONG)
        return self.look(made["id"])

    def look(self, plan_id: str) -> dict[str, Any]:
        """A plan as it is."""
        found: dict[str, Any] = self.ask("get", f"/sync/plans/{plan_id}")
        return found

    def apply(self, plan: dict[str, Any], **body: Any) -> str:
        """The plan is being carried out; its id."""
        self.ask("post", "/sync/apply", {"plan": plan["id"], **body}, 202)
        return str(plan["id"])

    def done(self, plan_id: str, state: str = "done") -> dict[str, int]:
        """How many steps ended how, once all have."""
        wait_until(lambda: self.look(plan_id)["state"] == state, f"the plan is {state}", LONG)
        wait_until(lambda: self.is_still(plan_id), "every step has its end", LONG)
        counts: dict[str, int] = self.look(plan_id)["totals"]["counts"]
        return counts

    def is_still(self, plan_id: str) -> bool:
        """Whether every step of a plan has its end."""
        return not {"planned", "ordered"} & set(self.look(plan_id)["totals"]["counts"])

    def assert_there(self, simulator: RealSimulator, count: int) -> None:
        """All terminals have all these people, and nobody else."""
        wanted = {
            str(n): {str(PASSWORD): str(1000 + n), str(CARD): str(7000 + n)} for n in range(1, count + 1)
        }
        for sn, people in simulator.holds().items():
            found = {number: person["credentials"] for number, person in people.items()}
            self.assertEqual(found, wanted, sn)
            self.assertEqual({number: one["name"] for number, one in people.items()}, self.names(count), sn)

    def names(self, count: int) -> dict[str, str]:
        """How they are called."""
        return {str(n): f"Person {n}" for n in range(1, count + 1)}

    def put_count(self, sn: str) -> int:
        """How many orders there were to put a credential on a terminal."""
        found = self.ask("get", f"/terminals/{sn}/commands?limit=1000")["commands"]
        return sum(order["cmd"] == "setuserinfo" for order in found)


class SyncTests(SyncScene):
    """What terminals have in the end is read from the terminals themselves."""

    def test_three_dialects(self) -> None:
        """Everybody gets everywhere, changes follow, who leaves goes; then a plan finds nothing to do."""
        simulator = self.begin()
        self.enter(4)
        self.assertEqual(self.done(self.apply(self.plan())), {"done": 24})
        self.assert_there(simulator, 4)
        self.ask("put", "/users/1", {"name": "Person 1", "groups": ["staff"], "access": {"weekzone": 2}})
        self.ask("put", f"/users/2/credentials/{CARD}", {"record": "7999"})
        self.ask("put", "/users/3", {"name": "Another", "groups": ["staff"]})
        self.ask("put", "/users/4", {"name": "Person 4", "groups": []})
        self.assertEqual(self.done(self.apply(self.plan())), {"done": 12})
        for sn, people in simulator.holds().items():
            self.assertEqual(set(people), {"1", "2", "3"}, sn)
            self.assertEqual(people["1"]["lock"]["weekzone"], 2)
            self.assertEqual(people["2"]["credentials"][str(CARD)], "7999")
            self.assertEqual(people["3"]["name"], "Another")
        self.assertEqual(self.plan(read="always")["totals"]["items"], 0)

    def test_killed(self) -> None:
        """The process dies in the middle and comes again: no order is put twice, nothing is left out."""
        simulator = self.begin("--mood", "late=0.05:setuserinfo")
        self.enter(12)
        plan_id = self.apply(self.plan())
        wait_until(lambda: len(simulator.obeyed("setuserinfo")) > 20, "it is in the middle")
        self.here.kill()
        self.forget_leases()
        self.here.start()
        self.assertEqual(self.done(plan_id), {"done": 72})
        self.assert_there(simulator, 12)
        self.assertEqual([self.put_count(sn) for sn in self.online()], [24, 24, 24])

    def test_taken_over(self) -> None:
        """What one process was carrying out when it died another goes on with."""
        simulator = self.begin("--mood", "late=0.05:setuserinfo")
        self.enter(6)
        other = self.process("there")
        plan_id = self.apply(self.plan())
        wait_until(lambda: len(simulator.obeyed("setuserinfo")) > 10, "it is in the middle")
        other.kill()
        self.forget_leases()
        self.assertEqual(self.done(plan_id), {"done": 36})
        self.assert_there(simulator, 6)

    def forget_leases(self) -> None:
        """A test has no time to wait until it is known that a process died."""
        for name in self.redis.ask("ZRANGE tf:errands:apply 0 -1").split("\r\n"):
            if name and name[0] not in "*$":
                self.redis.ask(f'ZADD tf:errands:apply XX 1 "{name}"')

    def test_says_true(self) -> None:
        """Terminals that say true to cards and keep none: that is found out, and said."""
        simulator = self.begin("--mood", "keeps-nothing=card")
        self.enter(2)
        plan_id = self.apply(self.plan())
        self.assertEqual(self.done(plan_id), {"done": 6, "failed": 6})
        (sn, *_) = self.online()
        steps = self.ask("get", f"/sync/plans/{plan_id}/terminals/{sn}")["steps"]
        self.assertEqual({one["told"] for one in steps if one["state"] == "failed"}, {NOT_KEPT})
        self.assertEqual({str(PASSWORD)}, {*simulator.holds()[sn]["1"]["credentials"]})

    def test_away(self) -> None:
        """While the terminals are away nothing waits for them; when they are back they get everything."""
        simulator = self.begin()
        self.enter(2)
        plan = self.plan()
        simulator.leave_or_return()
        wait_until(lambda: not self.online(), "the terminals are away")
        plan_id = self.apply(plan)
        wait_until(lambda: self.is_waiting(plan_id), "the plan waits for all of them")
        self.assertEqual([self.put_count(one["sn"]) for one in self.look(plan_id)["terminals"]], [0, 0, 0])
        simulator.leave_or_return()
        self.assertEqual(self.done(plan_id), {"done": 12})
        self.assert_there(simulator, 2)

    def is_waiting(self, plan_id: str) -> bool:
        """Whether all terminals of a plan are waited for."""
        return all("offline" in one["told"] for one in self.look(plan_id)["terminals"])

    def test_stopped(self) -> None:
        """What waits when somebody stops a plan is taken back, and never done."""
        simulator = self.begin("--mood", "late=0.2:setuserinfo")
        self.enter(10)
        plan_id = self.apply(self.plan())
        wait_until(lambda: len(simulator.obeyed("setuserinfo")) > 5, "it is in the middle")
        self.ask("delete", f"/sync/plans/{plan_id}", status=202)
        counts = self.done(plan_id, "cancelled")
        self.assertEqual(counts["done"] + counts["skipped"], 60)
        there = sum(len(one["credentials"]) for each in simulator.holds().values() for one in each.values())
        self.assertEqual(there, counts["done"])

    def test_strangers(self) -> None:
        """People whom this server did not put there go only when that is confirmed."""
        simulator = self.begin("--users", "3")
        self.enter(0)
        plan = self.plan(foreign="remove")
        self.assertEqual(plan["totals"]["ops"], {"remove": 9})
        refused = self.ask("post", "/sync/apply", {"plan": plan["id"]}, 422)
        self.assertEqual([one["field"] for one in refused["errors"]], ["confirm"])
        self.assertEqual(self.done(self.apply(plan, confirm=plan["id"])), {"done": 9})
        self.assertEqual([*simulator.holds().values()], [{}, {}, {}])

    def test_continuous(self) -> None:
        """A continuous group is kept by itself: who enters it gets to the terminals, who leaves it goes."""
        simulator = self.begin()
        self.enter(2, continuous=True)
        wait_until(lambda: all(len(one) == 2 for one in simulator.holds().values()), "they are there", LONG)
        self.ask("post", "/groups/staff/members", {"remove": [1]})
        wait_until(lambda: all([*one] == ["2"] for one in simulator.holds().values()), "one has gone", LONG)
