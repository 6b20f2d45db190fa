"""``/sync/apply`` and stopping a plan: who may, what has to be confirmed, and what is told."""

from __future__ import annotations

from typing import Any

from tests.gateway.stand_ins import Face
from tests.web.in_memory import BOUND, READER, PagesCase
from tests.web.plans import a_head, a_plan
from tests.web.samples import ORDER_ID, SN
from tfserver.people.applying import NotRunning, UnknownPlan
from tfserver.plan import Options, PlanState
from tfserver.store.people.plans import NotReady
from tfserver.web.site import Pages
from tfserver.web.tables.applying import APPLYING

PATH = "/api/v1/sync/apply"
PLAN = f"/api/v1/sync/plans/{ORDER_ID}"


class ApplyTests(PagesCase):
    """Over plans and a part that carries them out, which do what they are given."""

    def setUp(self) -> None:
        """One plan that is ready."""
        super().setUp()
        self.given: Any = a_plan(SN)
        self.plans = Face(get=lambda plan_id: self.given if plan_id == ORDER_ID else None)
        self.plans.given["terminals"] = [a_head()]
        begun, stopped = (a_plan(SN, state=state) for state in (PlanState.APPLYING, PlanState.CANCELLED))
        self.applying = Face(begin=begun, give_up=stopped)
        self.people.__dict__["planning"] = Face()
        self.people.planning.__dict__["plans"] = self.plans
        self.people.__dict__["applying"] = self.applying
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, APPLYING)
        self.site = self.pages.site()

    def removing(self, **ops: int) -> None:
        """The plan also removes people that this server did not put there."""
        told = {name: getattr(self.given, name) for name in self.given.__struct_fields__}
        self.given = type(self.given)(**{**told, "options": Options(foreign="remove")})
        self.plans.given["terminals"] = [a_head(ops=ops)]

    def test_begun(self) -> None:
        """A plan is begun in the name of who asks, and it is told where to look."""
        answer = self.post(PATH, {"plan": ORDER_ID})
        self.assertEqual((answer.status, answer.headers["location"]), (202, PLAN), answer.raw)
        self.assertEqual((answer.body["state"], answer.body["terminals"]), ("applying", 1))
        self.assertEqual(self.applying.asked("begin"), [(ORDER_ID, "token o")])
        self.assertEqual(self.noted(), [("token o", "apply_plan", "", "done")])

    def test_removes_strangers(self) -> None:
        """What removes people that this server did not put there needs the plan's id once more."""
        self.removing(remove=1)
        for confirm in ({}, {"confirm": "yes"}):
            answer = self.post(PATH, {"plan": ORDER_ID, **confirm})
            self.assertEqual(
                (answer.status, [one["field"] for one in answer.body["errors"]]), (422, ["confirm"])
            )
        self.assertEqual(self.applying.asked("begin"), [])
        self.assertEqual(self.post(PATH, {"plan": ORDER_ID, "confirm": ORDER_ID}).status, 202)

    def test_removes_nobody(self) -> None:
        """Where nothing is removed nothing has to be confirmed."""
        self.removing(credential=3)
        self.assertEqual(self.post(PATH, {"plan": ORDER_ID}).status, 202)

    def test_not_begun(self) -> None:
        """A plan that is not there, or not ready, is not begun."""
        self.assertEqual(self.post(PATH, {"plan": "other"}).status, 404)
        self.applying.given["begin"] = NotReady("the plan was begun before")
        answer = self.post(PATH, {"plan": ORDER_ID})
        self.assertEqual((answer.status, answer.body["detail"]), (409, "the plan was begun before"))
        self.applying.given["begin"] = UnknownPlan("gone")
        self.assertEqual(self.post(PATH, {"plan": ORDER_ID}).status, 404)

    def test_wrong(self) -> None:
        """Wrong input names its field."""
        answer = self.post(PATH, {"plan": "not an id"})
        self.assertEqual((answer.status, answer.body["errors"][0]["field"]), (422, "plan"))

    def test_stopped(self) -> None:
        """A plan that is being carried out is stopped."""
        answer = self.delete(PLAN)
        self.assertEqual((answer.status, answer.body["state"]), (202, "cancelled"))
        self.assertEqual(self.applying.asked("give_up"), [(ORDER_ID,)])
        self.assertEqual(self.noted(), [("token a (Ana)", "stop_plan", "", "done")])

    def test_not_stopped(self) -> None:
        """One that is not is left as it is."""
        self.applying.given["give_up"] = NotRunning("the plan is done")
        self.assertEqual(self.delete(PLAN).status, 409)
        self.applying.given["give_up"] = UnknownPlan("gone")
        self.assertEqual(self.delete(PLAN).status, 404)

    def test_who(self) -> None:
        """Readers may not, nor tokens that are bound to sites."""
        for token in (READER, BOUND):
            self.assertEqual(self.post(PATH, {"plan": ORDER_ID}, token=token).status, 403)
            self.assertEqual(self.delete(PLAN, token=token).status, 403)
