"""``/sync/plans`` and ``/terminals/{sn}/differences``: what is to be done, and how terminals differ."""

from __future__ import annotations

from tests.gateway.stand_ins import Face
from tests.web.in_memory import BOUND, READER, PagesCase
from tests.web.plans import a_head, a_plan, a_refusal, a_step, differences
from tests.web.samples import ORDER_ID, SN
from tfserver.model import Terminal
from tfserver.people.planner import BadScope
from tfserver.plan import (
    Options,
    PlanState,
    Scope,
)
from tfserver.web.site import Pages
from tfserver.web.tables.sync import SYNC

PATH = "/api/v1/sync/plan"
PLANS = "/api/v1/sync/plans"


class SyncTests(PagesCase):
    """Over a planner that makes what it is given."""

    def setUp(self) -> None:
        """One plan of two terminals."""
        super().setUp()
        heads = [a_head(), a_head("ZZ9", items=0, refused=0, minutes=0.0, problem="never read", counts={})]
        self.plans = Face(get=lambda plan_id: a_plan(SN, "ZZ9") if plan_id == ORDER_ID else None)
        self.plans.given.update(terminals=heads, listing=([a_plan(SN)], "5"), items=[a_step(), a_refusal()])
        self.plans.given["terminal"] = lambda _, sn: a_head() if sn == SN else None
        self.planner = Face(plan=a_plan(SN, "ZZ9"), differences=differences())
        self.planner.__dict__["plans"] = self.plans
        self.people.__dict__["planning"] = self.planner
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, SYNC)
        self.site = self.pages.site()
        self.with_terminals(Terminal(SN, site="north"))

    def test_planned(self) -> None:
        """A plan is made for what is named, and shown with its terminals and all of them together."""
        body = {"sites": ["north"], "tags": ["gate"], "verify": "list", "foreign": "remove"}
        answer = self.post(PATH, body)
        self.assertEqual(answer.status, 201, answer.raw)
        self.assertEqual(answer.headers["location"], f"{PLANS}/{ORDER_ID}")
        expected = (Scope(sites=("north",), tags=("gate",)), Options("remove", "list"), "token o")
        self.assertEqual(self.planner.asked("plan"), [expected])
        totals = answer.body["totals"]
        self.assertEqual((totals["terminals"], totals["unplanned"], totals["minutes"]), (2, 1, 0.5))
        self.assertEqual((totals["items"], totals["counts"]), (1, {"planned": 1}))
        self.assertEqual([one["sn"] for one in answer.body["terminals"]], [SN, "ZZ9"])
        self.assertEqual(self.noted(), [("token o", "plan_sync", "", "done")])

    def test_reading(self) -> None:
        """While terminals are read the answer is that it is to come."""
        self.planner.given["plan"] = a_plan(SN, state=PlanState.READING)
        self.assertEqual(self.post(PATH, {"terminals": [SN], "read": "always"}).status, 202)

    def test_wrong(self) -> None:
        """Wrong input names its field, and makes no plan."""
        for body, field in (
            ({"terminals": ["a b"]}, "terminals[0]"),
            ({"foreign": "perhaps"}, "foreign"),
            ({"read": True}, "read"),
            ({"groups": ["a b"]}, "groups[0]"),
            ({"site": "north"}, "site"),
        ):
            self.assert_problem(self.post(PATH, body), 422, field)
        self.assertEqual(self.planner.calls, [])
        self.planner.given["plan"] = BadScope("groups", "no group is called 'x'")
        self.assert_problem(self.post(PATH, {"groups": ["x"]}), 422, "groups")

    def test_who_may(self) -> None:
        """Readers see plans and make none; a token of some sites sees none of them."""
        self.assertEqual(self.post(PATH, {}, READER).status, 403)
        self.assertEqual(self.get(PLANS).status, 200)
        for path in (PLANS, f"{PLANS}/{ORDER_ID}", f"{PLANS}/{ORDER_ID}/terminals/{SN}"):
            self.assertEqual(self.get(path, BOUND).status, 403)

    def test_listed(self) -> None:
        """Plans come in pages, without their terminals."""
        body = self.get(f"{PLANS}?limit=5&cursor=9").body
        self.assertEqual((body["next"], body["plans"][0]["terminals"]), ("5", 1))
        self.assertEqual(self.plans.asked("listing"), [(5, "9")])

    def test_one(self) -> None:
        """The terminals of a plan come in pages, by their serial numbers; the totals are those of all."""
        first = self.get(f"{PLANS}/{ORDER_ID}?limit=1").body
        self.assertEqual(([one["sn"] for one in first["terminals"]], first["next"]), ([SN], SN))
        second = self.get(f"{PLANS}/{ORDER_ID}?limit=1&cursor={SN}").body
        self.assertEqual(([one["sn"] for one in second["terminals"]], second["next"]), (["ZZ9"], None))
        self.assertEqual(first["totals"], second["totals"])
        self.assert_problem(self.get(f"{PLANS}/other"), 404)

    def test_steps(self) -> None:
        """Steps tell what came of them, and what can't be done why."""
        body = self.get(f"{PLANS}/{ORDER_ID}/terminals/{SN}?after=0&limit=2").body
        done, refused = body["steps"]
        self.assertEqual((done["state"], done["label"], done["command"]), ("done", "card", "o1"))
        self.assertEqual(done["at"], "2026-04-02T08:15:04.000Z")
        self.assertEqual((refused["reason"], refused["told"]), ("fpalgo", "made with thbio1.0"))
        self.assertEqual((refused["command"], refused["at"], body["next"]), (None, None, None))
        self.plans.given["items"] = [a_step()]
        self.assertEqual(self.get(f"{PLANS}/{ORDER_ID}/terminals/{SN}?limit=1").body["next"], 1)
        self.assertEqual(self.plans.asked("items"), [(ORDER_ID, SN, 0, 2), (ORDER_ID, SN, 0, 1)])
        self.assert_problem(self.get(f"{PLANS}/{ORDER_ID}/terminals/T9"), 404)
        self.assert_problem(self.get(f"{PLANS}/{ORDER_ID}/terminals/{SN}?after=-1"), 422, "after")

    def test_differences(self) -> None:
        """People come in pages, with how far each slot is proven, and when the list was read."""
        path = f"/api/v1/terminals/{SN}/differences"
        body = self.get(f"{path}?after=3&limit=1").body
        self.assertEqual((body["read"], body["next"]), ("2026-04-02T08:15:04.000Z", 7))
        [person] = body["people"]
        self.assertEqual((person["state"], person["credentials"][0]["proof"]), ("missing", "known"))
        self.assertEqual(self.planner.asked("differences"), [(SN, 3, 1)])
        self.planner.given["differences"] = None
        self.assert_problem(self.get(path), 404)

    def test_differences_elsewhere(self) -> None:
        """A token of other sites does not find the terminal."""
        self.with_terminals(Terminal(SN, site="south"))
        self.assert_problem(self.get(f"/api/v1/terminals/{SN}/differences", BOUND), 404)
        self.assertEqual(self.planner.calls, [])
