"""``/enrolments``: beginning, seeing and stopping them, over a desk that stands in."""

from __future__ import annotations

from typing import Any

from tests.gateway.stand_ins import Face
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, PagesCase
from tests.web.people import an_enrolment
from tests.web.samples import ORDER_ID, SN
from tfserver import commander
from tfserver.model import Terminal
from tfserver.people.enrolling import NewEnrolment
from tfserver.store.people.enrolments import EnrolmentState
from tfserver.web.routes import ROUTES
from tfserver.web.site import Pages
from tfserver.web.tables.enrolments import ENROLMENTS

PATH = "/api/v1/enrolments"
ONE = f"{PATH}/{ORDER_ID}"
WANTED: dict[str, Any] = {"sn": SN, "enrollid": 7, "backupnum": 0}


class EnrolmentTests(PagesCase):
    """All four routes."""

    def setUp(self) -> None:
        """One enrolment at a terminal in the north."""
        super().setUp()
        self.desk = Face(
            begin=an_enrolment(state=EnrolmentState.ASKED, scans=0),
            get=lambda enrolment_id: an_enrolment() if enrolment_id == ORDER_ID else None,
            listing=([an_enrolment(), an_enrolment(id="other", sn="SOUTH")], "5"),
            cancel=an_enrolment(cancelling=True),
        )
        self.people.enrolments = self.desk
        self.with_terminals(Terminal(SN, site="north"), Terminal("SOUTH", site="south"))
        known = {(route.method, route.path) for route in ROUTES}
        more = [route for route in ENROLMENTS if (route.method, route.path) not in known]
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, [*ROUTES, *more])
        self.site = self.pages.site()

    def test_begun(self) -> None:
        """It is begun in the name of who asks, and told where to look; the audit has no name of a person."""
        answer = self.post(PATH, {**WANTED, "name": "Ines M", "admin": 1, "seconds": 60}, Idempotency_Key="k")
        self.assertEqual((answer.status, answer.headers["location"]), (202, ONE), answer.raw)
        self.assertEqual(answer.body["state"], "asked")
        [given] = self.desk.asked("begin")
        self.assertEqual(given, (NewEnrolment(SN, 7, 0, "Ines M", 1, 60), "token o", "o:k"))
        [noted] = self.audit.asked("write")
        self.assertEqual(noted[:4], ("token o", "begin_enrolment", SN, "done"))
        self.assertNotIn("Ines", str(noted))

    def test_left_out(self) -> None:
        """Without more it has two minutes, and the directory says the rest."""
        self.post(PATH, WANTED)
        self.assertEqual(self.desk.asked("begin")[0][0], NewEnrolment(SN, 7, 0, None, None, 120))

    def test_wrong(self) -> None:
        """Wrong input names its field, and nothing is begun."""
        for change, field in (
            ({"sn": "a b"}, "sn"),
            ({"enrollid": 0}, "enrollid"),
            ({"backupnum": "x"}, "backupnum"),
            ({"seconds": 9}, "seconds"),
            ({"seconds": 601}, "seconds"),
            ({"admin": 3}, "admin"),
            ({"record": "x"}, "record"),
        ):
            self.assert_problem(self.post(PATH, {**WANTED, **change}), 422, field)
        self.assertEqual(self.desk.calls, [])

    def test_refused(self) -> None:
        """What can't be begun is told with its status."""
        for refused, status, fields in (
            (commander.UnknownTerminal("no"), 404, ()),
            (commander.NotNow("takes 10, has 10"), 409, ()),
            (commander.BadOrder("x", [("name", "expected none")]), 422, ("name",)),
            (commander.KeyReused("no"), 422, ()),
        ):
            self.desk.given["begin"] = refused
            answer = self.post(PATH, WANTED)
            self.assert_problem(answer, status, *fields)
            self.assertEqual(answer.body["detail"], str(refused))

    def test_seen(self) -> None:
        """One, and all of them by page and by terminal."""
        answer = self.get(ONE)
        self.assertEqual((answer.status, answer.body["scans"]), (200, 2))
        self.assertNotIn("name", answer.body)
        self.assert_problem(self.get(f"{PATH}/none"), 404)
        answer = self.get(f"{PATH}?sn={SN}&limit=2&cursor=9")
        self.assertEqual(len(answer.body["enrolments"]), 2)
        self.assertEqual((answer.body["next"], self.desk.asked("listing")), ("5", [(SN, 2, "9")]))

    def test_stopped(self) -> None:
        """It is being stopped; one that has ended is not, and one that is not there is not found."""
        answer = self.delete(ONE, OPERATOR)
        self.assertEqual((answer.status, answer.body["cancelling"]), (200, True))
        self.desk.given["cancel"] = commander.NotNow("it is done")
        self.assert_problem(self.delete(ONE, OPERATOR), 409)
        self.assert_problem(self.delete(f"{PATH}/none", OPERATOR), 404)
        self.assertEqual(self.desk.asked("cancel"), [(ORDER_ID,)] * 2)

    def test_roles(self) -> None:
        """Readers look on."""
        for answer in (self.post(PATH, WANTED, READER), self.delete(ONE, READER)):
            self.assert_problem(answer, 403)
        self.assertEqual(self.get(ONE, READER).status, 200)

    def test_sites(self) -> None:
        """Who is bound to sites reaches enrolments at their terminals only."""
        self.accept_bound()
        self.assertEqual(self.get(ONE, BOUND).status, 200)
        self.assertEqual([one["sn"] for one in self.get(PATH, BOUND).body["enrolments"]], [SN])
        self.assert_problem(self.post(PATH, {**WANTED, "sn": "SOUTH"}, BOUND), 404)
        self.desk.given["get"] = an_enrolment(sn="SOUTH")
        self.assert_problem(self.get(ONE, BOUND), 404)
        self.assert_problem(self.delete(ONE, BOUND), 404)
        self.assertEqual((self.desk.asked("begin"), self.desk.asked("cancel")), ([], []))
        self.assertEqual(self.get(ONE, ADMIN).status, 200)

    def accept_bound(self) -> None:
        """The token of the north and the east is one of those accepted."""
        self.assertIn(BOUND, self.accepted)
