"""``/terminals/{sn}/capacity``."""

from __future__ import annotations

from tests.web.in_memory import BOUND, PagesCase
from tests.web.people import ENROLLID
from tests.web.samples import SN
from tfserver.model import Capacity, Terminal

PATH = f"/api/v1/terminals/{SN}/capacity"


class CapacityTests(PagesCase):
    """What is told of one terminal."""

    def setUp(self) -> None:
        """A terminal with somebody who was never seen there."""
        super().setUp()
        self.with_terminals(Terminal(SN, site="north", capacity={"fp": Capacity(10, 4, 6)}))

    def test_told(self) -> None:
        """How much there is of each kind, and who could leave; no names."""
        self.people.holdings.rooms.given["coming"] = {"fp": 2}
        self.addCleanup(self.people.holdings.rooms.given.update, coming={})
        found = self.get(PATH).body
        fp = {
            "size": 10,
            "used": 4,
            "free": 4,
            "coming": 2,
            "a_day": None,
            "full_in_days": None,
            "history": [],
        }
        self.assertEqual((found["sn"], found["read"], found["kinds"]), (SN, None, {"fp": fp}))
        leaving = {"enrollid": ENROLLID, "why": "never seen here", "since": "1970-01-01", "credentials": 1}
        self.assertEqual(found["removable"], [leaving])
        self.assertEqual(self.get(f"{PATH}?limit=0").body["removable"], [])

    def test_refused(self) -> None:
        """No such terminal, one of another site, and bounds."""
        self.assert_problem(self.get(PATH.replace(SN, "NOBODY")), 404)
        self.assertEqual(self.get(PATH, BOUND).status, 200)
        self.with_terminals(Terminal(SN, site="south"))
        self.assert_problem(self.get(PATH, BOUND), 404)
        self.assert_problem(self.get(f"{PATH}?unseen_days=0"), 422, "unseen_days")
