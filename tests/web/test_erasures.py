"""Forgetting people over HTTP."""

from __future__ import annotations

from typing import Any

from tests.gateway.stand_ins import Face
from tests.web.erased import ID, PLACE, TOLD
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, Answer, PagesCase
from tfserver.errors import StoreUnavailable
from tfserver.people.retaining import Due
from tfserver.store.people.erasures import Report, Summary
from tfserver.web.routes import ROUTES
from tfserver.web.site import Pages
from tfserver.web.tables.erasures import ERASURES

BODY = {"enrollid": 7, "reason": "asked", "confirm": "7"}


class ErasureCase(PagesCase):
    """The routes over stand-ins."""

    def setUp(self) -> None:
        """One erasure."""
        super().setUp()
        report = Report(**TOLD, places=[PLACE])
        self.desk = Face(
            order=report,
            get=lambda erasure_id: report if erasure_id == ID else None,
            listing=([Summary(**TOLD)], None),
        )
        self.retaining = Face(due=[Due(7, "2026-01-01", 40)])
        faces: Any = self.people
        faces.erasures, faces.privacy = self.desk, self.retaining
        known = {(route.method, route.path) for route in ROUTES}
        more = [route for route in ERASURES if (route.method, route.path) not in known]
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, [*ROUTES, *more])
        self.site = self.pages.site()

    def order(self, token: str = ADMIN, **changes: Any) -> Answer:
        """Order an erasure."""
        return self.post("/api/v1/erasures", {**BODY, **changes}, token)


class ErasureTests(ErasureCase):
    """Who may ask what, and what comes."""

    def test_ordered(self) -> None:
        """It is accepted, with the place of its report; the actor is who asked."""
        answer = self.order()
        self.assertEqual((answer.status, answer.body["id"]), (202, ID))
        self.assertEqual(answer.headers["location"], f"/api/v1/erasures/{ID}")
        [(enrollid, reason, actor, _)] = self.desk.asked("order")
        self.assertEqual((enrollid, reason), (7, "asked"))
        self.assertIn("Ana", actor)
        self.assertEqual(self.noted(), [])

    def test_confirmed(self) -> None:
        """Without the number said twice, alike, nothing is erased."""
        self.assert_problem(self.order(confirm="8"), 422, "confirm")
        self.assert_problem(
            self.post("/api/v1/erasures", {"enrollid": 7, "reason": "x"}, ADMIN), 422, "confirm"
        )
        self.assertEqual(self.desk.asked("order"), [])

    def test_bad_input(self) -> None:
        """Numbers that are nobody's, reasons that are none or too long, and other fields are refused."""
        for changes, field in (
            ({"enrollid": 0, "confirm": "0"}, "enrollid"),
            ({"enrollid": 99999999, "confirm": "99999999"}, "enrollid"),
            ({"enrollid": 10**15}, "enrollid"),
            ({"reason": ""}, "reason"),
            ({"reason": "x" * 501}, "reason"),
            ({"name": "x"}, "name"),
        ):
            with self.subTest(changes=changes):
                self.assert_problem(self.order(**changes), 422, field)
        self.assertEqual(self.desk.asked("order"), [])

    def test_roles(self) -> None:
        """Only administrators order it, and operators read of it; nobody whose token is bound to sites."""
        for token, status in ((OPERATOR, 403), (READER, 403), (BOUND, 403)):
            self.assertEqual(self.order(token).status, status)
        self.assertEqual(self.desk.asked("order"), [])
        for path in ("/erasures", f"/erasures/{ID}", "/erasures/due"):
            for token, status in ((OPERATOR, 200), (READER, 403), (BOUND, 403)):
                self.assertEqual(self.get(f"/api/v1{path}", token).status, status, path)

    def test_report(self) -> None:
        """The report names each place; what is not there is not found."""
        answer = self.get(f"/api/v1/erasures/{ID}", OPERATOR)
        self.assertEqual(answer.body["places"], [
            {"place": "terminal", "sn": "T1", "state": "open", "at": None, "told": "", "proof": ""}
        ])  # fmt: skip
        self.assertEqual(list(answer.body)[-1], "sha256")
        self.assert_problem(self.get("/api/v1/erasures/e9", OPERATOR), 404)

    def test_list(self) -> None:
        """The list has no places, only how many there are."""
        answer = self.get("/api/v1/erasures?limit=3", OPERATOR)
        self.assertEqual(answer.body, {"erasures": [TOLD], "next": None})
        self.assertEqual(self.desk.asked("listing"), [(3, "")])

    def test_due(self) -> None:
        """People whose validity has ended come page by page."""
        answer = self.get("/api/v1/erasures/due?days=30&limit=1", OPERATOR)
        told = {"enrollid": 7, "until": "2026-01-01", "days": 40}
        self.assertEqual(answer.body, {"people": [told], "next": None})
        self.assertEqual(self.retaining.asked("due"), [(30, 0, 2)])
        self.retaining.given["due"] = [Due(7, "2026-01-01", 40), Due(8, "2026-01-01", 40)]
        self.assertEqual(self.get("/api/v1/erasures/due?limit=1", OPERATOR).body["next"], "7")
        self.assert_problem(self.get("/api/v1/erasures/due?cursor=x", OPERATOR), 422, "cursor")

    def test_store_away(self) -> None:
        """Whether it was taken is not known then, and that is said."""
        self.desk.given["order"] = StoreUnavailable("no answer")
        self.assert_problem(self.order(), 503)
        self.assertEqual([outcome[:7] for *_, outcome in self.noted()], ["unknown"])
